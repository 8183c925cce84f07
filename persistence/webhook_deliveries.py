"""Deliveries of webhooks in storage, for those who look at them; and their end by age."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

import asyncpg

from domain import ids
from domain.errors import NotFound
from domain.numbers import loads
from domain.webhook_events import PING, VERIFICATION, WebhookDialect
from domain.webhook_records import Attempt, Delivery, DeliveryPage, DeliveryStatus
from persistence.claims import writing
from persistence.engine import Database, Pool
from persistence.webhook_bodies import ping_body
from persistence.webhook_documents import verification_body

FIELDS = (
    "id, endpoint_id, event_type, table_id, subject_id, revision, body, status, attempt, failures,"
    " next_at, merged, replay_id, error, created_at, finished_at"
)
#: A test call goes before everything else.
_AT_ONCE = datetime(2000, 1, 1, tzinfo=UTC)
_LOOK_SECONDS = 0.1
#: Rows deleted in one transaction: well under the five seconds that one may take.
_BATCH = 5_000

_PAGE = f"""
SELECT {FIELDS} FROM webhook_delivery
WHERE organization_id = $1 AND endpoint_id = $2 AND ($3::text IS NULL OR status = $3)
  AND ($4::uuid IS NULL OR id < $4)
ORDER BY id DESC LIMIT $5
"""
_COUNT = """
SELECT count(*) FROM webhook_delivery
WHERE organization_id = $1 AND endpoint_id = $2 AND ($3::text IS NULL OR status = $3)
"""
_GET = f"SELECT {FIELDS} FROM webhook_delivery WHERE organization_id = $1 AND id = $2"
_ATTEMPTS = """
SELECT a.* FROM webhook_attempt a
JOIN webhook_delivery d ON d.id = a.delivery_id AND d.organization_id = $1
WHERE a.delivery_id = ANY($2) ORDER BY a.delivery_id, a.number
"""
_RETRY = f"""
UPDATE webhook_delivery
SET status = '{DeliveryStatus.PENDING}', failures = 0, next_at = $3, finished_at = NULL
WHERE organization_id = $1 AND id = $2 AND status = '{DeliveryStatus.DEAD}'
RETURNING {FIELDS}
"""
_ENDPOINT = """
SELECT dialect, details->>'schemaId' AS schema_id FROM webhook_endpoint
WHERE organization_id = $1 AND id = $2 AND deleted_at IS NULL
"""
_CALL = f"""
INSERT INTO webhook_delivery (id, organization_id, endpoint_id, event_type, body, status, next_at)
VALUES ($1, $2, $3, $4, $5, '{DeliveryStatus.PENDING}', $6)
RETURNING {FIELDS}
"""
_CALL_NOW = "UPDATE webhook_endpoint SET probe_at = $2 WHERE id = $1 AND probe_at > $2"
_STATE = f"SELECT {FIELDS} FROM webhook_delivery WHERE id = $1"
_OLD = f"""
SELECT id FROM webhook_delivery
WHERE id < $1 AND status <> '{DeliveryStatus.PENDING}' AND finished_at < $2 LIMIT {_BATCH}
"""
_ORPHANS = f"""
SELECT d.id FROM webhook_endpoint e JOIN webhook_delivery d ON d.endpoint_id = e.id
WHERE e.deleted_at IS NOT NULL LIMIT {_BATCH}
"""
#: What waits for an endpoint that nobody enabled for so long.
_GIVEN_UP = f"""
SELECT d.id FROM webhook_endpoint e JOIN webhook_delivery d ON d.endpoint_id = e.id
WHERE e.disabled_at < $1 AND d.status = '{DeliveryStatus.PENDING}' LIMIT {_BATCH}
"""
_FORGET_ENDPOINTS = """
WITH gone AS (
  DELETE FROM webhook_endpoint e
  WHERE e.deleted_at < clock_timestamp() - interval '1 hour'
    AND NOT EXISTS (SELECT FROM webhook_delivery d WHERE d.endpoint_id = e.id)
  RETURNING id
)
DELETE FROM webhook_replay r USING gone WHERE r.endpoint_id = gone.id
"""


class WebhookDeliveries:
    """The `WebhookDeliveryStore` port, and attempts for loaders."""

    def __init__(self, database: Database) -> None:
        self._pool = database.pool

    async def page(
        self,
        organization_id: UUID,
        webhook_id: UUID,
        status: DeliveryStatus | None,
        after: UUID | None,
        limit: int,
    ) -> DeliveryPage:
        """The newest first. Ids tell the order in which deliveries were made."""
        found = await self._pool.fetch(_PAGE, organization_id, webhook_id, status, after, limit + 1)
        return DeliveryPage([delivery_entity(r) for r in found[:limit]], len(found) > limit)

    async def count(
        self, organization_id: UUID, webhook_id: UUID, status: DeliveryStatus | None
    ) -> int:
        """How many there are."""
        return int(await self._pool.fetchval(_COUNT, organization_id, webhook_id, status))

    async def get(self, organization_id: UUID, delivery_id: UUID) -> Delivery | None:
        """One of them."""
        found = await self._pool.fetchrow(_GET, organization_id, delivery_id)
        return delivery_entity(found) if found is not None else None

    async def attempts(
        self, organization_id: UUID, delivery_ids: Sequence[UUID]
    ) -> dict[UUID, list[Attempt]]:
        """The attempts of each, the first one first."""
        found: dict[UUID, list[Attempt]] = defaultdict(list)
        for r in await self._pool.fetch(_ATTEMPTS, organization_id, list(delivery_ids)):
            found[r["delivery_id"]].append(_attempt(r))
        return found

    async def retry(self, organization_id: UUID, delivery_id: UUID) -> Delivery | None:
        """It keeps its id and its attempts, and stands before what came later for its row."""
        async with writing(self._pool) as connection:
            now = datetime.now(UTC)
            found = await connection.fetchrow(_RETRY, organization_id, delivery_id, now)
        return delivery_entity(found) if found is not None else None

    async def ping(self, organization_id: UUID, webhook_id: UUID) -> Delivery:
        """Raises `NotFound` when the endpoint is gone."""

        def body(endpoint: asyncpg.Record, message_id: UUID, now: datetime) -> str:
            return ping_body(WebhookDialect(endpoint["dialect"]), message_id, webhook_id, now)

        return await self._call(organization_id, webhook_id, PING, body)

    async def challenge(self, organization_id: UUID, webhook_id: UUID, challenge: str) -> Delivery:
        """Raises `NotFound` when the endpoint is gone."""

        def body(endpoint: asyncpg.Record, message_id: UUID, now: datetime) -> str:
            schema_id = endpoint["schema_id"]
            return verification_body(message_id, organization_id, schema_id, challenge, now)

        return await self._call(organization_id, webhook_id, VERIFICATION, body)

    async def _call(
        self,
        organization_id: UUID,
        webhook_id: UUID,
        event: str,
        body: Callable[[asyncpg.Record, UUID, datetime], str],
    ) -> Delivery:
        """Queue something that goes before everything else."""
        now = datetime.now(UTC)
        async with writing(self._pool) as connection:
            endpoint = await connection.fetchrow(_ENDPOINT, organization_id, webhook_id)
            if endpoint is None:
                raise NotFound("Webhook")
            message_id = ids.new_id(ids.Kind.DELIVERY)
            made = await connection.fetchrow(
                _CALL,
                message_id,
                organization_id,
                webhook_id,
                event,
                body(endpoint, message_id, now),
                _AT_ONCE,
            )
            await connection.execute(_CALL_NOW, webhook_id, now)
        assert made is not None, "an insert gives its row"
        return delivery_entity(made)

    async def when_answered(self, delivery_id: UUID, seconds: float) -> Delivery | None:
        """Looks ten times a second."""
        deadline = asyncio.get_running_loop().time() + seconds
        while True:
            found = await self._pool.fetchrow(_STATE, delivery_id)
            late = asyncio.get_running_loop().time() > deadline
            if found is None or found["attempt"] or late:
                return delivery_entity(found) if found is not None else None
            await asyncio.sleep(_LOOK_SECONDS)


async def forget_old(pool: Pool, keep: timedelta) -> int:
    """Delete deliveries that ended longer ago than `keep`, those that wait for endpoints which were
    disabled that long ago, and all of deleted endpoints; how many. One batch of each; ask again
    until it says 0."""
    before = datetime.now(UTC) - keep
    newest = ids.lowest_at(int(before.timestamp() * 1000))
    count = 0
    for statement, values in ((_OLD, (newest, before)), (_ORPHANS, ()), (_GIVEN_UP, (before,))):
        async with pool.acquire() as connection, connection.transaction():
            found = [r["id"] for r in await connection.fetch(statement, *values)]
            await connection.execute(
                "DELETE FROM webhook_attempt WHERE delivery_id = ANY($1)", found
            )
            await connection.execute("DELETE FROM webhook_delivery WHERE id = ANY($1)", found)
            count += len(found)
    await pool.execute(_FORGET_ENDPOINTS)
    return count


def delivery_entity(r: asyncpg.Record) -> Delivery:
    """The record that other rooms see."""
    return Delivery(
        id=r["id"],
        webhook_id=r["endpoint_id"],
        event_type=r["event_type"],
        table_id=r["table_id"],
        subject_id=r["subject_id"],
        revision=r["revision"],
        body=r["body"],
        status=DeliveryStatus(r["status"]),
        attempt=r["attempt"],
        failures=r["failures"],
        next_at=r["next_at"] if r["status"] == DeliveryStatus.PENDING else None,
        merged=r["merged"],
        replay_id=r["replay_id"],
        error=r["error"],
        created_at=r["created_at"],
        finished_at=r["finished_at"],
    )


def _attempt(r: asyncpg.Record) -> Attempt:
    return Attempt(
        delivery_id=r["delivery_id"],
        number=r["number"],
        request_headers=loads(r["request_headers"]),
        status_code=r["status_code"],
        response_headers=loads(r["response_headers"]) if r["response_headers"] else None,
        response_body=r["response_body"],
        error=r["error"],
        duration_ms=r["duration_ms"],
        at=r["at"],
    )
