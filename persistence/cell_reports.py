"""Reports of outside workers on cells: statuses, values and errors, in one revision."""

from collections.abc import Sequence
from uuid import UUID

from domain.cells import CellReport, CellStatus, report_problems
from domain.changes import ChangeKind
from domain.errors import ErrorCode, Invalid, Problem
from domain.row_values import RowValues
from domain.row_writes import PreparedRow, Written
from persistence.cell_states import outdate_dependents
from persistence.json_text import dumps
from persistence.row_sql import rows_json, stored_columns
from persistence.row_update import merge_assignments, update_statement
from persistence.statements import statements
from persistence.unit_of_work import TableWrite

_CURRENT = """
SELECT row_id, column_number, status FROM cell_state
WHERE table_id = $1 AND (row_id, column_number) IN (SELECT * FROM unnest($2::uuid[], $3::int[]))
"""

_STORE = """
WITH given AS (
  SELECT * FROM jsonb_to_recordset($1::jsonb)
    AS g(row_id uuid, number int, previous text, status text, error text, progress float8)
), states AS (
  INSERT INTO cell_state (table_id, row_id, column_number, status, error, progress, updated_at)
  SELECT $2, row_id, number, status, error, progress, $3 FROM given
  ON CONFLICT (table_id, row_id, column_number)
  DO UPDATE SET status = excluded.status, error = excluded.error, progress = excluded.progress,
                updated_at = excluded.updated_at
)
INSERT INTO cell_change
  (table_id, row_id, column_number, revision, previous, status, error, progress, at)
SELECT $2, row_id, number, $4, previous, status, error, progress, $3 FROM given
"""


async def report_cells(write: TableWrite, reports: Sequence[CellReport]) -> Written:
    """Move the cells and write the values that came with them. The moves are checked under the
    clock's lock, so two workers cannot both take a cell. Raises `Invalid` with every problem."""
    current = await _current(write, reports)
    problems = await _unknown_rows(write, reports) or report_problems(current, reports)
    if problems:
        raise Invalid(problems)
    await write.connection.execute(
        _STORE,
        dumps(
            [
                {
                    "row_id": report.row_id,
                    "number": report.column_number,
                    "previous": current.get(
                        (report.row_id, report.column_number), CellStatus.INITIALIZED
                    ),
                    "status": report.status,
                    "error": report.error,
                    "progress": report.progress,
                }
                for report in reports
            ]
        ),
        write.shape.id,
        write.at,
        write.revision,
    )
    changed = await _write_values(write, reports)
    await write.log(ChangeKind.CELLS_CHANGED, changed=len(changed))
    return Written(write.revision, write.at, changed)


async def _current(
    write: TableWrite, reports: Sequence[CellReport]
) -> dict[tuple[UUID, int], CellStatus]:
    records = await write.connection.fetch(
        _CURRENT,
        write.shape.id,
        [report.row_id for report in reports],
        [report.column_number for report in reports],
    )
    return {(r["row_id"], r["column_number"]): CellStatus(r["status"]) for r in records}


async def _unknown_rows(write: TableWrite, reports: Sequence[CellReport]) -> list[Problem]:
    records = await write.connection.fetch(
        f"SELECT id FROM {write.shape.sql_name} WHERE id = ANY($1)",
        list({report.row_id for report in reports}),
    )
    known = {record["id"] for record in records}
    return [
        Problem(
            ErrorCode.NOT_FOUND,
            "Row not found",
            ("cells", str(report.index), "rowId"),
            report.index,
        )
        for report in reports
        if report.row_id not in known
    ]


async def _write_values(write: TableWrite, reports: Sequence[CellReport]) -> list[UUID]:
    values: dict[UUID, dict[int, object]] = {}
    for report in reports:
        if report.has_value:
            values.setdefault(report.row_id, {})[report.column_number] = report.value
    if not values:
        return []
    numbers = frozenset(number for cells in values.values() for number in cells)
    columns = [column for column in stored_columns(write.shape) if column.number in numbers]
    text = statements.get(
        write.shape,
        ("merge", numbers),
        lambda: update_statement(write.shape, columns, merge_assignments(columns)),
    )
    rows = [PreparedRow(row_id, RowValues(cells, None)) for row_id, cells in values.items()]
    await write.connection.fetch(text, rows_json(rows), write.at, write.shape.id, write.revision)
    await outdate_dependents(write, list(values), numbers)
    return list(values)
