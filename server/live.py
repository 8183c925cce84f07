"""Joins storage and the live hub, which do not know each other: commits wake the hub, the hub
reads the log."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from typing import cast
from uuid import UUID

from domain.extraction_records import JobStep
from domain.workflow_records import RunChange
from persistence.change_log import ChangeLog, OrganizationEntry, TableEntry
from realtime.hub import Hub
from realtime.log import Clock, Topic, TopicKind
from realtime.runtime import Closed


class LogAdapter:
    """The hub's `LogReader` over the change log in PostgreSQL."""

    def __init__(self, log: ChangeLog) -> None:
        self._log = log

    async def clocks(self, topics: Sequence[Topic]) -> Mapping[Topic, Clock]:
        found = await self._log.clocks([(topic.kind, topic.id) for topic in topics])
        return {
            Topic(kind, id_): Clock(revision, oldest)
            for (kind, id_), (revision, oldest) in found.items()
        }

    async def read(
        self, topic: Topic, after: int, limit: int
    ) -> Sequence[TableEntry | OrganizationEntry | RunChange | JobStep]:
        if topic.kind == "table":
            return await self._log.table_entries(topic.id, after, limit)
        if topic.kind == "workflow":
            return await self._log.workflow_entries(topic.id, after, limit)
        if topic.kind == "extraction":
            return await self._log.extraction_entries(topic.id, after, limit)
        return await self._log.organization_entries(topic.id, after, limit)


class JobWaiter:
    """Waits for extraction jobs by their steps. Nothing is asked of the database in between."""

    def __init__(self, hub: Hub, seconds: float) -> None:
        self._hub = hub
        self._seconds = seconds

    async def __call__(self, job_id: UUID, is_over: Callable[[], Awaitable[bool]]) -> bool:
        """Whether the job was over before the time was up."""
        moved = asyncio.Event()
        limit = asyncio.timeout(self._seconds)
        with suppress(Closed):
            try:
                async with (
                    limit,
                    self._hub.watch(Topic("extraction", job_id), lambda _: moved.set()),
                ):
                    while True:
                        moved.clear()
                        if await is_over():
                            return True
                        await moved.wait()
            except TimeoutError:
                # A database that is too slow says the same, and is no end of the time.
                if not limit.expired():
                    raise
        return False


class Wakeups:
    """What storage calls after a commit. It returns at once; the hub is told in the background,
    and a wake-up that is lost costs a poll interval, never a change."""

    def __init__(self) -> None:
        self._hub: Hub | None = None
        self._running: set[asyncio.Task[None]] = set()

    def attach(self, hub: Hub) -> None:
        """From now on commits wake this hub."""
        self._hub = hub

    def __call__(self, kind: str, id_: UUID, revision: int) -> None:
        if self._hub is None:
            return
        topic = Topic(cast(TopicKind, kind), id_)
        task = asyncio.create_task(self._hub.notify(topic, revision))
        self._running.add(task)
        task.add_done_callback(self._running.discard)
