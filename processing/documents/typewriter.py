"""Text without a layout of its own set as a typewriter would: pages of lines of equal letters.

So every word of every kind of file has a place, and can be pointed at."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate

from domain.document_json import tenth
from domain.documents import Box, Cell, Page, Table, TextSource, Word
from processing.documents.characters import clean
from processing.documents.headers import header_rows
from processing.documents.layout import laid_out
from processing.documents.lines import Span
from processing.documents.ruled_tables import Rules

LETTER, LINE, MARGIN = 6.0, 12.0, 36.0
_INK = 10.0
LINES = 66
_WIDEST = 120
_LINE_LETTERS = 100
_CELL = 40
_TAB = 8
_WORD = re.compile(r"\S+")


def plain_pages(lines: Iterable[str], first: int = 1) -> Iterator[Page]:
    """Lines of plain text. Tables are found by how they are aligned."""
    held: list[str] = []
    number = first
    for line in lines:
        for part in _wrapped(line.expandtabs(_TAB)):
            if len(held) == LINES or (held and part.startswith("\f")):
                yield _plain_page(number, held)
                number, held = number + 1, []
            held.append(part.lstrip("\f"))
    yield _plain_page(number, held)


def _wrapped(line: str) -> list[str]:
    return list(_cut(line.rstrip(), _WIDEST))


def _cut(text: str, width: int) -> Iterator[str]:
    """A text in parts of this width at most, cut at spaces where there are any."""
    at = 0
    while len(text) - at > width:
        end = text.rfind(" ", at + 1, at + width + 1)
        end = end if end > at else at + width
        yield text[at:end]
        at = end
        while at < len(text) and text[at] == " ":
            at += 1
    if at < len(text) or not text:
        yield text[at:]


def _plain_page(number: int, lines: Sequence[str]) -> Page:
    spans = []
    for row, line in enumerate(lines):
        for found in _WORD.finditer(line):
            word = clean(found.group())
            if word:
                spans.append(Span(word, box(row, found.start(), len(found.group()))))
    laid = laid_out(number, spans, Rules())
    width, height = _size(max(map(len, lines), default=0), LINES)
    return Page(
        number=number,
        width=width,
        height=height,
        text=laid.text,
        words=laid.words,
        tables=laid.tables,
        source=TextSource.FILE if laid.words else TextSource.NONE,
    )


def box(row: int, column: float, letters: float) -> Box:
    """Where so many letters stand."""
    left, top = MARGIN + column * LETTER, MARGIN + row * LINE
    return Box(left, top, left + letters * LETTER, top + _INK)


def _size(letters: int, lines: int) -> tuple[float, float]:
    return tenth(2 * MARGIN + max(letters, 80) * LETTER), tenth(2 * MARGIN + lines * LINE)


@dataclass(slots=True)
class Typewriter:
    """Writes lines and tables that are known as such. `name` is that of a sheet, which is one
    page however long it is."""

    number: int = 1
    name: str | None = None
    row: int = 0
    widest: int = 0
    parts: list[str] = field(default_factory=list)
    size: int = 0
    words: list[Word] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)
    done: list[Page] = field(default_factory=list)
    ends_with_gap: bool = True

    def line(self, text: str) -> None:
        """A line, which may be wrapped; an empty one leaves a gap."""
        for part in _cut(text, _LINE_LETTERS):
            self._need(1)
            self._write("\n\n" if self.ends_with_gap else "\n", part, self.row, 0)
            self.row += 1
            self.ends_with_gap = not part

    def table(self, rows: Sequence[Sequence[str]]) -> None:
        """A table, over as many pages as it needs. All rows have the same length."""
        widths = [
            min(max(max(len(row[column]) for row in rows), 1), _CELL)
            for column in range(len(rows[0]))
        ]
        starts = [0, *accumulate(width + 2 for width in widths)]
        header = header_rows(rows)
        held: list[tuple[Cell, ...]] = []
        began = self.row
        is_later = False
        for row in rows:
            wrapped = [_cell_lines(text, width) for text, width in zip(row, widths, strict=True)]
            height = max(map(len, wrapped))
            if self.name is None and held and self.row + height > LINES:
                self._close_table(began, starts, held, header, is_later, goes_on=True)
                self.end_page()
                held, began, header, is_later = [], 0, 0, True
            self._need(height)
            began = began if held else self.row
            held.append(self._row(row, wrapped, starts, height))
            self.row += height
        self._close_table(began, starts, held, header, is_later, goes_on=False)
        self.ends_with_gap = False

    def pages(self) -> list[Page]:
        """All that was written."""
        if self.words or not self.done:
            self.end_page()
        return self.done

    def take(self) -> list[Page]:
        """The pages that are full, once."""
        done, self.done = self.done, []
        return done

    def end_page(self) -> None:
        width, height = _size(self.widest, max(self.row, LINES))
        self.done.append(
            Page(
                number=self.number,
                width=width,
                height=height,
                text="".join(self.parts),
                words=tuple(self.words),
                tables=tuple(self.tables),
                source=TextSource.FILE if self.words else TextSource.NONE,
                name=self.name,
            )
        )
        self.number += 1
        self.row = self.size = self.widest = 0
        self.parts, self.words, self.tables = [], [], []

    def _need(self, lines: int) -> None:
        if self.name is None and self.row and self.row + lines > LINES:
            self.end_page()

    def _row(
        self,
        row: Sequence[str],
        wrapped: Sequence[Sequence[str]],
        starts: Sequence[int],
        height: int,
    ) -> tuple[Cell, ...]:
        cells = []
        before = "\n"
        for column, lines in enumerate(wrapped):
            for offset, line in enumerate(lines):
                if self._write(before, line, self.row + offset, starts[column]):
                    before = " "
            before = "\t" if before == " " else before
            width = starts[column + 1] - starts[column]
            place = box(self.row, starts[column], width)
            place = place._replace(bottom=place.top + height * LINE)
            cells.append(Cell(row[column], _tenths(place)))
        return tuple(cells)

    def _write(self, before: str, line: str, row: int, column: int) -> bool:
        """Add the words of a line to the page; whether there were any."""
        wrote = False
        for found in _WORD.finditer(line):
            word = clean(found.group())
            if not word:
                continue
            before = before if self.words else ""
            self.parts += (before, word)
            place = box(row, column + found.start(), len(found.group()))
            self.words.append(Word(word, _tenths(place), self.size + len(before)))
            self.size += len(before) + len(word)
            before, wrote = " ", True
        self.widest = max(self.widest, column + len(line))
        return wrote

    def _close_table(
        self,
        began: int,
        starts: Sequence[int],
        rows: list[tuple[Cell, ...]],
        header: int,
        is_later: bool,
        *,
        goes_on: bool,
    ) -> None:
        if not rows:
            return
        place = box(began, 0, starts[-1])
        place = _tenths(place._replace(bottom=rows[-1][0].box.bottom))
        self.tables.append(Table(self.number, place, tuple(rows), True, header, goes_on, is_later))


def _tenths(place: Box) -> Box:
    return Box(tenth(place.left), tenth(place.top), tenth(place.right), tenth(place.bottom))


def _cell_lines(text: str, width: int) -> list[str]:
    return [part for line in text.splitlines() for part in _cut(line.strip(), width)] or [""]
