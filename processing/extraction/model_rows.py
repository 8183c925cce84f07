"""Rows as a model claims them become rows that were read: every text looked up in the document,
every value read as its column wants it. A row that stands nowhere is none."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from domain.extraction_ports import PlannedField, PlannedTable
from domain.extraction_records import ExtractedCell
from processing.extraction import values
from processing.extraction.model_answers import Claim, RowClaim
from processing.extraction.model_finding import Finder, Found, compact
from processing.extraction.model_lines import Lines
from processing.extraction.values import Habits

#: The most that is believed of a text that does not stand in the document.
UNSEEN = 0.3
#: Of what a model only means by a text.
_MEANT = 0.7
#: Of a text that stands elsewhere than the model says.
_ELSEWHERE = 0.8
#: Cells that a line has at least to be that of a row.
_LEAST_BESIDE = 2


@dataclass(frozen=True, slots=True)
class ReadRow:
    """A row as it was read. `line` is where it stands, `parent` the line of its parent as the model
    says, `seen` the columns whose texts stand in the document, `beside` how many of them in that
    line."""

    cells: Mapping[int, ExtractedCell]
    line: int | None
    parent: int | None
    seen: frozenset[int]
    beside: int = 0

    @property
    def is_one_line(self) -> bool:
        """Whether the row is printed as a line, rather than here and there."""
        return self.beside >= _LEAST_BESIDE and 2 * self.beside > len(self.seen)

    @property
    def key(self) -> tuple[object, ...]:
        """The same for a row that is given twice."""
        cells = sorted((number, compact(cell.raw or "")) for number, cell in self.cells.items())
        return self.line, tuple(cells)


@dataclass(slots=True)
class Collected:
    """The rows of one table so far. `repeated` counts rows that were given more than once."""

    table: PlannedTable
    rows: list[ReadRow] = field(default_factory=list)
    repeated: int = 0
    _keys: set[tuple[object, ...]] = field(default_factory=set)

    @property
    def lines(self) -> set[int]:
        """Where the rows stand."""
        return {row.line for row in self.rows if row.line is not None}

    @property
    def models(self) -> set[int]:
        """The lines that are rows."""
        return {row.line for row in self.rows if row.line is not None and row.is_one_line}

    def add(self, row: ReadRow, printed: Mapping[int, frozenset[int]]) -> bool:
        """Take a row that is not there yet; whether it brought something. A line of a printed
        table, of which `printed` tells the filled columns, is one row: the fuller one stays."""
        if row.key in self._keys:
            self.repeated += 1
            return False
        self._keys.add(row.key)
        if row.line in printed:
            for at, other in enumerate(self.rows):
                if other.line == row.line:
                    self.repeated += 1
                    if len(other.seen) >= len(row.seen):
                        return False
                    self.rows[at] = row
                    return True
        self.rows.append(row)
        return True

    def merge(self, row: ReadRow) -> bool:
        """Take the cells of the only row that are not there yet, or better ones."""
        if not self.rows:
            self.rows.append(ReadRow({}, None, None, frozenset()))
        known = self.rows[0]
        better = {
            number: cell
            for number, cell in row.cells.items()
            if number not in known.cells or (number in row.seen and number not in known.seen)
        }
        cells, seen = {**known.cells, **better}, known.seen | (row.seen & better.keys())
        lines = [line for line in (known.line, row.line) if line is not None]
        self.rows[0] = ReadRow(cells, min(lines, default=None), None, seen)
        return bool(better)


class RowReader:
    """Reads claims of rows against the lines of some pages."""

    def __init__(self, lines: Lines, habits: Habits) -> None:
        self._finder = Finder(lines)
        self._habits = habits

    def row(self, table: PlannedTable, claim: RowClaim) -> ReadRow:
        """What a claim is worth. Without `seen` columns it stands nowhere in the document."""
        places = self._places(claim.cells)
        line = _line(places)
        cells = {}
        for planned in table.fields:
            number = planned.column.number
            told = claim.cells.get(number)
            cell = self._cell(planned, told, places.get(number)) if told is not None else None
            if cell is not None:
                cells[number] = cell
        seen = frozenset(places.keys() & cells.keys())
        beside = sum(places[number].line == line for number in seen)
        return ReadRow(cells, line, claim.parent, seen, beside)

    def _places(self, claims: Mapping[int, Claim]) -> dict[int, Found]:
        """Where the texts of a row stand: as near to each other as can be."""
        places = {
            number: found
            for number, claim in claims.items()
            if (found := self._finder.find(claim.text, claim.line)) is not None
        }
        line = _line(places)
        for number, found in places.items():
            if line is not None and found.line not in (line, claims[number].line):
                places[number] = self._finder.find(claims[number].text, line) or found
        return places

    def _cell(
        self, planned: PlannedField, claim: Claim, found: Found | None
    ) -> ExtractedCell | None:
        column = planned.column
        cell = values.read(column, planned.field, claim.text, self._habits)
        most = claim.sure
        if cell.value is None and claim.choice is not None:
            meant = values.read(column, planned.field, claim.choice, self._habits)
            if meant.value is not None:
                cell = replace(meant, raw=claim.text or claim.choice)
                most = min(most, _MEANT)
        if cell.raw is None:
            return None
        if found is None:
            most = min(most, UNSEEN)
        elif found.line != claim.line:
            most *= _ELSEWHERE
        sure = None if cell.confidence is None else round(min(cell.confidence, most), 2)
        return replace(cell, confidence=sure, citation=found.citation if found else None)


def _line(places: Mapping[int, Found]) -> int | None:
    """The line in which most of a row stands."""
    counted = Counter(found.line for found in places.values())
    if not counted:
        return None
    most = max(counted.values())
    return min(line for line, count in counted.items() if count == most)
