"""Dropping the data of deleted tables, some time after they were detached."""

from datetime import timedelta
from uuid import UUID

import asyncpg

from persistence import firings
from persistence.engine import Database

#: Subscribers that were away still find the end of the log within this time.
GRACE = timedelta(minutes=5)

#: Rows deleted in one transaction: well under the five seconds that one may take.
_BATCH = 5_000

_LOGS = ("row_version", "cell_change", "cell_state", "extracted_row", "change")

_EMPTY_CONFLICTS = f"""
DELETE FROM rollback_conflict WHERE (run_id, row_id) IN (
  SELECT c.run_id, c.row_id FROM rollback_conflict c JOIN rollback_run r ON r.id = c.run_id
  WHERE r.table_id = $1 LIMIT {_BATCH})
"""
_EMPTY_BATCHES = f"""
DELETE FROM cell_batch WHERE (run_id, number) IN (
  SELECT b.run_id, b.number FROM cell_batch b JOIN cell_run r ON r.id = b.run_id
  WHERE r.table_id = $1 LIMIT {_BATCH})
"""
_NEXT = """
SELECT t.id, t.number, o.number AS organization_number
FROM user_table t JOIN organization o ON o.id = t.organization_id
WHERE t.deleted_at < clock_timestamp() - $1::interval AND t.dropped_at IS NULL
ORDER BY t.deleted_at LIMIT 1
"""


async def drop_next(database: Database, grace: timedelta = GRACE) -> bool:
    """Remove the data, history included, of one table that was deleted before the grace time.

    False when there is none. A run that is cut off goes on where it stopped."""
    found = await database.pool.fetchrow(_NEXT, grace)
    if found is None:
        return False
    name = f"org_{found['organization_number']}.t{found['number']}"
    async with database.pool.acquire() as connection, connection.transaction():
        await connection.execute("SET LOCAL lock_timeout = '1s'")
        await connection.execute(f"DROP TABLE IF EXISTS {name}")
    for log in _LOGS:
        await _empty(database.pool, log, found["id"])
    await _drop_triggers(database.pool, found["id"])
    for statement in (_EMPTY_CONFLICTS, _EMPTY_BATCHES):
        while await database.pool.execute(statement, found["id"]) != "DELETE 0":
            pass
    async with database.pool.acquire() as connection, connection.transaction():
        for metadata in (
            "relay_cursor",
            "webhook_start",
            "webhook_replay",
            "rollback_run",
            "enrichment",
            "extraction_example",
            "cell_run",
            "chart",
            "column_index",
            "table_session",
            "table_column",
            "table_clock",
        ):
            await connection.execute(f"DELETE FROM {metadata} WHERE table_id = $1", found["id"])
        await connection.execute(
            "UPDATE user_table SET dropped_at = clock_timestamp() WHERE id = $1", found["id"]
        )
    return True


async def _drop_triggers(pool: "asyncpg.Pool[asyncpg.Record]", table_id: UUID) -> None:
    """The table's triggers, each behind its firings."""
    for trigger in await pool.fetch("SELECT id FROM trigger WHERE table_id = $1", table_id):
        await firings.drop_of(pool, trigger["id"])
        await pool.execute("DELETE FROM trigger WHERE id = $1", trigger["id"])


async def _empty(pool: "asyncpg.Pool[asyncpg.Record]", log: str, table_id: UUID) -> None:
    statement = (
        f"DELETE FROM {log} WHERE table_id = $1 AND ctid = ANY(ARRAY("
        f"SELECT ctid FROM {log} WHERE table_id = $1 LIMIT {_BATCH}))"
    )
    while await pool.execute(statement, table_id) != "DELETE 0":
        pass
