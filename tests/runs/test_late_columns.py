"""A worker that met a table before its column with a tool was there: extraction and imports read
tables long before somebody runs tools on them."""

import asyncio

from domain import column_editing
from persistence.jobs import run as run_jobs
from persistence.storage import PostgresStorage
from processing import cell_runs
from tests.runs.running import Running, ai, tool_column


async def test_a_worker_looks_again_for_columns_that_it_does_not_know(running: Running) -> None:
    world = running.world
    table_id = await world.table("name")
    await world.add(table_id, {"name": "n"})
    other = PostgresStorage(world.database, lambda *_: None)
    assert await other.tables.shape(world.viewer.organization_id, table_id) is not None
    await column_editing.add_column(
        world.viewer, world.storage, table_id, tool_column("one", ai("name"))
    )
    stopping = asyncio.Event()
    batches = cell_runs.fill_batches(running.url, other, running.tools, stopping)
    others = run_jobs(running.url, cell_runs.handlers(other, stopping), stopping)
    async with asyncio.TaskGroup() as group:
        group.create_task(batches)
        group.create_task(others)
        run = await running.over(await running.start(table_id))
        stopping.set()
    assert run.cells_resolved == 1
    assert await running.values(table_id, "one") == ["nn"]
