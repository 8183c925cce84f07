"""Giving the cells of a run that is undone the states that they had before it.

The values go back by the machinery of rollbacks, which counts as a write of whoever undoes the run.
The states follow in an entry of their own, in the same transaction."""

from collections.abc import Collection, Sequence
from uuid import UUID

from domain.cells import CellStatus
from domain.changes import ChangeKind
from domain.columns import Column, TableShape
from persistence.engine import Connection
from persistence.run_cells import KEPT, KEPT_NAMES
from persistence.statements import statements
from persistence.status_sql import status_sql
from persistence.unit_of_work import TableWrite

#: Cells whose states one transaction gives back at most, but for those of the last row.
MOST_CELLS = 4_000
_DONE = f"('{CellStatus.RESOLVED}', '{CellStatus.STALE}', '{CellStatus.ERROR}')"

_EDGE = f"""
SELECT row_id FROM cell_state
WHERE table_id = $1 AND run_id = $2 AND status IN {_DONE} AND ($3::uuid IS NULL OR row_id > $3)
ORDER BY row_id OFFSET $4 LIMIT 1
"""
_SAVED = f"""
SELECT row_id, column_number, status, before FROM cell_state
WHERE table_id = $1 AND run_id = $2 AND status IN {_DONE} AND ($3::uuid IS NULL OR row_id > $3)
  AND ($4::uuid IS NULL OR row_id <= $4) AND row_id <> ALL($5)
"""

#: A cell of the run: row, column, status, and its state before as JSON text.
SavedCell = tuple[UUID, int, str, str | None]


async def last_row(
    connection: Connection, shape: TableShape, run_id: UUID, after: UUID | None
) -> UUID | None:
    """Up to which row by id one transaction can go; None for all that is left."""
    found: UUID | None = await connection.fetchval(_EDGE, shape.id, run_id, after, MOST_CELLS - 1)
    return found


async def saved_cells(
    connection: Connection,
    shape: TableShape,
    run_id: UUID,
    after: UUID | None,
    upto: UUID | None,
    apart: Collection[UUID],
) -> list[SavedCell]:
    """What the run left in the rows behind `after` up to `upto`, but for some. It is read before
    values go back, because that makes states of its own."""
    records = await connection.fetch(_SAVED, shape.id, run_id, after, upto, list(apart))
    return [(r["row_id"], r["column_number"], r["status"], r["before"]) for r in records]


async def restore_states(write: TableWrite, cells: Sequence[SavedCell]) -> None:
    """Give cells the states that they had before the run, as one entry of the log. A value that was
    stale by now is still."""
    known = write.shape.columns_by_number
    numbers = sorted({number for _, number, _, _ in cells if number in known})
    columns = [known[number] for number in numbers]
    if columns:
        purpose = ("restore states", tuple(numbers))
        await write.connection.execute(
            statements.get(write.shape, purpose, lambda: _restore(write.shape, columns)),
            write.shape.id,
            write.revision,
            write.at,
            [cell[0] for cell in cells],
            [cell[1] for cell in cells],
            [cell[2] for cell in cells],
            [cell[3] for cell in cells],
        )
    await write.log(ChangeKind.CELLS_CHANGED, details={"cells": len(cells)})


def _restore(shape: TableShape, columns: Sequence[Column]) -> str:
    statuses = ", ".join(
        f"({c.number}, {status_sql(shape, c, 't', 's.status')},"
        f" {status_sql(shape, c, 't', 'NULL::text')})"
        for c in columns
    )
    names = ", ".join(KEPT_NAMES)
    values = ", ".join("coalesce(b.attempt, 0)" if n == "attempt" else f"b.{n}" for n in KEPT_NAMES)
    sets = ", ".join(f"{name} = excluded.{name}" for name in KEPT_NAMES)
    return f"""
WITH saved AS (
  SELECT * FROM unnest($4::uuid[], $5::int[], $6::text[], $7::jsonb[])
    AS g(row_id, number, status, before)
), mine AS MATERIALIZED (
  SELECT g.row_id, g.number, n.status, g.before,
         CASE WHEN g.before IS NULL THEN n.plain
              WHEN g.status = 'stale' AND g.before->>'status' = 'resolved' THEN 'stale'
              ELSE g.before->>'status' END AS target
  FROM saved g
  JOIN {shape.sql_name} t ON t.id = g.row_id
  LEFT JOIN cell_state s ON s.table_id = $1 AND s.row_id = g.row_id AND s.column_number = g.number
  CROSS JOIN LATERAL (VALUES {statuses}) AS n(number, status, plain)
  WHERE n.number = g.number
), forgotten AS (
  DELETE FROM cell_state s USING mine m
  WHERE s.table_id = $1 AND s.row_id = m.row_id AND s.column_number = m.number AND m.before IS NULL
), restored AS (
  INSERT INTO cell_state (table_id, row_id, column_number, status, updated_at, {names})
  SELECT $1, m.row_id, m.number, m.target, $3, {values}
  FROM mine m, jsonb_to_record(m.before) AS b({KEPT}) WHERE m.before IS NOT NULL
  ON CONFLICT (table_id, row_id, column_number) DO UPDATE
  SET status = excluded.status, updated_at = excluded.updated_at, progress = NULL, previous = NULL,
      before = NULL, {sets}
)
INSERT INTO cell_change (table_id, row_id, column_number, revision, previous, status, error, at)
SELECT $1, row_id, number, $2, status, target,
       CASE WHEN target = 'error' THEN before->>'error' END, $3
FROM mine WHERE status <> target
"""
