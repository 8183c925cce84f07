"""What an extractor found, made ready to be stored: ids, parents, defaults, and values that the
columns of this moment can hold."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from domain import ids, values
from domain.columns import Column, TableShape
from domain.extraction_job_records import FoundRow
from domain.extraction_ports import PlannedTable
from domain.extraction_records import ExtractedCell, ExtractedRow
from domain.rejections import Rejected
from domain.row_values import RowValues
from domain.row_writes import PreparedRow

#: Tables as they are when rows are stored, with what the schema reads of them.
Targets = Mapping[UUID, tuple[TableShape, PlannedTable]]

_NOTHING = ExtractedCell(None)


def ready_rows(
    targets: Targets, found: Sequence[ExtractedRow], before: Mapping[UUID, UUID]
) -> dict[UUID, list[FoundRow]]:
    """Rows by table in the order in which they were found; those of other tables are left out.

    `before` holds, by table, the row that stands last before them: a row that names no parent
    belongs to the last one before it, or else to the first behind it."""
    of_table: dict[UUID, list[ExtractedRow]] = {table_id: [] for table_id in targets}
    for row in found:
        if row.table_id in of_table:
            of_table[row.table_id].append(row)
    fresh = {
        table_id: ids.new_ids(ids.Kind.ROW, len(rows), targets[table_id][0].number)
        for table_id, rows in of_table.items()
    }
    makers = {table_id: _Maker(*target) for table_id, target in targets.items()}
    ready: dict[UUID, list[FoundRow]] = {table_id: [] for table_id in targets}
    for row in found:
        if row.table_id in ready:
            made = ready[row.table_id]
            above = targets[row.table_id][1].table.parent_id
            parent = None
            if above is not None:
                parent = _parent(row, fresh.get(above, ()), len(ready.get(above, ())))
                parent = parent or before.get(above) or next(iter(fresh.get(above, ())), None)
            made.append(makers[row.table_id].row(fresh[row.table_id][len(made)], row, parent))
    return ready


def _parent(row: ExtractedRow, parents: Sequence[UUID], passed: int) -> UUID | None:
    """The parent that a row names by its place, or else the last of those passed."""
    if row.parent is not None and 0 <= row.parent < len(parents):
        return parents[row.parent]
    return parents[passed - 1] if passed else None


class _Maker:
    """Makes the rows of one table."""

    def __init__(self, shape: TableShape, planned: PlannedTable) -> None:
        wanted = {each.column.number for each in planned.fields}
        self._columns = [column for column in shape.columns if column.number in wanted]
        self._readers = {column.number: values.reader(column) for column in self._columns}
        others = [
            column for column in shape.columns if column.stored and column.number not in wanted
        ]
        self._defaults = {column.number: _default(column) for column in others}

    def row(self, row_id: UUID, found: ExtractedRow, parent_id: UUID | None) -> FoundRow:
        cells = {
            column.number: self._checked(column, found.cells.get(column.number, _NOTHING))
            for column in self._columns
        }
        stored = self._defaults | {number: cell.value for number, cell in cells.items()}
        filled = {number: value for number, value in stored.items() if value is not None}
        return FoundRow(PreparedRow(row_id, RowValues(filled)), cells, parent_id)

    def _checked(self, column: Column, cell: ExtractedCell) -> ExtractedCell:
        """A cell whose value the column takes. What it does not take stays in the raw text."""
        if cell.value is None or cell.error is not None:
            return ExtractedCell(cell.raw, None, cell.confidence, cell.citation, cell.error)
        try:
            value = self._readers[column.number](cell.value)
        except Rejected as error:
            raw = cell.raw if cell.raw is not None else str(cell.value)
            return ExtractedCell(raw, None, cell.confidence, cell.citation, error.message)
        return ExtractedCell(cell.raw, value, cell.confidence, cell.citation)


def _default(column: Column) -> object:
    try:
        return values.accept_default(column)
    except Rejected:
        return None
