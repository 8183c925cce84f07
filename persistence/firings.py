"""Firings of triggers in storage: pages for readers, and the moves that the worker makes."""

from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg

from domain import ids
from domain.errors import NotFound
from domain.numbers import loads
from domain.trigger_records import (
    ActionType,
    Firing,
    FiringPage,
    FiringResult,
    FiringStatus,
    Replayed,
    TakenFiring,
    Trigger,
    TriggerEvent,
    TriggerStatus,
)
from persistence import jobs
from persistence.claims import writing
from persistence.engine import Connection, Database, Pool
from persistence.firing_sql import nth_id
from persistence.json_text import dumps
from persistence.trigger_relay import JOB, JOB_PRIORITY, job_ranges

#: Rows deleted in one transaction: well under the five seconds that one may take.
_BATCH = 5_000
#: Pauses before the second attempt and before the third.
RETRY_AFTER = (timedelta(seconds=5), timedelta(minutes=1))

_FIELDS = (
    "f.id, f.organization_id, f.trigger_id, f.table_id, f.revision, f.row_id, f.status, f.attempt,"
    " f.depth, f.input, f.outcome, f.error, f.duration_ms, f.replay_of, f.created_at, f.started_at,"
    " f.finished_at"
)
_TRIGGER_FIELDS = (
    "id, organization_id, table_id, name, event, condition, action_type, action_config, status,"
    " fires_per_minute, fire_count, last_fired_at, error, created_by, created_at, updated_at"
)
_PAGE = f"""
SELECT {_FIELDS} FROM trigger_firing f
WHERE f.organization_id = $1 AND f.trigger_id = $2 AND ($3::text IS NULL OR f.status = $3)
  AND ($4::uuid IS NULL OR f.id < $4)
ORDER BY f.id DESC LIMIT $5
"""
_COUNT = """
SELECT count(*) FROM trigger_firing
WHERE organization_id = $1 AND trigger_id = $2 AND ($3::text IS NULL OR status = $3)
"""
_REPLAY_COLUMNS = (
    "id, organization_id, trigger_id, table_id, revision, row_id, status, attempt, depth, input,"
    " replay_of"
)
_REPLAY = f"""
INSERT INTO trigger_firing AS f ({_REPLAY_COLUMNS})
SELECT $2, o.organization_id, o.trigger_id, o.table_id, o.revision, o.row_id,
       '{FiringStatus.QUEUED}', 0, o.depth, o.input, o.id
FROM trigger_firing o JOIN trigger t ON t.id = o.trigger_id
WHERE o.id = $1 AND o.organization_id = $3 FOR KEY SHARE OF t
RETURNING {_FIELDS}
"""
_REPLAY_ALL = f"""
WITH chosen AS (
  SELECT o.id, row_number() OVER (ORDER BY o.id) AS n FROM trigger_firing o
  WHERE o.organization_id = $1 AND o.trigger_id = $2 AND o.status = ANY($3)
    AND o.row_id IS NOT NULL
    AND NOT EXISTS (SELECT FROM trigger_firing r WHERE r.replay_of = o.id)
  ORDER BY o.id LIMIT $4
)
INSERT INTO trigger_firing ({_REPLAY_COLUMNS})
SELECT {nth_id("$5", "c.n - 1")}, o.organization_id, o.trigger_id, o.table_id, o.revision,
       o.row_id, '{FiringStatus.QUEUED}', 0, o.depth, o.input, o.id
FROM chosen c JOIN trigger_firing o ON o.id = c.id
RETURNING id
"""
_LOCK_TRIGGER = "SELECT 1 FROM trigger WHERE id = $1 AND organization_id = $2 FOR UPDATE"
_TAKE = f"""
UPDATE trigger_firing AS f
SET status = '{FiringStatus.RUNNING}', attempt = f.attempt + 1, started_at = clock_timestamp()
FROM trigger AS t
WHERE t.id = f.trigger_id AND f.id = ANY(ARRAY(
    SELECT w.id FROM trigger_firing AS w
    WHERE w.id BETWEEN $1 AND $2
      AND w.status IN ('{FiringStatus.QUEUED}', '{FiringStatus.RUNNING}')
    ORDER BY w.id LIMIT $3))
RETURNING {_FIELDS}
"""
_TRIGGERS = f"SELECT {_TRIGGER_FIELDS} FROM trigger WHERE id = ANY($1)"
_FINISH = f"""
WITH result AS (
  SELECT * FROM unnest($1::uuid[], $2::text[], $3::float8[], $4::jsonb[], $5::text[])
    AS r(id, status, duration_ms, outcome, error)
), done AS (
  UPDATE trigger_firing AS f
  SET status = r.status, duration_ms = r.duration_ms, outcome = r.outcome, error = r.error,
      finished_at = CASE WHEN r.status <> '{FiringStatus.QUEUED}' THEN clock_timestamp() END
  FROM result AS r
  WHERE f.id = r.id AND f.status = '{FiringStatus.RUNNING}'
  RETURNING f.trigger_id, f.status
)
UPDATE trigger AS t
SET fire_count = t.fire_count + s.count, last_fired_at = clock_timestamp()
FROM (
  SELECT trigger_id, count(*) FROM done WHERE status = '{FiringStatus.SUCCEEDED}'
  GROUP BY trigger_id
) AS s
WHERE t.id = s.trigger_id
"""


class Firings:
    """The `FiringStore` port."""

    def __init__(self, database: Database, retry_after: Sequence[timedelta] = RETRY_AFTER) -> None:
        self._pool = database.pool
        self._retry_after = retry_after

    async def page(
        self,
        organization_id: UUID,
        trigger_id: UUID,
        status: FiringStatus | None,
        after: UUID | None,
        limit: int,
    ) -> FiringPage:
        """The newest first. Ids tell the order in which firings were made."""
        found = await self._pool.fetch(_PAGE, organization_id, trigger_id, status, after, limit + 1)
        return FiringPage([_firing(r) for r in found[:limit]], len(found) > limit)

    async def count(
        self, organization_id: UUID, trigger_id: UUID, status: FiringStatus | None
    ) -> int:
        """How many there are."""
        return int(await self._pool.fetchval(_COUNT, organization_id, trigger_id, status))

    async def get(self, organization_id: UUID, firing_id: UUID) -> Firing | None:
        """One firing."""
        text = f"SELECT {_FIELDS} FROM trigger_firing f WHERE id = $1 AND organization_id = $2"
        record = await self._pool.fetchrow(text, firing_id, organization_id)
        return _firing(record) if record is not None else None

    async def replay(self, firing: Firing) -> Firing:
        """A new firing of the same input with the job that runs it. Raises `NotFound` when its
        trigger was deleted meanwhile."""
        async with writing(self._pool) as connection:
            new_id = ids.new_id(ids.Kind.FIRING)
            record = await connection.fetchrow(_REPLAY, firing.id, new_id, firing.organization_id)
            if record is None:
                raise NotFound("Firing")
            await _enqueue(connection, job_ranges(new_id, 1))
        return _firing(record)

    async def replay_all(
        self,
        organization_id: UUID,
        trigger_id: UUID,
        statuses: Collection[FiringStatus],
        most: int,
    ) -> Replayed:
        """The oldest first. Two calls at once may not both replay one: they wait for each other.
        Raises `NotFound` when the trigger was deleted meanwhile."""
        first = ids.reserve(ids.Kind.FIRING, most)
        async with writing(self._pool) as connection:
            if not await connection.fetchval(_LOCK_TRIGGER, trigger_id, organization_id):
                raise NotFound("Trigger")
            made = await connection.fetch(
                _REPLAY_ALL, organization_id, trigger_id, list(statuses), most, first
            )
            if made:
                await _enqueue(connection, job_ranges(first, len(made)))
        return Replayed(len(made), len(made) == most)

    async def take(self, first: UUID, last: UUID, most: int) -> list[TakenFiring]:
        """The first firings between two ids that have not ended, in order, set running. Those that
        ran already were left by a worker that died. Firings of a deleted trigger stay."""
        async with self._pool.acquire() as connection, connection.transaction():
            firings = [_firing(r) for r in await connection.fetch(_TAKE, first, last, most)]
            wanted = list({firing.trigger_id for firing in firings})
            records = await connection.fetch(_TRIGGERS, wanted)
        triggers = {record["id"]: _trigger(record) for record in records}
        return [
            TakenFiring(firing, triggers[firing.trigger_id])
            for firing in sorted(firings, key=lambda each: each.id)
            if firing.trigger_id in triggers
        ]

    async def leave(self, first: UUID, last: UUID) -> None:
        """Queue a job for the firings between two ids."""
        async with self._pool.acquire() as connection, connection.transaction():
            await _enqueue(connection, [{"first": str(first), "last": str(last)}])

    async def finish(self, results: Sequence[FiringResult]) -> None:
        """One transaction, with the job of those that are tried again.

        They must be neighbours in the order of `take`, so that the range of that job holds no
        firing that somebody else is at."""
        async with self._pool.acquire() as connection, connection.transaction():
            await connection.execute(
                _FINISH,
                [each.firing.id for each in results],
                [each.status for each in results],
                [each.duration_ms for each in results],
                [dumps(each.outcome) if each.outcome is not None else None for each in results],
                [each.error for each in results],
            )
            again = [each.firing for each in results if each.status is FiringStatus.QUEUED]
            if again:
                span = {"first": str(again[0].id), "last": str(again[-1].id)}
                attempt = max(firing.attempt for firing in again)
                delay = self._retry_after[min(attempt, len(self._retry_after)) - 1]
                await _enqueue(connection, [span], delay)


async def _enqueue(
    connection: Connection, ranges: Sequence[Mapping[str, Any]], delay: timedelta | None = None
) -> None:
    await jobs.enqueue_all(connection, JOB, ranges, delay, JOB_PRIORITY)


async def drop_of(pool: Pool, trigger_id: UUID) -> None:
    """Delete the firings of a trigger that is gone, in steps. Safe to repeat."""
    statement = (
        "DELETE FROM trigger_firing WHERE id = ANY(ARRAY("
        f"SELECT id FROM trigger_firing WHERE trigger_id = $1 LIMIT {_BATCH}))"
    )
    while await pool.execute(statement, trigger_id) != "DELETE 0":
        pass


def _firing(r: "asyncpg.Record") -> Firing:
    fields = dict(r)
    outcome = fields["outcome"]
    return Firing(
        **fields
        | {
            "status": FiringStatus(fields["status"]),
            "input": loads(fields["input"]),
            "outcome": loads(outcome) if outcome is not None else None,
        }
    )


def _trigger(r: "asyncpg.Record") -> Trigger:
    fields = dict(r)
    return Trigger(
        **fields
        | {
            "event": TriggerEvent(fields["event"]),
            "condition": loads(fields["condition"] or "null"),
            "action_type": ActionType(fields["action_type"]),
            "action_config": loads(fields["action_config"]),
            "status": TriggerStatus(fields["status"]),
        }
    )
