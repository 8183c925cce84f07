"""Mutations on deliveries of webhooks: test calls, replays, and trying again."""

from typing import Annotated

import strawberry

from domain import webhook_deliveries
from domain.webhook_records import ReplayCreate
from domain.webhook_verification import verify_webhook
from gql.context import Info, given_id
from gql.mutations.webhooks import WebhookInput
from gql.types.errors import EXPECTED, UserError, user_errors
from gql.types.webhooks import Webhook, WebhookDelivery, WebhookReplay


@strawberry.input(description="What a webhook shall be told once more.")
class WebhookReplayInput:
    webhook_id: strawberry.ID = strawberry.field(description="The webhook.")
    table_id: strawberry.ID = strawberry.field(description="A table that it follows.")
    from_revision: int = strawberry.field(description="The first revision, from 1 on.")
    to_revision: int = strawberry.field(description="The last one, which is told too.")


@strawberry.input(description="A delivery to be tried again.")
class WebhookDeliveryRetryInput:
    delivery_id: strawberry.ID = strawberry.field(description="The delivery; it must be dead.")


@strawberry.type(description="The answer of `webhookPing` and `webhookDeliveryRetry`.")
class WebhookDeliveryPayload:
    delivery: WebhookDelivery | None = strawberry.field(description="The delivery as it stands.")
    errors: list[UserError] = strawberry.field(description="Why nothing was done.")


@strawberry.type(description="The answer of `webhookReplay`.")
class WebhookReplayPayload:
    replay: WebhookReplay | None = strawberry.field(
        description="The replay, for `webhookReplay(id)`."
    )
    errors: list[UserError] = strawberry.field(description="Why there is none.")


@strawberry.type(description="The answer of `webhookVerify`.")
class WebhookVerifyPayload:
    webhook: Webhook | None = strawberry.field(
        description="The webhook as it stands; `verifiedAt` tells whether it is verified."
    )
    delivery: WebhookDelivery | None = strawberry.field(
        description="What was sent; its `error` says why the webhook is not verified."
    )
    errors: list[UserError] = strawberry.field(description="Why nothing was done.")


@strawberry.type
class WebhookDeliveryMutations:
    @strawberry.mutation(
        description="Send a test event and wait for the answer, which stands in the delivery's "
        "attempt; 18 seconds at most. It is tried once."
    )
    async def webhook_ping(
        self,
        info: Info,
        input: Annotated[WebhookInput, strawberry.argument(description="Which one.")],
    ) -> WebhookDeliveryPayload | None:
        context = info.context
        try:
            ping = await webhook_deliveries.ping_webhook(
                context.viewer, context.storage, given_id(input.webhook_id)
            )
        except EXPECTED as error:
            return WebhookDeliveryPayload(delivery=None, errors=user_errors(error))
        return WebhookDeliveryPayload(delivery=WebhookDelivery.of(ping), errors=[])

    @strawberry.mutation(
        description="Send a challenge to a webhook of dialect LIMAI and wait for the answer, 18 "
        "seconds at most. It is verified when the answer holds the challenge, as a text or "
        "somewhere in JSON, and is told of what happens from then on."
    )
    async def webhook_verify(
        self,
        info: Info,
        input: Annotated[WebhookInput, strawberry.argument(description="Which one.")],
    ) -> WebhookVerifyPayload | None:
        context = info.context
        try:
            made = await verify_webhook(context.viewer, context.storage, given_id(input.webhook_id))
        except EXPECTED as error:
            return WebhookVerifyPayload(webhook=None, delivery=None, errors=user_errors(error))
        return WebhookVerifyPayload(
            webhook=Webhook.of(made.webhook), delivery=WebhookDelivery.of(made.delivery), errors=[]
        )

    @strawberry.mutation(
        description="Tell a webhook once more what a range of revisions did, by its settings of "
        "now. A worker makes the deliveries, with new ids and `replayId`."
    )
    async def webhook_replay(
        self,
        info: Info,
        input: Annotated[WebhookReplayInput, strawberry.argument(description="What to tell.")],
    ) -> WebhookReplayPayload | None:
        context = info.context
        command = ReplayCreate(given_id(input.table_id), input.from_revision, input.to_revision)
        try:
            replay = await webhook_deliveries.replay_webhook(
                context.viewer, context.storage, given_id(input.webhook_id), command
            )
        except EXPECTED as error:
            return WebhookReplayPayload(replay=None, errors=user_errors(error))
        return WebhookReplayPayload(replay=WebhookReplay.of(replay), errors=[])

    @strawberry.mutation(
        description="Have a dead delivery tried again, by the whole schedule and with its id."
    )
    async def webhook_delivery_retry(
        self,
        info: Info,
        input: Annotated[WebhookDeliveryRetryInput, strawberry.argument(description="Which one.")],
    ) -> WebhookDeliveryPayload | None:
        context = info.context
        try:
            again = await webhook_deliveries.retry_delivery(
                context.viewer, context.storage, given_id(input.delivery_id)
            )
        except EXPECTED as error:
            return WebhookDeliveryPayload(delivery=None, errors=user_errors(error))
        return WebhookDeliveryPayload(delivery=WebhookDelivery.of(again), errors=[])
