"""Reads HTML: what a person would see of it. Nothing is run, and nothing is fetched."""

import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path

from domain.documents import Page, Unreadable
from processing.documents.bounds import CELLS, too_many
from processing.documents.charset import decoded
from processing.documents.child import Contents, Options, main
from processing.documents.drawing import drawn_page
from processing.documents.plain_text import content_of
from processing.documents.typewriter import Typewriter

_CHARSET = re.compile(rb"<meta[^>]{0,200}charset\s*=\s*[\"']?([\w.:-]{1,40})", re.IGNORECASE)
_HEAD = 4_096
_UNSEEN = frozenset(
    (
        "head",
        "script",
        "style",
        "template",
        "noscript",
        "svg",
        "math",
        "iframe",
        "object",
        "audio",
        "video",
        "canvas",
        "datalist",
    )
)
_VOID = frozenset(
    (
        "area",
        "base",
        "br",
        "col",
        "embed",
        "hr",
        "img",
        "input",
        "link",
        "meta",
        "param",
        "source",
        "track",
        "wbr",
    )
)
_BLOCKS = frozenset(
    (
        "address",
        "article",
        "aside",
        "blockquote",
        "body",
        "br",
        "caption",
        "center",
        "dd",
        "details",
        "dialog",
        "div",
        "dl",
        "dt",
        "fieldset",
        "figcaption",
        "figure",
        "footer",
        "form",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "header",
        "hr",
        "html",
        "legend",
        "li",
        "main",
        "nav",
        "ol",
        "option",
        "p",
        "pre",
        "section",
        "summary",
        "table",
        "tbody",
        "tfoot",
        "thead",
        "title",
        "tr",
        "ul",
    )
)
_GAPS = frozenset(
    (
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "p",
        "table",
        "ul",
        "ol",
    )
)
_HIDDEN = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)
_MOST_SPAN = 500
#: Text is handed to the parser in pieces, so that pages can be given out in between.
_PIECE = 262_144


@dataclass(slots=True)
class _Table:
    """A table while it is read. One that holds another only arranges, and is read as text."""

    rows: list[list[str]] = field(default_factory=list)
    cell: list[str] | None = None
    spans: tuple[int, int] = (1, 1)
    arranges: bool = False
    below: dict[tuple[int, int], str] = field(default_factory=dict)


class Seen(HTMLParser):
    """Feeds a typewriter with what is seen."""

    def __init__(self, paper: Typewriter) -> None:
        super().__init__(convert_charrefs=True)
        self._paper = paper
        self._line: list[str] = []
        self._tables: list[_Table] = []
        self._unseen: str | None = None
        self._depth = 0
        self._kept = 0
        self._cells = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if self._unseen is not None:
            self._depth += tag == self._unseen
            return
        told = dict(attrs)
        hidden = "hidden" in told or _HIDDEN.search(told.get("style") or "") is not None
        if tag in _UNSEEN or (hidden and tag not in _VOID):
            self._unseen, self._depth = tag, 1
            return
        if tag in _BLOCKS:
            self._break(tag in _GAPS)
        if tag == "pre":
            self._kept += 1
        elif tag == "li":
            self._text("- ")
        elif tag == "input" and told.get("type", "text") in ("text", "number", "date", "email"):
            self._text(f" {told.get('value') or ''} ")
        self._table_starts(tag, told)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if self._unseen == tag and tag not in ("script", "style"):
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        if self._unseen is not None:
            self._depth -= tag == self._unseen
            if self._depth == 0:
                self._unseen = None
            return
        if tag == "pre":
            self._kept = max(self._kept - 1, 0)
        if tag in ("td", "th"):
            self._end_cell()
        elif tag == "tr":
            self._end_row()
        elif tag == "table" and self._tables:
            self._end_table()
        elif tag in _BLOCKS:
            self._break(tag in _GAPS)

    def handle_data(self, data: str) -> None:
        if self._unseen is None:
            self._text(data)

    def finish(self) -> None:
        """The end: whatever is still open is closed."""
        self._unseen = None
        self.close()
        while self._tables:
            self._end_table()
        self._break(False)

    def _table_starts(self, tag: str, told: dict[str, str | None]) -> None:
        if tag == "table":
            if self._tables and not self._tables[-1].arranges:
                self._arrange(self._tables[-1])
            self._tables.append(_Table())
        elif tag == "tr" and self._tables:
            self._end_row()
            self._tables[-1].rows.append([])
        elif tag in ("td", "th") and self._tables:
            self._end_cell()
            table = self._tables[-1]
            table.cell = []
            table.spans = _span(told.get("rowspan")), _span(told.get("colspan"))

    def _text(self, text: str) -> None:
        cell = self._tables[-1].cell if self._tables and not self._tables[-1].arranges else None
        if cell is not None:
            cell.append(text)
        elif self._kept:
            *lines, last = text.split("\n")
            for line in lines:
                self._line.append(line)
                self._break(False)
            self._line.append(last)
        else:
            self._line.append(text)

    def _break(self, gap: bool) -> None:
        """The end of a line; in a cell, the end of a line of that."""
        if self._tables and not self._tables[-1].arranges and self._tables[-1].cell is not None:
            self._tables[-1].cell.append("\n")
            return
        text = " ".join("".join(self._line).split())
        self._line = []
        if text:
            self._paper.line(text)
        elif gap and self._paper.row and not self._paper.ends_with_gap:
            self._paper.line("")

    def _end_cell(self) -> None:
        table = self._tables[-1] if self._tables else None
        if table is None or table.cell is None:
            return
        text = "\n".join(filter(None, (" ".join(x.split()) for x in _lines(table.cell))))
        table.cell = None
        if table.arranges:
            self._break(False)
            return
        if not table.rows:
            table.rows.append([])
        row = table.rows[-1]
        self._skip_covered(table, row)
        down, across = table.spans
        down = down if down * across <= _MOST_SPAN else 1
        self._cells += across * down
        if self._cells > CELLS:
            raise too_many("cells of tables", CELLS)
        number = len(table.rows) - 1
        for column in range(len(row), min(len(row) + across, _MOST_SPAN)):
            for each in range(1, down):
                table.below[number + each, column] = ""
        row += [text, *[""] * (across - 1)]
        if len(row) > _MOST_SPAN:
            raise Unreadable(f"A table of the page has more than {_MOST_SPAN} columns")

    def _skip_covered(self, table: _Table, row: list[str]) -> None:
        number = len(table.rows) - 1
        while table.below.pop((number, len(row)), None) is not None:
            row.append("")

    def _end_row(self) -> None:
        self._end_cell()
        table = self._tables[-1] if self._tables else None
        if table is not None and table.arranges:
            self._break(False)
        elif table is not None and table.rows:
            self._skip_covered(table, table.rows[-1])

    def _end_table(self) -> None:
        self._end_row()
        table = self._tables.pop()
        rows = [row for row in table.rows if any(row)]
        if table.arranges or not rows:
            return
        width = max(map(len, rows))
        if width > 1 and len(rows) > 1:
            self._paper.table([[*row, *[""] * (width - len(row))] for row in rows])
        else:
            self._lines_of(rows)

    def _arrange(self, table: _Table) -> None:
        """A table turns out to hold another one: what it held so far is text."""
        open_cell = table.cell
        table.cell = None
        self._lines_of(table.rows)
        table.rows, table.arranges = [], True
        if open_cell is not None:
            self._line += " ".join(open_cell)
            self._break(False)
            table.cell = []

    def _lines_of(self, rows: Sequence[Sequence[str]]) -> None:
        for row in rows:
            for text in filter(None, row):
                for line in text.split("\n"):
                    self._paper.line(line)


def _lines(parts: list[str]) -> list[str]:
    """The lines of a cell: only our own marks of blocks break them."""
    lines: list[list[str]] = [[]]
    for part in parts:
        if part == "\n":
            lines.append([])
        else:
            lines[-1].append(part)
    return ["".join(line) for line in lines]


def _span(told: str | None) -> int:
    return (
        min(max(int(told), 1), _MOST_SPAN)
        if told and told.isascii() and told.isdigit() and len(told) < 9
        else 1
    )


def html_pages(text: str, paper: Typewriter) -> Iterator[Page]:
    """The pages of HTML, written on to what is on the paper already."""
    seen = Seen(paper)
    for at in range(0, len(text), _PIECE):
        seen.feed(text[at : at + _PIECE])
        yield from paper.take()
    seen.finish()
    yield from paper.pages()


def told_charset(content: bytes) -> str | None:
    found = _CHARSET.search(content[:_HEAD])
    return found.group(1).decode("ascii", "ignore") if found else None


def read(path: Path, options: Options) -> Contents:
    content = content_of(path)
    return Contents(html_pages(decoded(content, told_charset(content)), Typewriter()))


def draw(path: Path, number: int, width: int, options: Options) -> bytes:
    return drawn_page(read(path, options).pages, number, width)


if __name__ == "__main__":
    sys.exit(main(read, draw))
