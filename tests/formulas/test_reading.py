"""Pages over computed columns: filters, orders, cursors, search and statuses."""

import itertools
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from domain import numbers
from domain.columns import ColumnType, NewColumn
from domain.filters import RawAll, RawCondition, RawNot, RawSort, RawWhere
from tests.formulas.tables import first_page, formula, number, read, read_page
from tests.worlds import World, open_world

_COLUMNS = (
    "name",
    number("n"),
    NewColumn("day", "day", ColumnType.DATE),
    NewColumn("flag", "flag", ColumnType.BOOLEAN),
    formula("double", "n * 2"),
    formula("hello", "'Hello ' + name"),
    formula("maybe", "if(n > 2, n / 2, n / 0)"),
    formula("positive", "n > 0"),
    formula("due", "day", resultType="date"),
    formula("at", "day", resultType="datetime"),
    formula("share", "n / sum(n)"),
    formula("late", "day < today()"),
    formula("empty"),
)


@pytest.fixture
async def world(postgres_url: str) -> AsyncIterator[World]:
    async with open_world(postgres_url) as opened:
        yield opened


@pytest.fixture
async def table_id(world: World) -> UUID:
    made = await world.table(*_COLUMNS)
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).date().isoformat()
    await world.add(
        made,
        {"name": "Ann", "n": 1, "day": "2024-01-02"},
        {"name": "bob", "n": 5, "day": tomorrow, "flag": True},
        {"name": "", "n": 4},
        {"n": None, "day": "1999-12-31"},
    )
    return made


_FILTERS: list[tuple[RawCondition, list[Any]]] = [
    (RawWhere("double", "gt", 2), [5, 4]),
    (RawWhere("double", "eq", "2"), [1]),
    (RawWhere("double", "in", [2, 8, "x"]), [1, 4]),
    (RawWhere("double", "contains", "1"), [5]),
    (RawWhere("hello", "contains", "ANN"), [1]),
    (RawWhere("hello", "starts_with", "hello b"), [5]),
    (RawWhere("maybe", "is_empty"), [1, None]),
    (RawWhere("maybe", "is_not_empty"), [5, 4]),
    (RawWhere("maybe", "neq", 2.5), [1, 4, None]),
    (RawNot(RawWhere("maybe", "gt", 2)), [1, 4, None]),
    (RawWhere("positive", "eq", False), [None]),
    (RawWhere("due", "gte", "2024-01-01"), [1, 5]),
    (RawWhere("at", "lt", "2000-01-01T00:00:00Z"), [None]),
    (RawWhere("share", "gte", 0.4), [5, 4]),
    (RawWhere("late", "eq", True), [1, None]),
    (RawWhere("empty", "is_empty"), [1, 5, 4, None]),
    (RawWhere("empty", "eq", "x"), []),
    (RawAll([RawWhere("double", "gt", 2), RawWhere("share", "lt", 0.5)]), [4]),
]


async def test_filters(world: World, table_id: UUID) -> None:
    for filter, found in _FILTERS:
        assert await read(world, table_id, "n", filter=filter) == found, filter


_ORDERS: list[tuple[list[RawSort], list[Any]]] = [
    ([RawSort("double")], [None, 1, 4, 5]),
    ([RawSort("maybe", "desc")], [5, 4, 1, None]),
    ([RawSort("positive"), RawSort("share", "desc")], [None, 5, 4, 1]),
    ([RawSort("hello")], [4, None, 1, 5]),
    ([RawSort("due", "asc", "last")], [None, 1, 5, 4]),
    ([RawSort("empty"), RawSort("n", "desc")], [5, 4, 1, None]),
]


async def test_orders(world: World, table_id: UUID) -> None:
    for sorts, found in _ORDERS:
        assert await read(world, table_id, "n", sorts=sorts) == found, sorts


async def test_search_looks_into_formulas_too(world: World, table_id: UUID) -> None:
    assert await read(world, table_id, "n", search="hello a") == [1]
    assert await read(world, table_id, "n", search="10") == [5]


async def test_pages_hold_every_row_once(world: World) -> None:
    columns = [
        formula("mod", "n % 3"),
        formula("text", "'é' + n % 4"),
        formula("null", "n / (n % 2)"),
        formula("flag", "n > 7"),
        formula("day", "'2024-01-0' + (1 + n % 5)", resultType="date"),
        formula("share", "floor(n / 2) / sum(n)"),
    ]
    table_id = await world.table(number("n"), *columns)
    await world.add(table_id, *({"n": n} for n in range(20)))
    for column, direction in itertools.product(columns, ("asc", "desc")):
        sorts = [RawSort(column.key, direction)]
        expected = await read(world, table_id, "n", sorts=sorts)
        seen: list[Any] = []
        after, more = None, True
        while more:
            found = await read_page(world, table_id, sorts=sorts, page=first_page(7, after))
            seen += [numbers.loads(str(row))["data"]["n"] for row in found.rows]
            after, more = found.cursors[-1], found.has_more
        assert seen == expected, sorts
        assert sorted(seen) == list(range(20))


async def test_long_computed_texts_page_exactly(world: World) -> None:
    table_id = await world.table("name", number("n"), formula("long", "name + name + n"))
    await world.add(table_id, *({"name": "x" * 3000, "n": 9 - n} for n in range(6)))
    sorts = [RawSort("long")]
    first = await read_page(world, table_id, sorts=sorts, page=first_page(2))
    rest = await read(world, table_id, "n", sorts=sorts, page=first_page(9, first.cursors[-1]))
    assert rest == [6, 7, 8, 9]


async def test_orders_follow_a_formula_that_another_one_uses(world: World) -> None:
    """The column that is sorted by is equal to what it was; what it uses is not."""
    table_id = await world.table(number("n"), formula("a", "n"), formula("b", "a + 1"))
    await world.add(table_id, {"n": 1}, {"n": 2}, {"n": 3})
    sorts = [RawSort("b")]
    assert await read(world, table_id, "n", sorts=sorts, page=first_page(9)) == [1, 2, 3]
    async with world.database.pool.acquire() as connection:
        await connection.execute(
            "UPDATE table_column SET config = $3 WHERE table_id = $1 AND key = $2",
            table_id,
            "a",
            '{"formula": "-n"}',
        )
    await world.shape(table_id)
    assert await read(world, table_id, "n", sorts=sorts, page=first_page(9)) == [3, 2, 1]
