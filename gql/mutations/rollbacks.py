"""Mutations that go back to an earlier state."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import strawberry

from domain import ids, rollbacks
from domain.errors import DomainError, ErrorCode, NotFound, invalid
from domain.rollback_records import MOST_CONFLICTS
from domain.rollbacks import Outcome, RowsRollback
from domain.row_writes import Written
from gql import lookups
from gql.context import Info, given_id
from gql.types.errors import EXPECTED, UserError, user_errors
from gql.types.rollbacks import Rollback, RollbackConflict, shown_conflicts
from gql.types.rows import Row

_FORCE = "True also undoes what was changed again later, and what came later is lost."


@strawberry.input(description="A row and the version to go back to: give one of both.")
class RowRollbackInput:
    row_id: strawberry.ID | None = strawberry.field(
        default=None, description="The row, with `version`."
    )
    version: int | None = strawberry.field(
        default=None, description="The version whose data it shall have."
    )
    history_entry_id: strawberry.ID | None = strawberry.field(
        default=None, description="An entry of its history, in place of row and version."
    )


@strawberry.input(description="A cell and the version to go back to.")
class CellRollbackInput:
    row_id: strawberry.ID = strawberry.field(description="The row.")
    column: str = strawberry.field(description="The key of the column.")
    version: int = strawberry.field(description="The version of the row that holds the value.")


@strawberry.input(description="A deleted row.")
class RowRestoreInput:
    row_id: strawberry.ID = strawberry.field(description="The row.")


@strawberry.input(description="Rows and the revision to go back to.")
class RowsRollbackInput:
    table_id: strawberry.ID = strawberry.field(description="The table.")
    to_revision: int = strawberry.field(
        description="The rows shall be as they were after this revision."
    )
    row_ids: list[strawberry.ID] | None = strawberry.field(
        default=None, description="1 to 1,000 rows; without it the whole table."
    )
    seen_revision: int | None = strawberry.field(
        default=None,
        description="The last revision that you know of: later changes are kept, and rows where "
        "they are in the way are left alone. Without it everything is undone.",
    )
    force: bool = strawberry.field(default=False, description=_FORCE)


@strawberry.input(description="An import to be undone.")
class ImportRollbackInput:
    import_id: strawberry.ID = strawberry.field(description="The import; it must have ended.")
    force: bool = strawberry.field(default=False, description=_FORCE)


@strawberry.input(description="A run to be undone.")
class RunUndoInput:
    run_id: strawberry.ID = strawberry.field(description="The run; it must have ended.")
    force: bool = strawberry.field(default=False, description=_FORCE)


@strawberry.input(description="An actor whose changes are to be undone.")
class ActorRollbackInput:
    table_id: strawberry.ID = strawberry.field(description="The table.")
    actor: str = strawberry.field(description="As `actor` of history and events names it.")
    since: datetime = strawberry.field(description="Changes from this moment on.")
    force: bool = strawberry.field(default=False, description=_FORCE)


@strawberry.type(description="The answer of `rowRollback`, `cellRollback` and `rowRestore`.")
class RowRollbackPayload:
    written: strawberry.Private[Written | None]
    revision: int | None = strawberry.field(description="The revision of the change.")
    errors: list[UserError] = strawberry.field(description="Why nothing was changed.")

    @strawberry.field(description="The row as it is now.")
    async def row(self, info: Info) -> Row | None:
        if self.written is None:
            return None
        found = await lookups.find_row(info.context, self.written.row_ids[0], lambda _: None)
        return found if isinstance(found, Row) else None


@strawberry.type(
    description="The answer of `rowsRollback`, `importRollback`, `actorRollback` and `runUndo`. "
    "Either the figures are there, or `rollback`, which goes on in the background."
)
class RollbackPayload:
    revision: int | None = strawberry.field(
        description="The table's revision afterwards. Deletions, changes and additions are "
        "revisions of their own."
    )
    rows_deleted: int | None = strawberry.field(description="Rows that were deleted.")
    rows_changed: int | None = strawberry.field(description="Rows that have other values.")
    rows_restored: int | None = strawberry.field(description="Rows that were made again.")
    conflicts: list[RollbackConflict] | None = strawberry.field(
        description="Rows that were left alone, the first 1,000."
    )
    conflict_count: int | None = strawberry.field(description="How many were left alone.")
    rollback: Rollback | None = strawberry.field(
        description="More than 10,000 rows are concerned: ask for `rollback(id)` how far it is."
    )
    errors: list[UserError] = strawberry.field(description="Why nothing was done.")


def _row_payload(written: Written) -> RowRollbackPayload:
    return RowRollbackPayload(written=written, revision=written.revision, errors=[])


def _no_row(error: DomainError) -> RowRollbackPayload:
    return RowRollbackPayload(written=None, revision=None, errors=user_errors(error))


def _payload(outcome: Outcome) -> RollbackPayload:
    done = outcome.done
    return RollbackPayload(
        revision=done.revision if done else None,
        rows_deleted=done.rows_deleted if done else None,
        rows_changed=done.rows_changed if done else None,
        rows_restored=done.rows_restored if done else None,
        conflicts=shown_conflicts(done.conflicts[:MOST_CONFLICTS]) if done else None,
        conflict_count=len(done.conflicts) if done else None,
        rollback=Rollback.of(outcome.run) if outcome.run else None,
        errors=[],
    )


def _nothing(error: DomainError) -> RollbackPayload:
    return RollbackPayload(
        revision=None,
        rows_deleted=None,
        rows_changed=None,
        rows_restored=None,
        conflicts=None,
        conflict_count=None,
        rollback=None,
        errors=user_errors(error),
    )


def _entry(input: RowRollbackInput) -> tuple[UUID, int]:
    """The row and the version that the input names in one of two ways."""
    pair = (input.row_id, input.version)
    if (input.history_entry_id is None) is (pair == (None, None)) or pair.count(None) == 1:
        message = "Give rowId and version, or historyEntryId"
        raise invalid(ErrorCode.INVALID, message, "historyEntryId")
    if input.history_entry_id is None:
        return given_id(input.row_id or ""), input.version or 0
    found = ids.parse_entry_id(input.history_entry_id)
    if found is None:
        raise NotFound("History entry")
    return found


@strawberry.type
class RollbackMutations:
    @strawberry.mutation(
        description="Give a row the data that a version of it has, as a new version. A deleted row "
        "is made again under its id."
    )
    async def row_rollback(
        self,
        info: Info,
        input: Annotated[RowRollbackInput, strawberry.argument(description="The version.")],
    ) -> RowRollbackPayload | None:
        viewer, storage = info.context.viewer, info.context.storage
        try:
            row_id, version = _entry(input)
            written = await rollbacks.roll_back_row(viewer, storage, row_id, version)
        except EXPECTED as error:
            return _no_row(error)
        return _row_payload(written)

    @strawberry.mutation(description="Give one cell the value that a version of its row has.")
    async def cell_rollback(
        self,
        info: Info,
        input: Annotated[CellRollbackInput, strawberry.argument(description="The cell.")],
    ) -> RowRollbackPayload | None:
        try:
            written = await rollbacks.roll_back_cell(
                info.context.viewer,
                info.context.storage,
                given_id(input.row_id),
                input.column,
                input.version,
            )
        except EXPECTED as error:
            return _no_row(error)
        return _row_payload(written)

    @strawberry.mutation(description="Make a deleted row again, as it was before.")
    async def row_restore(
        self,
        info: Info,
        input: Annotated[RowRestoreInput, strawberry.argument(description="The row.")],
    ) -> RowRollbackPayload | None:
        try:
            written = await rollbacks.restore_row(
                info.context.viewer, info.context.storage, given_id(input.row_id)
            )
        except EXPECTED as error:
            return _no_row(error)
        return _row_payload(written)

    @strawberry.mutation(
        description="Bring a table, or some of its rows, back to how it was after a revision."
    )
    async def rows_rollback(
        self,
        info: Info,
        input: Annotated[RowsRollbackInput, strawberry.argument(description="Where to.")],
    ) -> RollbackPayload | None:
        row_ids = None
        if input.row_ids is not None:
            row_ids = [given_id(each, index) for index, each in enumerate(input.row_ids)]
        command = RowsRollback(
            given_id(input.table_id), input.to_revision, row_ids, input.seen_revision, input.force
        )
        try:
            outcome = await rollbacks.roll_back_rows(
                info.context.viewer, info.context.storage, command
            )
        except EXPECTED as error:
            return _nothing(error)
        return _payload(outcome)

    @strawberry.mutation(
        description="Undo an import: rows that it added go, values that it wrote over come back."
    )
    async def import_rollback(
        self,
        info: Info,
        input: Annotated[ImportRollbackInput, strawberry.argument(description="The import.")],
    ) -> RollbackPayload | None:
        try:
            outcome = await rollbacks.roll_back_import(
                info.context.viewer,
                info.context.storage,
                given_id(input.import_id),
                force=input.force,
            )
        except EXPECTED as error:
            return _nothing(error)
        return _payload(outcome)

    @strawberry.mutation(
        description="Undo a run: its cells get back the values and statuses that they had before."
    )
    async def run_undo(
        self,
        info: Info,
        input: Annotated[RunUndoInput, strawberry.argument(description="The run.")],
    ) -> RollbackPayload | None:
        try:
            outcome = await rollbacks.roll_back_run(
                info.context.viewer,
                info.context.storage,
                given_id(input.run_id),
                force=input.force,
            )
        except EXPECTED as error:
            return _nothing(error)
        return _payload(outcome)

    @strawberry.mutation(
        description="Undo everything that one actor did to the rows of a table since a moment."
    )
    async def actor_rollback(
        self,
        info: Info,
        input: Annotated[ActorRollbackInput, strawberry.argument(description="The actor.")],
    ) -> RollbackPayload | None:
        try:
            outcome = await rollbacks.roll_back_actor(
                info.context.viewer,
                info.context.storage,
                given_id(input.table_id),
                input.actor,
                input.since,
                force=input.force,
            )
        except EXPECTED as error:
            return _nothing(error)
        return _payload(outcome)
