"""Conditions of triggers: JSON that is kept as it was given, read as a filter of rows.

`{column, operator, value}` is one comparison, a list of conditions means that all must hold, and
`{all: […]}`, `{any: […]}`, `{not: …}` nest them. Columns and values are checked when the condition
is saved, and again against the columns of the moment whenever it is decided."""

from collections.abc import Mapping
from typing import Any

from domain.cell_filters import cell_json, raw_cell
from domain.columns import TableShape
from domain.errors import ErrorCode, Invalid, Problem
from domain.filters import (
    MAX_CONDITIONS,
    MAX_DEPTH,
    OPERATORS,
    Arity,
    Filter,
    Operator,
    RawAll,
    RawAny,
    RawCell,
    RawCondition,
    RawNot,
    RawWhere,
    bind,
)

#: What some clients call the operators.
SYNONYMS = {
    "equals": Operator.EQ.value,
    "not_equals": Operator.NEQ.value,
    "greater_than": Operator.GT.value,
    "less_than": Operator.LT.value,
}

_PATH = ("condition",)


def bind_condition(shape: TableShape, given: Any) -> Filter | None:
    """The condition over the table's columns; None for no condition. Raises `Invalid` with every
    problem."""
    if given is None:
        return None
    return bind(shape, read_condition(given), _PATH)


def read_condition(given: Any) -> RawCondition:
    """The raw tree of a condition in JSON. Raises `Invalid` with every part that has no form."""
    reader = _Reader()
    raw = reader.read(given, _PATH, depth=1)
    if reader.problems:
        raise Invalid(reader.problems)
    return raw


class _Reader:
    def __init__(self) -> None:
        self.problems: list[Problem] = []
        self._count = 0

    def read(self, given: Any, path: tuple[str, ...], depth: int) -> RawCondition:
        self._count += 1
        if depth > MAX_DEPTH or self._count > 2 * MAX_CONDITIONS:
            message = f"A condition nests at most {MAX_DEPTH} deep, with {MAX_CONDITIONS} parts"
            return self._refuse(ErrorCode.TOO_MANY, message, path)
        if isinstance(given, list | tuple):
            return RawAll(self._parts(given, path, depth))
        if isinstance(given, Mapping):
            for name in ("all", "any"):
                if isinstance(given.get(name), list | tuple):
                    parts = self._parts(given[name], (*path, name), depth)
                    return RawAll(parts) if name == "all" else RawAny(parts)
            if (cell := raw_cell(given.get("cell"))) is not None:
                return cell
            if "not" in given:
                return RawNot(self.read(given["not"], (*path, "not"), depth + 1))
            if isinstance(given.get("column"), str) and isinstance(given.get("operator"), str):
                return _where(given)
        return self._refuse(
            ErrorCode.INVALID_TYPE, "A condition is an object of column, operator and value", path
        )

    def _parts(self, given: Any, path: tuple[str, ...], depth: int) -> list[RawCondition]:
        return [
            self.read(part, (*path, str(index)), depth + 1)
            for index, part in enumerate(given[: MAX_CONDITIONS + 1])
        ]

    def _refuse(self, code: ErrorCode, message: str, path: tuple[str, ...]) -> RawCondition:
        self.problems.append(Problem(code, message, path))
        return RawAll(())


def _where(given: Mapping[str, Any]) -> RawWhere:
    name = given["operator"]
    operator = SYNONYMS.get(name, name)
    value = given.get("value")
    # As in filters of rows: null is no value to compare with.
    known = OPERATORS.get(Operator(operator)) if operator in list(Operator) else None
    needs_none = known is not None and known.arity is Arity.NONE
    return RawWhere(given["column"], operator, value, value is not None or needs_none)


def written(raw: RawCondition) -> Any:
    """The raw tree as the JSON that is stored, in its plainest form."""
    if isinstance(raw, RawWhere):
        told = {"column": raw.column, "operator": raw.operator}
        return told | ({"value": raw.value} if raw.value is not None else {})
    if isinstance(raw, RawCell):
        return {"cell": cell_json(raw)}
    if isinstance(raw, RawNot):
        return {"not": written(raw.part)}
    parts = [written(part) for part in raw.parts]
    return {"any": parts} if isinstance(raw, RawAny) else parts
