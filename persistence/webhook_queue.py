"""Putting deliveries into the queue: those of a row wait for each other, and not too many do.

Behind a hundred that wait, a later change of the row becomes part of one that waits already, so
that a receiver that is away for long costs a bounded place and finds the latest state."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from domain import ids
from domain.numbers import loads
from domain.webhook_events import WebhookDialect, WebhookEvent
from domain.webhook_records import DeliveryStatus
from persistence.engine import Connection
from persistence.webhook_bodies import Draft, body, merged

#: Deliveries of one row that wait for one endpoint before later ones become part of them.
MOST_WAITING = 100

_COLUMNS = (
    "id",
    "organization_id",
    "endpoint_id",
    "event_type",
    "table_id",
    "subject_id",
    "revision",
    "body",
    "status",
    "merged",
    "next_at",
    "replay_id",
)
#: A row that comes or goes is never part of another event, and nothing goes past it. Each job of a
#: document, and each review, is told by itself.
_BARRIERS = frozenset(
    {
        WebhookEvent.ROW_CREATED.value,
        WebhookEvent.ROW_DELETED.value,
        WebhookEvent.DOCUMENT_EXTRACTED.value,
        WebhookEvent.DOCUMENT_REVIEWED.value,
    }
)

_WAITING = f"""
SELECT subject_id, count(*) AS count FROM webhook_delivery
WHERE endpoint_id = $1 AND subject_id = ANY($2) AND status = '{DeliveryStatus.PENDING}'
GROUP BY subject_id
"""
#: The last one of each kind that nobody has begun to send. Locked: a worker passes over it.
_TAILS = f"""
SELECT d.id, d.subject_id, d.event_type, d.body, d.merged FROM webhook_delivery d
WHERE d.id = ANY(ARRAY(
    SELECT DISTINCT ON (w.subject_id, w.event_type) w.id FROM webhook_delivery w
    WHERE w.endpoint_id = $1 AND w.subject_id = ANY($2) AND w.status = '{DeliveryStatus.PENDING}'
      AND w.replay_id IS NULL AND w.event_type <> ALL($3)
      AND NOT EXISTS (
        SELECT FROM webhook_delivery b
        WHERE b.endpoint_id = w.endpoint_id AND b.subject_id = w.subject_id
          AND b.status = '{DeliveryStatus.PENDING}' AND b.number > w.number
          AND b.event_type = ANY($3))
    ORDER BY w.subject_id, w.event_type, w.number DESC))
  AND d.status = '{DeliveryStatus.PENDING}' AND d.attempt = 0 AND d.leased_until IS NULL
FOR UPDATE OF d SKIP LOCKED
"""
_MERGE = """
UPDATE webhook_delivery AS d SET body = g.body, revision = g.revision, merged = g.merged
FROM unnest($1::uuid[], $2::text[], $3::bigint[], $4::int[]) AS g(id, body, revision, merged)
WHERE d.id = g.id
"""


@dataclass(slots=True)
class _Tail:
    """A stored delivery that later events may become part of."""

    id: UUID
    data: Mapping[str, Any]
    merged: int
    draft: Draft | None = None


async def store_drafts(
    connection: Connection, drafts: Sequence[Draft], replay_id: UUID | None = None
) -> None:
    """Store deliveries, in this order, inside the connection's transaction. A replay tells every
    event by itself."""
    if not drafts:
        return
    added: list[Draft] = []
    grown: list[_Tail] = []
    if replay_id is not None:
        added = list(drafts)
    else:
        of_follower: dict[UUID, list[Draft]] = defaultdict(list)
        for draft in drafts:
            of_follower[draft.follower.id].append(draft)
        for own in of_follower.values():
            more, tails = await _gathered(connection, own)
            added += more
            grown += tails
    await _merge(connection, grown)
    await _insert(connection, added, replay_id)


async def _gathered(
    connection: Connection, drafts: Sequence[Draft]
) -> tuple[list[Draft], list[_Tail]]:
    """The drafts of one endpoint that become deliveries of their own, and stored deliveries that
    the others became part of."""
    follower_id = drafts[0].follower.id
    fresh: dict[UUID, int] = defaultdict(int)
    for draft in drafts:
        fresh[draft.subject_id] += 1
    # A row that only came in has nothing that waits.
    known = {d.subject_id for d in drafts if d.event is not WebhookEvent.ROW_CREATED}
    waiting = {
        r["subject_id"]: r["count"]
        for r in await connection.fetch(_WAITING, follower_id, list(known))
    }
    full = {s for s, count in fresh.items() if count + waiting.get(s, 0) > MOST_WAITING}
    if not full:
        return list(drafts), []
    tails = await _tails(connection, follower_id, full)
    return _fold(drafts, waiting, tails)


def _fold(
    drafts: Sequence[Draft],
    waiting: dict[UUID, int],
    tails: dict[tuple[UUID, str], _Tail],
) -> tuple[list[Draft], list[_Tail]]:
    added: list[Draft] = []
    own: dict[tuple[UUID, str], Draft] = {}
    grown: dict[UUID, _Tail] = {}
    for draft in drafts:
        key = (draft.subject_id, draft.event.value)
        over = waiting.get(draft.subject_id, 0) >= MOST_WAITING
        if draft.event.value in _BARRIERS:
            for event in WebhookEvent:
                own.pop((draft.subject_id, event.value), None)
                tails.pop((draft.subject_id, event.value), None)
        elif over and key in own:
            _join(own[key], draft)
            continue
        elif over and key in tails:
            tail = tails[key]
            draft.data = merged(draft.event.value, tail.data, draft.data)
            draft.merged = tail.merged + 1
            tail.data, tail.merged, tail.draft = draft.data, draft.merged, draft
            grown[tail.id] = tail
            continue
        own[key] = draft
        added.append(draft)
        waiting[draft.subject_id] = waiting.get(draft.subject_id, 0) + 1
    return added, list(grown.values())


def _join(older: Draft, newer: Draft) -> None:
    """Make two drafts one, in the place of the older one."""
    older.data = merged(newer.event.value, older.data, newer.data)
    older.revision, older.at = newer.revision, newer.at
    older.merged += 1


async def _tails(
    connection: Connection, follower_id: UUID, subjects: set[UUID]
) -> dict[tuple[UUID, str], _Tail]:
    records = await connection.fetch(_TAILS, follower_id, list(subjects), list(_BARRIERS))
    return {
        (r["subject_id"], r["event_type"]): _Tail(r["id"], loads(r["body"])["data"], r["merged"])
        for r in records
    }


async def _merge(connection: Connection, grown: Sequence[_Tail]) -> None:
    if not grown:
        return
    told = [(tail.id, tail.draft, tail.merged) for tail in grown if tail.draft is not None]
    await connection.execute(
        _MERGE,
        [id_ for id_, _, _ in told],
        [_body(draft, id_) for id_, draft, _ in told],
        [draft.revision for _, draft, _ in told],
        [count for _, _, count in told],
    )


async def _insert(connection: Connection, drafts: Sequence[Draft], replay_id: UUID | None) -> None:
    """COPY numbers the deliveries in this order, which is the order in which they go out."""
    now = datetime.now(UTC)
    message_ids = ids.new_ids(ids.Kind.DELIVERY, len(drafts))
    records = [
        (
            message_id,
            draft.follower.organization_id,
            draft.follower.id,
            draft.event.value,
            draft.table_id,
            draft.subject_id,
            draft.revision,
            _body(draft, message_id),
            DeliveryStatus.PENDING.value,
            draft.merged,
            now,
            replay_id,
        )
        for message_id, draft in zip(message_ids, drafts, strict=True)
    ]
    await connection.copy_records_to_table("webhook_delivery", records=records, columns=_COLUMNS)


def _body(draft: Draft, message_id: UUID) -> str:
    dialect: WebhookDialect = draft.follower.dialect
    return body(dialect, draft.event.value, message_id, draft.at, draft.data)
