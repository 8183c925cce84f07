"""Words and drawn lines of a page as text in reading order, words in that text, and tables."""

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from statistics import median

from domain.document_json import tenth
from domain.documents import Box, Cell, Table, Word, around
from processing.documents.aligned_tables import Aligned, cell_text, is_prose, table_of
from processing.documents.headers import header_rows
from processing.documents.lines import Block, Line, Span, blocks_of, gutter_width, lines_of
from processing.documents.ruled_tables import Grid, Rules, grids_of, texts_of

#: Lines with more than this many heights between them are parted by a blank one.
_PARAGRAPH = 0.9
_RIGHT_TO_LEFT = frozenset({"R", "AL"})


@dataclass(frozen=True, slots=True)
class Laid:
    """What a page holds, in reading order."""

    text: str
    words: tuple[Word, ...]
    tables: tuple[Table, ...]


@dataclass(frozen=True, slots=True)
class _Piece:
    """Lines of text as groups of words that belong together, and the table that they are."""

    box: Box
    lines: Sequence[Sequence[Sequence[Span]]]
    table: Table | None = None


@dataclass(slots=True)
class _Text:
    """A text that grows by words."""

    parts: list[str] = field(default_factory=list)
    words: list[Word] = field(default_factory=list)
    size: int = 0

    def add(self, before: str, span: Span) -> None:
        before = before if self.words else ""
        start = self.size + len(before)
        self.parts += (before, span.text)
        self.words.append(Word(span.text, rounded(span.box), start))
        self.size = start + len(span.text)


def rounded(box: Box) -> Box:
    return Box(tenth(box.left), tenth(box.top), tenth(box.right), tenth(box.bottom))


def laid_out(number: int, spans: Sequence[Span], rules: Rules) -> Laid:
    """The page with this number. Tables that are drawn come first, then what is aligned."""
    tables, rest = _ruled(number, spans, rules)
    pieces = _flow(number, rest)
    for table in tables:
        at = next((n for n, each in enumerate(pieces) if each.box.top > table.box.top), None)
        pieces.insert(len(pieces) if at is None else at, table)
    text = _Text()
    above: Box | None = None
    for piece in pieces:
        _write(text, piece, above)
        above = piece.box
    found = tuple(piece.table for piece in pieces if piece.table is not None)
    return Laid("".join(text.parts), tuple(text.words), found)


def _write(text: _Text, piece: _Piece, above: Box | None) -> None:
    height = median(span.box.height for line in piece.lines for group in line for span in group)
    apart = above is not None and piece.box.top - above.bottom > _PARAGRAPH * height
    before = "\n\n" if apart or (piece.table is not None) else "\n"
    for line in piece.lines:
        for group in line:
            for span in group:
                text.add(before, span)
                before = " "
            before = "\t"
        before = "\n"


def _ruled(number: int, spans: Sequence[Span], rules: Rules) -> tuple[list[_Piece], Sequence[Span]]:
    """Drawn tables with the words in them, and the other words."""
    pieces, rest = [], spans
    for grid in grids_of(rules):
        inside = [span for span in rest if grid.box.holds(span.box.middle)]
        texts = texts_of(grid, inside)
        if len(texts) < 2:
            continue
        rest = [span for span in rest if not grid.box.holds(span.box.middle)]
        pieces.append(_grid_piece(number, grid, texts, inside))
    return pieces, rest


def _grid_piece(
    number: int, grid: Grid, texts: dict[tuple[int, int], str], words: Sequence[Span]
) -> _Piece:
    slots = {(slot.row, slot.column): slot for slot in grid.slots}
    rows, lines = [], []
    for row in range(len(grid.rows) - 1):
        cells, groups = [], []
        for column in range(len(grid.columns) - 1):
            slot = slots.get((row, column))
            if slot is None:
                cells.append(Cell("", rounded(grid.cell_box(row, column))))
                continue
            cells.append(
                Cell(
                    texts.get((row, column), ""),
                    rounded(slot.box),
                    slot.row_span,
                    slot.column_span,
                )
            )
            groups.append([word for word in words if slot.box.holds(word.box.middle)])
        rows.append(tuple(cells))
        lines.append([_read(group) for group in groups if group])
    told = [[cell.text for cell in row] for row in rows]
    table = Table(number, rounded(grid.box), tuple(rows), True, header_rows(told))
    return _Piece(grid.box, [line for line in lines if line], table)


def _flow(number: int, spans: Sequence[Span]) -> list[_Piece]:
    """Text and aligned tables from the top; columns of prose one after another."""
    pieces = []
    blocks = blocks_of(lines_of(spans))
    for at, block in enumerate(blocks):
        if is_prose(block):
            # The longer column goes on where the other one has ended.
            while at + 1 < len(blocks) and block.goes_on_with(blocks[at + 1]):
                block = Block((*block.lines, *blocks.pop(at + 1).lines), block.gutters)
            for column in range(len(block.gutters) + 1):
                words = [span for line in block.lines for span in block.columns(line)[column]]
                pieces += _flow(number, words)
            continue
        aligned = table_of(block)
        if aligned is None:
            pieces += [_line_piece(line) for line in block.lines]
        else:
            below = [line for line in block.lines if line.box.top >= aligned.box.bottom]
            pieces.append(_aligned_piece(number, aligned))
            pieces += [_line_piece(line) for line in below]
    return pieces


def _line_piece(line: Line) -> _Piece:
    least = gutter_width(median(word.box.height for word in line.words))
    groups: list[list[Span]] = [[]]
    for word in line.words:
        if groups[-1] and word.box.left - groups[-1][-1].box.right >= least:
            groups.append([])
        groups[-1].append(word)
    if _is_right_to_left(line.words):
        groups = [group[::-1] for group in reversed(groups)]
    return _Piece(line.box, [groups])


def _aligned_piece(number: int, aligned: Aligned) -> _Piece:
    rows = []
    tops = [around([word.box for cell in row for word in cell]) for row in aligned.rows]
    for row, band in zip(aligned.rows, tops, strict=True):
        cells = []
        for column, words in enumerate(row):
            empty = Box(aligned.columns[column], band.top, aligned.columns[column + 1], band.bottom)
            box = around([word.box for word in words]) if words else empty
            cells.append(Cell(cell_text(words), rounded(box)))
        rows.append(tuple(cells))
    told = [[cell.text for cell in row] for row in rows]
    table = Table(number, rounded(aligned.box), tuple(rows), False, header_rows(told))
    lines = [[_read(cell) for cell in row if cell] for row in aligned.rows]
    return _Piece(aligned.box, lines, table)


def _read(words: Iterable[Span]) -> list[Span]:
    """The words of a cell in reading order."""
    found: list[Span] = []
    for line in lines_of(list(words)):
        found += line.words[::-1] if _is_right_to_left(line.words) else line.words
    return found


def _is_right_to_left(words: Sequence[Span]) -> bool:
    letters = [word.text[0] for word in words if not word.text.isascii()]
    if 2 * len(letters) < len(words):
        return False
    count = sum(unicodedata.bidirectional(letter) in _RIGHT_TO_LEFT for letter in letters)
    return 2 * count > len(words)
