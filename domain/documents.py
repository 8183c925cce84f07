"""A document as everything else sees it, whatever its file was: pages with text, words, tables.

Places are in points (1/72 inch), from the top left corner of the page as it is shown. The text of
a page is in reading order; a word knows where in it it stands, so a citation (start, end) finds
its boxes again."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

#: Stands between the texts of two pages in the text of a document.
PAGE_BREAK = "\f"


class Unreadable(ValueError):
    """The file cannot be read. The message is one sentence for people."""


class Box(NamedTuple):
    """A rectangle on a page."""

    left: float
    top: float
    right: float
    bottom: float

    @property
    def width(self) -> float:
        return self.right - self.left

    @property
    def height(self) -> float:
        return self.bottom - self.top

    @property
    def middle(self) -> tuple[float, float]:
        """The point in its middle: from the left, from the top."""
        return (self.left + self.right) / 2, (self.top + self.bottom) / 2

    def holds(self, point: tuple[float, float]) -> bool:
        return self.left <= point[0] <= self.right and self.top <= point[1] <= self.bottom


def around(boxes: list[Box]) -> Box:
    """The smallest box that holds all of these, of which there is one at least."""
    return Box(
        min(box.left for box in boxes),
        min(box.top for box in boxes),
        max(box.right for box in boxes),
        max(box.bottom for box in boxes),
    )


class TextSource(StrEnum):
    """Where the text of a page came from."""

    FILE = "file"
    OCR = "ocr"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Word:
    """A text without white space, and where it starts in the text of its page."""

    text: str
    box: Box
    start: int

    @property
    def end(self) -> int:
        return self.start + len(self.text)


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell of a table. One that spans others has its text; the ones it covers are empty."""

    text: str
    box: Box
    row_span: int = 1
    column_span: int = 1


@dataclass(frozen=True, slots=True)
class Table:
    """A table on one page; every row has the same number of cells.

    `ruled`: its lines are drawn; else it was found by how its words are aligned. `header_rows` is
    a guess. `continues`: the table goes on as the first one of the next page, `continued`: this is
    such a part, and its header, if any, is repeated."""

    page: int
    box: Box
    rows: tuple[tuple[Cell, ...], ...]
    ruled: bool
    header_rows: int = 0
    continues: bool = False
    continued: bool = False

    @property
    def texts(self) -> list[list[str]]:
        return [[cell.text for cell in row] for row in self.rows]


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a form that is filled in; of ticked boxes the value is what the form calls it."""

    name: str
    value: str
    box: Box


@dataclass(frozen=True, slots=True)
class Page:
    """One page. `number` counts from 1; `rotation` is how far the file turns it, in degrees,
    which places already respect. `note` tells people what of the page could not be read. `name`
    is that of a sheet."""

    number: int
    width: float
    height: float
    text: str = ""
    words: tuple[Word, ...] = ()
    tables: tuple[Table, ...] = ()
    fields: tuple[Field, ...] = ()
    rotation: int = 0
    source: TextSource = TextSource.FILE
    note: str | None = None
    name: str | None = None

    @property
    def has_text(self) -> bool:
        return bool(self.words)

    def words_of(self, start: int, end: int) -> tuple[Word, ...]:
        """The words that a part of the page's text touches."""
        if end <= start:
            return ()
        first = bisect_right(self.words, start, key=lambda word: word.end)
        return self.words[first : bisect_left(self.words, end, key=lambda word: word.start)]

    def boxes(self, start: int, end: int) -> list[Box]:
        """Where a part of the page's text stands: one box for each line of it."""
        lines: list[list[Box]] = []
        last = 0
        for word in self.words_of(start, end):
            if not lines or "\n" in self.text[last : word.start]:
                lines.append([])
            lines[-1].append(word.box)
            last = word.end
        return [around(line) for line in lines]


class Place(NamedTuple):
    """A place in a document: a page by its number, and a box on it."""

    page: int
    box: Box


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file in an e-mail. It is read itself when that was asked for: `document`, or else
    `problem` says why not."""

    name: str
    kind: str
    size: int
    document: "Document | None" = None
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class Document:
    """What was read of one file. `kind` is its MIME type, `headers` those of an e-mail."""

    kind: str
    pages: tuple[Page, ...]
    headers: tuple[tuple[str, str], ...] = ()
    attachments: tuple[Attachment, ...] = ()

    def text(self) -> str:
        """The texts of all pages, with `PAGE_BREAK` between them."""
        return PAGE_BREAK.join(page.text for page in self.pages)

    def places(self, start: int, end: int) -> list[Place]:
        """Where a part of the document's text stands: one box for each line of each page."""
        found: list[Place] = []
        for page, offset in self._offsets():
            if offset >= end:
                break
            boxes = page.boxes(max(start - offset, 0), min(end - offset, len(page.text)))
            found += [Place(page.number, box) for box in boxes]
        return found

    def offset(self, number: int) -> int:
        """Where the text of a page begins in the document's text."""
        return next(offset for page, offset in self._offsets() if page.number == number)

    def whole_tables(self) -> list[list[Table]]:
        """Tables with what continues them: one list of parts for each."""
        whole: list[list[Table]] = []
        for page in self.pages:
            for table in page.tables:
                if table.continued and whole:
                    whole[-1].append(table)
                else:
                    whole.append([table])
        return whole

    def _offsets(self) -> Iterator[tuple[Page, int]]:
        offset = 0
        for page in self.pages:
            yield page, offset
            offset += len(page.text) + len(PAGE_BREAK)
