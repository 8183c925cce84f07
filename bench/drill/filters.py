"""Filters as clients write them, and their meaning in Python, which shares nothing with the
server's."""

from collections.abc import Callable, Mapping
from typing import Any


def where(column: str, operator: str, *value: Any) -> dict[str, Any]:
    """One comparison, as GraphQL takes it."""
    given = {"value": value[0]} if value else {}
    return {"where": {"column": column, "operator": operator} | given}


def matches(filter: Mapping[str, Any] | None, row: Mapping[str, Any]) -> bool:
    """Whether a row, values by key, matches a filter; every row matches None."""
    if filter is None:
        return True
    ((name, part),) = filter.items()
    if name == "all":
        return all(matches(each, row) for each in part)
    if name == "any":
        return any(matches(each, row) for each in part)
    if name == "not":
        return not matches(part, row)
    return _compare(part["operator"], row.get(part["column"]), part.get("value"))


def _compare(operator: str, cell: Any, value: Any) -> bool:
    empty = cell is None or (isinstance(cell, str) and not cell.strip())
    if operator in ("IS_EMPTY", "IS_NOT_EMPTY"):
        return empty == (operator == "IS_EMPTY")
    if cell is None:
        return False
    return bool(_COMPARED[operator](cell, value))


_COMPARED: dict[str, Callable[[Any, Any], bool]] = {
    "EQ": lambda cell, value: cell == value,
    "IN": lambda cell, value: cell in value,
    "GT": lambda cell, value: cell > value,
    "LT": lambda cell, value: cell < value,
    "GTE": lambda cell, value: cell >= value,
    "LTE": lambda cell, value: cell <= value,
    "STARTS_WITH": lambda cell, value: cell.lower().startswith(value.lower()),
    "CONTAINS": lambda cell, value: value.lower() in cell.lower(),
}
