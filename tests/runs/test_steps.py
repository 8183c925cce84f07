"""Pausing, resuming, cancelling and retrying; large runs; runs beside each other and beside
people."""

from typing import Any
from uuid import UUID

import pytest

from domain import rows, runs
from domain.errors import Conflict
from domain.filters import RawWhere
from domain.rows import RowChange, RowsUpdate
from domain.run_records import RunMode, RunReason, RunStatus, Selection
from domain.tool_ports import ToolWork, TryLater
from domain.tool_records import ToolCall
from tests.runs.running import Refuse, Running, ai, python, tool_column


async def _table(running: Running, count: int, tool: Any = None) -> Any:
    table_id = await running.world.table("name", tool_column("one", tool or ai("name")))
    for start in range(0, count, 1000):
        await running.world.add(
            table_id, *({"name": f"n{n}"} for n in range(start, min(count, start + 1000)))
        )
    return table_id


async def test_many_rows_are_queued_in_chunks(running: Running) -> None:
    table_id = await _table(running, 4_500, python("name"))
    run = await running.start(table_id)
    assert (run.status, run.prepared, run.cells_total) == (RunStatus.QUEUED, False, 0)
    async with running.worker():
        run = await running.over(run)
    assert (run.status, run.rows_total, run.cells_resolved) == (RunStatus.COMPLETED, 4_500, 4_500)
    assert await running.values(table_id, "one") == [f"n{n}n{n}" for n in range(4_500)]
    assert len(running.tools.calls) == 4_500
    await running.check_log(table_id)


async def test_a_filter_chooses_rows_of_a_large_run(running: Running) -> None:
    table_id = await _table(running, 2_500, python("name"))
    selection = Selection(filter=RawWhere("name", "contains", "7"))
    run = await running.filled(table_id, selection=selection)
    expected = [f"n{n}n{n}" if "7" in str(n) else None for n in range(2_500)]
    assert await running.values(table_id, "one") == expected
    assert run.cells_resolved == sum(each is not None for each in expected)


async def test_a_paused_run_begins_nothing_and_goes_on(running: Running) -> None:
    table_id = await _table(running, 130)
    running.tools.hold()
    async with running.worker():
        run = await running.start(table_id)
        await running.tools.arrived.wait()
        paused = await runs.pause_run(running.world.viewer, running.world.storage, run.id)
        assert paused.status is RunStatus.PAUSED
        running.tools.release()
        done = await running.until(
            run, lambda found: found.cells_resolved % 64 == 0 != found.cells_resolved
        )
        assert done.status is RunStatus.PAUSED
        before = await running.until(run, lambda found: found.cells_resolved in (64, 128, 130))
        resumed = await runs.resume_run(running.world.viewer, running.world.storage, run.id)
        assert resumed.status is RunStatus.RUNNING
        run = await running.over(run)
    assert before.cells_resolved <= 130
    assert (run.status, run.cells_resolved) == (RunStatus.COMPLETED, 130)
    assert len(running.tools.calls) == 130
    with pytest.raises(Conflict):
        await runs.pause_run(running.world.viewer, running.world.storage, run.id)
    await running.check_log(table_id)


async def test_cancelling_gives_cells_back_and_what_comes_later_is_left_alone(
    running: Running,
) -> None:
    table_id = await _table(running, 3)
    await running.filled(table_id, mode=RunMode.ALL)
    [row, *_] = await _row_ids(running, table_id)
    await _write(running, table_id, row, {"name": "new"})
    assert await running.statuses(table_id, "one") == ["stale", "resolved", "resolved"]
    before = await running.states(table_id, "one")
    running.tools.hold()
    async with running.worker():
        run = await running.start(table_id, mode=RunMode.ALL, use_cache=False)
        running.tools.arrived.clear()
        await running.tools.arrived.wait()
        assert await running.statuses(table_id, "one") == ["calculating"] * 3
        run = await runs.stop_run(running.world.viewer, running.world.storage, run.id)
        assert (run.status, run.cells_left) == (RunStatus.CANCELLED, 3)
        running.tools.release()
    assert await running.values(table_id, "one") == ["n0n0", "n1n1", "n2n2"]
    after = await running.states(table_id, "one")
    assert [_timeless(each) for each in after] == [_timeless(each) for each in before]
    assert (await running.get(run)).cells_waiting == 0
    await running.check_log(table_id)


def _timeless(state: dict[str, Any] | None) -> Any:
    return state and {
        name: value for name, value in state.items() if name not in ("updated_at", "attempt")
    } | {"previous": None, "before": None}


async def test_a_large_run_gives_cells_back_by_a_job(running: Running) -> None:
    table_id = await _table(running, 2_500)
    running.tools.hold()
    async with running.worker():
        run = await running.start(table_id)
        await running.until(run, lambda found: found.prepared)
        run = await runs.stop_run(running.world.viewer, running.world.storage, run.id)
        running.tools.release()
        run = await running.until(
            run, lambda found: found.cells_left + found.cells_dropped == 2_500
        )
    assert run.status is RunStatus.CANCELLED
    assert await running.statuses(table_id, "one") == [None] * 2_500
    await running.check_log(table_id)


async def test_cells_of_another_run_are_passed_over(running: Running) -> None:
    table_id = await _table(running, 3)
    first = await running.start(table_id)
    await running.world.add(table_id, {"name": "late"})
    second = await running.start(table_id, mode=RunMode.ALL)
    assert (second.cells_total, second.cells_skipped) == (1, 3)
    async with running.worker():
        assert (await running.over(first)).cells_resolved == 3
        assert (await running.over(second)).cells_resolved == 1


async def test_what_a_person_writes_meanwhile_stays(running: Running) -> None:
    table_id = await _table(running, 2)
    [first, _] = await _row_ids(running, table_id)
    running.tools.hold()
    async with running.worker():
        run = await running.start(table_id)
        await running.tools.arrived.wait()
        await _write(running, table_id, first, {"one": "mine"})
        running.tools.release()
        run = await running.over(run)
    assert (run.status, run.cells_resolved, run.cells_dropped) == (RunStatus.COMPLETED, 1, 1)
    assert await running.values(table_id, "one") == ["mine", "n1n1"]


async def test_a_value_of_old_inputs_is_stale_and_told(running: Running) -> None:
    table_id = await _table(running, 2)
    [first, _] = await _row_ids(running, table_id)
    running.tools.hold()
    async with running.worker():
        run = await running.start(table_id)
        await running.tools.arrived.wait()
        await _write(running, table_id, first, {"name": "other"})
        running.tools.release()
        run = await running.over(run)
    assert (run.status, run.reasons) == (RunStatus.PARTIAL, [RunReason.STALE])
    assert run.error == "1 cell stale: an input changed meanwhile"
    assert await running.statuses(table_id, "one") == ["stale", "resolved"]
    assert await running.values(table_id, "one") == ["n0n0", "n1n1"]
    run = await running.filled(table_id, mode=RunMode.STALE)
    assert (run.status, run.cells_total) == (RunStatus.COMPLETED, 1)
    assert await running.values(table_id, "one") == ["otherother", "n1n1"]


async def test_rows_that_are_deleted_meanwhile_are_dropped(running: Running) -> None:
    table_id = await _table(running, 2)
    [first, _] = await _row_ids(running, table_id)
    running.tools.hold()
    async with running.worker():
        run = await running.start(table_id)
        await running.tools.arrived.wait()
        await rows.delete_rows(running.world.viewer, running.world.storage, table_id, [first])
        running.tools.release()
        run = await running.over(run)
    assert (run.status, run.cells_resolved, run.cells_dropped) == (RunStatus.COMPLETED, 1, 1)


async def test_a_run_whose_rows_are_all_deleted_has_completed_nothing(running: Running) -> None:
    table_id = await _table(running, 2)
    row_ids = await _row_ids(running, table_id)
    run = await running.start(table_id)
    await rows.delete_rows(running.world.viewer, running.world.storage, table_id, row_ids)
    async with running.worker():
        run = await running.over(run)
    assert (run.status, run.cells_dropped) == (RunStatus.CANCELLED, 2)
    assert run.error == "2 cells taken over by others, or gone with their rows"


async def test_errors_are_retried(running: Running) -> None:
    table_id = await _table(running, 5)

    def answer(work: ToolWork, call: ToolCall) -> Any:
        if call.inputs["name"] in ("n1", "n3"):
            raise Refuse("not now")
        return "ok"

    running.tools.answer = answer
    run = await running.filled(table_id)
    assert (run.status, run.cells_failed) == (RunStatus.PARTIAL, 2)
    failed = await runs.failed_cells(running.world.viewer, running.world.storage, run.id)
    assert [each.error for each in failed] == ["not now", "not now"]
    more = await runs.failed_cells(
        running.world.viewer, running.world.storage, run.id, (failed[0].row_id, 2)
    )
    assert [each.row_id for each in more] == [failed[1].row_id]
    running.tools.answer = lambda work, call: "fine"
    async with running.worker():
        again = await runs.retry_run(running.world.viewer, running.world.storage, run.id)
        again = await running.over(again)
    assert (again.status, again.cells_total) == (RunStatus.COMPLETED, 2)
    assert await running.values(table_id, "one") == ["ok", "fine", "ok", "fine", "ok"]


async def test_a_tool_that_wants_to_wait_is_asked_for_the_rest_later(running: Running) -> None:
    table_id = await _table(running, 5)
    running.tools.later.append((2, TryLater("too many requests", 0.2)))
    run = await running.filled(table_id)
    assert (run.status, run.cells_resolved, run.error) == (RunStatus.COMPLETED, 5, None)
    assert len(running.tools.calls) == 5
    states = await running.states(table_id, "one")
    assert [each and each["attempt"] for each in states] == [1, 1, 2, 2, 2]
    await running.check_log(table_id)


async def test_a_tool_that_is_removed_ends_the_run_with_a_sentence(running: Running) -> None:
    table_id = await _table(running, 70)
    running.tools.hold()
    async with running.worker():
        run = await running.start(table_id)
        await running.tools.arrived.wait()
        column = await running.world.column(table_id, "one")
        shape = await running.world.shape(table_id)
        await running.world.storage.columns.delete(shape, "me", column)
        running.tools.release()
        run = await running.over(run)
    assert run.cells_resolved == 0


async def test_two_workers_share_a_run(running: Running) -> None:
    table_id = await _table(running, 700)
    async with running.worker(), running.worker():
        run = await running.over(await running.start(table_id))
    assert (run.status, run.cells_resolved) == (RunStatus.COMPLETED, 700)
    assert len(running.tools.calls) == 700
    await running.check_log(table_id)


async def _row_ids(running: Running, table_id: Any) -> list[Any]:
    shape = await running.world.shape(table_id)
    found = await running.world.database.pool.fetch(
        f"SELECT id FROM {shape.sql_name} ORDER BY position"
    )
    return [UUID(int=each["id"].int) for each in found]


async def _write(running: Running, table_id: Any, row_id: Any, data: dict[str, Any]) -> None:
    command = RowsUpdate(table_id, [RowChange(row_id, data)], "merge")
    await rows.update_rows(running.world.viewer, running.world.storage, command)
