"""Computed columns as Python closures over a row, value for value what `formula_sql` gives.

A row holds JSON values in normal form by column number. Results: a number is a Decimal, dates are
ISO texts.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_UP, Context, Decimal
from typing import Any

from domain.columns import Column
from domain.formula_nodes import (
    FRACTION_DIGITS,
    INTEGER_DIGITS,
    MOMENT_PATTERN,
    NUMBER_CHARACTERS,
    NUMBER_PATTERN,
    QUOTIENT_PLACES,
    SPACES,
    TEXT_CHARACTERS,
    Aggregate,
    AggregateFunction,
    Bounded,
    Choice,
    Computation,
    Constant,
    Convert,
    Cut,
    DaysBetween,
    Equal,
    Fallback,
    Join,
    Kind,
    Less,
    Node,
    Not,
    Product,
    Quotient,
    Reference,
    Remainder,
    Rollup,
    Rounding,
    Sum,
    Today,
    ToNumber,
    ToText,
    Truth,
)
from domain.plain_json import jsonb_text
from domain.values import Family, family

Row = Mapping[int, Any]


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What formulas may see beside the row: the day in UTC, all rows of the table, and the rows
    that a relation column names in order, without those that are gone."""

    today: date
    table: Sequence[Row] = ()
    linked: Callable[[Column, Row], Iterable[Row]] = lambda column, row: ()


Closure = Callable[[Row, Surroundings], Any]

_CONTEXT = Context(prec=40_000, Emax=999_999, Emin=-999_999)
_NUMBER = re.compile(NUMBER_PATTERN)
_MOMENT_TEXT = re.compile(MOMENT_PATTERN)
_FILLED = re.compile(f"[^{SPACES}]")
_SCALE = Decimal(10) ** QUOTIENT_PLACES
_LIMIT = Decimal(10) ** INTEGER_DIGITS
_LAST_PLACE = Decimal(1).scaleb(-FRACTION_DIGITS)
_BOOLEANS = {"true": True, "1": True, "false": False, "0": False}
_EPOCH = datetime(1, 1, 1, tzinfo=UTC)


def evaluator(computation: Computation) -> Closure:
    """The function that computes a row's value; None is null. It never raises."""
    return _closure(computation.root)


def _closure(node: Node) -> Closure:
    return _COMPILERS[type(node)](node)


def _constant(node: Constant) -> Closure:
    return lambda row, around: node.value


def _reference(node: Reference) -> Closure:
    column = node.column
    if not column.stored:
        assert column.computation is not None, "bound as a constant null"
        return _closure(column.computation.root)
    number, read = column.number, _READERS.get(family(column), _as_it_is)

    def value(row: Row, around: Surroundings) -> Any:
        found = row.get(number)
        return None if found is None else read(found)

    return value


def _as_it_is(value: Any) -> Any:
    return value


def _decimal(value: Any) -> Decimal:
    return value if isinstance(value, Decimal) else Decimal(str(value))


_READERS: dict[Family, Callable[[Any], Any]] = {
    Family.NUMBER: _decimal,
    Family.IDS: ", ".join,
    Family.TEXTS: ", ".join,
    Family.JSON: jsonb_text,
    Family.FILE: jsonb_text,
}


def _one(make: Callable[[Any], Callable[[Any], Any]]) -> Callable[[Any], Closure]:
    """A node with one part; null stays null."""

    def compiled(node: Any) -> Closure:
        part, apply = _closure(node.part), make(node)

        def value(row: Row, around: Surroundings) -> Any:
            found = part(row, around)
            return None if found is None else apply(found)

        return value

    return compiled


def _two(apply: Callable[[Any, Any, Any], Any]) -> Callable[[Any], Closure]:
    """A node with two parts; `apply` takes the node and both values, which may be null."""

    def compiled(node: Any) -> Closure:
        left, right = _closure(node.left), _closure(node.right)
        return lambda row, around: apply(node, left(row, around), right(row, around))

    return compiled


def _to_number(node: ToNumber) -> Callable[[Any], Any]:
    return Decimal if node.kind_before is Kind.BOOLEAN else _number_in


def _number_in(text: str) -> Decimal | None:
    match = _NUMBER.fullmatch(text) if len(text) <= NUMBER_CHARACTERS else None
    return Decimal(match[1]) if match else None


def _to_text(node: ToText) -> Callable[[Any], Any]:
    return _written if node.kind_before is Kind.NUMBER else lambda value: str(value).lower()


def _written(value: Decimal) -> str:
    text = f"{value:f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text in ("-0", "") else text


def _fallback(node: Fallback) -> Closure:
    part, instead = _closure(node.part), node.value.value

    def value(row: Row, around: Surroundings) -> Any:
        found = part(row, around)
        return instead if found is None else found

    return value


def _sum(node: Sum) -> Closure:
    parts = [(sign, _closure(part)) for sign, part in node.parts]

    def value(row: Row, around: Surroundings) -> Decimal:
        total = Decimal(0)
        for sign, part in parts:
            one = part(row, around)
            total = _CONTEXT.add(total, one) if sign > 0 else _CONTEXT.subtract(total, one)
        return total

    return value


def _quotient(left: Decimal, right: Decimal) -> Decimal | None:
    if not right:
        return None
    whole = _CONTEXT.divide_int(_CONTEXT.multiply(left, _SCALE), right)
    return _CONTEXT.scaleb(whole, -QUOTIENT_PLACES)


def _remainder(left: Decimal, right: Decimal) -> Decimal:
    return _CONTEXT.remainder(left, right) if right else Decimal(0)


def _rounding(node: Rounding) -> Callable[[Any], Any]:
    match node.function:
        case "abs":
            return _CONTEXT.abs
        case "round":
            half = Decimal("0.5")
            return lambda value: _whole(_CONTEXT.add(value, half), ROUND_FLOOR)
        case "floor":
            return lambda value: _whole(value, ROUND_FLOOR)
    return lambda value: _whole(value, ROUND_CEILING)


def _whole(value: Decimal, rounding: str) -> Decimal:
    return value.to_integral_value(rounding, _CONTEXT)


def _bounded(value: Decimal) -> Decimal | None:
    rounded = value.quantize(_LAST_PLACE, ROUND_HALF_UP, _CONTEXT)
    return rounded if -_LIMIT < rounded < _LIMIT else None


def _join(node: Join) -> Closure:
    parts = [_closure(part) for part in node.parts]
    return lambda row, around: "".join(part(row, around) for part in parts)


def _equal(node: Equal, left: Any, right: Any) -> bool:
    if left is None or right is None:
        return node.nulls_equal and left is right
    return bool(left == right)


def _less(node: Less, left: Any, right: Any) -> bool | None:
    if left is None or right is None:
        return None
    return bool(left <= right if node.or_equal else left < right)


def _not(node: Not) -> Closure:
    part = _closure(node.part)
    return lambda row, around: not part(row, around)


def _truth(node: Truth) -> Closure:
    part = _closure(node.part)
    return lambda row, around: bool(part(row, around))


def _choice(node: Choice) -> Closure:
    condition, then, otherwise = map(_closure, (node.condition, node.then, node.otherwise))
    return lambda row, around: (then if condition(row, around) else otherwise)(row, around)


def _microseconds(text: str | None) -> int | None:
    """Since the year 1 in UTC; an offset may lead before it."""
    if text is None or _MOMENT_TEXT.fullmatch(text) is None:
        return None
    day, rest = text[:10], text[11:].removesuffix("Z")
    offset = 0
    if rest[-6:-5] in ("+", "-"):
        rest, shift = rest[:-6], rest[-6:]
        minutes = int(shift[1:3]) * 60 + int(shift[4:])
        offset = minutes if shift[0] == "+" else -minutes
    moment = datetime.fromisoformat(f"{day}T{rest or '00:00'}+00:00")
    passed = moment - _EPOCH - timedelta(minutes=offset)
    return passed // timedelta(microseconds=1)


def _days_between(node: DaysBetween, left: Any, right: Any) -> Decimal | None:
    first, second = _microseconds(left), _microseconds(right)
    if first is None or second is None:
        return None
    return Decimal(abs(first - second) // (86_400 * 1_000_000))


def _convert(node: Convert) -> Callable[[Any], Any]:
    match node.family:
        case Family.BOOLEAN if node.kind_before is Kind.NUMBER:
            return lambda value: {0: False, 1: True}.get(value)
        case Family.BOOLEAN:
            return lambda value: _BOOLEANS.get(value.strip(SPACES).lower())
        case Family.DATE:
            return lambda value: _moment_in(value, _day)
    return lambda value: _moment_in(value, _moment)


def _moment_in(text: str, write: Callable[[datetime], str]) -> str | None:
    passed = _microseconds(text)
    if passed is None or passed < 0:
        return None
    try:
        return write(_EPOCH + timedelta(milliseconds=passed // 1000))
    except OverflowError:
        return None


def _day(moment: datetime) -> str:
    return moment.date().isoformat()


def _moment(moment: datetime) -> str:
    return moment.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def _values(closure: Closure, rows: Iterable[Row], around: Surroundings) -> list[Any]:
    found = [closure(row, around) for row in rows]
    return [value for value in found if value is not None]


def _aggregate(node: Aggregate) -> Closure:
    closure = _closure(node.value)
    return lambda row, around: _over(node, _values(closure, around.table, around))


def _rollup(node: Rollup) -> Closure:
    closure = _closure(node.value)

    def value(row: Row, around: Surroundings) -> Any:
        rows = list(around.linked(node.relation, row))
        if node.function is AggregateFunction.LOOKUP:
            return closure(rows[0], around) if rows else None
        found = _values(closure, rows, around)
        if node.function is AggregateFunction.CONCAT:
            texts = [text for text in found if text]
            return ", ".join(texts)[:TEXT_CHARACTERS] if texts else None
        return _over(node, found)

    return value


def _over(node: Aggregate | Rollup, values: list[Any]) -> Any:
    match node.function:
        case AggregateFunction.COUNT:
            textual = node.kind_before in (Kind.TEXT, Kind.DATE)
            return Decimal(sum(1 for each in values if not textual or _FILLED.search(each)))
        case AggregateFunction.MIN:
            return min(values, default=None)
        case AggregateFunction.MAX:
            return max(values, default=None)
    total = Decimal(0)
    for value in values:
        total = _CONTEXT.add(total, value)
    if node.function is AggregateFunction.SUM:
        return total
    return _quotient(total, Decimal(len(values)))


_COMPILERS: dict[type[Any], Callable[[Any], Closure]] = {
    Constant: _constant,
    Reference: _reference,
    Today: lambda node: lambda row, around: around.today.isoformat(),
    ToNumber: _one(_to_number),
    ToText: _one(_to_text),
    Fallback: _fallback,
    Sum: _sum,
    Product: _two(lambda node, left, right: _CONTEXT.multiply(left, right)),
    Quotient: _two(lambda node, left, right: _quotient(left, right)),
    Remainder: _two(lambda node, left, right: _remainder(left, right)),
    Rounding: _one(_rounding),
    Bounded: _one(lambda node: _bounded),
    Join: _join,
    Cut: _one(lambda node: lambda text: text[:TEXT_CHARACTERS]),
    Equal: _two(_equal),
    Less: _two(_less),
    Not: _not,
    Truth: _truth,
    Choice: _choice,
    DaysBetween: _two(_days_between),
    Aggregate: _aggregate,
    Rollup: _rollup,
    Convert: _one(_convert),
}
