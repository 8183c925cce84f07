"""Webhooks: endpoints of others that are told what happens in tables.

Nothing here is told when rows are written. The relay reads the logs and makes deliveries
(`domain/webhook_deliveries.py`), which a worker sends."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from domain import access, checks
from domain.access import Viewer
from domain.columns import TableShape
from domain.errors import ErrorCode, Invalid, NotFound, Problem, invalid
from domain.idempotency import keep_no_answer
from domain.plain_json import clean_json
from domain.ports import Storage
from domain.rejections import Rejected
from domain.tables import on_table, shape_of
from domain.trigger_conditions import bind_condition, read_condition, written
from domain.webhook_events import EVENTS, WebhookDialect
from domain.webhook_records import (
    Webhook,
    WebhookCreate,
    WebhookSecret,
    WebhookUpdate,
)
from domain.webhook_signing import new_secret
from domain.webhook_targets import url_problems

MAX_WEBHOOKS = 100
MAX_TABLES = 1_000
MAX_DESCRIPTION = 2_000
#: How long the secret before signs too, in hours.
DEFAULT_OVERLAP_HOURS = 24
MAX_OVERLAP_HOURS = 24 * 7
DISABLED_BY_HAND = "It was disabled by hand"

_MAX_FILTER_BYTES = 500_000
#: What says which rows an endpoint is told of, by its name in the input.
_SELECTION = {"table_ids": "tableIds", "filter": "filter", "columns": "columns"}
#: Endpoints of dialect LIMAI follow the organisation's log alone.
_NO_TABLES: Sequence[UUID] | None = ()


async def list_webhooks(viewer: Viewer, storage: Storage) -> list[Webhook]:
    """The endpoints of the organisation, oldest first; for a key with a scope those whose tables
    all lie inside."""
    access.require(viewer, "webhooks")
    found = await storage.webhooks.list_all(viewer.organization_id)
    return [each for each in found if await _reaches(viewer, storage, each)]


async def get_webhook(viewer: Viewer, storage: Storage, webhook_id: UUID) -> Webhook:
    """One endpoint. Raises `NotFound`."""
    access.require(viewer, "webhook")
    return await reached_webhook(viewer, storage, webhook_id)


async def create_webhook(viewer: Viewer, storage: Storage, command: WebhookCreate) -> WebhookSecret:
    """Make an endpoint. It is told of what happens from now on. Its secret is shown this once.

    Raises `Invalid` with every problem. A key with a scope has to name its tables."""
    access.require(viewer, "webhookCreate")
    problems = url_problems(command.url, storage.egress)
    problems += _event_problems(command.dialect, command.event_types)
    problems += checks.text_problems("description", command.description, 0, MAX_DESCRIPTION)
    problems += await _schema_problems(viewer, storage, command)
    filter, table_ids = None, _NO_TABLES
    if not command.dialect.follows_schemas:
        problems += await _table_problems(viewer, storage, command.table_ids)
        filter = await _checked_selection(
            viewer, storage, command.table_ids, command.filter, command.columns, problems
        )
        table_ids = command.table_ids
    checks.refuse(problems)
    secret = new_secret()
    keep_no_answer()
    plain = WebhookCreate(
        command.url,
        _unique(command.event_types),
        _unique(table_ids) if table_ids is not None else None,
        filter,
        _unique(command.columns) if command.columns is not None else None,
        command.dialect,
        command.description,
        command.schema_id,
    )
    made = await storage.webhooks.create(
        viewer.organization_id, viewer.actor, plain, secret, MAX_WEBHOOKS
    )
    if made is None:
        message = f"An organization has at most {MAX_WEBHOOKS} webhooks"
        raise invalid(ErrorCode.TOO_MANY, message)
    return WebhookSecret(made, secret)


async def update_webhook(
    viewer: Viewer, storage: Storage, webhook_id: UUID, command: WebhookUpdate
) -> Webhook:
    """Change an endpoint. What waits already goes out as it is, to the new URL. Of tables that it
    did not follow before it is told from now on. One of dialect LIMAI has to be verified anew when
    its URL changes.

    Raises `NotFound`, and `Invalid` with every problem."""
    access.require(viewer, "webhookUpdate")
    webhook = await reached_webhook(viewer, storage, webhook_id)
    changes = command.given()
    problems: list[Problem] = []
    if "url" in changes:
        problems += url_problems(changes["url"], storage.egress)
        if changes["url"] != webhook.url:
            changes["verified_at"] = None
    if "event_types" in changes:
        problems += _event_problems(webhook.dialect, changes["event_types"])
        changes["event_types"] = _unique(changes["event_types"])
    if "description" in changes:
        problems += checks.text_problems("description", changes["description"], 0, MAX_DESCRIPTION)
    if webhook.dialect.follows_schemas:
        problems += _selection_problems(changes)
        changes = {name: each for name, each in changes.items() if name not in _SELECTION}
    if "table_ids" in changes:
        problems += await _table_problems(viewer, storage, changes["table_ids"])
    if changes.keys() & _SELECTION.keys():
        changes |= await _changed_selection(viewer, storage, webhook, changes, problems)
    checks.refuse(problems)
    changed = await storage.webhooks.update(
        viewer.organization_id, viewer.actor, webhook_id, changes
    )
    return _found(changed)


async def rotate_webhook_secret(
    viewer: Viewer,
    storage: Storage,
    webhook_id: UUID,
    overlap_hours: float = DEFAULT_OVERLAP_HOURS,
) -> WebhookSecret:
    """Give an endpoint a new secret, shown this once. The one before signs too until the overlap
    is over; without any it ends at once. Raises `NotFound` and `Invalid`."""
    access.require(viewer, "webhookRotateSecret")
    await reached_webhook(viewer, storage, webhook_id)
    if not 0 <= overlap_hours <= MAX_OVERLAP_HOURS:
        message = f"overlapHours must be 0 to {MAX_OVERLAP_HOURS}"
        raise invalid(ErrorCode.OUT_OF_RANGE, message, "overlapHours")
    secret = new_secret()
    keep_no_answer()
    until = datetime.now(UTC) + timedelta(hours=overlap_hours)
    changed = await storage.webhooks.rotate(
        viewer.organization_id, viewer.actor, webhook_id, secret, until
    )
    return WebhookSecret(_found(changed), secret)


async def enable_webhook(viewer: Viewer, storage: Storage, webhook_id: UUID) -> Webhook:
    """Let an endpoint go on: what still waits goes out, and what happens from now on. Raises
    `NotFound`."""
    access.require(viewer, "webhookEnable")
    await reached_webhook(viewer, storage, webhook_id)
    return _found(await storage.webhooks.enable(viewer.organization_id, viewer.actor, webhook_id))


async def disable_webhook(viewer: Viewer, storage: Storage, webhook_id: UUID) -> Webhook:
    """Tell an endpoint nothing any more. What waits is kept. Raises `NotFound`."""
    access.require(viewer, "webhookDisable")
    await reached_webhook(viewer, storage, webhook_id)
    return _found(
        await storage.webhooks.disable(
            viewer.organization_id, viewer.actor, webhook_id, DISABLED_BY_HAND
        )
    )


async def delete_webhook(viewer: Viewer, storage: Storage, webhook_id: UUID) -> None:
    """Delete an endpoint. What waits is not sent any more. Raises `NotFound`."""
    access.require(viewer, "webhookDelete")
    await reached_webhook(viewer, storage, webhook_id)
    if not await storage.webhooks.delete(viewer.organization_id, viewer.actor, webhook_id):
        raise NotFound("Webhook")


async def reached_webhook(viewer: Viewer, storage: Storage, webhook_id: UUID) -> Webhook:
    """The endpoint, if the viewer reaches all its tables. Raises `NotFound`."""
    webhook = await storage.webhooks.get(viewer.organization_id, webhook_id)
    if webhook is None or not await _reaches(viewer, storage, webhook):
        raise NotFound("Webhook")
    return webhook


async def _reaches(viewer: Viewer, storage: Storage, webhook: Webhook) -> bool:
    if viewer.scope is None:
        return True
    if webhook.dialect.follows_schemas:
        return webhook.schema_id is not None and await _knows(viewer, storage, webhook.schema_id)
    if webhook.table_ids is None:
        return False
    return not await _unknown(viewer, storage, webhook.table_ids)


async def _unknown(viewer: Viewer, storage: Storage, table_ids: Sequence[UUID]) -> list[int]:
    """The places of tables that do not exist for the viewer."""
    found = []
    for place, table_id in enumerate(table_ids):
        try:
            await shape_of(viewer, storage, table_id)
        except NotFound:
            found.append(place)
    return found


async def _knows(viewer: Viewer, storage: Storage, schema_id: UUID) -> bool:
    return await storage.extraction_schemas.get(viewer.organization_id, schema_id) is not None


def _found(webhook: Webhook | None) -> Webhook:
    if webhook is None:
        raise NotFound("Webhook")
    return webhook


def _event_problems(dialect: WebhookDialect, event_types: object) -> list[Problem]:
    known = [event.value for event in EVENTS[dialect]]
    if not isinstance(event_types, Sequence) or not event_types:
        message = f"eventTypes must name at least one of {', '.join(known)}"
        return [Problem(ErrorCode.REQUIRED, message, ("eventTypes",))]
    return [
        Problem(
            ErrorCode.NOT_AN_OPTION,
            f"There is no such event; there are {', '.join(known)}",
            ("eventTypes", str(place)),
        )
        for place, name in enumerate(event_types)
        if name not in known
    ]


async def _schema_problems(
    viewer: Viewer, storage: Storage, command: WebhookCreate
) -> list[Problem]:
    """What is wrong with what an endpoint follows, as far as it concerns schemas."""
    if not command.dialect.follows_schemas:
        if command.schema_id is None:
            return []
        message = "extractionSchemaId needs the dialect LIMAI"
        return [Problem(ErrorCode.INVALID, message, ("extractionSchemaId",))]
    selection = {
        "table_ids": command.table_ids,
        "filter": command.filter,
        "columns": command.columns,
    }
    problems = _selection_problems(selection)
    if command.schema_id is None:
        if viewer.scope is not None:
            message = "A key that does not reach the whole organization has to name a schema"
            problems.append(Problem(ErrorCode.REQUIRED, message, ("extractionSchemaId",)))
    elif not await _knows(viewer, storage, command.schema_id):
        message = "Extraction schema not found"
        problems.append(Problem(ErrorCode.NOT_FOUND, message, ("extractionSchemaId",)))
    return problems


def _selection_problems(given: Mapping[str, Any]) -> list[Problem]:
    """Rows are nothing that an endpoint of dialect LIMAI is told of."""
    return [
        Problem(ErrorCode.INVALID, f"{name} has no meaning in the dialect LIMAI", (name,))
        for attribute, name in _SELECTION.items()
        if given.get(attribute) is not None
    ]


async def _table_problems(
    viewer: Viewer, storage: Storage, table_ids: Sequence[UUID] | None
) -> list[Problem]:
    if table_ids is None:
        if viewer.scope is None:
            return []
        message = "A key that does not reach the whole organization has to name tables"
        return [Problem(ErrorCode.REQUIRED, message, ("tableIds",))]
    if not 1 <= len(table_ids) <= MAX_TABLES:
        message = f"tableIds names 1 to {MAX_TABLES} tables; without it all are followed"
        return [Problem(ErrorCode.OUT_OF_RANGE, message, ("tableIds",))]
    return [
        Problem(ErrorCode.NOT_FOUND, "Table not found", ("tableIds", str(place)))
        for place in await _unknown(viewer, storage, table_ids)
    ]


async def _changed_selection(
    viewer: Viewer,
    storage: Storage,
    webhook: Webhook,
    changes: Mapping[str, Any],
    problems: list[Problem],
) -> dict[str, Any]:
    """Tables, filter and columns as they will be; they are checked together."""
    table_ids = changes.get("table_ids", webhook.table_ids)
    filter = changes.get("filter", webhook.filter)
    columns = changes.get("columns", webhook.columns)
    checked = await _checked_selection(viewer, storage, table_ids, filter, columns, problems)
    return {
        "table_ids": _unique(table_ids) if table_ids is not None else None,
        "filter": checked,
        "columns": _unique(columns) if columns is not None else None,
    }


async def _checked_selection(
    viewer: Viewer,
    storage: Storage,
    table_ids: Sequence[UUID] | None,
    filter: Any,
    columns: Sequence[str] | None,
    problems: list[Problem],
) -> Any:
    """The filter in the form that is stored; None for none. Adds what is wrong."""
    if filter is None and columns is None:
        return None
    name = "filter" if filter is not None else "columns"
    if table_ids is None or len(set(table_ids)) != 1:
        message = f"{name} needs exactly one table in tableIds"
        problems.append(Problem(ErrorCode.INVALID, message, (name,)))
        return None
    if problems:
        return None

    async def work(shape: TableShape) -> Any:
        problems.extend(_column_problems(shape, columns))
        return _checked_filter(shape, filter, problems)

    return await on_table(viewer, storage, table_ids[0], work)


def _column_problems(shape: TableShape, columns: Sequence[str] | None) -> list[Problem]:
    if columns is None:
        return []
    if not columns:
        message = "columns names at least one column; without it all count"
        return [Problem(ErrorCode.REQUIRED, message, ("columns",))]
    return [
        Problem(ErrorCode.UNKNOWN_COLUMN, "There is no such column", ("columns", str(place)))
        for place, key in enumerate(columns)
        if key not in shape.columns_by_key
    ]


def _checked_filter(shape: TableShape, given: Any, problems: list[Problem]) -> Any:
    if given is None:
        return None
    try:
        clean = clean_json(given, most_bytes=_MAX_FILTER_BYTES)
        bind_condition(shape, clean)
        return written(read_condition(clean))
    except Rejected as error:
        problems.append(Problem(error.code, error.message, ("filter",)))
    except Invalid as error:
        problems.extend(
            Problem(each.code, each.message, ("filter", *each.path[1:])) for each in error.problems
        )
    return None


def _unique(given: Sequence[Any]) -> list[Any]:
    return list(dict.fromkeys(given))
