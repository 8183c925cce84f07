"""From groups to points: what is shown of them, in what order, and what is taken as one.

A fresh query and a live chart end in the same functions, so that they cannot disagree."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Context, Decimal, Inexact
from functools import cmp_to_key
from typing import Any

from domain import numbers
from domain.aggregation import Aggregate, Function
from domain.chart_records import MAX_SERIES, ChartData, ChartPlan, Pairs, Point
from domain.errors import TooLarge

UNKNOWN = "Unknown"
OTHER = "Other"

#: Sums are exact: nothing is ever rounded here.
_EXACT = Context(prec=4_000, Emax=999_999, Emin=-999_999, traps=[Inexact])
_PLACES = 2


@dataclass(frozen=True, slots=True)
class Tally:
    """What is kept of a group: its rows, and of the numbers in y how many there are, their sum,
    the least and the most. A chart keeps only what its function needs."""

    rows: int = 0
    count: int = 0
    total: Decimal = Decimal(0)
    least: Decimal | None = None
    most: Decimal | None = None

    def joined(self, other: "Tally") -> "Tally":
        """Both groups taken as one."""
        return Tally(
            self.rows + other.rows,
            self.count + other.count,
            sum_of(self.total, other.total),
            chosen(min, self.least, other.least),
            chosen(max, self.most, other.most),
        )


def sum_of(one: Decimal, other: Decimal) -> Decimal:
    """The exact sum."""
    return _EXACT.add(one, other)


def chosen(
    choose: Callable[[Decimal, Decimal], Decimal], one: Decimal | None, other: Decimal | None
) -> Decimal | None:
    """The least or the greatest of two numbers that may be missing."""
    if one is None or other is None:
        return other if one is None else one
    return choose(one, other)


#: Groups by the JSON texts of x and series. Without a series column that is None; so is no value.
Key = tuple[str | None, str | None]
Tallies = dict[Key, Tally]

#: Stands for all values that are not shown by themselves. It is no JSON text.
_OTHER = "…"


def tallies_of(plan: ChartPlan, aggregate: Aggregate) -> tuple[Tallies, Tally | None]:
    """The groups of an answer, and those that were left out as one."""
    found: Tallies = {}
    for group in aggregate.groups:
        x = group.keys[0]
        series = group.keys[1] if len(group.keys) > 1 else None
        tally = _tally(plan, group.values)
        known = found.get((x, series))
        found[x, series] = tally if known is None else known.joined(tally)
    return found, _tally(plan, aggregate.rest.values) if aggregate.rest is not None else None


def _tally(plan: ChartPlan, values: Sequence[str | None]) -> Tally:
    """The order of the figures is that of `domain.chart_binding`."""
    head = int(values[0] or 0)
    if plan.function is Function.COUNT:
        return Tally(rows=head)
    figure = Decimal(values[1]) if values[1] is not None else None
    match plan.function:
        case Function.MIN:
            return Tally(count=head, least=figure)
        case Function.MAX:
            return Tally(count=head, most=figure)
    return Tally(count=head, total=figure or Decimal(0))


def group_points(
    plan: ChartPlan, tallies: Mapping[Key, Tally], rest: Tally | None, *, ordered: bool
) -> tuple[Point, ...]:
    """The points of a chart of groups. `ordered`: x has an order of its own, so points follow it;
    else the largest come first. `Unknown` and `Other` stand at the end of an order."""
    shown = _merged((_blank_as_none(key), tally) for key, tally in tallies.items())
    shown = {key: tally for key, tally in shown.items() if _size(plan, tally)}
    if plan.series is not None:
        shown = _only_largest(plan, shown, MAX_SERIES, 1)
    top = plan.top if plan.top is not None or ordered else plan.names
    if top is not None:
        shown = _only_largest(plan, shown, top, 0)
    if rest is not None and _size(plan, rest):
        left_out = (_OTHER, _OTHER if plan.series is not None else None)
        shown = _merged([*shown.items(), (left_out, rest)])
    places = {x: place for place, x in enumerate(_order(plan, shown, ordered))}
    parts = {s: place for place, s in enumerate(_ranked(plan, shown, 1))}
    keys = sorted(shown, key=lambda key: (places[key[0]], parts[key[1]]))
    return tuple(_point(plan, key, shown[key]) for key in keys)


def _blank_as_none(key: Key) -> Key:
    x, series = (None if each is not None and _is_blank(each) else each for each in key)
    return x, series


def _is_blank(text: str) -> bool:
    return text.startswith('"') and not str(numbers.loads(text)).strip()


def _merged(found: Iterable[tuple[Key, Tally]]) -> Tallies:
    merged: Tallies = {}
    for key, tally in found:
        merged[key] = merged[key].joined(tally) if key in merged else tally
    return merged


def _size(plan: ChartPlan, tally: Tally) -> int:
    """How many values a group shows something of; one without any is not shown."""
    return tally.rows if plan.function is Function.COUNT else tally.count


def _only_largest(plan: ChartPlan, shown: Tallies, most: int, side: int) -> Tallies:
    kept = set(_ranked(plan, shown, side)[:most])

    def lumped(key: Key) -> Key:
        x, series = (
            each if place != side or each in kept else _OTHER for place, each in enumerate(key)
        )
        return x, series

    return _merged((lumped(key), tally) for key, tally in shown.items())


def _ranked(plan: ChartPlan, shown: Tallies, side: int) -> list[str | None]:
    """The values of x, or of series, the largest first; all the rest is last."""
    totals: dict[str | None, Tally] = {}
    for key, tally in shown.items():
        name = key[side]
        totals[name] = totals[name].joined(tally) if name in totals else tally
    figures = {name: figure(plan.function, tally) for name, tally in totals.items()}
    values = {name: _value(name) for name in totals}

    def compare(one: str | None, other: str | None) -> int:
        lasts = (one == _OTHER) - (other == _OTHER)
        larger = (figures[one] < figures[other]) - (figures[one] > figures[other])
        return lasts or larger or _before(values[one], values[other])

    return sorted(totals, key=cmp_to_key(compare))


def _order(plan: ChartPlan, shown: Tallies, ordered: bool) -> list[str | None]:
    if not ordered:
        return _ranked(plan, shown, 0)
    values = {key[0]: _value(key[0]) for key in shown}

    def compare(one: str | None, other: str | None) -> int:
        lasts = (one == _OTHER) - (other == _OTHER)
        return lasts or _before(values[one], values[other])

    return sorted(values, key=cmp_to_key(compare))


def _value(text: str | None) -> Any:
    return None if text is None or text == _OTHER else numbers.loads(text)


def _before(one: Any, other: Any) -> int:
    """The order of two values of one column; none is last."""
    if one is None or other is None:
        return (one is None) - (other is None)
    if isinstance(one, list) or isinstance(other, list):
        one, other = str(one), str(other)
    return int(one > other) - int(one < other)


def figure(function: Function, tally: Tally) -> numbers.Number:
    """What a group shows: a count, or a number rounded to two places, half away from zero."""
    if function is Function.COUNT:
        return tally.rows
    if function is Function.AVG:
        return _rounded(tally.total, tally.count)
    shown = {Function.MIN: tally.least, Function.MAX: tally.most}.get(function, tally.total)
    return _rounded(shown if shown is not None else Decimal(0), 1)


def _rounded(total: Decimal, count: int) -> numbers.Number:
    # In integers, because a quotient that was rounded before must not be rounded again.
    numerator, denominator = total.as_integer_ratio()
    denominator *= count
    cents = (2 * 100 * abs(numerator) + denominator) // (2 * denominator)
    return _shortest(_EXACT.scaleb(Decimal(-cents if numerator < 0 else cents), -_PLACES))


def _shortest(value: Decimal) -> numbers.Number:
    """The figure as clients get it. Raises `TooLarge` for one that no cell could hold either."""
    try:
        return numbers.normal(value)
    except ValueError:
        message = f"A figure of the chart has more than {numbers.MAX_DIGITS:,} digits"
        raise TooLarge(message) from None


def _point(plan: ChartPlan, key: Key, tally: Tally) -> Point:
    x, series = key
    parts = [_mark(x), *([_mark(series)] if plan.series is not None else [])]
    return Point(
        key="/".join(parts),
        x=_shown(x),
        y=figure(plan.function, tally),
        series=_shown(series) if plan.series is not None else None,
        is_rest=_OTHER in key,
    )


def _mark(text: str | None) -> str:
    """Tells a text that happens to read `Other` from all the rest."""
    if text is None:
        return "unknown"
    return "other" if text == _OTHER else f"={text}"


def _shown(text: str | None) -> Any:
    if text is None:
        return UNKNOWN
    return OTHER if text == _OTHER else numbers.loads(text)


def bin_points(aggregate: Aggregate) -> tuple[Point, ...]:
    """The points of a histogram, from left to right. Bins without rows are left out, and so are
    rows without a number."""
    width = aggregate.widths[0]
    found = [
        (Decimal(group.keys[0]), int(group.values[0] or 0))
        for group in aggregate.groups
        if group.keys[0] is not None
    ]
    return tuple(
        Point(
            key=f"={start}",
            x=_shortest(start),
            y=count,
            x_end=_shortest(sum_of(start, Decimal(width or 1))),
        )
        for start, count in sorted(found)
    )


def pair_points(plan: ChartPlan, found: Pairs) -> tuple[Point, ...]:
    """One point a row: y is 0 where it is no number, and 1 everywhere without a y column."""
    fixed = 1 if plan.y is None else 0
    return tuple(
        Point(
            key=str(pair.row_id),
            x=_value(pair.x),
            y=numbers.exact(pair.y) if pair.y is not None else fixed,
            series=_shown(pair.series) if plan.series is not None else None,
        )
        for pair in found.pairs
    )


@dataclass(frozen=True, slots=True)
class PointChanges:
    """What turns one set of points into another: new and changed ones, and keys of those gone."""

    upserted: tuple[Point, ...]
    removed: tuple[str, ...]


def changes_between(before: ChartData, after: ChartData) -> PointChanges:
    """What turns the points of one answer into those of another."""
    old = {point.key: point for point in before.points}
    new = {point.key for point in after.points}
    return PointChanges(
        tuple(point for point in after.points if old.get(point.key) != point),
        tuple(key for key in old if key not in new),
    )
