"""Changing the columns of a table: adding, editing, deleting, ordering, indexing."""

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from domain import access, checks
from domain.access import Viewer
from domain.column_rules import column_update_problems, new_column_problems
from domain.column_targets import target_problem, target_problems
from domain.column_tools import circle_problems, new_tool_problems, tool_change_problems
from domain.columns import Column, ComputedBy, NewColumn, TableShape
from domain.computed_columns import formula_problems, new_formula_problems
from domain.entities import ColumnIndex, ColumnUpdate, set_fields
from domain.errors import ErrorCode, NotFound, invalid
from domain.ports import Storage
from domain.tables import on_table


async def add_column(viewer: Viewer, storage: Storage, table_id: UUID, column: NewColumn) -> Column:
    """Add a column at the end. Existing rows show it empty. Raises `NotFound`, `Invalid` or
    `TableBusy`."""
    access.require(viewer, "columnAdd")

    async def work(shape: TableShape) -> Column:
        problems = new_column_problems([column], shape.columns)
        checks.refuse(problems or await target_problems(storage, viewer.organization_id, [column]))
        organization_id = viewer.organization_id
        checks.refuse(
            await new_formula_problems(storage, organization_id, [column], shape.columns)
            or await new_tool_problems(storage, organization_id, [column], shape.columns)
        )
        return await storage.columns.add(shape, viewer.actor, column)

    return await on_table(viewer, storage, table_id, work)


async def update_column(
    viewer: Viewer, storage: Storage, table_id: UUID, column_id: UUID, command: ColumnUpdate
) -> Column:
    """Change label, required, default, config or tool. A tool that is taken away leaves its values
    to people. Raises `NotFound`, `Invalid` or `TableBusy`."""
    access.require(viewer, "columnUpdate")

    async def work(shape: TableShape) -> Column:
        changes = set_fields(command)
        column = column_of(shape, column_id)
        problems = column_update_problems(column, changes)
        updated = replace(column, config=changes.get("config", column.config))
        checks.refuse(problems)
        # A label can change, also of a relation whose target is gone.
        if "config" in changes:
            checks.refuse(await target_problem(storage, viewer.organization_id, updated))
            checks.refuse(await formula_problems(storage, viewer.organization_id, shape, updated))
            after = [updated if each.id == column.id else each for each in shape.columns]
            checks.refuse(circle_problems(after, "config"))
        if "tool" in changes:
            tooled = replace(updated, tool=changes["tool"])
            checks.refuse(
                await tool_change_problems(storage, viewer.organization_id, tooled, shape.columns)
            )
            changes["computed_by"] = ComputedBy.TOOL if tooled.tool else None
        return await storage.columns.update(shape, viewer.actor, column, changes)

    return await on_table(viewer, storage, table_id, work)


async def delete_column(
    viewer: Viewer, storage: Storage, table_id: UUID, column_id: UUID
) -> Column:
    """Take a column out of the table. Its values stay in history. Raises `NotFound` or
    `TableBusy`."""
    access.require(viewer, "columnDelete")

    async def work(shape: TableShape) -> Column:
        column = column_of(shape, column_id)
        await storage.columns.delete(shape, viewer.actor, column)
        return column

    return await on_table(viewer, storage, table_id, work)


async def reorder_columns(
    viewer: Viewer, storage: Storage, table_id: UUID, column_ids: Sequence[str]
) -> Sequence[Column]:
    """Put the columns in this order; each must be listed exactly once. Raises `NotFound` or
    `Invalid`."""
    access.require(viewer, "columnsReorder")

    async def work(shape: TableShape) -> Sequence[Column]:
        by_id = {str(column.id): column for column in shape.columns}
        if sorted(column_ids) != sorted(by_id):
            raise invalid(
                ErrorCode.INVALID,
                "columnIds must list each column of the table exactly once",
                "columnIds",
            )
        ordered = [by_id[column_id] for column_id in column_ids]
        return await storage.columns.reorder(shape, viewer.actor, ordered)

    return await on_table(viewer, storage, table_id, work)


async def create_index(
    viewer: Viewer, storage: Storage, table_id: UUID, column_id: UUID
) -> ColumnIndex:
    """Build an index on a column without stopping writers. Asking again for the same column
    returns the same index.

    Raises `NotFound`, or `Invalid` for a formula whose values can change without its row."""
    access.require(viewer, "columnIndexCreate")

    async def work(shape: TableShape) -> ColumnIndex:
        column = column_of(shape, column_id)
        if not column.stored and not (column.computation and column.computation.indexable):
            message = (
                "Only formulas of numbers, booleans and texts of the same row can have an index"
            )
            raise invalid(ErrorCode.INVALID, message, "columnId")
        return await storage.columns.create_index(shape, column)

    return await on_table(viewer, storage, table_id, work)


def column_of(shape: TableShape, column_id: UUID) -> Column:
    """The column with this id. Raises `NotFound`."""
    for column in shape.columns:
        if column.id == column_id:
            return column
    raise NotFound("Column")
