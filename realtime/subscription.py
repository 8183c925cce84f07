"""One subscriber: first the log at its own pace, then live, and back to the log when it is slow."""

import asyncio
from collections.abc import Hashable, Iterator, Sequence
from itertools import chain

import structlog

from realtime.clocks import Clocks
from realtime.events import Batch, Ended, EndReason, Item, Render, ResetReason, Started
from realtime.runtime import Closed
from realtime.topics import FollowedTopic, Group

logger = structlog.get_logger(__name__)


class Subscription:
    """An asynchronous iterator of `Started`, `Frame`s and at last `Ended`; for one consumer.

    Replaying is done inside the consumer's own `__anext__`: no task per subscriber, and a slow
    consumer replays slowly without holding more than a slice. Cancelling `__anext__` loses nothing.
    """

    __slots__ = (
        "_bytes",
        "_ended",
        "_epoch",
        "_frames",
        "_group",
        "_items",
        "_key",
        "_over",
        "_position",
        "_queue",
        "_render",
        "_replayed",
        "_topic",
        "_waiter",
    )

    def __init__(self, topic: FollowedTopic, key: Hashable, render: Render) -> None:
        self._topic = topic
        self._key = key
        self._render = render
        self._position = 0  # the last revision that is queued, delivered or filtered out
        self._epoch = topic.epoch
        self._group: Group | None = None  # None while the log is replayed
        self._replayed = 0
        self._queue: list[Sequence[Item]] = []
        self._frames = 0
        self._bytes = 0
        self._items: Iterator[Item] = iter(())
        self._ended: EndReason | None = None
        self._over = False
        self._waiter: asyncio.Future[None] | None = None

    async def begin(self, after: int | None, clocks: Clocks) -> None:
        """Decide how the stream starts and queue its `Started`. The topic is already followed."""
        topic = self._topic
        if topic.gone:
            self.end("deleted")
            return
        # What this process has read itself is enough to resume from; that spares a statement per
        # client when a thousand of them reconnect.
        if after is not None and topic.oldest <= after <= topic.revision:
            self._resume(after, topic.revision)
            return
        clock = await clocks.ask(topic)
        if clock is None:
            self.end("deleted")
        elif after is None:
            self._start(Started("SNAPSHOT", clock.revision))
        elif after > clock.revision:
            self._restart("AHEAD_OF_LOG", clock.revision)
        elif after < clock.oldest:
            self._restart("LOG_PRUNED", clock.revision)
        else:
            self._resume(after, clock.revision)

    def _resume(self, after: int, revision: int) -> None:
        if revision - after > self._topic.runtime.limits.replay_entries:
            self._restart("TOO_FAR", revision)
        else:
            self._start(Started("RESUMED", after))

    def _restart(self, reason: ResetReason, revision: int) -> None:
        self._topic.runtime.counters.resets += 1
        self._start(Started("RESET", revision, reason))

    def _start(self, started: Started) -> None:
        self._position = started.revision
        self._epoch = self._topic.epoch
        self._replayed = 0
        self._put((started,))

    def offer(self, batch: Batch) -> None:
        """Queue a live batch, or fall back to the log when the consumer is too slow for it."""
        if batch.upto <= self._position:
            return
        frames = batch.beyond(self._position)
        if frames:
            limits = self._topic.runtime.limits
            full = self._frames + len(frames) > limits.queue_frames
            full = full or self._bytes + batch.size > limits.queue_bytes
            if full and self._queue:
                self._fall_behind()
                return
            self._frames += len(frames)
            self._bytes += batch.size
            self._put(frames)
        self._position = batch.upto

    def _fall_behind(self) -> None:
        """What is queued stays. After it the consumer reads the log from its last revision."""
        self._topic.runtime.counters.gaps += 1
        self._replayed = 0
        self._epoch = self._topic.epoch
        self._leave()

    def reset(self, reason: ResetReason, revision: int) -> None:
        if reason == "AHEAD_OF_LOG" or self._position < revision:
            self._restart(reason, revision)

    def end(self, reason: EndReason) -> None:
        """Let the consumer take what is queued, then `Ended`."""
        self._leave()
        if self._ended is None:
            self._ended = reason
        self._notify()

    def close(self) -> None:
        """The consumer has gone."""
        self._leave()
        self._over = True
        self._queue = []
        self._items = iter(())

    def __aiter__(self) -> "Subscription":
        return self

    async def __anext__(self) -> Item:
        while True:
            item = next(self._items, None)
            if item is not None:
                return item
            if self._over:
                raise StopAsyncIteration
            await self._refill()

    async def _refill(self) -> None:
        if self._queue:
            self._topic.runtime.counters.frames_sent += self._frames
            self._items = chain.from_iterable(self._queue)
            self._queue = []
            self._frames = self._bytes = 0
        elif self._ended is not None:
            self._items = iter((Ended(self._ended),))
            self._over = True
        elif self._group is not None:
            await self._wait()
        else:
            await self._replay()

    async def _replay(self) -> None:
        try:
            await self._step()
        except Closed:
            self.end("closed")
        except Exception:
            logger.exception("live_render_failed", topic=self._topic.topic.channel)
            self.end("error")

    async def _step(self) -> None:
        """One slice of the log, or the change to live. Between the last check and the change there
        is no await: nothing can slip through."""
        topic, after = self._topic, self._position
        limits = topic.runtime.limits
        if self._epoch != topic.epoch:
            self._restart("AHEAD_OF_LOG", topic.revision)
        elif topic.revision - after > limits.replay_entries:
            self._restart("TOO_FAR", topic.revision)
        elif after < topic.front(self._key):
            await self._replay_slice(after)
        elif topic.finished:
            self.end("deleted")
        else:
            self._group = topic.join(self, self._key, self._render, after)

    async def _replay_slice(self, after: int) -> None:
        topic = self._topic
        entries = await topic.entries(after)
        if self._epoch != topic.epoch:
            return
        if not entries or entries[0].revision != after + 1:
            self._restart("LOG_PRUNED", max(topic.revision, topic.front(self._key)))
            return
        batch = await topic.runtime.render(self._render, after, entries)
        self._replayed += batch.size
        if self._replayed > topic.runtime.limits.replay_bytes:
            self._restart("TOO_FAR", topic.revision)
            return
        self._position = batch.upto
        self._frames += len(batch.frames)
        self._put(batch.frames)

    def _leave(self) -> None:
        if self._group is not None:
            self._group.leave(self)
            self._group = None

    def _put(self, items: Sequence[Item]) -> None:
        if items:
            self._queue.append(items)
            self._notify()

    def _notify(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def _wait(self) -> None:
        self._waiter = asyncio.get_running_loop().create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None
