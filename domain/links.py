"""Relations followed backwards."""

from collections.abc import Sequence
from uuid import UUID

from domain import access
from domain.access import Viewer
from domain.columns import ColumnType, TableShape
from domain.errors import ErrorCode, invalid
from domain.ports import Storage
from domain.rows import RowsQueryFor
from domain.selection import RowsPage
from domain.tables import on_table


async def read_linked_from(
    viewer: Viewer,
    storage: Storage,
    table_id: UUID,
    column_key: str,
    row_ids: Sequence[UUID],
    query: RowsQueryFor,
) -> Sequence[RowsPage]:
    """For each of the rows a page of the rows of a table that lead to it through a relation.

    `query` makes the page and what to show from the table's shape, as for `read_rows`. Raises
    `NotFound` for the table, `Invalid` for a column that is no relation and for a bad cursor."""
    access.require(viewer, "rows")

    async def work(shape: TableShape) -> Sequence[RowsPage]:
        column = shape.columns_by_key.get(column_key)
        if column is None:
            raise invalid(ErrorCode.UNKNOWN_COLUMN, f"Unknown column: {column_key}", "column")
        if column.type is not ColumnType.RELATION:
            raise invalid(ErrorCode.INVALID, f"{column_key} is not a relation", "column")
        return await storage.rows.linked_from(shape, column, row_ids, query(shape))

    return await on_table(viewer, storage, table_id, work)
