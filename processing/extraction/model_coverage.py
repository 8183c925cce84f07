"""What is still missing after an answer: counted on the rows that the document prints, never taken
from what a model says of itself. What is missing is asked again, in smaller parts, as long as that
helps; then it is named."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from uuid import UUID

from domain.extraction_ports import PlannedTable
from processing.extraction.model_expected import PrintedRow
from processing.extraction.model_lines import Lines
from processing.extraction.model_parts import Part, is_single
from processing.extraction.model_rows import Collected
from processing.extraction.model_shapes import alike, is_sum, lists_in

#: Questions in a row that may bring nothing before a part is given up.
MOST_TRIES = 2

_LEFT_OUT = "the model left them out"
_SHOWN_OF_A_LINE = 40
_SHOWN_COLUMNS = 5


@dataclass(frozen=True, slots=True)
class Lack:
    """What was given up: the rows that begin in some lines, or the fields of a single row."""

    table: PlannedTable
    lines: Sequence[int]
    why: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an answer brought for one table. `gained` counts new rows; `last` is the line of the
    last one. `broken` says that the answer ends before the table does, `fault` what is wrong with
    the rows that it gave, or with the answer."""

    gained: int = 0
    last: int | None = None
    broken: bool = False
    fault: str | None = None


@dataclass(slots=True)
class Rest:
    """What is to be asked now, and what is given up."""

    parts: list[Part] = field(default_factory=list)
    lacks: list[Lack] = field(default_factory=list)


class Coverage:
    """What the lines of a segment should give, by table."""

    def __init__(
        self, lines: Lines, rows: Sequence[PrintedRow], collected: Mapping[UUID, Collected]
    ) -> None:
        self._lines = lines
        self._collected = collected
        self.printed: dict[UUID, dict[int, PrintedRow]] = defaultdict(dict)
        self._taken = set()
        for row in rows:
            number = lines.places.get(row.place)
            if number is not None:
                self.printed[row.table_id][number] = row
                self._taken.add(row.place[:2])
        self._whole = dict(self._continued())

    def whole(self, number: int) -> int:
        """The line where the row of a printed table begins that goes on in a line; the line itself
        when it is no such one."""
        return self._whole.get(number, number)

    def columns(self, table: PlannedTable) -> Mapping[int, frozenset[int]]:
        """The filled columns of the printed rows of a table, by line."""
        return {line: row.columns for line, row in self.printed[table.table.table_id].items()}

    def is_heading(self, number: int) -> bool:
        """Whether a line is the header of a table whose rows are known."""
        place = self._lines[number].row
        if place is None or place[:2] not in self._taken:
            return False
        return place.row < self._lines.pages[place.page].tables[place.table].header_rows

    def left(self, part: Part) -> list[int]:
        """Lines of a part, which is of one table, that should have given rows and did not: printed
        rows, lines that are set like those that gave rows, and lists when nothing was read."""
        collected = self._of(part)
        printed = self.printed[collected.table.table.table_id]
        filled = {row.line: len(row.seen) for row in collected.rows if row.line is not None}
        left = [
            number
            for number in part.lines
            if number in printed and 2 * filled.get(number, 0) < len(printed[number].columns)
        ]
        others = [number for number in part.lines if not self._is_taken(number)]
        if self._is_first_of_none(collected):
            return sorted({*left, *lists_in(self._lines, others)})
        known = collected.lines
        others = [number for number in others if number not in known]
        return sorted({*left, *alike(self._lines, collected.models, others)})

    def rest(self, part: Part, outcome: Outcome) -> Rest:
        """What follows from an answer about a part, which is of one table."""
        left = self.left(part)
        if left:
            return self._of_lines(part, left, outcome)
        printed = self.printed[self._of(part).table.table.table_id]
        if any(number in printed for number in part.lines):
            return Rest()
        if outcome.broken and outcome.gained and outcome.last is not None:
            behind = [number for number in part.lines if number > outcome.last]
            why = outcome.fault or "the answer breaks off"
            return Rest([replace(part.within(behind), tries=0, problem=why)]) if behind else Rest()
        if outcome.broken or outcome.fault:
            return self.again(part, outcome.fault or "the answer breaks off")
        return Rest()

    def again(self, part: Part, why: str) -> Rest:
        """Another try with a part that brought nothing, halved where that can be done."""
        if part.tries >= MOST_TRIES:
            return Rest(lacks=list(self.lacks(part, why)))
        halves = list(part.halves()) if part.tries else []
        return Rest([each.again(why) for each in halves or [part]])

    def split(self, part: Part, why: str) -> Rest:
        """The quarters of a part that is too much for the model."""
        halves = list(part.halves())
        if part.tries >= MOST_TRIES or not halves:
            return self.again(part, why)
        quarters = [each for half in halves for each in list(half.halves()) or [half]]
        return Rest([each.again(why) for each in quarters])

    def lacks(self, part: Part, why: str) -> Iterator[Lack]:
        """The whole of a part as missing."""
        for table in part.tables:
            yield Lack(table, () if is_single(table) else part.lines, why)

    def missing(self, table: PlannedTable, lacks: Sequence[Lack]) -> Iterator[str]:
        """What is not there of a table, for people. Counted once more over all lines, whatever
        the answers were."""
        collected, own = self._collected[table.table.table_id], self._lines.own
        whys = [lack.why for lack in lacks]
        if is_single(table):
            found = collected.rows[0].cells if collected.rows else {}
            for why in dict.fromkeys(whys):
                fields = [each for lack in lacks if lack.why == why for each in lack.table.fields]
                labels = [each.column.label for each in fields if each.column.number not in found]
                if labels:
                    yield _sentence(table, _listed(list(dict.fromkeys(labels))), why)
            return
        left = self.left(Part((table,), own.start, own.stop - 1)) if own else []
        if left:
            yield _sentence(table, self._names(table, left), whys[0] if whys else _LEFT_OUT)
        printed = self.printed[table.table.table_id]
        spans = [lack for lack in lacks if not any(line in printed for line in lack.lines)]
        for why in dict.fromkeys(lack.why for lack in spans):
            lines = sorted({line for lack in spans if lack.why == why for line in lack.lines})
            if not set(lines) <= set(left):
                yield _sentence(table, self._span(lines), why)

    def _of_lines(self, part: Part, left: Sequence[int], outcome: Outcome) -> Rest:
        [table] = part.tables
        why = outcome.fault or _LEFT_OUT
        listed = ", ".join(map(str, left[:50]))
        told = f"rows of the lines {listed} are missing; {outcome.fault or 'give every row'}"
        asked = replace(part, first=left[0], last=left[-1], only=tuple(left))
        if outcome.gained:
            size = max(outcome.gained, 1)
            chunks = [left[at : at + size] for at in range(0, len(left), size)]
            return Rest([replace(asked.within(each), tries=0, problem=told) for each in chunks])
        if part.tries >= MOST_TRIES:
            return Rest(lacks=[Lack(table, left, why)])
        halves = list(asked.halves()) or [asked]
        return Rest([each.again(told) for each in halves])

    def _of(self, part: Part) -> Collected:
        [table] = part.tables
        return self._collected[table.table.table_id]

    def _continued(self) -> Iterator[tuple[int, int]]:
        """Lines of printed tables between their rows, with the row above."""
        rows = {line for printed in self.printed.values() for line in printed}
        above: int | None = None
        for number in self._lines.own:
            place = self._lines[number].row
            if number in rows:
                above = number
            elif above is None or place is None or is_sum(self._lines[number].text):
                above = None
            elif place[:2] == (self._lines[above].row or place)[:2]:
                yield number, above

    def _is_first_of_none(self, collected: Collected) -> bool:
        """Whether no row of any list was read; what looks like one is then asked of the first."""
        lists = [each for each in self._collected.values() if not is_single(each.table)]
        return collected is lists[0] and not any(each.rows for each in lists)

    def _is_taken(self, number: int) -> bool:
        """Whether a line belongs to a table whose rows are counted."""
        place = self._lines[number].row
        return place is not None and place[:2] in self._taken

    def _names(self, table: PlannedTable, numbers: Sequence[int]) -> str:
        """Rows by their places in printed tables: rows 31 to 40 of the table on page 3."""
        printed = self.printed[table.table.table_id]
        rows: dict[tuple[int, int], list[int]] = defaultdict(list)
        loose: dict[int, int] = defaultdict(int)
        for number in numbers:
            if number in printed:
                rows[printed[number].place[:2]].append(printed[number].number)
            else:
                loose[self._lines[number].page] += 1
        told = []
        for (page, place), found in rows.items():
            several = len(self._lines.pages[page].tables) > 1
            which = f"table {place + 1}" if several else "the table"
            told.append(f"{_ranges(found)} of {which} on page {page}")
        for page, count in loose.items():
            noun = "line that looks like a row" if count == 1 else "lines that look like rows"
            told.append(f"{count} {noun} on page {page}")
        return ", ".join(told)

    def _span(self, numbers: Sequence[int]) -> str:
        """Where lines are, when nothing tells which rows they have."""
        first, last = self._lines[numbers[0]], self._lines[numbers[-1]]
        beginning = first.text[:_SHOWN_OF_A_LINE]
        if first.page == last.page:
            return f"what is printed on page {first.page} from “{beginning}” on"
        return f"what is printed from “{beginning}” on page {first.page} to page {last.page}"


def _ranges(numbers: Sequence[int]) -> str:
    """rows 3, 31 to 40"""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    told = [str(first) if first == last else f"{first} to {last}" for first, last in runs]
    return f"{'row' if len(numbers) == 1 else 'rows'} {', '.join(told)}"


def _listed(labels: Sequence[str]) -> str:
    more = " and others" if len(labels) > _SHOWN_COLUMNS else ""
    return ", ".join(labels[:_SHOWN_COLUMNS]) + more


def _sentence(table: PlannedTable, what: str, why: str) -> str:
    return f"{table.name}: {what} ({why})"
