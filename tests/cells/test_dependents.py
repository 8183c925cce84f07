"""What depends on other rows goes stale behind the change, in revisions of its own."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from domain import column_editing, column_types, rows
from domain.cells import CellStatus
from domain.changes import CauseKind
from domain.column_type_records import ColumnTypeChange
from domain.columns import ColumnType, ComputedBy, NewColumn
from domain.entities import ColumnUpdate
from domain.rows import RowChange, RowsUpdate
from domain.selection import OffsetPage, RowRecord, RowsQuery, cell_status
from domain.tool_records import AiTool, LookupTool, ToolSettings
from domain.tools import make_tool
from persistence.change_log import ChangeLog
from persistence.dependents import Dependents
from persistence.relay import Relay
from persistence.shapes import Shapes
from tests.cells.test_writes import tooled, update
from tests.imports.importing import Importer
from tests.triggers.test_killed import held
from tests.waiting import eventually
from tests.worlds import World


def relation(key: str, target: UUID | None = None) -> NewColumn:
    """A relation to many rows."""
    config = {"multiple": True} | ({"targetTableId": str(target)} if target else {})
    return NewColumn(key, key, ColumnType.RELATION, config=config)


def rollup(key: str, over: str, column: str) -> NewColumn:
    """A sum over what a relation leads to."""
    config = {"rollup": {"relation": over, "function": "sum", "column": column}}
    return NewColumn(key, key, ColumnType.COMPUTED, config=config)


def lookup(key: str, target: UUID, match: str, against: str, take: str) -> NewColumn:
    """A column with a lookup tool."""
    settings: ToolSettings = LookupTool(target, match, against, take)
    tool = make_tool(settings)
    return NewColumn(key, key, ColumnType.TEXT, computed_by=ComputedBy.TOOL, tool=tool)


async def settled(world: World) -> None:
    """Return when the relay has done all there is to do."""
    while (await world.storage.relay.step()).more:
        pass


async def stale(world: World, table_id: UUID) -> dict[str, list[int]]:
    """The places of rows whose cells are stale, by column."""
    query = RowsQuery(None, OffsetPage(10_000, 0))
    page = await rows.read_rows(world.viewer, world.storage, table_id, lambda _: query)
    shape = await world.shape(table_id)
    found: dict[str, list[int]] = {}
    for place, row in enumerate(page.rows):
        assert isinstance(row, RowRecord)
        for column in shape.columns:
            if cell_status(shape, row, column) is CellStatus.STALE:
                found.setdefault(column.key, []).append(place)
    return found


async def resolve(world: World, table_id: UUID) -> None:
    """All stale cells are as they were before."""
    await world.database.pool.execute(
        "UPDATE cell_state SET status = 'resolved' WHERE table_id = $1", table_id
    )


NUMBER = NewColumn("n", "N", ColumnType.NUMBER)


async def linked(world: World) -> tuple[UUID, UUID, list[UUID]]:
    """Items, orders that add them up and tell of them, and the rows of items."""
    items = await world.table("name", NUMBER, "other")
    item_ids = list(await world.add(items, *({"name": str(n), "n": n} for n in range(4))))
    orders = await world.table(
        "title",
        relation("links", items),
        rollup("total", "links", "n"),
        tooled("told", "total"),
        tooled("more", "told"),
        tooled("apart", "title"),
    )
    links = [[item_ids[0]], [item_ids[0], item_ids[1]], [], [item_ids[2]]]
    data = [
        {"title": "t", "links": [str(i) for i in each], "told": "x", "more": "y", "apart": "z"}
        for each in links
    ]
    await world.add(orders, *data)
    return items, orders, item_ids


async def test_what_a_relation_leads_to(world: World) -> None:
    items, orders, item_ids = await linked(world)
    await settled(world)
    assert await stale(world, orders) == {}
    await update(world, items, item_ids[0], other="nobody reads it")
    await settled(world)
    assert await stale(world, orders) == {}
    await update(world, items, item_ids[0], n=10)
    await settled(world)
    assert await stale(world, orders) == {"told": [0, 1], "more": [0, 1]}
    await resolve(world, orders)
    await rows.delete_rows(world.viewer, world.storage, items, [item_ids[2]])
    await settled(world)
    assert await stale(world, orders) == {"told": [3], "more": [3]}


async def test_a_row_of_its_own_table_and_columns_with_equal_numbers(world: World) -> None:
    table = await world.table("name", relation("up"), NUMBER, "x")
    column = await world.column(table, "up")
    config = {"multiple": True, "targetTableId": str(table)}
    await column_editing.update_column(
        world.viewer, world.storage, table, column.id, ColumnUpdate(config=config)
    )
    for each in (rollup("sum", "up", "n"), tooled("told", "sum")):
        await column_editing.add_column(world.viewer, world.storage, table, each)
    (parent,) = await world.add(table, {"n": 1, "told": "a"})
    await world.add(table, {"up": [str(parent)], "n": 2, "told": "b"}, {"n": 3, "told": "c"})
    await settled(world)
    await update(world, table, parent, n=5)
    await settled(world)
    assert await stale(world, table) == {"told": [1]}


@pytest.mark.parametrize("number", [False, True])
async def test_what_a_lookup_finds(world: World, number: bool) -> None:
    """Values of one type are told apart; of several, all that look up are stale."""
    prices = await world.table("code", NUMBER, "price", "note")
    price_ids = await world.add(
        prices, *({"code": c, "n": c, "price": c} for c in ("1", "2", "3", "4"))
    )
    against = "n" if number else "code"
    orders = await world.table("what", lookup("price", prices, "what", against, "price"))
    await world.add(
        orders, *({"what": c, "price": "p"} for c in ("1", "2", "3", "9")), {"price": "p"}
    )
    await settled(world)
    await update(world, prices, price_ids[0], note="x")
    await settled(world)
    assert await stale(world, orders) == {}
    await update(world, prices, price_ids[0], price="new")
    await settled(world)
    every = {"price": [0, 1, 2, 3]}
    assert await stale(world, orders) == (every if number else {"price": [0]})
    await resolve(world, orders)
    data: Mapping[str, Any] = {"n": "9"} if number else {"code": "9"}
    await update(world, prices, price_ids[1], **data)
    await settled(world)
    assert await stale(world, orders) == (every if number else {"price": [1, 3]})


async def test_staleness_goes_on_from_table_to_table_and_names_its_cause(world: World) -> None:
    items, orders, item_ids = await linked(world)
    await settled(world)
    reports = await world.table("what", lookup("seen", orders, "what", "title", "told"))
    await world.add(reports, {"what": "t", "seen": "s"}, {"what": "u", "seen": "s"})
    await settled(world)
    await update(world, items, item_ids[1], n=10)
    await settled(world)
    assert await stale(world, reports) == {"seen": [0]}
    log = ChangeLog(world.database, world.storage.log._shapes)
    [entry] = [
        each
        for each in await log.table_entries(reports, 0, 100)
        if each.change.cause["kind"] == CauseKind.DEPENDENT
    ]
    assert entry.change.cause["table"] == str(orders)
    assert entry.change.cause["depth"] == 2
    assert entry.change.actor == world.viewer.actor


async def test_another_tool_and_another_formula(world: World) -> None:
    table = await world.table(
        "a",
        NewColumn("f", "F", ColumnType.COMPUTED, config={"formula": "{{a}} + '!'"}),
        tooled("t", "a"),
        tooled("u", "t"),
        tooled("v", "f"),
    )
    await world.add(table, *({"a": "x", "t": "1", "u": "2", "v": "3"} for _ in range(2)))

    async def change(key: str, **changes: Any) -> None:
        column = await world.column(table, key)
        command = ColumnUpdate(**changes)
        await column_editing.update_column(world.viewer, world.storage, table, column.id, command)
        await settled(world)

    await change("t", label="Another name")
    assert await stale(world, table) == {}
    await change("t", tool=make_tool(AiTool("Say it otherwise"), ["a"]))
    assert await stale(world, table) == {"t": [0, 1], "u": [0, 1]}
    await resolve(world, table)
    await change("f", config={"formula": "{{a}} + '?'"})
    assert await stale(world, table) == {"v": [0, 1]}


async def test_a_column_of_another_type(world: World) -> None:
    items, orders, _ = await linked(world)
    await settled(world)
    column = await world.column(items, "n")
    command = ColumnTypeChange(column.id, ColumnType.TEXT)
    await column_types.change_column_type(world.viewer, world.storage, items, command)
    await settled(world)
    assert await stale(world, orders) == {"told": [0, 1, 3], "more": [0, 1, 3]}


async def test_a_run_learns_of_what_changed_meanwhile(world: World) -> None:
    items, orders, item_ids = await linked(world)
    await settled(world)
    await world.database.pool.execute(
        "UPDATE cell_state SET status = 'calculating', previous = 'resolved'"
        " WHERE table_id = $1 AND column_number = 4",
        orders,
    )
    await update(world, items, item_ids[0], n=10)
    await settled(world)
    found = await world.database.pool.fetch(
        "SELECT s.status, s.previous, s.outdated FROM cell_state s"
        f" JOIN {(await world.shape(orders)).sql_name} t ON t.id = s.row_id"
        " WHERE s.table_id = $1 AND column_number = 4 ORDER BY t.position",
        orders,
    )
    touched, left = ("calculating", "stale", True), ("calculating", "resolved", False)
    assert [tuple(each) for each in found] == [touched, touched, left, left]


async def _many(world: World, count: int) -> tuple[UUID, UUID, list[UUID]]:
    """One item that `count` orders name."""
    items = await world.table("name", NUMBER)
    item_ids = list(await world.add(items, *({"n": n} for n in range(3))))
    orders = await world.table(
        relation("links", items), rollup("total", "links", "n"), tooled("told", "total")
    )
    for start in range(0, count, 500):
        data = [{"links": [str(item_ids[0])], "told": "x"}] * min(500, count - start)
        await world.add(orders, *data)
    await settled(world)
    return items, orders, item_ids


async def test_many_cells_are_written_in_batches(world: World) -> None:
    items, orders, item_ids = await _many(world, 2_300)
    before = await _revision(world, orders)
    await update(world, items, item_ids[0], n=10)
    await update(world, items, item_ids[1], n=10)
    await settled(world)
    assert await _revision(world, orders) == before + 3
    assert len((await stale(world, orders))["told"]) == 2_300
    assert await _moves(world, orders) == 2_300


async def test_a_large_change_is_taken_in_parts(world: World) -> None:
    """Each part of the changed rows brings cells about that lie anywhere in the other table."""
    items = await world.table("name", NUMBER)
    item_ids = list(await world.add(items, *({"n": n} for n in range(250))))
    orders = await world.table(
        relation("links", items), rollup("total", "links", "n"), tooled("told", "total")
    )
    data = [{"links": [str(each)], "told": "x"} for each in reversed(item_ids)]
    await world.add(orders, *data, *data)
    await settled(world)
    command = RowsUpdate(items, [RowChange(each, {"n": 999}) for each in item_ids], "merge")
    await rows.update_rows(world.viewer, world.storage, command)
    dependents = Dependents(Shapes(world.database))
    relay = Relay(world.database, [dependents], lambda *_: None, rows_at_once=100)
    while (await relay.step()).more:
        pass
    assert len((await stale(world, orders))["told"]) == 500
    assert await _moves(world, orders) == 500


@pytest.mark.parametrize("table", ["cell_state", "relay_cursor", "table_clock", "change"])
async def test_a_worker_is_killed_while_writing(
    importer: Importer, redis_url: str, tmp_path: Path, table: str
) -> None:
    world = importer.world
    items, orders, item_ids = await _many(world, 1_200)
    await update(world, items, item_ids[0], n=10)
    async with held(importer.url, table, "SHARE") as is_waiting:
        worker = importer.worker_process(redis_url)
        try:
            await eventually(is_waiting)
        finally:
            worker.kill()

    async def done() -> bool:
        """Its connection may outlive it for a moment, with what it has locked."""
        await settled(world)
        return len((await stale(world, orders)).get("told", ())) == 1_200

    await eventually(done)
    assert await _moves(world, orders) == 1_200


async def _revision(world: World, table_id: UUID) -> int:
    text = "SELECT revision FROM table_clock WHERE table_id = $1"
    return int(await world.database.pool.fetchval(text, table_id))


async def _moves(world: World, table_id: UUID) -> int:
    text = "SELECT count(*) FROM cell_change WHERE table_id = $1 AND status = 'stale'"
    return int(await world.database.pool.fetchval(text, table_id))
