"""Which rows a document should give: those of its tables that hold rows of the schema, as the rules
engine finds them."""

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from domain.documents import Cell
from domain.extraction_ports import ExtractionWork, PlannedTable
from domain.extraction_records import Repeats
from processing.extraction.model_lines import RowPlace
from processing.extraction.model_parts import asked_tables, is_single
from processing.extraction.rules_fields import sought_in
from processing.extraction.rules_tables import Match, lines_of, matches_in
from processing.extraction.rules_words import OF_LINES
from processing.extraction.values import habits_of

_END = 2**31


@dataclass(frozen=True, slots=True)
class PrintedRow:
    """A row of a printed table that should become a row of a table of the schema. `number` counts
    the rows of the printed table on its page from 1; `columns` are those of which the row prints
    something."""

    table_id: UUID
    place: RowPlace
    number: int
    columns: frozenset[int]


def printed_rows(work: ExtractionWork) -> list[PrintedRow]:
    """All rows that the document should give for tables that may have many."""
    tables = [table for table in asked_tables(work) if not is_single(table)]
    if not any(page.tables for page in work.document.pages):
        return []
    sought = [sought_in(work, table, OF_LINES) for table in tables]
    places = _places(work)
    found: list[PrintedRow] = []
    matched = matches_in(work.document, sought, habits_of(work.document))
    for table, matches in zip(tables, matched, strict=True):
        rows = [row for match in matches for row in _rows(table, match, places)]
        if len(rows) >= _least(work, table):
            found += rows
    return found


def _least(work: ExtractionWork, table: PlannedTable) -> int:
    """The printed rows without which a table tells nothing: that of a single record, beside
    whatever else the document prints of it, is no list of records."""
    is_primary = table.table.table_id == work.tables[0].table.table_id
    return 2 if is_primary and table.table.repeats is Repeats.FOUND else 1


def _places(work: ExtractionWork) -> dict[int, RowPlace]:
    """Where each cell of the document is, by its identity."""
    return {
        id(cell): RowPlace(page.number, at, row)
        for page in work.document.pages
        for at, table in enumerate(page.tables)
        for row, cells in enumerate(table.rows)
        for cell in cells
    }


def _rows(table: PlannedTable, match: Match, places: dict[int, RowPlace]) -> list[PrintedRow]:
    found = []
    counts: dict[tuple[int, int], int] = {}
    for line in lines_of(match, 0, _END):
        place = _place(line.cells.values(), places)
        if place is None:
            continue
        counts[place[:2]] = counts.get(place[:2], 0) + 1
        columns = frozenset(
            match.columns[at][0].number for at, cell in line.cells.items() if cell.text.strip()
        )
        found.append(PrintedRow(table.table.table_id, place, counts[place[:2]], columns))
    return found


def _place(cells: Iterable[Cell], places: dict[int, RowPlace]) -> RowPlace | None:
    """The first row of those that a line was put together from."""
    known = [places[id(cell)] for cell in cells if id(cell) in places]
    return min(known) if known else None
