"""A chart kept up to date by what changes do to its groups."""

from collections.abc import Iterable
from decimal import Decimal

from domain.aggregation import MAX_GROUPS, Delta, Function
from domain.chart_points import Tallies, Tally, chosen, sum_of


def after_change(function: Function, tallies: Tallies, deltas: Iterable[Delta]) -> Tallies | None:
    """The groups after a change that did this to them; None when that cannot be told.

    It cannot when the least or greatest number of a group went, because nobody knows the next one,
    and when there are more groups than a chart keeps."""
    found = dict(tallies)
    for delta in deltas:
        key = (delta.keys[0], delta.keys[1] if len(delta.keys) > 1 else None)
        moved = _moved(function, found.get(key, Tally()), delta)
        if moved is None:
            return None
        if moved.rows or moved.count:
            found[key] = moved
        else:
            found.pop(key, None)
    return found if len(found) <= MAX_GROUPS else None


def _moved(function: Function, tally: Tally, delta: Delta) -> Tally | None:
    if function is Function.COUNT:
        return Tally(rows=tally.rows + delta.rows)
    count = tally.count + delta.count
    if not count:
        return Tally()
    match function:
        case Function.MIN:
            if _went(tally.least, delta.lost_least, delta.least, -1):
                return None
            return Tally(count=count, least=chosen(min, tally.least, delta.least))
        case Function.MAX:
            if _went(tally.most, delta.lost_most, delta.most, 1):
                return None
            return Tally(count=count, most=chosen(max, tally.most, delta.most))
    return Tally(count=count, total=sum_of(tally.total, delta.total))


def _went(edge: Decimal | None, lost: Decimal | None, came: Decimal | None, side: int) -> bool:
    """Whether the number at the edge of a group may have gone without one beyond it coming."""
    if edge is None or lost is None or (lost - edge) * side < 0:
        return False
    return came is None or (came - edge) * side < 0
