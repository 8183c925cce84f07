"""Runs over the same cells at once: whoever named rows last gets them made from what they hold."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from domain import rows, run_rows, runs
from domain.access import Viewer
from domain.rows import RowChange, RowsUpdate
from domain.run_records import Run, RunMode, RunStatus, Selection
from domain.tool_ports import ToolWork
from persistence import organizations
from tests.runs.running import CountingTools, Running, ai, python, tool_column


async def _chain(running: Running, *names: str) -> tuple[UUID, Sequence[UUID]]:
    table_id = await running.world.table(
        "name", tool_column("one", ai("name")), tool_column("two", python("one"))
    )
    return table_id, await running.world.add(table_id, *({"name": each} for each in names))


async def _edit(running: Running, table_id: UUID, row_id: UUID, name: str) -> Run:
    """Change a row and run its tools, as a PUT of the Phacet API does."""
    command = RowsUpdate(table_id, [RowChange(row_id, {"name": name})], "merge")
    viewer, storage = running.world.viewer, running.world.storage
    _, run = await run_rows.update_rows_and_run(viewer, storage, command)
    assert run is not None
    return run


async def test_a_row_edited_while_a_run_makes_its_cells_is_made_again(running: Running) -> None:
    table_id, [first, _] = await _chain(running, "a", "b")
    running.tools.hold()
    async with running.worker():
        old = await running.start(table_id)
        await running.tools.arrived.wait()
        running.tools.arrived.clear()
        new = await _edit(running, table_id, first, "c")
        assert (new.cells_total, new.cells_skipped) == (2, 0)
        await running.tools.arrived.wait()
        assert await running.statuses(table_id, "one") == ["calculating"] * 2
        running.tools.release()
        old, new = await running.over(old), await running.over(new)
    assert await running.values(table_id, "one") == ["cc", "bb"]
    assert await running.values(table_id, "two") == ["cccc", "bbbb"]
    assert await running.statuses(table_id, "one") == ["resolved"] * 2
    assert await running.statuses(table_id, "two") == ["resolved"] * 2
    assert (new.status, new.cells_resolved) == (RunStatus.COMPLETED, 2)
    assert (old.cells_resolved, old.cells_dropped, old.cells_stale) == (2, 2, 0)
    await running.check_log(table_id)


async def test_an_edit_behind_a_long_queue_does_not_wait_for_it(running: Running) -> None:
    table_id, row_ids = await _chain(running, *(f"n{n}" for n in range(70)))
    old = await running.start(table_id)
    old = await runs.pause_run(running.world.viewer, running.world.storage, old.id)
    new = await _edit(running, table_id, row_ids[69], "z")
    async with running.worker():
        assert (await running.over(new)).status is RunStatus.COMPLETED
        assert (await running.get(old)).cells_resolved == 0
        await runs.resume_run(running.world.viewer, running.world.storage, old.id)
        old = await running.over(old)
    assert (old.status, old.cells_resolved, old.cells_dropped) == (RunStatus.COMPLETED, 138, 2)
    assert (await running.values(table_id, "two"))[-2:] == ["n68" * 4, "zzzz"]
    assert await running.statuses(table_id, "two") == ["resolved"] * 70
    await running.check_log(table_id)


async def test_three_edits_one_after_the_other_end_with_the_last(running: Running) -> None:
    table_id, [row] = await _chain(running, "a")
    running.tools.hold()
    async with running.worker():
        begun = []
        for name in ("b", "c", "d"):
            begun.append(await _edit(running, table_id, row, name))
            await running.tools.arrived.wait()
            running.tools.arrived.clear()
        running.tools.release()
        ended = [await running.over(each) for each in begun]
    assert await running.values(table_id, "two") == ["dddd"]
    assert await running.statuses(table_id, "two") == ["resolved"]
    assert [each.cells_resolved for each in ended] == [0, 0, 2]
    assert ended[-1].status is RunStatus.COMPLETED
    # A run whose cells all went to others has not completed anything.
    assert [each.status for each in ended[:2]] == [RunStatus.CANCELLED] * 2
    assert ended[0].error == "2 cells taken over by others, or gone with their rows"
    await running.check_log(table_id)


async def test_a_run_over_a_filter_takes_what_would_only_become_stale(running: Running) -> None:
    table_id, [first, _] = await _chain(running, "a", "b")
    running.tools.hold()
    async with running.worker():
        old = await running.start(table_id, columns=["one"])
        await running.tools.arrived.wait()
        running.tools.arrived.clear()
        command = RowsUpdate(table_id, [RowChange(first, {"name": "c"})], "merge")
        await rows.update_rows(running.world.viewer, running.world.storage, command)
        new = await running.start(table_id, columns=["one"], mode=RunMode.MISSING)
        assert (new.cells_total, new.cells_skipped) == (1, 1)
        await running.tools.arrived.wait()
        running.tools.release()
        await running.over(old)
        await running.over(new)
    assert await running.values(table_id, "one") == ["cc", "bb"]
    assert await running.statuses(table_id, "one") == ["resolved"] * 2


async def test_undoing_a_run_that_took_over_goes_behind_both(running: Running) -> None:
    table_id, [row] = await _chain(running, "a")
    await running.filled(table_id)
    running.tools.hold()
    running.tools.arrived.clear()
    async with running.worker():
        old = await running.start(table_id, mode=RunMode.ALL, use_cache=False)
        await running.tools.arrived.wait()
        selection = Selection(row_ids=[row])
        new = await running.start(table_id, mode=RunMode.ALL, use_cache=False, selection=selection)
        running.tools.release()
        await running.over(old)
        new = await running.over(new)
    assert (new.status, new.cells_resolved) == (RunStatus.COMPLETED, 2)
    [state] = await running.states(table_id, "one")
    assert state is not None
    assert (state["previous"], state["before"]["status"]) == ("resolved", "resolved")


@dataclass
class HeldTools(CountingTools):
    """Keeps one organisation's calls waiting, and lets those of others through."""

    held: UUID = field(default_factory=lambda: UUID(int=0))
    #: Batches of that one that wait.
    waiting: int = 0

    async def answers(self, work: ToolWork):  # type: ignore[no-untyped-def]
        if work.organization_id == self.held:
            self.waiting += 1
            await self.go_on.wait()
        for call in work.calls:
            yield self._answer(work, call)


async def test_one_organisation_leaves_slots_to_another(running: Running) -> None:
    large, _ = await _chain(running, *(f"n{n}" for n in range(900)))
    world = running.world
    tools = HeldTools(held=world.viewer.organization_id)
    tools.hold()
    async with world.database.transaction() as session:
        other = await organizations.create(session, "Other")
    async with running.worker(tools):
        run = await running.start(large, columns=["one"])
        await running.until(run, lambda _: tools.waiting >= 4)
        mine, world.viewer = world.viewer, Viewer(other.id, world.viewer.role)
        small = await world.table("name", tool_column("one", ai("name")))
        await world.add(small, {"name": "x"})
        with_others = await running.over(await running.start(small))
        assert with_others.status is RunStatus.COMPLETED
        world.viewer = mine
        assert (await running.get(run)).cells_resolved == 0
        tools.release()
        assert (await running.over(run)).cells_resolved == 900


async def test_who_asks_for_many_runs_waits_behind_who_asks_for_one(running: Running) -> None:
    world = running.world
    table_id, row_ids = await _chain(running, *(f"n{n}" for n in range(5)))
    mine = []
    for row_id in row_ids:
        selection = Selection(row_ids=[row_id])
        mine.append(str((await running.start(table_id, mode=RunMode.ALL, selection=selection)).id))
    async with world.database.transaction() as session:
        other = await organizations.create(session, "Other")
    world.viewer = Viewer(other.id, world.viewer.role)
    small = await world.table("name", tool_column("one", ai("name")))
    await world.add(small, {"name": "x"})
    last = await running.start(small)
    mine.append(str(last.id))
    queued = await world.database.pool.fetch(
        "SELECT convert_from(payload, 'utf8')::jsonb->>'runId' AS run, entrypoint FROM pgqueuer"
        " WHERE entrypoint LIKE 'cell_batch%' ORDER BY priority DESC, id"
    )
    places = [
        (mine.index(each["run"]), each["entrypoint"]) for each in queued if each["run"] in mine
    ]
    first, other_job = "cell_batch_first", "cell_batch"
    assert places == [(0, first), (5, first), *((n, other_job) for n in range(1, 5))]
