"""The live hub of one process: brings every change of a log to everybody who follows it.

It loses nothing and doubles nothing, because it only ever sends what it has read from the log in
order; the bus just shortens the wait. A change takes this way: commit, `notify` or the bus,
`FollowedTopic` reads the log once, `Group` renders it once, `Subscription` queues it.
"""

import asyncio
from collections.abc import AsyncIterator, Hashable
from contextlib import asynccontextmanager
from types import TracebackType

from realtime.bus import GAP, Bus
from realtime.clocks import Clocks
from realtime.events import Counters, Limits, Render
from realtime.log import LogReader, Topic
from realtime.runtime import Closed, Runtime
from realtime.subscription import Subscription
from realtime.topics import FollowedTopic, Listener


class Hub:
    """One per process, used as an async context manager. It connects and disconnects its bus."""

    def __init__(self, bus: Bus, log: LogReader, limits: Limits | None = None) -> None:
        self._bus = bus
        self._runtime = Runtime(log, limits or Limits())
        self._topics: dict[str, FollowedTopic] = {}
        self._clocks = Clocks(self._runtime, self._topics.values)

    @property
    def counters(self) -> Counters:
        """Totals: frames, gaps, resets, reads, renders, failures."""
        return self._runtime.counters

    @property
    def topics(self) -> int:
        """Topics followed now."""
        return len(self._topics)

    @property
    def groups(self) -> int:
        """Groups of live subscribers now."""
        return sum(len(topic.groups) for topic in self._topics.values())

    @property
    def subscribers(self) -> int:
        """Open subscriptions now."""
        return sum(len(topic.subscribers) for topic in self._topics.values())

    async def __aenter__(self) -> "Hub":
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.stop()

    async def start(self) -> None:
        """Connect the bus and begin to poll. Neither Redis nor PostgreSQL need be there yet."""
        await self._bus.connect()
        self._runtime.spawn(self._listen())
        self._runtime.spawn(self._clocks.run())
        self._runtime.spawn(self._retire())

    async def stop(self) -> None:
        """End all subscriptions with `Ended("closed")` and all background work."""
        await self._runtime.stop()
        for topic in self._topics.values():
            for subscriber in tuple(topic.subscribers):
                subscriber.end("closed")
        await self._bus.disconnect()

    async def notify(self, topic: Topic, revision: int) -> None:
        """A change was committed: wake this process and, over the bus, the others. Never fails."""
        followed = self._topics.get(topic.channel)
        if followed is not None:
            followed.wake(revision)
        await self._bus.publish(topic.channel, str(revision))

    @asynccontextmanager
    async def subscribe(
        self, topic: Topic, group_key: Hashable, render: Render, after: int | None = None
    ) -> AsyncIterator[Subscription]:
        """Follow a topic: from the present, or from the revision `after` (0 is the beginning).

        Subscribers with the same topic and `group_key` must get the same bytes: the first one's
        `render` is used for all. Waits while the log is unreachable; never raises for that.
        """
        try:
            followed = await self._follow(topic)
        except Closed:
            followed = FollowedTopic(topic, self._runtime)
            followed.users = 1
        subscription = Subscription(followed, group_key, render)
        followed.subscribers.add(subscription)
        try:
            await self._begin(subscription, after)
            yield subscription
        finally:
            # Without an await: a cancelled consumer must not leave anything behind.
            subscription.close()
            followed.subscribers.discard(subscription)
            followed.users -= 1

    @asynccontextmanager
    async def watch(self, topic: Topic, listener: Listener) -> AsyncIterator[int]:
        """Call `listener` with every slice of entries from now on; gives the revision of now.

        For what this process itself keeps up to date, not for clients: the call must not block.
        Raises `Closed` if the hub closes before the log could be reached.
        """
        followed = await self._follow(topic)
        followed.listeners.append(listener)
        try:
            yield followed.revision
        finally:
            followed.listeners.remove(listener)
            followed.users -= 1

    async def _begin(self, subscription: Subscription, after: int | None) -> None:
        if self._runtime.closing:
            subscription.end("closed")
            return
        try:
            await subscription.begin(after, self._clocks)
        except Closed:
            subscription.end("closed")

    async def _follow(self, topic: Topic) -> FollowedTopic:
        """The topic with one more user, its bus channel confirmed and its clock read after that."""
        followed = self._topics.get(topic.channel)
        if followed is None:
            followed = self._topics[topic.channel] = FollowedTopic(topic, self._runtime)
        followed.users += 1
        try:
            async with followed.lock:
                if not followed.open:
                    await self._bus.subscribe(topic.channel)
                    followed.start(await self._clocks.ask(followed))
        except BaseException:
            followed.users -= 1
            raise
        return followed

    async def _listen(self) -> None:
        while True:
            event = await self._bus.next_published()
            followed = self._topics.get(event.channel)
            if event is GAP or not str(event.message).isdecimal():
                self._clocks.poll_now()
            elif followed is not None:
                followed.wake(int(event.message))

    async def _retire(self) -> None:
        """Let go of topics nobody uses, once a second: leaving stays free of awaits, and a client
        that comes right back finds its topic still followed."""
        while True:
            await asyncio.sleep(self._runtime.limits.poll_seconds)
            for followed in [topic for topic in self._topics.values() if topic.users == 0]:
                async with followed.lock:
                    if followed.users == 0:
                        followed.open = False
                        await self._bus.unsubscribe(followed.topic.channel)
                    # Whoever came during the unsubscribe waits for the lock and starts anew.
                    if followed.users == 0:
                        del self._topics[followed.topic.channel]
