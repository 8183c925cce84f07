"""A document as numbered lines: what a model is shown of it, so that it can say where it read."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from domain.documents import Box, Document, Page, Table
from processing.documents.characters import clean

#: Longer lines are several ones: nothing is cut off.
_LONGEST_LINE = 2_000
#: Lines before and after those that are to be read which are shown besides.
_MARGIN = 4


class RowPlace(NamedTuple):
    """A row of a table of a document: page number, place of the table on it, row in the table."""

    page: int
    table: int
    row: int


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a page. `start` and `end` are its place in the page's text; a field of a form has
    a box instead. `row` says of which table it is a row. `own` is False for what only surrounds
    the pages that are to be read."""

    number: int
    page: int
    text: str
    start: int
    end: int
    row: RowPlace | None = None
    box: Box | None = None
    own: bool = True


@dataclass(frozen=True, slots=True)
class Lines:
    """Lines of some pages, numbered from 1. `places` are the numbers of the lines that are rows
    of tables, `headings` the headers of tables by page number and place on the page."""

    all: tuple[Line, ...]
    pages: dict[int, Page]
    places: dict[RowPlace, int]
    headings: dict[tuple[int, int], str]

    def __getitem__(self, number: int) -> Line:
        return self.all[number - 1]

    def __contains__(self, number: object) -> bool:
        return isinstance(number, int) and 1 <= number <= len(self.all)

    @property
    def own(self) -> range:
        """The numbers of the lines that are to be read."""
        numbers = [line.number for line in self.all if line.own]
        return range(numbers[0], numbers[-1] + 1) if numbers else range(1, 1)

    def around(self, first: int, last: int) -> Sequence[Line]:
        """These lines and a few around them."""
        return self.all[max(first - 1 - _MARGIN, 0) : last + _MARGIN]


def lines_of(document: Document, numbers: Sequence[int]) -> Lines:
    """The lines of these pages, with a few of the pages around them."""
    wanted = set(numbers)
    found: list[Line] = []
    pages: dict[int, Page] = {}
    for page in document.pages:
        around = page.number - 1 in wanted, page.number + 1 in wanted
        if page.number not in wanted and not any(around):
            continue
        pages[page.number] = page
        lines = list(_lines(page))
        if page.number not in wanted:
            after, before = around
            kept = lines[:_MARGIN] if after else []
            kept += lines[-_MARGIN:] if before and len(lines) > len(kept) else []
            lines = [_aside(line) for line in kept]
        found += lines
    numbered = tuple(_numbered(line, number) for number, line in enumerate(found, start=1))
    places = {line.row: line.number for line in numbered if line.row is not None}
    return Lines(numbered, pages, places, _headings(document, pages))


def _lines(page: Page) -> Iterator[Line]:
    """The lines of a page; numbers come later. Rows of tables show their empty cells too."""
    rows = _rows(page)
    start = 0
    for at, text in enumerate(page.text.split("\n")):
        row = rows.get(at)
        if row is not None:
            told = _row_text(page.tables[row.table], row.row)
            yield Line(0, page.number, told, start, start + len(text), row)
        elif text.strip():
            for begin, end in _pieces(text):
                shown = " ".join(text[begin:end].replace("\t", " | ").split())
                yield Line(0, page.number, shown, start + begin, start + end)
        start += len(text) + 1
    for field in page.fields:
        told = f"[field of the form] {_flat(field.name)}: {_flat(field.value)}"
        yield Line(0, page.number, told, 0, 0, box=field.box)


def _headings(document: Document, pages: dict[int, Page]) -> dict[tuple[int, int], str]:
    """The headers of the tables of some pages; one that goes on has that of its beginning."""
    found = {}
    heading = ""
    for page in document.pages:
        for place, table in enumerate(page.tables):
            own = "; ".join(_row_text(table, row) for row in range(table.header_rows))
            heading = own or (heading if table.continued else "")
            if page.number in pages:
                found[page.number, place] = heading
    return found


def _pieces(text: str) -> Iterator[tuple[int, int]]:
    begin = 0
    while len(text) - begin > _LONGEST_LINE:
        end = text.rfind(" ", begin + 1, begin + _LONGEST_LINE)
        end = end if end > begin else begin + _LONGEST_LINE
        yield begin, end
        begin = end
    yield begin, len(text)


def _rows(page: Page) -> dict[int, RowPlace]:
    """Which lines of a page's text are rows of its tables. A page is written table by table, each
    row as one line."""
    if not page.tables:
        return {}
    lines: dict[str, list[int]] = defaultdict(list)
    for at, text in enumerate(page.text.split("\n")):
        lines[_letters(text.split())].append(at)
    found: dict[int, RowPlace] = {}
    after = 0
    for number, table in enumerate(page.tables):
        for row, cells in enumerate(table.rows):
            told = _letters(clean(word) for cell in cells for word in cell.text.split())
            known = lines.get(told, []) if told else []
            place = bisect_left(known, after)
            if place < len(known):
                found[known[place]] = RowPlace(page.number, number, row)
                after = known[place] + 1
    return found


def _letters(words: Iterable[str]) -> str:
    """The letters of a text in one order: texts that run to the left are laid out in another."""
    return "".join(sorted("".join(words)))


def _row_text(table: Table, row: int) -> str:
    return " | ".join(_flat(cell.text) for cell in table.rows[row])


def _flat(text: str) -> str:
    return " ".join(text.split())


def _numbered(line: Line, number: int) -> Line:
    return Line(number, line.page, line.text, line.start, line.end, line.row, line.box, line.own)


def _aside(line: Line) -> Line:
    return Line(0, line.page, line.text, line.start, line.end, line.row, line.box, own=False)
