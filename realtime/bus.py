"""Wake-ups between processes. Best effort on purpose: the log holds the truth, the bus only says
"look now". Nothing here fails or delays a writer or a subscriber when Redis is away.

The interface is broadcaster's. Its own Redis backend is not used: the first subscriber of a process
received nothing, and a dropped connection left all subscribers waiting in silence.
"""

import asyncio
import contextlib
import random
from collections import deque
from typing import Any
from urllib.parse import urlsplit

import structlog
from broadcaster import BroadcastBackend, Event
from redis.asyncio import Redis
from redis.asyncio.client import PubSub
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from realtime.tasks import end_all

logger = structlog.get_logger(__name__)

GAP = Event(channel="", message="")
"""Published by a bus to its own process: messages may have been lost, look at everything."""

OUTBOX_MESSAGES = 10_000
INBOX_MESSAGES = 10_000
CHANNELS_PER_COMMAND = 500
ANSWER_SECONDS = 1.0  # how long one answer of Redis may take before the connection counts as lost
IDLE_SECONDS = 5.0  # silence after which the connection is tested with a ping
FIRST_DELAY_SECONDS = 0.05
LAST_DELAY_SECONDS = 1.0

Bus = BroadcastBackend


def open_bus(url: str) -> Bus:
    """The bus for a URL: `redis://`, `rediss://`, `unix://`, or `memory://` for a single process.

    Not connected yet; call `connect`. Raises ValueError for any other scheme.
    """
    scheme = urlsplit(url).scheme
    if scheme in ("redis", "rediss", "unix"):
        return RedisBackend(url)
    if scheme == "memory":
        return MemoryBackend(url)
    raise ValueError(
        f"REDIS_URL must begin with redis://, rediss://, unix:// or memory://: {url!r}"
    )


class MemoryBackend(BroadcastBackend):
    """A bus within one process."""

    def __init__(self, url: str) -> None:
        self._channels: set[str] = set()
        self._events: asyncio.Queue[Event] = asyncio.Queue()

    async def connect(self) -> None:
        self._events = asyncio.Queue()

    async def disconnect(self) -> None:
        self._channels.clear()

    async def subscribe(self, group: str) -> None:
        self._channels.add(group)

    async def unsubscribe(self, group: str) -> None:
        self._channels.discard(group)

    async def publish(self, channel: str, message: Any) -> None:
        if channel in self._channels:
            self._events.put_nowait(Event(channel, message))

    async def next_published(self) -> Event:
        return await self._events.get()


def _client(url: str, retries: int) -> Redis:
    return Redis.from_url(
        url,
        socket_timeout=ANSWER_SECONDS,
        socket_connect_timeout=ANSWER_SECONDS,
        retry=Retry(NoBackoff(), retries),
    )


class RedisBackend(BroadcastBackend):
    """A bus over Redis or anything that speaks its protocol.

    One connection listens, another publishes; each is mended in the background.
    `dropped` counts the messages that could not be published.
    """

    def __init__(self, url: str) -> None:
        # Reconnecting the listener is done here, in the open: a hidden reconnect is a hidden gap.
        self._listener = _client(url, retries=0)
        # One silent retry, because the pooled connection is stale after a restart of Redis.
        self._publisher = _client(url, retries=1)
        self.dropped = 0
        self._outbox: deque[tuple[str, str]] = deque()
        self._outbox_filled = asyncio.Event()
        self._inbox: asyncio.Queue[Event] = asyncio.Queue(INBOX_MESSAGES)
        self._wanted: set[str] = set()
        self._anything_wanted = asyncio.Event()
        self._waiting: dict[str, asyncio.Future[None]] = {}
        self._unconfirmed: set[str] = set()
        self._gap = False
        self._pubsub: PubSub | None = None
        self._trying = True
        self._sending = asyncio.Lock()
        self._tasks: list[asyncio.Task[None]] = []

    async def connect(self) -> None:
        """Start the background work. Redis need not be there."""
        self._tasks = [
            asyncio.create_task(self._keep_listening()),
            asyncio.create_task(self._keep_publishing()),
        ]

    async def disconnect(self) -> None:
        await end_all(self._tasks)
        self._tasks = []
        await self._listener.aclose()
        await self._publisher.aclose()

    async def publish(self, channel: str, message: Any) -> None:
        """Hand a message over for sending. Returns at once and never fails."""
        if len(self._outbox) >= OUTBOX_MESSAGES:
            self._outbox.popleft()
            self.dropped += 1
        self._outbox.append((channel, message))
        self._outbox_filled.set()

    async def next_published(self) -> Event:
        """The next message of a subscribed channel, or `GAP`."""
        return await self._inbox.get()

    async def subscribe(self, group: str) -> None:
        """Listen to a channel.

        Returns when Redis has confirmed it: no message after that is missed. If Redis is away it
        returns too, and the late confirmation comes as a `GAP`.
        """
        self._wanted.add(group)
        self._anything_wanted.set()
        if self._pubsub is None and not self._trying:
            return
        waiter = self._waiting.setdefault(group, asyncio.get_running_loop().create_future())
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(ANSWER_SECONDS):
                if self._pubsub is not None:
                    await self._send(self._pubsub, [group])
                await asyncio.shield(waiter)
        if self._waiting.get(group) is waiter:
            del self._waiting[group]

    async def unsubscribe(self, group: str) -> None:
        self._wanted.discard(group)
        pubsub = self._pubsub
        if pubsub is None:
            return
        with contextlib.suppress(Exception):
            async with self._sending:
                await pubsub.unsubscribe(group)

    async def _send(self, pubsub: PubSub, channels: list[str]) -> None:
        """Ask for channels. A broken connection is left to the listener, which asks again."""
        self._unconfirmed.update(channels)
        with contextlib.suppress(Exception):
            async with self._sending:
                await pubsub.subscribe(*channels)

    async def _keep_listening(self) -> None:
        delay = FIRST_DELAY_SECONDS
        while True:
            # A process that only publishes holds no listening connection.
            await self._anything_wanted.wait()
            pubsub = self._listener.pubsub()
            try:
                await pubsub.connect()  # type: ignore[no-untyped-call]
                delay = FIRST_DELAY_SECONDS
                await self._listen(pubsub)
            except Exception as error:
                logger.warning("bus_lost", error=repr(error), delay=delay)
            finally:
                self._pubsub = None
                self._trying = False
                self._unconfirmed.clear()
                self._release()
                with contextlib.suppress(Exception):
                    await pubsub.aclose()  # type: ignore[no-untyped-call]
            # Jitter: all processes lose the same Redis at the same moment.
            await asyncio.sleep(delay * random.uniform(0.5, 1.0))  # noqa: S311
            delay = min(delay * 2, LAST_DELAY_SECONDS)

    async def _listen(self, pubsub: PubSub) -> None:
        self._pubsub = pubsub
        wanted = list(self._wanted)
        for start in range(0, len(wanted), CHANNELS_PER_COMMAND):
            await self._send(pubsub, wanted[start : start + CHANNELS_PER_COMMAND])
        tested = False
        while True:
            message = await pubsub.get_message(timeout=ANSWER_SECONDS if tested else IDLE_SECONDS)
            if message is not None:
                tested = False
                await self._receive(message)
            elif tested:
                raise TimeoutError("no answer to a ping")
            else:
                # A connection that was cut without a word looks exactly like a quiet one.
                tested = True
                async with self._sending:
                    await pubsub.ping()

    async def _receive(self, message: dict[str, Any]) -> None:
        if message["type"] == "message":
            await self._inbox.put(Event(message["channel"].decode(), message["data"].decode()))
        elif message["type"] == "subscribe":
            channel = message["channel"].decode()
            self._unconfirmed.discard(channel)
            waiter = self._waiting.pop(channel, None)
            if waiter is None:
                # Nobody waits for it, so the channel was in use before: after a reconnect, or its
                # subscriber went on without Redis. What was said in between is lost.
                self._gap = True
            elif not waiter.done():
                waiter.set_result(None)
            if self._gap and not self._unconfirmed:
                self._gap = False
                await self._inbox.put(GAP)

    def _release(self) -> None:
        """Let subscribers go on without Redis."""
        for waiter in self._waiting.values():
            if not waiter.done():
                waiter.set_result(None)
        self._waiting.clear()

    async def _keep_publishing(self) -> None:
        delay = FIRST_DELAY_SECONDS
        while True:
            await self._outbox_filled.wait()
            messages = list(self._outbox)
            self._outbox.clear()
            self._outbox_filled.clear()
            try:
                async with self._publisher.pipeline(transaction=False) as pipeline:
                    for channel, message in messages:
                        pipeline.publish(channel, message)
                    await pipeline.execute()
                delay = FIRST_DELAY_SECONDS
            except Exception as error:
                # Not sent again: the other processes look at their clocks every second anyway.
                self.dropped += len(messages)
                logger.warning("bus_publish_failed", error=repr(error), dropped=len(messages))
                await asyncio.sleep(delay)
                delay = min(delay * 2, LAST_DELAY_SECONDS)
