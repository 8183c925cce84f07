"""Tables, and pages of their rows."""

import asyncio
import dataclasses
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, cast

import strawberry

from domain import access, column_types, entities, filters
from domain.columns import TableShape
from domain.paging import PageRequest, page_request
from domain.rows import MAX_ROWS, read_rows
from domain.selection import RowRecord, RowsPage, RowsQuery
from gql.compiled.rows import ConnectionPlan, edges_json, plan_connection
from gql.context import Info
from gql.paging import PageInfo, page_info
from gql.types import projects as project_types
from gql.types import rows as row_types
from gql.types import triggers as trigger_types
from gql.types.columns import Column
from gql.types.exports import TableExport
from gql.types.filters import RowFilter, RowSortInput, raw_filter, raw_sorts
from gql.types.history import AsOfInput, TableHistory, as_of_revision
from gql.types.node import Node
from gql.types.sessions import Session
from gql.types.table_figures import TableFigures
from gql.types.vocabulary import TableSource

if TYPE_CHECKING:
    from gql.types.projects import Project
    from gql.types.rows import Row
    from gql.types.triggers import Trigger

_FROM_PAGE = ("revision", "rowCount")

_First = Annotated[
    int | None, strawberry.argument(description="How many from the start, 0 to 1,000.")
]
_After = Annotated[str | None, strawberry.argument(description="Only rows behind this cursor.")]
_Last = Annotated[int | None, strawberry.argument(description="How many from the end, 0 to 1,000.")]
_Before = Annotated[str | None, strawberry.argument(description="Only rows before this cursor.")]


@strawberry.type(description="A row and its cursor.")
class RowEdge:
    cursor: str = strawberry.field(
        description="The row's place in this order, for `after` and `before`. Opaque."
    )
    node: Annotated["Row", strawberry.lazy("gql.types.rows")] = strawberry.field(
        description="The row."
    )


@strawberry.type(description="A page of rows.")
class RowConnection:
    page: strawberry.Private[RowsPage]
    request: strawberry.Private[PageRequest]
    shape: strawberry.Private[TableShape]
    plan: strawberry.Private[ConnectionPlan]

    @strawberry.field(description="The rows of the page.")
    def nodes(self) -> list[Annotated["Row", strawberry.lazy("gql.types.rows")]]:
        texts = _texts(self.page)
        return self._rows() if texts is None else row_types.spliced_rows(texts)

    @strawberry.field(description="The rows of the page with their cursors.")
    def edges(self) -> list[RowEdge]:
        texts = _texts(self.page)
        if texts is not None and self.plan.edges is not None:
            edges = edges_json(self.plan.edges, texts, list(self.page.cursors))
            return cast("list[RowEdge]", row_types.spliced_rows(edges))
        cursors = self.page.cursors or [""] * len(self.page.rows)
        return [
            RowEdge(cursor=cursor, node=row)
            for cursor, row in zip(cursors, self._rows(), strict=True)
        ]

    @strawberry.field(description="Where the page lies.")
    def page_info(self) -> PageInfo:
        return page_info(self.request, self.page)

    @strawberry.field(description="How many rows match on all pages. Counted only when selected.")
    def total_count(self) -> int | None:
        return self.page.total

    @strawberry.field(
        description="The table's revision of which these rows are; `tableChanged` after it goes on."
    )
    def revision(self) -> int:
        return self.page.revision

    def _rows(self) -> list["row_types.Row"]:
        return [
            row_types.Row.of(row, self.shape)
            for row in self.page.rows
            if isinstance(row, RowRecord)
        ]


def _texts(page: RowsPage) -> list[str] | None:
    """The rows as JSON texts, None when they are records."""
    texts = [row for row in page.rows if isinstance(row, str)]
    return texts if len(texts) == len(page.rows) else None


@strawberry.type(description="A table: columns, rows, and a revision that counts its changes.")
class Table(TableHistory, TableExport, TableFigures, Node):
    record: strawberry.Private[entities.Table]
    snapshot: strawberry.Private["asyncio.Future[RowsPage] | None"] = None
    name: str = strawberry.field(description="1 to 256 characters.")
    description: str | None = strawberry.field(description="At most 1,024 characters.")
    source: TableSource = strawberry.field(description="Where it came from.")
    created_at: datetime = strawberry.field(description="When it was made.")
    updated_at: datetime = strawberry.field(description="When it was last changed; rows aside.")

    @strawberry.field(description="The project that it belongs to.")
    async def project(
        self, info: Info
    ) -> Annotated["Project", strawberry.lazy("gql.types.projects")] | None:
        if self.record.project_id is None:
            return None
        project = await info.context.loaders.projects.load(self.record.project_id)
        return project_types.Project.of(project) if project else None

    @strawberry.field(description="Its columns in order, at most 500.")
    async def columns(self, info: Info) -> list[Column]:
        found = await info.context.loaders.columns_of_table.load(self.record.id)
        return [Column.of(column) for column in found]

    @strawberry.field(description="Its sessions, oldest first.")
    async def sessions(self, info: Info) -> list[Session]:
        found = await info.context.loaders.sessions_of_table.load(self.record.id)
        return [Session.of(session) for session in found]

    @strawberry.field(description="Its triggers, oldest first; at most 100.")
    async def triggers(
        self, info: Info
    ) -> list[Annotated["Trigger", strawberry.lazy("gql.types.triggers")]]:
        access.require(info.context.viewer, "triggers")
        found = await info.context.loaders.triggers_of_table.load(self.record.id)
        return [trigger_types.Trigger.of(trigger) for trigger in found]

    @strawberry.field(
        description="Columns that were deleted and can be restored, the last deleted first; what a "
        "column was before its type changed too."
    )
    async def deleted_columns(self, info: Info) -> list[Column]:
        context = info.context
        found = await column_types.deleted_columns(context.viewer, context.storage, self.record.id)
        return [Column.of(column) for column in found]

    @strawberry.field(
        description="How many rows it has. Beside one `rows` it is of the same moment as the page."
    )
    async def row_count(self) -> int:
        page = await self._page()
        return page.row_count if page else self.record.row_count

    @strawberry.field(
        description="The number of its last change. Beside one `rows` it is of the same moment as "
        "the page, so that `tableChanged(after: revision)` neither loses nor doubles a change."
    )
    async def revision(self) -> int:
        page = await self._page()
        return page.revision if page else self.record.revision

    @strawberry.field(
        description="A page of rows: the first 50 unless `first` or `last` say otherwise."
    )
    async def rows(
        self,
        info: Info,
        first: _First = None,
        after: _After = None,
        last: _Last = None,
        before: _Before = None,
        filter: Annotated[
            RowFilter | None, strawberry.argument(description="Only rows that match.")
        ] = None,
        sort: Annotated[
            list[RowSortInput] | None,
            strawberry.argument(description="At most 5 keys; without any by position."),
        ] = None,
        search: Annotated[
            str | None,
            strawberry.argument(description="Only rows with this text in some cell, in any case."),
        ] = None,
        as_of: Annotated[
            AsOfInput | None,
            strawberry.argument(description="The rows as they were then, not as they are now."),
        ] = None,
    ) -> RowConnection | None:
        request = page_request(first, after, last, before, maximum=MAX_ROWS)
        past = await as_of_revision(info, self.id, as_of)
        plan = plan_connection(info.context.executor, info._raw_info.field_nodes)
        shapes: list[TableShape] = []

        def query(shape: TableShape) -> RowsQuery:
            shapes.append(shape)
            bind = filters.bind_current if past is None else filters.bind
            return RowsQuery(
                selection=plan.rows(shape),
                page=request,
                filter=bind(shape, raw_filter(filter)) if filter else None,
                sorts=filters.bind_sorts(shape, raw_sorts(sort)),
                search=filters.accept_search(search),
                wants_total=plan.wants_total,
                wants_cursors=plan.wants_cursors,
                as_of=past,
            )

        page = await read_rows(info.context.viewer, info.context.storage, self.record.id, query)
        if self.snapshot is not None and not self.snapshot.done():
            self.snapshot.set_result(page)
        return RowConnection(page=page, request=request, shape=shapes[-1], plan=plan)

    def asked_for(self, fields: Sequence[str]) -> "Table":
        """This table for one place in the query. Where exactly one page of rows is asked for, the
        figures beside it wait for that page, so that all come from one statement."""
        if fields.count("rows") != 1 or not any(name in fields for name in _FROM_PAGE):
            return self
        snapshot: asyncio.Future[RowsPage] = asyncio.get_running_loop().create_future()
        return dataclasses.replace(self, snapshot=snapshot)

    async def _page(self) -> RowsPage | None:
        if self.snapshot is None:
            return None
        try:
            return await asyncio.shield(self.snapshot)
        except asyncio.CancelledError:
            if not self.snapshot.cancelled():
                raise
            return None

    @classmethod
    def of(cls, table: entities.Table) -> "Table":
        return cls(
            record=table,
            id=strawberry.ID(str(table.id)),
            name=table.name,
            description=table.description,
            source=TableSource(table.source),
            created_at=table.created_at,
            updated_at=table.updated_at,
        )
