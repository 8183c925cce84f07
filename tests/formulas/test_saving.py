"""Computed columns are checked when they are saved, and hold at once in every row."""

from collections.abc import AsyncIterator
from uuid import UUID

import pytest

from domain import column_editing, tables
from domain.entities import ColumnUpdate, TableCreate
from domain.errors import Invalid
from domain.filters import RawSort, bind_sorts
from persistence.keyset_sql import order_by
from tests.formulas.tables import formula, number, read
from tests.worlds import World, open_world


@pytest.fixture
async def world(postgres_url: str) -> AsyncIterator[World]:
    async with open_world(postgres_url) as opened:
        yield opened


async def test_a_table_is_made_with_formulas_in_any_order(world: World) -> None:
    table_id = await world.table(formula("b", "{{a}} + 1"), formula("a", "{{n}} * 2"), number("n"))
    await world.add(table_id, {"n": 3})
    assert await read(world, table_id, "a", "b") == [(6, 7)]


async def test_all_that_is_wrong_is_told_with_its_place(world: World) -> None:
    columns = [formula("a", "b +"), number("n"), formula("b", "nope"), formula("c", "{{c}}")]
    with pytest.raises(Invalid) as raised:
        await tables.create_table(world.viewer, world.storage, TableCreate("T", columns=columns))
    assert [(each.path, each.message) for each in raised.value.problems] == [
        (
            ("columns", "0", "config"),
            "config.formula: expected a value, found the end at position 4",
        ),
        (("columns", "2", "config"), "config.formula: unknown column nope at position 1"),
        (("columns", "3", "config"), "config.formula: c → c is a cycle"),
    ]


async def test_a_column_is_checked_when_it_is_added(world: World) -> None:
    table_id = await world.table("name")
    with pytest.raises(Invalid, match=r"config\.formula: unknown function f at position 1"):
        await column_editing.add_column(
            world.viewer, world.storage, table_id, formula("a", "f(name)")
        )
    assert "a" not in (await world.shape(table_id)).columns_by_key


async def test_a_changed_formula_holds_at_once_in_every_row(world: World) -> None:
    table_id = await world.table(number("n"), formula("a", "n * 2"), formula("b", "a + 1"))
    await world.add(table_id, {"n": 1}, {"n": 2})
    assert await read(world, table_id, "b") == [3, 5]
    await change(world, table_id, "a", "n * 10")
    assert await read(world, table_id, "a", "b") == [(10, 11), (20, 21)]


async def test_a_change_that_breaks_itself_or_others_is_refused(world: World) -> None:
    table_id = await world.table(number("n"), formula("a", "n"), formula("b", "a + 1"))
    for text, message in [
        ("b", "config.formula: a → b → a is a cycle"),
        ("n +", "config.formula: expected a value, found the end at position 4"),
    ]:
        with pytest.raises(Invalid) as raised:
            await change(world, table_id, "a", text)
        assert str(raised.value) == message
        assert raised.value.problems[0].path == ("config",)
    await world.add(table_id, {"n": 1})
    assert await read(world, table_id, "b") == [2]


async def test_a_formula_that_becomes_too_large_for_others_is_refused(world: World) -> None:
    doubles = [formula(f"d{n}", f"d{n - 1} + d{n - 1} + d{n - 1}") for n in range(1, 6)]
    table_id = await world.table(number("n"), formula("d0", "n"), *doubles)
    with pytest.raises(Invalid) as raised:
        await change(world, table_id, "d0", " + ".join(["n"] * 100))
    first, second, *_ = [problem.message for problem in raised.value.problems]
    assert first.startswith("config: the column d2 would fail: formula: with the columns that it")
    assert second.endswith("d3 would fail: formula: the column d2 cannot be computed at position 1")


async def test_a_column_that_formulas_use_may_go_and_come_back(world: World) -> None:
    table_id = await world.table(
        number("n"), number("m"), formula("a", "n + m"), formula("b", "a * 2")
    )
    await world.add(table_id, {"n": 1, "m": 2})
    column = await world.column(table_id, "m")
    await column_editing.delete_column(world.viewer, world.storage, table_id, column.id)
    assert await read(world, table_id, "a", "b") == [(None, None)]
    # Others can still be changed: what was broken before is no reason to refuse.
    await change(world, table_id, "b", "n * 7")
    await column_editing.add_column(world.viewer, world.storage, table_id, number("m"))
    assert await read(world, table_id, "a", "b") == [(1, 7)]


async def test_a_key_that_closes_a_circle_is_refused(world: World) -> None:
    table_id = await world.table(number("n"), formula("a", "n"))
    column = await world.column(table_id, "n")
    await column_editing.delete_column(world.viewer, world.storage, table_id, column.id)
    with pytest.raises(Invalid, match="n → a → n is a cycle"):
        await column_editing.add_column(world.viewer, world.storage, table_id, formula("n", "a"))


async def test_a_new_label_changes_no_formula(world: World) -> None:
    table_id = await world.table(number("n"), formula("a", "n + 1"))
    await world.add(table_id, {"n": 1})
    column = await world.column(table_id, "n")
    update = ColumnUpdate(label="Number")
    await column_editing.update_column(world.viewer, world.storage, table_id, column.id, update)
    assert await read(world, table_id, "a") == [2]


async def test_a_cycle_that_storage_holds_anyway_is_shown(world: World) -> None:
    table_id = await world.table(formula("a", "1"), formula("b", "2"), number("n"))
    async with world.database.pool.acquire() as connection:
        for key, other in (("a", "b"), ("b", "a")):
            await connection.execute(
                "UPDATE table_column SET config = jsonb_build_object('formula', $3::text)"
                " WHERE table_id = $1 AND key = $2",
                table_id,
                key,
                other,
            )
    await world.shape(table_id)
    await world.add(table_id, {"n": 1})
    assert await read(world, table_id, "a", "b", "n") == [("#CYCLE", "#CYCLE", 1)]


async def test_values_given_for_formulas_are_passed_over(world: World) -> None:
    table_id = await world.table(number("n"), formula("a", "n + 1"))
    await world.add(table_id, {"n": 1, "a": 99})
    assert await read(world, table_id, "a") == [2]


async def test_an_index_on_a_formula_serves_its_order_and_goes_with_it(world: World) -> None:
    table_id = await world.table(number("n"), formula("a", "n * 2"), formula("b", "a + 1"))
    await world.add(table_id, *({"n": n} for n in range(500)))
    for _ in range(2):
        column = await world.column(table_id, "b")
        made = await column_editing.create_index(world.viewer, world.storage, table_id, column.id)
        assert (made.status, made.error) == ("ready", None)
        shape = await world.shape(table_id)
        name = f"ix_t{shape.number}_{column.sql_name}"
        assert await _indexes(world, name) == [name]
        await _uses(world, table_id, name)
        await change(world, table_id, "a", "n * 3")  # the index was on what b was before
        assert await _indexes(world, name) == []
    assert await read(world, table_id, "b")


async def _indexes(world: World, name: str) -> list[str]:
    found = await world.database.pool.fetch(
        "SELECT indexname FROM pg_indexes WHERE indexname = $1", name
    )
    return [record["indexname"] for record in found]


async def _uses(world: World, table_id: UUID, name: str) -> None:
    """The plan of a page sorted by the formula reads the index and sorts nothing."""
    shape = await world.shape(table_id)
    order = order_by(bind_sorts(shape, [RawSort("b")]))
    async with world.database.pool.acquire() as connection:
        await connection.execute(f"ANALYZE {shape.sql_name}")
        plan = await connection.fetch(
            f"EXPLAIN SELECT id FROM {shape.sql_name} AS t ORDER BY {order} LIMIT 20"
        )
    text = "\n".join(record[0] for record in plan)
    assert name in text
    assert "Sort" not in text


async def test_what_can_change_without_its_row_has_no_index(world: World) -> None:
    texts = ["today()", "sum(n)", "day + ''", "nope", "daysBetween(day, '2024-01-01')"]
    day = formula("day", "n", resultType="date")
    others = [formula(f"f{index}", text) for index, text in enumerate(texts)]
    table_id = await world.table(number("n"), day, "nope", *others)
    gone = await world.column(table_id, "nope")
    await column_editing.delete_column(world.viewer, world.storage, table_id, gone.id)
    for other in others:
        column = await world.column(table_id, other.key)
        with pytest.raises(Invalid, match="Only formulas of numbers, booleans and texts"):
            await column_editing.create_index(world.viewer, world.storage, table_id, column.id)


async def change(world: World, table_id: UUID, key: str, text: str) -> None:
    """Give a computed column another formula."""
    column = await world.column(table_id, key)
    update = ColumnUpdate(config={"formula": text})
    await column_editing.update_column(world.viewer, world.storage, table_id, column.id, update)
