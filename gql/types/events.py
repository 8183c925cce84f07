"""Events of streams. One change is one event, so a client that keeps the last `revision` loses
nothing."""

from datetime import datetime
from typing import Annotated, Any, TypeAlias

import orjson
import strawberry

from domain import ids
from domain.changes import Change, OrganizationChange
from domain.columns import TableShape
from gql.context import Info
from gql.scalars import JSON
from gql.types.causes import ChangeCause
from gql.types.columns import Column
from gql.types.rows import Row
from gql.types.tables import Table
from gql.types.vocabulary import (
    CellStatus,
    OrganizationChangeKind,
    ResetReason,
    RowsLeftReason,
    StreamState,
)
from realtime.events import Started


@strawberry.interface(description="A change of a table, numbered without holes.")
class ChangeEvent:
    revision: int = strawberry.field(
        description="The table's revision. Resume with the last one seen as `after`."
    )
    at: datetime = strawberry.field(description="When it was committed; never before earlier ones.")
    actor: str = strawberry.field(description="Who made it: the id of an API key, or a name.")
    cause: ChangeCause = strawberry.field(description="What brought it about.")


def change_fields(change: Change) -> dict[str, Any]:
    """The fields of the interface."""
    return {
        "revision": change.revision,
        "at": change.at,
        "actor": change.actor,
        "cause": ChangeCause.of(change.cause),
    }


@strawberry.type(
    description="How a stream begins, or goes on after a gap. Nothing behind `revision` is missed."
)
class StreamStarted:
    revision: int = strawberry.field(description="Every change after this revision follows.")
    state: StreamState = strawberry.field(description="Whether you must fetch again.")
    reset_reason: ResetReason | None = strawberry.field(description="Why, when the state is RESET.")

    @classmethod
    def of(cls, started: Started) -> "StreamStarted":
        return cls(
            revision=started.revision,
            state=StreamState(started.state),
            reset_reason=ResetReason(started.reason) if started.reason else None,
        )


_RECOMPUTE = (
    "The keys of computed columns that depend on time or on other rows. They are null in the rows "
    "of this event, and any row of the table may show another value now."
)


@strawberry.type(description="Rows were added.")
class RowsAdded(ChangeEvent):
    rows: list[Row] = strawberry.field(description="The new rows; of a filter, those that match.")
    recompute: list[str] = strawberry.field(description=_RECOMPUTE)


@strawberry.type(description="Rows changed.")
class RowsChanged(ChangeEvent):
    rows: list[Row] = strawberry.field(
        description="The rows as they are after the change; of a filter, those that matched and "
        "still match."
    )
    columns: list[str] = strawberry.field(
        description="The keys of the columns in which any of them changed."
    )
    entered: list[Row] = strawberry.field(
        description="Of a filter: rows of the same change that match now and did not before."
    )
    left: list[strawberry.ID] = strawberry.field(
        description="Of a filter: rows of the same change that matched before and do not now."
    )
    recompute: list[str] = strawberry.field(description=_RECOMPUTE)


@strawberry.type(description="Of a filter: rows changed and match now.")
class RowsEntered(ChangeEvent):
    rows: list[Row] = strawberry.field(description="The whole rows.")
    recompute: list[str] = strawberry.field(description=_RECOMPUTE)


@strawberry.type(description="Of a filter: rows that matched are gone from it.")
class RowsLeft(ChangeEvent):
    row_ids: list[strawberry.ID] = strawberry.field(description="The rows that left.")
    reason: RowsLeftReason = strawberry.field(description="Whether they still exist.")
    recompute: list[str] = strawberry.field(description=_RECOMPUTE)


@strawberry.type(description="Rows were deleted.")
class RowsDeleted(ChangeEvent):
    row_ids: list[strawberry.ID] = strawberry.field(description="The rows that are gone.")
    recompute: list[str] = strawberry.field(description=_RECOMPUTE)


@strawberry.type(description="A cell that moved from one status to another.")
class CellChange:
    cell_id: strawberry.ID = strawberry.field(description="The id of the cell.")
    row_id: strawberry.ID = strawberry.field(description="The row that it belongs to.")
    column: str = strawberry.field(description="The key of its column.")
    column_id: strawberry.ID = strawberry.field(description="The id of its column.")
    previous_status: CellStatus = strawberry.field(description="Where it stood.")
    status: CellStatus = strawberry.field(description="Where it stands.")
    value: JSON | None = strawberry.field(
        description="Its value after the change, when the same change wrote it."
    )
    error: str | None = strawberry.field(description="Why it failed, as its worker said.")
    progress: float | None = strawberry.field(description="How much is done, from 0 to 1.")


def cell_change(
    shape: TableShape,
    row_id: Any,
    column_number: int,
    statuses: tuple[str, str],
    value: str | None = None,
    error: str | None = None,
    progress: float | None = None,
) -> CellChange:
    """A move of a cell; `value` is JSON text."""
    column = shape.columns_by_number[column_number]
    return CellChange(
        cell_id=strawberry.ID(ids.cell_id(str(row_id), column_number)),
        row_id=strawberry.ID(str(row_id)),
        column=column.key,
        column_id=strawberry.ID(str(column.id)),
        previous_status=CellStatus(statuses[0]),
        status=CellStatus(statuses[1]),
        value=None if value is None else JSON(orjson.Fragment(value)),
        error=error,
        progress=progress,
    )


@strawberry.type(description="An outside worker reported on cells.")
class CellsChanged(ChangeEvent):
    cells: list[CellChange] = strawberry.field(
        description="The cells that moved; of a filter, those of rows that match."
    )
    rows: list[Row] = strawberry.field(
        description="The rows whose values changed with it; of a filter, those that matched and "
        "still match."
    )
    entered: list[Row] = strawberry.field(
        description="Of a filter: rows of the same change that match now and did not before."
    )
    left: list[strawberry.ID] = strawberry.field(
        description="Of a filter: rows of the same change that matched before and do not now."
    )
    recompute: list[str] = strawberry.field(description=_RECOMPUTE)


@strawberry.type(description="Columns were added, changed, deleted or put in another order.")
class ColumnsChanged(ChangeEvent):
    table_id: strawberry.Private[Any]
    added: list[strawberry.ID] = strawberry.field(description="Columns that were made.")
    changed: list[strawberry.ID] = strawberry.field(description="Columns whose settings changed.")
    deleted: list[strawberry.ID] = strawberry.field(description="Columns that are gone.")

    @strawberry.field(description="All columns in order, as they are now.")
    async def current_columns(self, info: Info) -> list[Column]:
        found = await info.context.loaders.columns_of_table.load(self.table_id)
        return [Column.of(column) for column in found]


@strawberry.type(description="Something about the table itself changed; its rows did not.")
class TableChanged(ChangeEvent):
    table_id: strawberry.Private[Any]
    fields: list[str] = strawberry.field(
        description="What changed: name, description, project_id, charts. Empty when the table was "
        "made, or an import or rollback ended."
    )

    @strawberry.field(description="The table as it is now; null when it is gone.")
    async def table(self, info: Info) -> Table | None:
        table = await info.context.loaders.tables.load(self.table_id)
        return Table.of(table) if table else None


@strawberry.type(description="The table was deleted. Nothing follows.")
class TableDeleted(ChangeEvent):
    table_id: strawberry.ID = strawberry.field(description="The table that is gone.")


@strawberry.type(
    description="More than 1,000 rows or 256 kB changed at once: fetch again what you show."
)
class BulkChanged(ChangeEvent):
    rows_added: int = strawberry.field(description="How many rows were added.")
    rows_changed: int = strawberry.field(description="How many rows changed.")
    rows_deleted: int = strawberry.field(description="How many rows were deleted.")
    columns: list[str] = strawberry.field(
        description="The keys of all columns: any of them may have changed."
    )


TableEvent: TypeAlias = Annotated[
    StreamStarted
    | RowsAdded
    | RowsChanged
    | RowsEntered
    | RowsLeft
    | RowsDeleted
    | CellsChanged
    | ColumnsChanged
    | TableChanged
    | TableDeleted
    | BulkChanged,
    strawberry.union(
        "TableEvent",
        description="What `tableChanged` sends. No other kinds will be added silently.",
    ),
]


@strawberry.type(description="Statuses of cells that moved in one change.")
class CellStatusesChanged(ChangeEvent):
    cells: list[CellChange] = strawberry.field(description="The cells, row by row.")


CellStatusEvent: TypeAlias = Annotated[
    StreamStarted | CellStatusesChanged | BulkChanged | TableDeleted,
    strawberry.union("CellStatusEvent", description="What `cellStatusChanged` sends."),
]


@strawberry.type(description="Something in the organisation changed.")
class OrganizationChanged:
    revision: int = strawberry.field(
        description="The organisation's revision. Resume with the last one seen as `after`."
    )
    at: datetime = strawberry.field(description="When it was committed.")
    actor: str = strawberry.field(description="Who made it: the id of an API key, or a name.")
    kind: OrganizationChangeKind = strawberry.field(description="What happened.")
    subject_id: strawberry.ID = strawberry.field(
        description="What it is about: a project, table, key, workflow, schema, file or the like."
    )
    details: JSON = strawberry.field(description="More of it, such as names. Never secrets.")

    @classmethod
    def of(cls, change: OrganizationChange) -> "OrganizationChanged":
        return cls(
            revision=change.revision,
            at=change.at,
            actor=change.actor,
            kind=OrganizationChangeKind(change.kind.value),
            subject_id=strawberry.ID(str(change.subject_id)),
            details=JSON(change.details),
        )


OrganizationEvent: TypeAlias = Annotated[
    StreamStarted | OrganizationChanged,
    strawberry.union("OrganizationEvent", description="What `organizationChanged` sends."),
]
