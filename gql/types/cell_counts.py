"""How many cells stand where."""

import strawberry

from domain import cells
from gql.types.vocabulary import CellStatus


@strawberry.type(description="How many cells of a column have a status.")
class CellCount:
    column: str = strawberry.field(description="The key of the column.")
    status: CellStatus = strawberry.field(description="Where they stand.")
    count: int = strawberry.field(description="How many there are.")

    @classmethod
    def of(cls, found: cells.CellCount) -> "CellCount":
        return cls(
            column=found.column.key,
            status=CellStatus(found.status.value),
            count=found.count,
        )
