"""Cells: a row's value in one column, with its status."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import orjson
import strawberry

from domain import columns, ids
from domain.cells import CellStatus as Status
from domain.selection import CellState
from gql.context import Info
from gql.scalars import JSON
from gql.types import links as link_types
from gql.types import rows as row_types
from gql.types.columns import Column
from gql.types.node import Node
from gql.types.vocabulary import CellStatus

if TYPE_CHECKING:
    from gql.types.links import LinkedRowConnection
    from gql.types.rows import Row


@strawberry.type(description="A row's value in one column, and how far it is.")
class Cell(Node):
    owner: strawberry.Private["row_types.Row"]
    of_column: strawberry.Private[columns.Column]
    json: strawberry.Private[str | None]
    state: strawberry.Private[CellState | None]

    @strawberry.field(description="The row that it belongs to.")
    def row(self) -> Annotated["Row", strawberry.lazy("gql.types.rows")]:
        return self.owner

    @strawberry.field(description="The id of the row.")
    def row_id(self) -> strawberry.ID:
        return self.owner.id

    @strawberry.field(description="The column that it belongs to.")
    def column(self) -> Column:
        return Column.of(self.of_column)

    @strawberry.field(description="The id of the column.")
    def column_id(self) -> strawberry.ID:
        return strawberry.ID(str(self.of_column.id))

    @strawberry.field(
        description="Where it stands. A cell that people fill is INITIALIZED when it is empty, "
        "else RESOLVED."
    )
    def status(self) -> CellStatus:
        if self.of_column.computed_by:
            return CellStatus(self.state.status if self.state else Status.INITIALIZED.value)
        return CellStatus.INITIALIZED if self.json is None else CellStatus.RESOLVED

    @strawberry.field(description="The value in the form of its column's type; null when empty.")
    def value(self) -> JSON | None:
        return None if self.json is None else JSON(orjson.Fragment(self.json))

    @strawberry.field(
        description="The rows that a relation leads to, a page at a time; null in other columns."
    )
    async def linked_rows(
        self,
        info: Info,
        first: Annotated[
            int | None, strawberry.argument(description="How many, 0 to 1,000; 50 without it.")
        ] = None,
        after: Annotated[
            str | None, strawberry.argument(description="Only those behind this cursor.")
        ] = None,
    ) -> Annotated["LinkedRowConnection", strawberry.lazy("gql.types.links")] | None:
        return await link_types.linked_rows(info, self.of_column, self.json, first, after)

    @strawberry.field(description="Why it failed, as its worker said.")
    def error(self) -> str | None:
        return self.state.error if self.state else None

    @strawberry.field(description="How much of the work is done, from 0 to 1.")
    def progress(self) -> float | None:
        return self.state.progress if self.state else None

    @strawberry.field(description="When its status changed, or else when its row did.")
    def updated_at(self) -> datetime:
        return self.state.updated_at if self.state else self.owner.updated_at


def cell_of(row: "row_types.Row", column: columns.Column, index: int) -> Cell:
    """The cell of a row in the column at `index` of the row's shape."""
    state = row.record.states.get(column.number) if column.stateful else None
    return Cell(
        id=strawberry.ID(ids.cell_id(row.id, column.number)),
        owner=row,
        of_column=column,
        json=row.record.values[index],
        state=state,
    )
