"""Triggers that fill cells of the rows that fired them."""

from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from domain import rows
from domain.changes import MAX_DEPTH, Cause, CauseKind
from domain.columns import ColumnType, ComputedBy, NewColumn
from domain.errors import Invalid
from domain.run_records import Run, RunMode, RunStatus
from domain.runs import runs_of_table
from domain.tool_records import PythonTool
from domain.tools import make_tool
from domain.trigger_records import ActionType, FiringStatus
from persistence.blobs import Blobs
from persistence.storage import PostgresStorage
from processing.firing_runs import start_for
from tests.imports.importing import Importer
from tests.triggers.automation import ADDED, DELETED, UPDATED, Automation
from tests.triggers.test_killed import held
from tests.waiting import eventually

RUN_CELLS = ActionType.RUN_CELLS
COUNT = 'def run(row):\n    return (row.get("n") or 0) + 1'


def made(key: str, code: str, *inputs: str, type_: ColumnType = ColumnType.NUMBER) -> NewColumn:
    """A column that a program fills."""
    tool = make_tool(PythonTool(code), inputs)
    return NewColumn(key, key, type_, computed_by=ComputedBy.TOOL, tool=tool)


def number(key: str) -> NewColumn:
    return NewColumn(key, key, ColumnType.NUMBER)


async def runs(automation: Automation, table_id: UUID) -> list[Run]:
    """The runs of a table, the oldest first."""
    world = automation.world
    return (await runs_of_table(world.viewer, world.storage, table_id, None, 100))[::-1]


async def over(automation: Automation, table_id: UUID) -> list[Run]:
    """The same, once all have ended."""

    async def ended() -> bool:
        return all(run.is_over for run in await runs(automation, table_id))

    await eventually(ended, 120)
    return await runs(automation, table_id)


async def values(automation: Automation, table_id: UUID, key: str) -> list[Any]:
    shape = await automation.world.shape(table_id)
    name = shape.columns_by_key[key].sql_name
    rows = await automation.world.database.pool.fetch(
        f"SELECT {name} AS v FROM {shape.sql_name} ORDER BY position"
    )
    return [row["v"] for row in rows]


async def test_a_thousand_rows_make_two_runs(automation: Automation) -> None:
    world = automation.world
    table_id = await world.table(number("n"), made("next", COUNT, "n"), made("more", COUNT, "n"))
    trigger = await automation.trigger(table_id, action=RUN_CELLS, config={"columns": ["next"]})
    async with automation.worker():
        await world.add(table_id, *({"n": n} for n in range(1_000)))
        fired = await automation.settled(trigger)
        found = await over(automation, table_id)
    assert len(fired) == 1_000
    assert {each.status for each in fired} == {FiringStatus.SUCCEEDED}
    assert [run.rows_total for run in found] == [500, 500]
    assert {run.status for run in found} == {RunStatus.COMPLETED}
    told = [each.outcome["runId"] for each in fired if each.outcome]
    assert told[:500] == [told[0]] * 500
    assert told[500:] == [told[-1]] * 500
    assert {told[0], told[-1]} == {str(run.id) for run in found}
    assert {run.created_by for run in found} == {f"trigger:{trigger.id}"}
    assert found[0].origin == {"kind": "trigger", "id": str(trigger.id), "depth": 1}
    assert await values(automation, table_id, "next") == [n + 1 for n in range(1_000)]
    assert set(await values(automation, table_id, "more")) == {None}


async def test_an_import_starts_runs_too(automation: Automation, tmp_path: Path) -> None:
    world = automation.world
    table_id = await world.table(number("n"), made("next", COUNT, "n"))
    trigger = await automation.trigger(table_id, action=RUN_CELLS)
    folder = tmp_path / "files"
    world.storage = PostgresStorage(world.database, lambda *_: None, Blobs.open(folder))
    await Importer(world, automation.url, folder).start(table_id, b"n\n1\n2\n3\n")
    async with automation.worker():
        fired = await automation.settled(trigger)
        [run] = await over(automation, table_id)
    assert [each.outcome for each in fired] == [{"runId": str(run.id)}] * 3
    assert await values(automation, table_id, "next") == [2, 3, 4]


async def test_a_run_that_fires_itself_ends(automation: Automation) -> None:
    """The second run finds the same inputs, and writes nothing that would fire a third."""
    world = automation.world
    table_id = await world.table(number("n"), made("next", COUNT, "n"))
    config = {"mode": RunMode.ALL.value}
    trigger = await automation.trigger(table_id, UPDATED, action=RUN_CELLS, config=config)
    [row_id] = await world.add(table_id, {"n": 1})
    await automation.merge(table_id, row_id, n=2)

    async def twice() -> bool:
        found = await runs(automation, table_id)
        return len(found) == 2 and all(run.is_over for run in found)

    async with automation.worker():
        await eventually(twice, 120)
        await automation.settle(trigger)
        found = await over(automation, table_id)
    assert [run.origin["depth"] for run in found] == [1, 2]
    assert await values(automation, table_id, "next") == [3]


@pytest.mark.parametrize(("depth", "fires"), [(MAX_DEPTH - 2, 1), (MAX_DEPTH - 1, 0)])
async def test_what_lies_too_deep_fires_nothing(
    automation: Automation, depth: int, fires: int
) -> None:
    world = automation.world
    table_id = await world.table(number("n"), made("next", COUNT, "n"))
    filling = await automation.trigger(table_id, action=RUN_CELLS)
    telling = await automation.trigger(table_id, UPDATED)
    command = rows.RowsAdd(table_id, [rows.NewRow({"n": 1})])
    cause = Cause(CauseKind.TRIGGER, "some", depth)
    await rows.add_rows(world.viewer, world.storage, command, cause)
    async with automation.worker():
        await automation.settle(filling)
        [run] = await over(automation, table_id)
        told = await automation.settled(telling)
    assert run.origin["depth"] == depth + 1
    assert await values(automation, table_id, "next") == [2]
    assert [each.depth for each in told] == [depth + 1] * fires


async def test_what_cannot_run_fails_the_firing(automation: Automation) -> None:
    world = automation.world
    table_id = await world.table("name")
    none = await automation.trigger(table_id, action=RUN_CELLS)
    gone = await automation.trigger(table_id, action=RUN_CELLS, config={"columns": ["gone"]})
    await world.add(table_id, {"name": "x"})
    async with automation.worker():
        [first] = await automation.settled(none)
        [second] = await automation.settled(gone)
    assert (first.status, first.error) == (
        FiringStatus.FAILED,
        "the table has no column with a tool",
    )
    assert (second.status, second.error) == (FiringStatus.FAILED, "Unknown column: gone")


@pytest.mark.parametrize(
    ("config", "path"),
    [
        ({"columns": "next"}, "columns"),
        ({"columns": []}, "columns"),
        ({"columns": [1]}, "columns"),
        ({"mode": "some"}, "mode"),
    ],
)
async def test_bad_settings(automation: Automation, config: Any, path: str) -> None:
    table_id = await automation.world.table("name")
    with pytest.raises(Invalid) as caught:
        await automation.trigger(table_id, action=RUN_CELLS, config=config)
    assert [each.path for each in caught.value.problems] == [("actionConfig", path)]


async def test_a_deleted_row_has_no_cells(automation: Automation) -> None:
    table_id = await automation.world.table("name")
    with pytest.raises(Invalid, match="that of row_deleted is gone"):
        await automation.trigger(table_id, DELETED, action=RUN_CELLS)
    trigger = await automation.trigger(table_id, ADDED, action=RUN_CELLS)
    with pytest.raises(Invalid, match="that of row_deleted is gone"):
        await automation.update(trigger, event=DELETED)


async def test_a_killed_worker_starts_no_second_run(
    automation: Automation, redis_url: str, tmp_path: Path
) -> None:
    """The run is there, the firings are not stored as done."""
    world = automation.world
    table_id = await world.table(number("n"), made("next", COUNT, "n"))
    trigger = await automation.trigger(table_id, action=RUN_CELLS, config={"mode": "all"})
    importer = Importer(world, automation.url, tmp_path / "files")
    async with held(automation.url, "trigger", "SHARE") as is_waiting:
        await world.add(table_id, *({"n": n} for n in range(120)))
        worker = importer.worker_process(redis_url)
        try:
            await eventually(is_waiting)
        finally:
            worker.kill()
    assert len(await runs(automation, table_id)) == 1
    async with automation.worker():
        fired = await automation.settled(trigger)
        [run] = await over(automation, table_id)
    assert {each.status for each in fired} == {FiringStatus.SUCCEEDED}
    assert {str(each.outcome) for each in fired} == {str({"runId": str(run.id)})}
    assert (run.status, run.rows_total) == (RunStatus.COMPLETED, 120)
    assert await values(automation, table_id, "next") == [n + 1 for n in range(120)]


async def test_a_group_is_one_run_however_often_it_is_asked_for(automation: Automation) -> None:
    world = automation.world
    table_id = await world.table(number("n"), made("next", COUNT, "n"))
    trigger = await automation.trigger(table_id, action=RUN_CELLS)
    await world.add(table_id, {"n": 1}, {"n": 2})
    await automation.relayed()
    first = (await automation.firings(trigger))[0].id
    last = (await automation.firings(trigger))[-1].id
    group = await world.storage.firings.take(first, last, 500)
    started = [await start_for(world.storage, group) for _ in range(3)]
    assert len({run.id for run in started}) == 1
    other = await start_for(world.storage, group[:1])
    assert other.id != started[0].id
    assert other.cells_skipped == 1
