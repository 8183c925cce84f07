"""A page as pieces: words that stand together, with what is right of them and below them."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from domain.documents import Box, Page, around
from processing.documents.lines import Span, gutter_width, lines_of

#: Words of a page that are looked at: the first ones and the last ones.
_MOST_WORDS = 4_000
#: A value stands no further below its label than this many heights.
_BELOW = 1.9
#: Lines of one text are no further apart than this many heights.
_NEXT_LINE = 0.8
_SLACK = 1.5


@dataclass(frozen=True, slots=True)
class Piece:
    """Words side by side. `number` counts the pieces of the page, `line` the lines; `field` holds
    the name of the form field that the text was written into."""

    text: str
    box: Box
    number: int
    line: int
    words: tuple[Span, ...]
    field: str | None = None

    def part(self, start: int, end: int) -> Box:
        """Where a part of the text stands, counted in characters."""
        boxes, at = [], 0
        for word in self.words:
            if at < end and at + len(word.text) > start:
                boxes.append(word.box)
            at += len(word.text) + 1
        return around(boxes) if boxes else self.box


class Layout:
    """The pieces of one page, and which stand beside which. Looking one up looks at those of its
    height alone, so a page costs what its pieces cost."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.pieces: list[Piece] = []
        for line in self._lines():
            self.pieces += line
        self._sorted = sorted(self.pieces, key=lambda piece: piece.box.top)
        self._tops = [piece.box.top for piece in self._sorted]
        self._tallest = max((piece.box.height for piece in self.pieces), default=0.0)

    def right_of(self, piece: Piece) -> Piece | None:
        """The next piece on the same height."""
        _, middle = piece.box.middle
        best: Piece | None = None
        for other in self._between(piece.box.top - self._tallest, piece.box.bottom):
            if other.number == piece.number or other.box.left < piece.box.right - _SLACK:
                continue
            level = other.box.top <= middle <= other.box.bottom
            same = piece.box.top <= other.box.middle[1] <= piece.box.bottom
            if level and same and (best is None or other.box.left < best.box.left):
                best = other
        return best

    def all_right_of(self, piece: Piece) -> Iterator[Piece]:
        """All pieces on the same height, from left to right."""
        following = self.right_of(piece)
        while following is not None:
            yield following
            following = self.right_of(following)

    def below(self, piece: Piece, reach: float = _BELOW) -> Piece | None:
        """The piece right under this one; None when there are several, or none is near."""
        found = self._under(piece, reach)
        if not found:
            return None
        top = min(found, key=lambda other: other.box.top)
        level = [other for other in found if other.box.top < top.box.middle[1]]
        if len(level) == 1:
            return level[0]
        aligned = [other for other in level if _aligned(piece.box, other.box)]
        return aligned[0] if len(aligned) == 1 else None

    def lines_below(self, piece: Piece, most: int) -> list[Piece]:
        """The lines that go on under this one, aligned with it."""
        found: list[Piece] = []
        last = piece
        while len(found) < most:
            following = self.below(last, _NEXT_LINE)
            if following is None or abs(following.box.left - piece.box.left) > 2 * _SLACK:
                break
            found.append(following)
            last = following
        return found

    def above(self, piece: Piece, reach: float = _BELOW) -> Piece | None:
        """The piece right over this one."""
        height = piece.box.height
        near = self._between(piece.box.top - reach * height - 2 * self._tallest, piece.box.top)
        over = [
            other
            for other in near
            if other.box.bottom <= piece.box.top + _SLACK
            and piece.box.top - other.box.bottom <= reach * height
            and _overlap(piece.box, other.box)
        ]
        return max(over, key=lambda other: other.box.bottom, default=None)

    def _under(self, piece: Piece, reach: float) -> list[Piece]:
        edge = piece.box.bottom - _SLACK
        return [
            other
            for other in self._between(edge, piece.box.bottom + reach * piece.box.height)
            if other.number != piece.number
            and other.box.top >= edge
            and _overlap(piece.box, other.box)
        ]

    def _between(self, top: float, bottom: float) -> Iterator[Piece]:
        for index in range(bisect_left(self._tops, top), len(self._sorted)):
            if self._tops[index] > bottom:
                break
            yield self._sorted[index]

    def _lines(self) -> Iterator[list[Piece]]:
        words = self.page.words
        if len(words) > _MOST_WORDS:
            words = (*words[: _MOST_WORDS // 2], *words[-_MOST_WORDS // 2 :])
        number = count = 0
        for count, line in enumerate(lines_of([Span(word.text, word.box) for word in words])):
            pieces = []
            for group in _groups(line.words, _cuts(self.page, line.box.middle[1])):
                text = " ".join(word.text for word in group)
                box = around([word.box for word in group])
                pieces.append(Piece(text, box, number, count, tuple(group)))
                number += 1
            yield pieces
        for each in self.page.fields:
            if each.value.strip():
                span = Span(each.value, each.box)
                yield [Piece(each.value, each.box, number, count + 1 + number, (span,), each.name)]
                number += 1


def _groups(words: Sequence[Span], cuts: Sequence[float]) -> list[list[Span]]:
    """The words of a line, cut where there is a gap or a drawn line between two of them."""
    least = gutter_width(median(word.box.height for word in words))
    groups = [[words[0]]]
    for one, other in pairwise(words):
        gap = other.box.left - one.box.right
        drawn = any(one.box.middle[0] < cut < other.box.middle[0] for cut in cuts)
        if gap >= least or drawn:
            groups.append([])
        groups[-1].append(other)
    return groups


def _cuts(page: Page, level: float) -> list[float]:
    """Where drawn tables have vertical lines on a height of the page."""
    found: list[float] = []
    for table in page.tables:
        if not table.ruled or not table.box.top <= level <= table.box.bottom:
            continue
        at = bisect_right(table.rows, level, key=lambda row: row[0].box.top) - 1
        if at < 0:
            continue
        covered = 0
        for cell in table.rows[at]:
            if covered:
                covered -= 1
                continue
            covered = cell.column_span - 1
            found.append(cell.box.left)
    return found


def _overlap(one: Box, other: Box) -> bool:
    common = min(one.right, other.right) - max(one.left, other.left)
    return common >= 0.3 * min(one.width, other.width) or abs(one.left - other.left) <= _SLACK


def _aligned(one: Box, other: Box) -> bool:
    return (
        abs(one.left - other.left) <= 2 * _SLACK
        or abs(one.right - other.right) <= 2 * _SLACK
        or abs(one.middle[0] - other.middle[0]) <= 2 * _SLACK
    )
