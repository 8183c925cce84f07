"""The queue of deliveries as the workers see it: whose turn it is, and what came of it.

A delivery that a worker has is due again when its lease is over, so that what a killed worker had
goes out again. Of the deliveries of a row only the first one goes out. The others are put off until
it is due, and the end of it makes the next one due. That is why a worker locks what is due in a
statement of its own before it looks which of them are first: it sees what others have committed
until then, and who ends the first one meanwhile waits for the lock, and then has the last word."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg

from domain.errors import SecretLost
from domain.webhook_events import TRIED_ONCE, VERIFICATION, WebhookDialect
from domain.webhook_records import Attempt, DeliveryStatus, Outgoing, WebhookStatus
from persistence.engine import Connection, Database
from persistence.json_text import dumps
from persistence.secret_box import SecretBox
from persistence.webhook_deliveries import FIELDS, delivery_entity
from persistence.webhooks import purpose

#: Longer than an attempt takes, with storing it.
LEASE = timedelta(seconds=30)
#: After so many failures in a row, with no success between, an endpoint is asked now and then with
#: one delivery, until one succeeds.
FAILURES_BEFORE_PROBES = 10
_FIRST_PROBE, _LONGEST_PROBE = timedelta(seconds=5), timedelta(seconds=60)
_ENDPOINTS_AT_ONCE = 500

_PENDING = f"status = '{DeliveryStatus.PENDING}'"
#: One of dialect LIMAI that is not verified is sent the verification only.
_HEARS = f"(dialect <> '{WebhookDialect.LIMAI}' OR verified_at IS NOT NULL)"
_DUE = f"""
SELECT e.id, e.organization_id FROM webhook_endpoint e
WHERE e.status = '{WebhookStatus.ACTIVE}' AND e.deleted_at IS NULL
  AND (e.probe_at IS NULL OR e.probe_at <= $1) AND e.id <> ALL($2)
  AND EXISTS (SELECT FROM webhook_delivery d
              WHERE d.endpoint_id = e.id AND d.{_PENDING} AND d.next_at <= $1
                AND ({_HEARS} OR d.event_type = '{VERIFICATION}'))
ORDER BY e.id LIMIT {_ENDPOINTS_AT_ONCE}
"""
_ENDPOINT = f"""
SELECT organization_id, dialect, url, secret, previous_secret, previous_until, failures,
       {_HEARS} AS hears
FROM webhook_endpoint
WHERE id = $1 AND status = '{WebhookStatus.ACTIVE}' AND deleted_at IS NULL
"""
_CLAIM_PROBE = """
UPDATE webhook_endpoint SET probe_at = $3
WHERE id = $1 AND (probe_at IS NULL OR probe_at <= $2) RETURNING 1
"""
_LOCK_DUE = f"""
SELECT id FROM webhook_delivery
WHERE endpoint_id = $1 AND {_PENDING} AND next_at <= $2
  AND ($4 OR event_type = '{VERIFICATION}')
ORDER BY next_at, number LIMIT $3 FOR UPDATE SKIP LOCKED
"""
_TAKE = f"""
WITH due AS MATERIALIZED (
  SELECT d.id, d.number, f.next_at AS blocked_until, f.number AS first
  FROM webhook_delivery d LEFT JOIN LATERAL (
    SELECT e.number, e.next_at FROM webhook_delivery e
    WHERE e.endpoint_id = d.endpoint_id AND e.subject_id = d.subject_id AND e.{_PENDING}
    ORDER BY e.number LIMIT 1
  ) AS f ON TRUE
  WHERE d.id = ANY($1)
), put_off AS (
  UPDATE webhook_delivery d SET next_at = greatest(due.blocked_until, $2)
  FROM due WHERE d.id = due.id AND due.first < due.number
), first AS (
  SELECT id FROM due WHERE first IS NULL OR first = number
  ORDER BY number LIMIT $3
)
UPDATE webhook_delivery d SET next_at = $4, leased_until = $4
FROM first WHERE d.id = first.id
RETURNING {", ".join(f"d.{name}" for name in FIELDS.split(", "))}
"""
_STORE_ATTEMPTS = """
INSERT INTO webhook_attempt (delivery_id, number, endpoint_id, status_code, request_headers,
                             response_headers, response_body, error, duration_ms, at)
SELECT g.id, g.number, $1, g.status, g.sent, g.got, g.body, g.error, g.duration, g.at
FROM unnest($2::uuid[], $3::int[], $4::int[], $5::jsonb[], $6::jsonb[], $7::text[], $8::text[],
            $9::float8[], $10::timestamptz[])
  AS g(id, number, status, sent, got, body, error, duration, at)
ON CONFLICT DO NOTHING
"""
_STORE_RESULTS = f"""
UPDATE webhook_delivery AS d
SET status = g.status, attempt = greatest(d.attempt, g.attempt), error = g.error,
    failures = d.failures + CASE WHEN g.error IS NULL THEN 0 ELSE 1 END,
    next_at = g.next_at, leased_until = NULL,
    finished_at = CASE WHEN g.status <> '{DeliveryStatus.PENDING}' THEN $1::timestamptz END
FROM unnest($2::uuid[], $3::text[], $4::int[], $5::text[], $6::timestamptz[])
  AS g(id, status, attempt, error, next_at)
WHERE d.id = g.id AND d.{_PENDING}
"""
#: Keeps its place when it is due: at the end of the queue all behind it would be looked at in vain.
_NEXT_IN_LINE = f"""
UPDATE webhook_delivery AS d SET next_at = least(d.next_at, $3)
FROM unnest($2::uuid[]) AS s(subject_id)
CROSS JOIN LATERAL (
  SELECT w.id FROM webhook_delivery w
  WHERE w.endpoint_id = $1 AND w.subject_id = s.subject_id AND w.{_PENDING}
  ORDER BY w.number LIMIT 1
) AS n
WHERE d.id = n.id AND d.attempt = 0 AND d.leased_until IS NULL
"""
_WELL = """
UPDATE webhook_endpoint AS e SET failing_since = NULL, failures = 0, probe_at = NULL
WHERE e.id = $1 AND (e.failures > 0 OR e.failing_since IS NOT NULL)
RETURNING old.failures
"""
_AT_ONCE = f"""
UPDATE webhook_delivery SET next_at = $2
WHERE endpoint_id = $1 AND {_PENDING} AND attempt > 0 AND leased_until IS NULL AND next_at > $2
"""
_ILL = """
UPDATE webhook_endpoint
SET failing_since = coalesce(failing_since, $2), failures = failures + $3,
    probe_at = CASE WHEN failures + $3 >= $4 THEN $5::timestamptz END
WHERE id = $1 RETURNING failing_since, failures
"""


@dataclass(frozen=True, slots=True)
class Due:
    """An endpoint that something can be sent to."""

    webhook_id: UUID
    organization_id: UUID


@dataclass(frozen=True, slots=True)
class Result:
    """How an attempt ended: delivered, dead, or pending until `next_at`. `error` is None for a
    success only."""

    outgoing: Outgoing
    attempt: Attempt
    status: DeliveryStatus
    next_at: datetime | None
    error: str | None


@dataclass(frozen=True, slots=True)
class Health:
    """How an endpoint does: since when every attempt failed, and how many did. When `probing`, it
    is only asked now and then."""

    failing_since: datetime | None = None
    failures: int = 0

    @property
    def probing(self) -> bool:
        return self.failures >= FAILURES_BEFORE_PROBES


class WebhookSending:
    """Takes deliveries and stores results. The caller tells the time."""

    def __init__(self, database: Database, box: SecretBox) -> None:
        self._pool = database.pool
        self._box = box

    async def due(self, now: datetime, busy: Sequence[UUID]) -> list[Due]:
        """Endpoints with a delivery that may go out now, but those that are `busy`."""
        records = await self._pool.fetch(_DUE, now, list(busy))
        return [Due(r["id"], r["organization_id"]) for r in records]

    async def take(self, webhook_id: UUID, now: datetime, room: int) -> list[Outgoing]:
        """At most `room` deliveries of one endpoint, in order, no two of the same row. To an
        endpoint that fails and fails, one now and then."""
        async with self._pool.acquire() as connection, connection.transaction():
            endpoint = await connection.fetchrow(_ENDPOINT, webhook_id)
            if endpoint is None:
                return []
            if endpoint["failures"] >= FAILURES_BEFORE_PROBES:
                room = 1
                again = now + probe_pause(endpoint["failures"])
                if not await connection.fetchval(_CLAIM_PROBE, webhook_id, now, again):
                    return []
            due = await connection.fetch(
                _LOCK_DUE, webhook_id, now, 4 * room + 50, endpoint["hears"]
            )
            if not due:
                return []
            records = await connection.fetch(
                _TAKE, [r["id"] for r in due], now + timedelta(seconds=1), room, now + LEASE
            )
        secrets = self._secrets(webhook_id, endpoint, now)
        dialect = WebhookDialect(endpoint["dialect"])
        taken = [Outgoing(delivery_entity(r), endpoint["url"], dialect, secrets) for r in records]
        return sorted(taken, key=lambda each: (each.delivery.revision, each.delivery.id))

    async def finish(self, webhook_id: UUID, results: Sequence[Result], now: datetime) -> Health:
        """Store how attempts at one endpoint ended, let the next ones of their rows go out, and
        say how the endpoint does."""
        async with self._pool.acquire() as connection, connection.transaction():
            await _store_attempts(connection, webhook_id, [each.attempt for each in results])
            await connection.execute(
                _STORE_RESULTS,
                now,
                [each.outgoing.delivery.id for each in results],
                [each.status.value for each in results],
                [each.attempt.number for each in results],
                [each.error for each in results],
                [each.next_at for each in results],
            )
            ended = [each for each in results if each.status is not DeliveryStatus.PENDING]
            rows = {each.outgoing.delivery.subject_id for each in ended}
            subjects = [subject for subject in rows if subject is not None]
            await connection.execute(_NEXT_IN_LINE, webhook_id, subjects, now)
            return await _judge(connection, webhook_id, results, now)

    def _secrets(self, webhook_id: UUID, endpoint: asyncpg.Record, now: datetime) -> list[str]:
        """All secrets that sign now, the new one first; none when their key is lost."""
        sealed = [endpoint["secret"]]
        until = endpoint["previous_until"]
        if endpoint["previous_secret"] is not None and until is not None and now < until:
            sealed.append(endpoint["previous_secret"])
        try:
            return [
                self._box.open(endpoint["organization_id"], purpose(webhook_id), each)
                for each in sealed
            ]
        except SecretLost:
            return []


def probe_pause(failures: int) -> timedelta:
    """How long an endpoint that fails is left alone: 5 seconds at first, a minute at most."""
    doublings = min(10, max(0, failures - FAILURES_BEFORE_PROBES))
    return min(_LONGEST_PROBE, _FIRST_PROBE * float(2**doublings))


async def _judge(
    connection: Connection, webhook_id: UUID, results: Sequence[Result], now: datetime
) -> Health:
    if any(each.error is None for each in results):
        before = await connection.fetchval(_WELL, webhook_id)
        if before is not None and before >= FAILURES_BEFORE_PROBES:
            # It is back. What failed while it was away does not wait for its time.
            await connection.execute(_AT_ONCE, webhook_id, now)
        return Health()
    failed = sum(each.outgoing.delivery.event_type not in TRIED_ONCE for each in results)
    if not failed:
        return Health()
    known = await connection.fetchval(
        "SELECT failures FROM webhook_endpoint WHERE id = $1", webhook_id
    )
    failures = (known or 0) + failed
    again = now + probe_pause(failures) if failures >= FAILURES_BEFORE_PROBES else None
    ill = await connection.fetchrow(_ILL, webhook_id, now, failed, FAILURES_BEFORE_PROBES, again)
    return Health(ill["failing_since"], ill["failures"]) if ill is not None else Health()


async def _store_attempts(
    connection: Connection, webhook_id: UUID, attempts: Sequence[Attempt]
) -> None:
    await connection.execute(
        _STORE_ATTEMPTS,
        webhook_id,
        [each.delivery_id for each in attempts],
        [each.number for each in attempts],
        [each.status_code for each in attempts],
        [dumps(dict(each.request_headers)) for each in attempts],
        [_json(each.response_headers) for each in attempts],
        [each.response_body for each in attempts],
        [each.error for each in attempts],
        [each.duration_ms for each in attempts],
        [each.at for each in attempts],
    )


def _json(headers: Mapping[str, Any] | None) -> str | None:
    return dumps(dict(headers)) if headers is not None else None
