"""Which rows a document should give: the rows of its tables whose headers name the columns of a
table of the schema."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from domain.documents import Document, Table
from domain.extraction_ports import PlannedField, PlannedTable
from processing.extraction.model_lines import RowPlace
from processing.extraction.model_parts import is_single
from processing.extraction.model_shapes import is_sum
from processing.rules.words import fold

_LEAST_COLUMNS = 2
_WORDS = re.compile(r"[^\W_]+")


@dataclass(frozen=True, slots=True)
class PrintedRow:
    """A row of a printed table that should become a row of the table `table` of the schema, by its
    place among its tables. `number` counts the rows of the printed table on its page from 1;
    `columns` are those of which the row prints something."""

    table: int
    place: RowPlace
    number: int
    columns: frozenset[int]


def printed_rows(tables: Sequence[PlannedTable], document: Document) -> list[PrintedRow]:
    """All rows that the document should give for these tables."""
    found: list[PrintedRow] = []
    matched: tuple[int, Mapping[int, int]] | None = None
    for page in document.pages:
        for place, table in enumerate(page.tables):
            if not table.continued or table.header_rows:
                matched = _match(tables, table) or (matched if table.continued else None)
            if matched is not None:
                found += _rows(table, place, *matched)
    return found


def _match(tables: Sequence[PlannedTable], table: Table) -> tuple[int, Mapping[int, int]] | None:
    """The table of the schema that a printed one fills: its place, and the numbers of its columns
    by their places in the printed table."""
    headers = [
        " ".join(table.rows[row][column].text for row in range(table.header_rows))
        for column in range(len(table.rows[0]))
    ]
    best: tuple[int, Mapping[int, int]] | None = None
    for at, planned in enumerate(tables):
        if is_single(planned):
            continue
        columns = _columns(planned.fields, headers)
        least = min(_LEAST_COLUMNS, len(planned.fields))
        if len(columns) >= least and (best is None or len(columns) > len(best[1])):
            best = at, columns
    return best


def _columns(fields: Sequence[PlannedField], headers: Sequence[str]) -> dict[int, int]:
    scored = sorted(
        (
            (_likeness(field, header), place, field.column.number)
            for place, header in enumerate(headers)
            for field in fields
        ),
        key=lambda each: (-each[0], each[1], each[2]),
    )
    found: dict[int, int] = {}
    for score, place, number in scored:
        if score > 0 and place not in found and number not in found.values():
            found[place] = number
    return found


def _likeness(field: PlannedField, header: str) -> float:
    """How much a header looks like one of a column's names: 1 when it has the same words."""
    told = _word_set(header)
    if not told:
        return 0
    names = (field.column.label, field.column.key, *field.field.labels)
    best = 0.0
    for name in names:
        words = _word_set(name)
        if words and (words <= told or told <= words):
            best = max(best, len(words & told) / len(words | told))
    return best


def _word_set(text: str) -> frozenset[str]:
    return frozenset(fold(word) for word in _WORDS.findall(text.replace("_", " ")))


def _rows(table: Table, place: int, at: int, columns: Mapping[int, int]) -> list[PrintedRow]:
    found = []
    for row, cells in enumerate(table.rows[table.header_rows :], start=table.header_rows):
        filled = frozenset(
            number
            for column, number in columns.items()
            if column < len(cells) and cells[column].text.strip()
        )
        told = " ".join(cell.text for cell in cells if cell.text.strip())
        if 2 * len(filled) < len(columns) or is_sum(told):
            continue
        number = len(found) + 1
        found.append(PrintedRow(at, RowPlace(table.page, place, row), number, filled))
    return found
