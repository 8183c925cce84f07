"""Budgets are hard: what is spent never exceeds them, whoever spends it."""

from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from domain import runs
from domain.run_records import Budget, Run, RunReason, RunStatus
from domain.run_rules import affordable
from domain.tool_ports import CallEstimate, TryLater
from tests.runs.running import CountingTools, Running, ai, python, tool_column


async def _table(running: Running, count: int) -> UUID:
    table_id = await running.world.table(
        "name", tool_column("one", ai("name")), tool_column("two", python("one"))
    )
    await running.world.add(table_id, *({"name": f"n{n}"} for n in range(count)))
    return table_id


async def _reserved(running: Running, run: Run) -> tuple[int, Decimal]:
    row = await running.world.database.pool.fetchrow(
        "SELECT reserved_tokens, reserved_cost FROM cell_run WHERE id = $1", run.id
    )
    assert row is not None
    return row["reserved_tokens"], row["reserved_cost"]


@pytest.mark.parametrize("workers", [1, 2])
async def test_no_call_is_made_beyond_the_budget(running: Running, workers: int) -> None:
    table_id = await _table(running, 300)
    running.tools = CountingTools(cost=Decimal("0.03"), tokens=10)
    budget = Budget(cost=Decimal("4.00"))
    run = await running.start(table_id, columns=["one"], budget=budget)
    async with running.worker():
        if workers == 2:
            async with running.worker():
                run = await running.over(run)
        else:
            run = await running.over(run)
    assert len(running.tools.calls) == 133
    assert run.cost == Decimal("3.99")
    assert (run.status, run.reasons) == (RunStatus.PARTIAL, [RunReason.BUDGET])
    assert (run.cells_resolved, run.cells_left) == (133, 167)
    assert run.error == "budget: 167 cells not begun"
    assert await _reserved(running, run) == (0, Decimal(0))
    values = await running.values(table_id, "one")
    statuses = await running.statuses(table_id, "one")
    assert [each is None for each in values] == [each is None for each in statuses]
    await running.check_log(table_id)


async def test_what_was_set_aside_and_not_spent_is_used_in_the_same_run(running: Running) -> None:
    table_id = await _table(running, 70)

    class Cautious(CountingTools):
        async def estimates(self, work: Any) -> list[CallEstimate]:
            return [CallEstimate(cost_low=Decimal(1), cost_high=Decimal(10))] * len(work.calls)

    running.tools = Cautious(cost=Decimal(1))
    run = await running.filled(table_id, columns=["one"], budget=Budget(cost=Decimal(75)))
    # At no time were more than seven calls allowed at once; one that may cost ten must fit.
    assert (run.cells_resolved, run.cells_left, run.cost) == (66, 4, Decimal(66))
    assert (run.status, run.reasons) == (RunStatus.PARTIAL, [RunReason.BUDGET])
    assert len(running.tools.calls) == 66
    assert await _reserved(running, run) == (0, Decimal(0))
    await running.check_log(table_id)


async def test_a_paused_run_begins_no_round_of_its_budget(running: Running) -> None:
    table_id = await _table(running, 4)

    class Cautious(CountingTools):
        async def estimates(self, work: Any) -> list[CallEstimate]:
            return [CallEstimate(cost_low=Decimal(1), cost_high=Decimal(3))] * len(work.calls)

    running.tools = Cautious(cost=Decimal(1))
    running.tools.hold()
    world = running.world
    async with running.worker():
        run = await running.start(table_id, columns=["one"], budget=Budget(cost=Decimal(6)))
        await running.tools.arrived.wait()
        await runs.pause_run(world.viewer, world.storage, run.id)
        running.tools.release()
        await running.until(run, lambda found: found.cells_resolved == 2)
        paused = "SELECT count(*) FROM cell_batch WHERE run_id = $1 AND status = 'paused'"
        while not await world.database.pool.fetchval(paused, run.id):
            pass
        assert (
            sorted(map(str, await running.statuses(table_id, "one")))
            == ["queued"] * 2 + ["resolved"] * 2
        )
        await runs.resume_run(world.viewer, world.storage, run.id)
        run = await running.over(run)
    assert (run.status, run.cells_resolved, run.cost) == (RunStatus.COMPLETED, 4, Decimal(4))


async def test_tokens_are_a_budget_too_and_what_reads_the_rest_is_not_made(
    running: Running,
) -> None:
    table_id = await _table(running, 5)
    running.tools = CountingTools(tokens=10)
    run = await running.filled(table_id, budget=Budget(tokens=59))
    # Three cells of the first column, then those of the second in the same rows: two fit.
    assert (run.input_tokens, run.cells_resolved, run.cells_left) == (50, 5, 5)
    assert run.status is RunStatus.PARTIAL
    assert await _reserved(running, run) == (0, Decimal(0))


async def test_what_waits_has_nothing_set_aside(running: Running) -> None:
    table_id = await _table(running, 4)
    running.tools = CountingTools(cost=Decimal(1))
    running.tools.later.append((1, TryLater("slowly", 0.1)))
    run = await running.filled(table_id, columns=["one"], budget=Budget(cost=Decimal(4)))
    assert (run.status, run.cost, run.cells_resolved) == (RunStatus.COMPLETED, Decimal(4), 4)
    assert await _reserved(running, run) == (0, Decimal(0))


async def test_a_call_without_a_price_is_not_made(running: Running) -> None:
    table_id = await _table(running, 2)

    class Unpriced(CountingTools):
        async def estimates(self, work: Any) -> list[CallEstimate]:
            return [CallEstimate(cost_low=None, cost_high=None)] * len(work.calls)

    running.tools = Unpriced()
    run = await running.filled(table_id, columns=["one"], budget=Budget(cost=Decimal(100)))
    assert (run.status, run.cells_left) == (RunStatus.PARTIAL, 2)
    assert running.tools.calls == []


def test_smaller_calls_still_fit_behind_larger_ones() -> None:
    def call(tokens: int) -> CallEstimate:
        return CallEstimate(0, tokens, 0, 0, Decimal(0), Decimal(tokens))

    found = affordable(10, None, [call(6), call(6), call(4), call(1)])
    assert [each and each.tokens for each in found] == [6, None, 4, None]
    found = affordable(None, Decimal("2.5"), [call(1), call(1), call(1)])
    assert [each and each.cost for each in found] == [1, 1, None]
