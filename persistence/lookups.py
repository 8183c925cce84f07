"""Looking up values in another table: for each of many values the first row that holds it."""

from collections.abc import Mapping, Sequence
from typing import Any

from domain.columns import Column, TableShape
from domain.errors import StructureMoved
from domain.fields import Field, Scalar, family_of
from domain.numbers import loads
from domain.operators import HOLDERS
from domain.values import Family
from persistence.engine import Database
from persistence.fetching import fetch
from persistence.filter_sql import SQL_TYPES, operand
from persistence.read_sql import value_json
from persistence.statements import statements

#: Fields that values can be compared with.
NOT_COMPARED = frozenset({Family.JSON})


class Lookups:
    """Reads for lookup tools."""

    def __init__(self, database: Database) -> None:
        self._pool = database.pool

    async def find_many(
        self, shape: TableShape, against: Field, take: Column, values: Sequence[Scalar]
    ) -> Mapping[Scalar, Any]:
        """For each value that a row holds in `against`, what the first such row by position holds
        in `take`, as plain JSON; None for an empty cell. Values are those of `fields.normalise`. A
        field that holds lists holds each member.

        One statement: the values are one array, joined with the table, so that their number
        changes neither its text nor its plan. Raises `StructureMoved` when the shape is old,
        `TooLarge` when it takes too long."""
        text = statements.get(
            shape, ("lookup", against.sql_name, take.number), lambda: _text(shape, against, take)
        )
        wanted = list(dict.fromkeys(values))
        bound = (shape.id, shape.organization_id, shape.columns_version, wanted)
        records = await fetch(self._pool, text, bound)
        if not records:
            raise StructureMoved
        return {
            wanted[record["n"] - 1]: None if record["value"] is None else loads(record["value"])
            for record in records
            if record["n"] is not None
        }


def _text(shape: TableShape, against: Field, take: Column) -> str:
    """Rows are found by narrow ones first; only what is taken is computed."""
    return (
        "SELECT f.n, f.value FROM table_clock c LEFT JOIN ("
        f"SELECT first.n, {value_json(take, 't')} AS value FROM ("
        f"SELECT DISTINCT ON (w.n) w.n, t.id FROM unnest($4::{SQL_TYPES[family_of(against)]}[])"
        f" WITH ORDINALITY AS w(value, n) JOIN {shape.sql_name} AS t ON {_holds(against)}"
        " ORDER BY w.n, t.position, t.id"
        f") first JOIN {shape.sql_name} AS t ON t.id = first.id"
        ") f ON TRUE WHERE c.table_id = $1 AND c.organization_id = $2 AND c.columns_version = $3"
    )


def _holds(against: Field) -> str:
    value, family = operand(against, "t"), family_of(against)
    if family in HOLDERS:
        return f"{value} @> ARRAY[w.value]"
    if family is Family.FILE:
        return f"({value} ->> 'id') = w.value"
    return f"{value} = w.value"
