"""Webhooks of dialect LIMAI: they follow documents, once they have answered a challenge."""

import asyncio
import hashlib
import hmac
import json
from collections.abc import Sequence
from typing import Any
from uuid import UUID, uuid4

import pytest

from domain import extraction, webhook_deliveries, webhook_verification, webhooks
from domain.changes import OrganizationChangeKind
from domain.columns import ColumnType
from domain.errors import Conflict, Invalid
from domain.extraction_commands import FieldDraft, SchemaCreate, TableDraft
from domain.webhook_records import DeliveryStatus, Webhook
from domain.webhook_verification import Verification, holds_challenge
from persistence.unit_of_work import write_organization
from tests.webhooks.hooks import LIMAI, NATIVE, Hooks, Message

EVENTS = ("DOCUMENT_EXTRACTED", "DOCUMENT_REVIEWED")
EXTRACTED = OrganizationChangeKind.DOCUMENT_EXTRACTED
REVIEWED = OrganizationChangeKind.DOCUMENT_REVIEWED
FILE = UUID("00000000-0000-4000-8000-0000000000f1")


def echo(message: Message) -> bytes:
    """The challenge, as the whole text."""
    return str(message.told.get("challenge")).encode()


async def schema(hooks: Hooks) -> UUID:
    """A schema of one table."""
    field = FieldDraft("number", label="Number", type=ColumnType.TEXT)
    command = SchemaCreate("S", [TableDraft(name="T", fields=[field])])
    made = await extraction.create_schema(hooks.world.viewer, hooks.world.storage, command)
    return made.id


async def tell(hooks: Hooks, kind: OrganizationChangeKind, schema_id: UUID, **more: Any) -> None:
    """Write what a job or a review writes into the organisation's log."""
    viewer = hooks.world.viewer
    async with (
        hooks.world.database.transaction() as session,
        write_organization(session, viewer.organization_id, viewer.actor) as write,
    ):
        await write.log(kind, FILE, {"schemaId": str(schema_id), **more})


async def extracted(hooks: Hooks, schema_id: UUID, status: str = "completed") -> None:
    """A job that ended."""
    error = None if status == "completed" else "page 2: missing"
    more = {"jobId": str(uuid4()), "status": status, "errorMessage": error, "rows": 1}
    await tell(hooks, EXTRACTED, schema_id, **more)


async def verify(hooks: Hooks, webhook: Webhook) -> Verification:
    """Verify an endpoint, with a worker that sends meanwhile."""
    viewer, storage = hooks.world.viewer, hooks.world.storage
    waiting = asyncio.create_task(webhook_verification.verify_webhook(viewer, storage, webhook.id))
    while not waiting.done():
        await hooks.deliverer.settle()
        await asyncio.sleep(0)
    return waiting.result()


def kinds(messages: Sequence[Message]) -> list[str]:
    """The types of events."""
    return [each.told["eventType"] for each in messages]


async def test_nothing_is_told_before_the_challenge_came_back(hooks: Hooks) -> None:
    schema_id = await schema(hooks)
    webhook = await hooks.create(*EVENTS, dialect=LIMAI, schema_id=schema_id)
    await extracted(hooks, schema_id)
    assert await hooks.sent() == []
    with pytest.raises(Conflict, match="not verified"):
        await webhook_deliveries.ping_webhook(hooks.world.viewer, hooks.world.storage, webhook.id)
    silent = await verify(hooks, webhook)
    assert silent.webhook.verified_at is None
    assert silent.delivery.status is DeliveryStatus.DEAD
    assert silent.delivery.error == "The answer does not hold the challenge"
    hooks.inbox.says = echo
    hooks.inbox.answer = lambda _: 500
    assert (await verify(hooks, webhook)).webhook.verified_at is None
    hooks.inbox.answer = lambda _: 200
    await extracted(hooks, schema_id)
    verified = await verify(hooks, webhook)
    assert verified.webhook.verified_at is not None
    assert verified.delivery.status is DeliveryStatus.DELIVERED
    # What happened before is not told; what happens from then on is.
    assert kinds(await hooks.sent()) == ["VERIFICATION"] * 2
    await extracted(hooks, schema_id)
    assert kinds(await hooks.sent())[2:] == ["DOCUMENT_EXTRACTED"]
    again = await verify(hooks, webhook)
    assert again.webhook.verified_at == verified.webhook.verified_at


async def test_documents_of_its_schema_are_told(hooks: Hooks) -> None:
    schema_id, other = await schema(hooks), await schema(hooks)
    hooks.inbox.says = echo
    webhook, secret = await hooks.create_secret(*EVENTS, dialect=LIMAI, schema_id=schema_id)
    everything = await hooks.create(*EVENTS[:1], dialect=LIMAI, url="https://all.example/in")
    await verify(hooks, webhook)
    await verify(hooks, everything)
    await extracted(hooks, schema_id)
    await extracted(hooks, other, "failed")
    await extracted(hooks, schema_id, "partial")
    await tell(hooks, REVIEWED, schema_id, accepted=3, total=3)
    sent = (await hooks.sent())[2:]
    own = [each for each in sent if each.url == "https://hooks.example/in"]
    assert kinds(own) == ["DOCUMENT_EXTRACTED"] * 2 + ["DOCUMENT_REVIEWED"]
    assert [each.told["data"] for each in own] == [
        {"status": "success", "errorMessage": None},
        {"status": "failed", "errorMessage": "page 2: missing"},
        {"status": "reviewed", "acceptedRowsCount": 3, "totalRowsCount": 3},
    ]
    assert [each.told["jobId"] is None for each in own] == [False, False, True]
    assert {each.told["fileId"] for each in own} == {str(FILE)}
    for message in own:
        made = hmac.new(secret.encode(), message.body, hashlib.sha256).hexdigest()
        assert message.headers["X-Webhook-Signature"] == f"sha256={made}"
    others = [each.told["extractionSchemaId"] for each in sent if each not in own]
    assert others == [str(schema_id), str(other), str(schema_id)]
    [*_, delivery] = await hooks.deliveries(webhook)
    [attempt] = await hooks.attempts(delivery)
    assert attempt.request_headers["X-Webhook-Signature"] == "sha256=********"
    assert (delivery.table_id, delivery.subject_id) == (None, FILE)


async def test_a_new_url_has_to_be_verified_again(hooks: Hooks) -> None:
    schema_id = await schema(hooks)
    hooks.inbox.says = echo
    webhook = await hooks.create(*EVENTS, dialect=LIMAI, schema_id=schema_id)
    await verify(hooks, webhook)
    hooks.inbox.answer = lambda _: 503
    await extracted(hooks, schema_id)
    assert len(await hooks.sent()) == 1
    same = await hooks.update(webhook, url=webhook.url, description="D")
    assert same.verified_at is not None
    moved = await hooks.update(webhook, url="https://new.example/in", event_types=EVENTS[:1])
    assert moved.verified_at is None
    hooks.inbox.answer = lambda _: 200
    hooks.clock.forward(hours=1)
    await extracted(hooks, schema_id)
    assert len(await hooks.sent()) == 1
    await verify(hooks, webhook)
    # What waited from before goes out; what happened in between is not told.
    sent = await hooks.sent()
    assert kinds(sent) == ["VERIFICATION", "VERIFICATION", "DOCUMENT_EXTRACTED"]
    assert {each.url for each in sent[1:]} == {"https://new.example/in"}


async def test_a_rotated_secret_signs_alone(hooks: Hooks) -> None:
    schema_id = await schema(hooks)
    hooks.inbox.says = echo
    webhook = await hooks.create(*EVENTS, dialect=LIMAI, schema_id=schema_id)
    await verify(hooks, webhook)
    viewer, storage = hooks.world.viewer, hooks.world.storage
    rotated = await webhooks.rotate_webhook_secret(viewer, storage, webhook.id, 24)
    await extracted(hooks, schema_id)
    *_, message = await hooks.sent()
    made = hmac.new(rotated.secret.encode(), message.body, hashlib.sha256).hexdigest()
    assert message.headers["X-Webhook-Signature"] == f"sha256={made}"


async def test_settings_that_mean_nothing_are_refused(hooks: Hooks) -> None:
    schema_id = await schema(hooks)
    table_id = await hooks.world.table("name")
    for given, text in (
        ({"dialect": NATIVE, "schema_id": schema_id}, "extractionSchemaId needs the dialect"),
        ({"dialect": LIMAI, "schema_id": uuid4()}, "Extraction schema not found"),
        ({"dialect": LIMAI, "table_ids": [table_id]}, "tableIds has no meaning"),
        ({"dialect": LIMAI, "columns": ["name"]}, "columns has no meaning"),
    ):
        events = EVENTS if given["dialect"] is LIMAI else ("row.created",)
        with pytest.raises(Invalid, match=text):
            await hooks.create(*events, **given)
    with pytest.raises(Invalid, match="There is no such event"):
        await hooks.create("row.created", dialect=LIMAI)
    webhook = await hooks.create(*EVENTS, dialect=LIMAI)
    with pytest.raises(Invalid, match="tableIds has no meaning"):
        await hooks.update(webhook, table_ids=[table_id])
    assert (await hooks.update(webhook, table_ids=None)).table_ids == []
    native = await hooks.create("row.created")
    with pytest.raises(Conflict, match="Only webhooks of the dialect LIMAI"):
        await verify(hooks, native)
    await webhooks.disable_webhook(hooks.world.viewer, hooks.world.storage, webhook.id)
    with pytest.raises(Conflict, match="disabled"):
        await verify(hooks, webhook)


@pytest.mark.parametrize(
    ("answer", "holds"),
    [
        (b"abc", True),
        (b" abc\n", True),
        (b'"abc"', True),
        (b'{"challenge": "abc"}', True),
        (b'{"data": [{"challenge": "abc"}]}', True),
        (b'{"abc": 1}', False),
        (b"the challenge was abc", False),
        (b"", False),
        (b"null", False),
        (b"[" * 100_000, False),
        (b"\xff\x00", False),
    ],
)
def test_an_answer_holds_the_challenge_or_not(answer: bytes, holds: bool) -> None:
    assert holds_challenge(json.dumps({"challenge": "abc"}), answer) is holds
