"""kill -9 of the worker between any two statements: each firing is stored once and done once.

A lock of the test holds the worker at a statement; there it is killed."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import pytest

from domain.addresses import Allowed
from domain.trigger_records import FiringStatus
from persistence.jobs import TryAgain
from processing.firing_actions import Actions
from processing.firings import handler
from processing.outbound import Outbound
from tests.imports.importing import Importer
from tests.triggers.automation import Automation
from tests.waiting import eventually

ROWS = 120
_WAITING = """
SELECT count(*) FROM pg_locks AS l JOIN pg_stat_activity AS a USING (pid)
WHERE NOT l.granted AND l.relation = $1::regclass AND a.application_name = 'tablecast'
  AND a.datname = current_database()
"""


@pytest.mark.parametrize(
    ("table", "mode", "statement"),
    [
        ("trigger_firing", "SHARE", "storing firings"),
        ("pgqueuer", "SHARE", "queueing their jobs"),
        ("relay_cursor", "SHARE", "moving cursors on"),
        ("trigger", "SHARE", "storing results, the tasks being made"),
    ],
)
async def test_a_worker_is_killed_while(
    automation: Automation, redis_url: str, tmp_path: Path, table: str, mode: str, statement: str
) -> None:
    world = automation.world
    table_id = await world.table("name")
    trigger = await automation.trigger(table_id)
    importer = Importer(world, automation.url, tmp_path / "files")
    async with held(automation.url, table, mode) as is_waiting:
        row_ids = await world.add(table_id, *({"name": str(n)} for n in range(ROWS)))
        worker = importer.worker_process(redis_url)
        try:
            await eventually(is_waiting)
        finally:
            worker.kill()
    async with automation.worker():
        fired = await automation.settled(trigger)
    assert [each.row_id for each in fired] == list(row_ids), statement
    assert {each.status for each in fired} == {FiringStatus.SUCCEEDED}
    assert (await automation.get(trigger)).fire_count == ROWS
    tasks = "SELECT count(*) FROM task WHERE organization_id = $1"
    assert await automation.count(tasks, world.viewer.organization_id) == ROWS


async def test_a_worker_that_stops_leaves_the_rest_to_others(
    automation: Automation, redis_url: str, tmp_path: Path
) -> None:
    world = automation.world
    table_id = await world.table("name")
    trigger = await automation.trigger(table_id)
    importer = Importer(world, automation.url, tmp_path / "files")
    async with held(automation.url, "task", "SHARE") as is_waiting:
        await world.add(table_id, *({"name": str(n)} for n in range(ROWS)))
        worker = importer.worker_process(redis_url)
        try:
            await eventually(is_waiting)
        finally:
            worker.terminate()
    assert worker.stop() == 0
    async with automation.worker():
        fired = await automation.settled(trigger)
    assert len(fired) == ROWS
    assert {(each.status, each.attempt) for each in fired} == {(FiringStatus.SUCCEEDED, 1)}


async def test_a_job_that_fails_is_not_forgotten(automation: Automation) -> None:
    """PgQueuer drops a job that raises; its firings would wait for ever."""
    world = automation.world
    table_id = await world.table("name")
    trigger = await automation.trigger(table_id)
    await world.add(table_id, {"name": "a"})
    await automation.relayed()
    [fired] = await automation.firings(trigger)
    actions = Actions(world.storage, Outbound(Allowed()))
    work = handler(world.storage, actions, asyncio.Event())
    span = {"first": str(fired.id), "last": str(fired.id)}
    pool = world.database.pool
    await pool.execute(
        "ALTER TABLE trigger_firing ADD CONSTRAINT broken CHECK (status <> 'succeeded') NOT VALID"
    )
    try:
        with pytest.raises(TryAgain):
            await work(span)
    finally:
        await pool.execute("ALTER TABLE trigger_firing DROP CONSTRAINT broken")
    await work(span)
    [done] = await automation.firings(trigger)
    assert (done.status, done.attempt) == (FiringStatus.SUCCEEDED, 2)
    assert len(await automation.tasks()) == 1


@asynccontextmanager
async def held(url: str, table: str, mode: str) -> AsyncIterator[Callable[[], Awaitable[bool]]]:
    """A lock on a table, and whether somebody waits for it."""
    holder, looker = await asyncpg.connect(url), await asyncpg.connect(url)
    try:
        async with holder.transaction():
            await holder.execute(f"LOCK TABLE {table} IN {mode} MODE")

            async def is_waiting() -> bool:
                return bool(await looker.fetchval(_WAITING, table))

            yield is_waiting
    finally:
        await holder.close()
        await looker.close()
