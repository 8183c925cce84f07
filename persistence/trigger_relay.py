"""The relay's consumer for triggers: from the log of tables to firings.

It stores the firings of the entries behind a cursor, and queues the jobs that will run them, in the
transaction that moves the cursor."""

import time
from collections.abc import Mapping, Sequence
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
from persistence.engine import Connection
from persistence.filter_sql import Params
from persistence.firing_sql import fire_statement
from persistence.relay import Cursor, Done, Entry, Slice, is_passing, move, next_slice
from persistence.shapes import Shapes
from persistence.triggers import CONSUMER

#: The job that runs firings; its payload is `{"first", "last"}`: ids, both included.
JOB = "firings"
#: There may be a thousand of these jobs at once: somebody's import must not wait for all of them.
JOB_PRIORITY = -1
FIRINGS_PER_JOB = 500

_LIMIT_WINDOW = timedelta(minutes=1)

_TRIGGERS = f"""
SELECT id, event, condition, from_revision, fires_per_minute, error FROM trigger
WHERE table_id = $1 AND status = '{TriggerStatus.ACTIVE}' ORDER BY created_at, id
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


class TriggerRelay:
    """Makes firings of the changes of tables that have triggers."""

    name = CONSUMER
    reads_deleted = False

    def __init__(self, shapes: Shapes) -> None:
        self._shapes = shapes

    async def advance(self, connection: Connection, cursor: Cursor, budget: int) -> Done:
        """Store the firings of the next entries. The work is rows times triggers."""
        triggers = await connection.fetch(_TRIGGERS, cursor.log_id)
        if not triggers:
            # All are paused. One that goes on begins at a later revision than this one.
            await move(connection, cursor, cursor.head)
            return Done(0, 1)
        part = await next_slice(connection, cursor, max(1, budget // len(triggers)), _may_fire)
        firings = 0
        if part.entries:
            assert cursor.columns_version is not None, "triggers follow tables only"
            shape = await self._shapes.for_log(cursor.log_id, cursor.columns_version)
            for trigger in triggers:
                firings += await _fire(connection, shape, trigger, part)
        await move(connection, cursor, part.revision, part.last_row)
        return Done(firings, 1 + part.rows * len(triggers))


def _may_fire(entry: Entry) -> bool:
    """Cells of outside workers change rows too, so the kind of an entry does not matter."""
    return entry.rows > 0 and not entry.skips_triggers and entry.depth < MAX_DEPTH


async def _fire(
    connection: Connection, shape: TableShape, trigger: asyncpg.Record, part: Slice
) -> int:
    """Store and queue the firings of one trigger; how many were stored.

    A condition that cannot be decided any more makes one failed firing, and is told on the trigger
    until it can be decided again. Nothing of it disturbs the other triggers."""
    fires = [each for each in part.entries if each.revision > trigger["from_revision"]]
    if not fires:
        return 0
    first = ids.reserve(ids.Kind.FIRING, part.rows)
    try:
        # A savepoint: an error of PostgreSQL inside a condition would end the whole transaction.
        async with connection.transaction():
            counts = await _store(connection, shape, trigger, part, fires, first)
    except Exception as error:
        if is_passing(error):
            raise
        return await _tell_fault(connection, shape, trigger, fires[0].revision, _sentence(error))
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
    part: Slice,
    fires: Sequence[Entry],
    first: UUID,
) -> asyncpg.Record:
    """The firings, and how many there are."""
    filter = bind_condition(shape, loads(trigger["condition"] or "null"))
    limit = trigger["fires_per_minute"]
    params = Params(
        shape.id,
        [entry.revision for entry in fires],
        [entry.depth for entry in fires],
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
