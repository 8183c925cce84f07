"""The mutation with which outside workers report."""

from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

import strawberry

from domain import ids
from domain.cell_reports import CellsReport, RawReport, report_cells
from domain.errors import NotFound
from domain.selection import RowRecord
from gql.context import Info, given_id
from gql.lookups import read_by_ids
from gql.scalars import JSON
from gql.types.cells import Cell, cell_of
from gql.types.errors import EXPECTED, UserError, user_errors
from gql.types.rows import Row
from gql.types.vocabulary import CellStatus


@strawberry.input(description="What a worker says about one cell.")
class CellReportInput:
    row_id: strawberry.ID = strawberry.field(description="The row.")
    column: str = strawberry.field(
        description="The key of a column that is `computedBy: EXTERNAL`."
    )
    status: CellStatus = strawberry.field(
        description="Where the cell stands now; must be a legal move."
    )
    value: strawberry.Maybe[JSON | None] = strawberry.field(
        description="With RESOLVED: the value, null for empty. Absent leaves the value."
    )
    error: str | None = strawberry.field(
        default=None, description="With ERROR: why, at most 4,000 characters."
    )
    progress: float | None = strawberry.field(
        default=None, description="How much of the work is done, from 0 to 1."
    )


@strawberry.input(description="Reports on cells of one table, all or none.")
class CellsReportInput:
    table_id: strawberry.ID = strawberry.field(description="The table.")
    cells: list[CellReportInput] = strawberry.field(description="1 to 1,000 cells, each once.")


@strawberry.type(description="The answer of `cellsReport`.")
class CellsReportPayload:
    table_id: strawberry.Private[UUID | None]
    reported: strawberry.Private[Sequence[RawReport]]
    revision: int | None = strawberry.field(description="The revision of the change.")
    errors: list[UserError] = strawberry.field(description="Why nothing was changed.")

    @strawberry.field(description="The cells in the order of the request, as they are now.")
    async def cells(self, info: Info) -> list[Cell] | None:
        if self.table_id is None:
            return None
        row_ids = {ids.parse(report.row_id): None for report in self.reported}
        wanted = [row_id for row_id in row_ids if row_id is not None]
        try:
            shape, found = await read_by_ids(info.context, self.table_id, wanted, lambda _: None)
        except NotFound:
            return None  # deleted since
        rows = {str(row.id): Row.of(row, shape) for row in found if isinstance(row, RowRecord)}
        places = {column.key: (index, column) for index, column in enumerate(shape.columns)}
        return [
            cell_of(rows[report.row_id], places[report.column][1], places[report.column][0])
            for report in self.reported
            if report.row_id in rows and report.column in places
        ]


@strawberry.type
class CellMutations:
    @strawberry.mutation(description="Move cells that an outside worker fills, in one revision.")
    async def cells_report(
        self,
        info: Info,
        input: Annotated[CellsReportInput, strawberry.argument(description="The reports.")],
    ) -> CellsReportPayload | None:
        table_id = given_id(input.table_id)
        reports = [_report(each) for each in input.cells]
        try:
            written = await report_cells(
                info.context.viewer, info.context.storage, CellsReport(table_id, reports)
            )
        except EXPECTED as error:
            return CellsReportPayload(
                table_id=None, reported=(), revision=None, errors=user_errors(error)
            )
        return CellsReportPayload(
            table_id=table_id, reported=reports, revision=written.revision, errors=[]
        )


def _report(given: CellReportInput) -> RawReport:
    return RawReport(
        row_id=given.row_id.lower(),
        column=given.column,
        status=str(given.status.value),
        has_value=given.value is not None,
        value=given.value.value if given.value is not None else None,
        error=given.error,
        progress=given.progress,
    )
