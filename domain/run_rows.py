"""Writing rows and filling their cells by tools, in one transaction: nobody sees the rows before
their cells are queued."""

from collections.abc import Sequence
from uuid import UUID

from domain import access
from domain.access import Viewer
from domain.changes import Cause
from domain.columns import TableShape
from domain.ports import Storage
from domain.row_writes import Written
from domain.rows import (
    RowsAdd,
    RowsUpdate,
    check_count,
    refuse_repeats,
    rows_to_add,
    rows_to_update,
)
from domain.run_records import CellsRun, NewRun, Run, RunMode, Selection
from domain.runs import new_run, start_run
from domain.tables import on_table

_ASKED_FOR = Cause()


async def add_rows_and_run(
    viewer: Viewer, storage: Storage, command: RowsAdd, cause: Cause = _ASKED_FOR
) -> tuple[Written, Run | None]:
    """Add 1 to 1,000 rows and fill all cells of theirs that have a tool, also those that were given
    a value. No run without a column with a tool: then it is remembered of the rows. Raises what
    `add_rows` raises."""
    access.require(viewer, "cellsRun")
    access.require(viewer, "rowsAdd")
    check_count(len(command.rows))

    async def work(shape: TableShape) -> tuple[Written, Run | None]:
        session_id, rows = await rows_to_add(storage, shape, command)
        actor = viewer.actor
        new = _run(shape, command.table_id, [row.id for row in rows], cause)
        if new is None:
            return await storage.rows.insert(shape, actor, cause, session_id, rows), None
        return await storage.runs.add_rows(shape, actor, cause, session_id, rows, new)

    written, run = await on_table(viewer, storage, command.table_id, work)
    if run is None:
        run = await fill_rows(viewer, storage, command.table_id, written.row_ids, cause)
    return written, run


async def update_rows_and_run(
    viewer: Viewer, storage: Storage, command: RowsUpdate, cause: Cause = _ASKED_FOR
) -> tuple[Written, Run | None]:
    """Change the given cells of 1 to 1,000 rows, then fill all cells of theirs that have a tool,
    also those that other runs are filling. No run without a column with a tool: then it is
    remembered of the rows. Raises what `update_rows` raises."""
    access.require(viewer, "cellsRun")
    access.require(viewer, "rowsUpdate")
    check_count(len(command.rows))
    refuse_repeats([row.id for row in command.rows])

    async def work(shape: TableShape) -> tuple[Written, Run | None]:
        rows = await rows_to_update(storage, shape, command)
        new = _run(shape, command.table_id, [row.id for row in rows], cause)
        if new is None:
            return await storage.rows.merge(shape, viewer.actor, cause, rows), None
        return await storage.runs.update_rows(shape, viewer.actor, cause, rows, new)

    written, run = await on_table(viewer, storage, command.table_id, work)
    if run is None:
        run = await fill_rows(viewer, storage, command.table_id, written.row_ids, cause)
    return written, run


async def fill_rows(
    viewer: Viewer,
    storage: Storage,
    table_id: UUID,
    row_ids: Sequence[UUID],
    cause: Cause = _ASKED_FOR,
) -> Run | None:
    """Fill all cells of 1 to 1,000 rows that have a tool. No run without a column with a tool: then
    it is remembered of the rows. Raises what `start_run` raises."""
    access.require(viewer, "cellsRun")

    async def has_tools(shape: TableShape) -> bool:
        if any(column.tool is not None for column in shape.columns):
            return True
        await storage.runs.note_asked(shape, row_ids)
        return False

    if not await on_table(viewer, storage, table_id, has_tools):
        return None
    command = CellsRun(table_id, selection=Selection(row_ids=row_ids), mode=RunMode.ALL)
    return await start_run(viewer, storage, command, cause)


def _run(shape: TableShape, table_id: UUID, row_ids: Sequence[UUID], cause: Cause) -> NewRun | None:
    columns = [column for column in shape.columns if column.tool is not None]
    if not columns:
        return None
    command = CellsRun(table_id, selection=Selection(row_ids=row_ids), mode=RunMode.ALL)
    return new_run(command, columns, cause)
