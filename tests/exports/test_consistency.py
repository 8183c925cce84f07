"""An export is of the revision at which it began, whatever is written while it is read."""

import json
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any
from uuid import UUID

import pytest

from domain import column_editing, rows, tables
from domain.columns import ColumnType, NewColumn
from domain.entities import ColumnUpdate
from domain.errors import Invalid, NotFound, TooLarge
from domain.export_formats import ExportFormat
from domain.exports import Export, ExportRequest, open_export
from domain.filters import RawCondition, RawSort, RawWhere
from domain.history_records import AsOf
from domain.rows import RowChange, RowsUpdate
from persistence import export_sql, exports
from tests.worlds import World

COLUMNS = (
    NewColumn("name", "Name", ColumnType.TEXT),
    NewColumn("n", "N", ColumnType.NUMBER),
)
COUNT = 900

Lines = list[dict[str, Any]]


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Many chunks for few rows."""
    monkeypatch.setattr(exports, "MOST_ROWS", 150)
    monkeypatch.setattr(exports, "MOST_FILTERED", 150)


async def table_of(world: World, count: int = COUNT) -> tuple[UUID, list[UUID]]:
    """A table with numbered rows."""
    table_id = await world.table(*COLUMNS)
    ids = await world.add(
        table_id, *({"name": f"row {n}", "n": n, "loose": n} for n in range(count))
    )
    return table_id, list(ids)


async def opened(world: World, table_id: UUID, **more: Any) -> Export:
    """An export as JSON lines."""
    request = ExportRequest(table_id, ExportFormat.JSONL, **more)
    return await open_export(world.viewer, world.storage, request)


async def lines_of(stream: AsyncIterator[bytes]) -> Lines:
    """What is left of a stream."""
    return [json.loads(line) for line in b"".join([part async for part in stream]).splitlines()]


async def whole(world: World, table_id: UUID, **more: Any) -> Lines:
    """A whole export."""
    return await lines_of((await opened(world, table_id, **more)).stream())


async def begun(stream: AsyncIterator[bytes]) -> Lines:
    """The head and the first chunk."""
    parts = [await anext(stream), await anext(stream)]
    return [json.loads(line) for line in b"".join(parts).splitlines()]


class Writer:
    """Changes a table at random."""

    def __init__(self, world: World, table_id: UUID, ids: Sequence[UUID], seed: int) -> None:
        self.world, self.table_id = world, table_id
        self.ids = list(ids)
        self.random = random.Random(seed)

    async def step(self) -> None:
        """One change of some rows."""
        kinds: list[Callable[[], Awaitable[None]]] = [self.add, self.change, self.change, self.drop]
        await self.random.choice(kinds)()

    async def add(self) -> None:
        data = [{"name": "new", "n": self.random.randrange(COUNT)} for _ in range(20)]
        self.ids += await self.world.add(self.table_id, *data)

    async def change(self) -> None:
        changes = [
            RowChange(id_, {"n": self.random.randrange(COUNT), "name": "changed", "loose": None})
            for id_ in self._some(60)
        ]
        command = RowsUpdate(self.table_id, changes, "merge")
        await rows.update_rows(self.world.viewer, self.world.storage, command)

    async def drop(self) -> None:
        gone = self._some(40)
        await rows.delete_rows(self.world.viewer, self.world.storage, self.table_id, gone)
        self.ids = [id_ for id_ in self.ids if id_ not in set(gone)]

    def _some(self, most: int) -> list[UUID]:
        return self.random.sample(self.ids, self.random.randint(1, most))


REQUESTS: list[dict[str, Any]] = [
    {},
    {"filter": RawWhere("n", "lt", COUNT // 2)},
    {"filter": RawWhere("name", "contains", "row")},
    {"sort": [RawSort("n", "desc"), RawSort("name")]},
    {"sort": [RawSort("name")], "filter": RawWhere("n", "gte", 100)},
    {"limit": 500},
    {"sort": [RawSort("n")], "limit": 300},
    {"columns": ["n"]},
]


@pytest.mark.parametrize("request_", REQUESTS, ids=str)
async def test_what_is_written_meanwhile_is_not_in_it(
    world: World, request_: dict[str, Any]
) -> None:
    table_id, ids = await table_of(world)
    writer = Writer(world, table_id, ids, seed=len(str(request_)))
    for _ in range(3):
        expected = await whole(world, table_id, **request_)
        export = await opened(world, table_id, **request_)
        stream = export.stream()
        found = await begun(stream)
        for _ in range(4):
            await writer.step()
        async for part in stream:
            found += [json.loads(line) for line in part.splitlines()]
            await writer.step()
        assert found == expected
        # The same revision can be read again later, by name.
        as_of = AsOf(revision=export.revision)
        assert await whole(world, table_id, as_of=as_of, **request_) == expected


async def test_every_revision_of_a_table_that_changes(world: World) -> None:
    table_id, ids = await table_of(world, 40)
    writer = Writer(world, table_id, ids, seed=7)
    snapshots = {}
    for _ in range(25):
        await writer.step()
        export = await opened(world, table_id)
        snapshots[export.revision] = await lines_of(export.stream())
    for revision, expected in snapshots.items():
        assert await whole(world, table_id, as_of=AsOf(revision=revision)) == expected
        in_order = await whole(
            world, table_id, as_of=AsOf(revision=revision), sort=[RawSort("position")]
        )
        assert in_order == expected


async def test_columns_may_go_and_come_and_change_their_type(world: World) -> None:
    table_id, _ = await table_of(world)
    expected = await whole(world, table_id)
    stream = (await opened(world, table_id)).stream()
    sorted_stream = (await opened(world, table_id, sort=[RawSort("position")])).stream()
    found, in_order = await begun(stream), await begun(sorted_stream)
    name, n = await world.column(table_id, "name"), await world.column(table_id, "n")
    viewer, storage = world.viewer, world.storage
    await column_editing.delete_column(viewer, storage, table_id, name.id)
    await column_editing.update_column(viewer, storage, table_id, n.id, ColumnUpdate(label="M"))
    more = NewColumn("more", "More", ColumnType.DATE)
    await column_editing.add_column(viewer, storage, table_id, more)
    assert found + await lines_of(stream) == expected
    assert in_order + await lines_of(sorted_stream) == expected


@pytest.mark.parametrize("request_", [{}, {"sort": [RawSort("n")]}], ids=["plain", "sorted"])
async def test_a_table_that_is_deleted_breaks_it_off(
    world: World, request_: dict[str, Any]
) -> None:
    table_id, _ = await table_of(world)
    stream = (await opened(world, table_id, **request_)).stream()
    await begun(stream)
    await tables.delete_table(world.viewer, world.storage, table_id)
    with pytest.raises(NotFound, match="Table not found"):
        await lines_of(stream)


async def test_revisions_that_the_log_does_not_know(world: World) -> None:
    table_id, _ = await table_of(world, 3)
    for as_of in (AsOf(revision=3), AsOf(revision=-1), AsOf()):
        with pytest.raises(Invalid):
            await opened(world, table_id, as_of=as_of)
    assert await whole(world, table_id, as_of=AsOf(revision=1)) == []


async def test_nothing_is_held_between_two_chunks(world: World) -> None:
    table_id, _ = await table_of(world)
    stream = (await opened(world, table_id)).stream()
    await begun(stream)
    busy = await world.database.pool.fetchval(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
        " AND xact_start IS NOT NULL AND pid <> pg_backend_pid()"
    )
    assert busy == 0
    await lines_of(stream)


@pytest.mark.parametrize("request_", [{}, {"sort": [RawSort("position")]}], ids=str)
async def test_chunks_of_wide_rows_stay_small(world: World, request_: dict[str, Any]) -> None:
    table_id = await world.table("text")
    await world.add(table_id, *({"text": random_text(100_000)} for _ in range(100)))
    for moves in (False, True):
        export = await opened(world, table_id, **request_)
        if moves:
            await world.add(table_id, {})
        sizes = [len(part) async for part in export.stream() if part]
        assert sum(sizes) > 10_000_000
        assert 3_000_000 < max(sizes) < 5_000_000


def random_text(length: int) -> str:
    """A text that PostgreSQL cannot make smaller."""
    return random.Random(1).randbytes(length // 2).hex()


async def test_a_sort_that_takes_too_long_is_refused(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    table_id, _ = await table_of(world, 50)
    with monkeypatch.context() as patch:
        patch.setattr(exports, "OPENING_SECONDS", 1e-6)
        with pytest.raises(TooLarge, match="takes too long"):
            await opened(world, table_id, sort=[RawSort("n")])
    assert len(await whole(world, table_id, sort=[RawSort("n")])) == 50


async def test_more_than_can_be_sorted_is_refused(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    table_id, _ = await table_of(world, 50)
    monkeypatch.setattr(export_sql, "MOST_SORTED", 20)
    monkeypatch.setattr(exports, "MOST_SORTED", 20)
    by_number: dict[str, Any] = {"sort": [RawSort("n")]}
    few: RawCondition = RawWhere("n", "lt", 20)
    with pytest.raises(TooLarge, match="At most 20 rows are sorted"):
        await opened(world, table_id, **by_number)
    assert len(await whole(world, table_id, filter=few, **by_number)) == 20
    assert len(await whole(world, table_id, limit=20, **by_number)) == 20
