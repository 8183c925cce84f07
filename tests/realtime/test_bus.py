import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import uuid4

import pytest
from broadcaster import Broadcast, Event
from redis.asyncio import Redis

from realtime.bus import GAP, OUTBOX_MESSAGES, Bus, RedisBackend, open_bus
from tests.realtime.valkey import KillableValkey


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[Bus]:
    bus = open_bus(url)
    await bus.connect()
    try:
        yield bus
    finally:
        await bus.disconnect()


async def received(bus: Bus) -> Event:
    async with asyncio.timeout(10):
        return await bus.next_published()


async def kill_listeners(url: str) -> None:
    async with Redis.from_url(url) as client:
        await client.client_kill_filter(_type="pubsub")


async def test_first_subscriber_right_after_connect_receives(redis_url: str) -> None:
    """broadcaster's own backend fails this 20 times out of 20."""
    async with connected(redis_url) as writer:
        for _ in range(20):
            channel = f"table:{uuid4()}"
            async with connected(redis_url) as reader:
                await reader.subscribe(channel)
                await writer.publish(channel, "1")
                assert await received(reader) == Event(channel, "1")


async def test_concurrent_first_subscribers_all_listen(redis_url: str) -> None:
    channels = [f"table:{uuid4()}" for _ in range(30)]
    async with connected(redis_url) as reader, connected(redis_url) as writer:
        await asyncio.gather(*(reader.subscribe(channel) for channel in [*channels, *channels]))
        for channel in channels:
            await writer.publish(channel, "7")
        seen = {(await received(reader)).channel for _ in channels}
    assert seen == set(channels)


async def test_unsubscribed_channel_is_silent_and_can_return(redis_url: str) -> None:
    left, kept = f"table:{uuid4()}", f"table:{uuid4()}"
    async with connected(redis_url) as bus:
        await bus.subscribe(left)
        await bus.subscribe(kept)
        await bus.unsubscribe(left)
        await bus.publish(left, "1")
        await bus.publish(kept, "2")
        assert await received(bus) == Event(kept, "2")
        await bus.subscribe(left)
        await bus.publish(left, "3")
        assert await received(bus) == Event(left, "3")


async def test_killed_connection_is_mended_and_told(own_valkey: KillableValkey) -> None:
    channels = [f"table:{number}" for number in range(1_200)]
    async with connected(own_valkey.url) as reader, connected(own_valkey.url) as writer:
        await asyncio.gather(*(reader.subscribe(channel) for channel in channels))
        await kill_listeners(own_valkey.url)
        assert await received(reader) is GAP
        # The gap is told when all channels listen again, so each of these arrives.
        for channel in (channels[0], channels[600], channels[-1]):
            await writer.publish(channel, "5")
            assert await received(reader) == Event(channel, "5")


async def test_restarted_server_is_found_again(own_valkey: KillableValkey) -> None:
    async with connected(own_valkey.url) as reader, connected(own_valkey.url) as writer:
        await reader.subscribe("table:1")
        await writer.publish("table:1", "1")
        assert await received(reader) == Event("table:1", "1")
        own_valkey.kill()
        await own_valkey.start()
        assert await received(reader) is GAP
        await writer.publish("table:1", "2")
        assert await received(reader) == Event("table:1", "2")


async def test_without_a_server_nothing_fails_or_waits(own_valkey: KillableValkey) -> None:
    own_valkey.kill()
    bus = RedisBackend(own_valkey.url)
    await bus.connect()
    try:
        async with asyncio.timeout(5):
            await bus.subscribe("table:1")
            await bus.subscribe("table:2")
        for number in range(OUTBOX_MESSAGES + 10):
            await bus.publish("table:1", str(number))
        assert bus.dropped == 10
        await own_valkey.start()
        # Both were given up as unconfirmed, so their confirmation is a gap.
        assert await received(bus) is GAP
    finally:
        await bus.disconnect()


@pytest.mark.parametrize("kind", ["redis", "memory"])
async def test_speaks_the_interface_of_broadcaster(kind: str, redis_url: str) -> None:
    channel = f"table:{uuid4()}"
    backend = open_bus(redis_url if kind == "redis" else "memory://")
    async with (
        asyncio.timeout(10),
        Broadcast(backend=backend) as broadcast,
        broadcast.subscribe(channel) as subscriber,
    ):
        await broadcast.publish(channel, "9")
        assert await subscriber.get() == Event(channel, "9")


def test_unknown_scheme_is_refused() -> None:
    with pytest.raises(ValueError, match="REDIS_URL must begin with"):
        open_bus("kafka://localhost")
