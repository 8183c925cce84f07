"""Mutations on webhooks."""

from collections.abc import Sequence
from typing import Annotated, Any
from uuid import UUID

import strawberry

from domain import trigger_conditions, webhook_events, webhook_records, webhooks
from domain.entities import UNSET
from domain.webhook_records import WebhookCreate, WebhookUpdate
from gql.context import Info, given_id
from gql.types.errors import EXPECTED, UserError, user_errors
from gql.types.filters import RowFilter, raw_filter
from gql.types.webhooks import Webhook, WebhookDialect, WebhookEvent


@strawberry.input(description="A webhook to be made.")
class WebhookCreateInput:
    url: str = strawberry.field(
        description="Where to: https and a public address, or what the operator allows besides."
    )
    event_types: list[WebhookEvent] = strawberry.field(
        description="What to tell; at least one that the dialect has."
    )
    dialect: WebhookDialect = strawberry.field(
        default=WebhookDialect.NATIVE, description="In which words."
    )
    table_ids: list[strawberry.ID] | None = strawberry.field(
        default=None, description="1 to 1,000 tables to follow; without it all, also later ones."
    )
    filter: RowFilter | None = strawberry.field(
        default=None, description="Which rows to tell of; needs exactly one table."
    )
    columns: list[str] | None = strawberry.field(
        default=None,
        description="Keys of columns: tell of their changes only; needs exactly one table.",
    )
    description: str | None = strawberry.field(
        default=None, description="For people, at most 2,000 characters."
    )
    extraction_schema_id: strawberry.ID | None = strawberry.field(
        default=None,
        description="LIMAI only: the schema whose documents to tell of; without it all schemas.",
    )


@strawberry.input(description="What to change of a webhook. What is absent stays, null clears.")
class WebhookUpdateInput:
    webhook_id: strawberry.ID = strawberry.field(description="The webhook.")
    url: strawberry.Maybe[str] = strawberry.field(description="Where to.")
    event_types: strawberry.Maybe[list[WebhookEvent]] = strawberry.field(
        description="What to tell."
    )
    table_ids: strawberry.Maybe[list[strawberry.ID] | None] = strawberry.field(
        description="The tables to follow; null: all."
    )
    filter: strawberry.Maybe[RowFilter | None] = strawberry.field(
        description="Which rows to tell of; null: all."
    )
    columns: strawberry.Maybe[list[str] | None] = strawberry.field(
        description="Whose changes to tell of; null: those of all columns."
    )
    description: strawberry.Maybe[str | None] = strawberry.field(description="For people.")


@strawberry.input(description="A webhook.")
class WebhookInput:
    webhook_id: strawberry.ID = strawberry.field(description="The webhook.")


@strawberry.input(description="A webhook that shall sign with a new secret.")
class WebhookRotateSecretInput:
    webhook_id: strawberry.ID = strawberry.field(description="The webhook.")
    overlap_hours: float = strawberry.field(
        default=float(webhooks.DEFAULT_OVERLAP_HOURS),
        description="How long the present secret signs too, 0 to 168 hours. LIMAI: a message has "
        "one signature, the new secret's.",
    )


@strawberry.type(description="The answer of mutations on a webhook.")
class WebhookPayload:
    webhook: Webhook | None = strawberry.field(description="The webhook as it stands.")
    errors: list[UserError] = strawberry.field(description="Why nothing was done.")


@strawberry.type(description="The answer of `webhookCreate` and `webhookRotateSecret`.")
class WebhookSecretPayload:
    webhook: Webhook | None = strawberry.field(description="The webhook as it stands.")
    secret: str | None = strawberry.field(
        description="What signs its messages: `whsec_` and base64. It is shown this once."
    )
    errors: list[UserError] = strawberry.field(description="Why nothing was done.")


@strawberry.type(description="The answer of `webhookDelete`.")
class WebhookDeletePayload:
    deleted_id: strawberry.ID | None = strawberry.field(description="The id of the webhook.")
    errors: list[UserError] = strawberry.field(description="Why it is still there.")


@strawberry.type
class WebhookMutations:
    @strawberry.mutation(
        description="Make a webhook. It is told of what happens from then on; one of dialect LIMAI "
        "from `webhookVerify` on."
    )
    async def webhook_create(
        self,
        info: Info,
        input: Annotated[WebhookCreateInput, strawberry.argument(description="What to make.")],
    ) -> WebhookSecretPayload | None:
        command = WebhookCreate(
            input.url,
            [each.value for each in input.event_types],
            _table_ids(input.table_ids),
            _filter(input.filter),
            input.columns,
            webhook_events.WebhookDialect(input.dialect.value),
            input.description,
            given_id(input.extraction_schema_id) if input.extraction_schema_id else None,
        )
        context = info.context
        try:
            made = await webhooks.create_webhook(context.viewer, context.storage, command)
        except EXPECTED as error:
            return WebhookSecretPayload(webhook=None, secret=None, errors=user_errors(error))
        return _with_secret(made)

    @strawberry.mutation(
        description="Change a webhook. What waits already goes out as it is, to the new URL. One "
        "of dialect LIMAI with a new URL has to be verified again."
    )
    async def webhook_update(
        self,
        info: Info,
        input: Annotated[WebhookUpdateInput, strawberry.argument(description="What to change.")],
    ) -> WebhookPayload | None:
        context = info.context
        try:
            changed = await webhooks.update_webhook(
                context.viewer, context.storage, given_id(input.webhook_id), _changes(input)
            )
        except EXPECTED as error:
            return WebhookPayload(webhook=None, errors=user_errors(error))
        return WebhookPayload(webhook=Webhook.of(changed), errors=[])

    @strawberry.mutation(description="Delete a webhook. What waits is not sent any more.")
    async def webhook_delete(
        self,
        info: Info,
        input: Annotated[WebhookInput, strawberry.argument(description="Which one.")],
    ) -> WebhookDeletePayload | None:
        context = info.context
        try:
            await webhooks.delete_webhook(
                context.viewer, context.storage, given_id(input.webhook_id)
            )
        except EXPECTED as error:
            return WebhookDeletePayload(deleted_id=None, errors=user_errors(error))
        return WebhookDeletePayload(deleted_id=input.webhook_id, errors=[])

    @strawberry.mutation(
        description="Give a webhook a new secret. Both sign until the one before ends."
    )
    async def webhook_rotate_secret(
        self,
        info: Info,
        input: Annotated[WebhookRotateSecretInput, strawberry.argument(description="Which one.")],
    ) -> WebhookSecretPayload | None:
        context = info.context
        try:
            made = await webhooks.rotate_webhook_secret(
                context.viewer, context.storage, given_id(input.webhook_id), input.overlap_hours
            )
        except EXPECTED as error:
            return WebhookSecretPayload(webhook=None, secret=None, errors=user_errors(error))
        return _with_secret(made)

    @strawberry.mutation(
        description="Let a webhook go on: with what still waits, and what happens from now on."
    )
    async def webhook_enable(
        self,
        info: Info,
        input: Annotated[WebhookInput, strawberry.argument(description="Which one.")],
    ) -> WebhookPayload | None:
        context = info.context
        try:
            changed = await webhooks.enable_webhook(
                context.viewer, context.storage, given_id(input.webhook_id)
            )
        except EXPECTED as error:
            return WebhookPayload(webhook=None, errors=user_errors(error))
        return WebhookPayload(webhook=Webhook.of(changed), errors=[])

    @strawberry.mutation(description="Tell a webhook nothing any more. What waits is kept.")
    async def webhook_disable(
        self,
        info: Info,
        input: Annotated[WebhookInput, strawberry.argument(description="Which one.")],
    ) -> WebhookPayload | None:
        context = info.context
        try:
            changed = await webhooks.disable_webhook(
                context.viewer, context.storage, given_id(input.webhook_id)
            )
        except EXPECTED as error:
            return WebhookPayload(webhook=None, errors=user_errors(error))
        return WebhookPayload(webhook=Webhook.of(changed), errors=[])


def _with_secret(made: webhook_records.WebhookSecret) -> WebhookSecretPayload:
    return WebhookSecretPayload(webhook=Webhook.of(made.webhook), secret=made.secret, errors=[])


def _table_ids(given: Sequence[strawberry.ID] | None) -> list[UUID] | None:
    return [given_id(each) for each in given] if given is not None else None


def _filter(given: RowFilter | None) -> Any:
    return None if given is None else trigger_conditions.written(raw_filter(given))


def _changes(input: WebhookUpdateInput) -> WebhookUpdate:
    types = input.event_types
    return WebhookUpdate(
        url=input.url.value if input.url is not None else UNSET,
        event_types=[each.value for each in types.value] if types is not None else UNSET,
        table_ids=_table_ids(input.table_ids.value) if input.table_ids is not None else UNSET,
        filter=_filter(input.filter.value) if input.filter is not None else UNSET,
        columns=input.columns.value if input.columns is not None else UNSET,
        description=input.description.value if input.description is not None else UNSET,
    )
