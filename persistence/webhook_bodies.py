"""From facts of the log to what endpoints are told, in the words of each dialect."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson

from domain.changes import OrganizationChangeKind
from domain.columns import Column
from domain.webhook_events import PING, WebhookDialect, WebhookEvent
from persistence.json_text import dumps
from persistence.relay import Entry
from persistence.row_images import data_text
from persistence.webhook_facts import Facts, Image, RowFact

_ROW_EVENTS = {
    "create": WebhookEvent.ROW_CREATED,
    "update": WebhookEvent.ROW_UPDATED,
    "delete": WebhookEvent.ROW_DELETED,
}
_ENDS = {
    "completed": WebhookEvent.CALCULATION_COMPLETED,
    "failed": WebhookEvent.CALCULATION_FAILED,
}
#: How the organisation's log calls what native endpoints are told of tables.
TABLE_EVENTS = {
    OrganizationChangeKind.TABLE_CREATED.value: WebhookEvent.TABLE_CREATED,
    OrganizationChangeKind.TABLE_UPDATED.value: WebhookEvent.TABLE_UPDATED,
    OrganizationChangeKind.TABLE_DELETED.value: WebhookEvent.TABLE_DELETED,
    OrganizationChangeKind.COLUMNS_CHANGED.value: WebhookEvent.COLUMNS_CHANGED,
}


@dataclass(frozen=True, slots=True)
class Follower:
    """An endpoint as the relay sees it. It is told of what lies behind `from_revision`."""

    id: UUID
    organization_id: UUID
    dialect: WebhookDialect
    events: frozenset[str]
    filter: Any
    columns: frozenset[str] | None
    from_revision: int
    error: str | None
    schema_id: UUID | None = None

    @property
    def needs_values(self) -> bool:
        """Whether values of rows have to be read for it."""
        return self.dialect is WebhookDialect.NATIVE or self.columns is not None


@dataclass(slots=True)
class Draft:
    """Something to be told. `subject_id` is the row, or the table when it is about no row; of a
    document, which has no table, the file. `data` becomes the body's `data`, or in dialect LIMAI
    all of the body but its head."""

    follower: Follower
    event: WebhookEvent
    table_id: UUID | None
    subject_id: UUID
    revision: int
    at: datetime
    data: dict[str, Any]
    merged: int = 0


@dataclass(frozen=True, slots=True)
class TableFact:
    """An entry of the organisation's log that is about a table."""

    revision: int
    kind: str
    table_id: UUID
    project_id: UUID | None
    actor: str
    at: datetime
    details: Mapping[str, Any]


def moment_text(at: datetime) -> str:
    """ISO 8601, UTC, milliseconds, `Z`."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def body(
    dialect: WebhookDialect, event: str, message_id: UUID, at: datetime, data: Mapping[str, Any]
) -> str:
    """The body of a message, which never changes once it is stored."""
    if dialect is WebhookDialect.PHACET:
        return dumps({"eventType": event, "eventId": str(message_id), "data": data})
    if dialect is WebhookDialect.LIMAI:
        seconds = moment_text(at)[:19] + "Z"
        head = {"eventId": str(message_id), "eventType": event, "timestamp": seconds}
        return dumps(head | dict(data))
    told = {"type": event, "id": str(message_id), "timestamp": moment_text(at), "data": data}
    return dumps(told)


def ping_body(dialect: WebhookDialect, message_id: UUID, webhook_id: UUID, at: datetime) -> str:
    """The body of a test call."""
    data: dict[str, Any] = {"webhookId": str(webhook_id), "occurredAt": moment_text(at)}
    if dialect is WebhookDialect.LIMAI:
        data = {"data": data}
    return body(dialect, PING, message_id, at, data)


def row_drafts(follower: Follower, facts: Facts, rows: Sequence[RowFact]) -> Iterator[Draft]:
    """What a follower is told of some rows, in order."""
    for fact in rows:
        entry = facts.entries[fact.revision]
        for event in _events(follower, fact):
            if event.value in follower.events:
                yield Draft(
                    follower,
                    event,
                    facts.shape.id,
                    fact.row_id,
                    fact.revision,
                    entry.at,
                    _row_data(follower, facts, fact, entry, event),
                )


def run_drafts(follower: Follower, facts: Facts) -> Iterator[Draft]:
    """What a follower is told of runs that ended."""
    for fact in facts.runs:
        event = WebhookEvent.RUN_ENDED
        if event.value in follower.events and fact.revision > follower.from_revision:
            entry = facts.entries[fact.revision]
            data = _entry_data(facts, entry) | {"runId": fact.run_id, "status": fact.status}
            table_id = facts.shape.id
            yield Draft(follower, event, table_id, table_id, fact.revision, entry.at, data)


def _entry_data(facts: Facts, entry: Entry) -> dict[str, Any]:
    project_id = facts.shape.project_id
    return {
        "tableId": str(facts.shape.id),
        "projectId": str(project_id) if project_id else None,
        "revision": entry.revision,
        "actor": entry.actor,
        "cause": entry.cause,
    }


def table_drafts(follower: Follower, facts: Sequence[TableFact]) -> Iterator[Draft]:
    """What a follower is told of tables, in order."""
    for fact in facts:
        event = TABLE_EVENTS[fact.kind]
        if follower.dialect is WebhookDialect.PHACET and event is WebhookEvent.TABLE_CREATED:
            event = WebhookEvent.PHACET_CREATED
        if event.value in follower.events:
            data = _table_data(follower.dialect, fact)
            yield Draft(follower, event, fact.table_id, fact.table_id, fact.revision, fact.at, data)


def _events(follower: Follower, fact: RowFact) -> Iterator[WebhookEvent]:
    if fact.started:
        yield WebhookEvent.CALCULATION_STARTED
    moves = [m for m in fact.moves if follower.columns is None or m.column in follower.columns]
    if fact.action is not None:
        if fact.action != "update" or _touches(follower, fact) or (fact.ended and moves):
            yield _ROW_EVENTS[fact.action]
    elif fact.ended and moves and follower.dialect is WebhookDialect.PHACET:
        yield WebhookEvent.ROW_UPDATED
    if moves:
        yield WebhookEvent.CELL_STATUS
    if fact.ended:
        yield _ENDS[fact.ended]


def _touches(follower: Follower, fact: RowFact) -> bool:
    return follower.columns is None or not follower.columns.isdisjoint(fact.changed or ())


def _row_data(
    follower: Follower, facts: Facts, fact: RowFact, entry: Entry, event: WebhookEvent
) -> dict[str, Any]:
    if follower.dialect is WebhookDialect.PHACET:
        return _phacet_data(facts, fact, entry)
    data = _entry_data(facts, entry) | {
        "rowId": str(fact.row_id),
        "sessionId": str(fact.session_id),
        "version": fact.version,
    }
    if event in _ROW_EVENTS.values():
        assert fact.after is not None, "native endpoints need values"
        data["data"] = _values(follower, facts.columns, fact.after)
        if fact.before is not None:
            data["previousData"] = _values(follower, facts.columns, fact.before)
            data["changedColumns"] = [
                key
                for key in fact.changed or ()
                if follower.columns is None or key in follower.columns
            ]
    elif event is WebhookEvent.CELL_STATUS:
        data["cells"] = [
            {"column": m.column, "previous": m.previous, "status": m.status, "error": m.error}
            for m in fact.moves
            if follower.columns is None or m.column in follower.columns
        ]
    return data


def _phacet_data(facts: Facts, fact: RowFact, entry: Entry) -> dict[str, Any]:
    table_id, project_id = str(facts.shape.id), facts.shape.project_id
    return {
        "tableId": table_id,
        "phacetId": table_id,
        "rowId": str(fact.row_id),
        "sessionId": str(fact.session_id),
        "projectId": str(project_id) if project_id else None,
        "occurredAt": moment_text(entry.at),
    }


def _table_data(dialect: WebhookDialect, fact: TableFact) -> dict[str, Any]:
    table_id = str(fact.table_id)
    project_id = str(fact.project_id) if fact.project_id else None
    if dialect is WebhookDialect.PHACET:
        return {
            "tableId": table_id,
            "phacetId": table_id,
            "name": fact.details.get("name"),
            "projectId": project_id,
            "occurredAt": moment_text(fact.at),
        }
    return {
        "tableId": table_id,
        "projectId": project_id,
        "organizationRevision": fact.revision,
        "actor": fact.actor,
        "details": fact.details,
    }


def _values(follower: Follower, columns: Sequence[Column], image: Image) -> orjson.Fragment:
    """A row's data by key: all of it, or the columns that the endpoint names."""
    if follower.columns is None:
        names = [column.key for column in columns]
        return orjson.Fragment(data_text(names, len(names), image.values, image.extra))
    chosen = [
        (column.key, value)
        for column, value in zip(columns, image.values, strict=True)
        if column.key in follower.columns
    ]
    names = [name for name, _ in chosen]
    return orjson.Fragment(data_text(names, len(names), [value for _, value in chosen], None))


def merged(event: str, older: Mapping[str, Any], newer: Mapping[str, Any]) -> dict[str, Any]:
    """The data of one event that stands for two of the same row: as the newer one left it, as it
    was before the older one."""
    data = dict(newer)
    if event == WebhookEvent.ROW_UPDATED and "previousData" in older:
        data["previousData"] = older["previousData"]
        keys = [*older.get("changedColumns", ()), *newer.get("changedColumns", ())]
        data["changedColumns"] = list(dict.fromkeys(keys))
    elif event == WebhookEvent.CELL_STATUS:
        cells = {cell["column"]: cell for cell in older.get("cells", ())}
        for cell in newer.get("cells", ()):
            first = cells.get(cell["column"], cell)
            cells[cell["column"]] = {**cell, "previous": first["previous"]}
        data["cells"] = list(cells.values())
    return data
