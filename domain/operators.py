"""The operators of filters: what each takes, which families of values it compares, what it says."""

from dataclasses import dataclass
from enum import StrEnum

from domain.values import Family


class Operator(StrEnum):
    """The eleven comparisons of a condition."""

    EQ = "eq"
    NEQ = "neq"
    GT = "gt"
    GTE = "gte"
    LT = "lt"
    LTE = "lte"
    CONTAINS = "contains"
    STARTS_WITH = "starts_with"
    IN = "in"
    IS_EMPTY = "is_empty"
    IS_NOT_EMPTY = "is_not_empty"


class Arity(StrEnum):
    """How many values an operator takes."""

    NONE = "none"
    ONE = "one"
    MANY = "many"


@dataclass(frozen=True, slots=True)
class OperatorEntry:
    """One operator: what it takes, where it applies, and what to tell clients about it."""

    operator: Operator
    arity: Arity
    families: frozenset[Family]
    description: str


_ALL = frozenset(Family)
_COMPARED = _ALL - {Family.JSON}
_ORDERED = _COMPARED - {Family.IDS, Family.ID, Family.TEXTS, Family.FILE}
#: Families with several values in a cell: comparing asks whether it holds one.
HOLDERS = frozenset({Family.IDS, Family.TEXTS})
_WRITTEN = frozenset({Family.TEXT, Family.NUMBER, Family.DATE, Family.DATETIME})

#: Every operator. Parsing, SQL, the GraphQL enum and the documentation go by this table.
OPERATORS = {
    entry.operator: entry
    for entry in (
        OperatorEntry(
            Operator.EQ,
            Arity.ONE,
            _COMPARED,
            "Equal as the column's type; an empty cell never is. A relation: any of its ids; a "
            "multi_select: any of its options; a file: its id.",
        ),
        OperatorEntry(
            Operator.NEQ, Arity.ONE, _COMPARED, "Not equal; empty cells are included unlike in SQL."
        ),
        OperatorEntry(Operator.GT, Arity.ONE, _ORDERED, "Greater, or later; text by code point."),
        OperatorEntry(Operator.GTE, Arity.ONE, _ORDERED, "Greater or equal."),
        OperatorEntry(Operator.LT, Arity.ONE, _ORDERED, "Less, or earlier; text by code point."),
        OperatorEntry(Operator.LTE, Arity.ONE, _ORDERED, "Less or equal."),
        OperatorEntry(
            Operator.CONTAINS,
            Arity.ONE,
            _WRITTEN | HOLDERS | {Family.JSON, Family.FILE},
            "Contains the text, in any case, taken literally; a relation: contains the id; a "
            "multi_select: has the option; json: in its text; a file: in its name.",
        ),
        OperatorEntry(
            Operator.STARTS_WITH,
            Arity.ONE,
            _WRITTEN | {Family.FILE},
            "Starts with the text, in any case, taken literally; a file: its name.",
        ),
        OperatorEntry(
            Operator.IN,
            Arity.MANY,
            _COMPARED,
            "Equal to one of the values, at most 10,000; those of another type never match.",
        ),
        OperatorEntry(
            Operator.IS_EMPTY,
            Arity.NONE,
            _ALL,
            "No value, only white space, no related row or option; json: also an empty text, list "
            "or object.",
        ),
        OperatorEntry(Operator.IS_NOT_EMPTY, Arity.NONE, _ALL, "The opposite of is_empty."),
    )
}
