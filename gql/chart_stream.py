"""A chart that is followed: its points first, then what each change of the table did to them.

Subscribers share what is rendered, so a frame must suit whoever stands anywhere before it. The
points that one change moved do, because every change that moves any has a frame of its own. A whole
snapshot does, whatever revision it is of; it may be of a later one than the entry it came from."""

import asyncio
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

import strawberry

from domain.access import Viewer
from domain.aggregation import Delta
from domain.changes import ChangeKind
from domain.chart_following import after_change
from domain.chart_points import changes_between, group_points
from domain.charts import ChartState, chart_state
from domain.errors import NotFound
from domain.watching import require_in_scope
from gql.feeds import Event, Feed
from gql.table_events import structure_event
from gql.types.chart_events import ChartDeleted, ChartPointsChanged, ChartSnapshot
from gql.types.charts import points_of
from gql.types.events import TableDeleted
from persistence.change_log import MOST_ROWS, TableEntry
from persistence.storage import PostgresStorage
from realtime.events import Started
from realtime.log import Topic

#: Least time between two fresh queries of one stream, in seconds.
PAUSE = 1.0

_ROWS = frozenset(
    {
        ChangeKind.ROWS_ADDED,
        ChangeKind.ROWS_CHANGED,
        ChangeKind.ROWS_DELETED,
        ChangeKind.CELLS_CHANGED,
    }
)


class ChartFollower:
    """The points of a chart at one revision, carried on by the entries of the table's log.

    One per subscriber; that of one member renders for its whole group."""

    def __init__(
        self, viewer: Viewer, storage: PostgresStorage, state: ChartState, pause: float = PAUSE
    ) -> None:
        self._viewer = viewer
        self._storage = storage
        self._state = state
        self._pause = pause
        self._queried = time.monotonic()
        self._lock = asyncio.Lock()

    @classmethod
    async def open(
        cls, viewer: Viewer, storage: PostgresStorage, chart_id: UUID
    ) -> "ChartFollower":
        """Begin with a fresh query. Raises what `chart_state` raises."""
        return cls(viewer, storage, await chart_state(viewer, storage, chart_id))

    def feed(self, after: int | None) -> Feed:
        """The stream from the revision of the query on: exactly behind it. A client that has the
        points of that very revision is not sent them again."""
        revision = self._state.data.revision

        async def begin(started: Started) -> Event:
            if started.state == "RESUMED" and after == revision:
                return ChartPointsChanged(revision=revision, upserted=[], removed=[])
            if started.state != "RESUMED":
                async with self._lock:
                    await self._query()
            return ChartSnapshot.of(self._state)

        topic = Topic("table", self._state.chart.table_id)
        return Feed(topic, revision, begin, self.events, _is_end)

    async def events(self, entries: Sequence[TableEntry]) -> list[Event]:
        """The events of a slice. It may lie before the points that are known, or with a hole
        behind them: then a snapshot bridges the gap."""
        require_in_scope(self._viewer, entries[-1].shape)
        async with self._lock:
            found: list[Event] = []
            if entries[0].revision <= self._revision:
                found.append(ChartSnapshot.of(self._state))
            ends = [entry for entry in entries if self._ends(entry)]
            pending = [entry for entry in entries if entry.revision > self._revision]
            if pending and not ends:
                found += await self._carry_on(pending)
            return [*found, *(self._end(entry) for entry in ends[:1])]

    @property
    def _revision(self) -> int:
        return self._state.data.revision

    async def _carry_on(self, entries: Sequence[TableEntry]) -> list[Event]:
        if not any(self._matters(entry) for entry in entries):
            if entries[0].revision == self._revision + 1:
                self._advance(entries[-1].revision)
                return []
            return await self._refresh()
        told = await self._by_deltas(entries)
        return await self._refresh() if told is None else told

    async def _by_deltas(self, entries: Sequence[TableEntry]) -> list[Event] | None:
        """What each entry did, told from the rows that it touched; None when that cannot be."""
        state, bound = self._state, self._state.bound
        tallies = state.tallies
        moving = [entry for entry in entries if self._matters(entry)]
        if (
            tallies is None
            or bound.groups is None
            or entries[0].revision != self._revision + 1
            or entries[-1].shape.columns_version != bound.columns_version
            or not all(_is_told(entry) for entry in moving)
        ):
            return None
        revisions = [entry.revision for entry in moving]
        deltas: dict[int, list[Delta]] = defaultdict(list)
        for delta in await self._storage.aggregates.deltas(
            entries[-1].shape, bound.groups, revisions
        ):
            deltas[delta.revision].append(delta)
        events: list[Event] = []
        data = state.data
        for revision in revisions:
            tallies = after_change(bound.plan.function, tallies, deltas[revision])
            if tallies is None:
                return None
            points = group_points(bound.plan, tallies, None, ordered=bound.ordered)
            before, data = data, replace(data, revision=revision, points=points)
            changes = changes_between(before, data)
            if changes.upserted or changes.removed:
                events.append(
                    ChartPointsChanged(
                        revision=revision,
                        upserted=points_of(changes.upserted),
                        removed=[strawberry.ID(key) for key in changes.removed],
                    )
                )
        self._state = replace(state, data=data, tallies=tallies)
        self._advance(entries[-1].revision)
        return events

    async def _refresh(self) -> list[Event]:
        """All points anew, at most once a second. Of a chart that is gone by now, nothing: the
        entry that says so follows."""
        await asyncio.sleep(max(0.0, self._queried + self._pause - time.monotonic()))
        try:
            await self._query()
        except NotFound:
            return []
        return [ChartSnapshot.of(self._state)]

    async def _query(self) -> None:
        self._state = await chart_state(self._viewer, self._storage, self._state.chart.id)
        self._queried = time.monotonic()

    def _advance(self, revision: int) -> None:
        self._state = replace(self._state, data=replace(self._state.data, revision=revision))

    def _matters(self, entry: TableEntry) -> bool:
        """Whether the points may be others after it."""
        change = entry.change
        if change.kind in _ROWS:
            return bool(change.rows_added or change.rows_changed or change.rows_deleted)
        return change.kind is ChangeKind.COLUMNS_CHANGED or self._is_ours(entry)

    def _is_ours(self, entry: TableEntry) -> bool:
        chart = entry.change.details.get("chart") or {}
        return bool(chart.get("id") == str(self._state.chart.id))

    def _ends(self, entry: TableEntry) -> bool:
        if entry.change.kind is ChangeKind.TABLE_DELETED:
            return True
        action = (entry.change.details.get("chart") or {}).get("action")
        return self._is_ours(entry) and action == "deleted"

    def _end(self, entry: TableEntry) -> Event:
        if entry.change.kind is ChangeKind.TABLE_DELETED:
            event: Event = structure_event(entry)
            return event
        # Never before the last snapshot, which may be of a later revision than this entry.
        revision = max(entry.revision, self._revision)
        return ChartDeleted(revision=revision, chart_id=strawberry.ID(str(self._state.chart.id)))


def _is_told(entry: TableEntry) -> bool:
    """Whether what it did to rows is read one by one."""
    change = entry.change
    count = change.rows_added + change.rows_changed + change.rows_deleted
    return change.kind in _ROWS and count <= MOST_ROWS


def _is_end(event: Event) -> bool:
    return isinstance(event, ChartDeleted | TableDeleted)
