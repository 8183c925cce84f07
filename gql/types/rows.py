"""Rows, for what the compiled form cannot show; lists of plain rows do not come this way."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import orjson
import strawberry

from domain.columns import TableShape
from domain.paging import page_request
from domain.rows import MAX_ROWS
from domain.selection import RowRecord
from gql.compiled.rows import plan_connection
from gql.context import Info, given_id
from gql.links import LinkedFrom
from gql.scalars import JSON
from gql.types import cells as cell_types
from gql.types import reviews as review_types
from gql.types import tables as table_types
from gql.types.history import RowHistory
from gql.types.node import Node
from gql.types.sessions import Session

if TYPE_CHECKING:
    from gql.types.cells import Cell
    from gql.types.reviews import RowExtraction
    from gql.types.tables import RowConnection, Table


@strawberry.type(description="A row of a table.")
class Row(RowHistory, Node):
    record: strawberry.Private[RowRecord]
    shape: strawberry.Private[TableShape]
    version: int = strawberry.field(description="1 when added, and one more with every change.")
    position: int = strawberry.field(description="Its place in the order of adding, from 0.")
    created_by: str = strawberry.field(description="Who added it: the id of an API key, or a name.")
    created_at: datetime = strawberry.field(description="When it was added.")
    updated_at: datetime = strawberry.field(description="When it was last changed.")

    @strawberry.field(
        description="Its values by column key, null where empty, then keys without a column. "
        "The fast way to read rows."
    )
    def data(self) -> JSON:
        return JSON(orjson.Fragment(data_json(self.shape, self.record)))

    @strawberry.field(description="Its cells in the order of the columns.")
    def cells(self) -> list[Annotated["Cell", strawberry.lazy("gql.types.cells")]]:
        return [
            cell_types.cell_of(self, column, index)
            for index, column in enumerate(self.shape.columns)
        ]

    @strawberry.field(description="Its cell in the column with this key; null without one.")
    def cell(
        self,
        column: Annotated[str, strawberry.argument(description="The key of the column.")],
    ) -> Annotated["Cell", strawberry.lazy("gql.types.cells")] | None:
        for index, each in enumerate(self.shape.columns):
            if each.key == column:
                return cell_types.cell_of(self, each, index)
        return None

    @strawberry.field(description="The table that it belongs to; null when that was deleted.")
    async def table(
        self, info: Info
    ) -> Annotated["Table", strawberry.lazy("gql.types.tables")] | None:
        table = await info.context.loaders.tables.load(self.shape.id)
        return table_types.Table.of(table) if table else None

    @strawberry.field(
        description="Where it was read, if it came from a file, and whether it was accepted."
    )
    async def extraction(
        self, info: Info
    ) -> Annotated["RowExtraction", strawberry.lazy("gql.types.reviews")] | None:
        key = (self.shape.id, self.record.id)
        found = await info.context.loaders.extraction_of_row.load(key)
        return review_types.RowExtraction.of(found) if found else None

    @strawberry.field(description="The session that it belongs to.")
    async def session(self, info: Info) -> Session | None:
        for session in await info.context.loaders.sessions_of_table.load(self.shape.id):
            if session.id == self.record.session_id:
                return Session.of(session)
        return None

    @strawberry.field(
        description="The rows of a table that lead to this one through a relation, by position; "
        "null when there is no such table."
    )
    async def linked_from(
        self,
        info: Info,
        table_id: Annotated[strawberry.ID, strawberry.argument(description="The table.")],
        column: Annotated[
            str, strawberry.argument(description="The key of its column, a relation.")
        ],
        first: Annotated[
            int | None, strawberry.argument(description="How many, 0 to 1,000; 50 without it.")
        ] = None,
        after: Annotated[
            str | None, strawberry.argument(description="Only rows behind this cursor.")
        ] = None,
    ) -> Annotated["RowConnection", strawberry.lazy("gql.types.tables")] | None:
        nodes = info._raw_info.field_nodes
        plan = info.context.once(nodes, lambda: plan_connection(info.context.executor, nodes))
        request = page_request(first, after, maximum=MAX_ROWS)
        asked = LinkedFrom(given_id(table_id), column, self.record.id, request, plan)
        found = await info.context.links.sources.load(asked)
        if found is None:
            return None
        page, shape = found
        return table_types.RowConnection(page=page, request=request, shape=shape, plan=plan)

    @classmethod
    def of(cls, record: RowRecord, shape: TableShape) -> "Row":
        return cls(
            record=record,
            shape=shape,
            id=strawberry.ID(str(record.id)),
            version=record.version,
            position=record.position,
            created_by=record.created_by,
            created_at=record.created_at,
            updated_at=record.updated_at,
        )


def data_json(shape: TableShape, record: RowRecord) -> str:
    """The values of a row as one JSON object: columns in order, then keys without a column."""
    members = [
        f"{orjson.dumps(column.key).decode()}:{'null' if value is None else value}"
        for column, value in zip(shape.columns, record.values, strict=True)
    ]
    if record.extra and record.extra != "{}":
        members.append(record.extra[1:-1])
    return "{" + ",".join(members) + "}"


def spliced_rows(texts: list[str]) -> Any:
    """A finished list of rows: it goes into the answer as it is."""
    return orjson.Fragment("[" + ",".join(texts) + "]")


def spliced_row(text: str) -> Any:
    """A finished row."""
    return orjson.Fragment(text)
