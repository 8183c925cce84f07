"""The text of a document as the rules read texts: with labels and values side by side.

In a document cells of one line stand between tabs, and a label may stand over its value. Here a
label is followed by a colon and its value in the same line. Characters keep their places; what is
said once more stands behind the text, and `Sheet.origin` knows where it came from."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

_MOST_LABEL = 40
_DIGIT = re.compile(r"\d")
_LETTER = re.compile(r"[^\W\d_]")


class _Copied(NamedTuple):
    """A part of the text that stands once more: where it starts, where it came from."""

    start: int
    origin: int
    length: int


@dataclass(frozen=True, slots=True)
class Sheet:
    """A text for the rules. `length` is that of the document's own text."""

    text: str
    length: int
    copied: Sequence[_Copied]

    def origin(self, start: int, end: int) -> tuple[int, int]:
        """Where in the document's text a part of this text stands; an empty range when it is not
        there as a whole."""
        if end <= self.length:
            return start, end
        for part in self.copied:
            if part.start <= start and end <= part.start + part.length:
                moved = part.origin - part.start
                return start + moved, end + moved
        return 0, 0


class _Line(NamedTuple):
    """A line and its cells with their places in the text."""

    start: int
    cells: tuple[tuple[int, str], ...]

    @property
    def names(self) -> bool:
        """Whether all cells could be labels."""
        return len(self.cells) > 1 and all(_is_label(text) for _, text in self.cells)


def lay_out(text: str) -> Sheet:
    """The text with colons between labels and values, and values that stand under their labels said
    once more beside them."""
    lines = list(_lines(text))
    marked = list(text)
    for line, following in pairwise([*lines, _Line(len(text), ())]):
        for place, mark in _colons(line, following):
            marked[place] = mark
    parts, copied, end = ["".join(marked)], [], len(text)
    for label, place, value in _below(lines):
        head = f"\n{label.rstrip(' :')}: "
        parts += [head, value]
        copied.append(_Copied(end + len(head), place, len(value)))
        end += len(head) + len(value)
    return Sheet("".join(parts), len(text), copied)


def _lines(text: str) -> Iterator[_Line]:
    start = 0
    for written in re.split(r"[\n\f]", text):
        cells, place = [], start
        for cell in written.split("\t"):
            cells.append((place, cell))
            place += len(cell) + 1
        yield _Line(start, tuple(cells))
        start += len(written) + 1


def _is_label(text: str) -> bool:
    return (
        0 < len(text.strip()) <= _MOST_LABEL
        and _LETTER.search(text) is not None
        and _DIGIT.search(text) is None
    )


def _colons(line: _Line, following: _Line) -> Iterator[tuple[int, str]]:
    """Tabs of a line that stand between a label and its value, and what is put there."""
    cells = line.cells
    for (_, text), (place, _) in pairwise(cells):
        if text.rstrip().endswith(":"):
            yield place - 1, " "
    if any(text.rstrip().endswith(":") for _, text in cells) or len(cells) % 2:
        return
    pairs = list(zip(cells[::2], cells[1::2], strict=True))
    if not all(_is_label(label[1]) and value[1].strip() for label, value in pairs):
        return
    # Words beside words are a pair, unless they are the header of what follows.
    worded = any(_is_label(value[1]) for _, value in pairs)
    if worded and (len(pairs) > 1 or _is_row_below(line, following)):
        return
    for _, (place, _text) in pairs:
        yield place - 1, ":"


def _is_row_below(line: _Line, following: _Line) -> bool:
    return len(following.cells) == len(line.cells) and any(
        _DIGIT.search(text) for _, text in following.cells
    )


def _below(lines: Sequence[_Line]) -> Iterator[tuple[str, int, str]]:
    """Values in a line under a line of labels, each with its label; not those of tables, where
    further lines follow."""
    for index, (line, following) in enumerate(pairwise(lines)):
        count = len(line.cells)
        around = [*lines[max(index - 1, 0) : index], *lines[index + 2 : index + 3]]
        if (
            line.names
            and len(following.cells) == count
            and not any(text.rstrip().endswith(":") for _, text in following.cells)
            and any(_DIGIT.search(text) for _, text in following.cells)
            and not any(len(each.cells) == count for each in around)
        ):
            for (_, label), (place, value) in zip(line.cells, following.cells, strict=True):
                if value.strip():
                    yield label.strip(), place, value
