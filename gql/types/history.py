"""History of tables and rows, states in the past, and what differs between two of them."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Protocol

import orjson
import strawberry

from domain import history
from domain import history_records as records
from domain.history_records import AsOf, DiffPage, HistoryPage, HistoryQuery, place_cursor
from domain.paging import DEFAULT_PAGE
from gql.context import Info, given_id
from gql.paging import PageInfo
from gql.scalars import JSON
from gql.types.causes import ChangeCause
from gql.types.history_words import HistoryAction, RowChangeKind, RowDiffKind

if TYPE_CHECKING:
    pass


@strawberry.input(description="A moment of a table's past. Give one of both.")
class AsOfInput:
    revision: int | None = strawberry.field(
        default=None, description="The state after this revision."
    )
    at: datetime | None = strawberry.field(
        default=None, description="The state after the last change that was committed by then."
    )


def _as_of(given: AsOfInput) -> AsOf:
    return AsOf(given.revision, given.at)


async def as_of_revision(info: Info, table_id: str, given: AsOfInput | None) -> int | None:
    """The revision to read rows of; None for now."""
    if given is None:
        return None
    return await history.revision_as_of(
        info.context.viewer, info.context.storage, given_id(table_id), _as_of(given)
    )


@strawberry.type(description="A version of a row: what a change made of it.")
class HistoryEntry:
    entry: strawberry.Private[records.HistoryEntry]
    id: strawberry.ID = strawberry.field(description="The id of the entry, for rollbacks. Opaque.")
    row_id: strawberry.ID = strawberry.field(description="The row; perhaps it was deleted since.")
    version: int = strawberry.field(description="The version of the row that it made, from 1.")
    revision: int = strawberry.field(description="The table's revision of the change.")
    action: HistoryAction = strawberry.field(description="What was done.")
    change: RowChangeKind = strawberry.field(
        description="What became of the row, also when a rollback did it."
    )
    changed: list[str] = strawberry.field(
        description="The keys whose values differ between `data` and `previousData`."
    )
    actor: str = strawberry.field(description="Who did it: the id of an API key, or a name.")
    actor_name: str | None = strawberry.field(description="The name of the key that did it.")
    cause: ChangeCause = strawberry.field(description="What brought it about.")
    created_at: datetime = strawberry.field(description="When it was committed.")

    @strawberry.field(
        description="The row's values by column key as of this version; before a deletion those "
        "that it had. Values of columns that were deleted since are there too."
    )
    def data(self) -> JSON:
        return JSON(orjson.Fragment(self.entry.data))

    @strawberry.field(description="The values before; null when the row was not there.")
    def previous_data(self) -> JSON | None:
        return _json(self.entry.previous)

    @classmethod
    def of(cls, entry: records.HistoryEntry) -> "HistoryEntry":
        return cls(
            entry=entry,
            id=strawberry.ID(entry.id),
            row_id=strawberry.ID(str(entry.row_id)),
            version=entry.version,
            revision=entry.revision,
            action=HistoryAction(entry.action.value),
            change=RowChangeKind(entry.change),
            changed=list(entry.changed),
            actor=entry.actor,
            actor_name=entry.actor_name,
            cause=ChangeCause.of(entry.cause),
            created_at=entry.at,
        )


@strawberry.type(description="An entry of history and its cursor.")
class HistoryEdge:
    cursor: str = strawberry.field(description="The entry's place, for `after`. Opaque.")
    node: HistoryEntry = strawberry.field(description="The entry.")


@strawberry.type(description="A page of history, the newest entry first.")
class HistoryConnection:
    page: strawberry.Private[HistoryPage]
    behind: strawberry.Private[bool]

    @strawberry.field(description="The entries of the page.")
    def nodes(self) -> list[HistoryEntry]:
        return [HistoryEntry.of(entry) for entry in self.page.entries]

    @strawberry.field(description="The entries with their cursors.")
    def edges(self) -> list[HistoryEdge]:
        return [
            HistoryEdge(cursor=cursor, node=HistoryEntry.of(entry))
            for cursor, entry in zip(self._cursors(), self.page.entries, strict=True)
        ]

    @strawberry.field(description="Where the page lies; next pages hold older entries.")
    def page_info(self) -> PageInfo:
        return _page_info(self._cursors(), self.page.has_more, self.behind)

    def _cursors(self) -> list[str]:
        return [place_cursor(entry.revision, entry.row_id) for entry in self.page.entries]


@strawberry.type(description="A value that differs between two states of a table.")
class CellDiff:
    column: str = strawberry.field(description="The key of the column, or one without a column.")
    before: JSON | None = strawberry.field(description="The value in the first state.")
    after: JSON | None = strawberry.field(description="The value in the second state.")


@strawberry.type(description="A row that differs between two states of a table.")
class RowDiff:
    diff: strawberry.Private[records.RowDiff]
    row_id: strawberry.ID = strawberry.field(description="The row.")
    kind: RowDiffKind = strawberry.field(description="Whether it was added, removed or changed.")

    @strawberry.field(description="Its values in the first state; null when it was not there.")
    def before(self) -> JSON | None:
        return _json(self.diff.before)

    @strawberry.field(description="Its values in the second state; null when it is not there.")
    def after(self) -> JSON | None:
        return _json(self.diff.after)

    @strawberry.field(description="The values that differ.")
    def cells(self) -> list[CellDiff]:
        return [
            CellDiff(column=cell.key, before=_json(cell.before), after=_json(cell.after))
            for cell in self.diff.cells
        ]


@strawberry.type(description="A row that differs, and its cursor.")
class RowDiffEdge:
    cursor: str = strawberry.field(description="Its place, for `after` between the same states.")
    node: RowDiff = strawberry.field(description="The row.")


@strawberry.type(description="A page of rows that differ, in the order of the table.")
class RowDiffConnection:
    page: strawberry.Private[DiffPage]
    behind: strawberry.Private[bool]

    @strawberry.field(description="The revision of the first state.")
    def from_revision(self) -> int:
        return self.page.start

    @strawberry.field(description="The revision of the second state.")
    def to_revision(self) -> int:
        return self.page.end

    @strawberry.field(description="The rows of the page.")
    def nodes(self) -> list[RowDiff]:
        return [_row_diff(row) for row in self.page.rows]

    @strawberry.field(description="The rows with their cursors.")
    def edges(self) -> list[RowDiffEdge]:
        return [
            RowDiffEdge(cursor=cursor, node=_row_diff(row))
            for cursor, row in zip(self._cursors(), self.page.rows, strict=True)
        ]

    @strawberry.field(description="Where the page lies.")
    def page_info(self) -> PageInfo:
        return _page_info(self._cursors(), self.page.has_more, self.behind)

    def _cursors(self) -> list[str]:
        return [place_cursor(row.position, row.row_id) for row in self.page.rows]


class _HasId(Protocol):
    @property
    def id(self) -> strawberry.ID: ...


class _HasRecord(Protocol):
    @property
    def id(self) -> strawberry.ID: ...

    @property
    def record(self) -> Any: ...


_First = Annotated[int, strawberry.argument(description="How many, 0 to 500.")]
_After = Annotated[str | None, strawberry.argument(description="Only those behind this cursor.")]


@strawberry.type
class TableHistory:
    """What a table tells of its past."""

    @strawberry.field(
        description="What happened to its rows, the newest first; deleted ones too. Conditions are "
        "joined with AND."
    )
    async def history(
        self: _HasId,
        info: Info,
        first: _First = DEFAULT_PAGE,
        after: _After = None,
        row_id: Annotated[
            strawberry.ID | None, strawberry.argument(description="Only of this row.")
        ] = None,
        actor: Annotated[
            str | None, strawberry.argument(description="Only what this actor did.")
        ] = None,
        action: Annotated[
            HistoryAction | None, strawberry.argument(description="Only entries of this kind.")
        ] = None,
        since: Annotated[
            datetime | None, strawberry.argument(description="Only from this moment on.")
        ] = None,
        until: Annotated[
            datetime | None, strawberry.argument(description="Only up to this moment.")
        ] = None,
    ) -> HistoryConnection | None:
        query = HistoryQuery(
            limit=first,
            after=after,
            row_id=given_id(row_id) if row_id is not None else None,
            actor=actor,
            action=records.HistoryAction(action.value) if action else None,
            since=since,
            until=until,
        )
        return await _history(info, self.id, query)

    @strawberry.field(
        description="The rows that differ between two states of the table, in its order, each with "
        "its values before and after. Columns are those of today."
    )
    async def diff(
        self: _HasId,
        info: Info,
        from_: Annotated[
            AsOfInput, strawberry.argument(name="from", description="The first state.")
        ],
        to: Annotated[
            AsOfInput | None,
            strawberry.argument(description="The second state, the current one by default."),
        ] = None,
        first: _First = DEFAULT_PAGE,
        after: _After = None,
    ) -> RowDiffConnection | None:
        page = await history.diff_rows(
            info.context.viewer,
            info.context.storage,
            given_id(self.id),
            _as_of(from_),
            _as_of(to) if to else None,
            first,
            after,
        )
        return RowDiffConnection(page=page, behind=after is not None)


@strawberry.type
class RowHistory:
    """What a row tells of its past."""

    @strawberry.field(description="What happened to it, the newest first.")
    async def history(
        self: _HasRecord, info: Info, first: _First = DEFAULT_PAGE, after: _After = None
    ) -> HistoryConnection | None:
        query = HistoryQuery(limit=first, after=after, row_id=self.record.id)
        return await _history(info, str(self.record.table_id), query)


async def _history(info: Info, table_id: str, query: HistoryQuery) -> HistoryConnection:
    page = await history.read_history(
        info.context.viewer, info.context.storage, given_id(table_id), query
    )
    return HistoryConnection(page=page, behind=query.after is not None)


def _page_info(cursors: Sequence[str], more: bool, behind: bool) -> PageInfo:
    return PageInfo(
        has_next_page=more,
        has_previous_page=behind,
        start_cursor=cursors[0] if cursors else None,
        end_cursor=cursors[-1] if cursors else None,
    )


def _row_diff(row: records.RowDiff) -> RowDiff:
    return RowDiff(
        diff=row, row_id=strawberry.ID(str(row.row_id)), kind=RowDiffKind(row.kind.value)
    )


def _json(text: str | None) -> JSON | None:
    return None if text is None else JSON(orjson.Fragment(text))
