"""A run that is followed: where it stands, then its steps."""

import asyncio
import time
from collections.abc import Sequence
from typing import Any, cast

from domain import runs
from domain.access import Viewer
from domain.run_records import Run as Record
from gql.feeds import Event, Feed
from gql.types.runs import Run, RunProgress
from persistence.change_log import TableEntry
from persistence.storage import PostgresStorage
from realtime.events import Started
from realtime.log import Topic

#: Least time between two events, in seconds.
PAUSE = 0.25


class RunFollower:
    """One per subscriber; that of one member renders for its whole group. Each step of a run is an
    entry of the table's log; an event tells where the run stands when it is made, not at the
    entry."""

    def __init__(self, viewer: Viewer, storage: PostgresStorage, run: Record) -> None:
        self._viewer = viewer
        self._storage = storage
        self._run = run
        self._told = 0.0

    def feed(self) -> Feed:
        """The stream from the present on."""
        topic = Topic("table", self._run.table_id)
        return Feed(topic, None, self._begin, self._events, _is_over)

    async def _begin(self, started: Started) -> Event:
        return await self._now(started.revision)

    async def _events(self, entries: Sequence[TableEntry]) -> list[Any]:
        ours = [each for each in entries if each.change.cause.get("id") == str(self._run.id)]
        if not ours:
            return []
        await asyncio.sleep(max(0.0, self._told + PAUSE - time.monotonic()))
        return [await self._now(ours[-1].revision)]

    async def _now(self, revision: int) -> RunProgress:
        found = await runs.run_progress(self._viewer, self._storage, self._run.id)
        self._told = time.monotonic()
        return RunProgress(revision=revision, run=Run.of(found))


def _is_over(event: Event) -> bool:
    return cast("RunProgress", event).run.is_over
