"""The relay: brings entries of the logs to whoever makes something of them.

Each reader is a `Consumer` with cursors of its own in `relay_cursor`: how far it has come in the
log of one table, or of the organisation when the cursor bears the organisation's id. One step is
one transaction for each consumer: it takes cursors that stand behind their clock, lets the consumer
store what follows from the entries behind them, and moves the cursors on. So a worker that is
killed at any moment loses nothing and doubles nothing, and any number of workers can take steps at
once: each skips the cursors that another one holds.

To add a consumer: write a class with `name`, `reads_deleted` and `advance`, and hand it to the
`Relay` that `persistence/storage.py` makes. `advance` gets a cursor that is locked, in a savepoint,
and a budget of rows. It asks `next_slice` for the entries that concern it, does its writes on the
connection it was given, calls `move`, and answers with `Done`. Logs that it wrote to itself are
named in `Done.wakes`, and their readers are woken after the commit. What it raises undoes the
savepoint: the cursor stays, others go on, and the next step tries again. Cursors are made and
taken away by whoever makes them necessary (see `persistence/triggers.py`): a log without one costs
nothing."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, Protocol
from uuid import UUID

import asyncpg
import structlog

from domain.numbers import loads
from persistence import jobs
from persistence.engine import Connection, Database
from persistence.unit_of_work import Wake

_CURSORS_AT_ONCE = 50
_ENTRIES_AT_ONCE = 500
#: Rows of one step of a consumer: about half a second of PostgreSQL's time.
ROWS_AT_ONCE = 10_000
#: A log gets as many rows, also when those before it have used up the step.
_LEAST_ROWS = 100

LogKind = Literal["table", "organization"]

_TAKE = """
SELECT cursor.table_id, cursor.organization_id, cursor.revision, cursor.after_row,
       coalesce(clock.revision, own.revision) AS head, clock.columns_version,
       own.organization_id IS NOT NULL AS is_organization
FROM relay_cursor AS cursor
LEFT JOIN table_clock AS clock ON clock.table_id = cursor.table_id
LEFT JOIN user_table AS t ON t.id = cursor.table_id
LEFT JOIN organization_clock AS own ON own.organization_id = cursor.table_id
WHERE cursor.consumer = $1 AND coalesce(clock.revision, own.revision) > cursor.revision
  AND (t.deleted_at IS NULL OR $3)
-- The longest silence first: a table that is written all the time must not starve the others.
ORDER BY coalesce(clock.last_at, own.last_at)
FOR UPDATE OF cursor SKIP LOCKED LIMIT $2
"""
_FOLLOWED = """
SELECT DISTINCT table_id, table_id = organization_id AS is_organization FROM relay_cursor
WHERE consumer = ANY($1)
"""
_ENTRIES = """
SELECT revision, kind, actor, cause, at, details, rows_added + rows_changed + rows_deleted AS rows
FROM change WHERE table_id = $1 AND revision > $2 ORDER BY revision LIMIT $3
"""
_LAST_ROW = """
SELECT max(row_id::text)::uuid AS last, count(*) AS count FROM (
  SELECT row_id FROM row_version
  WHERE table_id = $1 AND revision = $2 AND ($3::uuid IS NULL OR row_id > $3)
  ORDER BY row_id LIMIT $4
) AS part
"""
_MOVE = """
UPDATE relay_cursor SET revision = $3, after_row = $4 WHERE consumer = $1 AND table_id = $2
"""

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Cursor:
    """How far a consumer has come in one log. `log_id` is a table's id or the organisation's. All
    up to `revision` is done, and of the entry behind it the rows up to `after_row`, in the order of
    ids. `head` is the log's last revision, `columns_version` None in an organisation's log."""

    consumer: str
    log_id: UUID
    kind: LogKind
    organization_id: UUID
    revision: int
    after_row: UUID | None
    head: int
    columns_version: int | None


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry of a table's log. `rows` counts the rows that it added, changed or deleted."""

    revision: int
    kind: str
    actor: str
    cause: Mapping[str, Any]
    at: datetime
    details: Mapping[str, Any]
    rows: int

    @property
    def depth(self) -> int:
        """How many triggers led to it."""
        return int(self.cause.get("depth", 0))

    @property
    def skips_triggers(self) -> bool:
        """The writer's wish that no trigger fires."""
        return self.cause.get("triggers") == "skip"


@dataclass(frozen=True, slots=True)
class Slice:
    """Entries that concern a consumer, up to `revision`; or a part of one entry: rows behind
    `after_row` up to `last_row`, in the order of ids."""

    revision: int
    entries: Sequence[Entry]
    rows: int
    after_row: UUID | None = None
    last_row: UUID | None = None


@dataclass(frozen=True, slots=True)
class Done:
    """What a consumer did with a slice: how many things it made (for the curious), how much work it
    was in rows, and which logs it wrote to."""

    made: int
    work: int
    wakes: Sequence[tuple[LogKind, UUID, int]] = ()


class Consumer(Protocol):
    """A reader of logs. `name` stands in its cursors and never changes. With `reads_deleted` the
    logs of deleted tables are read to their end too, while they are kept."""

    @property
    def name(self) -> str: ...

    @property
    def reads_deleted(self) -> bool: ...

    async def advance(self, connection: Connection, cursor: Cursor, budget: int) -> Done: ...


@dataclass(frozen=True, slots=True)
class Step:
    """What a step did: the cursors that it moved, what the consumers made of it, and whether it is
    worth taking another one at once."""

    cursors: int
    made: int
    more: bool


@dataclass(slots=True)
class _Size:
    """How many rows a consumer takes at once; less after a failure."""

    most: int
    rows: int = field(init=False)

    def __post_init__(self) -> None:
        self.rows = self.most

    def shrink(self) -> None:
        self.rows = max(1, self.rows // 4)

    def grow(self) -> None:
        self.rows = min(self.most, self.rows + self.rows // 4 + 1)


class Relay:
    """Takes steps for all organisations."""

    def __init__(
        self,
        database: Database,
        consumers: Sequence[Consumer],
        wake: Wake,
        rows_at_once: int = ROWS_AT_ONCE,
    ) -> None:
        self._pool = database.pool
        self._consumers = [(consumer, _Size(rows_at_once)) for consumer in consumers]
        self._wake = wake

    async def followed(self) -> dict[UUID, LogKind]:
        """The logs that somebody reads here, by the id of the table or organisation."""
        names = [consumer.name for consumer, _ in self._consumers]
        records = await self._pool.fetch(_FOLLOWED, names)
        return {r["table_id"]: "organization" if r["is_organization"] else "table" for r in records}

    async def step(self) -> Step:
        """Move some cursors of each consumer on, each in a transaction of its own. After a failure
        the consumer's next step is a smaller one: rows of a megabyte may not fit into the five
        seconds that a transaction has. One that fails does not stop the others."""
        cursors = made = 0
        failure: Exception | None = None
        for consumer, size in self._consumers:
            try:
                done = await self._step(consumer, size.rows)
            except Exception as error:
                size.shrink()
                failure = failure or error
                continue
            size.grow()
            cursors += len(done)
            made += sum(each.made for each in done)
            for wake in [wake for each in done for wake in each.wakes]:
                self._wake(*wake)
        if failure is not None:
            raise failure
        # Whoever is behind still, or has become so, is found by the next step.
        return Step(cursors, made, more=bool(cursors))

    async def _step(self, consumer: Consumer, rows: int) -> list[Done]:
        """What was done with each cursor that moved."""
        all_done: list[Done] = []
        left = rows
        async with self._pool.acquire() as connection, connection.transaction():
            for cursor in await _take(connection, consumer):
                budget = max(left, min(_LEAST_ROWS, rows))
                done = await self._try(connection, consumer, cursor, budget)
                if done is not None:
                    all_done.append(done)
                    left -= done.work
                if left <= 0:
                    break
        return all_done

    async def _try(
        self, connection: Connection, consumer: Consumer, cursor: Cursor, budget: int
    ) -> Done | None:
        """One log; None when it failed. The others must not wait for it."""
        try:
            async with connection.transaction():
                return await consumer.advance(connection, cursor, budget)
        except Exception as error:
            if is_passing(error):
                raise
            _log.exception(
                "a log cannot be relayed", consumer=consumer.name, log_id=str(cursor.log_id)
            )
            return None


async def _take(connection: Connection, consumer: Consumer) -> list[Cursor]:
    """Cursors behind their clocks, locked."""
    records = await connection.fetch(_TAKE, consumer.name, _CURSORS_AT_ONCE, consumer.reads_deleted)
    return [
        Cursor(
            consumer.name,
            r["table_id"],
            "organization" if r["is_organization"] else "table",
            r["organization_id"],
            r["revision"],
            r["after_row"],
            r["head"],
            r["columns_version"],
        )
        for r in records
    ]


def is_passing(error: Exception) -> bool:
    """Whether trying again may succeed."""
    return jobs.out_of_reach(error) or isinstance(error, asyncpg.TransactionRollbackError)


async def next_slice(
    connection: Connection, cursor: Cursor, budget: int, concerns: Callable[[Entry], bool]
) -> Slice:
    """The next entries of a table's log that concern the consumer, with at most `budget` rows in
    all; of a larger entry a part. What does not concern it is passed over."""
    revision = cursor.revision
    entries = await _entries(connection, cursor)
    if not entries:
        return Slice(cursor.head, (), 0)  # the log was pruned up to here
    first = entries[0]
    if cursor.after_row is not None or (concerns(first) and first.rows > budget):
        return await _part(connection, cursor, first, budget)
    rows = 0
    found: list[Entry] = []
    for entry in entries:
        if concerns(entry):
            if rows + entry.rows > budget:
                break
            rows += entry.rows
            found.append(entry)
        revision = entry.revision
    return Slice(revision, found, rows)


async def _entries(connection: Connection, cursor: Cursor) -> list[Entry]:
    records = await connection.fetch(_ENTRIES, cursor.log_id, cursor.revision, _ENTRIES_AT_ONCE)
    return [
        Entry(
            r["revision"],
            r["kind"],
            r["actor"],
            loads(r["cause"]),
            r["at"],
            loads(r["details"] or "{}"),
            r["rows"],
        )
        for r in records
    ]


async def _part(connection: Connection, cursor: Cursor, entry: Entry, budget: int) -> Slice:
    """Some rows of an entry that is too large for one step."""
    after = cursor.after_row
    found = await connection.fetchrow(_LAST_ROW, cursor.log_id, entry.revision, after, budget)
    assert found is not None, "an aggregate always has a row"
    entries = [entry] if found["count"] else []
    if found["count"] < budget:
        return Slice(entry.revision, entries, found["count"], after_row=after)
    return Slice(cursor.revision, entries, found["count"], after, found["last"])


async def move(
    connection: Connection, cursor: Cursor, revision: int, last_row: UUID | None = None
) -> None:
    """Move the cursor on: to the end of a slice, and inside an entry to the last row of it."""
    await connection.execute(_MOVE, cursor.consumer, cursor.log_id, revision, last_row)
