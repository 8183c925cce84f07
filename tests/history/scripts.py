"""Random scripts of edits on one table, and what a reader sees after each step."""

import itertools
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

import orjson
from hypothesis import strategies as st

from domain import cell_reports, rollbacks, rows
from domain.access import Viewer
from domain.cell_reports import CellsReport, RawReport
from domain.columns import ColumnType, ComputedBy, NewColumn, TableShape
from domain.errors import Conflict
from domain.filters import RawSort, RawWhere, bind, bind_sorts
from domain.paging import page_request
from domain.rollbacks import RowsRollback
from domain.rows import NewRow, RowChange, RowsAdd, RowsUpdate
from domain.selection import (
    CellPart,
    CellSelection,
    OffsetPage,
    RowPart,
    RowSelection,
    RowsPage,
    RowsQuery,
)
from tests.worlds import World

COLUMNS = (
    NewColumn("name", "Name", ColumnType.TEXT),
    NewColumn("n", "N", ColumnType.NUMBER),
    NewColumn("ok", "Ok", ColumnType.BOOLEAN),
    NewColumn("day", "Day", ColumnType.DATE),
    NewColumn("at", "At", ColumnType.DATETIME),
    NewColumn("link", "Link", ColumnType.RELATION, config={"multiple": True}),
    NewColumn("worker", "Worker", ColumnType.TEXT, computed_by=ComputedBy.EXTERNAL),
)
_TARGETS = [str(UUID(int=0x018F3B2C00008007800000000000A000 + number)) for number in range(3)]
_VALUES: dict[str, st.SearchStrategy[Any]] = {
    "name": st.none() | st.sampled_from(["a", "A", "b", "é", "", "x" * 600]),
    "n": st.none() | st.sampled_from([0, 1, 2.5, -3, 10**20, "7.10"]),
    "ok": st.none() | st.booleans(),
    "day": st.none() | st.sampled_from(["2024-02-29", "2025-01-01"]),
    "at": st.none() | st.sampled_from(["2024-02-29T12:00:00Z", "2024-02-29T12:00:00.001Z"]),
    "link": st.none() | st.lists(st.sampled_from(_TARGETS), max_size=2, unique=True),
    "worker": st.none() | st.sampled_from(["done", "again"]),
    "free": st.none() | st.sampled_from([1, True, {"deep": None}, ["x"]]),
}
DATA = st.fixed_dictionaries({}, optional=_VALUES)
_PLACES = st.lists(st.integers(0, 11), min_size=1, max_size=3, unique=True)
STEP = st.one_of(
    st.tuples(st.just("add"), st.lists(DATA, min_size=1, max_size=3)),
    st.tuples(st.just("merge"), _PLACES, DATA),
    st.tuples(st.just("merge"), _PLACES, DATA),
    st.tuples(st.just("replace"), _PLACES, DATA),
    st.tuples(st.just("delete"), _PLACES),
    st.tuples(st.just("queue"), st.integers(0, 11)),
    st.tuples(st.just("row"), st.integers(0, 11), st.integers(1, 4)),
    st.tuples(st.just("restore"), st.integers(0, 11)),
    st.tuples(st.just("back"), st.integers(1, 6)),
)
STEPS = st.lists(STEP, min_size=2, max_size=9)

_WORKER = len(COLUMNS)
#: Everything that a reader can see of a row, but for the moment at which a cell's status moved.
SELECTION = RowSelection(
    (
        ("id", RowPart.ID),
        ("version", RowPart.VERSION),
        ("position", RowPart.POSITION),
        ("session", RowPart.SESSION_ID),
        ("data", RowPart.DATA),
        ("createdBy", RowPart.CREATED_BY),
        ("createdAt", RowPart.CREATED_AT),
        ("updatedAt", RowPart.UPDATED_AT),
        (
            "worker",
            CellSelection(
                _WORKER,
                (
                    ("status", CellPart.STATUS),
                    ("value", CellPart.VALUE),
                    ("error", CellPart.ERROR),
                ),
            ),
        ),
    )
)


def queries(shape: TableShape) -> list[RowsQuery]:
    """Ways to read a table: plain, filtered, sorted both ways, searched, from both ends."""
    everything = RowsQuery(SELECTION, page_request(maximum=1000, first=1000), wants_cursors=True)
    by_number = bind_sorts(shape, [RawSort("n", "desc"), RawSort("name", "asc")])
    by_name = bind_sorts(shape, [RawSort("name", "asc")])
    some = bind(shape, RawWhere("n", "gte", 1))
    return [
        everything,
        replace(everything, filter=some, wants_total=True),
        replace(everything, filter=bind(shape, RawWhere("name", "is_empty")), sorts=by_number),
        replace(everything, sorts=by_number, page=page_request(maximum=9, first=3)),
        replace(everything, sorts=by_number),
        replace(everything, sorts=by_name, page=page_request(maximum=9, last=2)),
        replace(everything, search="a", wants_total=True),
        replace(everything, page=OffsetPage(2, 1), sorts=by_name, wants_cursors=False),
        replace(everything, selection=None, wants_cursors=False),
    ]


@dataclass
class Script:
    """A table with the pages that were seen after each step, by revision."""

    world: World
    table_id: UUID
    row_ids: list[UUID] = field(default_factory=list)
    seen: dict[int, list[RowsPage]] = field(default_factory=dict)
    #: How many of the queries a look sends.
    looks: int = 99

    @classmethod
    async def begin(cls, world: World, looks: int = 99) -> "Script":
        """An empty table."""
        script = cls(world, await world.table(*COLUMNS), looks=looks)
        await script.look()
        return script

    async def pages(self, as_of: int | None = None) -> list[RowsPage]:
        """What all queries give now, or of then."""
        count = min(self.looks, len(queries(await self.shape())))
        return [await self.read(number, as_of) for number in range(count)]

    async def read(self, number: int, as_of: int | None = None, **page: Any) -> RowsPage:
        """What one query gives; `page` asks for another page of it."""

        def query(shape: TableShape) -> RowsQuery:
            chosen = replace(queries(shape)[number], as_of=as_of)
            return replace(chosen, page=page_request(maximum=1000, **page)) if page else chosen

        return await rows.read_rows(self.viewer, self.world.storage, self.table_id, query)

    async def shape(self) -> TableShape:
        """The table's shape."""
        found = await self.world.storage.tables.shape(self.viewer.organization_id, self.table_id)
        assert found is not None
        return found

    @property
    def viewer(self) -> Viewer:
        """Who edits."""
        return self.world.viewer

    async def look(self) -> int:
        """Record what a reader sees; the revision."""
        pages = await self.pages()
        self.seen[pages[0].revision] = pages
        return pages[0].revision

    async def run(self, steps: Sequence[Any]) -> None:
        """All steps, with a look after each."""
        for step in steps:
            await self.step(*step)
            await self.look()

    async def step(self, kind: str, *arguments: Any) -> None:
        """One step. Steps on rows that are not there do nothing."""
        storage = self.world.storage
        match kind, *arguments:
            case "add", data:
                new = RowsAdd(self.table_id, [NewRow(each) for each in data])
                self.row_ids += (await rows.add_rows(self.viewer, storage, new)).row_ids
            case (("merge" | "replace"), places, data):
                ids = await self.live(places)
                if ids:
                    changes = [RowChange(row_id, data) for row_id in ids]
                    command = RowsUpdate(self.table_id, changes, kind)  # type: ignore[arg-type]
                    await rows.update_rows(self.viewer, storage, command)
            case "delete", places:
                ids = await self.live(places)
                if ids:
                    await rows.delete_rows(self.viewer, storage, self.table_id, ids)
            case (("queue" | "row" | "restore"), place, *rest):
                if place < len(self.row_ids):
                    await self._on_row(kind, self.row_ids[place], *rest)
            case "back", steps:
                revision = sorted(self.seen)[-min(steps, len(self.seen))]
                await rollbacks.roll_back_rows(
                    self.viewer, storage, RowsRollback(self.table_id, revision)
                )

    async def live(self, places: Sequence[int]) -> list[UUID]:
        """The rows at these places of the script that are there."""
        wanted = [self.row_ids[place] for place in places if place < len(self.row_ids)]
        found = await rows.read_rows_by_id(
            self.viewer, self.world.storage, self.table_id, wanted, lambda _: None
        )
        return [row_id for row_id, row in zip(wanted, found, strict=True) if row is not None]

    async def _on_row(self, kind: str, row_id: UUID, version: int = 1) -> None:
        storage = self.world.storage
        if kind == "row":
            version = min(version, await self._versions(row_id))
            await rollbacks.roll_back_row(self.viewer, storage, row_id, version)
        elif kind == "restore":
            with suppress(Conflict):
                await rollbacks.restore_row(self.viewer, storage, row_id)
        elif await self._exists(row_id):
            found = await self._status(row_id)
            if found in (None, "initialized", "resolved", "error", "stale"):
                report = RawReport(str(row_id), "worker", "queued")
                command = CellsReport(self.table_id, [report])
                await cell_reports.report_cells(self.viewer, storage, command)

    async def _exists(self, row_id: UUID) -> bool:
        return await self.live([self.row_ids.index(row_id)]) == [row_id]

    async def _status(self, row_id: UUID) -> Any:
        return await self.world.database.pool.fetchval(
            "SELECT status FROM cell_state WHERE table_id = $1 AND row_id = $2",
            self.table_id,
            row_id,
        )

    async def _versions(self, row_id: UUID) -> int:
        found: int = await self.world.database.pool.fetchval(
            "SELECT max(version) FROM row_version WHERE table_id = $1 AND row_id = $2",
            self.table_id,
            row_id,
        )
        return found


def data_of(page: RowsPage) -> dict[str, Any]:
    """The data of a page's rows by id, in their order."""
    found = [orjson.loads(row) for row in page.rows if isinstance(row, str)]
    return {row["id"]: row["data"] for row in found}


def pairs(revisions: Sequence[int]) -> list[tuple[int, int]]:
    """Every two of them, in both orders."""
    return list(itertools.permutations(revisions, 2))
