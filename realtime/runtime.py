"""What all parts of a hub share: the log behind a retry, the counters, the background tasks."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import TypeVar

import structlog

from realtime.events import Batch, Counters, Limits, Render
from realtime.log import Entry, LogReader, Topic, Unavailable
from realtime.tasks import end_all

logger = structlog.get_logger(__name__)
T = TypeVar("T")


class Closed(Exception):
    """The hub is closing; whoever waits for it gives up."""


class Runtime:
    def __init__(self, log: LogReader, limits: Limits) -> None:
        self.log = log
        self.limits = limits
        self.counters = Counters()
        self._closing = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def closing(self) -> bool:
        return self._closing.is_set()

    def spawn(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        """Run in the background until done or until the hub stops. An exception is logged."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if task.cancelled():
            return
        error = task.exception()
        if error is not None and not isinstance(error, Closed):
            logger.error("live_task_failed", exc_info=error)

    async def stop(self) -> None:
        self._closing.set()
        await end_all(list(self._tasks))

    async def pause(self, seconds: float) -> None:
        """Wait, but not beyond the end of the hub. Raises `Closed` then."""
        try:
            async with asyncio.timeout(seconds):
                await self._closing.wait()
        except TimeoutError:
            return
        raise Closed

    async def retry(
        self, call: Callable[[], Awaitable[T]], what: str, on: type[Exception] = Exception
    ) -> T:
        """The answer of `call`, however often it failed with `on` before. `Closed` at the end."""
        delay = self.limits.first_retry_seconds
        while not self.closing:
            try:
                return await call()
            except on as error:
                self.counters.failures += 1
                logger.warning("live_retry", what=what, error=repr(error), delay=delay)
            await self.pause(delay)
            delay = min(delay * 2, self.limits.last_retry_seconds)
        raise Closed

    async def read(self, topic: Topic, after: int) -> Sequence[Entry]:
        """The next slice of the log after a revision; empty if there is none."""
        self.counters.log_reads += 1

        async def read() -> Sequence[Entry]:
            # A connection cut without a word would otherwise hold this reader for ever.
            async with asyncio.timeout(self.limits.read_seconds):
                return await self.log.read(topic, after, self.limits.slice_entries)

        return await self.retry(read, "log read")

    async def render(self, render: Render, after: int, entries: Sequence[Entry]) -> Batch:
        """The slice as a batch. Raises what `render` raises, except `Unavailable`."""
        self.counters.renders += 1
        frames = tuple(await self.retry(lambda: render(entries), "render", Unavailable))
        size = sum(len(frame.payload) for frame in frames)
        upto = max(entries[-1].revision, frames[-1].revision if frames else 0)
        return Batch(after, upto, frames, size)
