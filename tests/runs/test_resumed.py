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
