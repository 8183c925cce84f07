"""What a write does to the states of cells, one way of writing at a time, and what it costs."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import asyncpg
import orjson
import pytest

from domain import cell_reports, rows
from domain.cell_reports import CellsReport, RawReport
from domain.columns import ColumnType, ComputedBy, NewColumn
from domain.errors import Invalid
from domain.rows import RowChange, RowsUpdate
from domain.tool_records import AiTool
from domain.tools import make_tool
from tests.worlds import World


def tooled(key: str, *inputs: str) -> NewColumn:
    """A column with a tool that reads these."""
    tool = make_tool(AiTool("Say"), inputs)
    return NewColumn(key, key, ColumnType.TEXT, computed_by=ComputedBy.TOOL, tool=tool)


async def update(world: World, table_id: UUID, row_id: UUID, **data: Any) -> None:
    """Change cells of one row."""
    command = RowsUpdate(table_id, [RowChange(row_id, data)], "merge")
    await rows.update_rows(world.viewer, world.storage, command)


async def states(world: World, table_id: UUID) -> list[dict[str, Any]]:
    """What is stored of cells."""
    text = "SELECT * FROM cell_state WHERE table_id = $1 ORDER BY row_id, column_number"
    return [dict(record) for record in await world.database.pool.fetch(text, table_id)]


@contextmanager
def counted(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The statements of a block that go past SQLAlchemy."""
    found: list[str] = []
    with monkeypatch.context() as patch:
        for name in ("execute", "fetch", "fetchrow", "fetchval"):
            original = getattr(asyncpg.Connection, name)

            async def run(
                self: Any, text: str, *args: Any, _run: Any = original, **more: Any
            ) -> Any:
                found.append(text)
                return await _run(self, text, *args, **more)

            patch.setattr(asyncpg.Connection, name, run)
        yield found


async def test_settling_is_one_statement_however_many_rows(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = await world.table("a", "b")
    wide = await world.table("a", "b", *(tooled(f"t{n}", "a", "b") for n in range(20)))
    counts: dict[UUID, set[int]] = {plain: set(), wide: set()}
    for table_id, found in counts.items():
        row_ids = await world.add(table_id, *({"a": "1", "t3": "x"} for _ in range(200)))
        for count in (1, 200):
            command = RowsUpdate(
                table_id, [RowChange(each, {"a": str(count)}) for each in row_ids[:count]], "merge"
            )
            with counted(monkeypatch) as sent:
                await rows.update_rows(world.viewer, world.storage, command)
            found.add(len(sent))
    assert counts[plain] == {min(counts[plain])}
    assert counts[wide] == {min(counts[plain]) + 1}


async def test_who_writes_a_cell_is_its_producer(world: World) -> None:
    table_id = await world.table("a", tooled("t", "a"), tooled("u", "t"))
    (row_id,) = await world.add(table_id, {"a": "x"})
    assert await states(world, table_id) == []
    await update(world, table_id, row_id, t="mine")
    (state,) = await states(world, table_id)
    assert state["status"] == "resolved"
    assert orjson.loads(state["producer"]) == {
        "kind": "person",
        "actor": world.viewer.actor,
    }
    await world.database.pool.execute(
        "UPDATE cell_state SET status = 'error', error = 'no', attempt = 3, run_id = row_id,"
        " confidence = 0.5, cost = 1, input_tokens = 9 WHERE table_id = $1",
        table_id,
    )
    await update(world, table_id, row_id, t="mine again")
    (state,) = await states(world, table_id)
    forgotten = ("error", "run_id", "confidence", "cost", "input_tokens", "previous", "raw")
    assert [state[name] for name in forgotten] == [None] * len(forgotten)
    assert (state["status"], state["attempt"]) == ("resolved", 0)
    await update(world, table_id, row_id, t=None)
    assert await states(world, table_id) == []
    moves = await world.database.pool.fetch(
        "SELECT column_number, previous, status FROM cell_change WHERE table_id = $1"
        " ORDER BY revision, column_number",
        table_id,
    )
    assert [tuple(each) for each in moves] == [
        (2, "ready", "resolved"),
        (3, "initialized", "ready"),
        (2, "error", "resolved"),
        (2, "resolved", "ready"),
        (3, "ready", "initialized"),
    ]


async def test_a_new_row_resolves_only_what_it_holds(world: World) -> None:
    table_id = await world.table("a", tooled("t", "a"), tooled("u", "t"))
    await world.add(table_id, {"a": "x"}, {"a": "y", "t": "given"})
    (state,) = await states(world, table_id)
    assert (state["column_number"], state["status"]) == (2, "resolved")
    assert orjson.loads(state["producer"])["kind"] == "person"


async def test_the_same_value_again_is_no_change(world: World) -> None:
    number = NewColumn("n", "N", ColumnType.NUMBER)
    table_id = await world.table(number, tooled("t", "n"))
    (row_id,) = await world.add(table_id, {"n": 1, "t": "one"})
    await update(world, table_id, row_id, n="1.0")
    (state,) = await states(world, table_id)
    assert state["status"] == "resolved"
    await update(world, table_id, row_id, n=2)
    (state,) = await states(world, table_id)
    assert state["status"] == "stale"


async def test_outside_workers_do_not_report_on_tools(world: World) -> None:
    table_id = await world.table("a", tooled("t", "a"))
    (row_id,) = await world.add(table_id, {"a": "x"})
    report = CellsReport(table_id, [RawReport(str(row_id), "t", "queued")])
    with pytest.raises(Invalid, match="not filled from outside"):
        await cell_reports.report_cells(world.viewer, world.storage, report)
