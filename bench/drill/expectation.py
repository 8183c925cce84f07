"""What each subscriber must have been told, made from the logs in PostgreSQL.

An event is brought into a plain form, `Told`, from both sides: from the log here, from the message
of the subscription in `told_by`. The filters are decided in Python, on the images of the rows."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeAlias

from bench.drill.filters import matches
from bench.drill.truth import CellMove, LogEntry, OrganizationEntry, RowImage
from bench.drill.work_table import KEYS

#: Over this an entry is told in figures only.
MOST_ROWS = 1000

#: The name of the event, when it was committed (ms), and its content in a form that compares.
Told: TypeAlias = tuple[Any, ...]

_FIGURES = {"columns_changed": "ColumnsChanged", "table_deleted": "TableDeleted"}


def table_told(
    entries: Sequence[LogEntry], filter: Mapping[str, Any] | None
) -> Iterator[tuple[int, Told]]:
    """The events of `tableChanged` with their revisions."""
    rows = _Rows()
    for entry in entries:
        told = _unfiltered(entry) if filter is None else _filtered(entry, filter, rows)
        rows.take(entry)
        if told is not None:
            yield entry.revision, (told[0], _ms(entry.at), *told[1:])


def statuses_told(
    entries: Sequence[LogEntry], statuses: Sequence[str] | None
) -> Iterator[tuple[int, Told]]:
    """The events of `cellStatusChanged` with their revisions."""
    for entry in entries:
        if entry.count > MOST_ROWS:
            yield entry.revision, ("BulkChanged", _ms(entry.at), *_figures(entry))
            continue
        moves = [*_plain_moves(entry), *_moves(entry, entry.cells)]
        chosen = [move for move in moves if statuses is None or move[3] in statuses]
        if chosen:
            yield entry.revision, ("CellStatusesChanged", _ms(entry.at), _sorted(chosen))


def organization_told(entries: Sequence[OrganizationEntry]) -> Iterator[tuple[int, Told]]:
    """The events of `organizationChanged` with their revisions."""
    for entry in entries:
        told = ("OrganizationChanged", _ms(entry.at), entry.kind.upper(), entry.subject_id)
        yield entry.revision, told


def told_by(event: Mapping[str, Any]) -> Told:
    """A message of a subscription in the form that compares."""
    name = event["__typename"]
    at = _ms(datetime.fromisoformat(event["at"].replace("Z", "+00:00")).timestamp())
    if name == "BulkChanged":
        return (name, at, event["rowsAdded"], event["rowsChanged"], event["rowsDeleted"])
    if name == "OrganizationChanged":
        return (name, at, event["kind"], event["subjectId"])
    if name in ("RowsDeleted", "RowsLeft"):
        return (name, at, event.get("why"), _sorted(event["rowIds"]))
    if name == "CellStatusesChanged":
        return (name, at, _sorted(map(_cell_of, event["cells"])))
    if name in ("RowsAdded", "RowsEntered"):
        return (name, at, _rows_of(event["rows"]))
    if name in ("RowsChanged", "CellsChanged"):
        parts = (_rows_of(event["rows"]), _rows_of(event["entered"]), _sorted(event["left"]))
        what = event["columns"] if name == "RowsChanged" else map(_cell_of, event["cells"])
        return (name, at, *parts, _sorted(what))
    return (name, at)


class _Rows:
    """The rows as they stood after the entries taken in so far."""

    def __init__(self) -> None:
        self._values: dict[str, Mapping[str, Any]] = {}

    def take(self, entry: LogEntry) -> None:
        for row in entry.rows:
            self._values[row.row_id] = row.values

    def values(self, row_id: str) -> Mapping[str, Any]:
        return self._values.get(row_id, {})


def _unfiltered(entry: LogEntry) -> Told:
    if entry.count > MOST_ROWS:
        return ("BulkChanged", *_figures(entry))
    if entry.kind == "rows_added":
        return ("RowsAdded", _rows(entry.rows))
    if entry.kind == "rows_deleted":
        return ("RowsDeleted", None, _ids(entry.rows))
    if entry.kind == "rows_changed":
        return ("RowsChanged", _rows(entry.rows), (), (), _changed_columns(entry.rows))
    if entry.kind == "cells_changed":
        cells = _sorted(_moves(entry, entry.cells))
        return ("CellsChanged", _rows(entry.rows), (), (), cells)
    return (_FIGURES.get(entry.kind, "TableChanged"),)


def _filtered(entry: LogEntry, filter: Mapping[str, Any], rows: _Rows) -> Told | None:
    if entry.count > MOST_ROWS or not entry.kind.startswith(("rows_", "cells_")):
        return _unfiltered(entry)
    stayed: list[RowImage] = []
    entered: list[RowImage] = []
    left: list[RowImage] = []
    held: set[str] = set()
    for row in entry.rows:
        before = row.before is not None and matches(filter, row.before)
        after = row.action != "delete" and matches(filter, row.values)
        if after:
            held.add(row.row_id)
            (stayed if before else entered).append(row)
        elif before:
            left.append(row)
    told = {row.row_id for row in entry.rows}
    quiet = {cell.row_id for cell in entry.cells} - told
    held |= {row_id for row_id in quiet if matches(filter, rows.values(row_id))}
    cells = _sorted(_moves(entry, [cell for cell in entry.cells if cell.row_id in held]))
    if not (stayed or entered or left or cells):
        return None
    return _shown(entry.kind, stayed, entered, left, cells)


def _shown(
    kind: str,
    stayed: Sequence[RowImage],
    entered: Sequence[RowImage],
    left: Sequence[RowImage],
    cells: Told,
) -> Told:
    if kind == "rows_added":
        return ("RowsAdded", _rows(entered))
    if kind == "rows_deleted":
        return ("RowsLeft", "DELETED", _ids(left))
    if kind == "cells_changed":
        return ("CellsChanged", _rows(stayed), _rows(entered), _ids(left), cells)
    if entered and not stayed and not left:
        return ("RowsEntered", _rows(entered))
    if left and not stayed and not entered:
        return ("RowsLeft", "CHANGED", _ids(left))
    return ("RowsChanged", _rows(stayed), _rows(entered), _ids(left), _changed_columns(stayed))


def _plain_moves(entry: LogEntry) -> Iterator[Told]:
    """A cell that people fill is resolved by its first value and initialized by losing it."""
    for row in entry.rows:
        if row.action == "delete":
            continue
        for key in KEYS:
            value = row.values[key]
            before = row.before[key] if row.before is not None else None
            if key != "grade" and (value is None) != (before is None):
                moved = (
                    ("INITIALIZED", "RESOLVED") if before is None else ("RESOLVED", "INITIALIZED")
                )
                yield (row.row_id, key, *moved, value, None, None)


def _moves(entry: LogEntry, cells: Sequence[CellMove]) -> Iterator[Told]:
    values = {row.row_id: row.values for row in entry.rows}
    for cell in cells:
        value = values.get(cell.row_id, {}).get(cell.column)
        moved = (cell.previous.upper(), cell.status.upper())
        yield (cell.row_id, cell.column, *moved, value, cell.error, cell.progress)


def _cell_of(cell: Mapping[str, Any]) -> Told:
    moved = (cell["previousStatus"], cell["status"])
    return (cell["rowId"], cell["column"], *moved, cell["value"], cell["error"], cell["progress"])


def _rows(rows: Sequence[RowImage]) -> Told:
    return _sorted((row.row_id, row.version, *map(row.values.get, KEYS)) for row in rows)


def _rows_of(rows: Sequence[Mapping[str, Any]]) -> Told:
    return _sorted((row["id"], row["version"], *map(row["data"].get, KEYS)) for row in rows)


def _ids(rows: Sequence[RowImage]) -> Told:
    return _sorted(row.row_id for row in rows)


def _changed_columns(rows: Sequence[RowImage]) -> Told:
    changed = {
        key for row in rows for key in KEYS if (row.before or {}).get(key) != row.values[key]
    }
    return _sorted(changed)


def _figures(entry: LogEntry) -> tuple[int, int, int]:
    return entry.added, entry.changed, entry.deleted


def _sorted(items: Any) -> Told:
    # By text: cells of different types do not compare.
    return tuple(sorted(items, key=str))


def _ms(seconds: float) -> int:
    return round(seconds * 1000)
