"""The statements of the consumer `dependents`: what a part of a log did, and whom it concerns."""

from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

from domain.cells import CellStatus
from domain.columns import Column, TableShape
from domain.dependents import Affects, Reader
from domain.fields import family_of
from domain.operators import HOLDERS
from domain.values import Family
from persistence.filter_sql import Params, operand
from persistence.relay import Slice
from persistence.row_images import image_of
from persistence.row_sql import stored_columns
from persistence.status_sql import status_sql

_MOVABLE = f"('{CellStatus.RESOLVED}', '{CellStatus.QUEUED}', '{CellStatus.CALCULATING}')"
#: Families whose values are compared as they are.
_PLAIN = frozenset(Family) - HOLDERS - {Family.JSON, Family.FILE}


def facts_statement(source: TableShape, numbers: Collection[int]) -> str:
    """The rows that revisions touched: whether they came or went, and which of the columns
    `numbers` changed or went stale. Parameters: table, revisions, and the rows behind and up to
    which one looks, or null."""
    columns = [each for each in stored_columns(source) if each.number in numbers]
    changed = ", ".join(
        f"CASE WHEN a.{each.sql_name} IS DISTINCT FROM b.{each.sql_name} THEN {each.number} END"
        for each in columns
    )
    within = "({0}.row_id > $3 OR $3::uuid IS NULL) AND ({0}.row_id <= $4 OR $4::uuid IS NULL)"
    return f"""
SELECT v.row_id, v.action <> 'update' OR p.row_id IS NULL AS whole,
       array_remove(ARRAY[{changed}]::int[], NULL) AS numbers
FROM row_version v
LEFT JOIN row_version p
  ON p.table_id = v.table_id AND p.row_id = v.row_id AND p.version = v.version - 1
CROSS JOIN LATERAL {image_of(columns, "v")} AS a
LEFT JOIN LATERAL {image_of(columns, "p")} AS b ON TRUE
WHERE v.table_id = $1 AND v.revision = ANY($2::bigint[]) AND {within.format("v")}
UNION ALL
SELECT m.row_id, FALSE, ARRAY[m.column_number] FROM cell_change m
WHERE m.table_id = $1 AND m.revision = ANY($2::bigint[]) AND m.status = '{CellStatus.STALE}'
  AND {within.format("m")}
"""


def affected_statement(
    shape: TableShape,
    source: TableShape,
    affected: Sequence[Affects],
    part: Slice,
    after: UUID | None,
) -> tuple[str, list[Any]]:
    """The next rows with cells that may go stale, by id, each with the places of its readers; and
    the values of the statement but for the last, the most rows."""
    params = Params(after)
    selects = " UNION ALL ".join(
        f"SELECT t.id, {place} AS reader FROM {shape.sql_name} AS t"
        f" WHERE ({_condition(source, each, part, params)})"
        f" AND (t.id > $1::uuid OR $1::uuid IS NULL) AND {_movable(shape, each.reader)}"
        for place, each in enumerate(affected)
    )
    limit = f"${len(params.values) + 1}::bigint"
    text = (
        f"SELECT f.id, array_agg(f.reader) AS readers FROM ({selects}) f"
        f" GROUP BY f.id ORDER BY f.id LIMIT {limit}"
    )
    return text, params.values


def _movable(shape: TableShape, reader: Reader) -> str:
    """Whether a cell of the reader is resolved, or with a run that has to be told."""
    columns = shape.columns_by_number
    statuses = []
    for number in sorted(reader.columns):
        state = (
            f"(SELECT s.status FROM cell_state s WHERE s.table_id = '{shape.id}'"
            f" AND s.row_id = t.id AND s.column_number = {number})"
        )
        status = status_sql(shape, columns[number], "t", state)
        statuses.append(f"({status}) IN {_MOVABLE}")
    return "(" + " OR ".join(statuses) + ")"


def _condition(source: TableShape, affects: Affects, part: Slice, params: Params) -> str:
    reader, row_ids = affects.reader, affects.row_ids
    if reader.relation is not None:
        relation = f"t.{reader.relation.sql_name}"
        if row_ids is None:
            return f"cardinality({relation}) > 0"
        return f"{relation} && {params.add(list(row_ids), 'uuid[]')}"
    if reader.match is None or reader.against is None:
        return "TRUE"
    match = operand(reader.match, "t")
    if row_ids is None or not _comparable(reader.match, reader.against):
        # What a lookup makes of values of other types is not for SQL to say: all that look.
        return f"{match} IS NOT NULL"
    return f"{match} IN ({_held(source, reader.against, part, params, row_ids)})"


def _comparable(match: Column, against: Column) -> bool:
    return family_of(match) is family_of(against) and family_of(against) in _PLAIN


def _held(
    source: TableShape, against: Column, part: Slice, params: Params, row_ids: Sequence[UUID]
) -> str:
    """What the rows hold and held in a column."""
    columns = stored_columns(source)
    rows = params.add(list(row_ids), "uuid[]")
    revisions = params.add([each.revision for each in part.entries], "bigint[]")
    of = f"v.table_id = '{source.id}' AND v.revision = ANY({revisions}) AND v.row_id = ANY({rows})"
    return (
        f"SELECT {operand(against, 'a')} FROM row_version v"
        f" CROSS JOIN LATERAL {image_of(columns, 'v')} AS a WHERE {of}"
        f" UNION ALL SELECT {operand(against, 'b')} FROM row_version v JOIN row_version p"
        " ON p.table_id = v.table_id AND p.row_id = v.row_id AND p.version = v.version - 1"
        f" CROSS JOIN LATERAL {image_of(columns, 'p')} AS b WHERE {of}"
        f" UNION ALL SELECT {operand(against, 'l')} FROM {source.sql_name} AS l"
        f" WHERE l.id = ANY({rows})"
    )
