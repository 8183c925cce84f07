"""Tables whose lines are drawn."""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

from domain.documents import Box
from processing.documents.lines import Span, lines_of

#: Lines nearer than this are one, and lines that miss each other by this much meet.
_NEAR = 3.0
#: A rule that is shorter bounds no cell.
_SHORTEST = 4.0


class Rule(NamedTuple):
    """A drawn line: where it lies, from the top or from the left, and from where to where."""

    at: float
    start: float
    end: float


@dataclass(frozen=True, slots=True)
class Rules:
    """The drawn lines of a page."""

    level: tuple[Rule, ...] = ()
    upright: tuple[Rule, ...] = ()


@dataclass(frozen=True, slots=True)
class Slot:
    """A cell of a grid, or several that no line parts: where it begins, and how far it goes."""

    row: int
    column: int
    row_span: int
    column_span: int
    box: Box


@dataclass(frozen=True, slots=True)
class Grid:
    """The cells that lines make: the edges of its rows and columns, and what lies between."""

    rows: tuple[float, ...]
    columns: tuple[float, ...]
    slots: tuple[Slot, ...]

    @property
    def box(self) -> Box:
        return Box(self.columns[0], self.rows[0], self.columns[-1], self.rows[-1])

    def cell_box(self, row: int, column: int) -> Box:
        return Box(
            self.columns[column], self.rows[row], self.columns[column + 1], self.rows[row + 1]
        )


def merged(rules: Iterable[Rule]) -> tuple[Rule, ...]:
    """Rules that lie on one line and touch made one; short ones left out."""
    lanes: list[list[Rule]] = []
    for rule in sorted(rules):
        if lanes and rule.at - lanes[-1][0].at <= _NEAR:
            lanes[-1].append(rule)
        else:
            lanes.append([rule])
    found = []
    for lane in lanes:
        at = sum(rule.at for rule in lane) / len(lane)
        start, end = None, 0.0
        for rule in sorted(lane, key=lambda rule: rule.start):
            if start is not None and rule.start <= end + _NEAR:
                end = max(end, rule.end)
                continue
            if start is not None:
                found.append(Rule(at, start, end))
            start, end = rule.start, rule.end
        if start is not None:
            found.append(Rule(at, start, end))
    return tuple(rule for rule in found if rule.end - rule.start >= _SHORTEST)


def grids_of(rules: Rules) -> list[Grid]:
    """The grids of at least two rows and two columns, from the top."""
    grids = []
    for level, upright in _connected(rules):
        rows = _edges([rule.at for rule in level], [e for r in upright for e in (r.start, r.end)])
        columns = _edges(
            [rule.at for rule in upright], [e for r in level for e in (r.start, r.end)]
        )
        if len(rows) > 2 and len(columns) > 2:
            grids.append(Grid(rows, columns, _slots(rows, columns, level, upright)))
    outer = [g for g in grids if not any(_within(g.box, o.box) for o in grids if o is not g)]
    return sorted(outer, key=lambda grid: (grid.rows[0], grid.columns[0]))


def texts_of(grid: Grid, words: Sequence[Span]) -> dict[tuple[int, int], str]:
    """The text of each slot by its first row and column: its lines, each on one of its own."""
    held: dict[tuple[int, int], list[Span]] = {}
    owner = {
        (row, column): (slot.row, slot.column)
        for slot in grid.slots
        for row in range(slot.row, slot.row + slot.row_span)
        for column in range(slot.column, slot.column + slot.column_span)
    }
    for word in words:
        across, down = word.box.middle
        row = min(max(bisect_right(grid.rows, down) - 1, 0), len(grid.rows) - 2)
        column = min(max(bisect_right(grid.columns, across) - 1, 0), len(grid.columns) - 2)
        held.setdefault(owner[row, column], []).append(word)
    return {
        place: "\n".join(line.text for line in lines_of(inside)) for place, inside in held.items()
    }


def _connected(rules: Rules) -> list[tuple[list[Rule], list[Rule]]]:
    """Rules that meet, directly or through others: level ones and upright ones of each group."""
    count = len(rules.level)
    group = list(range(count + len(rules.upright)))

    def root(each: int) -> int:
        while group[each] != each:
            group[each] = group[group[each]]
            each = group[each]
        return each

    for one, level in enumerate(rules.level):
        for other, upright in enumerate(rules.upright, count):
            if (
                level.start - _NEAR <= upright.at <= level.end + _NEAR
                and upright.start - _NEAR <= level.at <= upright.end + _NEAR
            ):
                group[root(one)] = root(other)
    parts: dict[int, tuple[list[Rule], list[Rule]]] = {}
    for each in range(len(group)):
        levels, uprights = parts.setdefault(root(each), ([], []))
        if each < count:
            levels.append(rules.level[each])
        else:
            uprights.append(rules.upright[each - count])
    return [part for part in parts.values() if all(part)]


def _edges(lines: list[float], ends: list[float]) -> tuple[float, ...]:
    """Where rows or columns end: at lines, and where lines of the other direction stop beyond the
    outermost, for tables without an outer line."""
    outer = [end for end in (min(ends), max(ends)) if all(abs(end - at) > _NEAR for at in lines)]
    found: list[float] = []
    for at in sorted([*lines, *outer]):
        if not found or at - found[-1] > _NEAR:
            found.append(at)
    return tuple(found)


def _slots(
    rows: tuple[float, ...],
    columns: tuple[float, ...],
    level: Sequence[Rule],
    upright: Sequence[Rule],
) -> tuple[Slot, ...]:
    """The cells. One grows to the right, and then downwards, while no line is in its way."""
    below = _walls(rows, columns, level)
    behind = _walls(columns, rows, upright)
    taken: set[tuple[int, int]] = set()
    slots = []
    for row in range(len(rows) - 1):
        for column in range(len(columns) - 1):
            if (row, column) in taken:
                continue
            right, down = column + 1, row + 1
            while (
                right < len(columns) - 1
                and (right, row) not in behind
                and (row, right) not in taken
            ):
                right += 1
            while down < len(rows) - 1 and all(
                (down, each) not in below and (down, each) not in taken
                for each in range(column, right)
            ):
                down += 1
            taken |= {(y, x) for y in range(row, down) for x in range(column, right)}
            box = Box(columns[column], rows[row], columns[right], rows[down])
            slots.append(Slot(row, column, down - row, right - column, box))
    return tuple(slots)


def _walls(
    across: tuple[float, ...], along: tuple[float, ...], rules: Sequence[Rule]
) -> set[tuple[int, int]]:
    """Which pieces of which edge are drawn: (number of the edge, number of the piece)."""
    walls = set()
    for rule in rules:
        edge = min(range(len(across)), key=lambda each: abs(across[each] - rule.at))
        if abs(across[edge] - rule.at) > _NEAR:
            continue
        for piece, (start, end) in enumerate(pairwise(along)):
            if rule.start <= (start + end) / 2 <= rule.end:
                walls.add((edge, piece))
    return walls


def _within(inner: Box, outer: Box) -> bool:
    return (
        outer.left - _NEAR <= inner.left
        and outer.top - _NEAR <= inner.top
        and inner.right <= outer.right + _NEAR
        and inner.bottom <= outer.bottom + _NEAR
        and (inner.width < outer.width or inner.height < outer.height)
    )
