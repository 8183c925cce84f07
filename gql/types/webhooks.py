"""Webhooks, their deliveries and the attempts at them."""

from datetime import datetime
from enum import Enum
from typing import Annotated, Any

import strawberry

from domain import ids, webhook_deliveries, webhook_events, webhook_records
from domain.errors import ErrorCode, invalid
from gql.context import Info
from gql.paging import PageInfo
from gql.scalars import JSON
from gql.types.triggers import row_filter


def _word(value: str, description: str) -> Any:
    return strawberry.enum_value(value, description=description)


@strawberry.enum(description="In which words an endpoint is told.")
class WebhookDialect(Enum):
    NATIVE = _word("native", "Our own: `type`, `id`, `timestamp` and `data` with the row's values.")
    PHACET = _word("phacet", "As the Phacet API: `eventType`, `eventId`, and `data` of ids only.")
    LIMAI = _word(
        "limai",
        "As the LimAI API: what happened to documents. The endpoint has to be verified first.",
    )


@strawberry.enum(description="What an endpoint is told of, by the names that it reads.")
class WebhookEvent(Enum):
    ROW_CREATED = _word("row.created", "A row was added, or came back by a rollback.")
    ROW_UPDATED = _word(
        "row.updated", "A row was changed. PHACET: also when the work of its tools ended."
    )
    ROW_DELETED = _word("row.deleted", "A row was deleted. NATIVE only.")
    CELL_STATUS = _word("cell.status", "Cells of a row moved to another status. NATIVE only.")
    CALCULATION_STARTED = _word(
        "row.calculation.started", "The first cell of a row waits for its tool."
    )
    CALCULATION_COMPLETED = _word(
        "row.calculation.completed", "No cell of a row waits any more, and none is in error."
    )
    CALCULATION_FAILED = _word(
        "row.calculation.failed", "No cell of a row waits any more, and one is in error."
    )
    RUN_ENDED = _word("run.ended", "A run over cells ended, however it did. NATIVE only.")
    TABLE_CREATED = _word("table.created", "A table was made. NATIVE only.")
    TABLE_UPDATED = _word(
        "table.updated", "A table got another name, description or project. NATIVE only."
    )
    TABLE_DELETED = _word("table.deleted", "A table was deleted. NATIVE only.")
    COLUMNS_CHANGED = _word("columns.changed", "Columns of a table changed. NATIVE only.")
    PHACET_CREATED = _word("phacet.created", "A table was made. PHACET only.")
    DOCUMENT_EXTRACTED = _word(
        "DOCUMENT_EXTRACTED", "The reading of a document ended, well or not. LIMAI only."
    )
    DOCUMENT_REVIEWED = _word(
        "DOCUMENT_REVIEWED", "The last pending row of a document was accepted. LIMAI only."
    )


@strawberry.enum(description="Whether an endpoint is told anything.")
class WebhookStatus(Enum):
    ACTIVE = _word("active", "It is.")
    DISABLED = _word("disabled", "It is not; what happens meanwhile only a replay tells it.")


@strawberry.enum(description="Where a delivery stands.")
class WebhookDeliveryStatus(Enum):
    PENDING = _word("pending", "It waits for its turn, or for its next attempt.")
    DELIVERED = _word("delivered", "The endpoint answered with 2xx.")
    DEAD = _word("dead", "All attempts failed. Those behind it went on without it.")


@strawberry.enum(description="Where a replay stands.")
class WebhookReplayStatus(Enum):
    RUNNING = _word("running", "A worker makes its deliveries, or will.")
    COMPLETED = _word("completed", "All its deliveries are made.")
    FAILED = _word("failed", "The webhook was disabled or deleted meanwhile.")


@strawberry.type(description="One request of a delivery, and what came back.")
class WebhookAttempt:
    number: int = strawberry.field(description="From 1 on.")
    request_headers: JSON = strawberry.field(
        description="What was sent beside the body; signatures are masked."
    )
    status_code: int | None = strawberry.field(
        description="The status of the answer; null when there was none."
    )
    response_headers: JSON | None = strawberry.field(description="Headers of the answer.")
    response_body: str | None = strawberry.field(
        description="The first 4,000 bytes of the answer, as text."
    )
    error: str | None = strawberry.field(description="Why it failed; null for a success.")
    duration_ms: float = strawberry.field(description="How long it took, in milliseconds.")
    at: datetime = strawberry.field(description="When it began.")

    @classmethod
    def of(cls, made: webhook_records.Attempt) -> "WebhookAttempt":
        got = made.response_headers
        return cls(
            number=made.number,
            request_headers=JSON(dict(made.request_headers)),
            status_code=made.status_code,
            response_headers=JSON(dict(got)) if got is not None else None,
            response_body=made.response_body,
            error=made.error,
            duration_ms=round(made.duration_ms, 1),
            at=made.at,
        )


@strawberry.type(description="One event for one endpoint.")
class WebhookDelivery:
    record: strawberry.Private[webhook_records.Delivery]
    id: strawberry.ID = strawberry.field(
        description="The id of the message: `webhook-id` and `svix-id` of every attempt."
    )
    event_type: str = strawberry.field(
        description="As the endpoint reads it, such as `row.created`; `webhook.ping` for a test, "
        "`VERIFICATION` for a challenge."
    )
    table_id: strawberry.ID | None = strawberry.field(description="The table that it is about.")
    row_id: strawberry.ID | None = strawberry.field(description="The row that it is about.")
    revision: int = strawberry.field(
        description="The revision that it tells of: the table's, or the organisation's when it is "
        "about no row; 0 for a test."
    )
    body: str = strawberry.field(description="What is sent, byte by byte: JSON.")
    status: WebhookDeliveryStatus = strawberry.field(description="Where it stands.")
    attempt: int = strawberry.field(description="How often it was tried.")
    next_at: datetime | None = strawberry.field(
        description="Not tried before then; null when it ended."
    )
    merged: int = strawberry.field(
        description="How many later changes of the row became part of it while it waited."
    )
    replay_id: strawberry.ID | None = strawberry.field(
        description="The replay that made it; null for the first telling."
    )
    error: str | None = strawberry.field(description="Why the last attempt failed.")
    created_at: datetime = strawberry.field(description="When it was made.")
    finished_at: datetime | None = strawberry.field(description="When it ended.")

    @strawberry.field(description="The attempts, the first one first.")
    async def attempts(self, info: Info) -> list[WebhookAttempt]:
        found = await info.context.loaders.attempts_of_delivery.load(self.record.id)
        return [WebhookAttempt.of(made) for made in found]

    @classmethod
    def of(cls, delivery: webhook_records.Delivery) -> "WebhookDelivery":
        subject = delivery.subject_id
        row_id = subject if delivery.table_id and subject != delivery.table_id else None
        return cls(
            record=delivery,
            id=strawberry.ID(str(delivery.id)),
            event_type=delivery.event_type,
            table_id=strawberry.ID(str(delivery.table_id)) if delivery.table_id else None,
            row_id=strawberry.ID(str(row_id)) if row_id else None,
            revision=delivery.revision,
            body=delivery.body,
            status=WebhookDeliveryStatus(delivery.status.value),
            attempt=delivery.attempt,
            next_at=delivery.next_at,
            merged=delivery.merged,
            replay_id=strawberry.ID(str(delivery.replay_id)) if delivery.replay_id else None,
            error=delivery.error,
            created_at=delivery.created_at,
            finished_at=delivery.finished_at,
        )


@strawberry.type(description="A delivery and its cursor.")
class WebhookDeliveryEdge:
    cursor: str = strawberry.field(description="For `after`. Opaque.")
    node: WebhookDelivery = strawberry.field(description="The delivery.")


@strawberry.type(description="Some deliveries of an endpoint, the newest first.")
class WebhookDeliveryConnection:
    webhook_id: strawberry.Private[Any]
    wanted: strawberry.Private[webhook_records.DeliveryStatus | None]
    nodes: list[WebhookDelivery] = strawberry.field(description="The deliveries of the page.")
    page_info: PageInfo = strawberry.field(description="Where the page lies.")

    @strawberry.field(description="The deliveries with their cursors.")
    def edges(self) -> list[WebhookDeliveryEdge]:
        return [WebhookDeliveryEdge(cursor=each.id, node=each) for each in self.nodes]

    @strawberry.field(description="How many there are in all; counted when asked for.")
    async def total_count(self, info: Info) -> int | None:
        context = info.context
        return await webhook_deliveries.count_deliveries(
            context.viewer, context.storage, self.webhook_id, self.wanted
        )


@strawberry.type(description="Events of a range of revisions that are told once more.")
class WebhookReplay:
    id: strawberry.ID = strawberry.field(description="The id of the replay.")
    table_id: strawberry.ID = strawberry.field(description="The table.")
    from_revision: int = strawberry.field(description="The first revision that is told.")
    to_revision: int = strawberry.field(description="The last one.")
    revision: int = strawberry.field(description="The last one that was looked at so far.")
    deliveries: int = strawberry.field(description="Deliveries that were made so far.")
    status: WebhookReplayStatus = strawberry.field(description="Where it stands.")
    error: str | None = strawberry.field(description="Why it failed.")
    created_at: datetime = strawberry.field(description="When it was asked for.")

    @classmethod
    def of(cls, replay: webhook_records.Replay) -> "WebhookReplay":
        return cls(
            id=strawberry.ID(str(replay.id)),
            table_id=strawberry.ID(str(replay.table_id)),
            from_revision=replay.from_revision,
            to_revision=replay.to_revision,
            revision=replay.revision,
            deliveries=replay.deliveries,
            status=WebhookReplayStatus(replay.status.value),
            error=replay.error,
            created_at=replay.created_at,
        )


@strawberry.type(description="An endpoint of yours that is told what happens in tables.")
class Webhook:
    record: strawberry.Private[webhook_records.Webhook]
    id: strawberry.ID = strawberry.field(description="The id of the webhook.")
    url: str = strawberry.field(description="Where events are sent to.")
    description: str | None = strawberry.field(description="For people.")
    dialect: WebhookDialect = strawberry.field(description="In which words it is told.")
    event_types: list[WebhookEvent] = strawberry.field(description="What it is told of.")
    table_ids: list[strawberry.ID] | None = strawberry.field(
        description="The tables that it follows; null: all, also later ones. LIMAI: none."
    )
    extraction_schema_id: strawberry.ID | None = strawberry.field(
        description="LIMAI: the schema whose documents it is told of; null: all schemas."
    )
    verified_at: datetime | None = strawberry.field(
        description="LIMAI: when it answered with the challenge; before it is told nothing."
    )
    filter: JSON | None = strawberry.field(
        description="Which rows it is told of, in the form of `RowFilter`; null: all. Decided on "
        "the row after the change, of a deletion before it."
    )
    columns: list[str] | None = strawberry.field(
        description="It is told of changes of these columns only, and of their values only."
    )
    status: WebhookStatus = strawberry.field(description="Whether it is told anything.")
    disabled_reason: str | None = strawberry.field(description="Why it is disabled.")
    disabled_at: datetime | None = strawberry.field(description="Since when.")
    failing_since: datetime | None = strawberry.field(
        description="When attempts began to fail with no success since. After 5 days it is "
        "disabled."
    )
    error: str | None = strawberry.field(
        description="Why its filter cannot be decided any more, such as a deleted column. It is "
        "told nothing until that is mended."
    )
    previous_secret_until: datetime | None = strawberry.field(
        description="Until then the secret before the present one signs too."
    )
    created_by: str = strawberry.field(description="Who made it: the id of an API key.")
    created_at: datetime = strawberry.field(description="When it was made.")
    updated_at: datetime = strawberry.field(description="When it was last changed.")

    @strawberry.field(description="Its deliveries, the newest first.")
    async def deliveries(
        self,
        info: Info,
        first: Annotated[int, strawberry.argument(description="How many, 0 to 100.")] = 50,
        after: Annotated[
            str | None, strawberry.argument(description="Only deliveries behind this cursor.")
        ] = None,
        status: Annotated[
            WebhookDeliveryStatus | None,
            strawberry.argument(description="Only those that stand here."),
        ] = None,
    ) -> WebhookDeliveryConnection:
        place = ids.parse(after) if after is not None else None
        if after is not None and place is None:
            raise invalid(ErrorCode.INVALID, "The cursor is none of this list", "after")
        wanted = webhook_records.DeliveryStatus(status.value) if status else None
        context = info.context
        page = await webhook_deliveries.list_deliveries(
            context.viewer, context.storage, self.record.id, wanted, place, first
        )
        nodes = [WebhookDelivery.of(each) for each in page.deliveries]
        return WebhookDeliveryConnection(
            webhook_id=self.record.id,
            wanted=wanted,
            nodes=nodes,
            page_info=PageInfo(
                has_next_page=page.has_more,
                has_previous_page=after is not None,
                start_cursor=nodes[0].id if nodes else None,
                end_cursor=nodes[-1].id if nodes else None,
            ),
        )

    @classmethod
    def of(cls, webhook: webhook_records.Webhook) -> "Webhook":
        tables, schema_id = webhook.table_ids, webhook.schema_id
        known = {event.value for event in webhook_events.WebhookEvent}
        return cls(
            record=webhook,
            id=strawberry.ID(str(webhook.id)),
            url=webhook.url,
            description=webhook.description,
            dialect=WebhookDialect(webhook.dialect.value),
            event_types=[WebhookEvent(each) for each in webhook.event_types if each in known],
            table_ids=[strawberry.ID(str(each)) for each in tables] if tables is not None else None,
            extraction_schema_id=strawberry.ID(str(schema_id)) if schema_id else None,
            verified_at=webhook.verified_at,
            filter=JSON(row_filter(webhook.filter)) if webhook.filter is not None else None,
            columns=list(webhook.columns) if webhook.columns is not None else None,
            status=WebhookStatus(webhook.status.value),
            disabled_reason=webhook.disabled_reason,
            disabled_at=webhook.disabled_at,
            failing_since=webhook.failing_since,
            error=webhook.error,
            previous_secret_until=webhook.previous_until,
            created_by=webhook.created_by,
            created_at=webhook.created_at,
            updated_at=webhook.updated_at,
        )
