"""Live charts: whatever is written, old points and events make the points of a fresh query."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain import charts, rows
from domain.chart_records import Chart, ChartCreate, Point
from domain.columns import ColumnType, NewColumn
from domain.rows import RowChange, RowsUpdate
from gql.chart_stream import ChartFollower
from gql.types.chart_events import ChartPointsChanged, ChartSnapshot
from gql.types.charts import ChartPoint
from tests.charts.drawing import CHANGED, UPDATE, apply, data_of, new_chart
from tests.examples import examples
from tests.gql.documents import add, new_table
from tests.serving import Site, Socket
from tests.worlds import World, open_world

COLUMNS = [
    NewColumn("x", "X", ColumnType.TEXT),
    NewColumn("s", "S", ColumnType.TEXT),
    NewColumn("y", "Y", ColumnType.NUMBER),
    NewColumn("t", "T", ColumnType.TEXT),
    NewColumn("d", "D", ColumnType.DATE),
]
POSITIVE = {"column": "y", "operator": "gte", "value": 0}
CONFIGS: list[dict[str, Any]] = [
    {"type": "pie", "xColumn": "x"},
    {"type": "bar", "xColumn": "x", "aggregation": "count", "top": 2},
    {"type": "bar", "xColumn": "x", "yColumn": "y", "aggregation": "sum", "filter": POSITIVE},
    {"type": "bar", "xColumn": "x", "yColumn": "y", "aggregation": "avg", "top": 1},
    {"type": "bar", "xColumn": "x", "yColumn": "y", "aggregation": "min"},
    {"type": "line", "xColumn": "x", "yColumn": "t", "aggregation": "max"},
    {"type": "line", "xColumn": "d", "bucket": "month", "yColumn": "y", "aggregation": "sum"},
    {"type": "bar", "xColumn": "x", "seriesColumn": "s", "yColumn": "y", "aggregation": "avg"},
    {"type": "scatter", "xColumn": "y", "yColumn": "t"},
    {"type": "histogram", "xColumn": "y", "bins": 4},
    {"type": "bar", "xColumn": "nowhere", "aggregation": "count"},
]
ROW = st.fixed_dictionaries(
    {},
    optional={
        "x": st.none() | st.sampled_from(["a", "b", "c", " ", "Unknown", "Other", "é\"'"]),
        "s": st.none() | st.sampled_from(["p", "q"]),
        "y": st.none() | st.sampled_from([0, 1, 2.005, -3, 1e20, 0.1, -0.1]),
        "t": st.none() | st.sampled_from(["1", "2.5", "text", ""]),
        "d": st.none() | st.sampled_from(["2026-01-01", "2026-01-31", "2026-02-01"]),
    },
)
ADD = st.tuples(st.just("add"), st.lists(ROW, min_size=1, max_size=3))
CHANGE = st.tuples(
    st.sampled_from(["merge", "replace"]),
    st.lists(st.tuples(st.integers(0, 9), ROW), min_size=1, max_size=3),
)
DELETE = st.tuples(st.just("delete"), st.lists(st.integers(0, 9), min_size=1, max_size=3))
SCRIPT = st.lists(ADD | CHANGE | DELETE, min_size=1, max_size=8)


@dataclass
class Desk:
    """A table under edits, its charts, and what fresh queries gave at each revision."""

    world: World
    table_id: UUID
    charts: list[Chart]
    row_ids: list[UUID] = field(default_factory=list)
    seen: dict[tuple[UUID, int], Sequence[Point]] = field(default_factory=dict)

    async def do(self, kind: str, given: Sequence[Any]) -> None:
        """One edit. Places beyond the rows mean the last ones."""
        viewer, storage = self.world.viewer, self.world.storage
        if kind == "add":
            self.row_ids += await self.world.add(self.table_id, *given)
        elif self.row_ids and kind == "delete":
            gone = {self.row_ids[place % len(self.row_ids)] for place in given}
            await rows.delete_rows(viewer, storage, self.table_id, list(gone))
            self.row_ids = [each for each in self.row_ids if each not in gone]
        elif self.row_ids:
            chosen = {self.row_ids[place % len(self.row_ids)]: data for place, data in given}
            changes = [RowChange(row_id, data) for row_id, data in chosen.items()]
            command = RowsUpdate(self.table_id, changes, kind)  # type: ignore[arg-type]
            await rows.update_rows(viewer, storage, command)

    async def look(self) -> int:
        """Ask every chart anew; the table's revision."""
        revision = 0
        for chart in self.charts:
            data = (await charts.chart_state(self.world.viewer, self.world.storage, chart.id)).data
            self.seen[chart.id, data.revision] = data.points
            revision = data.revision
        return revision

    async def follower(self, chart: Chart) -> ChartFollower:
        """One that asks as often as it likes."""
        state = await charts.chart_state(self.world.viewer, self.world.storage, chart.id)
        return ChartFollower(self.world.viewer, self.world.storage, state, pause=0)


@pytest.fixture(scope="module")
async def desk(postgres_url: str) -> AsyncIterator[Desk]:
    async with open_world(postgres_url) as world:
        table_id = await world.table(*COLUMNS)
        made = [
            await charts.create_chart(world.viewer, world.storage, ChartCreate(table_id, "C", each))
            for each in CONFIGS
        ]
        yield Desk(world, table_id, made)


def _take(points: dict[str, ChartPoint], event: Any) -> None:
    """What a client does with an event."""
    if isinstance(event, ChartSnapshot):
        points.clear()
        points |= {point.key: point for point in event.points}
    else:
        assert isinstance(event, ChartPointsChanged)
        points |= {point.key: point for point in event.upserted}
        for key in event.removed:
            points.pop(key, None)


def _as_client(points: Sequence[Point]) -> dict[str, ChartPoint]:
    return {point.key: ChartPoint.of(point) for point in points}


@examples(12)
@given(
    script=SCRIPT,
    slices=st.lists(st.integers(1, 4), min_size=8, max_size=8),
    again=st.lists(st.booleans(), min_size=8, max_size=8),
)
async def test_old_points_and_events_make_the_points_of_a_fresh_query(
    desk: Desk, script: list[tuple[str, Any]], slices: list[int], again: list[bool]
) -> None:
    """Whoever comes in at any revision, however the log is sliced, and when a slice is rendered
    twice, as for a subscriber that had fallen behind."""
    start = await desk.look()
    followers = [await desk.follower(chart) for chart in desk.charts]
    for kind, given_ in script:
        await desk.do(kind, given_)
        await desk.look()
    end = await desk.look()
    for chart, follower in zip(desk.charts, followers, strict=True):
        clients = {at: _as_client(desk.seen[chart.id, at]) for at in range(start, end + 1)}
        reached = dict.fromkeys(clients, 0)
        position, turn = start, 0
        while position < end:
            entries = await desk.world.storage.log.table_entries(
                desk.table_id, position, slices[turn % 8]
            )
            for event in await follower.events(entries):
                for at, points in clients.items():
                    if event.revision > max(at, reached[at]):
                        _take(points, event)
                        reached[at] = event.revision
                        fresh = _as_client(desk.seen[chart.id, event.revision])
                        assert points == fresh, (chart.config, at, event)
            if not again[turn % 8]:
                position = entries[-1].revision
            turn += 1
            again[turn % 8] = again[turn % 8] and turn < 8
        expected = _as_client(desk.seen[chart.id, end])
        assert all(points == expected for points in clients.values()), chart.config


async def test_a_slice_before_or_far_behind_what_is_known_is_bridged_by_a_snapshot(
    desk: Desk,
) -> None:
    chart = desk.charts[2]
    start = await desk.look()
    follower = await desk.follower(chart)
    for number in range(3):
        await desk.do("add", [{"x": "bridge", "y": number}])
    end = await desk.look()
    fresh = _as_client(desk.seen[chart.id, end])
    entries = await desk.world.storage.log.table_entries(desk.table_id, start, 100)
    # The last entry alone: the two before it were never seen.
    # Then all of them, for somebody who stands where the follower stood at first.
    for slice_ in (entries[-1:], entries):
        [event] = await follower.events(slice_)
        assert isinstance(event, ChartSnapshot)
        assert event.revision == end
        assert {point.key: point for point in event.points} == fresh


async def follow(socket: Socket, chart_id: str, after: int | None = None) -> dict[str, Any]:
    await socket.subscribe("1", CHANGED, id=chart_id, after=after)
    return await socket.event("1")


def _pairs(points: Sequence[dict[str, Any]]) -> list[tuple[Any, Any]]:
    return [(point["x"], point["y"]) for point in points]


async def test_a_chart_is_sent_whole_and_then_what_changed(site: Site) -> None:
    table_id = await new_table(site, "x", {"key": "y", "type": "NUMBER"})
    await add(site, table_id, {"x": "a", "y": 1}, {"x": "b", "y": 2})
    chart_id = await new_chart(site, table_id, "x", yColumn="y", aggregation="SUM", top=2)
    async with site.socket() as socket:
        first = await follow(socket, chart_id)
        assert first["__typename"] == "ChartSnapshot"
        assert first["chart"] == {"name": "Chart"}
        assert _pairs(first["points"]) == [("b", 2), ("a", 1)]
        [row] = await add(site, table_id, {"x": "a", "y": 2.5})
        event = await socket.event("1")
        assert event["__typename"] == "ChartPointsChanged"
        assert event["revision"] == first["revision"] + 1
        assert (_pairs(event["upserted"]), event["removed"]) == ([("a", 3.5)], [])
        await add(site, table_id, {"x": "c", "y": 0.25}, {"x": "d", "y": 0.5})
        event = await socket.event("1")
        assert _pairs(event["upserted"]) == [("Other", 0.75)]
        delete = """mutation($t: ID!, $ids: [ID!]!) {
          rowsDelete(input: {tableId: $t, rowIds: $ids}) { revision } }"""
        await site.graphql(delete, t=table_id, ids=[row])
        event = await socket.event("1")
        assert _pairs(event["upserted"]) == [("a", 1)]
        data = await data_of(site, chart_id)
        assert data["revision"] == event["revision"]
        # A client that has these points is not sent them again; one with older ones is.
        for after, kind in ((data["revision"], "ChartPointsChanged"), (1, "ChartSnapshot")):
            async with site.socket() as other:
                event = await follow(other, chart_id, after)
                assert (event["__typename"], event["revision"]) == (kind, data["revision"])


async def test_what_cannot_be_told_one_by_one_comes_whole(site: Site) -> None:
    table_id = await new_table(site, "x", {"key": "y", "type": "NUMBER"})
    chart_id = await new_chart(site, table_id, "x", yColumn="y", aggregation="MAX")
    points: dict[str, Any] = {}
    add_column = """mutation($t: ID!) { columnAdd(input: {tableId: $t, column: {key: "new"}}) {
      errors { message } } }"""
    async with site.socket() as socket:
        apply(points, await follow(socket, chart_id))
        assert points == {}
        ids = await add(site, table_id, {"x": "a", "y": 1}, {"x": "a", "y": 2})
        apply(points, await socket.event("1"))
        assert _pairs(list(points.values())) == [("a", 2)]
        delete = """mutation($t: ID!, $ids: [ID!]!) {
          rowsDelete(input: {tableId: $t, rowIds: $ids}) { revision } }"""
        await site.graphql(delete, t=table_id, ids=ids[1:])
        event = await socket.event("1")
        assert (event["__typename"], _pairs(event["points"])) == ("ChartSnapshot", [("a", 1)])
        await site.graphql(add_column, t=table_id)
        assert (await socket.event("1"))["__typename"] == "ChartSnapshot"
        await site.graphql(UPDATE, input={"chartId": chart_id, "name": "New", "aggregation": "MIN"})
        event = await socket.event("1")
        assert (event["__typename"], event["chart"]) == ("ChartSnapshot", {"name": "New"})


async def test_computed_columns_are_followed_too(site: Site) -> None:
    """What a row computes from itself is told by deltas, what comes of other rows is asked anew."""
    table_id = await new_table(
        site,
        {"key": "y", "type": "NUMBER"},
        {"key": "double", "type": "COMPUTED", "config": {"formula": "y * 2", **_NUMBER}},
        {"key": "share", "type": "COMPUTED", "config": {"formula": "y / sum(y)", **_NUMBER}},
    )
    seen = {"double": [(2, 1), (6, 1)], "share": [(0.25, 1), (0.75, 1)]}
    for key, points in seen.items():
        chart_id = await new_chart(site, table_id, key, aggregation="COUNT")
        async with site.socket() as socket:
            await follow(socket, chart_id)
            ids = await add(site, table_id, {"y": 1}, {"y": 3})
            event = await socket.event("1")
            kind = "ChartPointsChanged" if key == "double" else "ChartSnapshot"
            assert event["__typename"] == kind
            told = event["upserted" if key == "double" else "points"]
            assert sorted(_pairs(told)) == points
            delete = """mutation($t: ID!, $ids: [ID!]!) {
              rowsDelete(input: {tableId: $t, rowIds: $ids}) { revision } }"""
            await site.graphql(delete, t=table_id, ids=ids)


_NUMBER = {"formulaType": "arithmetic", "resultType": "number"}


@pytest.mark.parametrize("table_too", [False, True])
async def test_a_stream_ends_with_its_chart_and_with_its_table(site: Site, table_too: bool) -> None:
    table_id = await new_table(site, "x")
    chart_id = await new_chart(site, table_id, "x", aggregation="COUNT")
    end = "mutation($id: ID!) { %s(input: {%sId: $id}) { deletedId } }"
    async with site.socket() as socket:
        await follow(socket, chart_id)
        noun, id_ = ("table", table_id) if table_too else ("chart", chart_id)
        await site.graphql(end % (f"{noun}Delete", noun), id=id_)
        event = await socket.event("1")
        assert event["__typename"] == ("TableDeleted" if table_too else "ChartDeleted")
        assert event["tableId" if table_too else "chartId"] == id_
        assert (await socket.next("1"))["type"] == "complete"
    async with site.socket() as socket:
        await socket.subscribe("1", CHANGED, id=chart_id)
        message = await socket.next("1")
        assert message["payload"][0]["extensions"]["code"] == "NOT_FOUND"


async def test_subscribers_under_a_writer_all_arrive_at_the_fresh_points(site: Site) -> None:
    table_id = await new_table(site, "x", {"key": "y", "type": "NUMBER"})
    kinds = [("SUM", "BAR"), ("MIN", "BAR"), (None, "SCATTER")]
    ids = [
        await new_chart(site, table_id, "x", type_, yColumn="y", aggregation=function)
        for function, type_ in kinds
    ]

    async def reader(chart_id: str, last: asyncio.Future[int]) -> dict[str, Any]:
        points: dict[str, Any] = {}
        async with site.socket() as socket:
            event = await follow(socket, chart_id)
            apply(points, event)
            while not (last.done() and event["revision"] >= last.result()):
                event = await socket.event("1")
                apply(points, event)
        return points

    last: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    readers = []
    for number in range(30):
        if number % 10 == 0:
            readers += [asyncio.create_task(reader(chart_id, last)) for chart_id in ids]
        await add(site, table_id, {"x": f"x{number % 4}", "y": -number})
    table = await site.graphql("query($t: ID!) { table(id: $t) { revision } }", t=table_id)
    last.set_result(table["table"]["revision"] + 1)
    await add(site, table_id, {"x": "last", "y": -1000})
    for task, chart_id in zip(readers, ids * 3, strict=True):
        fresh = {point["key"]: point for point in (await data_of(site, chart_id))["points"]}
        assert await task == fresh
