"""Random tables of tools with formulas between, random edits through every way of writing, and an
oracle that says where each cell stands."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import orjson
from hypothesis import strategies as st

from domain import cell_reports, column_types, rollbacks, rows
from domain.cell_reports import CellsReport, RawReport
from domain.column_type_records import ColumnTypeChange
from domain.columns import ColumnType, ComputedBy, NewColumn, TableShape
from domain.errors import Conflict
from domain.import_plans import ImportMode
from domain.paging import page_request
from domain.rollbacks import RowsRollback
from domain.rows import NewRow, RowChange, RowsAdd, RowsUpdate
from domain.selection import (
    CellPart,
    CellSelection,
    CellsSelection,
    RowPart,
    RowSelection,
    RowsQuery,
)
from domain.tool_records import AiTool
from domain.tools import make_tool
from tests.imports.importing import Importer

STORED = ("key", "a", "b", "n", "worker")
FORMULAS = {"ab": ("{{a}} + {{b}}", ("a", "b")), "abn": ("{{ab}} + {{n}}", ("ab", "n"))}
UNDER_WAY = ("queued", "calculating")

#: Tools by key with what they read: stored columns, formulas, and tools before them.
Graph = Mapping[str, Sequence[str]]


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    """Up to five tools; `over`, when it is there, is a formula over the first one."""
    found: dict[str, list[str]] = {}
    for number in range(draw(st.integers(1, 5))):
        readable = ["a", "b", "n", "worker", *FORMULAS, *found, *(["over"] if found else [])]
        count = st.lists(st.sampled_from(readable), min_size=1, max_size=3, unique=True)
        found[f"t{number}"] = draw(count)
    return found


_TEXT = st.none() | st.sampled_from(["x", "y", "z"])
_NUMBER = st.none() | st.sampled_from([1, "1.0", 2.5])
_PLACES = st.lists(st.integers(0, 5), min_size=1, max_size=3, unique=True)
_DATA = st.fixed_dictionaries(
    {}, optional=dict.fromkeys(("a", "b", "worker", "t0", "t1", "t4"), _TEXT) | {"n": _NUMBER}
)
_LINE = st.tuples(st.sampled_from("pqrs"), st.sampled_from(["", "x", "y"]))
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("add"), st.lists(_DATA, min_size=1, max_size=2)),
        *[st.tuples(st.just("merge"), _PLACES, _DATA)] * 3,
        st.tuples(st.just("replace"), _PLACES, _DATA),
        st.tuples(st.just("delete"), _PLACES),
        st.tuples(st.just("append"), st.lists(_LINE, min_size=1, max_size=3)),
        st.tuples(
            st.just("upsert"), st.lists(_LINE, min_size=1, max_size=3), st.sampled_from("at")
        ),
        st.tuples(st.just("report"), st.integers(0, 5), _TEXT),
        st.tuples(st.just("version"), st.integers(0, 5), st.integers(1, 4)),
        st.tuples(st.just("restore"), st.integers(0, 5)),
        st.tuples(st.just("back"), st.integers(1, 4)),
        st.tuples(st.just("retype")),
        *[
            st.tuples(
                st.just("force"),
                st.integers(0, 5),
                st.integers(0, 4),
                st.sampled_from(["queued", "calculating", "error", "stale", "resolved"]),
            )
        ]
        * 2,
    ),
    min_size=2,
    max_size=10,
)


@dataclass(frozen=True)
class Seen:
    """A row: values by key as JSON texts, and statuses of the stateful columns."""

    values: Mapping[str, str | None]
    statuses: Mapping[str, str]


@dataclass
class Script:
    """A table under edits."""

    importer: Importer
    graph: Graph
    table_id: UUID
    row_ids: list[UUID] = field(default_factory=list)
    revisions: list[int] = field(default_factory=list)

    @classmethod
    async def begin(cls, importer: Importer, graph: Graph) -> "Script":
        """An empty table with the tools."""
        columns: list[NewColumn | str] = ["key", "a", "b"]
        columns += [NewColumn("n", "N", ColumnType.NUMBER)]
        columns += [NewColumn("worker", "W", ColumnType.TEXT, computed_by=ComputedBy.EXTERNAL)]
        formulas = {key: formula for key, (formula, _) in FORMULAS.items()}
        for key, formula in {**formulas, "over": "{{t0}} + '!'"}.items():
            columns.append(NewColumn(key, key, ColumnType.COMPUTED, config={"formula": formula}))
        for key, inputs in graph.items():
            tool = make_tool(AiTool("Say"), inputs)
            columns.append(
                NewColumn(key, key, ColumnType.TEXT, computed_by=ComputedBy.TOOL, tool=tool)
            )
        return cls(importer, graph, await importer.world.table(*columns))

    def reads(self, key: str) -> set[str]:
        """The stored columns that a tool depends on, directly or through others."""
        inner = {key: among for key, (_, among) in FORMULAS.items()} | {"over": ("t0",)}
        found: set[str] = set()
        waiting = list(self.graph[key])
        while waiting:
            each = waiting.pop()
            if each not in inner:
                found.add(each)
            waiting += inner.get(each, self.graph.get(each, ()))
        return found

    def virtual(self, key: str, values: Mapping[str, str | None]) -> str:
        """The status of a tool's cell that follows from values."""
        if values[key] is not None:
            return "resolved"
        ready = all(values[each] is not None for each in self.graph[key])
        return "ready" if ready else "initialized"

    async def look(self) -> dict[UUID, Seen]:
        """All rows as a reader sees them, by the compiled way."""

        def query(shape: TableShape) -> RowsQuery:
            cells = CellsSelection(
                tuple(
                    CellSelection(each.number, (("s", CellPart.STATUS), ("v", CellPart.VALUE)))
                    for each in shape.columns
                )
            )
            selection = RowSelection((("id", RowPart.ID), ("cells", cells)))
            return RowsQuery(selection, page_request(maximum=1000, first=1000))

        world = self.importer.world
        page = await rows.read_rows(world.viewer, world.storage, self.table_id, query)
        keys = [column.key for column in (await world.shape(self.table_id)).columns]
        self.revisions.append(page.revision)
        found = {}
        for text in page.rows:
            assert isinstance(text, str)
            row = orjson.loads(text)
            cells = dict(zip(keys, row["cells"], strict=True))
            found[UUID(row["id"])] = Seen(
                {
                    key: None if cell["v"] is None else orjson.dumps(cell["v"]).decode()
                    for key, cell in cells.items()
                },
                {key: cells[key]["s"].lower() for key in (*self.graph, "worker")},
            )
        return found

    def expected(
        self, before: Mapping[UUID, Seen], after: Mapping[UUID, Seen]
    ) -> dict[tuple[UUID, str], str]:
        """Where each cell has to stand, from where it stood and what was written."""
        found: dict[tuple[UUID, str], str] = {}
        for row_id, now in after.items():
            then = before.get(row_id)
            if then is None:
                found |= {(row_id, key): self.virtual(key, now.values) for key in self.graph}
                resolved = now.values["worker"] is not None
                found[row_id, "worker"] = "resolved" if resolved else "initialized"
                continue
            changed = {key for key in now.values if now.values[key] != then.values[key]}
            for key in self.graph:
                found[row_id, key] = self._next(key, then, now, changed)
            if "worker" in changed:
                resolved = now.values["worker"] is not None
                found[row_id, "worker"] = "resolved" if resolved else "initialized"
            else:
                found[row_id, "worker"] = then.statuses["worker"]
        return found

    def _next(self, key: str, then: Seen, now: Seen, changed: set[str]) -> str:
        status = then.statuses[key]
        if key in changed:
            return self.virtual(key, now.values)
        if status == "resolved" and self.reads(key) & changed:
            return "stale"
        if status in ("initialized", "ready"):
            return self.virtual(key, now.values)
        return status

    async def step(self, kind: str, *arguments: Any) -> None:
        """One edit. Those that cannot be made are passed over."""
        world = self.importer.world
        match kind, *arguments:
            case "add", data:
                new = RowsAdd(self.table_id, [NewRow(self._known(each)) for each in data])
                self.row_ids += (await rows.add_rows(world.viewer, world.storage, new)).row_ids
            case (("merge" | "replace"), places, data):
                changes = [RowChange(each, self._known(data)) for each in await self._live(places)]
                if changes:
                    command = RowsUpdate(self.table_id, changes, kind)  # type: ignore[arg-type]
                    await rows.update_rows(world.viewer, world.storage, command)
            case "delete", places:
                if ids := await self._live(places):
                    await rows.delete_rows(world.viewer, world.storage, self.table_id, ids)
            case (("append" | "upsert"), lines, *rest):
                await self._import(lines, *rest)
            case "retype":
                await self._retype()
            case "back", count:
                back = RowsRollback(self.table_id, self.revisions[-min(count, len(self.revisions))])
                await rollbacks.roll_back_rows(world.viewer, world.storage, back)
            case _, place, *rest:
                if place < len(self.row_ids):
                    await self._on_row(kind, self.row_ids[place], *rest)

    def _known(self, data: Mapping[str, Any]) -> Mapping[str, Any]:
        return {key: value for key, value in data.items() if key in (*self.graph, *STORED)}

    async def _live(self, places: Sequence[int]) -> list[UUID]:
        wanted = [self.row_ids[place] for place in places if place < len(self.row_ids)]
        shape = await self.importer.world.shape(self.table_id)
        text = f"SELECT id FROM {shape.sql_name} WHERE id = ANY($1)"
        found = {
            UUID(str(r["id"])) for r in await self.importer.world.database.pool.fetch(text, wanted)
        }
        return [row_id for row_id in wanted if row_id in found]

    async def _import(self, lines: Sequence[tuple[str, str]], column: str | None = None) -> None:
        """With a column an upsert by key that fills it, else all lines are new rows."""
        written = {"t": "t0"}.get(column or "", "a")
        lines = list(dict(lines).items())
        content = f"key,{written}\n" + "".join(f"{key},{value}\n" for key, value in lines)
        keys = ("key",) if column else ()
        mode = ImportMode.UPSERT if column else ImportMode.APPEND
        if column and await self._repeats():
            return
        await self.importer.start(self.table_id, content.encode(), mode=mode, key_columns=keys)
        shape = await self.importer.world.shape(self.table_id)
        text = f"SELECT id FROM {shape.sql_name} ORDER BY position"
        found = [UUID(str(r["id"])) for r in await self.importer.world.database.pool.fetch(text)]
        self.row_ids += [each for each in found if each not in self.row_ids]

    async def _repeats(self) -> bool:
        shape = await self.importer.world.shape(self.table_id)
        name = shape.columns_by_key["key"].sql_name
        text = (
            f"SELECT 1 FROM {shape.sql_name} WHERE {name} <> '' GROUP BY {name} HAVING count(*) > 1"
        )
        return bool(await self.importer.world.database.pool.fetch(text))

    async def _retype(self) -> None:
        """The numbers become texts, or the other way round."""
        world = self.importer.world
        column = await world.column(self.table_id, "n")
        other = ColumnType.TEXT if column.type is ColumnType.NUMBER else ColumnType.NUMBER
        command = ColumnTypeChange(column.id, other, allow_loss=True)
        await column_types.change_column_type(world.viewer, world.storage, self.table_id, command)

    async def _on_row(self, kind: str, row_id: UUID, *rest: Any) -> None:
        world = self.importer.world
        if kind == "version":
            text = "SELECT max(version) FROM row_version WHERE table_id = $1 AND row_id = $2"
            last = await world.database.pool.fetchval(text, self.table_id, row_id)
            await rollbacks.roll_back_row(world.viewer, world.storage, row_id, min(rest[0], last))
        elif kind == "restore":
            with suppress(Conflict):
                await rollbacks.restore_row(world.viewer, world.storage, row_id)
        elif await self._live([self.row_ids.index(row_id)]):
            await (self._report if kind == "report" else self._force)(row_id, *rest)

    async def _report(self, row_id: UUID, value: str | None) -> None:
        """An outside worker goes the whole way with its cell."""
        world = self.importer.world
        for status in ("queued", "calculating", "resolved"):
            last = status == "resolved"
            report = RawReport(str(row_id), "worker", status, last, value if last else None)
            command = CellsReport(self.table_id, [report])
            await cell_reports.report_cells(world.viewer, world.storage, command)

    async def _force(self, row_id: UUID, place: int, status: str) -> None:
        """Put a tool's cell where a run would put it."""
        key = [*self.graph][place % len(self.graph)]
        world = self.importer.world
        column = await world.column(self.table_id, key)
        await world.database.pool.execute(
            "INSERT INTO cell_state (table_id, row_id, column_number, status, previous)"
            " VALUES ($1, $2, $3, $4, $5) ON CONFLICT (table_id, row_id, column_number)"
            " DO UPDATE SET status = excluded.status, previous = excluded.previous",
            self.table_id,
            row_id,
            column.number,
            status,
            "resolved" if status in UNDER_WAY else None,
        )
