"""What differs between two revisions of a table: the versions at both ends of what lies between."""

from collections.abc import Sequence

import asyncpg

from domain import numbers
from domain.columns import TableShape
from domain.history_records import CellDiff, DiffKind, DiffPage, DiffPlace, RowDiff
from persistence.engine import Pool
from persistence.fetching import fetch
from persistence.filter_sql import Params
from persistence.json_text import dumps
from persistence.row_images import changed_keys, data_text, image_of, same_image, values_of
from persistence.statements import statements


async def read_diff(
    pool: Pool,
    shape: TableShape,
    between: tuple[int, int],
    limit: int,
    after: DiffPlace | None,
) -> DiffPage:
    """Rows that differ between two revisions, by position. Columns are those of the shape."""
    start, end = between
    params = Params(shape.id, min(between), max(between), limit + 1)
    behind = ""
    if after is not None:
        place = f"({params.add(after.position, 'bigint')}, {params.add(after.row_id, 'uuid')})"
        behind = f"AND (x.position, x.row_id) > {place}"
    text = statements.get(shape, ("diff", behind), lambda: _statement(shape, behind))
    records = await fetch(pool, text, params.values)
    rows = [_row(shape, record, start > end) for record in records[:limit]]
    return DiffPage(start, end, rows, len(records) > limit)


def _statement(shape: TableShape, behind: str) -> str:
    """Parameters: table, lower and upper revision, limit, then the place."""
    columns = shape.columns
    return f"""
SELECT d.row_id, d.position, d.low IS NOT NULL AS was, d.high IS NOT NULL AS is,
       CASE WHEN d.low IS NOT NULL THEN {values_of(columns, "b")} END AS before,
       b._extra::text AS extra_before,
       CASE WHEN d.high IS NOT NULL THEN {values_of(columns, "a")} END AS after,
       a._extra::text AS extra_after
FROM (
  SELECT d.row_id, d.position, p.version AS low, v.version AS high
  FROM (
    SELECT x.row_id, x.position, min(x.version) - 1 AS low, max(x.version) AS high
    FROM row_version x
    WHERE x.table_id = $1 AND x.revision > $2 AND x.revision <= $3 {behind}
    GROUP BY x.row_id, x.position
  ) AS d
  LEFT JOIN row_version p ON p.table_id = $1 AND p.row_id = d.row_id AND p.version = d.low
    AND p.action <> 'delete'
  LEFT JOIN row_version v ON v.table_id = $1 AND v.row_id = d.row_id AND v.version = d.high
    AND v.action <> 'delete'
  WHERE (p.row_id IS NULL) <> (v.row_id IS NULL)
     OR p.row_id IS NOT NULL AND NOT {same_image(shape, "p", "v")}
  ORDER BY d.position, d.row_id LIMIT $4
) AS d
LEFT JOIN row_version p ON p.table_id = $1 AND p.row_id = d.row_id AND p.version = d.low
LEFT JOIN row_version v ON v.table_id = $1 AND v.row_id = d.row_id AND v.version = d.high
LEFT JOIN LATERAL {image_of(columns, "p")} AS b ON TRUE
LEFT JOIN LATERAL {image_of(columns, "v")} AS a ON TRUE
ORDER BY d.position, d.row_id"""


def _row(shape: TableShape, r: asyncpg.Record, backward: bool) -> RowDiff:
    names = [column.key for column in shape.columns]
    sides = (r["before"], r["extra_before"]), (r["after"], r["extra_after"])
    (before, extra_before), (after, extra_after) = sides[::-1] if backward else sides
    kind = DiffKind.CHANGED
    if before is None or after is None:
        kind = DiffKind.ADDED if before is None else DiffKind.REMOVED
    return RowDiff(
        row_id=r["row_id"],
        position=r["position"],
        kind=kind,
        before=None if before is None else data_text(names, len(names), before, extra_before),
        after=None if after is None else data_text(names, len(names), after, extra_after),
        cells=_cells(names, (before, extra_before), (after, extra_after)),
    )


_Side = tuple[Sequence[str | None] | None, str | None]


def _cells(names: Sequence[str], before: _Side, after: _Side) -> list[CellDiff]:
    empty: Sequence[str | None] = [None] * len(names)
    values = zip(names, before[0] or empty, after[0] or empty, strict=True)
    cells = [CellDiff(name, old, new) for name, old, new in values if old != new]
    old_extra, new_extra = (numbers.loads(side[1] or "{}") for side in (before, after))
    for key in changed_keys(old_extra, new_extra):
        cells.append(CellDiff(key, _text(old_extra, key), _text(new_extra, key)))
    return cells


def _text(extra: dict[str, object], key: str) -> str | None:
    return dumps(extra[key]) if key in extra else None
