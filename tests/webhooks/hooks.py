"""Short ways to make webhooks, relay, send, and look at what arrived."""

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from domain import webhook_deliveries, webhooks
from domain.rows import RowChange, RowsUpdate, delete_rows, update_rows
from domain.webhook_events import WebhookDialect
from domain.webhook_records import (
    Attempt,
    Delivery,
    DeliveryStatus,
    Webhook,
    WebhookCreate,
    WebhookUpdate,
)
from processing.deliveries import AT_ONCE, Deliverer
from processing.guard import OutboundFailed
from processing.webhook_requests import Answer
from tests.worlds import World

NATIVE, PHACET, LIMAI = WebhookDialect
URL = "https://hooks.example/in"
ROW_EVENTS = ("row.created", "row.updated", "row.deleted")


class FakeClock:
    """The time, which goes forward when the test says so besides."""

    def __init__(self) -> None:
        self._ahead = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self._ahead

    def forward(self, **span: float) -> None:
        """Let time pass."""
        self._ahead += timedelta(**span)


@dataclass(frozen=True, slots=True)
class Message:
    """What an endpoint was sent."""

    url: str
    headers: Mapping[str, str]
    body: bytes
    at: datetime

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def told(self) -> dict[str, Any]:
        """The body as an object."""
        found: dict[str, Any] = json.loads(self.body)
        return found

    @property
    def data(self) -> dict[str, Any]:
        """The `data` of the body."""
        found: dict[str, Any] = self.told["data"]
        return found


@dataclass
class Inbox:
    """A receiver in memory: keeps what it accepts, and answers as `answer` says: with a status, or
    None for no connection; and with what `says` gives."""

    clock: FakeClock
    answer: Callable[[Message], int | None] = lambda _: 200
    accepted: list[Message] = field(default_factory=list)
    tried: list[Message] = field(default_factory=list)
    says: Callable[[Message], bytes] = lambda _: b"thanks"
    at_work: int = 0
    most_at_work: int = 0

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """The answer of the endpoint."""
        message = Message(url, headers, body, self.clock())
        self.tried.append(message)
        self.at_work += 1
        self.most_at_work = max(self.most_at_work, self.at_work)
        await asyncio.sleep(0)
        self.at_work -= 1
        status = self.answer(message)
        if status is None:
            raise OutboundFailed("No connection could be made to the server")
        if 200 <= status < 300:
            self.accepted.append(message)
        return Answer(status, {"content-type": "text/plain"}, self.says(message))


@dataclass
class Hooks:
    """One organisation, its worker, and everybody who is told."""

    world: World
    url: str
    clock: FakeClock
    inbox: Inbox

    @property
    def deliverer(self) -> Deliverer:
        return Deliverer(self.world.storage, self.inbox, clock=self.clock)

    async def create(self, *events: str, dialect: WebhookDialect = NATIVE, **more: Any) -> Webhook:
        """An endpoint for these events, else for those of rows."""
        return (await self.create_secret(*events, dialect=dialect, **more))[0]

    async def create_secret(
        self, *events: str, dialect: WebhookDialect = NATIVE, **more: Any
    ) -> tuple[Webhook, str]:
        """An endpoint and its secret."""
        command = WebhookCreate(more.pop("url", URL), events or ROW_EVENTS, dialect=dialect, **more)
        made = await webhooks.create_webhook(self.world.viewer, self.world.storage, command)
        return made.webhook, made.secret

    async def update(self, webhook: Webhook, **changes: Any) -> Webhook:
        """The endpoint after a change."""
        return await webhooks.update_webhook(
            self.world.viewer, self.world.storage, webhook.id, WebhookUpdate(**changes)
        )

    async def get(self, webhook: Webhook) -> Webhook:
        """The endpoint as it stands."""
        return await webhooks.get_webhook(self.world.viewer, self.world.storage, webhook.id)

    async def merge(self, table_id: UUID, row_id: UUID, **data: Any) -> None:
        """Change cells of a row."""
        command = RowsUpdate(table_id, [RowChange(row_id, data)], "merge")
        await update_rows(self.world.viewer, self.world.storage, command)

    async def remove(self, table_id: UUID, *row_ids: UUID) -> None:
        """Delete rows."""
        await delete_rows(self.world.viewer, self.world.storage, table_id, row_ids)

    async def relayed(self) -> None:
        """Take steps of the relay until nothing is left."""
        while (await self.world.storage.relay.step()).more:
            pass

    async def sent(self) -> list[Message]:
        """Relay, send all that is due now, and give what was accepted so far."""
        await self.relayed()
        await self.deliverer.settle()
        return self.inbox.accepted

    async def events(self) -> list[tuple[str, Any]]:
        """Type and data of what was accepted, after relaying and sending."""
        return [
            (m.told.get("type") or m.told["eventType"], m.told["data"]) for m in await self.sent()
        ]

    async def deliveries(
        self, webhook: Webhook, status: DeliveryStatus | None = None
    ) -> list[Delivery]:
        """All deliveries of an endpoint, the oldest first."""
        found: list[Delivery] = []
        more = True
        while more:
            page = await webhook_deliveries.list_deliveries(
                self.world.viewer,
                self.world.storage,
                webhook.id,
                status,
                found[-1].id if found else None,
                100,
            )
            found += page.deliveries
            more = page.has_more
        return found[::-1]

    async def attempts(self, delivery: Delivery) -> Sequence[Attempt]:
        """The attempts of a delivery."""
        found = await self.world.storage.webhook_deliveries.attempts(
            self.world.viewer.organization_id, [delivery.id]
        )
        return found.get(delivery.id, ())

    async def count(self, sql: str, *values: Any) -> int:
        """A number from a statement."""
        return int(await self.world.database.pool.fetchval(sql, *values))


__all__ = ["AT_ONCE", "LIMAI", "NATIVE", "PHACET", "URL", "FakeClock", "Hooks", "Inbox", "Message"]
