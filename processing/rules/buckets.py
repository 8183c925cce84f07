"""Options that are ranges of numbers, such as 1-10, 51+ or < 5: where one number falls."""

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import lru_cache

from processing.rules import quantities
from processing.rules.records import Finding, Passage

_NUMBER = r"[$€£]?\s?([0-9][0-9,]{0,15}(?:\.[0-9]{1,6})?)\s?([kKmM])?"
_BETWEEN = re.compile(rf"{_NUMBER}\s?(?:-|\u2013|—|to|bis)\s?{_NUMBER}(?:\s[^\W\d]{{1,20}})?")
_FROM = re.compile(
    rf"(?:(?:>=|≥|from|at least)\s?{_NUMBER}|{_NUMBER}\s?(?:\+|or more|and more|and up))"
)
_OVER = re.compile(rf"(?:>|over|more than|above)\s?{_NUMBER}")
_UNDER = re.compile(rf"(?:<|under|less than|below|fewer than)\s?{_NUMBER}")
_UP_TO = re.compile(rf"(?:<=|≤|up to|at most)\s?{_NUMBER}")
_TIMES = {"k": 1_000, "m": 1_000_000}


@lru_cache(maxsize=256)
def _ranges(options: tuple[str, ...]) -> Mapping[str, tuple[Decimal, bool, Decimal, bool]]:
    """Options as lowest, whether it is in, highest, whether it is in. Empty when fewer than two
    options are ranges."""
    found = {}
    for option in options:
        bounds = _bounds(option.strip().lower())
        if bounds is not None:
            found[option] = bounds
    return found if len(found) >= 2 and len(found) >= len(options) - 1 else {}


def _bounds(written: str) -> tuple[Decimal, bool, Decimal, bool] | None:
    lowest, highest = Decimal("-Infinity"), Decimal("Infinity")
    if len(written) > 60:
        return None
    if match := _BETWEEN.fullmatch(written):
        return _number(match[1], match[2]), True, _number(match[3], match[4]), True
    if match := _FROM.fullmatch(written):
        return _number(match[1] or match[3], match[2] or match[4]), True, highest, True
    if match := _OVER.fullmatch(written):
        return _number(match[1], match[2]), False, highest, True
    if match := _UNDER.fullmatch(written):
        return lowest, True, _number(match[1], match[2]), False
    if match := _UP_TO.fullmatch(written):
        return lowest, True, _number(match[1], match[2]), True
    return None


def _number(digits: str, times: str | None) -> Decimal:
    return Decimal(digits.replace(",", "")) * _TIMES.get((times or "").lower(), 1)


def bucket(options: tuple[str, ...], passages: Sequence[Passage]) -> Finding | None:
    """The one option into which the one number of the inputs falls."""
    ranges = _ranges(options)
    if not ranges:
        return None
    if len(passages) == 1 and passages[0].text.strip() in ranges:
        return None  # it is an option itself
    found = quantities.find(passages, [])
    if len({each.value for each in found}) != 1:
        return None
    seen, value = found[0], Decimal(str(found[0].value))
    fitting = [
        option
        for option, (low, low_in, high, high_in) in ranges.items()
        if (low < value or (low_in and low == value))
        and (value < high or (high_in and value == high))
    ]
    if len(fitting) == 2:  # 200 is in 51-200, and where 200+ begins
        fitting = [option for option in fitting if ranges[option][0] != value] or fitting
    if len(fitting) != 1:
        return None
    cite = seen.passage.cite(seen.start, seen.end)
    confidence = (0.95 if seen.whole else 0.75) * seen.certainty
    return Finding(fitting[0], confidence, (cite,), None, seen.written)
