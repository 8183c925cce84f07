"""Queries of webhooks, deliveries and replays."""

from typing import Annotated

import strawberry

from domain import webhook_deliveries, webhooks
from domain.errors import NotFound
from gql.context import Info, given_id
from gql.types.webhooks import Webhook, WebhookDelivery, WebhookReplay

_Id = Annotated[strawberry.ID, strawberry.argument(description="The id; null for one unknown.")]


@strawberry.type
class WebhookQueries:
    @strawberry.field(description="The webhooks of the organisation, oldest first.")
    async def webhooks(self, info: Info) -> list[Webhook]:
        found = await webhooks.list_webhooks(info.context.viewer, info.context.storage)
        return [Webhook.of(each) for each in found]

    @strawberry.field(description="A webhook by its id.")
    async def webhook(self, info: Info, id: _Id) -> Webhook | None:
        context = info.context
        try:
            found = await webhooks.get_webhook(context.viewer, context.storage, given_id(id))
        except NotFound:
            return None
        return Webhook.of(found)

    @strawberry.field(description="A delivery of a webhook by its id.")
    async def webhook_delivery(self, info: Info, id: _Id) -> WebhookDelivery | None:
        context = info.context
        try:
            found = await webhook_deliveries.get_delivery(
                context.viewer, context.storage, given_id(id)
            )
        except NotFound:
            return None
        return WebhookDelivery.of(found)

    @strawberry.field(description="A replay of a webhook by its id.")
    async def webhook_replay(self, info: Info, id: _Id) -> WebhookReplay | None:
        context = info.context
        try:
            found = await webhook_deliveries.get_replay(
                context.viewer, context.storage, given_id(id)
            )
        except NotFound:
            return None
        return WebhookReplay.of(found)
