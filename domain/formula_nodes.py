"""The bound form of a formula: a tree of typed nodes whose references are columns.

Every coercion is a node of its own, so that a backend translates nodes one by one and knows no
rules of the language: `domain.formula_evaluation` makes a Python closure of it,
`persistence.formula_sql` makes SQL. A number is an exact decimal, a date is a text in its ISO form.
Any value may be null unless the node says otherwise.
"""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from decimal import Decimal
from enum import StrEnum
from typing import Literal, TypeAlias

from domain.columns import Column
from domain.values import Family

#: Digits of a result before and after the point. Inside a formula there may be more for a while.
INTEGER_DIGITS = 900
FRACTION_DIGITS = 100
#: Places of a quotient; what follows is cut off.
QUOTIENT_PLACES = 20
#: Characters of a text that a formula gives; what follows is cut off.
TEXT_CHARACTERS = 1_048_576
#: A longer text is never read as a number.
NUMBER_CHARACTERS = 1_000
#: White space, so that Python and PostgreSQL mean the same by it.
SPACES = " \t\r\n"
#: A text that is a number, with its digits as the only group. Both patterns mean the same to
#: Python (without newlines and Unicode digits) and to PostgreSQL.
NUMBER_PATTERN = (
    rf"[{SPACES}]*([+-]?(?:[0-9]+(?:[.][0-9]*)?|[.][0-9]+)(?:[eE][+-]?[0-9]{{1,3}})?)[{SPACES}]*"
)
_DAY = (
    "(?!0000)[0-9]{4}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])"
    "|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)|02-(?:0[1-9]|1[0-9]|2[0-8]))"
    "|(?:[0-9]{2}(?:0[48]|[2468][048]|[13579][26])|(?:0[48]|[2468][048]|[13579][26])00)-02-29"
)
#: A text that is a date that exists, perhaps with a time and an offset.
MOMENT_PATTERN = (
    f"(?:{_DAY})(?:[T ](?:[01][0-9]|2[0-3]):[0-5][0-9](?::[0-5][0-9](?:[.][0-9]{{1,6}})?)?"
    "(?:Z|[+-](?:0[0-9]|1[0-4]):[0-5][0-9])?)?"
)

CYCLE = "#CYCLE"


class Kind(StrEnum):
    """What a node gives. A date, with or without a time, is a text that compares as a date."""

    NUMBER = "number"
    TEXT = "text"
    BOOLEAN = "boolean"
    DATE = "date"


class AggregateFunction(StrEnum):
    """What can be made of many values. Empty ones are passed over."""

    COUNT = "count"
    SUM = "sum"
    AVG = "avg"
    MIN = "min"
    MAX = "max"
    CONCAT = "concat"
    LOOKUP = "lookup"


@dataclass(frozen=True, slots=True)
class Constant:
    """A value written in the formula, or null of a kind."""

    kind: Kind
    value: Decimal | str | bool | None


@dataclass(frozen=True, slots=True)
class Reference:
    """The value of a column in the same row: relations as ids joined by a comma and a space, dates
    as ISO texts."""

    column: Column
    kind: Kind


@dataclass(frozen=True, slots=True)
class Today:
    """The day in UTC as text. Never null."""


@dataclass(frozen=True, slots=True)
class ToNumber:
    """A text as number, null when it is none; true as 1 and false as 0."""

    part: "Node"
    kind_before: Kind


@dataclass(frozen=True, slots=True)
class ToText:
    """A number in plain digits, or `true` and `false`."""

    part: "Node"
    kind_before: Literal[Kind.NUMBER, Kind.BOOLEAN]


@dataclass(frozen=True, slots=True)
class Fallback:
    """The part, or this value in place of null."""

    part: "Node"
    value: Constant


@dataclass(frozen=True, slots=True)
class Sum:
    """Numbers added, or subtracted where the sign is -1. No part is null."""

    parts: tuple[tuple[Literal[1, -1], "Node"], ...]


@dataclass(frozen=True, slots=True)
class Product:
    """No part is null."""

    left: "Node"
    right: "Node"


@dataclass(frozen=True, slots=True)
class Quotient:
    """Cut after `QUOTIENT_PLACES`; null by zero. No part is null."""

    left: "Node"
    right: "Node"


@dataclass(frozen=True, slots=True)
class Remainder:
    """With the sign of the dividend; 0 by zero. No part is null."""

    left: "Node"
    right: "Node"


@dataclass(frozen=True, slots=True)
class Rounding:
    """A number to an integer, or without its sign. Half is rounded up: -2.5 to -2."""

    function: Literal["abs", "round", "floor", "ceil"]
    part: "Node"


@dataclass(frozen=True, slots=True)
class Bounded:
    """A number rounded to `FRACTION_DIGITS`; null over `INTEGER_DIGITS`."""

    part: "Node"


@dataclass(frozen=True, slots=True)
class Join:
    """Texts one after the other. No part is null."""

    parts: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Cut:
    """The first `TEXT_CHARACTERS` of a text."""

    part: "Node"


@dataclass(frozen=True, slots=True)
class Equal:
    """Whether two values of one kind are the same. Null equals null when `nulls_equal`, else
    nothing. Never null."""

    left: "Node"
    right: "Node"
    nulls_equal: bool


@dataclass(frozen=True, slots=True)
class Less:
    """Whether the left one is smaller, or not greater when `or_equal`. Texts by code point; null
    when a part is."""

    left: "Node"
    right: "Node"
    or_equal: bool
    kind_before: Kind


@dataclass(frozen=True, slots=True)
class Not:
    """The part is never null."""

    part: "Node"


@dataclass(frozen=True, slots=True)
class Truth:
    """Whether a condition holds: not for null, 0, false and the empty text. Never null."""

    part: "Node"
    kind_before: Kind


@dataclass(frozen=True, slots=True)
class Choice:
    """One of two values of the same kind."""

    condition: "Node"
    then: "Node"
    otherwise: "Node"


@dataclass(frozen=True, slots=True)
class DaysBetween:
    """Whole days between two moments, written as texts; null when one is no date."""

    left: "Node"
    right: "Node"


@dataclass(frozen=True, slots=True)
class Aggregate:
    """Over all rows of the table. `value` is a node over one row of it, a number unless the
    function is count, or min and max of dates."""

    function: AggregateFunction
    table: str  # its name in SQL
    value: "Node"
    kind: Kind
    kind_before: Kind


@dataclass(frozen=True, slots=True)
class Rollup:
    """Over the rows of another table that the relation column names, in their order; rows that are
    gone are passed over. `value` is a node over one of them."""

    function: AggregateFunction
    relation: Column
    table: str  # its name in SQL
    value: "Node"
    kind: Kind
    kind_before: Kind


@dataclass(frozen=True, slots=True)
class Convert:
    """The value in the form of a family of columns; null when it does not fit."""

    part: "Node"
    kind_before: Kind
    family: Family


Node: TypeAlias = (
    Constant
    | Reference
    | Today
    | ToNumber
    | ToText
    | Fallback
    | Sum
    | Product
    | Quotient
    | Remainder
    | Rounding
    | Bounded
    | Join
    | Cut
    | Equal
    | Less
    | Not
    | Truth
    | Choice
    | DaysBetween
    | Aggregate
    | Rollup
    | Convert
)


@dataclass(frozen=True, slots=True)
class Computation:
    """How a computed column's value is made of a row. `root` gives it in the form of `family`.

    `size` and `depth` count nodes with those of the computed columns that it uses. `volatile`: it
    depends on time or on other rows, so it is not told in events. `indexable`: it depends on
    nothing but the row and may stand in an index. `inputs` are the numbers of all columns of the
    row that it reads, directly or through others.
    """

    root: Node
    family: Family
    size: int
    depth: int
    volatile: bool
    indexable: bool
    inputs: frozenset[int]


def children(node: Node) -> Iterator[Node]:
    """The parts of a node over the same row: not those of aggregates and rollups."""
    if isinstance(node, Aggregate | Rollup):
        return
    if isinstance(node, Sum):
        yield from (part for _, part in node.parts)
        return
    if isinstance(node, Join):
        yield from node.parts
        return
    for each in fields(node):
        value = getattr(node, each.name)
        if isinstance(value, Node):
            yield value
