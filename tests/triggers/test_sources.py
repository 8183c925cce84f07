"""Whoever writes the rows: imports, rollbacks, workflows, other triggers."""

from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from domain import rollbacks
from domain.changes import MAX_DEPTH
from domain.columns import ColumnType, NewColumn
from domain.entities import Import, ImportStatus
from domain.imports import ImportStart, start_import
from domain.trigger_records import ActionType, FiringStatus, Trigger
from domain.workflow_records import WorkflowCreate
from domain.workflows import create_workflow
from persistence.blobs import Blobs
from persistence.storage import PostgresStorage
from tests.imports.importing import Importer
from tests.triggers.automation import ADDED, DELETED, UPDATED, Automation
from tests.workflows.running import sequence


@pytest.fixture
def importer(automation: Automation, tmp_path: Path) -> Importer:
    """The same world with a store for files."""
    world = automation.world
    folder = tmp_path / "files"
    world.storage = PostgresStorage(world.database, lambda *_: None, Blobs.open(folder))
    return Importer(world, automation.url, folder)


async def _import(importer: Importer, table_id: UUID, rows: int, **more: Any) -> Import:
    lines = "".join(f"{number},name {number}\n" for number in range(rows))
    file = await importer.upload(f"n,name\n{lines}".encode())
    command = ImportStart(table_id, file.id, **more)
    run = await start_import(importer.world.viewer, importer.world.storage, command)
    async with importer.worker():
        done = await importer.finished(run)
    assert (done.status, done.rows_imported) == (ImportStatus.COMPLETED, rows)
    return done


async def _numbers(automation: Automation, trigger: Trigger) -> list[int]:
    found = await automation.world.database.pool.fetch(
        "SELECT (input->'data'->>'n')::int AS n FROM trigger_firing WHERE trigger_id = $1"
        " AND status = $2 ORDER BY id",
        trigger.id,
        FiringStatus.SUCCEEDED,
    )
    return [each["n"] for each in found]


@pytest.mark.parametrize("rows", [6_000, pytest.param(20_000, marks=pytest.mark.long)])
async def test_an_import_fires_for_each_of_its_rows(
    automation: Automation, importer: Importer, rows: int
) -> None:
    """nocodb#1581: an import fired nothing."""
    await automation.relayed()
    table_id = await automation.world.table(NewColumn("n", "N", ColumnType.NUMBER), "name")
    trigger = await automation.trigger(table_id)
    few = {"column": "n", "operator": "lt", "value": 10}
    some = await automation.trigger(table_id, condition=few)
    await _import(importer, table_id, rows)
    before = await _jobs(automation)
    await automation.relayed()
    # One job for 500 firings.
    assert await _jobs(automation) - before == rows // 500 + 1
    async with automation.worker():
        await automation.settle(trigger)
        await automation.settle(some)
    # Each fired once, in the order of the file.
    assert await _numbers(automation, trigger) == list(range(rows))
    assert await _numbers(automation, some) == list(range(10))
    assert (await automation.get(trigger)).fire_count == rows


async def _jobs(automation: Automation) -> int:
    sql = "SELECT count(*) FROM pgqueuer WHERE entrypoint = 'firings'"
    return await automation.count(sql)


async def test_an_import_may_ask_that_nothing_fires(
    automation: Automation, importer: Importer
) -> None:
    table_id = await automation.world.table(NewColumn("n", "N", ColumnType.NUMBER), "name")
    trigger = await automation.trigger(table_id)
    await _import(importer, table_id, 6_000, skip_triggers=True)
    await automation.relayed()
    assert await automation.firings(trigger) == []
    skipped = (
        "SELECT count(*) FROM change WHERE table_id = $1 AND cause->>'triggers' = 'skip'"
        " AND rows_added > 0"
    )
    assert await automation.count(skipped, table_id) == 3


async def test_a_rollback_fires_by_what_it_does_to_a_row(automation: Automation) -> None:
    world = automation.world
    table_id = await world.table("name")
    [row_id] = await world.add(table_id, {"name": "a"})
    await automation.merge(table_id, row_id, name="b")
    made = [await automation.trigger(table_id, event) for event in (ADDED, UPDATED, DELETED)]
    await rollbacks.roll_back_row(world.viewer, world.storage, row_id, 1)
    await automation.remove(table_id, row_id)
    await rollbacks.restore_row(world.viewer, world.storage, row_id)
    await automation.relayed()
    told = [
        [(each.input["version"], each.input["data"], each.input.get("previousData")) for each in f]
        for f in [await automation.firings(trigger) for trigger in made]
    ]
    assert told == [
        [(5, {"name": "a"}, None)],
        [(3, {"name": "a"}, {"name": "b"})],
        [(4, {"name": "a"}, None)],
    ]


async def test_a_workflow_that_writes_its_own_table_ends(automation: Automation) -> None:
    """A row starts a workflow that adds a row that starts a workflow …: five deep, then it ends."""
    world = automation.world
    table_id = await world.table("name")
    step = {
        "kind": "row_add",
        "tableId": str(table_id),
        "data": {"name": "{{input.data.name}}+"},
    }
    workflow = await create_workflow(
        world.viewer, world.storage, WorkflowCreate("Again", sequence(step))
    )
    config = {"workflowId": str(workflow.id)}
    trigger = await automation.trigger(table_id, action=ActionType.RUN_WORKFLOW, config=config)
    await world.add(table_id, {"name": "x"})
    rows = "SELECT row_count FROM table_clock WHERE table_id = $1"
    async with automation.worker():
        await automation.until(rows, table_id, 1 + MAX_DEPTH)
        fired = await automation.settled(trigger)
    assert await automation.count(rows, table_id) == 1 + MAX_DEPTH
    assert [each.depth for each in fired] == list(range(MAX_DEPTH))
    assert {each.status for each in fired} == {FiringStatus.SUCCEEDED}
    runs = await world.database.pool.fetch(
        "SELECT id, depth, cause FROM workflow_run WHERE workflow_id = $1 ORDER BY number",
        workflow.id,
    )
    assert [run["depth"] for run in runs] == list(range(1, MAX_DEPTH + 1))
    assert [each.outcome for each in fired] == [
        {"workflowId": str(workflow.id), "workflowRunId": str(run["id"])} for run in runs
    ]
    names = [each.input["data"]["name"] for each in fired]
    assert names == ["x" + "+" * depth for depth in range(MAX_DEPTH)]


async def test_two_tables_that_fire_each_other_end(automation: Automation) -> None:
    world = automation.world
    first, second = await world.table("name"), await world.table("name")
    for here, there in ((first, second), (second, first)):
        step = {"kind": "row_add", "tableId": str(there), "data": {"name": "x"}}
        command = WorkflowCreate("Across", sequence(step))
        workflow = await create_workflow(world.viewer, world.storage, command)
        config = {"workflowId": str(workflow.id)}
        await automation.trigger(here, action=ActionType.RUN_WORKFLOW, config=config)
    await world.add(first, {"name": "x"})
    both = "SELECT sum(row_count) FROM table_clock WHERE organization_id = $1"
    organization = world.viewer.organization_id
    async with automation.worker():
        await automation.until(both, organization, 1 + MAX_DEPTH)
    await automation.relayed()
    assert await automation.count(both, organization) == 1 + MAX_DEPTH


async def test_a_firing_starts_one_run_however_often_it_is_done(automation: Automation) -> None:
    world = automation.world
    table_id = await world.table("name")
    task = {"kind": "task_create", "title": "Look"}
    command = WorkflowCreate("Once", sequence(task))
    workflow = await create_workflow(world.viewer, world.storage, command)
    config = {"workflowId": str(workflow.id)}
    trigger = await automation.trigger(table_id, action=ActionType.RUN_WORKFLOW, config=config)
    await world.add(table_id, {"name": "x"})
    async with automation.worker():
        await automation.settled(trigger)
        # As if the worker had died before it could store the result.
        await world.database.pool.execute(
            "UPDATE trigger_firing SET status = 'running' WHERE trigger_id = $1", trigger.id
        )
        [fired] = await automation.firings(trigger)
        await world.storage.firings.leave(fired.id, fired.id)
        [again] = await automation.settled(trigger)
    assert (again.status, again.attempt) == (FiringStatus.SUCCEEDED, 2)
    assert again.outcome == fired.outcome
    runs = "SELECT count(*) FROM workflow_run WHERE workflow_id = $1"
    assert await automation.count(runs, workflow.id) == 1
