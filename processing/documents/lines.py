"""Words gathered into lines, and lines into blocks whose words stand in columns."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import NamedTuple

from domain.documents import Box, around

#: Two words of a line with more between them than this many heights belong to two columns.
_GUTTER = 0.9
_NARROWEST_GUTTER = 5.0
#: Lines further apart than this many heights belong to two blocks.
_APART = 3.0
#: Lines of one paragraph are no further apart than this.
_NEAR = 1.0
#: A block has no more lines than this, which bounds the work of finding the best ones.
_LONGEST = 150


#: Gaps of a line with two columns: left of it, between them, right of it.
_TWO_COLUMNS = 3


class Span(NamedTuple):
    """A word that has no place in a text yet."""

    text: str
    box: Box


class Gap(NamedTuple):
    """A stretch of a line, or of all lines of a block, without words."""

    left: float
    right: float


@dataclass(frozen=True, slots=True)
class Line:
    """Words side by side, from left to right."""

    words: tuple[Span, ...]
    box: Box

    @property
    def text(self) -> str:
        return " ".join(word.text for word in self.words)


@dataclass(frozen=True, slots=True)
class Block:
    """Lines one under another. `gutters`: what separates the columns that all of them have."""

    lines: tuple[Line, ...]
    gutters: tuple[Gap, ...] = ()

    @property
    def box(self) -> Box:
        return around([line.box for line in self.lines])

    def goes_on_with(self, other: "Block") -> bool:
        """Whether a block below is nothing but a line of one of the columns."""
        if other.gutters or _apart(self.lines[-1], other.lines[0], _NEAR):
            return False
        box = other.box
        return all(box.right <= gap.left or box.left >= gap.right for gap in self.gutters)

    def columns(self, line: Line) -> list[list[Span]]:
        """The words of a line by column."""
        found: list[list[Span]] = [[] for _ in range(len(self.gutters) + 1)]
        column = 0
        for word in line.words:
            while column < len(self.gutters) and word.box.left >= self.gutters[column].left:
                column += 1
            found[column].append(word)
        return found


def lines_of(words: Sequence[Span]) -> list[Line]:
    """Lines from the top. A word is in a line when its middle is in the line's first word."""
    lines: list[list[Span]] = []
    for word in sorted(words, key=lambda word: word.box.middle[1]):
        first = lines[-1][0].box if lines else None
        if first is not None and _beside(first, word.box):
            lines[-1].append(word)
        else:
            lines.append([word])
    return [_line(line) for line in lines]


def blocks_of(lines: Sequence[Line]) -> list[Block]:
    """All lines, cut into blocks so that as many words as possible stand in columns.

    Lines with nothing of the kind are blocks without gutters."""
    gaps = [_gaps(line) for line in lines]
    best = [0.0] * (len(lines) + 1)
    chosen: list[tuple[int, tuple[Gap, ...]]] = [(at + 1, ()) for at in range(len(lines))]
    for start in range(len(lines) - 1, -1, -1):
        best[start] = best[start + 1]
        for end, gutters, score in _runs(lines, gaps, start):
            if score + best[end] > best[start]:
                best[start] = score + best[end]
                chosen[start] = end, gutters
    blocks, at = [], 0
    while at < len(lines):
        end, gutters = chosen[at]
        blocks.append(Block(tuple(lines[at:end]), gutters))
        at = end
    return blocks


def _line(words: list[Span]) -> Line:
    ordered = tuple(sorted(words, key=lambda word: (word.box.left, word.box.right)))
    return Line(ordered, around([word.box for word in ordered]))


def _beside(first: Box, box: Box) -> bool:
    """The middle of the lower of the two is within the taller one."""
    tall, small = (first, box) if first.height >= box.height else (box, first)
    return tall.top <= small.middle[1] <= tall.bottom and (
        min(first.bottom, box.bottom) - max(first.top, box.top) >= small.height / 2
    )


def gutter_width(height: float) -> float:
    """How much must be free between two columns of words of this height."""
    return max(height * _GUTTER, _NARROWEST_GUTTER)


def _gaps(line: Line) -> tuple[Gap, ...]:
    """What is free in a line, with what lies left and right of it."""
    least = gutter_width(median(word.box.height for word in line.words))
    free, right = [Gap(float("-inf"), line.words[0].box.left)], line.words[0].box.right
    for word in line.words[1:]:
        if word.box.left - right >= least:
            free.append(Gap(right, word.box.left))
        right = max(right, word.box.right)
    return (*free, Gap(right, float("inf")))


def _runs(
    lines: Sequence[Line], gaps: Sequence[tuple[Gap, ...]], start: int
) -> list[tuple[int, tuple[Gap, ...], float]]:
    """The blocks that may begin at a line: where each ends, its gutters, and its worth, which is
    how many cells of it are filled beside the first of each line."""
    found: list[tuple[int, tuple[Gap, ...], float]] = []
    free, left, right = gaps[start], lines[start].box.left, lines[start].box.right
    if len(free) < _TWO_COLUMNS:
        return []  # a line of one column begins nothing
    columns, worth = 0, 0
    for end in range(start + 1, min(len(lines), start + _LONGEST) + 1):
        gutters = tuple(gap for gap in free if gap.left >= left and gap.right <= right)
        if not gutters:
            break
        if len(gutters) == columns:
            worth += _filled(lines[end - 1], gutters) - 1
        else:
            columns = len(gutters)
            worth = sum(_filled(each, gutters) - 1 for each in lines[start:end])
        if end > start + 1 and len(gaps[end - 1]) >= _TWO_COLUMNS:
            found.append((end, gutters, worth - columns))
        if end < len(lines):
            if _apart(lines[end - 1], lines[end], _APART):
                break
            free = _both(free, gaps[end])
            left = min(left, lines[end].box.left)
            right = max(right, lines[end].box.right)
    return found


def _apart(upper: Line, lower: Line, heights: float) -> bool:
    return lower.box.top - upper.box.bottom > heights * max(upper.box.height, 1)


def _filled(line: Line, gutters: tuple[Gap, ...]) -> int:
    edges = [float("-inf"), *((gap.left + gap.right) / 2 for gap in gutters), float("inf")]
    middles = [word.box.middle[0] for word in line.words]
    return sum(any(left <= at < right for at in middles) for left, right in pairwise(edges))


def _both(one: tuple[Gap, ...], other: tuple[Gap, ...]) -> tuple[Gap, ...]:
    """What is free in both, as far as it is wide enough for a gutter."""
    found, a, b = [], 0, 0
    while a < len(one) and b < len(other):
        left, right = max(one[a].left, other[b].left), min(one[a].right, other[b].right)
        if right - left >= _NARROWEST_GUTTER:
            found.append(Gap(left, right))
        if one[a].right < other[b].right:
            a += 1
        else:
            b += 1
    return tuple(found)
