"""Tables that are deleted while a run fills their cells, and what is left of such a run."""

from datetime import timedelta

from domain import tables
from domain.run_records import RunStatus
from persistence import deleted_tables
from persistence.finished_runs import forget_batches
from tests.runs.running import Running, ai, tool_column


async def test_a_run_ends_with_its_table_and_goes_with_its_data(running: Running) -> None:
    world, pool = running.world, running.world.database.pool
    table_id = await world.table("name", tool_column("one", ai("name")))
    await world.add(table_id, *({"name": f"n{n}"} for n in range(3)))
    running.tools.hold()
    run = await running.start(table_id, batch_rows=1)
    async with running.worker():
        await running.tools.arrived.wait()
        await tables.delete_table(world.viewer, world.storage, table_id)
        running.tools.release()
        run = await running.over(run)
    assert (run.status, run.error) == (RunStatus.FAILED, "Table not found")
    assert len(running.tools.calls) <= 3
    while await deleted_tables.drop_next(world.database, timedelta(0)):
        pass
    for table, key in (("cell_run", "id"), ("cell_batch", "run_id")):
        count = f"SELECT count(*) FROM {table} WHERE {key} = $1"
        assert await pool.fetchval(count, run.id) == 0, table


async def test_the_jobs_of_a_run_that_is_gone_end_in_silence(running: Running) -> None:
    world = running.world
    table_id = await world.table("name", tool_column("one", ai("name")))
    await world.add(table_id, {"name": "n"})
    run = await running.start(table_id)
    await tables.delete_table(world.viewer, world.storage, table_id)
    while await deleted_tables.drop_next(world.database, timedelta(0)):
        pass
    async with running.worker():
        await running.settled(run)
    assert running.tools.calls == []


async def test_batches_go_some_time_after_their_run(running: Running) -> None:
    world, pool = running.world, running.world.database.pool
    table_id = await world.table("name", tool_column("one", ai("name")))
    await world.add(table_id, *({"name": f"n{n}"} for n in range(3)))
    run = await running.filled(table_id)
    await world.add(table_id, {"name": "later"})
    waiting = await running.start(table_id)
    count = "SELECT count(*) FROM cell_batch WHERE run_id = $1"
    assert not await forget_batches(pool, timedelta(days=1))
    assert await forget_batches(pool, timedelta(0))
    assert await pool.fetchval(count, run.id) == 0
    assert await pool.fetchval(count, waiting.id) == 1
    assert (await running.get(run)).cells_resolved == 3
