"""Cells: a row's value in one column, with its status."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import orjson
import strawberry

from domain import columns, ids
from domain.selection import CellState, cell_status
from gql.context import Info
from gql.scalars import JSON
from gql.types import links as link_types
from gql.types import rows as row_types
from gql.types.columns import Column
from gql.types.node import Node
from gql.types.producers import Citation, Producer
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
        "else RESOLVED. So is a tool's cell that nobody has touched, but READY when it is empty "
        "and all inputs are there."
    )
    def status(self) -> CellStatus:
        return CellStatus(cell_status(self.owner.shape, self.owner.record, self.of_column).value)

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

    @strawberry.field(description="Why it failed.")
    def error(self) -> str | None:
        return self.state.error if self.state else None

    @strawberry.field(description="How much of the work is done, from 0 to 1.")
    def progress(self) -> float | None:
        return self.state.progress if self.state else None

    @strawberry.field(description="How often a tool has tried since the cell was queued.")
    def attempt(self) -> int:
        return self.state.attempt if self.state else 0

    @strawberry.field(description="Who or what made the value; null when nobody kept it.")
    def producer(self) -> Producer | None:
        found = self.state.producer if self.state else None
        return Producer.of(found) if found else None

    @strawberry.field(description="How sure the tool is, from 0 to 1; null when it did not say.")
    def confidence(self) -> float | None:
        return self.state.confidence if self.state else None

    @strawberry.field(description="Where in the inputs the value was found.")
    def citations(self) -> list[Citation]:
        return [Citation.of(each) for each in (self.state.citations if self.state else ())]

    @strawberry.field(description="The last run that took the cell.")
    def run_id(self) -> strawberry.ID | None:
        run_id = self.state.run_id if self.state else None
        return None if run_id is None else strawberry.ID(run_id)

    @strawberry.field(description="Tokens that the question took.")
    def input_tokens(self) -> int | None:
        return self.state.input_tokens if self.state else None

    @strawberry.field(description="Tokens that the answer took.")
    def output_tokens(self) -> int | None:
        return self.state.output_tokens if self.state else None

    @strawberry.field(description="US dollars that the answer cost; null when no price is known.")
    def cost(self) -> JSON | None:
        cost = self.state.cost if self.state else None
        return None if cost is None else JSON(cost.normalize())

    @strawberry.field(description="The answer as it came, before it was read as a value.")
    def raw(self) -> str | None:
        return self.state.raw if self.state else None

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
