"""A users' table made by hand, random rows for it, and how Python compares their values."""

import json
import operator
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import asyncpg
from hypothesis import strategies as st

from domain.columns import Column, ColumnType, TableShape
from domain.fields import Field, family_of, is_stored
from domain.filters import AllOf, AnyOf, Filter, Not, Operator, Where
from domain.operators import HOLDERS
from domain.values import SORTED_AS_TEXT, Family

TYPES = (
    ColumnType.TEXT,
    ColumnType.NUMBER,
    ColumnType.BOOLEAN,
    ColumnType.DATE,
    ColumnType.DATETIME,
    ColumnType.RELATION,
    ColumnType.COMPUTED,
    ColumnType.EMAIL,
    ColumnType.MULTI_SELECT,
    ColumnType.JSON,
    ColumnType.FILE,
    ColumnType.MEASUREMENT,
)
SHAPE = TableShape(
    UUID(int=99),
    UUID(int=98),
    1,
    1,
    1,
    tuple(
        Column(UUID(int=number), number, type.value, type.value, type, number)
        for number, type in enumerate(TYPES, start=1)
    ),
    UUID(int=97),
)
TABLE = """
CREATE TABLE samples.t1 (
    id uuid PRIMARY KEY, position bigint NOT NULL, session_id uuid, version int,
    created_by text, created_at timestamptz, updated_at timestamptz, _extra jsonb,
    c1 text COLLATE pg_c_utf8, c2 numeric, c3 boolean, c4 date, c5 timestamptz(3), c6 uuid[],
    c8 text COLLATE pg_c_utf8, c9 text[] COLLATE pg_c_utf8, c10 jsonb, c11 jsonb, c12 numeric
)"""
#: The cells of a row without values.
EMPTY: dict[str, Any] = dict.fromkeys(
    ("created_by", "created_at", "updated_at", *(f"c{n}" for n in range(1, 13) if n != 7))
)
TARGETS = [UUID(int=0x018F3B2C00008007800000000000A000 + number) for number in range(3)]
_MOMENT = datetime(2024, 2, 29, 23, 59, 59, 999_000, tzinfo=UTC)
#: Letters whose lower case is one letter everywhere, and what SQL and JSON treat specially.
TEXTS = st.text("aAbÉéß%_\\'\"$ \n\t\u00a0😀", max_size=4)
NUMBERS = st.sampled_from(["0", "-1", "5", "5.5", "10", "100.25", "1e30", "-0.000001"]).map(Decimal)
DATES = st.sampled_from([date(1, 1, 1), date(2024, 2, 29), date(2024, 3, 1), date(9999, 12, 31)])
MOMENTS = st.integers(-2, 2).map(lambda step: _MOMENT + timedelta(milliseconds=step))
IDS = st.sampled_from(TARGETS)
OPTIONS = st.sampled_from(["a", "B", "a, b", "é", "'", '"', "\\", "{", "%_", "NULL", ""])
JSONS = st.recursive(
    st.booleans() | st.integers(-5, 5) | TEXTS | st.sampled_from([1.5, -0.25]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("abé"), inner),
    max_leaves=3,
)
FILE_IDS = st.sampled_from([str(UUID(int=0xF11E + number)) for number in range(3)])
FILES = st.fixed_dictionaries({"id": FILE_IDS, "name": TEXTS})


@dataclass(frozen=True)
class SampleRow:
    """One row; `cells` by SQL name."""

    id: UUID
    position: int
    cells: dict[str, Any] = field(default_factory=dict)

    def value(self, field: Field) -> Any:
        """What the row holds of a column or a system field."""
        if not is_stored(field):
            return None
        return {"id": self.id, "position": self.position, **self.cells}[field.sql_name]


def _cells() -> st.SearchStrategy[dict[str, Any]]:
    none = st.none()
    return st.fixed_dictionaries(
        {
            "created_by": none | TEXTS,
            "created_at": none | MOMENTS.map(lambda moment: moment + timedelta(microseconds=7)),
            "updated_at": MOMENTS,
            "c1": none | TEXTS,
            "c2": none | NUMBERS,
            "c3": none | st.booleans(),
            "c4": none | DATES,
            "c5": none | MOMENTS,
            "c6": none | st.lists(IDS, max_size=2, unique=True),
            "c8": none | TEXTS,
            "c9": none | st.lists(OPTIONS, max_size=3, unique=True),
            "c10": none | JSONS,
            "c11": none | FILES,
            "c12": none | NUMBERS,
        }
    )


def sample_rows(most: int = 12) -> st.SearchStrategy[list[SampleRow]]:
    """Rows with many nulls and ties; ids do not follow positions."""
    return st.lists(_cells(), max_size=most).map(
        lambda found: [
            SampleRow(UUID(int=0x018F3B2C << 96 | (index * 7919) % 64), index // 2 + 1, cells)
            for index, cells in enumerate(found)
        ]
    )


@asynccontextmanager
async def sample_table(url: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection to a database that holds the empty table `samples.t1`."""
    connection = await asyncpg.connect(url)
    try:
        await connection.execute("DROP SCHEMA IF EXISTS samples CASCADE; CREATE SCHEMA samples")
        await connection.execute(TABLE)
        await connection.set_type_codec(
            "jsonb",
            encoder=lambda value: b"\x01" + json.dumps(value).encode(),
            decoder=lambda stored: json.loads(stored[1:]),
            schema="pg_catalog",
            format="binary",
        )
        yield connection
        await connection.execute("DROP SCHEMA samples CASCADE")
    finally:
        await connection.close()


async def fill(connection: asyncpg.Connection, rows: Sequence[SampleRow]) -> None:
    """Replace the rows of the table."""
    await connection.execute("TRUNCATE samples.t1")
    await connection.copy_records_to_table(
        "t1",
        schema_name="samples",
        columns=["id", "position", *EMPTY],
        records=[(row.id, row.position, *(row.cells[name] for name in EMPTY)) for row in rows],
    )


def _written(family: Family, value: Any) -> str:
    match family:
        case Family.NUMBER:
            text = format(Decimal(value), "f")
            return text.rstrip("0").rstrip(".") if "." in text else text
        case Family.DATETIME:
            moment: datetime = value.astimezone(UTC)
            return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03}Z"
        case Family.TEXTS:
            return ", ".join(value)
        case Family.FILE:
            return str(value["name"])
        case Family.JSON:
            return jsonb_text(value)
    return str(value)


def jsonb_text(value: Any) -> str:
    """JSON as PostgreSQL writes it: keys by length, then by bytes."""
    if isinstance(value, dict):
        keys = sorted(value, key=lambda key: (len(key.encode()), key.encode()))
        return "{" + ", ".join(f"{jsonb_text(k)}: {jsonb_text(value[k])}" for k in keys) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(jsonb_text, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


def sort_key(family: Family, value: Any) -> Any:
    """What a value sorts by; None for nothing."""
    if value is None:
        return None
    if family is Family.IDS:
        return value[0] if value else None
    return _written(family, value) if family in SORTED_AS_TEXT else value


def _is_empty(family: Family, value: Any) -> bool:
    if family is Family.TEXT:
        return value is None or not re.search(r"\S", value)
    if family is Family.JSON:
        return value is None or value in ("", [], {})
    return value is None or value == []


def _holds_one(family: Family, value: Any, wanted: Any) -> bool:
    if value is None or wanted is None:
        return False
    if family is Family.FILE:
        return bool(value["id"] == wanted)
    return bool(wanted in value if family in HOLDERS else value == wanted)


def matches(filter: Filter, row: SampleRow) -> bool:
    """What `compile_filter` must say, in Python."""
    if isinstance(filter, AllOf):
        return all(matches(part, row) for part in filter.parts)
    if isinstance(filter, AnyOf):
        return any(matches(part, row) for part in filter.parts)
    if isinstance(filter, Not):
        return not matches(filter.part, row)
    assert isinstance(filter, Where)
    return _compare(filter, row.value(filter.field))


_ORDERINGS = {
    Operator.GT: operator.gt,
    Operator.GTE: operator.ge,
    Operator.LT: operator.lt,
    Operator.LTE: operator.le,
}


def _compare(where: Where, value: Any) -> bool:
    family, wanted = family_of(where.field), where.value
    match where.operator:
        case Operator.IS_EMPTY:
            return _is_empty(family, value)
        case Operator.IS_NOT_EMPTY:
            return not _is_empty(family, value)
        case Operator.IN:
            assert isinstance(wanted, tuple)
            return any(_holds_one(family, value, one) for one in wanted)
        case Operator.NEQ if family is Family.FILE:
            return bool((value or {}).get("id") != wanted)
        case Operator.NEQ if family not in HOLDERS:
            return bool(value != wanted)
        case Operator.NEQ:
            return not _holds_one(family, value, wanted)
    if value is None or wanted is None:
        return False
    if where.operator in _ORDERINGS:
        return bool(_ORDERINGS[where.operator](value, wanted))
    if where.operator is Operator.CONTAINS and family not in HOLDERS:
        return str(wanted).lower() in _written(family, value).lower()
    if where.operator is Operator.STARTS_WITH:
        return _written(family, value).lower().startswith(str(wanted).lower())
    return _holds_one(family, value, wanted)


def as_image(row: SampleRow) -> str:
    """The row as a stored version: JSON keyed by SQL names."""
    cells = {"id": row.id, "position": row.position, **row.cells}
    return json.dumps({name: _json(value) for name, value in cells.items()})


def _json(value: Any) -> Any:
    if isinstance(value, list):
        return [_json(each) for each in value]
    if isinstance(value, dict):
        return {key: _json(each) for key, each in value.items()}
    if isinstance(value, datetime):
        return value.isoformat()
    return value if value is None or isinstance(value, bool | int | float) else str(value)
