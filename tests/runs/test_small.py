"""Runs of few rows: from the request to the end."""

from decimal import Decimal
from typing import Any

import pytest

from domain.columns import ColumnType, NewColumn
from domain.errors import Invalid
from domain.run_records import Budget, RunMode, RunReason, RunStatus, Selection
from tests.runs.running import Refuse, Running, ai, python, tool_column


async def test_a_run_fills_what_is_missing_and_says_so(running: Running) -> None:
    world = running.world
    table_id = await world.table("name", tool_column("twice", python("name")))
    await world.add(table_id, {"name": "a"}, {"name": "b"}, {"name": "c", "twice": "mine"})
    run = await running.start(table_id)
    assert (run.status, run.rows_total, run.cells_total) == (RunStatus.QUEUED, 2, 2)
    assert await running.statuses(table_id, "twice") == ["queued", "queued", "resolved"]
    async with running.worker():
        run = await running.over(run)
    assert run.status is RunStatus.COMPLETED
    assert (run.cells_resolved, run.cells_failed, run.error) == (2, 0, None)
    assert await running.values(table_id, "twice") == ["aa", "bb", "mine"]
    [first, *_] = await running.states(table_id, "twice")
    assert first is not None
    assert first["status"] == "resolved"
    assert first["producer"] == {
        "kind": "python",
        "actor": "open",
        "version": "test",
    }
    assert first["confidence"] == 0.5
    assert first["attempt"] == 1
    await running.check_log(table_id)


async def test_later_tools_see_what_earlier_ones_made(running: Running) -> None:
    world = running.world
    table_id = await world.table(
        "name",
        tool_column("last", python("middle")),
        tool_column("middle", python("name")),
    )
    await world.add(table_id, {"name": "x"})
    run = await running.filled(table_id)
    assert run.status is RunStatus.COMPLETED
    assert await running.values(table_id, "last") == ["xxxx"]


async def test_a_failed_input_is_named_and_others_go_on(running: Running) -> None:
    world = running.world
    table_id = await world.table(
        "name", tool_column("one", python("name")), tool_column("two", python("one"))
    )
    await world.add(table_id, {"name": "good"}, {"name": "bad"})

    def answer(work, call):  # type: ignore[no-untyped-def]
        if call.inputs.get("name") == "bad":
            raise Refuse("it is bad")
        return "fine"

    running.tools.answer = answer
    run = await running.filled(table_id)
    assert run.status is RunStatus.PARTIAL
    assert run.reasons == [RunReason.ERRORS]
    assert run.error == "2 cells failed"
    states = await running.states(table_id, "two")
    assert [each and each["status"] for each in states] == ["resolved", "error"]
    assert states[1] is not None
    assert states[1]["error"] == "waits for one, which failed"
    assert len([call for call in running.tools.calls if call[0] == "two"]) == 1


async def test_a_run_of_which_nothing_succeeds_failed(running: Running) -> None:
    table_id = await running.world.table("name", tool_column("one", python("name")))
    await running.world.add(table_id, {"name": "x"})

    def answer(work, call):  # type: ignore[no-untyped-def]
        raise Refuse("no")

    running.tools.answer = answer
    run = await running.filled(table_id)
    assert (run.status, run.error) == (RunStatus.FAILED, "1 cell failed")


async def test_nothing_is_asked_about_nothing(running: Running) -> None:
    table_id = await running.world.table("name", tool_column("one", ai("name")))
    await running.world.add(table_id, {})
    run = await running.filled(table_id)
    assert run.status is RunStatus.COMPLETED
    assert running.tools.calls == []
    assert await running.statuses(table_id, "one") == ["resolved"]


async def test_the_same_inputs_are_not_asked_twice(running: Running) -> None:
    table_id = await running.world.table("name", tool_column("one", ai("name")))
    await running.world.add(table_id, {"name": "a"}, {"name": "b"})
    await running.filled(table_id)
    run = await running.filled(table_id, mode=RunMode.ALL)
    assert (run.cells_resolved, run.cells_cached) == (2, 2)
    assert len(running.tools.calls) == 2
    run = await running.filled(table_id, mode=RunMode.ALL, use_cache=False)
    assert (run.cells_resolved, run.cells_cached) == (2, 0)
    assert len(running.tools.calls) == 4
    await running.check_log(table_id)


async def test_a_run_without_cells_has_ended_at_once(running: Running) -> None:
    table_id = await running.world.table("name", tool_column("one", ai("name")))
    run = await running.start(table_id, mode=RunMode.STALE)
    assert (run.status, run.cells_total) == (RunStatus.COMPLETED, 0)


async def test_rows_of_a_budget(running: Running) -> None:
    table_id = await running.world.table("name", tool_column("one", ai("name")))
    await running.world.add(table_id, *({"name": str(n)} for n in range(5)))
    run = await running.filled(table_id, budget=Budget(rows=3))
    assert (run.status, run.reasons) == (RunStatus.PARTIAL, [RunReason.BUDGET])
    assert (run.rows_total, run.error) == (3, "budget: no more than 3 rows")
    run = await running.filled(table_id, budget=Budget(rows=2))
    assert (run.status, run.rows_total) == (RunStatus.COMPLETED, 2)


async def test_rows_that_are_named(running: Running) -> None:
    table_id = await running.world.table("name", tool_column("one", ai("name")))
    [first, _, third] = await running.world.add(
        table_id, {"name": "a"}, {"name": "b"}, {"name": "c"}
    )
    run = await running.filled(table_id, selection=Selection(row_ids=[third, first]))
    assert run.cells_resolved == 2
    assert await running.values(table_id, "one") == ["aa", None, "cc"]


async def test_a_tool_of_its_own_fills_a_plain_column(running: Running) -> None:
    table_id = await running.world.table("name", "note")
    await running.world.add(table_id, {"name": "a"}, {"name": "b", "note": "kept"})
    run = await running.filled(table_id, columns=["note"], tool=ai("name"))
    assert run.status is RunStatus.COMPLETED
    assert await running.values(table_id, "note") == ["aa", "kept"]
    assert (await running.world.column(table_id, "note")).tracked
    assert await running.statuses(table_id, "note") == ["resolved", None]


async def test_all_that_is_wrong_is_told(running: Running) -> None:
    table_id = await running.world.table("name", tool_column("one", ai("name")))
    wrong: tuple[dict[str, Any], ...] = (
        {"columns": ["name"]},
        {"columns": ["nothing"]},
        {"columns": []},
        {"budget": Budget(cost=Decimal("NaN"))},
        {"budget": Budget(tokens=-1)},
        {"selection": Selection(row_ids=[])},
        {"name": ""},
        {"tool": ai("one"), "columns": ["one"]},
    )
    for command in wrong:
        with pytest.raises(Invalid):
            await running.start(table_id, **command)
    empty = await running.world.table("name", NewColumn("n", "n", ColumnType.NUMBER))
    with pytest.raises(Invalid, match="no column with a tool"):
        await running.start(empty)
