"""Random formulas over random rows, and both ways to compute them: in Python and in PostgreSQL."""

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import asyncpg
from hypothesis import strategies as st

from domain import numbers
from domain.columns import Column, ColumnType
from domain.computations import Target, attach
from domain.formula_evaluation import Row, Surroundings, evaluator
from domain.values import TYPES
from persistence.json_text import dumps
from persistence.read_sql import value_json

TABLE = "formulas.t1"
_KEYS = {
    "name": ColumnType.TEXT,
    "note": ColumnType.TEXT,
    "n": ColumnType.NUMBER,
    "big number": ColumnType.NUMBER,
    "flag": ColumnType.BOOLEAN,
    "day": ColumnType.DATE,
    "moment": ColumnType.DATETIME,
    "tags": ColumnType.MULTI_SELECT,
    "data": ColumnType.JSON,
    "weight": ColumnType.MEASUREMENT,
    "links": ColumnType.RELATION,
}
STORED = [
    Column(UUID(int=number), number, key, key, type, number)
    for number, (key, type) in enumerate(_KEYS.items(), 1)
]
LINKS = STORED[-1]
IDS = [UUID(int=0x018F3B2C00008007800000000000A000 + number) for number in range(4)]

_LETTERS = st.text("aAbÉéßK0123456789.-+eE:,;{}()$%_\\'\"/ \t\n\u00a0😀", max_size=8)
_NUMBER_TEXTS = st.sampled_from(
    [
        *["7", " -3.5 ", "+.5", "5.", "1e3", "1E-3", "1e999", "-0", "0.0", "1e9999", "٣", "NaN"],
        *["9" * 999, "9" * 1000, "9" * 1001, "0." + "1" * 900, "Infinity", "1_000", "", " ", "1 2"],
    ]
)
_DATE_TEXTS = st.sampled_from(
    [
        *["2024-02-29", "2023-02-29", "1900-02-29", "2000-02-29", "2024-13-01", "0001-01-01"],
        *["2024-04-31", "9999-12-31", "0000-01-01", "2024-01-01T10:00", "2024-01-01T24:00:00Z"],
        *["2024-01-01T00:00:00+14:00", "2024-01-01T00:00:00-14:59", "2024-01-01 23:59:59.999999Z"],
        *["0001-01-01T00:00:00+01:00", "9999-12-31T23:00:00-02:00", "2024-01-01T00:00:00+15:00"],
        *["2024-01-01\n", " 2024-01-01", "2024-1-1", "now", "infinity", "2024-02-30T00:00Z"],
    ]
)
TEXTS = _LETTERS | _NUMBER_TEXTS | _DATE_TEXTS
NUMBERS = st.one_of(
    st.integers(-20, 20),
    st.decimals(-1000, 1000, places=3),
    st.sampled_from(["1e30", "-1e-30", "0.1", "2.5", "-2.5", "0.5", "-0.5", "1e15"]).map(Decimal),
    st.sampled_from([Decimal("9" * 1000), Decimal("-0." + "3" * 999), Decimal(10) ** 999]),
)
_JSON = st.sampled_from(
    [1, 1.5, 'a"\\b', True, [1, "x", None], {"b": 1, "aa": {"é": []}, "a": 2.50}, "\u0001\n"]
)
_VALUES: dict[str, st.SearchStrategy[Any]] = {
    "name": TEXTS,
    "note": TEXTS,
    "n": NUMBERS,
    "big number": NUMBERS,
    "flag": st.booleans(),
    "day": st.sampled_from(["0001-01-01", "2024-02-29", "2024-03-01", "9999-12-31"]),
    "moment": st.sampled_from(["2024-02-29T23:59:59.999Z", "0001-01-01T00:00:00.000Z"]),
    "tags": st.lists(st.sampled_from(["a", "b c", "é"]), min_size=1, max_size=2, unique=True),
    "data": _JSON,
    "weight": NUMBERS,
    "links": st.lists(st.sampled_from(IDS).map(str), min_size=1, max_size=4, unique=True),
}


def _row(cells: dict[str, Any]) -> dict[int, Any]:
    normal = {
        key: numbers.normal(value) if isinstance(value, Decimal) else value
        for key, value in cells.items()
        if value is not None
    }
    return {column.number: normal[column.key] for column in STORED if column.key in normal}


ROWS = st.lists(
    st.fixed_dictionaries({key: st.none() | values for key, values in _VALUES.items()}).map(_row),
    min_size=1,
    max_size=4,
)

_PLAIN = st.sampled_from(
    [
        *["name", "note", "n", "flag", "previous", "day", "moment", "{{big number}}", "{{ n }}"],
        *[
            "{{tags}}",
            "{{data}}",
            "{{weight}}",
            "{{links}}",
            "{{name}}",
            "today()",
            "true",
            "false",
        ],
        *["sum(n)", "avg({{big number}})", "min(day)", "max(name)", "count(note)", "count(flag)"],
    ]
)
_LITERALS = st.one_of(
    st.sampled_from(["0", "1", "2.5", "007", ".5", "1000000000000000000000", "3."]),
    TEXTS.filter(lambda text: '"' not in text).map(lambda text: f'"{text}"'),
    TEXTS.filter(lambda text: "'" not in text).map(lambda text: f"'{text}'"),
)


def _compound(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    signs = st.sampled_from(["+", "-", "*", "/", "%", "==", "!=", "<", "<=", ">", ">="])
    one = st.sampled_from(["abs", "round", "floor", "ceil", "-", "concat"])
    return st.one_of(
        st.tuples(inner, signs, inner).map(lambda part: f"({part[0]} {part[1]} {part[2]})"),
        st.tuples(inner, signs, inner, signs, inner).map(" ".join).map(lambda text: f"({text})"),
        st.tuples(one, inner).map(lambda part: f"{part[0]}({part[1]})"),
        st.tuples(inner, inner, inner).map(lambda part: f"if({', '.join(part)})"),
        st.tuples(inner, inner).map(lambda part: f"concat({', '.join(part)})"),
        st.tuples(inner, inner).map(lambda part: f"daysBetween({', '.join(part)})"),
    )


FORMULAS = st.recursive(_PLAIN | _LITERALS, _compound, max_leaves=8)
RESULTS = st.sampled_from([None, "text", "number", "boolean", "date", "datetime"])


def computed(number: int, formula: str, **config: Any) -> Column:
    """A computed column `f<number>`."""
    key = f"f{number}"
    settings = {"formula": formula, **config}
    return Column(UUID(int=number), number, key, key, ColumnType.COMPUTED, number, config=settings)


def bound(columns: Sequence[Column], targets: dict[str, Target] | None = None) -> list[Column]:
    """The computed columns with their computations beside the stored ones. They must be right."""
    attached = attach([*STORED, *columns], TABLE, targets or {})
    assert not attached.problems, attached.problems
    return list(attached.columns[len(STORED) :])


def in_python(columns: Sequence[Column], rows: Sequence[Row]) -> list[list[Any]]:
    """What Python computes, as JSON values, row by row."""

    def linked(column: Column, row: Row) -> list[Row]:
        by_id = dict(zip(map(str, IDS), rows, strict=False))
        return [by_id[each] for each in row.get(column.number) or () if each in by_id]

    around = Surroundings(datetime.now(UTC).date(), rows, linked)
    functions = [evaluator(c.computation) if c.computation else None for c in columns]
    return [[_normal(f(row, around)) if f else None for f in functions] for row in rows]


def _normal(value: Any) -> Any:
    return numbers.normal(value) if isinstance(value, Decimal) else value


async def in_postgres(
    connection: asyncpg.Connection, columns: Sequence[Column], rows: Sequence[Row]
) -> list[list[Any]]:
    """What PostgreSQL computes, as JSON values, row by row."""
    await connection.execute(f"TRUNCATE {TABLE}")
    definition = ", ".join(f"{c.sql_name} {TYPES[c.type].storage}" for c in STORED)
    texts = [dumps({f"c{number}": value for number, value in row.items()}) for row in rows]
    await connection.execute(
        f"INSERT INTO {TABLE} SELECT x.id, x.n, r.* FROM unnest($1::uuid[], $2::jsonb[])"
        f" WITH ORDINALITY AS x(id, row, n), jsonb_to_record(x.row) AS r({definition})",
        IDS[: len(rows)],
        texts,
    )
    values = ", ".join(value_json(column, "t") for column in columns)
    found = await connection.fetch(
        f"SELECT ARRAY[{values}]::text[] AS row FROM {TABLE} AS t ORDER BY position"
    )
    return [
        [None if text is None else numbers.loads(text) for text in record["row"]]
        for record in found
    ]


@asynccontextmanager
async def formula_table(url: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection to a database that holds the empty table of the `STORED` columns."""
    connection = await asyncpg.connect(url, server_settings={"TimeZone": "UTC", "jit": "off"})
    cells = ", ".join(f"{c.sql_name} {TYPES[c.type].storage}" for c in STORED)
    try:
        await connection.execute("DROP SCHEMA IF EXISTS formulas CASCADE; CREATE SCHEMA formulas")
        await connection.execute(f"CREATE TABLE {TABLE} (id uuid, position bigint, {cells})")
        yield connection
        await connection.execute("DROP SCHEMA formulas CASCADE")
    finally:
        await connection.close()


def shown(column: Column) -> str:
    """What to say of a column when a test fails."""
    result = column.computation.family if column.computation else None
    return f"{json.dumps(dict(column.config or {}))} as {result}"
