"""Computed columns that look into another table over a relation."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest

from domain import column_editing, rows, tables
from domain.columns import ColumnType, NewColumn
from domain.entities import ColumnUpdate, TableCreate
from domain.errors import Invalid
from domain.filters import RawSort, RawWhere
from tests.formulas.tables import formula, number, read, relation
from tests.worlds import World, open_world


@pytest.fixture
async def world(postgres_url: str) -> AsyncIterator[World]:
    async with open_world(postgres_url) as opened:
        yield opened


def rollup(key: str, function: str, column: str | None, over: str = "items", **config: Any) -> Any:
    told = {"relation": over, "function": function}
    return formula(key, rollup=told | ({"column": column} if column else {}), **config)


async def _items(world: World) -> tuple[UUID, list[str]]:
    table_id = await world.table(
        "name",
        number("price"),
        NewColumn("made", "made", ColumnType.DATE),
        NewColumn("good", "good", ColumnType.BOOLEAN),
        formula("gross", "price * 1.2"),
        formula("all", "sum(price)"),
    )
    ids = await world.add(
        table_id,
        {"name": "a", "price": 10, "made": "2024-01-02", "good": True},
        {"name": "b", "price": 2.5, "made": "2023-01-02"},
        {"name": " ", "good": False},
    )
    return table_id, [str(each) for each in ids]


async def test_every_function_over_many_rows(world: World) -> None:
    items, (a, b, blank) = await _items(world)
    functions = ("count", "sum", "avg", "min", "max", "concat", "lookup")
    orders = await world.table(
        relation("items", items, multiple=True),
        *(rollup(f"{each}_price", each, "price") for each in functions),
        *(rollup(f"{each}_name", each, "name") for each in ("count", "concat")),
        *(rollup(f"{each}_made", each, "made") for each in ("min", "max", "lookup")),
        rollup("rows", "count", None),
        rollup("gross", "sum", "gross"),
        rollup("all", "max", "all"),
    )
    gone = str(UUID(int=UUID(a).int + 99))
    await world.add(orders, {"items": [b, gone, a, blank]}, {"items": [gone]}, {})
    keys = [column.key for column in (await world.shape(orders)).columns[1:]]
    found = [dict(zip(keys, row, strict=True)) for row in await read(world, orders, *keys)]
    assert found[0] == {
        "count_price": 2,
        "sum_price": 12.5,
        "avg_price": 6.25,
        "min_price": 2.5,
        "max_price": 10,
        "concat_price": "2.5, 10",
        "lookup_price": "2.5, 10",
        "count_name": 2,
        "concat_name": "b, a,  ",
        "min_made": "2023-01-02",
        "max_made": "2024-01-02",
        "lookup_made": "2023-01-02, 2024-01-02",
        "rows": 3,
        "gross": 15,
        "all": 12.5,
    }
    nothing = dict.fromkeys(keys) | dict.fromkeys(
        ("count_price", "sum_price", "count_name", "rows", "gross"), 0
    )
    assert found[1:] == [nothing, nothing]


async def test_a_lookup_over_one_row_keeps_the_type(world: World) -> None:
    items, (a, b, blank) = await _items(world)
    keys = ("name", "price", "made", "good", "gross")
    lookups = [rollup(f"of_{key}", "lookup", key) for key in keys]
    orders = await world.table(
        number("n"), relation("items", items), *lookups, formula("total", "n * of_price")
    )
    await world.add(orders, {"n": 1, "items": b}, {"n": 2, "items": a}, {"items": blank}, {})
    assert await read(world, orders, *(f"of_{key}" for key in keys), "total") == [
        ("b", 2.5, "2023-01-02", None, 3, 2.5),
        ("a", 10, "2024-01-02", True, 12, 20),
        (" ", None, None, False, 0, 0),
        (None, None, None, None, None, 0),
    ]
    newer = RawWhere("of_made", "gt", "2023-06-01")
    assert await read(world, orders, "n", filter=newer) == [2]
    assert await read(world, orders, "n", sorts=[RawSort("total", "desc")]) == [2, 1, None, None]


async def test_rows_of_the_other_table_count_as_they_are_now(world: World) -> None:
    items, (a, b, _) = await _items(world)
    orders = await world.table(
        relation("items", items, multiple=True), rollup("sum", "sum", "price")
    )
    await world.add(orders, {"items": [a, b]})
    change = rows.RowsUpdate(items, [rows.RowChange(UUID(a), {"price": 1})], "merge")
    await rows.update_rows(world.viewer, world.storage, change)
    assert await read(world, orders, "sum") == [3.5]
    await rows.delete_rows(world.viewer, world.storage, items, [UUID(b)])
    assert await read(world, orders, "sum") == [1]


async def test_a_formula_of_the_other_table_holds_at_once(world: World) -> None:
    """Its shape is cached with ours: whoever changes it makes ours old too."""
    items, (a, _, _) = await _items(world)
    orders = await world.table(relation("items", items), rollup("gross", "lookup", "gross"))
    await world.add(orders, {"items": a})
    assert await read(world, orders, "gross") == [12]
    gross = await world.column(items, "gross")
    update = ColumnUpdate(config={"formula": "price * 2"})
    await column_editing.update_column(world.viewer, world.storage, items, gross.id, update)
    assert await read(world, orders, "gross") == [20]
    await column_editing.delete_column(world.viewer, world.storage, items, gross.id)
    assert await read(world, orders, "gross") == [None]
    await column_editing.add_column(world.viewer, world.storage, items, formula("gross", "7"))
    assert await read(world, orders, "gross") == [7]


async def test_a_deleted_table_leaves_nothing_to_see(world: World) -> None:
    items, (a, _, _) = await _items(world)
    orders = await world.table(
        relation("items", items), rollup("name", "lookup", "name"), rollup("rows", "count", None)
    )
    await world.add(orders, {"items": a})
    assert await read(world, orders, "name", "rows") == [("a", 1)]
    await tables.delete_table(world.viewer, world.storage, items)
    assert await read(world, orders, "name", "rows") == [(None, None)]


async def test_only_tables_that_look_in_become_old(world: World) -> None:
    items, _ = await _items(world)
    orders = await world.table(relation("items", items), rollup("name", "lookup", "name"))
    linked = await world.table(relation("items", items))
    other = await world.table("name")
    before = {each: (await world.shape(each)).columns_version for each in (orders, linked, other)}
    await column_editing.add_column(world.viewer, world.storage, items, number("more"))
    after = {each: (await world.shape(each)).columns_version for each in (orders, linked, other)}
    assert after == before | {orders: before[orders] + 1}


_REFUSED: list[tuple[Any, str]] = [
    ({"relation": "nope", "column": "name"}, "relation is not the key of a relation column"),
    ({"relation": "n", "column": "name"}, "relation is not the key of a relation column"),
    ({"relation": "items", "column": "x"}, "column is not the key of a column of the other"),
    ({"relation": "items"}, "column is not the key of a column of the other table"),
    ({"relation": "items", "column": "name", "function": "median"}, "function must be one of"),
    ({"relation": "free", "column": "name"}, "the table that the column names is not there"),
    ({"relation": "back", "column": "up"}, "cannot be rolled up again"),
    ({"relation": "back", "column": "higher"}, "cannot be rolled up again"),
    ("items", "rollup must be an object"),
]


async def test_what_cannot_be_rolled_up_is_refused(world: World) -> None:
    items, _ = await _items(world)
    upper = await world.table(
        relation("items", items),
        rollup("up", "lookup", "name"),
        formula("higher", "up + '!'"),
    )
    columns = [
        number("n"),
        relation("items", items),
        relation("back", upper),
        NewColumn("free", "free", ColumnType.RELATION),
    ]
    for told, message in _REFUSED:
        command = TableCreate("T", columns=[*columns, formula("a", rollup=told)])
        with pytest.raises(Invalid, match=message) as raised:
            await tables.create_table(world.viewer, world.storage, command)
        assert raised.value.problems[0].path == ("columns", "4", "config")


async def test_columns_change_here_while_rows_are_written_there(world: World) -> None:
    """A change of columns holds two clocks, writers hold theirs: nobody waits for ever."""
    items, (a, _, _) = await _items(world)
    orders = await world.table(relation("items", items), rollup("gross", "lookup", "gross"))
    gross = await world.column(items, "gross")

    async def change(n: int) -> None:
        update = ColumnUpdate(config={"formula": f"price * {n}"})
        await column_editing.update_column(world.viewer, world.storage, items, gross.id, update)

    async def write(table_id: UUID, data: dict[str, Any]) -> None:
        for _ in range(10):
            await world.add(table_id, data)

    writers = [write(orders, {"items": a}) for _ in range(4)]
    writers += [write(items, {"name": "x"}) for _ in range(4)]
    async with asyncio.timeout(60):
        await asyncio.gather(*writers, *(change(n) for n in range(2, 6)))
        await change(7)
    assert await read(world, orders, "gross") == [70] * 40


async def test_tables_of_other_organisations_are_not_there(world: World, postgres_url: str) -> None:
    async with open_world(postgres_url, "Other") as other:
        items, _ = await _items(other)
    # A relation to it is refused as well; storage holds one anyway.
    orders = await world.table(
        NewColumn("items", "items", ColumnType.RELATION), formula("name", "'x'")
    )
    async with world.database.pool.acquire() as connection:
        for key, config in (
            ("items", f'{{"targetTableId": "{items}"}}'),
            ("name", '{"rollup": {"relation": "items", "column": "name"}}'),
        ):
            await connection.execute(
                "UPDATE table_column SET config = $3 WHERE table_id = $1 AND key = $2",
                orders,
                key,
                config,
            )
    await world.shape(orders)
    await world.add(orders, {})
    assert await read(world, orders, "name") == [None]


async def test_35_000_linked_rows(world: World) -> None:
    """Elsewhere the ids came as one giant list. Here they never leave the row: one statement, and
    each row is found by its primary key."""
    items = await world.table("name", number("price"))
    shape = await world.shape(items)
    pool = world.database.pool
    await pool.execute(
        f"INSERT INTO {shape.sql_name} (id, position, session_id, version, created_by, created_at,"
        " updated_at, c1, c2) SELECT gen_random_uuid(), n, gen_random_uuid(), 1, 'x', now(),"
        " now(), 'item ' || n, n FROM generate_series(0, 34999) AS n"
    )
    orders = await world.table(
        relation("items", items, multiple=True),
        rollup("sum", "sum", "price"),
        rollup("names", "concat", "name"),
        rollup("rows", "count", None),
    )
    ids = await pool.fetch(f"SELECT id::text FROM {shape.sql_name} ORDER BY position")
    given = [record["id"] for record in ids]
    await world.add(orders, *({"items": given[n : n + 10_000]} for n in range(0, 35_000, 10_000)))
    await pool.execute(f"ANALYZE {shape.sql_name}")
    found = await read(world, orders, "sum", "rows")
    sums = [sum(range(n, min(n + 10_000, 35_000))) for n in range(0, 35_000, 10_000)]
    assert found == list(zip(sums, [10_000, 10_000, 10_000, 5_000], strict=True))
    names = await read(world, orders, "names", filter=RawWhere("rows", "lt", 6_000))
    assert names == [", ".join(f"item {n}" for n in range(30_000, 35_000))]


async def test_long_lists_of_long_texts_end_at_the_bound(world: World) -> None:
    items = await world.table("name")
    ids = await world.add(items, *({"name": chr(97 + n) * 300_000} for n in range(6)))
    orders = await world.table(
        relation("items", items, multiple=True), rollup("names", "concat", "name")
    )
    await world.add(orders, {"items": [str(each) for each in ids]})
    (names,) = await read(world, orders, "names")
    expected = ", ".join(chr(97 + n) * 300_000 for n in range(6))
    assert names == expected[:1_048_576]
