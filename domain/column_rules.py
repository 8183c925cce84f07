"""Rules about the definition of columns."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from domain import checks, values
from domain.columns import Column, ColumnType, NewColumn
from domain.errors import ErrorCode, Problem
from domain.rejections import show

MAX_COLUMNS = 500


def new_column_problems(
    columns: Sequence[NewColumn], existing: Sequence[Column] = ()
) -> list[Problem]:
    """What is wrong with columns that are to be made beside the `existing` ones."""
    problems: list[Problem] = []
    if len(existing) + len(columns) > MAX_COLUMNS:
        problems.append(
            Problem(ErrorCode.TOO_MANY, f"A table has at most {MAX_COLUMNS} columns", ("columns",))
        )
    taken = {column.key for column in existing}
    for index, column in enumerate(columns):
        path = ("columns", str(index))
        problems += checks.text_problems("name", column.key, 1, 64, *path)
        problems += checks.text_problems("displayName", column.label, 1, 128, *path)
        if column.key in taken:
            message = f'A column named "{column.key}" exists already'
            problems.append(Problem(ErrorCode.DUPLICATE, message, (*path, "name")))
        taken.add(column.key)
        problems += _config_problems(column.type, column.config, path)
        problems += _default_problems(column, path)
    return problems


def column_update_problems(column: Column, changes: Mapping[str, Any]) -> list[Problem]:
    """What is wrong with an update of a column, given as fields by name."""
    problems: list[Problem] = []
    if "label" in changes:
        problems += checks.required_text_problems("label", changes["label"], 128)
    if changes.get("required", False) is None:
        problems.append(Problem(ErrorCode.REQUIRED, "required must not be null", ("required",)))
    config = changes.get("config", column.config)
    problems += _config_problems(column.type, config, ()) or _unit_problems(column, config)
    default = changes.get("default_value", column.default_value)
    updated = replace(column, config=config, default_value=default)
    return problems or _default_problems(updated, ())


def column_problems(column: Column) -> list[Problem]:
    """What is wrong with the type, config and default value that a column shall have."""
    return _config_problems(column.type, column.config, ()) or _default_problems(column, ())


def _config_problems(type_: Any, config: Any, path: tuple[str, ...]) -> list[Problem]:
    messages = values.config_problems(type_, config)
    return [Problem(ErrorCode.INVALID, message, (*path, "config")) for message in messages]


def _unit_problems(column: Column, config: Any) -> list[Problem]:
    """The unit stands in the config alone: another one would give every amount, and all of its
    history, another meaning."""
    unit = (column.config or {}).get("unit")
    if column.type is not ColumnType.MEASUREMENT or not unit or (config or {}).get("unit") == unit:
        return []
    message = f"config.unit: amounts in {show(unit)} cannot become another unit; change the type"
    return [Problem(ErrorCode.INVALID, message, ("config",))]


def _default_problems(column: Column | NewColumn, path: tuple[str, ...]) -> list[Problem]:
    try:
        values.accept_default(column)
    except values.Rejected as error:
        return [Problem(error.code, error.message, (*path, "defaultValue"))]
    return []
