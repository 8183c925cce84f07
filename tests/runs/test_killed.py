"""Workers that are killed: the run goes on, and at most the batch in flight is paid for twice."""

import asyncio
from collections import Counter
from pathlib import Path
from uuid import UUID

from domain.provider_records import ProviderCreate, ProviderKind, ProviderSettings
from domain.run_records import RunMode, RunStatus
from tests.models.server import model_server
from tests.runs.running import Running, ai, tool_column
from tests.worker_processes import WorkerProcess

_ROWS = 500


def _worker(running: Running, redis_url: str, folder: Path) -> WorkerProcess:
    return WorkerProcess(running.url, redis_url, folder, TABLECAST_EGRESS_ALLOW="127.0.0.1/32")


async def _table(running: Running, base_url: str) -> UUID:
    command = ProviderCreate(
        "local", ProviderKind.OPENAI, "m", base_url, None, ProviderSettings(concurrency=64)
    )
    world = running.world
    await world.storage.providers.create(world.viewer.organization_id, "test", command)
    table_id = await world.table("name", tool_column("one", ai("name")))
    await world.add(table_id, *({"name": f"n{n}"} for n in range(_ROWS)))
    return table_id


async def _batches(running: Running, run_id: UUID, condition: str, more_than: int) -> None:
    """Wait until the condition holds for more batches than that."""
    # The database waits, so that the workers have the processor.
    counted = (
        "SELECT count(*) FROM (SELECT pg_sleep(0.05)) s"
        f" LEFT JOIN cell_batch b ON run_id = $1 AND {condition} WHERE b.run_id IS NOT NULL"
    )
    async with asyncio.timeout(90):
        while True:
            if await running.world.database.pool.fetchval(counted, run_id) > more_than:
                return


async def test_a_run_goes_on_after_its_worker_was_killed(
    running: Running, redis_url: str, tmp_path: Path
) -> None:
    async with model_server() as models:
        models.answer = lambda call: call.inputs["name"]
        table_id = await _table(running, models.url)
        run = await running.start(table_id, use_cache=False, mode=RunMode.ALL)
        models.hold()
        first = _worker(running, redis_url, tmp_path / "first")
        second = _worker(running, redis_url, tmp_path / "second")
        try:
            # One worker has four at once, and the first one of the run.
            await _batches(running, run.id, "status = 'running'", more_than=5)
            first.kill()
            models.release()
            await _batches(running, run.id, "attempt > 1", more_than=0)
            run = await running.over(run)
        finally:
            first.kill()
            await asyncio.to_thread(second.stop)
        asked = Counter(call.inputs["name"] for call in models.calls)
    assert run.status is RunStatus.COMPLETED
    assert run.cells_resolved == _ROWS
    assert await running.values(table_id, "one") == [f"n{n}" for n in range(_ROWS)]
    twice = sum(count - 1 for count in asked.values())
    # A worker has five batches of a run in flight at most, of 64 each.
    assert twice <= 5 * 64
    assert max(asked.values()) <= 2
    await running.check_log(table_id)
