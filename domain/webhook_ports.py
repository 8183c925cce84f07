"""What use cases of webhooks need of storage."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from domain.webhook_records import (
    Delivery,
    DeliveryPage,
    DeliveryStatus,
    Replay,
    ReplayCreate,
    Webhook,
    WebhookCreate,
)


class WebhookStore(Protocol):
    """Secrets go in as texts, are sealed, and never come out here."""

    async def list_all(self, organization_id: UUID) -> list[Webhook]: ...

    async def get(self, organization_id: UUID, webhook_id: UUID) -> Webhook | None: ...

    async def create(
        self, organization_id: UUID, actor: str, command: WebhookCreate, secret: str, most: int
    ) -> Webhook | None:
        """The endpoint, which is told of what happens from now on; None when there are `most`."""

    async def update(
        self, organization_id: UUID, actor: str, webhook_id: UUID, changes: Mapping[str, Any]
    ) -> Webhook | None:
        """Of tables that it did not follow before it is told from now on."""

    async def rotate(
        self, organization_id: UUID, actor: str, webhook_id: UUID, secret: str, until: datetime
    ) -> Webhook | None:
        """Sign with a new secret, and with the one before until then."""

    async def enable(self, organization_id: UUID, actor: str, webhook_id: UUID) -> Webhook | None:
        """Tell it of what happens from now on, and of what still waited. An active one stays as it
        is."""

    async def verify(
        self, organization_id: UUID, actor: str, webhook_id: UUID, url: str
    ) -> Webhook | None:
        """Tell it of what happens from now on, as far as it still has this URL."""

    async def disable(
        self, organization_id: UUID, actor: str, webhook_id: UUID, reason: str
    ) -> Webhook | None: ...

    async def delete(self, organization_id: UUID, actor: str, webhook_id: UUID) -> bool: ...

    async def replay(
        self, organization_id: UUID, webhook_id: UUID, command: ReplayCreate
    ) -> Replay:
        """Store a replay with the job that runs it."""

    async def get_replay(self, organization_id: UUID, replay_id: UUID) -> Replay | None: ...


class WebhookDeliveryStore(Protocol):
    async def page(
        self,
        organization_id: UUID,
        webhook_id: UUID,
        status: DeliveryStatus | None,
        after: UUID | None,
        limit: int,
    ) -> DeliveryPage: ...

    async def count(
        self, organization_id: UUID, webhook_id: UUID, status: DeliveryStatus | None
    ) -> int: ...

    async def get(self, organization_id: UUID, delivery_id: UUID) -> Delivery | None: ...

    async def retry(self, organization_id: UUID, delivery_id: UUID) -> Delivery | None:
        """Have a dead one tried again by the whole schedule; None when it is not dead."""

    async def ping(self, organization_id: UUID, webhook_id: UUID) -> Delivery:
        """Queue a test call."""

    async def challenge(self, organization_id: UUID, webhook_id: UUID, challenge: str) -> Delivery:
        """Queue a verification."""

    async def when_answered(self, delivery_id: UUID, seconds: float) -> Delivery | None:
        """The delivery after its first attempt, or as it stands after this time."""
