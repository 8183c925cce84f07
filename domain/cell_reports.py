"""Reports of outside workers on the cells that they fill."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from domain import access, ids, values
from domain.access import Viewer
from domain.cells import CellReport, CellStatus
from domain.changes import Cause
from domain.columns import Column, ColumnType, ComputedBy, TableShape
from domain.errors import ErrorCode, Invalid, Problem
from domain.file_values import named_files
from domain.ports import Storage
from domain.rejections import Rejected, clean_text
from domain.row_writes import Written
from domain.tables import on_table

#: Most cells in one request.
MAX_CELLS = 1000
#: Longest text of an error.
MAX_ERROR_CHARACTERS = 4_000


@dataclass(frozen=True, slots=True)
class RawReport:
    """A report as a client gives it. `has_value` tells a value of null from no value."""

    row_id: str
    column: str
    status: str
    has_value: bool = False
    value: Any = None
    error: str | None = None
    progress: float | None = None


@dataclass(frozen=True, slots=True)
class CellsReport:
    table_id: UUID
    cells: Sequence[RawReport]


async def report_cells(viewer: Viewer, storage: Storage, command: CellsReport) -> Written:
    """Move 1 to 1,000 cells of outside columns in one revision, all or none.

    Raises `NotFound` for the table, and `Invalid` with every problem: unknown rows and columns,
    columns that people fill, values that the column does not take, moves that are not legal."""
    access.require(viewer, "cellsReport")
    if not 1 <= len(command.cells) <= MAX_CELLS:
        message = f"cells takes 1 to {MAX_CELLS} items"
        raise Invalid([Problem(ErrorCode.OUT_OF_RANGE, message, ("cells",))])

    async def work(shape: TableShape) -> Written:
        checker = _Checker(shape)
        reports = [checker.check(raw, index) for index, raw in enumerate(command.cells)]
        checked = [report for report in reports if report is not None]
        checked = await _with_file_names(storage, shape, checked, checker.problems)
        if checker.problems:
            raise Invalid(checker.problems)
        return await storage.rows.report(shape, viewer.actor, Cause(), checked)

    return await on_table(viewer, storage, command.table_id, work)


async def _with_file_names(
    storage: Storage, shape: TableShape, reports: Sequence[CellReport], problems: list[Problem]
) -> list[CellReport]:
    """The reports with the names of the files in them; a problem for each that does not exist."""
    files = {column.number for column in shape.columns if column.type is ColumnType.FILE}
    given = [each for each in reports if each.column_number in files and each.value is not None]
    named = await named_files(storage, shape.organization_id, (each.value for each in given))
    for each in given:
        if each.value["id"] not in named:
            path = ("cells", str(each.index), "value")
            message = f"cells[{each.index}]: {named.fault(each.value)}"
            problems.append(Problem(ErrorCode.NOT_FOUND, message, path, each.index))
    known = {id(each): named.get(each.value["id"]) for each in given}
    return [replace(each, value=known[id(each)]) if id(each) in known else each for each in reports]


class _Checker:
    """One pass over the reports of a request."""

    def __init__(self, shape: TableShape) -> None:
        self.problems: list[Problem] = []
        self._shape = shape
        self._seen: dict[tuple[UUID, int], int] = {}

    def check(self, raw: RawReport, index: int) -> CellReport | None:
        """The report in its checked form; None after a problem."""
        found = len(self.problems)
        column = self._column(raw, index)
        row_id = self._row(raw, index)
        status = self._status(raw, index)
        self._details(raw, index)
        value = self._value(raw, column, status, index)
        if column is not None and row_id is not None:
            self._once(row_id, column, index)
        if len(self.problems) > found or column is None or row_id is None or status is None:
            return None
        return CellReport(
            row_id, column.number, status, raw.has_value, value, raw.error, raw.progress, index
        )

    def _refuse(self, index: int, field: str, code: ErrorCode, message: str) -> None:
        path = ("cells", str(index), field)
        self.problems.append(Problem(code, f"cells[{index}]: {message}", path, index))

    def _column(self, raw: RawReport, index: int) -> Column | None:
        column = self._shape.columns_by_key.get(raw.column)
        if column is None:
            message = f"Unknown column: {raw.column}"
            self._refuse(index, "column", ErrorCode.UNKNOWN_COLUMN, message)
        elif column.computed_by is not ComputedBy.EXTERNAL:
            message = f"{column.key} is not filled from outside (computedBy: EXTERNAL)"
            self._refuse(index, "column", ErrorCode.INVALID, message)
            return None
        return column

    def _row(self, raw: RawReport, index: int) -> UUID | None:
        row_id = ids.parse(raw.row_id)
        if row_id is None:
            self._refuse(index, "rowId", ErrorCode.NOT_FOUND, "Row not found")
        return row_id

    def _status(self, raw: RawReport, index: int) -> CellStatus | None:
        try:
            return CellStatus(raw.status)
        except ValueError:
            self._refuse(index, "status", ErrorCode.INVALID, f"Unknown status: {raw.status}")
            return None

    def _details(self, raw: RawReport, index: int) -> None:
        if raw.progress is not None and not 0 <= raw.progress <= 1:
            self._refuse(index, "progress", ErrorCode.OUT_OF_RANGE, "progress is from 0 to 1")
        if raw.error is None:
            return
        if len(raw.error) > MAX_ERROR_CHARACTERS:
            message = f"error is longer than {MAX_ERROR_CHARACTERS} characters"
            self._refuse(index, "error", ErrorCode.TOO_LONG, message)
        try:
            clean_text(raw.error)
        except Rejected as rejected:
            self._refuse(index, "error", rejected.code, f"error: {rejected.message}")

    def _value(
        self, raw: RawReport, column: Column | None, status: CellStatus | None, index: int
    ) -> Any:
        if not raw.has_value or column is None or status is None:
            return None
        if status is not CellStatus.RESOLVED:
            self._refuse(index, "value", ErrorCode.INVALID, "only a resolved cell takes a value")
            return None
        try:
            return values.accept(column, raw.value)
        except Rejected as rejected:
            message = f"{column.key}: {rejected.message}"
            self._refuse(index, "value", rejected.code, message)
            return None

    def _once(self, row_id: UUID, column: Column, index: int) -> None:
        first = self._seen.setdefault((row_id, column.number), index)
        if first != index:
            message = f"names the same cell as cells[{first}]"
            self._refuse(index, "rowId", ErrorCode.DUPLICATE, message)
