"""Sending deliveries of webhooks: a few at once to each endpoint, so that a slow one holds up
nobody else.

What is due and in which order, `persistence/webhook_sending.py` decides. An endpoint that fails and
fails is asked with one delivery now and then; the first success lets all the others go out."""

import asyncio
from collections import Counter
from contextlib import suppress
from datetime import timedelta
from uuid import UUID

import structlog

from domain.webhook_records import Outgoing
from persistence.jobs import out_of_reach
from persistence.storage import PostgresStorage
from persistence.webhook_sending import Due, Health, Result
from processing.outbound import Outbound
from processing.webhook_requests import (
    GONE,
    Clock,
    HttpReceiver,
    Receiver,
    attempt,
    system_clock,
)

#: Requests to one endpoint at the same time, by one worker.
AT_ONCE = 16
#: Requests of one worker in all, and to the endpoints of one organisation: who has a hundred slow
#: ones holds up nobody else.
AT_ONCE_IN_ALL = 512
AT_ONCE_OF_ONE = 128
#: Seconds between two looks; the relay of the same worker wakes it before.
LOOK_EVERY = 1.0
#: How long every attempt has to fail before an endpoint is disabled.
PATIENCE = timedelta(days=5)
ACTOR = "webhooks"

#: Endpoints that talk to the database at the same time; more would take all its connections.
_STORING_AT_ONCE = 4
#: How long attempts that run may go on when the worker stops.
_LAST_SECONDS = 5.0
#: Never reached: only the beginning of an answer is read.
_MOST_BYTES = 1_000_000

_GONE = "It answered with status 410: gone"
_DISABLED = "Every attempt failed for 5 days"

_log = structlog.get_logger()


class Deliverer:
    """Sends what is due. One for a process."""

    def __init__(
        self,
        storage: PostgresStorage,
        receiver: Receiver,
        *,
        clock: Clock = system_clock,
        at_once: int = AT_ONCE,
    ) -> None:
        self._storage = storage
        self._receiver = receiver
        self._clock = clock
        self._at_once = at_once
        self._busy: dict[UUID, asyncio.Task[None]] = {}
        self._under_way: Counter[UUID] = Counter()
        self._storing = asyncio.Semaphore(_STORING_AT_ONCE)
        self._stopping = False

    async def run(
        self, stopping: asyncio.Event, woken: asyncio.Event, every: float = LOOK_EVERY
    ) -> None:
        """Send until `stopping` is set. A database that is away is tried again at the next look."""
        while not stopping.is_set():
            woken.clear()
            try:
                await self.look()
            except Exception:
                _log.warning("deliveries failed; they are tried again", exc_info=True)
            await _first_of(stopping, woken, every)
        await self._stop()

    async def look(self) -> None:
        """Begin to send to every endpoint that something is due for."""
        for due in await self._storage.webhook_sending.due(self._clock(), list(self._busy)):
            self._busy[due.webhook_id] = asyncio.create_task(self._serve(due))

    async def settle(self) -> None:
        """Send all that is due now, and wait for the ends."""
        while True:
            await self.look()
            if not self._busy:
                return
            await asyncio.gather(*self._busy.values(), return_exceptions=True)

    async def _stop(self) -> None:
        """What still runs after some seconds is cut off; it goes out again when its lease ends."""
        self._stopping = True
        if self._busy:
            _, late = await asyncio.wait(self._busy.values(), timeout=_LAST_SECONDS)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    async def _serve(self, due: Due) -> None:
        try:
            await self._send_all(due)
        except Exception as error:
            if not out_of_reach(error):
                _log.exception("an endpoint cannot be served", webhook_id=str(due.webhook_id))
        finally:
            self._busy.pop(due.webhook_id, None)

    async def _send_all(self, due: Due) -> None:
        """Send what is due for one endpoint until nothing is left, or it fails too often."""
        running: set[asyncio.Task[Result]] = set()
        goes_on = True
        try:
            while True:
                room = self._at_once - len(running)
                if goes_on and room and not self._stopping:
                    running |= await self._begin(due, room)
                if not running:
                    return
                done, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
                health = await self._store(due, [task.result() for task in done])
                goes_on = not health.probing
        finally:
            for task in running:
                task.cancel()

    async def _begin(self, due: Due, wanted: int) -> set[asyncio.Task[Result]]:
        """Take what can be sent at once, and no more: the lease of what is taken runs."""
        own = due.organization_id
        free = AT_ONCE_IN_ALL - self._under_way.total()
        room = min(wanted, free, AT_ONCE_OF_ONE - self._under_way[own])
        if room <= 0:
            return set()
        self._under_way[own] += room
        taken: list[Outgoing] = []
        try:
            async with self._storing:
                now = self._clock()
                taken = await self._storage.webhook_sending.take(due.webhook_id, now, room)
        finally:
            self._freed(own, room - len(taken))
        return {self._attempted(own, each) for each in taken}

    def _attempted(self, organization_id: UUID, outgoing: Outgoing) -> asyncio.Task[Result]:
        task = asyncio.create_task(attempt(self._receiver, outgoing, self._clock))
        task.add_done_callback(lambda _: self._freed(organization_id, 1))
        return task

    def _freed(self, organization_id: UUID, count: int) -> None:
        self._under_way[organization_id] -= count
        if not self._under_way[organization_id]:
            del self._under_way[organization_id]

    async def _store(self, due: Due, results: list[Result]) -> Health:
        now = self._clock()
        async with self._storing:
            health = await self._storage.webhook_sending.finish(due.webhook_id, results, now)
        reason = None
        if any(each.attempt.status_code == GONE for each in results):
            reason = _GONE
        elif health.failing_since is not None and now - health.failing_since >= PATIENCE:
            reason = _DISABLED
        if reason is not None:
            _log.warning("a webhook is disabled", webhook_id=str(due.webhook_id), reason=reason)
            await self._storage.webhooks.disable(due.organization_id, ACTOR, due.webhook_id, reason)
        return health


async def deliver(
    storage: PostgresStorage, outbound: Outbound, stopping: asyncio.Event, woken: asyncio.Event
) -> None:
    """Send what is due until `stopping` is set."""
    transport = outbound.transport(connections=AT_ONCE_IN_ALL, most_bytes=_MOST_BYTES)
    receiver = HttpReceiver(transport)
    try:
        await Deliverer(storage, receiver).run(stopping, woken)
    finally:
        await receiver.aclose()


async def _first_of(stopping: asyncio.Event, woken: asyncio.Event, seconds: float) -> None:
    waiting = [asyncio.create_task(stopping.wait()), asyncio.create_task(woken.wait())]
    try:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in waiting:
            task.cancel()
