"""Binding formulas: names become columns, and every coercion of the language a node.

The rules: + joins texts when either side is one, else numbers are added. In arithmetic null and
texts that are no numbers are 0, true is 1. == compares loosely, < and its kin compare numbers, or
dates when a date stands on either side. The kinds are known before any row is read.
"""

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

from domain.columns import Column
from domain.formula_nodes import (
    QUOTIENT_PLACES,
    TEXT_CHARACTERS,
    Aggregate,
    AggregateFunction,
    Choice,
    Constant,
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
    Remainder,
    Rounding,
    Sum,
    Today,
    Truth,
)
from domain.formula_parser import (
    Additive,
    Binary,
    Call,
    FormulaError,
    Literal,
    Name,
    Negation,
    Template,
    Tree,
)
from domain.formula_values import (
    MOST_CHARACTERS,
    TEXTUAL,
    Value,
    aggregate,
    as_number,
    as_text,
    number,
    or_blank,
    or_zero,
    reference,
    text_value,
)

_FALSE = Constant(Kind.BOOLEAN, False)


class NotComputable(Exception):
    """The column is there, but its own formula is broken."""


#: Finds a column by key. Raises KeyError for a name that is no column, and `NotComputable`.
Lookup = Callable[[str], Column]


class Binder:
    """Binds the formulas of one table. `table` is its name in SQL, for aggregates. `functions` are
    those of the language by name."""

    def __init__(self, table: str, lookup: Lookup) -> None:
        self._table = table
        self._lookup = lookup
        self.functions: dict[str, Callable[[Call], Value]] = {
            **{
                each.value: self._aggregate
                for each in AggregateFunction
                if each not in (AggregateFunction.CONCAT, AggregateFunction.LOOKUP)
            },
            "daysBetween": self._days_between,
            "today": self._today,
            "concat": self._concat,
            "if": self._if,
            **dict.fromkeys(("abs", "round", "floor", "ceil"), self._rounding),
        }

    def bind(self, tree: Tree) -> Value:
        """The typed tree. Raises `FormulaError`: unknown columns, functions, wrong arguments."""
        match tree:
            case Literal():
                return _literal(tree.value)
            case Name():
                return reference(self._column(tree))
            case Negation():
                part = or_zero(self.bind(tree.operand))
                return replace(part, node=Sum(((-1, part.node),)))
            case Additive():
                return self._additive(tree)
            case Binary():
                return _OPERATIONS[tree.operator](self.bind(tree.left), self.bind(tree.right))
            case Call():
                return self._call(tree)
            case Template():
                return _joined([self.bind(part) for part in tree.parts])

    def _column(self, name: Name) -> Column:
        for key in (name.name, name.name.strip()):
            try:
                return self._lookup(key)
            except KeyError:
                continue
            except NotComputable:
                message = f"the column {key} cannot be computed"
                raise FormulaError(message, name.position) from None
        raise FormulaError(f"unknown column {name.name.strip()}", name.position)

    def _additive(self, tree: Additive) -> Value:
        total = self.bind(tree.first)
        for sign, part in tree.rest:
            value = self.bind(part)
            if sign == "+" and (total.kind in TEXTUAL or value.kind in TEXTUAL):
                total = _joined([total, value])
            else:
                total = _summed(total, value, 1 if sign == "+" else -1)
        return total

    def _call(self, call: Call) -> Value:
        function = self.functions.get(call.function)
        if function is None:
            raise FormulaError(f"unknown function {call.function}", call.position)
        return function(call)

    def _aggregate(self, call: Call) -> Value:
        if len(call.arguments) != 1 or not isinstance(call.arguments[0], Name):
            raise FormulaError(f"{call.function} takes one column", call.position)
        function = AggregateFunction(call.function)
        return aggregate(
            function,
            reference(self._column(call.arguments[0])),
            lambda node, kind, before: Aggregate(function, self._table, node, kind, before),
        )

    def _days_between(self, call: Call) -> Value:
        left, right = (as_text(self.bind(each)) for each in _arguments(call, 2))
        return number(DaysBetween(left.node, right.node), 7, 0)

    def _today(self, call: Call) -> Value:
        _arguments(call, 0)
        return Value(Today(), Kind.DATE, length=10, nullable=False)

    def _concat(self, call: Call) -> Value:
        if not call.arguments:
            raise FormulaError("concat takes at least one value", call.position)
        return _joined([self.bind(each) for each in call.arguments])

    def _if(self, call: Call) -> Value:
        condition, then, otherwise = (self.bind(each) for each in _arguments(call, 3))
        if then.kind is not otherwise.kind:
            then, otherwise = as_text(then), as_text(otherwise)
        kind = then.kind if then.kind is otherwise.kind else Kind.TEXT
        return Value(
            Choice(_truth(condition), then.node, otherwise.node),
            kind,
            max(then.integer, otherwise.integer),
            max(then.fraction, otherwise.fraction),
            max(then.length, otherwise.length),
            then.nullable or otherwise.nullable,
        )

    def _rounding(self, call: Call) -> Value:
        (argument,) = _arguments(call, 1)
        part = or_zero(self.bind(argument))
        function: Any = call.function
        fraction = part.fraction if function == "abs" else 0
        return number(Rounding(function, part.node), part.integer + 1, fraction, nullable=False)


def _arguments(call: Call, count: int) -> tuple[Tree, ...]:
    if len(call.arguments) != count:
        noun = "no values" if count == 0 else f"{count} value{'s' if count > 1 else ''}"
        raise FormulaError(f"{call.function} takes {noun}", call.position)
    return call.arguments


def _literal(value: Decimal | str | bool) -> Value:
    if isinstance(value, bool):
        return Value(Constant(Kind.BOOLEAN, value), Kind.BOOLEAN, nullable=False)
    if isinstance(value, str):
        return Value(Constant(Kind.TEXT, value), Kind.TEXT, length=len(value), nullable=False)
    exponent = int(value.as_tuple().exponent)
    digits = len(value.as_tuple().digits)
    return number(
        Constant(Kind.NUMBER, value), max(digits + exponent, 1), max(-exponent, 0), nullable=False
    )


def _joined(values: list[Value]) -> Value:
    parts: list[Node] = []
    length = 0
    for value in values:
        if length + value.length > MOST_CHARACTERS:
            parts, length = [Cut(Join(tuple(parts)))], TEXT_CHARACTERS
        shown = or_blank(value)
        # What was joined before is one chain with what follows, however long.
        parts += shown.node.parts if isinstance(shown.node, Join) else (shown.node,)
        length += shown.length
    return text_value(Join(tuple(parts)), length, nullable=False)


def _summed(left: Value, right: Value, sign: Any) -> Value:
    first, second = or_zero(left), or_zero(right)
    head = first.node.parts if isinstance(first.node, Sum) else ((1, first.node),)
    return number(
        Sum((*head, (sign, second.node))),
        max(first.integer, second.integer) + 1,
        max(first.fraction, second.fraction),
        nullable=False,
    )


def _product(left: Value, right: Value) -> Value:
    a, b = or_zero(left), or_zero(right)
    node = Product(a.node, b.node)
    return number(node, a.integer + b.integer, a.fraction + b.fraction, nullable=False)


def _quotient(left: Value, right: Value) -> Value:
    a, b = or_zero(left), or_zero(right)
    return number(Quotient(a.node, b.node), a.integer + b.fraction + 1, QUOTIENT_PLACES)


def _remainder(left: Value, right: Value) -> Value:
    a, b = or_zero(left), or_zero(right)
    node = Remainder(a.node, b.node)
    return number(node, b.integer, max(a.fraction, b.fraction), nullable=False)


def _condition(node: Node) -> Value:
    return Value(node, Kind.BOOLEAN, nullable=False)


def _equal(left: Value, right: Value) -> Value:
    kinds = {left.kind, right.kind}
    if kinds <= TEXTUAL or len(kinds) == 1:
        return _condition(Equal(left.node, right.node, nulls_equal=True))
    if Kind.NUMBER not in kinds:  # true is the text "true"
        return _condition(Equal(as_text(left).node, as_text(right).node, nulls_equal=True))
    same_when_null = kinds.isdisjoint(TEXTUAL)
    return _condition(Equal(as_number(left).node, as_number(right).node, same_when_null))


def _different(left: Value, right: Value) -> Value:
    return _condition(Not(_equal(left, right).node))


def _less(left: Value, right: Value, or_equal: bool) -> Value:
    kinds = {left.kind, right.kind}
    if Kind.DATE in kinds and kinds <= TEXTUAL:
        return _condition(Fallback(Less(left.node, right.node, or_equal, Kind.DATE), _FALSE))
    return _condition(Less(or_zero(left).node, or_zero(right).node, or_equal, Kind.NUMBER))


_OPERATIONS: dict[str, Callable[[Value, Value], Value]] = {
    "*": _product,
    "/": _quotient,
    "%": _remainder,
    "==": _equal,
    "!=": _different,
    "<": lambda left, right: _less(left, right, or_equal=False),
    "<=": lambda left, right: _less(left, right, or_equal=True),
    ">": lambda left, right: _less(right, left, or_equal=False),
    ">=": lambda left, right: _less(right, left, or_equal=True),
}


def _truth(value: Value) -> Node:
    if value.kind is Kind.BOOLEAN and not value.nullable:
        return value.node
    return Truth(value.node, value.kind)
