"""Several processes, a real Valkey, outages: nothing lost, nothing doubled.

Each hub has its own bus, as each web process has. The writer has none of them: it publishes like a
worker process. The log is shared, as PostgreSQL is.
"""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from uuid import uuid4

import pytest

from realtime.bus import Bus, open_bus
from realtime.events import Ended, Limits, Started
from realtime.hub import Hub
from realtime.log import Topic
from tests.realtime.listlog import NO_POLL, SHORT, ListLog, render, revisions, started, until
from tests.realtime.test_bus import connected, kill_listeners
from tests.realtime.valkey import KillableValkey


@asynccontextmanager
async def hubs(url: str, log: ListLog, limits: Limits, count: int = 2) -> AsyncIterator[list[Hub]]:
    async with AsyncExitStack() as stack:
        yield [
            await stack.enter_async_context(Hub(open_bus(url), log, limits)) for _ in range(count)
        ]


def a_topic(log: ListLog) -> Topic:
    """A topic of this test alone: the Valkey is shared."""
    topic = Topic("table", uuid4())
    log.logs[topic] = []
    return topic


async def write(bus: Bus, log: ListLog, topic: Topic, count: int) -> None:
    for _ in range(count):
        revision = log.append(topic)
        await bus.publish(topic.channel, str(revision))
        await asyncio.sleep(0)


async def follow(hub: Hub, topic: Topic, group: int, after: int | None, upto: int) -> None:
    """Read to the end, leaving and resuming now and then; fails unless it is exactly the log."""
    position = after
    while position is None or position < upto:
        async with hub.subscribe(topic, group, render, position) as subscription:
            first = await started(subscription)
            assert first.state == ("SNAPSHOT" if position is None else "RESUMED")
            position = first.revision
            stop = min(upto, position + random.randint(1, 300))
            seen = await revisions(subscription, stop) if position < upto else []
            assert seen == list(range(position + 1, position + 1 + len(seen)))
            position += len(seen)


async def test_fifty_subscribers_on_two_processes_get_exactly_the_log(redis_url: str) -> None:
    log = ListLog()
    topic = a_topic(log)
    for _ in range(200):
        log.append(topic)
    random.seed(7)
    async with hubs(redis_url, log, NO_POLL) as pair, connected(redis_url) as bus:
        readers = [
            asyncio.create_task(
                follow(pair[n % 2], topic, n % 5, random.choice([None, *range(200)]), 1_000)
            )
            for n in range(50)
        ]
        await until(lambda: sum(hub.subscribers for hub in pair) == 50)
        await write(bus, log, topic, 800)
        async with asyncio.timeout(30):
            await asyncio.gather(*readers)


@pytest.mark.parametrize("attempt", range(5))
async def test_first_subscriber_of_a_new_process_receives(redis_url: str, attempt: int) -> None:
    log = ListLog()
    topic = a_topic(log)
    async with (
        connected(redis_url) as bus,
        hubs(redis_url, log, NO_POLL, 1) as (hub,),
        hub.subscribe(topic, "g", render) as subscription,
    ):
        assert await started(subscription) == Started("SNAPSHOT", 0)
        await write(bus, log, topic, attempt + 1)
        assert await revisions(subscription, attempt + 1) == list(range(1, attempt + 2))


async def test_concurrent_first_subscribers_all_receive(redis_url: str) -> None:
    log = ListLog()
    topics = [a_topic(log) for _ in range(4)]
    async with hubs(redis_url, log, NO_POLL) as pair, connected(redis_url) as bus:
        readers = [
            asyncio.create_task(follow(hub, topic, n, 0, 20))
            for hub in pair
            for topic in topics
            for n in range(5)
        ]
        await asyncio.gather(*(write(bus, log, topic, 20) for topic in topics))
        async with asyncio.timeout(20):
            await until(lambda: all(reader.done() for reader in readers))
        await asyncio.gather(*readers)


async def test_a_cut_connection_costs_nothing_even_without_the_poll(
    own_valkey: KillableValkey,
) -> None:
    """The change is committed while nobody listens; the gap after the reconnect tells of it."""
    log = ListLog()
    topic = a_topic(log)
    async with (
        hubs(own_valkey.url, log, NO_POLL, 1) as (hub,),
        hub.subscribe(topic, "g", render) as subscription,
    ):
        await started(subscription)
        for revision in range(1, 6):
            assert log.append(topic) == revision
            await kill_listeners(own_valkey.url)
            assert await revisions(subscription, revision) == [revision]


async def test_valkey_killed_while_writing_with_the_last_change_in_the_outage(
    own_valkey: KillableValkey,
) -> None:
    log = ListLog()
    topic = a_topic(log)
    async with hubs(own_valkey.url, log, SHORT) as pair, connected(own_valkey.url) as bus:
        readers = [
            asyncio.create_task(follow(hub, topic, n, 0, 600)) for hub in pair for n in range(10)
        ]
        await until(lambda: sum(hub.subscribers for hub in pair) == 20)
        await write(bus, log, topic, 200)
        own_valkey.kill()
        await write(bus, log, topic, 200)
        await own_valkey.start()
        await write(bus, log, topic, 100)
        own_valkey.kill()
        await write(bus, log, topic, 100)
        async with asyncio.timeout(20):
            await asyncio.gather(*readers)
            # A newcomer does not need Valkey either.
            await follow(pair[0], topic, 99, 300, 600)


async def test_both_stores_down_at_once(own_valkey: KillableValkey) -> None:
    log = ListLog()
    topic = a_topic(log)
    async with hubs(own_valkey.url, log, SHORT) as pair, connected(own_valkey.url) as bus:
        readers = [
            asyncio.create_task(follow(hub, topic, n, 0, 150)) for hub in pair for n in range(5)
        ]
        await until(lambda: sum(hub.subscribers for hub in pair) == 10)
        await write(bus, log, topic, 50)
        own_valkey.kill()
        log.down = True
        await write(bus, log, topic, 100)
        await until(lambda: log.failures > 5)
        log.down = False
        async with asyncio.timeout(20):
            await asyncio.gather(*readers)


async def test_subscribers_that_come_and_go_leave_nothing(redis_url: str) -> None:
    """Leaving while the channel is being let go, and coming back at that moment."""
    log = ListLog()
    topic = a_topic(log)
    brisk = Limits(poll_seconds=0.001)
    async with hubs(redis_url, log, brisk, 1) as (hub,), connected(redis_url) as bus:
        for _ in range(150):
            revision = log.append(topic)
            async with hub.subscribe(topic, "g", render, after=revision - 1) as subscription:
                assert await started(subscription) == Started("RESUMED", revision - 1)
                await write(bus, log, topic, 1)
                assert await revisions(subscription, revision + 1) == [revision, revision + 1]
        await until(lambda: hub.topics == 0)


async def test_stop_while_everything_moves(redis_url: str) -> None:
    log = ListLog()
    topic = a_topic(log)
    tasks = asyncio.all_tasks()
    ends: list[object] = []

    async def to_the_end(hub: Hub, after: int | None) -> None:
        async with hub.subscribe(topic, "g", render, after) as subscription:
            async for item in subscription:
                last = item
            ends.append(last)

    async with connected(redis_url) as bus:
        async with hubs(redis_url, log, SHORT) as pair:
            readers = [
                asyncio.create_task(to_the_end(hub, after)) for hub in pair for after in (None, 0)
            ]
            writer = asyncio.create_task(write(bus, log, topic, 500))
            await until(lambda: pair[1].counters.frames_sent > 100)
        await asyncio.gather(writer, *readers)
    assert ends == [Ended("closed")] * 4
    assert asyncio.all_tasks() == tasks
