"""After a pause no batch is done by two jobs: each call would be paid for twice."""

from domain import runs
from tests.runs.running import Running, ai, tool_column


async def test_a_batch_that_waits_through_a_pause_has_one_job(running: Running) -> None:
    world = running.world
    table_id = await world.table("name", tool_column("one", ai("name")))
    await world.add(table_id, *({"name": f"n{n}"} for n in range(10)))
    running.tools.hold()
    run = await running.start(table_id)
    for _ in range(3):
        await runs.pause_run(world.viewer, world.storage, run.id)
        await runs.resume_run(world.viewer, world.storage, run.id)
    async with running.worker():
        await running.tools.arrived.wait()
        running.tools.release()
        run = await running.over(run)
    assert (run.cells_resolved, len(running.tools.calls)) == (10, 10)
    assert run.started_at is not None


async def test_a_small_run_does_not_wait_for_a_large_one(running: Running) -> None:
    world = running.world
    large = await world.table("name", tool_column("one", ai("name")))
    small = await world.table("name", tool_column("one", ai("name")))
    await world.add(large, *({"name": f"large{n}"} for n in range(40)))
    await world.add(small, {"name": "small"})
    first = await running.start(large, batch_rows=1)
    second = await running.start(small)
    async with running.worker():
        await running.over(first)
        assert (await running.over(second)).cells_resolved == 1
    assert [call["name"] for _, call in running.tools.calls].index("small") < 10
