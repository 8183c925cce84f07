"""Formulas and rollups checked before they are saved, those that use them included."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from domain import ids
from domain.columns import Column, ColumnType, NewColumn, TableShape
from domain.computations import Target, attach, target_ids
from domain.errors import ErrorCode, Problem
from domain.ports import Storage


async def new_formula_problems(
    storage: Storage,
    organization_id: UUID,
    columns: Sequence[NewColumn],
    existing: Sequence[Column] = (),
) -> list[Problem]:
    """What is wrong with the formulas and rollups of new columns beside the `existing` ones. Keys
    and configs are right already."""
    made = [_as_column(column, index) for index, column in enumerate(columns)]
    found = await _problems(storage, organization_id, [*existing, *made])
    problems = [
        Problem(ErrorCode.INVALID, f"config.{found[each.key]}", ("columns", str(index), "config"))
        for index, each in enumerate(made)
        if each.key in found
    ]
    others = {column.key for column in existing}
    if not problems and existing:
        before = await _problems(storage, organization_id, existing)
        problems = _broken(found, before, others, ("columns", "0", "config"))
    return problems


async def formula_problems(
    storage: Storage, organization_id: UUID, shape: TableShape, updated: Column
) -> list[Problem]:
    """What is wrong with the formula or rollup of a column as it shall be, and which others would
    no longer work with it, though they did before."""
    columns = [updated if each.id == updated.id else each for each in shape.columns]
    found = await _problems(storage, organization_id, columns)
    if updated.key in found:
        return [Problem(ErrorCode.INVALID, f"config.{found[updated.key]}", ("config",))]
    before = await _problems(storage, organization_id, shape.columns)
    others = {column.key for column in columns} - {updated.key}
    return _broken(found, before, others, ("config",))


def _broken(
    found: Mapping[str, str], before: Mapping[str, str], keys: set[str], path: tuple[str, ...]
) -> list[Problem]:
    return [
        Problem(ErrorCode.INVALID, f"config: the column {key} would fail: {message}", path)
        for key, message in found.items()
        if key in keys and key not in before
    ]


async def _problems(
    storage: Storage, organization_id: UUID, columns: Sequence[Column]
) -> Mapping[str, str]:
    if not any(column.type is ColumnType.COMPUTED for column in columns):
        return {}
    targets: dict[str, Target] = {}
    for text in target_ids(columns):
        table_id = ids.parse(text)
        shape = table_id and await storage.tables.shape(organization_id, table_id)
        if shape:
            targets[text] = Target(shape.sql_name, shape.columns_by_key)
    return attach(columns, "", targets).problems


def _as_column(new: NewColumn, index: int) -> Column:
    return Column(UUID(int=0), -1 - index, new.key, new.label, new.type, index, config=new.config)
