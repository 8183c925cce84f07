"""Filters and sorts over the rows of one table: the operators, the neutral tree, and its binding.

Faces hand in a raw tree of names and JSON values. `bind` turns it into a tree of columns and values
of the column's type, or lists everything that is wrong with it. Nothing here knows SQL or HTTP.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any, TypeAlias

from domain import numbers
from domain.cell_filters import CellWhere, RawCell, bind_cell
from domain.columns import Column, ColumnType, TableShape
from domain.errors import ErrorCode, Invalid, Problem
from domain.fields import Field, Scalar, family_of, find_field, is_stored, normalise
from domain.operators import HOLDERS, OPERATORS, Arity, Operator, OperatorEntry
from domain.rejections import Rejected, clean_text

__all__ = [
    "OPERATORS",
    "AllOf",
    "AnyOf",
    "Arity",
    "CellWhere",
    "Direction",
    "Filter",
    "Not",
    "Nulls",
    "Operator",
    "OperatorEntry",
    "RawAll",
    "RawAny",
    "RawCell",
    "RawCondition",
    "RawNot",
    "RawSort",
    "RawWhere",
    "Sort",
    "Where",
    "accept_search",
    "bind",
    "bind_current",
    "bind_sorts",
    "conditions",
]

MAX_DEPTH = 10
MAX_CONDITIONS = 200
MAX_IN_VALUES = 10_000
#: Characters of a text that is looked for in others; matching costs pattern times text at worst.
MAX_PATTERN = 1_000
#: Keeps a cursor, which holds a value for each key, under 8 kB.
MAX_SORTS = 5


@dataclass(frozen=True, slots=True)
class RawWhere:
    """A condition as the client wrote it. `has_value` tells a null from a missing value."""

    column: str
    operator: str
    value: Any = None
    has_value: bool = True


@dataclass(frozen=True, slots=True)
class RawAll:
    """Every part must hold."""

    parts: Sequence["RawCondition"]


@dataclass(frozen=True, slots=True)
class RawAny:
    """At least one part must hold."""

    parts: Sequence["RawCondition"]


@dataclass(frozen=True, slots=True)
class RawNot:
    """The part must not hold."""

    part: "RawCondition"


RawCondition: TypeAlias = RawWhere | RawCell | RawAll | RawAny | RawNot


@dataclass(frozen=True, slots=True)
class Where:
    """One comparison. `value` is None, a value of the field's type, or a tuple of them for `in`."""

    field: Field
    operator: Operator
    value: Scalar | tuple[Scalar, ...] = None

    def __hash__(self) -> int:
        # A column's config is a mapping, so the generated hash would raise.
        return hash((self.field.sql_name, self.operator, self.value))


@dataclass(frozen=True, slots=True)
class AllOf:
    """Every part holds; true without parts."""

    parts: tuple["Filter", ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """At least one part holds; false without parts."""

    parts: tuple["Filter", ...]


@dataclass(frozen=True, slots=True)
class Not:
    """The part does not hold. Comparing with an empty cell fails, so its negation holds."""

    part: "Filter"


Filter: TypeAlias = Where | CellWhere | AllOf | AnyOf | Not


def conditions(filter: Filter) -> Iterator[Where | CellWhere]:
    """The conditions of the tree, depth first, in the order in which their values are bound."""
    if isinstance(filter, Where | CellWhere):
        yield filter
    elif isinstance(filter, Not):
        yield from conditions(filter.part)
    else:
        for part in filter.parts:
            yield from conditions(part)


def bind(shape: TableShape, raw: RawCondition, path: tuple[str, ...] = ("filter",)) -> Filter:
    """The filter over the table's columns, values as the columns' types.

    Raises `Invalid` with every problem found: unknown columns and operators, operators that do not
    apply, values that are missing or cannot be of the column's type, too deep, too many.

    The filter is decided on the values of a row alone, so it holds for images of rows too; a
    condition on cells is refused.
    """
    return _Binder(shape).bound(raw, path)


def bind_current(
    shape: TableShape, raw: RawCondition, path: tuple[str, ...] = ("filter",)
) -> Filter:
    """As `bind`, for reading rows as they are now: there conditions on cells can be decided too."""
    return _CurrentBinder(shape).bound(raw, path)


class _Binder:
    """One walk over a raw tree. A part with a problem becomes an empty `AllOf`: thrown away."""

    def __init__(self, shape: TableShape) -> None:
        self.problems: list[Problem] = []
        self._shape = shape
        self._count = 0

    def bound(self, raw: RawCondition, path: tuple[str, ...]) -> Filter:
        """The whole tree. Raises `Invalid`."""
        found = self.bind(raw, path, depth=1)
        if self.problems:
            raise Invalid(self.problems)
        return found

    def bind(self, raw: RawCondition, path: tuple[str, ...], depth: int) -> Filter:
        if depth > MAX_DEPTH:
            self._refuse(ErrorCode.TOO_MANY, f"Filters nest at most {MAX_DEPTH} deep", path)
            return AllOf(())
        if isinstance(raw, RawWhere | RawCell):
            return self._condition(raw, path)
        if isinstance(raw, RawNot):
            return Not(self.bind(raw.part, (*path, "not"), depth + 1))
        name = "all" if isinstance(raw, RawAll) else "any"
        parts = tuple(
            self.bind(part, (*path, name, str(index)), depth + 1)
            for index, part in enumerate(raw.parts)
            if self._count <= MAX_CONDITIONS
        )
        return AllOf(parts) if isinstance(raw, RawAll) else AnyOf(parts)

    def _condition(self, raw: RawWhere | RawCell, path: tuple[str, ...]) -> Filter:
        self._count += 1
        if self._count > MAX_CONDITIONS:
            if self._count == MAX_CONDITIONS + 1:
                message = f"A filter has at most {MAX_CONDITIONS} conditions"
                self._refuse(ErrorCode.TOO_MANY, message, path)
            return AllOf(())
        return self._cell(raw, path) if isinstance(raw, RawCell) else self._where(raw, path)

    def _cell(self, raw: RawCell, path: tuple[str, ...]) -> Filter:
        message = "Conditions on cells hold for rows as they are now, not for changes or the past"
        self._refuse(ErrorCode.INVALID, message, path)
        return AllOf(())

    def _where(self, raw: RawWhere, path: tuple[str, ...]) -> Filter:
        found = len(self.problems)
        field = find_field(self._shape, raw.column)
        if field is None:
            message = f"Unknown column: {raw.column}"
            self._refuse(ErrorCode.UNKNOWN_COLUMN, message, (*path, "column"))
        operator = _operator(raw.operator)
        if operator is None:
            message = f"Unknown operator: {raw.operator}"
            self._refuse(ErrorCode.INVALID, message, (*path, "operator"))
        elif OPERATORS[operator].arity is not Arity.NONE and not raw.has_value:
            message = f"{operator.value} needs a value"
            self._refuse(ErrorCode.REQUIRED, message, (*path, "value"))
        if field is None or operator is None or len(self.problems) > found:
            return AllOf(())
        return self._compare(field, operator, raw.value, path)

    def _compare(
        self, field: Field, operator: Operator, value: Any, path: tuple[str, ...]
    ) -> Filter:
        entry = OPERATORS[operator]
        family = family_of(field)
        if family not in entry.families:
            message = f"{operator.value} does not apply to {field.key} ({family.value})"
            self._refuse(ErrorCode.INVALID, message, (*path, "operator"))
        elif entry.arity is Arity.NONE:
            return Where(field, operator)
        else:
            try:
                return Where(field, operator, _operand(field, operator, value))
            except Rejected as rejected:
                message = f"{field.key}: {rejected.message}"
                self._refuse(rejected.code, message, (*path, "value"))
        return AllOf(())

    def _refuse(self, code: ErrorCode, message: str, path: tuple[str, ...]) -> None:
        self.problems.append(Problem(code, message, path))


class _CurrentBinder(_Binder):
    def _cell(self, raw: RawCell, path: tuple[str, ...]) -> Filter:
        return bind_cell(self._shape, raw, (*path, "cell"), self.problems) or AllOf(())


def _operator(name: str) -> Operator | None:
    try:
        return Operator(name)
    except ValueError:
        return None


def _operand(field: Field, operator: Operator, value: Any) -> Scalar | tuple[Scalar, ...]:
    if operator is Operator.IN:
        return _members(field, value)
    looks_inside = operator in (Operator.CONTAINS, Operator.STARTS_WITH)
    if looks_inside and family_of(field) not in HOLDERS:
        return _pattern(value)
    return normalise(field, value)


def _members(field: Field, value: Any) -> tuple[Scalar, ...]:
    items = list(value) if isinstance(value, list | tuple) else [value]
    if len(items) > MAX_IN_VALUES:
        raise Rejected(ErrorCode.TOO_MANY, f"in takes at most {MAX_IN_VALUES:,} values")
    members = []
    for item in items:
        if isinstance(item, list | tuple) or (isinstance(item, dict) and not _is_object(field)):
            raise Rejected(ErrorCode.INVALID_TYPE, "in takes a flat list of values")
        try:
            members.append(normalise(field, item))
        except Rejected:
            continue  # a value of another type never matches; it is not an error in a list
    return tuple(members)


def _is_object(field: Field) -> bool:
    """Whether one value of the field may be given as an object."""
    return isinstance(field, Column) and field.type in (ColumnType.FILE, ColumnType.MEASUREMENT)


def _pattern(value: Any) -> str | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, str | int | float | Decimal):
        raise Rejected(ErrorCode.INVALID_TYPE, "must be a text")
    try:
        text = clean_text(value) if isinstance(value, str) else numbers.text(value)
    except Rejected:
        raise
    except ValueError as error:
        raise Rejected(ErrorCode.INVALID, str(error)) from None
    if len(text) > MAX_PATTERN:
        message = f"is at most {MAX_PATTERN:,} characters long"
        raise Rejected(ErrorCode.TOO_LONG, message)
    return text


def accept_search(text: str | None) -> str | None:
    """The text to search for, or None when there is nothing to search. Raises `Invalid`."""
    if text is None or not text.strip():
        return None
    try:
        return _pattern(text)
    except Rejected as rejected:
        message = f"search: {rejected.message}"
        raise Invalid([Problem(rejected.code, message, ("search",))]) from None


class Direction(StrEnum):
    """Which way a sort key runs."""

    ASC = "asc"
    DESC = "desc"


class Nulls(StrEnum):
    """Where rows without a value stand."""

    FIRST = "first"
    LAST = "last"


@dataclass(frozen=True, slots=True)
class RawSort:
    """A sort key as the client wrote it. Without `nulls`: first when ascending, last when not."""

    column: str
    direction: str = Direction.ASC
    nulls: str | None = None


@dataclass(frozen=True, slots=True)
class Sort:
    """One sort key. Ties of all keys are ordered by position and id, always ascending."""

    field: Field
    direction: Direction = Direction.ASC
    nulls: Nulls = Nulls.FIRST

    def __hash__(self) -> int:
        # A column's config is a mapping, so the generated hash would raise.
        return hash((self.field.sql_name, self.direction, self.nulls))


def bind_sorts(
    shape: TableShape, raws: Sequence[RawSort], path: tuple[str, ...] = ("sort",)
) -> tuple[Sort, ...]:
    """The sort keys over the table's columns; a column that is named again adds nothing,
    nor does one without values, whose order is all ties.

    Raises `Invalid` with every problem found.
    """
    problems: list[Problem] = []
    if len(raws) > MAX_SORTS:
        problems.append(Problem(ErrorCode.TOO_MANY, f"A sort has at most {MAX_SORTS} keys", path))
    sorts: dict[str, Sort] = {}
    for index, raw in enumerate(raws[:MAX_SORTS]):
        here = (*path, str(index))
        field = find_field(shape, raw.column)
        nulls = raw.nulls or (Nulls.FIRST if raw.direction == Direction.ASC else Nulls.LAST)
        if field is None:
            message = f"Unknown column: {raw.column}"
            problems.append(Problem(ErrorCode.UNKNOWN_COLUMN, message, (*here, "column")))
        if raw.direction not in list(Direction):
            message = f"Unknown direction: {raw.direction}"
            problems.append(Problem(ErrorCode.INVALID, message, (*here, "direction")))
        elif nulls not in list(Nulls):
            message = f"Unknown place of nulls: {nulls}"
            problems.append(Problem(ErrorCode.INVALID, message, (*here, "nulls")))
        elif field is not None and is_stored(field):
            sort = Sort(field, Direction(raw.direction), Nulls(nulls))
            sorts.setdefault(field.sql_name, sort)
    if problems:
        raise Invalid(problems)
    return tuple(sorts.values())
