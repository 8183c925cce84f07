"""Tables without lines, found by how their words are aligned. Rather none than one that is none."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import mean, median

from domain.documents import Box, around
from processing.documents.lines import Block, Line, Span, lines_of

#: Words in a cell of prose; cells of tables hold fewer on average.
_PROSE_WORDS = 3.5
_PROSE_LINES = 4
#: How much of the cells of a table is filled at least.
_FILLED = 0.4
#: A line nearer to the one above than this part of the usual distance goes on with its cell.
_TIGHT = 0.8
_FIGURE = re.compile(r"[^\w]*[\w$€£¥]{0,4}[^\w]{0,2}\d[\d\s.,:/'\u2019%()€$£¥-]*\w{0,4}\W?")
_LABEL_SHARE = 0.5
_FIGURE_SHARE = 0.6


@dataclass(frozen=True, slots=True)
class Aligned:
    """A table by alignment: rows of cells of words, and the edges of its columns."""

    rows: tuple[tuple[tuple[Span, ...], ...], ...]
    columns: tuple[float, ...]
    box: Box


def is_figure(text: str) -> bool:
    """Whether a text is a number, an amount, a date, a time, a percentage."""
    return _FIGURE.fullmatch(text.strip()) is not None


def is_prose(block: Block) -> bool:
    """Whether a block is running text set in columns."""
    if not block.gutters or len(block.lines) < _PROSE_LINES:
        return False
    return all(
        len(column) >= _PROSE_LINES and mean(map(len, column)) >= _PROSE_WORDS
        for column in _filled_cells(block)
    )


def table_of(block: Block) -> Aligned | None:
    """The table that a block is, or None."""
    if not block.gutters:
        return None
    lines = _trimmed(block)
    full = [line for line in lines if _columns_filled(block, line) > 1]
    least = 3 if len(block.gutters) == 1 else 2
    if len(full) < least or not _is_table(Block(tuple(lines), block.gutters)):
        return None
    rows = _rows(block, lines)
    box = around([line.box for line in lines])
    inner = [(gap.left + gap.right) / 2 for gap in block.gutters]
    return Aligned(tuple(rows), (box.left, *inner, box.right), box)


def _is_table(block: Block) -> bool:
    cells = _filled_cells(block)
    if any(not column for column in cells):
        return False
    if sum(map(len, cells)) < _FILLED * len(cells) * len(block.lines):
        return False
    if sum(mean(map(len, column)) >= _PROSE_WORDS for column in cells) > 1:
        return False
    if len(cells) > 2:
        return True
    left, right = ([" ".join(word.text for word in cell) for cell in column] for column in cells)
    labels = sum(text.endswith(":") for text in left)
    figures = sum(map(is_figure, right))
    return labels < _LABEL_SHARE * len(left) and figures >= _FIGURE_SHARE * len(right)


def _filled_cells(block: Block) -> list[list[list[Span]]]:
    """The cells that are not empty, by column."""
    by_line = [block.columns(line) for line in block.lines]
    return [
        [cells[column] for cells in by_line if cells[column]]
        for column in range(len(block.gutters) + 1)
    ]


def _columns_filled(block: Block, line: Line) -> int:
    return sum(bool(cell) for cell in block.columns(line))


def _trimmed(block: Block) -> list[Line]:
    """Without lines of one cell at the end that stand apart: they are no part of the table."""
    lines = list(block.lines)
    pitch = _pitch(lines)
    while len(lines) > 1 and _columns_filled(block, lines[-1]) == 1:
        if lines[-1].box.top - lines[-2].box.top <= _TIGHT * pitch:
            break
        lines.pop()
    return lines


def _pitch(lines: Sequence[Line]) -> float:
    """The usual distance of two lines."""
    return median([lower.box.top - upper.box.top for upper, lower in pairwise(lines)] or [0.0])


def _rows(block: Block, lines: Sequence[Line]) -> list[tuple[tuple[Span, ...], ...]]:
    """Rows of cells. A line of one cell goes on with that cell of the row above when it is near,
    or when it does not stand in the first column."""
    rows: list[list[list[Span]]] = []
    full = [line for line in lines if _columns_filled(block, line) > 1]
    pitch, above = _pitch(full), None
    for line in lines:
        cells = block.columns(line)
        filled = [column for column, cell in enumerate(cells) if cell]
        near = above is not None and line.box.top - above.box.top <= _TIGHT * pitch
        if rows and len(filled) == 1 and (near or filled[0] > 0) and rows[-1][filled[0]]:
            rows[-1][filled[0]] += cells[filled[0]]
        else:
            rows.append(cells)
        above = line
    return [tuple(tuple(cell) for cell in row) for row in rows]


def cell_text(words: Sequence[Span]) -> str:
    """The text of a cell: its lines, each on one of its own."""
    return "\n".join(line.text for line in lines_of(words))
