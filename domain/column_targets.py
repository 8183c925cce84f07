"""The tables that relation columns lead to."""

from collections.abc import Sequence
from uuid import UUID

from domain import ids
from domain.columns import Column, ColumnType, NewColumn
from domain.errors import ErrorCode, Problem
from domain.ports import Storage
from domain.rejections import show


async def target_problems(
    storage: Storage, organization_id: UUID, columns: Sequence[NewColumn]
) -> list[Problem]:
    """A problem for each relation of new columns whose target is no table of the organisation."""
    problems: list[Problem] = []
    for index, column in enumerate(columns):
        problems += await target_problem(storage, organization_id, column, "columns", str(index))
    return problems


async def target_problem(
    storage: Storage, organization_id: UUID, column: Column | NewColumn, *path: str
) -> list[Problem]:
    """What is wrong with the `targetTableId` of a column; `path` leads to its config's parent.

    A relation without a target leads wherever its ids lead."""
    target = (column.config or {}).get("targetTableId")
    if column.type is not ColumnType.RELATION or not isinstance(target, str) or not target:
        return []
    table_id = ids.parse(target)
    if table_id and await storage.tables.shape(organization_id, table_id):
        return []
    message = f"config.targetTableId: there is no table {show(target)}"
    return [Problem(ErrorCode.NOT_FOUND, message, (*path, "config"))]
