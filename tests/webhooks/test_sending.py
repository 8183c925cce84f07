"""Attempts, their order, and what becomes of deliveries that fail."""

import asyncio
from datetime import timedelta
from uuid import UUID

import pytest

from domain import webhook_deliveries, webhooks
from domain.errors import Conflict
from domain.webhook_records import DeliveryStatus, WebhookStatus
from persistence.storage import PostgresStorage
from persistence.webhook_deliveries import forget_old
from persistence.webhook_sending import LEASE
from processing.deliveries import Deliverer
from processing.webhook_requests import JITTER, PAUSES
from tests.waiting import eventually
from tests.webhooks.hooks import Hooks, Message

PENDING, DELIVERED, DEAD = DeliveryStatus


async def test_the_schedule(hooks: Hooks) -> None:
    """Now, and after 5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 10 h; always with the same id."""
    table_id = await hooks.world.table("name")
    webhook = await hooks.create("row.created")
    await hooks.world.add(table_id, {"name": "a"})
    hooks.inbox.answer = lambda _: 500
    await hooks.sent()
    seconds = [5, 300, 1800, 7200, 18000, 36000, 36000]
    assert [pause.total_seconds() for pause in PAUSES] == seconds
    for number, pause in enumerate(seconds, start=1):
        [delivery] = await hooks.deliveries(webhook)
        assert (delivery.status, delivery.attempt) == (PENDING, number)
        assert delivery.next_at is not None
        planned = delivery.next_at - hooks.inbox.tried[-1].at
        # Stored times end with milliseconds.
        least, most = timedelta(seconds=pause - 0.01), timedelta(seconds=pause * (1 + JITTER) + 2)
        assert least <= planned <= most
        hooks.clock.forward(seconds=(delivery.next_at - hooks.clock()).total_seconds() - 1)
        await hooks.deliverer.settle()
        assert len(hooks.inbox.tried) == number
        hooks.clock.forward(seconds=1.01)
        await hooks.deliverer.settle()
    [delivery] = await hooks.deliveries(webhook)
    assert (delivery.status, delivery.attempt, delivery.next_at) == (DEAD, 8, None)
    assert delivery.error == "The endpoint answered with status 500"
    assert {message.id for message in hooks.inbox.tried} == {str(delivery.id)}
    assert len({message.body for message in hooks.inbox.tried}) == 1
    made = await hooks.attempts(delivery)
    assert [each.number for each in made] == list(range(1, 9))
    assert {(each.status_code, each.response_body) for each in made} == {(500, "thanks")}


@pytest.mark.parametrize(
    ("status", "delivered"), [(200, True), (204, True), (299, True), (301, False), (404, False)]
)
async def test_only_2xx_is_a_success(hooks: Hooks, status: int, delivered: bool) -> None:
    table_id = await hooks.world.table("name")
    webhook = await hooks.create("row.created")
    await hooks.world.add(table_id, {"name": "a"})
    hooks.inbox.answer = lambda _: status
    await hooks.sent()
    [delivery] = await hooks.deliveries(webhook)
    assert (delivery.status is DELIVERED) is delivered


async def test_a_row_waits_for_what_came_before_and_others_do_not(hooks: Hooks) -> None:
    world = hooks.world
    table_id = await world.table("name")
    webhook = await hooks.create()
    stuck, free = await world.add(table_id, {"name": "stuck"}, {"name": "free"})
    for number in range(3):
        await hooks.merge(table_id, stuck, name=f"stuck {number}")
        await hooks.merge(table_id, free, name=f"free {number}")
    hooks.inbox.answer = lambda m: 500 if m.data["rowId"] == str(stuck) else 200
    await hooks.sent()
    assert _names(hooks, stuck) == []
    assert _names(hooks, free) == ["free", "free 0", "free 1", "free 2"]
    assert len(hooks.inbox.tried) == 5
    hooks.inbox.answer = lambda _: 200
    hooks.clock.forward(seconds=6)
    await hooks.sent()
    assert _names(hooks, stuck) == ["stuck", "stuck 0", "stuck 1", "stuck 2"]
    assert {each.status for each in await hooks.deliveries(webhook)} == {DELIVERED}


async def test_a_dead_letter_frees_its_row_and_can_be_tried_again(hooks: Hooks) -> None:
    world = hooks.world
    table_id = await world.table("name")
    webhook = await hooks.create()
    [row_id] = await world.add(table_id, {"name": "bad"})
    await hooks.merge(table_id, row_id, name="good")
    hooks.inbox.answer = lambda m: 500 if m.data["data"]["name"] == "bad" else 200
    await hooks.sent()
    for pause in PAUSES:
        assert _names(hooks, row_id) == []
        hooks.clock.forward(seconds=pause.total_seconds() * (1 + JITTER) + 1)
        await hooks.deliverer.settle()
    assert _names(hooks, row_id) == ["good"]
    [dead] = await hooks.deliveries(webhook, DEAD)
    hooks.inbox.answer = lambda _: 200
    again = await webhook_deliveries.retry_delivery(world.viewer, world.storage, dead.id)
    assert (again.id, again.status, again.failures, again.attempt) == (dead.id, PENDING, 0, 8)
    await hooks.sent()
    assert _names(hooks, row_id) == ["good", "bad"]
    assert [each.number for each in await hooks.attempts(dead)] == list(range(1, 10))
    with pytest.raises(Conflict):
        await webhook_deliveries.retry_delivery(world.viewer, world.storage, dead.id)


async def test_at_most_a_hundred_wait_for_a_row(hooks: Hooks) -> None:
    """Later changes become part of the last one: it tells the row as it was before the first of
    them, and as it is after the last."""
    world = hooks.world
    table_id = await world.table("name", "other")
    webhook = await hooks.create()
    [row_id] = await world.add(table_id, {"name": "0", "other": "o"})
    for number in range(1, 120):
        await hooks.merge(table_id, row_id, name=str(number))
        if number in (50, 105):
            await hooks.relayed()
    await hooks.merge(table_id, row_id, other="p")
    await hooks.relayed()
    waiting = await hooks.deliveries(webhook)
    assert len(waiting) == 100
    assert waiting[-1].merged == 21
    told = [data for _, data in await hooks.events()]
    last = told[-1]
    assert [data["data"]["name"] for data in told] == [*map(str, range(99)), "119"]
    assert last["previousData"] == {"name": "98", "other": "o"}
    assert last["data"] == {"name": "119", "other": "p"}
    assert last["changedColumns"] == ["name", "other"]
    assert last["revision"] == 122
    assert hooks.inbox.accepted[-1].told["id"] == str(waiting[-1].id)


async def test_nothing_passes_the_end_of_a_row(hooks: Hooks) -> None:
    world = hooks.world
    table_id = await world.table("name")
    await hooks.create()
    [row_id] = await world.add(table_id, {"name": "0"})
    for number in range(1, 110):
        await hooks.merge(table_id, row_id, name=str(number))
    await hooks.remove(table_id, row_id)
    told = await hooks.events()
    assert [event for event, _ in told][-2:] == ["row.updated", "row.deleted"]
    assert [data["data"]["name"] for _, data in told][-2:] == ["109", "109"]


async def test_what_a_receiver_may_have_seen_is_not_changed_any_more(hooks: Hooks) -> None:
    world = hooks.world
    table_id = await world.table("name")
    webhook = await hooks.create("row.updated")
    [row_id] = await world.add(table_id, {"name": "0"})
    hooks.inbox.answer = lambda _: None
    await hooks.merge(table_id, row_id, name="1")
    await hooks.sent()
    [first] = await hooks.deliveries(webhook)
    for number in range(2, 130):
        await hooks.merge(table_id, row_id, name=str(number))
    await hooks.relayed()
    waiting = await hooks.deliveries(webhook)
    assert (waiting[0].id, waiting[0].body) == (first.id, first.body)
    assert len(waiting) == 100


async def test_an_endpoint_that_is_gone_is_disabled_at_once(hooks: Hooks) -> None:
    table_id = await hooks.world.table("name")
    webhook = await hooks.create("row.created")
    await hooks.world.add(table_id, {"name": "a"})
    hooks.inbox.answer = lambda _: 410
    await hooks.sent()
    webhook = await hooks.get(webhook)
    assert webhook.status is WebhookStatus.DISABLED
    assert webhook.disabled_reason == "It answered with status 410: gone"
    [delivery] = await hooks.deliveries(webhook)
    assert (delivery.status, delivery.attempt) == (DEAD, 1)


async def test_an_endpoint_is_disabled_after_five_days_of_failures(hooks: Hooks) -> None:
    world = hooks.world
    table_id = await world.table("name")
    webhook = await hooks.create("row.created")
    hooks.inbox.answer = lambda _: None
    for hours in range(0, 5 * 24, 6):
        await world.add(table_id, {"name": str(hours)})
        await hooks.sent()
        webhook = await hooks.get(webhook)
        assert webhook.status is WebhookStatus.ACTIVE
        assert webhook.failing_since is not None
        hooks.clock.forward(hours=6)
    await hooks.deliverer.settle()
    webhook = await hooks.get(webhook)
    assert webhook.status is WebhookStatus.DISABLED
    assert webhook.disabled_reason == "Every attempt failed for 5 days"
    # Nothing is sent any more, and what happens now is not told.
    tried = len(hooks.inbox.tried)
    await world.add(table_id, {"name": "meanwhile"})
    await hooks.sent()
    assert len(hooks.inbox.tried) == tried
    hooks.inbox.answer = lambda _: 200
    webhook = await webhooks.enable_webhook(world.viewer, world.storage, webhook.id)
    assert (webhook.status, webhook.failing_since) == (WebhookStatus.ACTIVE, None)
    await world.add(table_id, {"name": "again"})
    hooks.clock.forward(hours=11)
    names = [message.data["data"]["name"] for message in await hooks.sent()]
    assert "again" in names
    assert "meanwhile" not in names


async def test_a_success_ends_the_five_days(hooks: Hooks) -> None:
    table_id = await hooks.world.table("name")
    webhook = await hooks.create("row.created")
    hooks.inbox.answer = lambda _: None
    await hooks.world.add(table_id, {"name": "a"})
    await hooks.sent()
    assert (await hooks.get(webhook)).failing_since is not None
    hooks.inbox.answer = lambda _: 200
    hooks.clock.forward(seconds=6)
    await hooks.sent()
    assert (await hooks.get(webhook)).failing_since is None


async def test_what_a_killed_worker_had_goes_out_again(hooks: Hooks) -> None:
    """It took the delivery, and was never heard of again."""
    table_id = await hooks.world.table("name")
    webhook = await hooks.create("row.created")
    await hooks.world.add(table_id, {"name": "a"})
    await hooks.relayed()
    [taken] = await hooks.world.storage.webhook_sending.take(webhook.id, hooks.clock(), 5)
    assert await hooks.sent() == []
    hooks.clock.forward(seconds=LEASE.total_seconds() + 1)
    [message] = await hooks.sent()
    assert message.id == str(taken.delivery.id)


async def test_several_workers_send_each_delivery_once_and_in_order(hooks: Hooks) -> None:
    world = hooks.world
    table_id = await world.table("name")
    await hooks.create()
    row_ids = await world.add(table_id, *({"name": "0"} for _ in range(20)))
    for number in range(1, 15):
        for row_id in row_ids:
            await hooks.merge(table_id, row_id, name=str(number))
    await hooks.relayed()
    workers = [
        Deliverer(
            PostgresStorage(world.database, lambda *_: None, secret_box=world.storage.secret_box),
            hooks.inbox,
            clock=hooks.clock,
            at_once=3,
        )
        for _ in range(4)
    ]
    while await hooks.count(
        "SELECT count(*) FROM webhook_delivery WHERE status = 'pending' AND organization_id = $1",
        world.viewer.organization_id,
    ):
        await asyncio.gather(*(worker.settle() for worker in workers))
    for row_id in row_ids:
        assert _names(hooks, row_id) == [str(number) for number in range(15)]
    assert len(hooks.inbox.tried) == 20 * 15
    assert hooks.inbox.most_at_work <= 12


async def test_a_slow_endpoint_holds_up_nobody_else(hooks: Hooks) -> None:
    world = hooks.world
    table_id = await world.table("name")
    slow = await hooks.create("row.created", url="https://slow.example/")
    await hooks.create("row.created", url="https://quick.example/")
    await world.add(table_id, *({"name": str(number)} for number in range(100)))
    await hooks.relayed()
    released = asyncio.Event()

    class Slow(type(hooks.inbox)):  # type: ignore[misc]
        async def post(self, url: str, headers: dict[str, str], body: bytes) -> object:
            if "slow" in url:
                await released.wait()
            return await super().post(url, headers, body)

    inbox = Slow(hooks.clock)
    deliverer = Deliverer(world.storage, inbox, clock=hooks.clock)
    await deliverer.look()

    async def quick_is_done() -> bool:
        return await _delivered(hooks) == 100

    await eventually(quick_is_done)
    assert {message.url for message in inbox.accepted} == {"https://quick.example/"}
    assert await hooks.count(
        "SELECT count(*) FROM webhook_delivery WHERE endpoint_id = $1 AND leased_until > $2",
        slow.id,
        hooks.clock(),
    ) in range(1, 17)
    released.set()
    await deliverer.settle()
    assert len(inbox.accepted) == 200


async def test_an_endpoint_that_fails_and_fails_is_asked_now_and_then(hooks: Hooks) -> None:
    """One delivery a minute at most, not all that wait; and all at once when it is back."""
    world = hooks.world
    table_id = await world.table("name")
    webhook = await hooks.create("row.created")
    await world.add(table_id, *({"name": str(number)} for number in range(500)))
    hooks.inbox.answer = lambda _: None
    await hooks.sent()
    assert len(hooks.inbox.tried) <= 16
    begun = len(hooks.inbox.tried)
    for _ in range(600):
        hooks.clock.forward(seconds=1)
        await hooks.deliverer.settle()
    assert 8 <= len(hooks.inbox.tried) - begun <= 20
    hooks.inbox.answer = lambda _: 200
    hooks.clock.forward(seconds=61)
    await hooks.deliverer.settle()
    assert len(await hooks.deliveries(webhook, DELIVERED)) == 500


async def test_a_test_call_shows_its_answer(hooks: Hooks) -> None:
    world = hooks.world
    webhook, secret = await hooks.create_secret("row.created")
    running = asyncio.create_task(
        webhook_deliveries.ping_webhook(world.viewer, world.storage, webhook.id)
    )
    async with asyncio.timeout(30):
        while not hooks.inbox.tried:
            await hooks.deliverer.settle()
    ping = await running
    assert (ping.status, ping.event_type, ping.attempt) == (DELIVERED, "webhook.ping", 1)
    [made] = await hooks.attempts(ping)
    assert (made.status_code, made.response_body) == (200, "thanks")
    assert hooks.inbox.accepted[0].data["webhookId"] == str(webhook.id)
    assert secret not in ping.body


async def test_a_test_call_that_fails_is_not_tried_again(hooks: Hooks) -> None:
    world = hooks.world
    webhook = await hooks.create("row.created")
    hooks.inbox.answer = lambda _: 500
    ping = await world.storage.webhook_deliveries.ping(world.viewer.organization_id, webhook.id)
    await hooks.deliverer.settle()
    [done] = await hooks.deliveries(webhook)
    assert (done.id, done.status, done.attempt) == (ping.id, DEAD, 1)
    assert (await hooks.get(webhook)).failing_since is None


async def test_old_deliveries_are_forgotten(hooks: Hooks) -> None:
    world = hooks.world
    table_id = await world.table("name")
    webhook = await hooks.create("row.created")
    gone = await hooks.create("row.created", url="https://gone.example/")
    await world.add(table_id, {"name": "a"}, {"name": "b"})
    hooks.inbox.answer = lambda m: 200 if m.data["data"]["name"] == "a" else 500
    await hooks.sent()
    await webhooks.delete_webhook(world.viewer, world.storage, gone.id)
    pool = world.database.pool
    while await forget_old(pool, timedelta(days=30)):
        pass
    assert len(await hooks.deliveries(webhook)) == 2
    mine = "SELECT count(*) FROM webhook_delivery WHERE endpoint_id = $1"
    assert await hooks.count(mine, gone.id) == 0
    while await forget_old(pool, timedelta(seconds=-5)):
        pass
    [left] = await hooks.deliveries(webhook)
    assert left.status is PENDING
    attempts = "SELECT count(*) FROM webhook_attempt WHERE endpoint_id = $1"
    assert await hooks.count(attempts, webhook.id) == 1
    await webhooks.disable_webhook(world.viewer, world.storage, webhook.id)
    while await forget_old(pool, timedelta(seconds=-5)):
        pass
    assert await hooks.deliveries(webhook) == []


async def _delivered(hooks: Hooks) -> int:
    return await hooks.count(
        "SELECT count(*) FROM webhook_delivery WHERE organization_id = $1 AND status = 'delivered'",
        hooks.world.viewer.organization_id,
    )


def _names(hooks: Hooks, row_id: UUID) -> list[str]:
    """What was told of a row, in the order of its arrival."""
    return [m.data["data"]["name"] for m in hooks.inbox.accepted if _is_of(m, row_id)]


def _is_of(message: Message, row_id: UUID) -> bool:
    return bool(message.data["rowId"] == str(row_id))
