"""Going back: a row, a cell, many rows to a revision, an import, or what one actor did.

History wins: values go back as they were, also where a rule of today would refuse them, such as an
option that a select no longer has. Every rollback is a change like others and can be undone too."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from domain import access, checks, ids
from domain.access import Viewer
from domain.changes import Cause, CauseKind
from domain.columns import TableShape
from domain.entities import ImportStatus
from domain.errors import Conflict, ErrorCode, NotFound, invalid
from domain.history_records import MAX_ACTOR, refuse_revision
from domain.ports import Storage
from domain.rollback_records import (
    INLINE_ROWS,
    MOST_CONFLICTS,
    RollbackKind,
    RollbackRun,
    RollbackStatus,
    RolledBack,
    RowConflict,
    RowTarget,
    Undo,
)
from domain.row_writes import Written
from domain.tables import on_table

#: Rows that a request can name.
MAX_ROWS = 1_000
_MOST_VERSION = 2**31 - 1


@dataclass(frozen=True, slots=True)
class RowsRollback:
    """All rows of a table, or some, back to how they were after a revision.

    `seen` is the last revision that the caller knows of; later changes are not undone, and rows
    where they are in the way are left alone. None: whatever happened is undone."""

    table_id: UUID
    to_revision: int
    row_ids: Sequence[UUID] | None = None
    seen: int | None = None
    force: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a rollback of many rows did; `run` when it is a job and has only begun."""

    table_id: UUID
    done: RolledBack | None
    run: RollbackRun | None = None


async def roll_back_row(
    viewer: Viewer, storage: Storage, row_id: UUID, version: int, table_id: UUID | None = None
) -> Written:
    """Give the row the data that a version of it holds, as a new version. The version of a deletion
    holds the data before it; a deleted row is made again under its id.

    Without a table it is the one that the row's id names. Raises `NotFound` for the table and for
    an entry of history that is not there."""
    access.require(viewer, "rowRollback")
    target = RowTarget(row_id, min(max(version, 0), _MOST_VERSION))
    return await _set(viewer, storage, table_id, target)


async def roll_back_cell(
    viewer: Viewer, storage: Storage, row_id: UUID, column: str, version: int
) -> Written:
    """Give one cell the value that it has in a version of its row.

    Raises `NotFound`, `Invalid` for an unknown column, `Conflict` for a deleted row."""
    access.require(viewer, "cellRollback")
    table_id = await _table_of(viewer, storage, row_id)

    async def work(shape: TableShape) -> Written:
        found = shape.columns_by_key.get(column)
        if found is None:
            raise invalid(ErrorCode.UNKNOWN_COLUMN, f"Unknown column: {column}", "column")
        if not found.stored:
            message = f"{column} is computed: it goes back with the columns of its formula"
            raise invalid(ErrorCode.INVALID, message, "column")
        target = RowTarget(row_id, min(max(version, 0), _MOST_VERSION), found.number)
        return await storage.rollbacks.set_rows(shape, viewer.actor, _cause(target), [target])

    return await on_table(viewer, storage, table_id, work)


async def restore_row(viewer: Viewer, storage: Storage, row_id: UUID) -> Written:
    """Make a deleted row again, as it was before. Raises `NotFound`, and `Conflict` for a row that
    is there."""
    access.require(viewer, "rowRestore")
    return await _set(viewer, storage, None, RowTarget(row_id, None))


async def roll_back_rows(viewer: Viewer, storage: Storage, command: RowsRollback) -> Outcome:
    """Bring rows back to how they were after a revision: those that were added since go, those that
    were deleted come back, all others get their old data.

    Raises `NotFound` and `Invalid`."""
    access.require(viewer, "rowsRollback")
    if command.row_ids is not None and not 1 <= len(command.row_ids) <= MAX_ROWS:
        raise invalid(ErrorCode.OUT_OF_RANGE, f"rowIds takes 1 to {MAX_ROWS} ids", "rowIds")

    async def work(shape: TableShape) -> Outcome:
        pruned_to, last = await storage.history.covered(shape)
        refuse_revision(command.to_revision, pruned_to, last, "toRevision")
        if command.seen is not None:
            refuse_revision(command.seen, command.to_revision, last, "seenRevision")
        row_ids = tuple(command.row_ids) if command.row_ids is not None else None
        until = last if command.seen is None else command.seen
        undo = Undo(RollbackKind.REVISION, command.to_revision, until, row_ids=row_ids)
        return await _undo(viewer, storage, shape, undo, command.force)

    return await on_table(viewer, storage, command.table_id, work)


async def roll_back_import(
    viewer: Viewer, storage: Storage, import_id: UUID, *, force: bool = False
) -> Outcome:
    """Undo an import: rows that it added go, rows that it changed get back what it wrote over.

    Raises `NotFound`, also when its table is gone, and `Conflict` while the import runs."""
    access.require(viewer, "importRollback")
    found = await storage.imports.get(viewer.organization_id, import_id)
    if found is None:
        raise NotFound("Import")
    if found.status in (ImportStatus.QUEUED, ImportStatus.RUNNING):
        raise Conflict("The import is still running; cancel it first")

    async def work(shape: TableShape) -> Outcome:
        pruned_to, last = await storage.history.covered(shape)
        undo = Undo(RollbackKind.IMPORT, pruned_to, last, import_id=import_id)
        return await _undo(viewer, storage, shape, undo, force)

    return await on_table(viewer, storage, found.table_id, work)


async def roll_back_run(
    viewer: Viewer, storage: Storage, run_id: UUID, *, force: bool = False
) -> Outcome:
    """Undo a run: its cells get back the values and the states that they had before it.

    Raises `NotFound`, also when its table is gone, and `Conflict` while it goes on."""
    access.require(viewer, "runUndo")
    run = await storage.runs.get(viewer.organization_id, run_id)
    if run is None:
        raise NotFound("Run")
    if not run.is_over:
        raise Conflict("The run goes on; cancel it first")

    async def work(shape: TableShape) -> Outcome:
        pruned_to, last = await storage.history.covered(shape)
        undo = Undo(RollbackKind.RUN, pruned_to, last, run_id=run_id)
        return await _undo(viewer, storage, shape, undo, force, run.cells_total)

    outcome = await on_table(viewer, storage, run.table_id, work)
    await storage.runs.mark_undone(run, viewer.actor)
    return outcome


async def roll_back_actor(
    viewer: Viewer,
    storage: Storage,
    table_id: UUID,
    actor: str,
    since: datetime,
    *,
    force: bool = False,
) -> Outcome:
    """Undo everything that one actor did to the rows of a table from a moment on.

    Raises `NotFound`, and `Invalid` for a moment that the log does not cover."""
    access.require(viewer, "actorRollback")
    checks.refuse(checks.text_problems("actor", actor, 1, MAX_ACTOR))

    async def work(shape: TableShape) -> Outcome:
        pruned_to, last = await storage.history.covered(shape)
        before = await storage.history.revision_before(shape, since)
        if before is None:
            raise invalid(ErrorCode.LOG_PRUNED, "The log is not kept that long", "since")
        undo = Undo(RollbackKind.ACTOR, max(before, pruned_to), last, actor=actor)
        return await _undo(viewer, storage, shape, undo, force)

    return await on_table(viewer, storage, table_id, work)


async def get_rollback(viewer: Viewer, storage: Storage, run_id: UUID) -> RollbackRun:
    """A rollback that runs as a job, with its progress. Raises `NotFound`."""
    access.require(viewer, "rollback")
    run = await storage.rollbacks.get(viewer.organization_id, run_id)
    if run is None:
        raise NotFound("Rollback")
    return run


async def rollback_conflicts(
    viewer: Viewer, storage: Storage, run_id: UUID, after: UUID | None, limit: int
) -> list[RowConflict]:
    """Rows that a job left alone, by id; 1,000 at most."""
    access.require(viewer, "rollback")
    if not 1 <= limit <= MOST_CONFLICTS:
        raise invalid(ErrorCode.OUT_OF_RANGE, f"first must be 1 to {MOST_CONFLICTS}", "first")
    return await storage.rollbacks.conflicts(viewer.organization_id, run_id, after, limit)


async def _set(
    viewer: Viewer, storage: Storage, table_id: UUID | None, target: RowTarget
) -> Written:
    if table_id is None:
        table_id = await _table_of(viewer, storage, target.row_id)

    async def work(shape: TableShape) -> Written:
        return await storage.rollbacks.set_rows(shape, viewer.actor, _cause(target), [target])

    return await on_table(viewer, storage, table_id, work)


async def _undo(
    viewer: Viewer,
    storage: Storage,
    shape: TableShape,
    undo: Undo,
    force: bool,
    count: int | None = None,
) -> Outcome:
    if count is None:
        count = await storage.rollbacks.count(shape, undo)
    if count <= INLINE_ROWS:
        done = await storage.rollbacks.undo(shape, viewer.actor, undo, force)
        return Outcome(shape.id, done)
    run = await storage.rollbacks.queue(_new(viewer, shape, undo, force, count))
    return Outcome(shape.id, None, run)


def _new(viewer: Viewer, shape: TableShape, undo: Undo, force: bool, count: int) -> RollbackRun:
    now = datetime.now(UTC)
    return RollbackRun(
        id=ids.new_id(ids.Kind.ROLLBACK),
        organization_id=viewer.organization_id,
        table_id=shape.id,
        undo=undo,
        force=force,
        status=RollbackStatus.QUEUED,
        rows_total=count,
        rows_seen=0,
        rows_deleted=0,
        rows_changed=0,
        rows_restored=0,
        conflict_count=0,
        after_row=None,
        revision=0,
        error=None,
        created_by=viewer.actor,
        created_at=now,
        updated_at=now,
        finished_at=None,
    )


async def _table_of(viewer: Viewer, storage: Storage, row_id: UUID) -> UUID:
    """The table that a row's id names, also of a deleted row."""
    shape = None
    if ids.kind_of(row_id) is ids.Kind.ROW:
        number = ids.table_number_of(row_id)
        shape = await storage.tables.shape_by_number(viewer.organization_id, number)
    if shape is None:
        raise NotFound("Row")
    return shape.id


def _cause(target: RowTarget) -> Cause:
    row_id = str(target.row_id)
    undone = row_id if target.version is None else ids.entry_id(row_id, target.version)
    return Cause(CauseKind.ROLLBACK, undone)
