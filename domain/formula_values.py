"""Parts of bound formulas with what is known of them, and how values of one kind become another."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal

from domain.columns import Column
from domain.formula_nodes import (
    FRACTION_DIGITS,
    INTEGER_DIGITS,
    QUOTIENT_PLACES,
    TEXT_CHARACTERS,
    AggregateFunction,
    Bounded,
    Constant,
    Convert,
    Cut,
    Fallback,
    Kind,
    Node,
    Reference,
    ToNumber,
    ToText,
)
from domain.values import Family, family

#: Numbers on the way to a result may grow to this many digits on either side of the point.
_MOST_DIGITS = 4_000
#: Texts on the way to a result may grow to this many characters.
MOST_CHARACTERS = 8 * TEXT_CHARACTERS
_STORED_DIGITS = 1_000
_STORED_CHARACTERS = 1_048_576

KINDS = {
    Family.NUMBER: Kind.NUMBER,
    Family.BOOLEAN: Kind.BOOLEAN,
    Family.DATE: Kind.DATE,
    Family.DATETIME: Kind.DATE,
}
NATURAL = {
    Kind.NUMBER: Family.NUMBER,
    Kind.TEXT: Family.TEXT,
    Kind.BOOLEAN: Family.BOOLEAN,
    Kind.DATE: Family.TEXT,
}
TEXTUAL = frozenset({Kind.TEXT, Kind.DATE})
_ZERO = Constant(Kind.NUMBER, Decimal(0))
_BLANK = Constant(Kind.TEXT, "")


@dataclass(frozen=True, slots=True)
class Value:
    """A bound part of a formula, and what is known of it before any row is read: the digits before
    and after the point of a number, the characters of a text, and whether it is ever null."""

    node: Node
    kind: Kind
    integer: int = 0
    fraction: int = 0
    length: int = 0
    nullable: bool = True


def number(node: Node, integer: int, fraction: int, *, nullable: bool = True) -> Value:
    """A number, bounded when it could grow without end."""
    if integer > _MOST_DIGITS or fraction > _MOST_DIGITS:
        return number(Bounded(node), INTEGER_DIGITS, FRACTION_DIGITS)
    return Value(node, Kind.NUMBER, integer, fraction, 0, nullable)


def text_value(node: Node, length: int, *, nullable: bool) -> Value:
    """A text, cut when it could grow without end."""
    if length > MOST_CHARACTERS:
        return Value(Cut(node), Kind.TEXT, 0, 0, TEXT_CHARACTERS, nullable)
    return Value(node, Kind.TEXT, 0, 0, length, nullable)


def reference(column: Column) -> Value:
    """The value of a column. A computed one without a formula is always null."""
    kind = KINDS.get(family(column), Kind.TEXT)
    if column.stored:
        node: Node = Reference(column, kind)
        return Value(node, kind, _STORED_DIGITS, _STORED_DIGITS, _STORED_CHARACTERS)
    node = Constant(kind, None) if column.computation is None else Reference(column, kind)
    return Value(node, kind, INTEGER_DIGITS, FRACTION_DIGITS, TEXT_CHARACTERS)


def as_number(value: Value) -> Value:
    """The value as a number; null when it is none."""
    if value.kind is Kind.NUMBER:
        return value
    node = ToNumber(value.node, value.kind)
    if value.kind is Kind.BOOLEAN:
        return Value(node, Kind.NUMBER, 1, 0, 0, value.nullable)
    return Value(node, Kind.NUMBER, 2 * _STORED_DIGITS, 2 * _STORED_DIGITS)


def as_text(value: Value) -> Value:
    """The value as a text; null stays null."""
    if value.kind is Kind.NUMBER:
        node = ToText(value.node, Kind.NUMBER)
        return Value(node, Kind.TEXT, 0, 0, value.integer + value.fraction + 3, value.nullable)
    if value.kind is Kind.BOOLEAN:
        return Value(ToText(value.node, Kind.BOOLEAN), Kind.TEXT, 0, 0, 5, value.nullable)
    return value


def convert(value: Value, target: Family) -> Node:
    """The value as a column of this family holds it; null when it does not fit."""
    if target is Family.NUMBER:
        return _within_digits(as_number(value)).node
    if target is Family.TEXT:
        shown = as_text(_within_digits(value) if value.kind is Kind.NUMBER else value)
        return Cut(shown.node) if shown.length > TEXT_CHARACTERS else shown.node
    if target is Family.BOOLEAN and value.kind is Kind.BOOLEAN:
        return value.node
    if target is not Family.BOOLEAN and value.kind not in TEXTUAL:
        return Convert(Constant(Kind.TEXT, None), Kind.TEXT, target)  # a number is no date
    return Convert(value.node, value.kind, target)


def _within_digits(value: Value) -> Value:
    if isinstance(value.node, Reference):
        return value
    if value.integer <= INTEGER_DIGITS and value.fraction <= FRACTION_DIGITS:
        return value
    return number(Bounded(value.node), INTEGER_DIGITS, FRACTION_DIGITS)


def or_zero(value: Value) -> Value:
    """The value as a number, 0 in place of null."""
    found = as_number(value)
    if not found.nullable:
        return found
    return replace(found, node=Fallback(found.node, _ZERO), nullable=False)


def or_blank(value: Value) -> Value:
    """The value as a text, the empty one in place of null."""
    found = as_text(value)
    if not found.nullable:
        return found
    return replace(found, node=Fallback(found.node, _BLANK), nullable=False)


def aggregate(
    function: AggregateFunction, value: Value, make: Callable[[Node, Kind, Kind], Node]
) -> Value:
    """Count, sum, avg, min or max of a value over many rows. `make` takes the value over one row,
    the kind of the result and that of the value."""
    if function is AggregateFunction.COUNT:
        return number(make(value.node, Kind.NUMBER, value.kind), 20, 0, nullable=False)
    if function in (AggregateFunction.MIN, AggregateFunction.MAX):
        if value.kind is Kind.DATE:
            return Value(make(value.node, Kind.DATE, Kind.DATE), Kind.DATE, length=value.length)
        found = as_number(value)
        node = make(found.node, Kind.NUMBER, Kind.NUMBER)
        return number(node, found.integer, found.fraction)
    found = as_number(value)
    node = make(found.node, Kind.NUMBER, Kind.NUMBER)
    if function is AggregateFunction.AVG:
        return number(node, found.integer + 20, QUOTIENT_PLACES)
    return number(node, found.integer + 20, found.fraction, nullable=False)
