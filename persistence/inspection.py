"""Facts about a database that tell whether an installation is sound."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import asyncpg
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from domain.errors import SecretLost
from persistence import jobs
from persistence.embedded import EmbeddedError
from persistence.engine import Database
from persistence.migrate import configuration
from persistence.secret_box import SecretBox

#: What opening and asking a database raises when it cannot be used.
UNUSABLE = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, EmbeddedError)

#: Tables named in one answer at most.
_NAMED = 10

# A log without holes has as many entries as revisions, and ends where its clock stands.
_BROKEN_LOGS = f"""
SELECT t.id::text FROM user_table t JOIN table_clock c ON c.table_id = t.id
CROSS JOIN LATERAL (
  SELECT count(*) AS entries, coalesce(max(revision), c.pruned_to) AS last
  FROM change h WHERE h.table_id = t.id AND h.revision > c.pruned_to
) AS log
WHERE t.deleted_at IS NULL AND (log.last <> c.revision OR log.entries <> c.revision - c.pruned_to)
ORDER BY t.id LIMIT {_NAMED}
"""

_TABLES = """
SELECT t.id::text AS id, format('org_%s.t%s', o.number, t.number) AS name, c.row_count
FROM user_table t JOIN organization o ON o.id = t.organization_id
JOIN table_clock c ON c.table_id = t.id
WHERE t.deleted_at IS NULL ORDER BY t.id
"""

_SEALED = """
SELECT organization_id, id, 'provider' AS kind, name, ARRAY[api_key] AS sealed
FROM provider WHERE deleted_at IS NULL AND api_key IS NOT NULL
UNION ALL SELECT organization_id, id, 'secret', name, ARRAY[value] FROM secret
UNION ALL SELECT organization_id, id, 'webhook', id::text,
                 array_remove(ARRAY[secret, previous_secret], NULL)
FROM webhook_endpoint WHERE deleted_at IS NULL
ORDER BY kind, name
"""

_JOBS = """
SELECT coalesce(extract(epoch FROM clock_timestamp() - min(created)), 0)::float8
FROM pgqueuer WHERE status = 'queued' AND execute_after <= clock_timestamp()
"""

_WORKERS = (
    f"SELECT count(*) FROM pg_stat_activity WHERE application_name = '{jobs.MAIN}'"
    " AND datname = current_database()"
)
_FAILED_INDEXES = "SELECT count(*) FROM column_index WHERE status = 'failed'"
_NOW = "SELECT clock_timestamp()"


@dataclass(frozen=True, slots=True)
class Counted:
    """The rows of a table: as its clock says, and those that are there; -1 when it is gone."""

    table: str
    said: int
    found: int


class Inspection:
    """Looks, and changes nothing."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def schema(self) -> tuple[str | None, str | None]:
        """The version of the database's schema, and the one that the code needs."""

        def versions(connection: Connection) -> tuple[str | None, str | None]:
            script = ScriptDirectory.from_config(configuration(connection))
            current = MigrationContext.configure(connection).get_current_revision()
            return current, script.get_current_head()

        async with self._database.engine.connect() as connection:
            return await connection.run_sync(versions)

    async def seconds_apart(self) -> float:
        """How far the database's clock is from ours."""
        there: datetime = await self._database.pool.fetchval(_NOW)
        return abs((datetime.now(UTC) - there).total_seconds())

    async def broken_logs(self) -> Sequence[str]:
        """Ids of tables whose log has holes or does not end at its clock; 10 at most."""
        return [record["id"] for record in await self._database.pool.fetch(_BROKEN_LOGS)]

    async def miscounted(self) -> Sequence[Counted]:
        """Tables whose rows were counted wrong. Reads every row of every table."""
        counted = [await self._count(record) for record in await self._database.pool.fetch(_TABLES)]
        return [each for each in counted if each.said != each.found]

    async def _count(self, table: asyncpg.Record) -> Counted:
        try:
            # Both figures of one statement: writers may go on.
            [figures] = await self._database.pool.fetch(
                "SELECT (SELECT row_count FROM table_clock WHERE table_id::text = $1) AS said,"
                f" (SELECT count(*) FROM {table['name']}) AS found",
                table["id"],
            )
        except asyncpg.UndefinedTableError:
            return Counted(table["id"], table["row_count"], -1)
        return Counted(table["id"], figures["said"], figures["found"])

    async def sealed(self, box: SecretBox) -> tuple[int, Sequence[str]]:
        """How many secrets are stored, and what those belong to that the box cannot open; 10 at
        most."""
        records = await self._database.pool.fetch(_SEALED)
        lost = [
            f"{record['kind']} {record['name']}" for record in records if not _opens(box, record)
        ]
        return len(records), lost[:_NAMED]

    async def seconds_waiting(self) -> float:
        """For how long the oldest job has been waiting for a worker."""
        return float(await self._database.pool.fetchval(_JOBS))

    async def workers(self) -> int:
        """How many workers take jobs."""
        return int(await self._database.pool.fetchval(_WORKERS))

    async def failed_indexes(self) -> int:
        """How many indexes of users could not be built."""
        return int(await self._database.pool.fetchval(_FAILED_INDEXES))


def _opens(box: SecretBox, record: asyncpg.Record) -> bool:
    purpose = f"{record['kind']}:{record['id']}"
    try:
        for sealed in record["sealed"]:
            box.open(record["organization_id"], purpose, sealed)
    except SecretLost:
        return False
    return True
