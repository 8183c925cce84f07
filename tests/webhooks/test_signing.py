"""Signatures, as the libraries of others check them."""

import json

import pytest
import standardwebhooks
import svix

from domain import webhooks
from domain.errors import Invalid
from domain.webhook_events import WebhookDialect
from domain.webhook_signing import new_secret, signature
from tests.webhooks.hooks import PHACET, Hooks, Message


def test_the_published_vector() -> None:
    made = signature(
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        1614265330,
        b'{"test": 2432232314}',
    )
    assert made == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_secrets_are_24_random_bytes() -> None:
    made = {new_secret() for _ in range(100)}
    assert len(made) == 100
    assert all(len(each) == len("whsec_") + 32 and each.startswith("whsec_") for each in made)


@pytest.mark.parametrize("dialect", [WebhookDialect.NATIVE, WebhookDialect.PHACET])
async def test_others_accept_our_signatures(hooks: Hooks, dialect: WebhookDialect) -> None:
    table_id = await hooks.world.table("name")
    _, secret = await hooks.create_secret("row.created", dialect=dialect)
    await hooks.world.add(table_id, {"name": "naïve ☂ \u2028 1.10"})
    [message] = await hooks.sent()
    svix.Webhook(secret).verify(message.body, dict(message.headers))
    told = standardwebhooks.Webhook(secret).verify(message.body, dict(message.headers))
    assert told == message.told
    with pytest.raises(svix.WebhookVerificationError):
        svix.Webhook(new_secret()).verify(message.body, dict(message.headers))
    with pytest.raises(svix.WebhookVerificationError):
        svix.Webhook(secret).verify(message.body + b" ", dict(message.headers))


async def test_both_secrets_sign_until_the_old_one_ends(hooks: Hooks) -> None:
    world = hooks.world
    table_id = await world.table("name")
    webhook, old = await hooks.create_secret("row.created")
    made = await webhooks.rotate_webhook_secret(world.viewer, world.storage, webhook.id)
    assert made.webhook.previous_until is not None
    await world.add(table_id, {"name": "a"})
    [both] = await hooks.sent()
    assert len(both.headers["svix-signature"].split()) == 2
    for secret in (old, made.secret):
        svix.Webhook(secret).verify(both.body, dict(both.headers))
        standardwebhooks.Webhook(secret).verify(both.body, dict(both.headers))
    hooks.clock.forward(hours=24, seconds=1)
    await world.add(table_id, {"name": "b"})
    *_, later = await hooks.sent()
    _verify_at_any_time(made.secret, later)
    with pytest.raises(AssertionError):
        _verify_at_any_time(old, later)


async def test_a_secret_can_end_at_once(hooks: Hooks) -> None:
    world = hooks.world
    table_id = await world.table("name")
    webhook, old = await hooks.create_secret("row.created")
    rotate = webhooks.rotate_webhook_secret
    made = await rotate(world.viewer, world.storage, webhook.id, 0)
    await world.add(table_id, {"name": "a"})
    [message] = await hooks.sent()
    _verify_at_any_time(made.secret, message)
    with pytest.raises(AssertionError):
        _verify_at_any_time(old, message)
    for hours in (-1, 169):
        with pytest.raises(Invalid):
            await rotate(world.viewer, world.storage, webhook.id, hours)


async def test_secrets_are_nowhere_to_be_read(hooks: Hooks) -> None:
    """Neither in the database, nor in what is shown of an attempt."""
    table_id = await hooks.world.table("name")
    webhook, secret = await hooks.create_secret("row.created", dialect=PHACET)
    await hooks.world.add(table_id, {"name": "a"})
    [message] = await hooks.sent()
    [delivery] = await hooks.deliveries(webhook)
    [made] = await hooks.attempts(delivery)
    assert made.request_headers["svix-id"] == str(delivery.id) == message.id
    assert made.request_headers["svix-signature"] == "v1,********"
    shown = json.dumps([dict(made.request_headers), str(webhook), str(made)])
    assert secret not in shown
    assert message.headers["svix-signature"] not in shown
    pool = hooks.world.database.pool
    for table in ("webhook_endpoint", "webhook_delivery", "webhook_attempt", "organization_change"):
        rows = await pool.fetch(f"SELECT row_to_json(t)::text AS text FROM {table} AS t")
        assert not any(secret in row["text"] for row in rows)


def _verify_at_any_time(secret: str, message: Message) -> None:
    """Verifiers refuse what is five minutes ahead of their clock."""
    timestamp = int(message.headers["svix-timestamp"])
    known = message.headers["svix-signature"].split()
    assert signature(secret, message.id, timestamp, message.body) in known
