"""Filters in SQL say what a Python evaluator says, and no value ever becomes part of the text."""

import re
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.cell_filters import CellWhere
from domain.columns import Column, ColumnType, TableShape
from domain.fields import SYSTEM_FIELDS, Field, family_of
from domain.filters import (
    OPERATORS,
    AllOf,
    AnyOf,
    Arity,
    Filter,
    Not,
    Operator,
    RawAll,
    RawWhere,
    Where,
    bind,
)
from domain.operators import HOLDERS
from domain.values import Family
from persistence.filter_sql import (
    Params,
    bind_values,
    compile_filter,
    compile_search,
    filter_shape,
)
from tests.examples import examples
from tests.persistence.row_samples import (
    DATES,
    EMPTY,
    FILE_IDS,
    IDS,
    JSONS,
    MOMENTS,
    NUMBERS,
    OPTIONS,
    SHAPE,
    TEXTS,
    SampleRow,
    as_image,
    fill,
    matches,
    sample_rows,
    sample_table,
)

_VALUES: dict[Family, st.SearchStrategy[Any]] = {
    Family.TEXT: TEXTS,
    Family.NUMBER: NUMBERS,
    Family.BOOLEAN: st.booleans(),
    Family.DATE: DATES,
    Family.DATETIME: MOMENTS,
    Family.TEXTS: OPTIONS,
    Family.JSON: JSONS,
    Family.FILE: FILE_IDS,
    Family.IDS: IDS,
    Family.ID: st.integers(0, 63).map(lambda number: UUID(int=0x018F3B2C << 96 | number)),
}
_PATTERNS = TEXTS | st.sampled_from(["5", "-0", "2024-0", "T23:", ".25", "1000", "9Z"])
FIELDS: list[Field] = [*SHAPE.columns, *SYSTEM_FIELDS.values()]


@st.composite
def _wheres(draw: st.DrawFn) -> Where:
    field = draw(st.sampled_from(FIELDS))
    family = family_of(field)
    fitting = [entry for entry in OPERATORS.values() if family in entry.families]
    entry = draw(st.sampled_from(fitting))
    one = st.none() | _VALUES[family]
    if entry.arity is Arity.NONE:
        return Where(field, entry.operator)
    if entry.arity is Arity.MANY:
        return Where(field, entry.operator, tuple(draw(st.lists(one, max_size=3))))
    looks_inside = entry.operator in (Operator.CONTAINS, Operator.STARTS_WITH)
    if looks_inside and family not in HOLDERS:
        one = st.none() | _PATTERNS
    return Where(field, entry.operator, draw(one))


_FILTERS: st.SearchStrategy[Filter] = st.recursive(
    _wheres(),
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda parts: AllOf(tuple(parts)))
        | st.lists(inner, max_size=3).map(lambda parts: AnyOf(tuple(parts)))
        | inner.map(Not)
    ),
    max_leaves=6,
)


async def _ids(connection: asyncpg.Connection, filter: Filter) -> set[UUID]:
    params = Params()
    where = compile_filter(filter, params)
    found = await connection.fetch(
        f"SELECT t.id FROM samples.t1 AS t WHERE {where}", *params.values
    )
    return {record["id"] for record in found}


@examples(40)
@given(rows=sample_rows(), filters=st.lists(_FILTERS, min_size=1, max_size=12))
async def test_filters_equal_a_python_evaluator(
    postgres_url: str, rows: list[SampleRow], filters: list[Filter]
) -> None:
    async with sample_table(postgres_url) as connection:
        await fill(connection, rows)
        for filter in filters:
            expected = {row.id for row in rows if matches(filter, row)}
            assert await _ids(connection, filter) == expected, filter


@examples(15)
@given(rows=sample_rows(), filters=st.lists(_FILTERS, min_size=1, max_size=8))
async def test_the_same_text_runs_over_row_images(
    postgres_url: str, rows: list[SampleRow], filters: list[Filter]
) -> None:
    async with sample_table(postgres_url) as connection:
        for filter in filters:
            params = Params([as_image(row) for row in rows])
            where = compile_filter(filter, params, "image")
            found = await connection.fetch(
                "SELECT image.id FROM unnest($1::text[]) AS stored(json), LATERAL "
                f"jsonb_populate_record(NULL::samples.t1, stored.json::jsonb) AS image "
                f"WHERE {where}",
                *params.values,
            )
            expected = {row.id for row in rows if matches(filter, row)}
            assert {record["id"] for record in found} == expected, filter


@given(filter=_FILTERS)
def test_the_text_follows_from_the_shape_and_the_values_can_be_bound_alone(filter: Filter) -> None:
    params, alone, others = Params("before"), Params("before"), Params("before")
    text = compile_filter(filter, params)
    bind_values(filter, alone)
    assert alone.values == params.values
    emptied = _without_values(filter)
    assert filter_shape(emptied) == filter_shape(filter)
    assert compile_filter(emptied, others) == text
    assert sorted(set(re.findall(r"\$(\d+)", text)), key=int) == [
        str(number) for number in range(2, len(params.values) + 1)
    ]


def _without_values(filter: Filter) -> Filter:
    if isinstance(filter, Where):
        return Where(filter.field, filter.operator, () if isinstance(filter.value, tuple) else None)
    if isinstance(filter, Not):
        return Not(_without_values(filter.part))
    assert not isinstance(filter, CellWhere)
    return type(filter)(tuple(_without_values(part) for part in filter.parts))


def test_shapes_differ_when_the_texts_do() -> None:
    number = SHAPE.columns_by_key["number"]
    one, other = Where(number, Operator.GT, Decimal(1)), Where(number, Operator.LT, Decimal(1))
    shapes: list[Filter] = [one, other, Not(one), AllOf((one,)), AnyOf((one,)), AllOf((one, other))]
    assert len({filter_shape(shape) for shape in shapes}) == 6


HOSTILE = ["'", '"', "%", "_", "\\", "\\'", "$1", "'; DROP TABLE samples.t1; --", "/*", "\u2028"]


@pytest.mark.parametrize("operator", ["eq", "contains", "starts_with", "in"])
async def test_hostile_values_match_themselves_and_nothing_else(
    postgres_url: str, operator: str
) -> None:
    rows = [
        SampleRow(UUID(int=index + 1), index, {**EMPTY, "c1": text})
        for index, text in enumerate([*HOSTILE, "plain"])
    ]
    async with sample_table(postgres_url) as connection:
        await fill(connection, rows)
        for text in HOSTILE:
            filter = bind(SHAPE, RawAll([RawWhere("text", operator, text)]))
            sql = compile_filter(filter, Params())
            assert re.fullmatch(r"[\w. ():=$~\[\]]+", sql), sql
            assert await _ids(connection, filter) == {
                row.id for row in rows if matches(filter, row)
            }
            assert UUID(int=HOSTILE.index(text) + 1) in await _ids(connection, filter)


def test_hostile_column_keys_never_reach_the_text() -> None:
    key = "\"; DROP TABLE samples.t1; --' \\ % \x00"
    column = Column(UUID(int=1), 1, key, key, ColumnType.TEXT, 1)
    shape = TableShape(UUID(int=9), UUID(int=8), 1, 1, 1, (column,), UUID(int=7))
    params = Params()
    sql = compile_filter(bind(shape, RawWhere(key, "eq", "x")), params)
    assert (sql, params.values) == ("t.c1 = $1::text", ["x"])


async def test_types_are_bound_exactly(postgres_url: str) -> None:
    exact = {
        "created_by": "é",
        "created_at": None,
        "updated_at": None,
        "c1": "x",
        "c2": Decimal("123456789012345678901234567890.000000000000000001"),
        "c3": False,
        "c4": date(2024, 2, 29),
        "c5": datetime(2024, 2, 29, 12, 0, 0, 1000, tzinfo=UTC),
        "c6": [UUID(int=5)],
        "c8": None,
        "c9": ["a, b", "é"],
        "c10": {"a": [1, "É"]},
        "c11": {"id": str(UUID(int=6)), "name": "Ä.pdf"},
        "c12": Decimal("12.50"),
    }
    row = SampleRow(UUID(int=1), 1, exact)
    raws = [
        RawWhere("number", "eq", "123456789012345678901234567890.000000000000000001"),
        RawWhere("boolean", "eq", False),
        RawWhere("boolean", "lt", True),
        RawWhere("date", "in", ["soon", "2024-02-29"]),
        RawWhere("datetime", "eq", "2024-02-29T14:00:00.001+02:00"),
        RawWhere("createdBy", "contains", "É"),
        RawWhere("relation", "in", ["junk", str(UUID(int=5))]),
        RawWhere("id", "eq", str(UUID(int=1))),
        RawWhere("position", "gte", 1),
        RawWhere("createdAt", "is_empty", has_value=False),
        RawWhere("computed", "neq", "x"),
        RawWhere("multi_select", "contains", "a, b"),
        RawWhere("multi_select", "in", ["never", "é"]),
        RawWhere("json", "contains", '"é"'),
        RawWhere("json", "is_not_empty", has_value=False),
        RawWhere("file", "eq", str(UUID(int=6)).upper()),
        RawWhere("file", "in", [{"id": str(UUID(int=6)), "name": "x"}]),
        RawWhere("file", "starts_with", "ä"),
        RawWhere("measurement", "eq", {"amount": 12.5}),
        RawWhere("measurement", "in", ["12.5 kg", "12.5"]),
    ]
    async with sample_table(postgres_url) as connection:
        await fill(connection, [row])
        for raw in raws:
            assert await _ids(connection, bind(SHAPE, raw)) == {row.id}, raw


async def test_search_looks_into_texts_and_numbers_literally(postgres_url: str) -> None:
    rows = [
        SampleRow(UUID(int=1), 1, {**EMPTY, "c1": "100%", "c2": Decimal("7.50")}),
        SampleRow(UUID(int=2), 2, {**EMPTY, "c8": "ÉCOLE@x.fr", "c2": Decimal("1000")}),
        SampleRow(UUID(int=3), 3, EMPTY),
        SampleRow(UUID(int=4), 4, {**EMPTY, "c9": ["x", "Rot"], "c12": Decimal("77.25")}),
        SampleRow(UUID(int=5), 5, {**EMPTY, "c10": {"k": ["ROT"]}}),
        SampleRow(UUID(int=6), 6, {**EMPTY, "c11": {"id": "77.25", "name": "rot.pdf"}}),
    ]
    async with sample_table(postgres_url) as connection:
        await fill(connection, rows)
        found = {}
        for text in ["école", "0%", "%", "7.5", "7.50", "100", "rot", "77.25"]:
            params = Params()
            where = compile_search(SHAPE, text, params)
            assert text not in where
            records = await connection.fetch(
                f"SELECT id FROM samples.t1 AS t WHERE {where} ORDER BY id", *params.values
            )
            found[text] = [record["id"].int for record in records]
    assert found == {
        "école": [2],
        "0%": [1],
        "%": [1],
        "7.5": [1],
        "7.50": [],
        "100": [1, 2],
        "rot": [4, 5, 6],
        "77.25": [4],
    }


def test_search_without_a_column_to_search_finds_nothing() -> None:
    column = Column(UUID(int=1), 1, "on", "On", ColumnType.BOOLEAN, 1)
    shape = TableShape(UUID(int=9), UUID(int=8), 1, 1, 1, (column,), UUID(int=7))
    assert compile_search(shape, "x", Params()) == "FALSE"


async def test_indexes_can_serve_equality_prefixes_and_relations(postgres_url: str) -> None:
    async with sample_table(postgres_url) as connection:
        await connection.execute(
            "INSERT INTO samples.t1 (id, position, c1, c2, c6)"
            " SELECT gen_random_uuid(), n, 'Text ' || n, n, ARRAY[gen_random_uuid()]"
            " FROM generate_series(1, 5000) AS n;"
            " CREATE INDEX i1 ON samples.t1 (lower(c1)); CREATE INDEX i2 ON samples.t1 (c2);"
            " CREATE INDEX i6 ON samples.t1 USING gin (c6);"
            " UPDATE samples.t1 SET c9 = ARRAY[c1];"
            " CREATE INDEX i9 ON samples.t1 USING gin (c9); ANALYZE samples.t1"
        )
        for raw, index in [
            (RawWhere("text", "starts_with", "TEXT 12"), "i1"),
            (RawWhere("number", "in", [5, 6]), "i2"),
            (RawWhere("relation", "eq", str(UUID(int=5))), "i6"),
            (RawWhere("relation", "in", [str(UUID(int=5))]), "i6"),
            (RawWhere("multi_select", "contains", "Text 12"), "i9"),
            (RawWhere("multi_select", "in", ["Text 12", "Text 13"]), "i9"),
        ]:
            params = Params()
            where = compile_filter(bind(SHAPE, raw), params)
            plan = await connection.fetch(
                f"EXPLAIN SELECT id FROM samples.t1 AS t WHERE {where}", *params.values
            )
            assert index in "\n".join(line[0] for line in plan), raw
