"""The test's own data source: a log in a list, which can be cut off like a database."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from uuid import UUID

from realtime.events import Ended, Frame, Limits, Started
from realtime.log import Clock, Topic
from realtime.subscription import Subscription

TABLE = Topic("table", UUID(int=1))
SHORT = Limits(poll_seconds=0.05, first_retry_seconds=0.01, last_retry_seconds=0.05)
# No poll within a test: what arrives came by a wake-up.
NO_POLL = Limits(poll_seconds=3600)


@dataclass(frozen=True)
class ListEntry:
    revision: int
    text: str


@dataclass
class ListLog:
    """Logs by topic. While `down`, every call fails; `failures` counts how often that happened."""

    logs: dict[Topic, list[ListEntry]] = field(default_factory=dict)
    pruned: dict[Topic, int] = field(default_factory=dict)
    down: bool = False
    failures: int = 0
    failed: asyncio.Event = field(default_factory=asyncio.Event)
    reads: list[tuple[int, int]] = field(default_factory=list)
    statements: list[int] = field(default_factory=list)

    def append(self, topic: Topic = TABLE, text: str = "") -> int:
        entries = self.logs.setdefault(topic, [])
        revision = entries[-1].revision + 1 if entries else self.pruned.get(topic, 0) + 1
        entries.append(ListEntry(revision, text))
        return revision

    def prune(self, upto: int, topic: Topic = TABLE) -> None:
        self.pruned[topic] = upto
        self.logs[topic] = [entry for entry in self.logs[topic] if entry.revision > upto]

    async def clocks(self, topics: Sequence[Topic]) -> Mapping[Topic, Clock]:
        await self._answer()
        self.statements.append(len(topics))
        return {topic: self._clock(topic) for topic in topics if topic in self.logs}

    def _clock(self, topic: Topic) -> Clock:
        oldest = self.pruned.get(topic, 0)
        entries = self.logs[topic]
        return Clock(entries[-1].revision if entries else oldest, oldest)

    async def read(self, topic: Topic, after: int, limit: int) -> Sequence[ListEntry]:
        await self._answer()
        found = [entry for entry in self.logs.get(topic, []) if entry.revision > after][:limit]
        self.reads.append((after, len(found)))
        return found

    async def _answer(self) -> None:
        await asyncio.sleep(0)
        if self.down:
            self.failures += 1
            self.failed.set()
            raise ConnectionError("the database is away")


async def render(entries: Sequence[ListEntry]) -> list[Frame]:
    """One frame for each entry."""
    return [Frame(entry.revision, entry.text.encode()) for entry in entries]


async def started(subscription: Subscription) -> Started:
    """The next item, which must be a `Started`."""
    async with asyncio.timeout(20):
        item = await anext(subscription)
    assert isinstance(item, Started), item
    return item


async def ended(subscription: Subscription) -> Ended:
    """The next item, which must be the end."""
    async with asyncio.timeout(20):
        item = await anext(subscription)
    assert isinstance(item, Ended), item
    assert [rest async for rest in subscription] == []
    return item


async def revisions(subscription: Subscription, upto: int) -> list[int]:
    """The revisions of the frames until `upto` arrives. Fails on anything but a frame."""
    seen: list[int] = []
    async with asyncio.timeout(20):
        async for item in subscription:
            assert isinstance(item, Frame), item
            seen.append(item.revision)
            if item.revision >= upto:
                return seen
    raise AssertionError(f"ended after {seen[-3:]}")


async def live(*subscriptions: Subscription) -> None:
    """Take the `Started` of subscriptions without a replay, and bring them to the live part."""
    for subscription in subscriptions:
        await started(subscription)
        waiting = asyncio.create_task(anext(subscription))
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)


async def until(condition: Callable[[], bool]) -> None:
    """Let the event loop run until the condition holds."""
    async with asyncio.timeout(20):
        for _ in count():
            if condition():
                return
            await asyncio.sleep(0)
