"""Runs of keys with a scope: they reach their tables, and nothing tells them of others."""

from dataclasses import replace
from uuid import UUID

import pytest

from domain import runs
from domain.access import Role, Scope, Viewer
from domain.errors import NotFound
from domain.run_records import CellsRun, RunStatus
from tests.runs.running import Running, ai, tool_column


async def _table(running: Running) -> UUID:
    table_id = await running.world.table("name", tool_column("one", ai("name")))
    await running.world.add(table_id, {"name": "a"})
    return table_id


async def test_a_scoped_key_runs_its_own_tables(running: Running) -> None:
    mine, other = await _table(running), await _table(running)
    world = running.world
    whole, storage = world.viewer, world.storage
    theirs = await running.start(other)
    viewer = Viewer(whole.organization_id, Role.EDITOR, scope=Scope(frozenset(), frozenset([mine])))
    scoped = storage.seen_by(viewer)
    run = await runs.start_run(viewer, scoped, CellsRun(mine))
    async with running.worker():
        assert (await running.over(run)).status is RunStatus.COMPLETED
        await running.over(theirs)
    assert (await runs.read_run(viewer, scoped, run.id)).cells_resolved == 1
    assert [each.id for each in await runs.runs_of_table(viewer, scoped, mine)] == [run.id]
    unknown = replace(theirs, id=UUID(int=7))
    for each in (theirs, unknown):
        for ask in (
            runs.read_run,
            runs.run_progress,
            runs.failed_cells,
            runs.pause_run,
            runs.resume_run,
            runs.stop_run,
            runs.retry_run,
        ):
            with pytest.raises(NotFound, match="Run not found"):
                await ask(viewer, scoped, each.id)
    with pytest.raises(NotFound, match="Table not found"):
        await runs.start_run(viewer, scoped, CellsRun(other))
    with pytest.raises(NotFound, match="Table not found"):
        await runs.runs_of_table(viewer, scoped, other)
