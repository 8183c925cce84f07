"""Write transactions: the order of locks, the clocks and the log.

One order for everybody, so that no two writers can wait for each other in a circle:
the users' table itself (as a relation), then the organisation's clock, then the table's clock row,
then rows. Metadata writes that take no relation begin with the organisation's clock.
The relation comes before the clock because a one-statement insert takes it while it is planned; a
writer that held the clock and waited for the relation would meet an ALTER that holds the relation
and waits for the clock. Several tables are locked in the order of their ids.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
from sqlmodel.ext.asyncio.session import AsyncSession

from domain.changes import Cause, ChangeKind, OrganizationChangeKind
from domain.columns import TableShape
from domain.errors import ErrorCode, Invalid, NotFound, StructureMoved, invalid
from persistence.claims import writing
from persistence.engine import Connection, Pool, run_sql
from persistence.json_text import dumps

#: Called after a commit with ("table" | "organization", id, revision). Best effort: it must not
#: raise or wait.
Wake = Callable[[str, UUID, int], None]

_NEXT_REVISION = """
UPDATE table_clock
SET revision = revision + 1, last_at = greatest(clock_timestamp()::timestamptz(3), last_at)
WHERE table_id = $1 AND organization_id = $2 AND columns_version = $3
RETURNING revision, last_at
"""


class NothingWritten(Exception):
    """Raised inside a write transaction that turned out to change nothing: it rolls back, so that
    no revision is used. `revision` is the table's last one."""

    def __init__(self, revision: int, at: datetime) -> None:
        super().__init__()
        self.revision = revision
        self.at = at


_ONE_MORE_REVISION = (
    "UPDATE table_clock SET revision = revision + 1 WHERE table_id = $1 RETURNING revision"
)
_DATE_SHAPES = frozenset({ChangeKind.COLUMNS_CHANGED, ChangeKind.TABLE_DELETED})

_LOG_CHANGE = """
INSERT INTO change (table_id, revision, organization_id, kind, actor, cause, at,
                    rows_added, rows_changed, rows_deleted, details)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
"""


@dataclass(slots=True)
class TableWrite:
    """A transaction that holds the clock of a table: `revision` and `at` are those of its one log
    entry."""

    connection: Connection
    shape: TableShape
    actor: str
    cause: Cause
    revision: int
    at: datetime

    async def log(
        self,
        kind: ChangeKind,
        *,
        added: int = 0,
        changed: int = 0,
        deleted: int = 0,
        details: dict[str, Any] | None = None,
    ) -> None:
        """Write the entry of this revision. Every write calls it once for each revision."""
        await self.connection.execute(
            _LOG_CHANGE,
            self.shape.id,
            self.revision,
            self.shape.organization_id,
            kind.value,
            self.actor,
            dumps(self.cause.as_json()),
            self.at,
            added,
            changed,
            deleted,
            dumps(details) if details else None,
        )

    async def next_revision(self) -> None:
        """Go on with one more change in this transaction, after the entry of the one before."""
        self.revision = await self.connection.fetchval(_ONE_MORE_REVISION, self.shape.id)


def too_long_for_index() -> Invalid:
    """A B-tree holds values of at most a third of a page; PostgreSQL does not say of which row."""
    message = "A text is over 2,600 bytes long and its column has an index: nothing was written"
    return invalid(ErrorCode.TOO_LONG, message, "rows")


@asynccontextmanager
async def write_table(
    pool: Pool,
    shape: TableShape,
    actor: str,
    cause: Cause,
    wake: Wake,
) -> AsyncIterator[TableWrite]:
    """A write transaction on one table, the clock locked and moved on by one revision.

    Raises `StructureMoved` when the shape is old. Wakes the readers of the log after the commit."""
    async with write_tables(pool, [shape], actor, cause, wake) as writes:
        yield writes[shape.id]


@asynccontextmanager
async def write_tables(
    pool: Pool,
    shapes: list[TableShape],
    actor: str,
    cause: Cause,
    wake: Wake,
) -> AsyncIterator[dict[UUID, TableWrite]]:
    """A write transaction on several tables, locked in the order of their ids whatever order is
    given."""
    ordered = sorted(shapes, key=lambda shape: shape.id)
    names = ", ".join(shape.sql_name for shape in ordered)
    writes: dict[UUID, TableWrite] = {}
    try:
        async with writing(pool) as connection:
            await connection.execute(f"LOCK TABLE {names} IN ROW EXCLUSIVE MODE")
            for shape in ordered:
                clock = await connection.fetchrow(
                    _NEXT_REVISION, shape.id, shape.organization_id, shape.columns_version
                )
                if clock is None:
                    raise StructureMoved
                writes[shape.id] = TableWrite(
                    connection, shape, actor, cause, clock["revision"], clock["last_at"]
                )
            yield writes
    except asyncpg.UndefinedTableError:
        raise StructureMoved from None
    except asyncpg.ProgramLimitExceededError:
        raise too_long_for_index() from None
    for table_id, write in writes.items():
        wake("table", table_id, write.revision)


@dataclass(slots=True)
class OrganizationWrite:
    """A metadata transaction that holds the organisation's clock; each entry takes a revision of
    its own."""

    session: AsyncSession
    organization_id: UUID
    actor: str
    revision: int
    at: datetime

    async def log(
        self,
        kind: OrganizationChangeKind,
        subject_id: UUID,
        details: dict[str, Any] | None = None,
    ) -> None:
        """Write one entry of the organisation's log."""
        moved = await run_sql(
            self.session,
            "UPDATE organization_clock SET revision = revision + 1"
            " WHERE organization_id = :id RETURNING revision",
            id=self.organization_id,
        )
        self.revision = moved.scalar_one()
        await run_sql(
            self.session,
            "INSERT INTO organization_change"
            " (organization_id, revision, kind, actor, at, subject_id, details)"
            " VALUES (:organization, :revision, :kind, :actor, :at, :subject,"
            " CAST(:details AS jsonb))",
            organization=self.organization_id,
            revision=self.revision,
            kind=kind.value,
            actor=self.actor,
            at=self.at,
            subject=subject_id,
            details=dumps(details) if details else None,
        )


@asynccontextmanager
async def write_organization(
    session: AsyncSession, organization_id: UUID, actor: str
) -> AsyncIterator[OrganizationWrite]:
    """Lock the organisation's clock inside the session's transaction.

    The caller wakes readers after the commit. Raises `NotFound` when the organisation is gone."""
    locked = await run_sql(
        session,
        "UPDATE organization_clock"
        " SET last_at = greatest(CAST(clock_timestamp() AS timestamptz(3)), last_at)"
        " WHERE organization_id = :id RETURNING revision, last_at",
        id=organization_id,
    )
    row = locked.one_or_none()
    if row is None:
        raise NotFound("Organization")
    yield OrganizationWrite(session, organization_id, actor, row.revision, row.last_at)


async def log_table_change(
    session: AsyncSession,
    organization_id: UUID,
    table_id: UUID,
    actor: str,
    kind: ChangeKind,
    details: dict[str, Any],
) -> int | None:
    """Lock the table's clock in a metadata transaction and write one entry; its revision, or None
    when the table is gone. A change of columns and a deletion date the cached shapes too."""
    moves = ", columns_version = columns_version + 1" if kind in _DATE_SHAPES else ""
    moved = await run_sql(
        session,
        "UPDATE table_clock SET revision = revision + 1,"
        f" last_at = greatest(CAST(clock_timestamp() AS timestamptz(3)), last_at){moves}"
        " WHERE table_id = :table AND organization_id = :organization"
        " RETURNING revision, last_at",
        table=table_id,
        organization=organization_id,
    )
    row = moved.one_or_none()
    if row is None:
        return None
    await run_sql(
        session,
        "INSERT INTO change (table_id, revision, organization_id, kind, actor, cause, at,"
        " rows_added, rows_changed, rows_deleted, details) VALUES (:table, :revision,"
        " :organization, :kind, :actor, CAST(:cause AS jsonb), :at, 0, 0, 0,"
        " CAST(:details AS jsonb))",
        table=table_id,
        revision=row.revision,
        organization=organization_id,
        kind=kind.value,
        actor=actor,
        cause=dumps(Cause().as_json()),
        at=row.last_at,
        details=dumps(details),
    )
    return int(row.revision)
