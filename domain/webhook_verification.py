"""Verification: an endpoint shows that it wants to be told, by answering with a challenge."""

import json
import secrets
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from domain import access
from domain.access import Viewer
from domain.errors import Conflict, NotFound
from domain.ports import Storage
from domain.webhook_deliveries import PING_SECONDS
from domain.webhook_records import Delivery, DeliveryStatus, Webhook, WebhookStatus
from domain.webhooks import reached_webhook

_CHALLENGE_BYTES = 24


@dataclass(frozen=True, slots=True)
class Verification:
    """The endpoint as it stands, and what was sent to it."""

    webhook: Webhook
    delivery: Delivery


async def verify_webhook(viewer: Viewer, storage: Storage, webhook_id: UUID) -> Verification:
    """Send a challenge and wait for the answer. When it comes back, the endpoint is verified, and
    is told of what happens from then on. Without a worker the delivery is still pending when this
    comes back, and the endpoint as it was.

    Raises `NotFound`, and `Conflict` for a disabled endpoint and for those of dialects that know no
    verification."""
    access.require(viewer, "webhookVerify")
    webhook = await reached_webhook(viewer, storage, webhook_id)
    if not webhook.dialect.follows_schemas:
        raise Conflict("Only webhooks of the dialect LIMAI are verified")
    if webhook.status is WebhookStatus.DISABLED:
        raise Conflict("The webhook is disabled")
    organization_id = viewer.organization_id
    challenge = secrets.token_urlsafe(_CHALLENGE_BYTES)
    sent = await storage.webhook_deliveries.challenge(organization_id, webhook_id, challenge)
    sent = await storage.webhook_deliveries.when_answered(sent.id, PING_SECONDS) or sent
    if sent.status is not DeliveryStatus.DELIVERED:
        return Verification(webhook, sent)
    verified = await storage.webhooks.verify(organization_id, viewer.actor, webhook_id, webhook.url)
    if verified is None:
        raise NotFound("Webhook")
    return Verification(verified, sent)


def holds_challenge(sent: str, answer: bytes) -> bool:
    """Whether an answer gives back the challenge of a verification: it is the answer's text, or a
    text somewhere in its JSON. `sent` is the verification's body."""
    challenge = json.loads(sent)["challenge"]
    text = answer.decode("utf-8", "replace").strip()
    if text == challenge:
        return True
    try:
        return _holds(json.loads(text), challenge)
    except (ValueError, RecursionError):
        return False


def _holds(value: Any, challenge: str) -> bool:
    if isinstance(value, dict):
        return any(_holds(each, challenge) for each in value.values())
    if isinstance(value, list):
        return any(_holds(each, challenge) for each in value)
    return bool(value == challenge)
