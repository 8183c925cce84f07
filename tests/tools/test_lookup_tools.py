"""Lookups in another table, in PostgreSQL."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import pytest

from domain import column_editing, tables
from domain.columns import ColumnType, NewColumn
from domain.tool_records import Answer, LookupTool, ProducerKind
from persistence.engine import Database
from persistence.storage import PostgresStorage
from processing.lookup_tools import LookupTools
from tests.tools.tool_work import answered, tool_work
from tests.worlds import World, open_world

PRICES: Sequence[Mapping[str, Any]] = [
    {"sku": "a", "number": 1, "price": 9.5, "tags": ["x", "y"], "day": "2026-01-02", "ok": True},
    {"sku": "b", "number": 2.5, "price": 2, "tags": ["y"], "day": "2026-01-03", "ok": False},
    {"sku": "a", "number": 1, "price": 7, "tags": ["z"], "day": "2026-01-02", "ok": True},
    {"sku": None, "number": None, "price": 1},
    {"sku": "empty", "number": 3, "price": None},
]


@dataclass
class Prices:
    """A table of prices and an engine over its storage."""

    world: World
    table_id: UUID
    row_ids: Sequence[UUID]
    engine: LookupTools

    async def look(
        self,
        against: str,
        *given: Any,
        take: str = "price",
        type_: ColumnType = ColumnType.NUMBER,
        organization_id: UUID | None = None,
    ) -> Sequence[Answer]:
        """The answers for rows with these values."""
        tool = LookupTool(self.table_id, "mine", against, take)
        own = organization_id or self.world.viewer.organization_id
        work = tool_work(tool, [{"mine": each} for each in given], type_, own)
        return await answered(self.engine, work)


@pytest.fixture
async def prices(postgres_url: str) -> AsyncIterator[Prices]:
    async with open_world(postgres_url) as world:
        table_id = await world.table(
            "sku",
            NewColumn("number", "Number", ColumnType.NUMBER),
            NewColumn("price", "Price", ColumnType.NUMBER),
            NewColumn("tags", "Tags", ColumnType.MULTI_SELECT),
            NewColumn("day", "Day", ColumnType.DATE),
            NewColumn("ok", "OK", ColumnType.BOOLEAN),
            NewColumn("notes", "Notes", ColumnType.JSON),
            NewColumn("double", "Double", ColumnType.COMPUTED, config={"formula": "number * 2"}),
        )
        row_ids = await world.add(table_id, *PRICES)
        engine = LookupTools(world.storage.tables, world.storage.lookups)
        yield Prices(world, table_id, row_ids, engine)


def told(answers: Sequence[Answer]) -> list[Any]:
    assert [answer.error for answer in answers if answer.error] == []
    return [answer.value for answer in answers]


async def test_the_first_row_by_position_counts(prices: Prices) -> None:
    found = await prices.look("sku", "a", "b", "A", "c", None, "empty", "a")
    assert told(found) == [9.5, 2, None, None, None, None, 9.5]
    assert found[0].producer.kind is ProducerKind.LOOKUP
    assert found[3].nothing


@pytest.mark.parametrize(
    ("against", "given", "price"),
    [
        ("number", "2.5", 2),
        ("number", 1, 9.5),
        ("day", "2026-01-03", 2),
        ("day", "2026-01-03T00:00:00.000Z", 2),
        ("ok", False, 2),
        ("ok", "true", 9.5),
        ("tags", "z", 7),
        ("tags", ["none", "y"], 9.5),
        ("double", 5, 2),
        ("sku", 7, None),
        ("position", 1, 2),
    ],
)
async def test_values_compare_as_the_column_does(
    prices: Prices, against: str, given: Any, price: Any
) -> None:
    assert told(await prices.look(against, given)) == [price]


async def test_rows_are_found_by_their_id(prices: Prices) -> None:
    ids = [str(each) for each in prices.row_ids]
    assert told(await prices.look("id", ids[1], [ids[2]], str(uuid4()), "no id")) == [
        2,
        7,
        None,
        None,
    ]


@pytest.mark.parametrize(
    ("take", "type_", "value"),
    [
        ("sku", ColumnType.TEXT, "b"),
        ("tags", ColumnType.JSON, ["y"]),
        ("day", ColumnType.DATE, "2026-01-03"),
        ("ok", ColumnType.BOOLEAN, False),
        ("double", ColumnType.NUMBER, 5),
        ("price", ColumnType.TEXT, "2"),
    ],
)
async def test_every_kind_of_column_can_be_taken(
    prices: Prices, take: str, type_: ColumnType, value: Any
) -> None:
    assert told(await prices.look("sku", "b", take=take, type_=type_)) == [value]


async def test_what_does_not_fit_is_an_error_of_its_own_cell(prices: Prices) -> None:
    wrong, right = await prices.look("number", "many", 1)
    assert wrong.error == '"mine" cannot be compared: "many" is not a number'
    assert right.value == 9.5
    (text,) = await prices.look("sku", "a", take="sku")
    assert text.error == 'What was found is no value of this column: "a" is not a number'


async def test_what_is_gone_is_told(prices: Prices) -> None:
    assert [each.error for each in await prices.look("old", "a", "b")] == [
        'The table to look in has no column "old"'
    ] * 2
    (answer,) = await prices.look("sku", "a", take="old")
    assert answer.error == 'The table to look in has no column "old"'
    (answer,) = await prices.look("notes", "a")
    assert answer.error == 'The column "notes" cannot be compared'
    await tables.delete_table(prices.world.viewer, prices.world.storage, prices.table_id)
    (answer,) = await prices.look("sku", "a")
    assert answer.error == "The table to look in is not there"


async def test_tables_of_others_are_not_there(prices: Prices) -> None:
    (answer,) = await prices.look("sku", "a", organization_id=uuid4())
    assert answer.error == "The table to look in is not there"


async def test_a_table_that_changed_meanwhile_is_read_again(
    prices: Prices, postgres_url: str
) -> None:
    assert told(await prices.look("sku", "a")) == [9.5]
    async with Database.connect(postgres_url, pool_size=4) as database:
        other = PostgresStorage(database, lambda *_: None)
        column = NewColumn("more", "More", ColumnType.TEXT)
        await column_editing.add_column(prices.world.viewer, other, prices.table_id, column)
    assert told(await prices.look("sku", "b")) == [2]


async def test_many_values_are_one_statement(prices: Prices) -> None:
    """directus#22500: a giant list of values fails; here it is one array."""
    await prices.look("sku", "a")
    asked: list[str] = []
    given = [*(f"sku {number}" for number in range(40_000)), "a"]
    pool = prices.world.database.pool
    async with AsyncExitStack() as stack:
        for _ in range(pool.get_max_size()):
            connection = await stack.enter_async_context(pool.acquire())
            connection.add_query_logger(lambda query: asked.append(query.query))
    found = await prices.look("sku", *given)
    assert told(found)[-1] == 9.5
    assert len(asked) == 1
