"""The `RowStore` port: reading pages, and writes in their transactions."""

from collections.abc import Awaitable, Callable, Sequence
from uuid import UUID

from domain.cells import CellCount, CellReport
from domain.changes import Cause
from domain.columns import Column, TableShape
from domain.row_writes import PreparedRow, Written
from domain.selection import RowRecord, RowSelection, RowsPage, RowsQuery
from persistence.cell_counts import count_cells
from persistence.cell_reports import report_cells
from persistence.engine import Database
from persistence.links import read_links
from persistence.row_insert import add_rows
from persistence.row_pages import read_by_id, read_page
from persistence.row_update import merge_rows, remove_rows, replace_rows
from persistence.unit_of_work import NothingWritten, TableWrite, Wake, write_table


class Rows:
    """Rows of users' tables. Reads and plain inserts are one statement each, without a transaction
    around it."""

    def __init__(self, database: Database, wake: Wake) -> None:
        self._pool = database.pool
        self._wake = wake

    async def page(self, shape: TableShape, query: RowsQuery) -> RowsPage:
        return await read_page(self._pool, shape, query)

    async def by_id(
        self, shape: TableShape, row_ids: Sequence[UUID], selection: RowSelection | None
    ) -> Sequence[str | RowRecord | None]:
        return await read_by_id(self._pool, shape, row_ids, selection)

    async def linked_from(
        self, shape: TableShape, column: Column, row_ids: Sequence[UUID], query: RowsQuery
    ) -> Sequence[RowsPage]:
        return await read_links(self._pool, shape, column, row_ids, query)

    async def insert(
        self,
        shape: TableShape,
        actor: str,
        cause: Cause,
        session_id: UUID,
        rows: Sequence[PreparedRow],
    ) -> Written:
        return await add_rows(self._pool, self._wake, shape, actor, cause, session_id, rows)

    async def merge(
        self, shape: TableShape, actor: str, cause: Cause, rows: Sequence[PreparedRow]
    ) -> Written:
        return await self._write(shape, actor, cause, lambda write: merge_rows(write, rows))

    async def replace(
        self, shape: TableShape, actor: str, cause: Cause, rows: Sequence[PreparedRow]
    ) -> Written:
        return await self._write(shape, actor, cause, lambda write: replace_rows(write, rows))

    async def delete(
        self, shape: TableShape, actor: str, cause: Cause, row_ids: Sequence[UUID]
    ) -> Written:
        return await self._write(shape, actor, cause, lambda write: remove_rows(write, row_ids))

    async def report(
        self, shape: TableShape, actor: str, cause: Cause, reports: Sequence[CellReport]
    ) -> Written:
        return await self._write(shape, actor, cause, lambda write: report_cells(write, reports))

    async def count_cells(
        self, shape: TableShape, columns: Sequence[Column]
    ) -> Sequence[CellCount]:
        return await count_cells(self._pool, shape, columns)

    async def _write(
        self,
        shape: TableShape,
        actor: str,
        cause: Cause,
        work: Callable[[TableWrite], Awaitable[Written]],
    ) -> Written:
        try:
            async with write_table(self._pool, shape, actor, cause, self._wake) as write:
                return await work(write)
        except NothingWritten as nothing:
            return Written(nothing.revision, nothing.at, [])
