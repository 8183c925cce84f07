"""Numbers as people of several countries write them: 1,234.50, 1.234,50, 1 234,50, 1'234.50."""

import re
from decimal import Decimal

from domain import numbers

#: One number without its sign. Groups of thousands stand between commas, points, apostrophes or
#: narrow spaces; groups after a plain space must be of three digits.
NUMBER = (
    r"(?:[0-9]{1,3}(?:[ \u00a0\u202f][0-9]{3}){1,6}(?![0-9])(?:[.,][0-9]{1,20}(?![0-9]))?"
    r"|[0-9]{1,40}(?:[.,'\u2019][0-9]{1,20}){0,8}|[.,][0-9]{1,20})"
)
#: The certainty of a number whose one point or comma could be of thousands or of decimals.
AMBIGUOUS = 0.6
MONEY_IN_THOUSANDS = 0.85

_GROUPS = re.compile(r"[0-9]{1,3}(?:[.,'\u2019 \u00a0\u202f][0-9]{3})+")
_INDIAN = re.compile(r"[0-9]{1,2}(?:,[0-9]{2})+,[0-9]{3}")
_SPACES = re.compile(r"[ \u00a0\u202f'\u2019]")


def parse(written: str, decimal_comma: bool | None, money: bool) -> tuple[Decimal, float] | None:
    """The number and how certain its reading is; None when it is no number. `decimal_comma` says
    what other numbers of the text use, None when they do not tell."""
    compact = _SPACES.sub("", written) if _SPACES.search(written) else written
    if compact != written and not _GROUPS.match(written):
        return None
    points, commas = compact.count("."), compact.count(",")
    if points and commas:
        return _both(compact)
    if not points and not commas:
        return Decimal(compact), 1.0
    sign, count = (".", points) if points else (",", commas)
    if count > 1:
        whole = _GROUPS.fullmatch(compact) or (sign == "," and _INDIAN.fullmatch(compact))
        return (Decimal(compact.replace(sign, "")), 1.0) if whole else None
    return _one_sign(compact, sign, decimal_comma, money and compact == written)


def _both(compact: str) -> tuple[Decimal, float] | None:
    decimal = "." if compact.rfind(".") > compact.rfind(",") else ","
    other = "," if decimal == "." else "."
    if compact.count(decimal) > 1:
        return None
    whole, fraction = compact.split(decimal)
    if not (_GROUPS.fullmatch(whole) or (other == "," and _INDIAN.fullmatch(whole))):
        return None
    return Decimal(f"{whole.replace(other, '')}.{fraction}"), 1.0


def _one_sign(
    compact: str, sign: str, decimal_comma: bool | None, money: bool
) -> tuple[Decimal, float]:
    whole, fraction = compact.split(sign)
    as_decimal = Decimal(f"{whole or 0}.{fraction}")
    if not _GROUPS.fullmatch(compact) or whole.startswith("0"):
        return as_decimal, 1.0
    as_thousands = Decimal(whole + fraction)
    if decimal_comma is not None:
        is_decimal = (sign == ",") == decimal_comma
        return (as_decimal if is_decimal else as_thousands), 0.95
    if money:
        # Nobody writes three digits of cents.
        return as_thousands, MONEY_IN_THOUSANDS if sign == "." else 1.0
    return (as_decimal, AMBIGUOUS) if sign == "." else (as_thousands, 0.9)


def uses_decimal_comma(written: str) -> bool | None:
    """What one number tells of its text, None when it does not tell."""
    last = max(written.rfind("."), written.rfind(","))
    if last < 0:
        return None
    digits = len(written) - last - 1
    several = written.count(written[last]) > 1
    other = "," if written[last] == "." else "."
    if several:
        return written[last] == "."
    if other in written or (digits != 3 and not written.startswith(written[last])):
        return written[last] == ","
    return None


def stored(value: Decimal) -> numbers.Number | None:
    """The number in its normal form, None when it is too long to be stored."""
    try:
        return numbers.normal(value)
    except ValueError:
        return None
