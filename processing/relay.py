"""The relay of a worker: brings what happens in tables and organisations to whoever makes something
of it.

It looks whenever the bus says that a log which somebody reads has grown, and once a second in any
case, so that a lost wake-up costs a second. What a look does is `persistence/relay.py`."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from uuid import UUID

import structlog

from persistence.relay import LogKind, Relay
from realtime.bus import Bus
from realtime.log import Topic
from realtime.tasks import end_all

#: Seconds between two looks at all tables.
LOOK_EVERY = 1.0

_log = structlog.get_logger()


async def relay(
    relay: Relay,
    bus: Bus,
    stopping: asyncio.Event,
    every: float = LOOK_EVERY,
    made: asyncio.Event | None = None,
) -> None:
    """Relay until `stopping` is set, and set `made` whenever a consumer made something. A database
    that is away is tried again at the next look."""
    woken = asyncio.Event()
    listener = asyncio.create_task(_listen(bus, woken))
    stopper = asyncio.create_task(_wake_at_end(stopping, woken))
    followed: set[Topic] = set()
    try:
        while not stopping.is_set():
            woken.clear()
            try:
                await _look(relay, stopping, made)
                followed = await _follow(bus, followed, await relay.followed())
            except Exception:
                _log.warning("the relay failed; it is tried again", exc_info=True)
            with suppress(TimeoutError):
                await asyncio.wait_for(woken.wait(), every)
    finally:
        await end_all([listener, stopper])


async def _look(relay: Relay, stopping: asyncio.Event, made: asyncio.Event | None) -> None:
    while not stopping.is_set():
        step = await relay.step()
        if step.made and made is not None:
            made.set()
        if not step.more:
            return


async def _follow(bus: Bus, followed: set[Topic], logs: Mapping[UUID, LogKind]) -> set[Topic]:
    """Listen to the logs that consumers read, and no longer to those that they read before."""
    wanted = {Topic(kind, log_id) for log_id, kind in logs.items()}
    for topic in wanted - followed:
        await bus.subscribe(topic.channel)
    for topic in followed - wanted:
        await bus.unsubscribe(topic.channel)
    return wanted


async def _listen(bus: Bus, woken: asyncio.Event) -> None:
    while True:
        await bus.next_published()
        woken.set()


async def _wake_at_end(stopping: asyncio.Event, woken: asyncio.Event) -> None:
    await stopping.wait()
    woken.set()
