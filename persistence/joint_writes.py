"""Write transactions on several tables at once, perhaps with entries of the organisation's log.

The locks are taken in the one order of `unit_of_work`; but a table takes a revision only when
something happens to it, since nobody knows before which of them are concerned."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from domain.changes import Cause, OrganizationChangeKind
from domain.columns import TableShape
from domain.errors import NotFound, StructureMoved
from persistence.claims import writing
from persistence.engine import Connection, Pool
from persistence.json_text import dumps
from persistence.unit_of_work import TableWrite, Wake, too_long_for_index

#: What a transaction of many rows may take. Others have five seconds.
_SECONDS = 60

_LOCK_ORGANIZATION = """
UPDATE organization_clock SET last_at = greatest(clock_timestamp()::timestamptz(3), last_at)
WHERE organization_id = $1 RETURNING last_at
"""
_LOCK_TABLE = """
UPDATE table_clock SET last_at = greatest(clock_timestamp()::timestamptz(3), last_at)
WHERE table_id = $1 AND organization_id = $2 AND columns_version = $3
RETURNING revision, last_at
"""
_NEXT_OF_ORGANIZATION = """
UPDATE organization_clock SET revision = revision + 1 WHERE organization_id = $1 RETURNING revision
"""
_LOG = """
INSERT INTO organization_change
  (organization_id, revision, kind, actor, at, subject_id, details)
VALUES ($1, $2, $3, $4, $5, $6, $7)
"""


@dataclass(slots=True)
class JointWrite:
    """A transaction that holds the clocks of `tables`, whose revisions are the last ones that they
    have: call `next_revision` before each change. `at` is the moment of the organisation's clock,
    when that is held too. `wakes` are told after the commit, besides those of the tables."""

    connection: Connection
    organization_id: UUID
    actor: str
    tables: dict[UUID, TableWrite]
    at: datetime | None
    wakes: list[tuple[str, UUID, int]]

    async def log_organization(
        self, kind: OrganizationChangeKind, subject_id: UUID, details: dict[str, Any]
    ) -> None:
        """Write an entry of the organisation's log, whose clock is held."""
        revision = await self.connection.fetchval(_NEXT_OF_ORGANIZATION, self.organization_id)
        await self.connection.execute(
            _LOG,
            self.organization_id,
            revision,
            kind.value,
            self.actor,
            self.at,
            subject_id,
            dumps(details),
        )
        self.wakes.append(("organization", self.organization_id, revision))


@asynccontextmanager
async def write_jointly(
    pool: Pool,
    organization_id: UUID,
    shapes: Sequence[TableShape],
    actor: str,
    cause: Cause,
    wake: Wake,
) -> AsyncIterator[JointWrite]:
    """A write transaction on tables of an organisation, locked in the order of their ids.

    Raises `StructureMoved` when a shape is old. Wakes the readers of the logs after the commit."""
    async with _written(pool, organization_id, shapes, actor, cause, wake, None) as write:
        yield write


@asynccontextmanager
async def write_jointly_with_organization(
    pool: Pool,
    organization_id: UUID,
    shapes: Sequence[TableShape],
    actor: str,
    cause: Cause,
    wake: Wake,
) -> AsyncIterator[JointWrite]:
    """`write_jointly` that holds the organisation's clock too. Raises `NotFound` without one."""
    async with _written(
        pool, organization_id, shapes, actor, cause, wake, _LOCK_ORGANIZATION
    ) as write:
        yield write


@asynccontextmanager
async def _written(
    pool: Pool,
    organization_id: UUID,
    shapes: Sequence[TableShape],
    actor: str,
    cause: Cause,
    wake: Wake,
    lock_organization: str | None,
) -> AsyncIterator[JointWrite]:
    ordered = sorted(shapes, key=lambda shape: shape.id)
    wakes: list[tuple[str, UUID, int]] = []
    try:
        async with writing(pool) as connection:
            write = JointWrite(connection, organization_id, actor, {}, None, wakes)
            await _allow_time(connection)
            if ordered:
                names = ", ".join(shape.sql_name for shape in ordered)
                await connection.execute(f"LOCK TABLE {names} IN ROW EXCLUSIVE MODE")
            if lock_organization is not None:
                write.at = await connection.fetchval(lock_organization, organization_id)
                if write.at is None:
                    raise NotFound("Organization")
            for shape in ordered:
                write.tables[shape.id] = await _locked(write, shape, cause)
            began = {table_id: each.revision for table_id, each in write.tables.items()}
            yield write
            changed = [each for each in write.tables.items() if each[1].revision != began[each[0]]]
            wakes += [("table", table_id, each.revision) for table_id, each in changed]
    except asyncpg.UndefinedTableError:
        raise StructureMoved from None
    except asyncpg.ProgramLimitExceededError:
        raise too_long_for_index() from None
    for kind, id_, revision in wakes:
        wake(kind, id_, revision)


async def _locked(write: JointWrite, shape: TableShape, cause: Cause) -> TableWrite:
    clock = await write.connection.fetchrow(
        _LOCK_TABLE, shape.id, write.organization_id, shape.columns_version
    )
    if clock is None:
        raise StructureMoved
    return TableWrite(
        write.connection, shape, write.actor, cause, clock["revision"], clock["last_at"]
    )


async def _allow_time(connection: Connection) -> None:
    """A limit counts from when it is set only if there was none."""
    await connection.execute("SET LOCAL transaction_timeout = 0")
    await connection.execute(f"SET LOCAL transaction_timeout = '{_SECONDS}s'")
