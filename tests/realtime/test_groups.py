"""Groups do not wait for each other, and topics come and go without a hole."""

import asyncio
import contextlib
from collections.abc import Sequence

from realtime.bus import MemoryBackend
from realtime.events import Frame, Limits, Started
from realtime.hub import Hub
from realtime.tasks import end_all
from tests.realtime.listlog import (
    SHORT,
    TABLE,
    ListEntry,
    ListLog,
    live,
    render,
    revisions,
    started,
    until,
)

SMALL = Limits(poll_seconds=3600, recent_entries=10, slice_entries=4)


class Gate:
    """A render that waits at a gate."""

    def __init__(self) -> None:
        self.open = asyncio.Event()
        self.reached = asyncio.Event()

    async def render(self, entries: Sequence[ListEntry]) -> list[Frame]:
        self.reached.set()
        await self.open.wait()
        return await render(entries)


async def test_a_slow_group_holds_nobody_up_and_catches_up_from_the_log() -> None:
    log, gate = ListLog({TABLE: []}), Gate()
    async with (
        Hub(MemoryBackend("memory://"), log, SMALL) as hub,
        hub.subscribe(TABLE, "slow", gate.render) as slow,
        hub.subscribe(TABLE, "fast", render) as fast,
    ):
        await live(slow, fast)
        for _ in range(50):
            await hub.notify(TABLE, log.append())
        await gate.reached.wait()
        assert await revisions(fast, 50) == list(range(1, 51))
        gate.open.set()
        assert await revisions(slow, 50) == list(range(1, 51))


async def test_a_group_whose_next_entries_were_pruned_is_told() -> None:
    log, gate = ListLog({TABLE: []}), Gate()
    async with (
        Hub(MemoryBackend("memory://"), log, SMALL) as hub,
        hub.subscribe(TABLE, "slow", gate.render) as slow,
        hub.subscribe(TABLE, "fast", render) as fast,
    ):
        await live(slow, fast)
        for _ in range(50):
            await hub.notify(TABLE, log.append())
        await gate.reached.wait()
        await revisions(fast, 50)
        log.prune(30)
        gate.open.set()
        rest = [await anext(slow) for _ in range(5)]
        kept = [item.revision for item in rest if isinstance(item, Frame)]
        assert kept == list(range(1, len(kept) + 1))
        assert rest[len(kept)] == Started("RESET", 50, "LOG_PRUNED")
        await hub.notify(TABLE, log.append())
        assert await revisions(slow, 51) == [51]
        assert await revisions(fast, 51) == [51]


class SlowToLeave(MemoryBackend):
    """A bus that takes its time to let a channel go."""

    def __init__(self) -> None:
        super().__init__("memory://")
        self.leaving = asyncio.Event()
        self.left = asyncio.Event()

    async def unsubscribe(self, group: str) -> None:
        self.leaving.set()
        await self.left.wait()
        await super().unsubscribe(group)


async def test_a_subscriber_that_comes_while_its_topic_is_let_go_is_served() -> None:
    log, bus = ListLog({TABLE: []}), SlowToLeave()
    async with Hub(bus, log, Limits(poll_seconds=0.001)) as hub:
        async with hub.subscribe(TABLE, "g", render) as first:
            await started(first)
        await bus.leaving.wait()
        opening = hub.subscribe(TABLE, "g", render)
        entering = asyncio.create_task(opening.__aenter__())
        for _ in range(5):
            await asyncio.sleep(0)
        assert not entering.done()
        bus.left.set()
        second = await entering
        assert await started(second) == Started("SNAPSHOT", 0)
        async with hub.subscribe(TABLE, "g", render) as third:
            await started(third)
            assert (hub.topics, hub.subscribers) == (1, 2)
            await bus.publish(TABLE.channel, str(log.append()))
            assert await revisions(second, 1) == await revisions(third, 1) == [1]
        await opening.__aexit__(None, None, None)
        await until(lambda: hub.topics == 0)


async def test_what_was_being_rendered_when_the_log_became_shorter_is_not_sent() -> None:
    log, gate = ListLog({TABLE: []}), Gate()
    async with (
        Hub(MemoryBackend("memory://"), log, SHORT) as hub,
        hub.subscribe(TABLE, "g", gate.render) as subscription,
    ):
        await live(subscription)
        for _ in range(3):
            await hub.notify(TABLE, log.append())
        await gate.reached.wait()
        await until(lambda: hub.counters.log_reads == len(log.reads) > 0)
        log.logs[TABLE] = log.logs[TABLE][:1]
        assert await started(subscription) == Started("RESET", 1, "AHEAD_OF_LOG")
        gate.open.set()
        await hub.notify(TABLE, log.append(text="again"))
        assert await anext(subscription) == Frame(2, b"again")


async def test_a_task_that_swallows_its_cancellation_is_ended_too() -> None:
    async def stubborn() -> None:
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
        await asyncio.Event().wait()

    task = asyncio.create_task(stubborn())
    await asyncio.sleep(0)
    async with asyncio.timeout(10):
        await end_all([task])
    assert task.cancelled()
