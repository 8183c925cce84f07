"""The tables that relation columns lead to."""

from collections.abc import Sequence

from domain import ids
from domain.access import Viewer
from domain.columns import Column, ColumnType, NewColumn
from domain.errors import ErrorCode, Problem
from domain.ports import Storage
from domain.rejections import show


async def target_problems(
    viewer: Viewer, storage: Storage, columns: Sequence[NewColumn]
) -> list[Problem]:
    """A problem for each relation of new columns whose target is no table of the organisation."""
    problems: list[Problem] = []
    for index, column in enumerate(columns):
        problems += await target_problem(viewer, storage, column, "columns", str(index))
    return problems


async def target_problem(
    viewer: Viewer, storage: Storage, column: Column | NewColumn, *path: str
) -> list[Problem]:
    """What is wrong with the `targetTableId` of a column; `path` leads to its config's parent.

    A relation without a target leads wherever its ids lead."""
    target = (column.config or {}).get("targetTableId")
    if column.type is not ColumnType.RELATION or not isinstance(target, str) or not target:
        return []
    table_id = ids.parse(target)
    if table_id and await storage.tables.shape(viewer.organization_id, table_id):
        return []
    message = f"config.targetTableId: there is no table {show(target)}"
    return [Problem(ErrorCode.NOT_FOUND, message, (*path, "config"))]
