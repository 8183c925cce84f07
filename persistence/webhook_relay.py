"""The relay's consumer for webhooks: from the logs of tables and organisations to deliveries.

It stores the deliveries of the entries behind a cursor in the transaction that moves the cursor. A
worker sends them (`persistence/webhook_sending.py`)."""

from collections.abc import Sequence
from uuid import UUID

import asyncpg
import structlog

from domain.columns import TableShape
from domain.errors import Invalid
from domain.numbers import loads
from domain.trigger_conditions import bind_condition
from domain.webhook_events import WebhookDialect
from domain.webhook_records import WebhookStatus
from persistence.engine import Connection
from persistence.relay import Cursor, Done, Entry, Slice, is_passing, move, next_slice
from persistence.shapes import Shapes
from persistence.webhook_bodies import (
    TABLE_EVENTS,
    Draft,
    Follower,
    TableFact,
    row_drafts,
    run_drafts,
    table_drafts,
)
from persistence.webhook_documents import DOCUMENT_EVENTS, document_drafts, document_fact
from persistence.webhook_facts import Facts, RowFact, matching, read_facts
from persistence.webhook_queue import store_drafts

#: The name under which the relay reads logs for webhooks.
CONSUMER = "webhooks"

#: Deliveries of one step, about: their bodies are made here and not in PostgreSQL.
MOST_AT_ONCE = 4_000
_ENTRIES_AT_ONCE = 500

_FOLLOWER_FIELDS = (
    "e.id, e.organization_id, e.dialect, e.event_types, e.filter, e.columns, e.error,"
    " CAST(e.details->>'schemaId' AS uuid) AS schema_id, coalesce(s.revision, 0) AS from_revision"
)
#: Endpoints of dialect LIMAI are told nothing before they are verified.
_HEARS = f"(e.dialect <> '{WebhookDialect.LIMAI}' OR e.verified_at IS NOT NULL)"
_FOLLOWERS = f"""
SELECT {_FOLLOWER_FIELDS}
FROM webhook_endpoint e LEFT JOIN webhook_start s ON s.endpoint_id = e.id AND s.table_id = $2
WHERE e.organization_id = $1 AND e.deleted_at IS NULL AND e.status = '{WebhookStatus.ACTIVE}'
  AND {_HEARS}
  AND ($2 = $1 OR e.table_ids IS NULL OR $2 = ANY(e.table_ids))
ORDER BY e.id
"""
_FOLLOWER = f"""
SELECT {_FOLLOWER_FIELDS}
FROM webhook_endpoint e LEFT JOIN webhook_start s ON FALSE
WHERE e.id = $1 AND e.deleted_at IS NULL AND e.status = '{WebhookStatus.ACTIVE}'
"""
_TABLES_OF = "SELECT id, table_ids FROM webhook_endpoint WHERE id = ANY($1)"
_FOLLOWS_ALL = """
SELECT EXISTS (SELECT FROM webhook_endpoint
               WHERE organization_id = $1 AND deleted_at IS NULL AND table_ids IS NULL)
"""
_BEGIN_CURSOR = f"""
INSERT INTO relay_cursor (consumer, table_id, organization_id, revision)
SELECT '{CONSUMER}', t.id, t.organization_id, 0 FROM user_table t
WHERE t.id = ANY($1) AND t.dropped_at IS NULL
ON CONFLICT DO NOTHING
"""
_ENTRIES = """
SELECT h.revision, h.kind, h.actor, h.at, h.subject_id, h.details, t.project_id
FROM organization_change h LEFT JOIN user_table t ON t.id = h.subject_id
WHERE h.organization_id = $1 AND h.revision > $2 ORDER BY h.revision LIMIT $3
"""
_CELLS = """
SELECT revision, count(*) AS cells FROM cell_change
WHERE table_id = $1 AND revision > $2 AND revision <= $3 GROUP BY revision ORDER BY revision
"""
_FAULT = "UPDATE webhook_endpoint SET error = $2 WHERE id = $1"

_log = structlog.get_logger()


class WebhookRelay:
    """Makes deliveries of what happens in the tables that endpoints follow."""

    name = CONSUMER
    reads_deleted = True

    def __init__(self, shapes: Shapes) -> None:
        self._shapes = shapes

    async def advance(self, connection: Connection, cursor: Cursor, budget: int) -> Done:
        """Store the deliveries of the next entries. The work is rows times endpoints."""
        records = await connection.fetch(_FOLLOWERS, cursor.organization_id, cursor.log_id)
        followers = [_follower(r) for r in records]
        if cursor.kind == "organization":
            return await self._tables(connection, cursor, followers)
        if not followers:
            # All are disabled. One that goes on begins at a later revision than this one.
            await move(connection, cursor, cursor.head)
            return Done(0, 1)
        most = max(1, min(budget, MOST_AT_ONCE) // len(followers))
        part = await next_slice(connection, cursor, most, lambda _: True)
        assert cursor.columns_version is not None, "the log of a table"
        shape = await self._shapes.for_log(cursor.log_id, cursor.columns_version)
        part = await bounded(connection, shape, cursor.revision, part, most)
        drafts = await drafts_of(connection, shape, part, followers)
        await store_drafts(connection, drafts)
        await move(connection, cursor, part.revision, part.last_row)
        return Done(len(drafts), 1 + part.rows * len(followers))

    async def _tables(
        self, connection: Connection, cursor: Cursor, followers: Sequence[Follower]
    ) -> Done:
        """The organisation's log: tables that come and go, and documents."""
        records = await connection.fetch(_ENTRIES, cursor.log_id, cursor.revision, _ENTRIES_AT_ONCE)
        facts = [_table_fact(r) for r in records if r["kind"] in TABLE_EVENTS]
        documents = [document_fact(r) for r in records if r["kind"] in DOCUMENT_EVENTS]
        if await connection.fetchval(_FOLLOWS_ALL, cursor.organization_id):
            await connection.execute(_BEGIN_CURSOR, [fact.table_id for fact in facts])
        tables = {
            r["id"]: r["table_ids"]
            for r in await connection.fetch(_TABLES_OF, [each.id for each in followers])
        }
        drafts: list[Draft] = []
        for follower in followers:
            own = tables[follower.id]
            told = [
                fact
                for fact in facts
                if fact.revision > follower.from_revision and (own is None or fact.table_id in own)
            ]
            drafts += table_drafts(follower, told)
            drafts += document_drafts(follower, documents)
        await store_drafts(connection, drafts)
        await move(connection, cursor, records[-1]["revision"] if records else cursor.head)
        return Done(len(drafts), 1 + (len(facts) + len(documents)) * len(followers))


async def follower_of(connection: Connection, webhook_id: UUID) -> Follower | None:
    """An active endpoint that is told of everything, whenever it was made."""
    found = await connection.fetchrow(_FOLLOWER, webhook_id)
    return _follower(found) if found is not None else None


async def bounded(
    connection: Connection, shape: TableShape, after: int, part: Slice, most: int
) -> Slice:
    """The slice cut off before moves of cells become too many: entries that change no row weigh
    nothing so far. One entry always stays."""
    if not shape.stateful_columns or part.last_row is not None or len(part.entries) < 2:
        return part
    records = await connection.fetch(_CELLS, shape.id, after, part.revision)
    cells = {r["revision"]: r["cells"] for r in records}
    weight = 0
    kept: list[Entry] = []
    for entry in part.entries:
        weight += max(entry.rows, cells.get(entry.revision, 0))
        if kept and weight > most:
            break
        kept.append(entry)
    if len(kept) == len(part.entries):
        return part
    return Slice(kept[-1].revision, kept, sum(entry.rows for entry in kept), part.after_row)


async def drafts_of(
    connection: Connection, shape: TableShape, part: Slice, followers: Sequence[Follower]
) -> list[Draft]:
    """What the followers are told of a slice. One whose filter cannot be decided any more is told
    nothing, and that stands on it until it can be."""
    if not part.entries or not followers:
        return []
    values = any(each.needs_values for each in followers)
    facts = await read_facts(connection, shape, part, values=values)
    drafts: list[Draft] = []
    for follower in followers:
        later = [fact for fact in facts.rows if fact.revision > follower.from_revision]
        rows = await _matching(connection, facts, follower, later)
        drafts += row_drafts(follower, facts, rows)
        drafts += run_drafts(follower, facts)
    return drafts


async def _matching(
    connection: Connection, facts: Facts, follower: Follower, rows: Sequence[RowFact]
) -> Sequence[RowFact]:
    if follower.filter is None or not rows:
        return rows
    try:
        filter = bind_condition(facts.shape, follower.filter)
        if filter is None:
            return rows
        # A savepoint: an error of PostgreSQL inside a filter would end the whole transaction.
        async with connection.transaction():
            found = await matching(connection, facts.shape, filter, rows)
    except Exception as error:
        if is_passing(error):
            raise
        await _tell_fault(connection, follower, _sentence(error))
        return []
    if follower.error is not None:
        await connection.execute(_FAULT, follower.id, None)
    return [fact for fact in rows if (fact.revision, fact.row_id) in found]


async def _tell_fault(connection: Connection, follower: Follower, sentence: str) -> None:
    if follower.error != sentence:
        _log.warning("a filter cannot be decided", webhook_id=str(follower.id), error=sentence)
        await connection.execute(_FAULT, follower.id, sentence)


def _sentence(error: Exception) -> str:
    """What is told to people."""
    if isinstance(error, Invalid | asyncpg.DataError):
        return f"The filter cannot be decided: {error}"
    return f"The filter cannot be decided: an internal error ({type(error).__name__})"


def _follower(r: asyncpg.Record) -> Follower:
    return Follower(
        r["id"],
        r["organization_id"],
        WebhookDialect(r["dialect"]),
        frozenset(r["event_types"]),
        loads(r["filter"]) if r["filter"] is not None else None,
        frozenset(r["columns"]) if r["columns"] is not None else None,
        r["from_revision"],
        r["error"],
        r["schema_id"],
    )


def _table_fact(r: asyncpg.Record) -> TableFact:
    return TableFact(
        r["revision"],
        r["kind"],
        r["subject_id"],
        r["project_id"],
        r["actor"],
        r["at"],
        loads(r["details"] or "{}"),
    )
