"""Entries of a table's log as events: one event an entry, or none when a filter passes it over."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

import strawberry

from domain.cells import CellStatus
from domain.changes import ChangeKind
from domain.columns import Column
from domain.filters import Filter
from domain.selection import cell_status
from gql.types.events import (
    BulkChanged,
    CellChange,
    CellsChanged,
    CellStatusesChanged,
    ColumnsChanged,
    RowsAdded,
    RowsChanged,
    RowsDeleted,
    RowsEntered,
    RowsLeft,
    TableChanged,
    TableDeleted,
    cell_change,
    change_fields,
)
from gql.types.rows import Row
from gql.types.vocabulary import RowsLeftReason
from persistence.change_log import ChangeLog, LoggedRow, TableEntry

#: Whether a row matched before and after a change, by (revision, row id).
Matches = Mapping[tuple[int, UUID], tuple[bool, bool]]


async def table_events(
    log: ChangeLog, filter: Filter | None, entries: Sequence[TableEntry]
) -> list[Any]:
    """The events of `tableChanged`. With a filter, what it matches is decided in SQL on the images
    before and after each change."""
    if filter is None:
        return [_event(entry, entry.rows or (), None) for entry in entries]
    matches = await log.match(entries[-1].shape, filter, [entry.revision for entry in entries])
    reported = {(e.revision, cell.row_id) for e in entries for cell in e.cells}
    current = await log.match_at(
        entries[-1].shape, filter, [key for key in reported if key not in matches]
    )
    matches |= {key: (matched, matched) for key, matched in current.items()}
    events = [_filtered(entry, matches) for entry in entries]
    return [event for event in events if event is not None]


def _event(entry: TableEntry, rows: Sequence[LoggedRow], matches: Matches | None) -> Any:
    fields = change_fields(entry.change)
    if entry.rows is None:
        return bulk_changed(entry)
    recompute = _recompute(entry)
    match entry.change.kind:
        case ChangeKind.ROWS_ADDED:
            return RowsAdded(**fields, **recompute, rows=_rows(entry, rows))
        case ChangeKind.ROWS_CHANGED:
            return RowsChanged(
                **fields,
                **recompute,
                rows=_rows(entry, rows),
                columns=changed_columns(entry, rows),
                entered=[],
                left=[],
            )
        case ChangeKind.ROWS_DELETED:
            return RowsDeleted(**fields, **recompute, row_ids=_ids(rows))
        case ChangeKind.CELLS_CHANGED:
            return CellsChanged(
                **fields,
                **recompute,
                cells=reported_cells(entry),
                rows=_rows(entry, rows),
                entered=[],
                left=[],
            )
    return structure_event(entry)


def structure_event(entry: TableEntry) -> Any:
    """The event of a change that is not about rows."""
    fields = change_fields(entry.change)
    table_id, details = entry.change.table_id, entry.change.details
    match entry.change.kind:
        case ChangeKind.COLUMNS_CHANGED:
            return ColumnsChanged(
                **fields,
                table_id=table_id,
                added=details.get("added", []),
                changed=details.get("changed", []),
                deleted=details.get("deleted", []),
            )
        case ChangeKind.TABLE_DELETED:
            return TableDeleted(**fields, table_id=strawberry.ID(str(table_id)))
    return TableChanged(**fields, table_id=table_id, fields=details.get("fields", []))


def bulk_changed(entry: TableEntry) -> BulkChanged:
    """A change over the bounds, in figures."""
    change = entry.change
    return BulkChanged(
        **change_fields(change),
        rows_added=change.rows_added,
        rows_changed=change.rows_changed,
        rows_deleted=change.rows_deleted,
        columns=[column.key for column in entry.shape.columns],
    )


def _filtered(entry: TableEntry, matches: Matches) -> Any:
    if entry.rows is None or entry.change.kind not in _ROW_KINDS:
        return _event(entry, (), matches)
    stayed, entered, left = [], [], []
    for row in entry.rows:
        before, after = matches.get((entry.revision, row.record.id), (False, False))
        if before and after:
            stayed.append(row)
        elif after:
            entered.append(row)
        elif before:
            left.append(row)
    cells = [
        cell
        for cell, logged in zip(reported_cells(entry), entry.cells, strict=True)
        if matches.get((entry.revision, logged.row_id), (False, False))[1]
    ]
    if not (stayed or entered or left or cells):
        return None
    return _filtered_event(entry, stayed, entered, left, cells)


def _filtered_event(
    entry: TableEntry,
    stayed: Sequence[LoggedRow],
    entered: Sequence[LoggedRow],
    left: Sequence[LoggedRow],
    cells: list[CellChange],
) -> Any:
    fields = change_fields(entry.change) | _recompute(entry)
    kind = entry.change.kind
    if kind is ChangeKind.ROWS_ADDED:
        return RowsAdded(**fields, rows=_rows(entry, entered))
    if kind is ChangeKind.ROWS_DELETED:
        return RowsLeft(**fields, row_ids=_ids(left), reason=RowsLeftReason.DELETED)
    if kind is ChangeKind.CELLS_CHANGED:
        return CellsChanged(
            **fields,
            cells=cells,
            rows=_rows(entry, stayed),
            entered=_rows(entry, entered),
            left=_ids(left),
        )
    if entered and not stayed and not left:
        return RowsEntered(**fields, rows=_rows(entry, entered))
    if left and not stayed and not entered:
        return RowsLeft(**fields, row_ids=_ids(left), reason=RowsLeftReason.CHANGED)
    return RowsChanged(
        **fields,
        rows=_rows(entry, stayed),
        columns=changed_columns(entry, stayed),
        entered=_rows(entry, entered),
        left=_ids(left),
    )


def _recompute(entry: TableEntry) -> dict[str, Any]:
    return {"recompute": [column.key for column in entry.shape.recomputed_columns]}


_ROW_KINDS = frozenset(
    {
        ChangeKind.ROWS_ADDED,
        ChangeKind.ROWS_CHANGED,
        ChangeKind.ROWS_DELETED,
        ChangeKind.CELLS_CHANGED,
    }
)


def _rows(entry: TableEntry, rows: Sequence[LoggedRow]) -> list[Row]:
    return [Row.of(row.record, entry.shape) for row in rows]


def _ids(rows: Sequence[LoggedRow]) -> list[strawberry.ID]:
    return [strawberry.ID(str(row.record.id)) for row in rows]


def changed_columns(entry: TableEntry, rows: Sequence[LoggedRow]) -> list[str]:
    """The keys of the columns in which any of the rows changed."""
    return [
        column.key
        for index, column in enumerate(entry.shape.columns)
        if any(row.before is None or row.before[index] != row.record.values[index] for row in rows)
    ]


def reported_cells(entry: TableEntry) -> list[CellChange]:
    """The moves that an outside worker, or a plain write into its column, made."""
    values = {row.record.id: row.record.values for row in entry.rows or ()}
    places = {column.number: index for index, column in enumerate(entry.shape.columns)}
    return [
        cell_change(
            entry.shape,
            cell.row_id,
            cell.column_number,
            (cell.previous, cell.status),
            values[cell.row_id][places[cell.column_number]] if cell.row_id in values else None,
            cell.error,
            cell.progress,
        )
        for cell in entry.cells
        if cell.column_number in places
    ]


def status_events(
    entries: Sequence[TableEntry],
    statuses: frozenset[str] | None,
    columns: frozenset[str] | None = None,
) -> list[Any]:
    """The events of `cellStatusChanged`: moves that the log tells, and those that follow from
    values."""
    events: list[Any] = []
    for entry in entries:
        if entry.change.kind is ChangeKind.TABLE_DELETED:
            events.append(structure_event(entry))
        elif entry.rows is None:
            events.append(bulk_changed(entry))
        else:
            cells = [*_plain_moves(entry), *reported_cells(entry)]
            chosen = [
                cell
                for cell in cells
                if (statuses is None or str(cell.status.value) in statuses)
                and (columns is None or cell.column in columns)
            ]
            if chosen:
                fields = change_fields(entry.change)
                events.append(CellStatusesChanged(**fields, cells=chosen))
    return events


def _is_ready(entry: TableEntry, row: LoggedRow, column: Column) -> bool:
    """Whether a tool could fill the cell of a new row, of which nothing was stored then."""
    if column.tool is None:
        return False
    began = replace(row.record, states={})
    return cell_status(entry.shape, began, column) is CellStatus.READY


def _plain_moves(entry: TableEntry) -> list[CellChange]:
    """A cell that people fill is resolved by its first value and initialized by losing it. The
    empty cell of a tool in a new row is ready at once when all inputs are there."""
    moves = []
    empty, filled = CellStatus.INITIALIZED.value, CellStatus.RESOLVED.value
    for row in entry.rows or ():
        if row.action == "delete":
            continue
        for index, column in enumerate(entry.shape.columns):
            value = row.record.values[index]
            before = row.before[index] if row.before is not None else None
            if row.action == "create" and _is_ready(entry, row, column):
                statuses = (empty, CellStatus.READY.value)
                moves.append(cell_change(entry.shape, row.record.id, column.number, statuses))
            if column.stateful or (value is None) == (before is None):
                continue
            statuses = (empty, filled) if before is None else (filled, empty)
            moves.append(cell_change(entry.shape, row.record.id, column.number, statuses, value))
    return moves
