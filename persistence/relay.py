"""The relay's steps: from the log of tables to firings of their triggers.

One step is one transaction: it takes cursors that stand behind their table's clock, stores the
firings of the entries behind them, queues the jobs that will run those, and moves the cursors on.
So a worker that is killed at any moment loses nothing and doubles nothing, and any number of
workers can take steps at once: each skips the cursors that another one holds."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg
import structlog

from domain import ids
from domain.changes import MAX_DEPTH
from domain.columns import TableShape
from domain.errors import Invalid
from domain.numbers import loads
from domain.trigger_conditions import bind_condition
from domain.trigger_records import FiringStatus, TriggerEvent, TriggerStatus
from persistence import jobs
from persistence.engine import Connection, Database
from persistence.filter_sql import Params
from persistence.firing_sql import fire_statement
from persistence.shapes import Shapes
from persistence.triggers import CONSUMER

#: The job that runs firings; its payload is `{"first", "last"}`: ids, both included.
JOB = "firings"
#: There may be a thousand of these jobs at once: somebody's import must not wait for all of them.
JOB_PRIORITY = -1
FIRINGS_PER_JOB = 500

_CURSORS_AT_ONCE = 50
_ENTRIES_AT_ONCE = 500
#: Rows times triggers of one step: about half a second of PostgreSQL's time.
ROWS_AT_ONCE = 10_000
#: A table gets as many rows, also when those before it have used up the step.
_LEAST_ROWS = 100
_LIMIT_WINDOW = timedelta(minutes=1)

_TAKE = """
SELECT cursor.table_id, cursor.organization_id, cursor.revision, cursor.after_row,
       clock.revision AS head, clock.columns_version
FROM relay_cursor AS cursor
JOIN table_clock AS clock ON clock.table_id = cursor.table_id
JOIN user_table AS t ON t.id = cursor.table_id AND t.deleted_at IS NULL
WHERE cursor.consumer = $1 AND clock.revision > cursor.revision
-- The longest silence first: a table that is written all the time must not starve the others.
ORDER BY clock.last_at
FOR UPDATE OF cursor SKIP LOCKED LIMIT $2
"""
_FOLLOWED = "SELECT table_id FROM relay_cursor WHERE consumer = $1"
_ENTRIES = """
SELECT revision, rows_added + rows_changed + rows_deleted AS rows,
       coalesce((cause->>'depth')::int, 0) AS depth,
       coalesce(cause->>'triggers', '') = 'skip' AS skips
FROM change WHERE table_id = $1 AND revision > $2 ORDER BY revision LIMIT $3
"""
_LAST_ROW = """
SELECT max(row_id::text)::uuid AS last, count(*) AS count FROM (
  SELECT row_id FROM row_version
  WHERE table_id = $1 AND revision = $2 AND ($3::uuid IS NULL OR row_id > $3)
  ORDER BY row_id LIMIT $4
) AS part
"""
_TRIGGERS = f"""
SELECT id, event, condition, from_revision, fires_per_minute, error FROM trigger
WHERE table_id = $1 AND status = '{TriggerStatus.ACTIVE}' ORDER BY created_at, id
"""
_MOVE = """
UPDATE relay_cursor SET revision = $3, after_row = $4 WHERE consumer = $1 AND table_id = $2
"""
_FIRED = f"""
SELECT count(*) FROM trigger_firing
WHERE trigger_id = $1 AND id >= $2 AND replay_of IS NULL AND row_id IS NOT NULL
  AND status <> '{FiringStatus.SKIPPED}'
"""
_FAULT = "UPDATE trigger SET error = $2 WHERE id = $1"
_FAILED = f"""
INSERT INTO trigger_firing (id, organization_id, trigger_id, table_id, revision, status, attempt,
                            depth, input, error, finished_at)
VALUES ($1, $2, $3, $4, $5, '{FiringStatus.FAILED}', 0, 0, '{{}}', $6, clock_timestamp())
"""

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Step:
    """What a step did: the cursors that it moved, the firings that it stored, and whether it is
    worth taking another one at once."""

    cursors: int
    firings: int
    more: bool


@dataclass(frozen=True, slots=True)
class _Slice:
    """Entries up to `revision`, or a part of the only entry: rows behind `after_row` up to
    `last_row`, in the order of ids. `fires` are (revision, depth) of those that may fire."""

    revision: int
    fires: Sequence[tuple[int, int]]
    rows: int
    after_row: UUID | None = None
    last_row: UUID | None = None


class Relay:
    """Takes steps for all organisations."""

    def __init__(
        self, database: Database, shapes: Shapes, rows_at_once: int = ROWS_AT_ONCE
    ) -> None:
        self._pool = database.pool
        self._shapes = shapes
        self._most = self._rows = rows_at_once

    async def followed(self) -> set[UUID]:
        """The tables that have triggers."""
        return {r["table_id"] for r in await self._pool.fetch(_FOLLOWED, CONSUMER)}

    async def step(self) -> Step:
        """Move some cursors on, in one transaction. After a failure the next step is a smaller one:
        rows of a megabyte may not fit into the five seconds that a transaction has."""
        try:
            done = await self._step(self._rows)
        except Exception:
            self._rows = max(1, self._rows // 4)
            raise
        self._rows = min(self._most, self._rows + self._rows // 4 + 1)
        return done

    async def _step(self, left: int) -> Step:
        moved = firings = 0
        async with self._pool.acquire() as connection, connection.transaction():
            for cursor in await connection.fetch(_TAKE, CONSUMER, _CURSORS_AT_ONCE):
                done = await self._try(connection, cursor, left)
                if done is not None:
                    moved += 1
                    firings += done.firings
                    left -= done.work
                if left <= 0:
                    break
        # Whoever is behind still, or has become so, is found by the next step.
        return Step(moved, firings, more=bool(moved))

    async def _try(
        self, connection: Connection, cursor: asyncpg.Record, left: int
    ) -> "_Done | None":
        """One table; None when it failed. The others must not wait for it."""
        try:
            async with connection.transaction():
                return await self._advance(connection, cursor, left)
        except Exception as error:
            if _is_passing(error):
                raise
            _log.exception("a table cannot be relayed", table_id=str(cursor["table_id"]))
            return None

    async def _advance(self, connection: Connection, cursor: asyncpg.Record, left: int) -> "_Done":
        table_id = cursor["table_id"]
        triggers = await connection.fetch(_TRIGGERS, table_id)
        if not triggers:
            # All are paused. One that goes on begins at a later revision than this one.
            await connection.execute(_MOVE, CONSUMER, table_id, cursor["head"], None)
            return _Done(0, 1)
        least = min(_LEAST_ROWS, self._rows)
        part = await _slice(connection, cursor, max(1, max(left, least) // len(triggers)))
        firings = 0
        if part.fires:
            shape = await self._shapes.for_log(table_id, cursor["columns_version"])
            for trigger in triggers:
                firings += await _fire(connection, shape, trigger, part)
        await connection.execute(_MOVE, CONSUMER, table_id, part.revision, part.last_row)
        return _Done(firings, 1 + part.rows * len(triggers))


@dataclass(frozen=True, slots=True)
class _Done:
    firings: int
    work: int


def _is_passing(error: Exception) -> bool:
    """Whether trying again may succeed."""
    return jobs.out_of_reach(error) or isinstance(error, asyncpg.TransactionRollbackError)


async def _slice(connection: Connection, cursor: asyncpg.Record, budget: int) -> _Slice:
    """The next entries with at most `budget` rows; of a larger entry a part."""
    revision: int = cursor["revision"]
    entries = await connection.fetch(_ENTRIES, cursor["table_id"], revision, _ENTRIES_AT_ONCE)
    if not entries:
        return _Slice(cursor["head"], (), 0)  # the log was pruned up to here
    first = entries[0]
    if cursor["after_row"] is not None or (_may_fire(first) and first["rows"] > budget):
        return await _part(connection, cursor, first, budget)
    rows = 0
    fires: list[tuple[int, int]] = []
    for entry in entries:
        if _may_fire(entry):
            if rows + entry["rows"] > budget:
                break
            rows += entry["rows"]
            fires.append((entry["revision"], entry["depth"]))
        revision = entry["revision"]
    return _Slice(revision, fires, rows)


async def _part(
    connection: Connection, cursor: asyncpg.Record, entry: asyncpg.Record, budget: int
) -> _Slice:
    """Some rows of an entry that is too large for one step."""
    after = cursor["after_row"]
    found = await connection.fetchrow(
        _LAST_ROW, cursor["table_id"], entry["revision"], after, budget
    )
    assert found is not None, "an aggregate always has a row"
    fires = [(entry["revision"], entry["depth"])] if found["count"] else []
    if found["count"] < budget:
        return _Slice(entry["revision"], fires, found["count"], after_row=after)
    return _Slice(cursor["revision"], fires, found["count"], after, found["last"])


def _may_fire(entry: asyncpg.Record) -> bool:
    """Cells of outside workers change rows too, so the kind of an entry does not matter."""
    return entry["rows"] > 0 and not entry["skips"] and entry["depth"] < MAX_DEPTH


async def _fire(
    connection: Connection, shape: TableShape, trigger: asyncpg.Record, part: _Slice
) -> int:
    """Store and queue the firings of one trigger; how many were stored.

    A condition that cannot be decided any more makes one failed firing, and is told on the trigger
    until it can be decided again. Nothing of it disturbs the other triggers."""
    fires = [each for each in part.fires if each[0] > trigger["from_revision"]]
    if not fires:
        return 0
    first = ids.reserve(ids.Kind.FIRING, part.rows)
    try:
        # A savepoint: an error of PostgreSQL inside a condition would end the whole transaction.
        async with connection.transaction():
            counts = await _store(connection, shape, trigger, part, fires, first)
    except Exception as error:
        if _is_passing(error):
            raise
        return await _tell_fault(connection, shape, trigger, fires[0][0], _sentence(error))
    if counts["queued"]:
        ranges = job_ranges(first, counts["matched"])
        await jobs.enqueue_all(connection, JOB, ranges, priority=JOB_PRIORITY)
    if trigger["error"] is not None:
        await connection.execute(_FAULT, trigger["id"], None)
    return int(counts["stored"])


async def _store(
    connection: Connection,
    shape: TableShape,
    trigger: asyncpg.Record,
    part: _Slice,
    fires: Sequence[tuple[int, int]],
    first: UUID,
) -> asyncpg.Record:
    """The firings, and how many there are."""
    filter = bind_condition(shape, loads(trigger["condition"] or "null"))
    limit = trigger["fires_per_minute"]
    params = Params(
        shape.id,
        [revision for revision, _ in fires],
        [depth for _, depth in fires],
        part.after_row,
        part.last_row,
        shape.organization_id,
        trigger["id"],
        first,
        None if limit is None else max(0, limit - await _fired(connection, trigger["id"])),
        f"Over the limit of {limit} firings in a minute",
    )
    text = fire_statement(shape, TriggerEvent(trigger["event"]), filter, params)
    counts = await connection.fetchrow(text, *params.values)
    assert counts is not None, "an aggregate always has a row"
    return counts


def job_ranges(first: UUID, count: int) -> list[Mapping[str, Any]]:
    """Jobs of at most 500 ids each."""
    start, end = first.int, first.int + count
    return [
        {
            "first": str(UUID(int=low)),
            "last": str(UUID(int=min(low + FIRINGS_PER_JOB, end) - 1)),
        }
        for low in range(start, end, FIRINGS_PER_JOB)
    ]


async def _fired(connection: Connection, trigger_id: UUID) -> int:
    """Firings of the last minute. Their ids tell their time."""
    since = time.time_ns() // 1_000_000 - int(_LIMIT_WINDOW.total_seconds() * 1000)
    return int(await connection.fetchval(_FIRED, trigger_id, ids.lowest_at(since)))


async def _tell_fault(
    connection: Connection,
    shape: TableShape,
    trigger: asyncpg.Record,
    revision: int,
    sentence: str,
) -> int:
    if trigger["error"] == sentence:
        return 0
    _log.warning("a trigger cannot be decided", trigger_id=str(trigger["id"]), error=sentence)
    await connection.execute(_FAULT, trigger["id"], sentence)
    await connection.execute(
        _FAILED,
        ids.new_id(ids.Kind.FIRING),
        shape.organization_id,
        trigger["id"],
        shape.id,
        revision,
        sentence,
    )
    return 1


def _sentence(error: Exception) -> str:
    """What is told to people."""
    if isinstance(error, Invalid | asyncpg.DataError):
        return f"The condition cannot be decided: {error}"
    return f"The condition cannot be decided: an internal error ({type(error).__name__})"
