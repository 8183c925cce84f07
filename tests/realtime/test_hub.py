"""One hub over a memory bus: what a subscriber is promised."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from uuid import UUID

import pytest

from realtime.bus import MemoryBackend
from realtime.events import Ended, Frame, Limits, Render, Started
from realtime.hub import Hub
from realtime.log import Clock, Entry, Topic, Unavailable
from realtime.subscription import Subscription
from tests.realtime.listlog import (
    NO_POLL,
    SHORT,
    TABLE,
    ListEntry,
    ListLog,
    ended,
    live,
    render,
    revisions,
    started,
    until,
)


def a_hub(log: ListLog, limits: Limits = NO_POLL) -> Hub:
    return Hub(MemoryBackend("memory://"), log, limits)


def a_log(entries: int, text: str = "") -> ListLog:
    log = ListLog({TABLE: []})
    for _ in range(entries):
        log.append(text=text)
    return log


async def test_snapshot_names_the_present_and_then_every_change_follows() -> None:
    log = a_log(5)
    async with a_hub(log) as hub, hub.subscribe(TABLE, "g", render) as subscription:
        assert await started(subscription) == Started("SNAPSHOT", 5)
        await hub.notify(TABLE, log.append())
        log.append()
        await hub.notify(TABLE, log.append())
        assert await revisions(subscription, 8) == [6, 7, 8]


async def test_snapshot_is_not_older_than_a_commit_without_a_wake_up() -> None:
    log = a_log(5)
    async with a_hub(log) as hub, hub.subscribe(TABLE, "g", render):
        log.append()
        async with hub.subscribe(TABLE, "g", render) as late:
            assert await started(late) == Started("SNAPSHOT", 6)
            await hub.notify(TABLE, log.append())
            assert await revisions(late, 7) == [7]


@pytest.mark.parametrize("after", [0, 1, 250, 299, 300])
async def test_resume_replays_exactly_and_goes_live(after: int) -> None:
    log = a_log(300)
    async with a_hub(log) as hub, hub.subscribe(TABLE, "g", render, after) as subscription:
        assert await started(subscription) == Started("RESUMED", after)
        if after < 300:
            assert await revisions(subscription, 300) == list(range(after + 1, 301))
        await hub.notify(TABLE, log.append())
        assert await revisions(subscription, 301) == [301]


async def test_resume_from_a_revision_the_hub_has_not_heard_of() -> None:
    """The client read a page from another process, whose wake-up is still under way."""
    log = a_log(5)
    async with a_hub(log) as hub, hub.subscribe(TABLE, "g", render):
        log.append()
        async with hub.subscribe(TABLE, "g", render, after=6) as ahead:
            assert await started(ahead) == Started("RESUMED", 6)
            await hub.notify(TABLE, log.append())
            assert await revisions(ahead, 7) == [7]


@pytest.mark.parametrize(
    ("after", "reason"), [(9, "LOG_PRUNED"), (41, "AHEAD_OF_LOG"), (19, "TOO_FAR")]
)
async def test_a_reset_names_its_reason_and_continues_live(after: int, reason: str) -> None:
    log = a_log(40)
    log.prune(10)
    limits = Limits(poll_seconds=3600, replay_entries=20)
    async with a_hub(log, limits) as hub, hub.subscribe(TABLE, "g", render, after) as subscription:
        first = await started(subscription)
        assert (first.state, first.revision, first.reason) == ("RESET", 40, reason)
        await hub.notify(TABLE, log.append())
        assert await revisions(subscription, 41) == [41]
        assert hub.counters.resets == 1


async def test_the_last_replayable_revisions_are_replayed() -> None:
    log = a_log(40)
    log.prune(20)
    limits = Limits(poll_seconds=3600, replay_entries=20)
    async with a_hub(log, limits) as hub, hub.subscribe(TABLE, "g", render, 20) as subscription:
        assert await started(subscription) == Started("RESUMED", 20)
        assert await revisions(subscription, 40) == list(range(21, 41))


async def test_replay_over_its_bytes_becomes_a_reset() -> None:
    log = a_log(50, "x" * 100)
    limits = Limits(poll_seconds=3600, slice_entries=10, replay_bytes=2_500)
    async with a_hub(log, limits) as hub, hub.subscribe(TABLE, "g", render, 0) as subscription:
        assert await started(subscription) == Started("RESUMED", 0)
        assert await revisions(subscription, 20) == list(range(1, 21))
        assert await started(subscription) == Started("RESET", 50, "TOO_FAR")
        await hub.notify(TABLE, log.append())
        assert await revisions(subscription, 51) == [51]


async def test_log_pruned_under_a_replay_is_told() -> None:
    log = a_log(50)
    limits = Limits(poll_seconds=3600, slice_entries=10)
    async with a_hub(log, limits) as hub, hub.subscribe(TABLE, "g", render, 0) as subscription:
        await started(subscription)
        assert await revisions(subscription, 10) == list(range(1, 11))
        log.prune(30)
        assert await started(subscription) == Started("RESET", 50, "LOG_PRUNED")


async def test_a_log_that_became_shorter_resets_everybody() -> None:
    log = a_log(20)
    missed: list[int] = []
    async with (
        a_hub(log, SHORT) as hub,
        hub.subscribe(TABLE, "g", render) as current,
        hub.subscribe(TABLE, "g", render, after=0) as replaying,
        hub.watch(TABLE, lambda entries: missed.append(len(entries))),
    ):
        await started(current)
        await started(replaying)
        log.logs[TABLE] = log.logs[TABLE][:15]
        async with asyncio.timeout(10):
            assert await started(current) == Started("RESET", 15, "AHEAD_OF_LOG")
            assert await started(replaying) == Started("RESET", 15, "AHEAD_OF_LOG")
        assert missed == [0]
        await hub.notify(TABLE, log.append())
        assert await revisions(current, 16) == [16]
        assert await revisions(replaying, 16) == [16]


async def test_a_slice_is_read_once_and_rendered_once_per_group() -> None:
    log = a_log(0)
    rendered: list[tuple[str, int]] = []

    def rendering(name: str) -> Render:
        async def render_named(entries: Sequence[ListEntry]) -> list[Frame]:
            rendered.append((name, len(entries)))
            return await render(entries)

        return render_named

    async with a_hub(log) as hub, AsyncExitStack() as stack:
        subscriptions = [
            await stack.enter_async_context(hub.subscribe(TABLE, group, rendering(group), after=0))
            for group in ["a"] * 20 + ["b"] * 5
        ]
        for subscription in subscriptions:
            await started(subscription)
        first = [asyncio.create_task(revisions(one, 30)) for one in subscriptions]
        await until(lambda: hub.groups == 2)
        assert (hub.topics, hub.groups, hub.subscribers) == (1, 2, 25)
        for _ in range(30):
            revision = log.append()
        await asyncio.gather(*(hub.notify(TABLE, revision) for _ in range(10)))
        assert await asyncio.gather(*first) == [list(range(1, 31))] * 25
        assert sorted(rendered) == [("a", 30), ("b", 30)]
        assert log.reads == [(0, 30)]
        assert hub.counters.frames_sent == 25 * 30


async def test_the_same_frame_object_goes_to_every_member() -> None:
    log = a_log(0)
    async with (
        a_hub(log) as hub,
        hub.subscribe(TABLE, "g", render) as one,
        hub.subscribe(TABLE, "g", render) as two,
    ):
        both = [asyncio.create_task(_skip_started(each)) for each in (one, two)]
        await until(lambda: hub.groups == 1)
        await asyncio.sleep(0)
        await hub.notify(TABLE, log.append())
        first, second = await asyncio.gather(*both)
        assert first is second


async def _skip_started(subscription: Subscription) -> object:
    await started(subscription)
    return await anext(subscription)


async def test_frames_of_one_revision_stay_together_and_empty_ones_advance() -> None:
    """Revisions of three frames and of none; a subscriber enters in the middle of a slice."""
    log = a_log(12)

    async def uneven(entries: Sequence[ListEntry]) -> list[Frame]:
        return [
            Frame(entry.revision, bytes([part]))
            for entry in entries
            for part in range(3 if entry.revision % 3 == 0 else 0)
        ]

    async with a_hub(log) as hub:
        for after in range(12):
            async with hub.subscribe(TABLE, "g", uneven, after) as subscription:
                await started(subscription)
                expected = [r for r in range(after + 1, 13) if r % 3 == 0 for _ in range(3)]
                items = [await anext(subscription) for _ in expected]
                frames = [item for item in items if isinstance(item, Frame)]
                assert [frame.revision for frame in frames] == expected
                assert [frame.payload[0] for frame in frames] == [0, 1, 2] * (len(expected) // 3)


async def test_a_slow_consumer_reads_the_log_again_and_gets_exactly_the_log() -> None:
    log = a_log(0, "x")
    limits = Limits(poll_seconds=3600, queue_frames=10, slice_entries=4)
    async with (
        a_hub(log, limits) as hub,
        hub.subscribe(TABLE, "g", render) as slow,
        hub.subscribe(TABLE, "g", render) as fast,
    ):
        await live(slow, fast)
        reader = asyncio.create_task(revisions(fast, 200))
        for _ in range(200):
            await hub.notify(TABLE, log.append())
            await asyncio.sleep(0)
        assert await reader == list(range(1, 201))
        assert hub.counters.gaps == 1
        assert await revisions(slow, 200) == list(range(1, 201))
        await hub.notify(TABLE, log.append())
        assert await revisions(slow, 201) == await revisions(fast, 201) == [201]


async def test_a_consumer_that_sleeps_too_long_is_reset() -> None:
    log = a_log(0)
    limits = Limits(poll_seconds=3600, queue_frames=10, slice_entries=4, replay_entries=50)
    async with (
        a_hub(log, limits) as hub,
        hub.subscribe(TABLE, "g", render) as slow,
        hub.subscribe(TABLE, "g", render) as fast,
    ):
        await live(slow, fast)
        reader = asyncio.create_task(revisions(fast, 200))
        for _ in range(200):
            await hub.notify(TABLE, log.append())
            await asyncio.sleep(0)
        await reader
        queued = [await anext(slow) for _ in range(11)]
        kept = [item.revision for item in queued if isinstance(item, Frame)]
        assert kept == list(range(1, len(kept) + 1))
        assert queued[len(kept)] == Started("RESET", 200, "TOO_FAR")


async def test_a_cancelled_wait_loses_nothing() -> None:
    log = a_log(100)
    limits = Limits(poll_seconds=3600, slice_entries=7)
    async with a_hub(log, limits) as hub, hub.subscribe(TABLE, "g", render, 0) as subscription:
        await started(subscription)
        seen: list[int] = []
        while len(seen) < 100:
            waiting = asyncio.create_task(anext(subscription))
            for _ in range(len(seen) % 4):
                await asyncio.sleep(0)
            waiting.cancel()
            (item,) = await asyncio.gather(waiting, return_exceptions=True)
            if isinstance(item, asyncio.CancelledError):
                item = await anext(subscription)
            assert isinstance(item, Frame)
            seen.append(item.revision)
        assert seen == list(range(1, 101))


async def test_a_failing_render_ends_only_its_own_group() -> None:
    log = a_log(0)

    async def broken(entries: Sequence[ListEntry]) -> list[Frame]:
        raise KeyError("column")

    async with (
        a_hub(log) as hub,
        hub.subscribe(TABLE, "good", render) as good,
        hub.subscribe(TABLE, "bad", broken) as bad,
        hub.subscribe(TABLE, "bad", broken, after=0) as also_bad,
    ):
        await started(also_bad)
        await live(good, bad)
        await hub.notify(TABLE, log.append())
        assert await ended(bad) == Ended("error")
        assert await ended(also_bad) == Ended("error")
        assert await revisions(good, 1) == [1]


async def test_a_render_without_its_database_is_tried_again() -> None:
    log = a_log(0)
    attempts: list[int] = []

    async def shaky(entries: Sequence[ListEntry]) -> list[Frame]:
        attempts.append(len(entries))
        if len(attempts) < 3:
            raise Unavailable
        return await render(entries)

    async with a_hub(log, SHORT) as hub, hub.subscribe(TABLE, "g", shaky) as subscription:
        await started(subscription)
        await hub.notify(TABLE, log.append())
        assert await revisions(subscription, 1) == [1]
        assert attempts == [1, 1, 1]


async def test_a_failing_log_recovers_without_ending_anybody() -> None:
    log = a_log(3)
    log.down = True
    async with a_hub(log, SHORT) as hub:
        opening = asyncio.create_task(_snapshot_then(hub, 5))
        await log.failed.wait()
        assert not opening.done()
        log.down = False
        async with hub.subscribe(TABLE, "g", render) as subscription:
            await started(subscription)
            await until(lambda: hub.subscribers == 2)
            log.down = True
            log.failed.clear()
            log.append()
            await hub.notify(TABLE, 4)
            await log.failed.wait()
            log.append()
            log.down = False
            assert await revisions(subscription, 5) == [4, 5]
        assert await opening == [4, 5]


async def _snapshot_then(hub: Hub, upto: int) -> list[int]:
    async with hub.subscribe(TABLE, "g", render) as subscription:
        assert await started(subscription) == Started("SNAPSHOT", 3)
        return await revisions(subscription, upto)


async def test_a_change_without_any_wake_up_arrives_with_the_poll() -> None:
    log = a_log(0)
    other = Topic("organization", UUID(int=2))
    log.logs[other] = []
    async with (
        a_hub(log, SHORT) as hub,
        hub.subscribe(TABLE, "g", render) as subscription,
        hub.subscribe(other, "g", render) as second,
    ):
        await started(subscription)
        await started(second)
        log.append()
        log.append(other)
        assert await revisions(subscription, 1) == [1]
        assert await revisions(second, 1) == [1]
        assert 2 in log.statements


async def test_a_deleted_topic_delivers_the_rest_and_ends() -> None:
    class Deleted(ListLog):
        """The clock is gone, the entries are still there."""

        async def clocks(self, topics: Sequence[Topic]) -> Mapping[Topic, Clock]:
            found = dict(await super().clocks(topics))
            if deleted:
                found.pop(TABLE)
            return found

    deleted: list[bool] = []
    log = Deleted({TABLE: []})
    heard: list[int] = []
    async with (
        a_hub(log, SHORT) as hub,
        hub.watch(TABLE, lambda entries: heard.append(len(entries))),
        hub.subscribe(TABLE, "g", render) as current,
        hub.subscribe(TABLE, "h", render, after=0) as replaying,
    ):
        await started(current)
        await started(replaying)
        for _ in range(3):
            log.append()
        deleted.append(True)
        assert await revisions(current, 3) == [1, 2, 3]
        assert await ended(current) == Ended("deleted")
        assert await revisions(replaying, 3) == [1, 2, 3]
        assert await ended(replaying) == Ended("deleted")
        assert heard == [3, 0]
        async with hub.subscribe(TABLE, "g", render) as late:
            assert await ended(late) == Ended("deleted")


async def test_a_topic_that_never_was_ends_at_once() -> None:
    async with a_hub(ListLog()) as hub, hub.subscribe(TABLE, "g", render) as subscription:
        assert await ended(subscription) == Ended("deleted")


async def test_watching_hears_each_entry_once_and_outlives_its_own_errors() -> None:
    log = a_log(4)
    heard: list[int] = []

    def listen(entries: Sequence[Entry]) -> None:
        heard.extend(entry.revision for entry in entries)
        raise ValueError("a faulty listener")

    async with a_hub(log) as hub, hub.watch(TABLE, listen) as revision:
        assert revision == 4
        async with hub.subscribe(TABLE, "g", render) as subscription:
            await started(subscription)
            for _ in range(3):
                await hub.notify(TABLE, log.append())
            assert await revisions(subscription, 7) == [5, 6, 7]
        assert heard == [5, 6, 7]


async def test_an_unused_topic_is_let_go_and_can_return() -> None:
    log = a_log(0)
    async with a_hub(log, SHORT) as hub:
        for expected in range(5):
            async with hub.subscribe(TABLE, "g", render) as subscription:
                assert await started(subscription) == Started("SNAPSHOT", expected)
                await hub.notify(TABLE, log.append())
                assert await revisions(subscription, expected + 1) == [expected + 1]
            assert (hub.subscribers, hub.groups) == (0, 0)
            await until(lambda: hub.topics == 0)


async def test_cancelled_openings_leave_nothing_behind() -> None:
    log = a_log(0)
    async with a_hub(log, SHORT) as hub:
        for steps in range(12):
            opening = asyncio.create_task(_snapshot_then(hub, 1))
            for _ in range(steps):
                await asyncio.sleep(0)
            opening.cancel()
            await asyncio.gather(opening, return_exceptions=True)
        assert (hub.subscribers, hub.groups) == (0, 0)
        await until(lambda: hub.topics == 0)


async def test_stop_ends_every_subscription_after_what_is_queued() -> None:
    tasks = asyncio.all_tasks()
    log = a_log(30)
    hub = a_hub(log, SHORT)
    await hub.start()
    async with AsyncExitStack() as stack:
        current = await stack.enter_async_context(hub.subscribe(TABLE, "g", render))
        replaying = await stack.enter_async_context(hub.subscribe(TABLE, "g", render, 0))
        await started(current)
        waiting = asyncio.create_task(anext(current))
        await asyncio.sleep(0)
        log.down = True
        opening = asyncio.create_task(_only_end(hub, UUID(int=9)))
        await log.failed.wait()
        await hub.stop()
        assert await waiting == Ended("closed")
        assert await started(replaying) == Started("RESUMED", 0)
        assert await ended(replaying) == Ended("closed")
        assert await opening == Ended("closed")
        async with hub.subscribe(TABLE, "g", render) as late:
            assert await ended(late) == Ended("closed")
    assert asyncio.all_tasks() == tasks


async def _only_end(hub: Hub, table: UUID) -> Ended:
    async with hub.subscribe(Topic("table", table), "g", render) as subscription:
        return await ended(subscription)
