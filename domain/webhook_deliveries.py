"""Deliveries of webhooks: looking at them, trying them again, replaying a range of revisions."""

from uuid import UUID

from domain import access
from domain.access import Viewer
from domain.errors import Conflict, ErrorCode, NotFound, invalid
from domain.ports import Storage
from domain.tables import shape_of
from domain.webhook_records import (
    Delivery,
    DeliveryPage,
    DeliveryStatus,
    Replay,
    ReplayCreate,
    WebhookStatus,
)
from domain.webhooks import reached_webhook

MAX_PAGE = 100
#: A test call is waited for as long as an attempt may take, and a little.
PING_SECONDS = 18.0


async def list_deliveries(
    viewer: Viewer,
    storage: Storage,
    webhook_id: UUID,
    status: DeliveryStatus | None,
    after: UUID | None,
    limit: int,
) -> DeliveryPage:
    """Deliveries of an endpoint, the newest first, behind `after`; 0 to 100.

    Raises `NotFound` and `Invalid`."""
    access.require(viewer, "webhookDeliveries")
    await reached_webhook(viewer, storage, webhook_id)
    if not 0 <= limit <= MAX_PAGE:
        raise invalid(ErrorCode.OUT_OF_RANGE, f"first must be 0 to {MAX_PAGE}", "first")
    return await storage.webhook_deliveries.page(
        viewer.organization_id, webhook_id, status, after, limit
    )


async def count_deliveries(
    viewer: Viewer, storage: Storage, webhook_id: UUID, status: DeliveryStatus | None
) -> int:
    """How many deliveries an endpoint has. Raises `NotFound`."""
    access.require(viewer, "webhookDeliveries")
    await reached_webhook(viewer, storage, webhook_id)
    return await storage.webhook_deliveries.count(viewer.organization_id, webhook_id, status)


async def get_delivery(viewer: Viewer, storage: Storage, delivery_id: UUID) -> Delivery:
    """One delivery. Raises `NotFound`."""
    access.require(viewer, "webhookDelivery")
    return await _existing_delivery(viewer, storage, delivery_id)


async def retry_delivery(viewer: Viewer, storage: Storage, delivery_id: UUID) -> Delivery:
    """Have a dead delivery tried again, by the whole schedule and with the same id.

    Raises `NotFound`, and `Conflict` for one that is not dead."""
    access.require(viewer, "webhookDeliveryRetry")
    await _existing_delivery(viewer, storage, delivery_id)
    again = await storage.webhook_deliveries.retry(viewer.organization_id, delivery_id)
    if again is None:
        raise Conflict("Only a dead delivery can be tried again")
    return again


async def ping_webhook(viewer: Viewer, storage: Storage, webhook_id: UUID) -> Delivery:
    """Send a test event and wait for the answer. It is tried once. Without a worker it is still
    pending when this comes back.

    Raises `NotFound`, and `Conflict` for an endpoint that is disabled or not verified."""
    access.require(viewer, "webhookPing")
    webhook = await reached_webhook(viewer, storage, webhook_id)
    if webhook.status is WebhookStatus.DISABLED:
        raise Conflict("The webhook is disabled")
    if webhook.dialect.follows_schemas and webhook.verified_at is None:
        raise Conflict("The webhook is not verified")
    ping = await storage.webhook_deliveries.ping(viewer.organization_id, webhook_id)
    return await storage.webhook_deliveries.when_answered(ping.id, PING_SECONDS) or ping


async def replay_webhook(
    viewer: Viewer, storage: Storage, webhook_id: UUID, command: ReplayCreate
) -> Replay:
    """Tell an endpoint once more what a range of a table's revisions did, by its settings of now.
    The deliveries are new ones, marked as a replay. A worker makes them.

    Raises `NotFound`, `Invalid` for a range that the log does not hold, and `Conflict` for a
    disabled endpoint."""
    access.require(viewer, "webhookReplay")
    webhook = await reached_webhook(viewer, storage, webhook_id)
    if webhook.status is WebhookStatus.DISABLED:
        raise Conflict("The webhook is disabled")
    await shape_of(viewer, storage, command.table_id)
    if webhook.table_ids is not None and command.table_id not in webhook.table_ids:
        raise invalid(ErrorCode.INVALID, "The webhook does not follow this table", "tableId")
    if not 1 <= command.from_revision <= command.to_revision:
        message = "fromRevision must be 1 or more, and not above toRevision"
        raise invalid(ErrorCode.OUT_OF_RANGE, message, "fromRevision")
    return await storage.webhooks.replay(viewer.organization_id, webhook_id, command)


async def get_replay(viewer: Viewer, storage: Storage, replay_id: UUID) -> Replay:
    """How far a replay has come. Raises `NotFound`."""
    access.require(viewer, "webhook")
    replay = await storage.webhooks.get_replay(viewer.organization_id, replay_id)
    if replay is None:
        raise NotFound("Replay")
    try:
        await reached_webhook(viewer, storage, replay.webhook_id)
    except NotFound:
        raise NotFound("Replay") from None
    return replay


async def _existing_delivery(viewer: Viewer, storage: Storage, delivery_id: UUID) -> Delivery:
    delivery = await storage.webhook_deliveries.get(viewer.organization_id, delivery_id)
    if delivery is None:
        raise NotFound("Delivery")
    try:
        await reached_webhook(viewer, storage, delivery.webhook_id)
    except NotFound:
        raise NotFound("Delivery") from None
    return delivery
