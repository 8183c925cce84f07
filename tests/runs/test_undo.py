"""Undoing a whole run: values and states as they were before it."""

import asyncio
from typing import Any
from uuid import UUID

import pytest

from domain import rollbacks, rows
from domain.errors import Conflict
from domain.rollback_records import RollbackStatus
from domain.rollbacks import Outcome
from domain.rows import RowChange, RowsUpdate
from domain.run_records import Run, RunMode
from domain.tool_ports import ToolWork
from domain.tool_records import ToolCall
from persistence import jobs, run_undo
from persistence.rollbacks import JOB
from processing.rollbacks import handler
from tests.runs.running import Refuse, Running, ai, python, tool_column
from tests.waiting import between_looks

_LATER = ("updated_at", "previous", "before")


async def _undo(running: Running, run: Run, **options: Any) -> Outcome:
    return await rollbacks.roll_back_run(
        running.world.viewer, running.world.storage, run.id, **options
    )


async def _known(running: Running, table_id: UUID) -> tuple[list[Any], list[Any]]:
    states = [
        state and {name: value for name, value in state.items() if name not in _LATER}
        for key in ("one", "two")
        for state in await running.states(table_id, key)
    ]
    return states, [
        *await running.values(table_id, "one"),
        *await running.values(table_id, "two"),
    ]


async def _table(running: Running, count: int) -> UUID:
    table_id = await running.world.table(
        "name", tool_column("one", ai("name")), tool_column("two", python("one"))
    )
    for start in range(0, count, 1000):
        await running.world.add(
            table_id, *({"name": f"n{n}"} for n in range(start, min(count, start + 1000)))
        )
    return table_id


async def test_a_first_run_leaves_nothing(running: Running) -> None:
    table_id = await _table(running, 3)
    run = await running.filled(table_id)
    outcome = await _undo(running, run)
    assert outcome.done is not None
    assert (outcome.done.rows_changed, outcome.done.conflicts) == (3, [])
    assert await _known(running, table_id) == ([None] * 6, [None] * 6)
    run = await running.get(run)
    assert run.undone_by == "open"
    assert run.undone_at is not None
    await running.check_log(table_id)


async def test_what_was_before_is_there_again(running: Running) -> None:
    table_id = await _table(running, 4)

    def answer(work: ToolWork, call: ToolCall) -> Any:
        if "n2" in call.inputs.values():
            raise Refuse("not this one")
        return "first"

    running.tools.answer = answer
    await running.filled(table_id)
    before = await _known(running, table_id)
    running.tools.answer = lambda work, call: "second"
    run = await running.filled(table_id, mode=RunMode.ALL, use_cache=False)
    assert run.cells_resolved == 8
    await _undo(running, run)
    assert await _known(running, table_id) == before
    await running.check_log(table_id)


async def test_cells_that_failed_have_no_state_afterwards(running: Running) -> None:
    table_id = await _table(running, 2)

    def answer(work: ToolWork, call: ToolCall) -> Any:
        raise Refuse("no")

    running.tools.answer = answer
    run = await running.filled(table_id)
    assert run.cells_failed == 4
    await _undo(running, run)
    assert await _known(running, table_id) == ([None] * 4, [None] * 4)


async def test_rows_that_somebody_changed_since_are_told(running: Running) -> None:
    table_id = await _table(running, 2)
    run = await running.filled(table_id)
    viewer, storage = running.world.viewer, running.world.storage
    shape = await running.world.shape(table_id)
    found = await running.world.database.pool.fetch(
        f"SELECT id FROM {shape.sql_name} ORDER BY position"
    )
    first, second = (UUID(int=each["id"].int) for each in found)
    for row_id, data in ((first, {"one": "mine"}), (second, {"name": "renamed"})):
        command = RowsUpdate(table_id, [RowChange(row_id, data)], "merge")
        await rows.update_rows(viewer, storage, command)
    outcome = await _undo(running, run)
    assert outcome.done is not None
    assert [conflict.row_id for conflict in outcome.done.conflicts] == [first]
    assert await running.values(table_id, "name") == ["n0", "renamed"]
    assert await running.values(table_id, "one") == ["mine", None]
    assert await running.statuses(table_id, "one") == ["resolved", None]
    assert await running.statuses(table_id, "two") == ["stale", None]
    await _undo(running, run, force=True)
    assert await running.values(table_id, "one") == [None, None]
    await running.check_log(table_id)


async def test_a_run_that_goes_on_is_not_undone(running: Running) -> None:
    table_id = await _table(running, 2)
    run = await running.start(table_id)
    with pytest.raises(Conflict, match="cancel it first"):
        await _undo(running, run)


@pytest.mark.parametrize("count", [60, pytest.param(5_100, marks=pytest.mark.long)])
async def test_a_large_run_is_undone_by_a_job(
    running: Running, monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    if count < 5_000:
        monkeypatch.setattr(rollbacks, "INLINE_ROWS", 50)
        monkeypatch.setattr(run_undo, "MOST_CELLS", 40)
    table_id = await _table(running, count)
    running.tools.answer = lambda work, call: "x"
    run = await running.filled(table_id)
    assert run.cells_resolved == 2 * count
    outcome = await _undo(running, run)
    assert outcome.run is not None
    storage, organization_id = running.world.storage, running.world.viewer.organization_id
    stopping = asyncio.Event()
    work = jobs.run(running.url, {JOB: handler(storage, stopping)}, stopping)
    task = asyncio.create_task(work)
    async with asyncio.timeout(60):
        while True:
            found = await storage.rollbacks.get(organization_id, outcome.run.id)
            assert found is not None
            if found.status is RollbackStatus.COMPLETED:
                break
            await between_looks()
    stopping.set()
    await task
    assert (found.rows_changed, found.conflict_count) == (count, 0)
    assert await running.values(table_id, "two") == [None] * count
    assert await running.statuses(table_id, "one") == [None] * count
    await running.check_log(table_id)
