"""Letting go of cells that a run holds: back to what they were, or back into its queue."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from domain.cells import CellStatus
from domain.run_records import CHUNK_ROWS, TakenCell
from persistence.json_text import dumps
from persistence.run_cells import CALCULATING, KEPT, QUEUED, RESTORED, WAITING
from persistence.unit_of_work import TableWrite

_RESOLVED, _STALE = f"'{CellStatus.RESOLVED}'", f"'{CellStatus.STALE}'"
#: Statuses that follow from values: a cell that goes back to one needs no state.
_VIRTUAL = f"'{CellStatus.INITIALIZED}', '{CellStatus.READY}'"

#: From `mine (row_id, column_number, status, target, before)`. Parameters: table, revision, moment.
BACK = f"""
forgotten AS (
  DELETE FROM cell_state s USING mine m
  WHERE s.table_id = $1 AND s.row_id = m.row_id AND s.column_number = m.column_number
    AND (m.target IN ({_VIRTUAL}) OR (m.target = {_RESOLVED} AND m.before IS NULL))
), restored AS (
  UPDATE cell_state s SET status = m.target, previous = NULL, before = NULL, progress = NULL,
    updated_at = $3, {RESTORED}
  FROM mine m, jsonb_to_record(coalesce(m.before, '{{}}')) AS b({KEPT})
  WHERE s.table_id = $1 AND s.row_id = m.row_id AND s.column_number = m.column_number
    AND NOT (m.target IN ({_VIRTUAL}) OR (m.target = {_RESOLVED} AND m.before IS NULL))
), moves AS (
  INSERT INTO cell_change (table_id, row_id, column_number, revision, previous, status, error, at)
  SELECT $1, row_id, column_number, $2, status, target,
         CASE WHEN target = '{CellStatus.ERROR}' THEN before->>'error' END, $3
  FROM mine WHERE status <> target
  ON CONFLICT (table_id, row_id, column_number, revision)
  DO UPDATE SET status = excluded.status, error = excluded.error, progress = NULL
)
SELECT count(*) FROM mine
"""

#: Cells by row, column and attempt. Parameters from $4: cells, run.
_GIVEN = f"""
mine AS (
  SELECT s.row_id, s.column_number, s.status, s.before,
         coalesce(s.previous, '{CellStatus.INITIALIZED}') AS target
  FROM cell_state s
  JOIN jsonb_to_recordset($4::jsonb) AS g(row_id uuid, number int, attempt int)
    ON s.row_id = g.row_id AND s.column_number = g.number AND s.attempt = g.attempt
  WHERE s.table_id = $1 AND s.run_id = $5 AND s.status = {CALCULATING}
)"""
_GIVE_BACK = f"WITH {_GIVEN}, {BACK}"

_REQUEUE = f"""
WITH {_GIVEN}, again AS (
  UPDATE cell_state s SET status = {QUEUED}, updated_at = $3 FROM mine m
  WHERE s.table_id = $1 AND s.row_id = m.row_id AND s.column_number = m.column_number
), moves AS (
  INSERT INTO cell_change (table_id, row_id, column_number, revision, previous, status, at)
  SELECT $1, row_id, column_number, $2, {CALCULATING}, {QUEUED}, $3 FROM mine
)
SELECT count(*) FROM mine
"""

#: The next rows that a run still holds. Parameters from $4: run, rows.
_REST = f"""
WITH rows AS (
  SELECT DISTINCT row_id FROM cell_state
  WHERE run_id = $4 AND table_id = $1 AND status IN {WAITING} ORDER BY row_id LIMIT $5
), mine AS (
  SELECT s.row_id, s.column_number, s.status, s.before,
         coalesce(s.previous, '{CellStatus.INITIALIZED}') AS target
  FROM cell_state s JOIN rows r ON r.row_id = s.row_id
  WHERE s.table_id = $1 AND s.run_id = $4 AND s.status IN {WAITING}
), {BACK}"""


async def give_back(write: TableWrite, run_id: UUID, cells: Sequence[TakenCell]) -> int:
    """Give cells that are still held back the states that they had; how many."""
    return await _run(write, _GIVE_BACK, _cells(cells), run_id)


async def requeue(write: TableWrite, run_id: UUID, cells: Sequence[TakenCell]) -> int:
    """Queue cells again that are still held; how many."""
    return await _run(write, _REQUEUE, _cells(cells), run_id)


async def give_back_rest(write: TableWrite, run_id: UUID, rows: int = CHUNK_ROWS) -> int:
    """Give back what the run holds in the next rows; how many cells."""
    return await _run(write, _REST, run_id, rows)


async def _run(write: TableWrite, statement: str, *values: Any) -> int:
    count: int = await write.connection.fetchval(
        statement, write.shape.id, write.revision, write.at, *values
    )
    return count


def _cells(cells: Sequence[TakenCell]) -> str:
    return dumps(
        [
            {"row_id": str(cell.row_id), "number": cell.column_number, "attempt": cell.attempt}
            for cell in cells
        ]
    )
