"""Mutations that review what was read from files."""

from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

import strawberry

from domain import reviews
from domain.errors import DomainError, ErrorCode, Problem, invalid
from domain.errors import Invalid as InvalidInput
from domain.extraction_records import ReviewSummary, TableCorrections
from gql.context import Info, given_id
from gql.scalars import JSON
from gql.types.errors import EXPECTED, UserError, user_errors
from gql.types.reviews import ExtractedTable


@strawberry.input(description="A file whose rows are all accepted.")
class ReviewAcceptInput:
    file_id: strawberry.ID = strawberry.field(description="The file.")


@strawberry.input(description="New values of a row of a file.")
class ReviewRowInput:
    id: strawberry.ID = strawberry.field(description="The row.")
    data: JSON = strawberry.field(description="Values by column key; null empties a cell.")


@strawberry.input(description="A row that was not read.")
class ReviewAddInput:
    data: JSON = strawberry.field(description="Values by column key.")


@strawberry.input(description="Corrections in one table; all its other rows are accepted.")
class ReviewTableInput:
    table_id: strawberry.ID = strawberry.field(description="The table.")
    deleted_row_ids: list[strawberry.ID] = strawberry.field(
        default_factory=list, description="Rows that are none. Those not there are passed over."
    )
    updated_rows: list[ReviewRowInput] = strawberry.field(
        default_factory=list, description="Rows with other values, at most 1,000."
    )
    new_rows: list[ReviewAddInput] = strawberry.field(
        default_factory=list, description="Rows that are missing, at most 1,000."
    )


@strawberry.input(description="Corrections of what was read from a file.")
class ReviewSubmitInput:
    file_id: strawberry.ID = strawberry.field(description="The file.")
    tables: list[ReviewTableInput] = strawberry.field(description="The tables, each once.")


@strawberry.type(description="What a review did.")
class ReviewSummaryResult:
    rows_accepted: int = strawberry.field(
        description="Rows that nobody had accepted before, corrected ones among them."
    )
    rows_deleted: int = strawberry.field(description="Rows that were deleted.")
    rows_updated: int = strawberry.field(description="Rows that were corrected.")
    rows_added: int = strawberry.field(description="Rows that were added.")
    table_ids: list[strawberry.ID] = strawberry.field(description="Tables that changed.")
    pending: int = strawberry.field(
        description="Rows of the file that nobody has accepted yet. At 0 the document is reviewed."
    )

    @classmethod
    def of(cls, summary: ReviewSummary) -> "ReviewSummaryResult":
        return cls(
            rows_accepted=summary.rows_accepted,
            rows_deleted=summary.rows_deleted,
            rows_updated=summary.rows_updated,
            rows_added=summary.rows_added,
            table_ids=[strawberry.ID(str(table_id)) for table_id in summary.table_ids],
            pending=summary.pending,
        )


@strawberry.type(description="The answer of `reviewAccept` and `reviewSubmit`.")
class ReviewPayload:
    file_id: strawberry.Private[strawberry.ID]
    summary: ReviewSummaryResult | None = strawberry.field(description="What was done.")
    errors: list[UserError] = strawberry.field(description="Why nothing was done.")

    @strawberry.field(description="The tables with the rows of the file as they stand.")
    async def tables(self, info: Info) -> list[ExtractedTable] | None:
        if self.summary is None:
            return None
        context = info.context
        found = await reviews.extracted_rows(
            context.viewer, context.storage, given_id(self.file_id)
        )
        return [ExtractedTable.of(table) for table in found]


def _payload(file_id: strawberry.ID, summary: ReviewSummary) -> ReviewPayload:
    return ReviewPayload(file_id=file_id, summary=ReviewSummaryResult.of(summary), errors=[])


def _refused(file_id: strawberry.ID, error: DomainError) -> ReviewPayload:
    return ReviewPayload(file_id=file_id, summary=None, errors=user_errors(error))


def _by_table(tables: Sequence[ReviewTableInput]) -> dict[UUID, TableCorrections]:
    """Raises `Invalid` for a table that is named twice."""
    made: dict[UUID, TableCorrections] = {}
    for place, table in enumerate(tables):
        path = ("tables", str(place))
        table_id = given_id(table.table_id, place)
        if table_id in made:
            message = f"tables[{place}] names a table a second time"
            raise invalid(ErrorCode.DUPLICATE, message, *path, "tableId")
        made[table_id] = _corrections(table, path)
    return made


def _corrections(table: ReviewTableInput, path: tuple[str, ...]) -> TableCorrections:
    """Raises `Invalid` for a row that is named twice: only one of both could hold."""
    updated, problems = {}, []
    for index, row in enumerate(table.updated_rows):
        row_id = given_id(row.id, index)
        if row_id in updated:
            where = (*path, "updatedRows", str(index), "id")
            message = f"updatedRows[{index}] names a row a second time"
            problems.append(Problem(ErrorCode.DUPLICATE, message, where, index))
        updated[row_id] = row.data
    if problems:
        raise InvalidInput(problems)
    return TableCorrections(
        [given_id(each) for each in table.deleted_row_ids],
        updated,
        [row.data for row in table.new_rows],
    )


@strawberry.type
class ReviewMutations:
    @strawberry.mutation(description="Accept all rows that were read from a file, as they are.")
    async def review_accept(
        self,
        info: Info,
        input: Annotated[ReviewAcceptInput, strawberry.argument(description="The file.")],
    ) -> ReviewPayload | None:
        context = info.context
        try:
            done = await reviews.accept_all(
                context.viewer, context.storage, given_id(input.file_id)
            )
        except EXPECTED as error:
            return _refused(input.file_id, error)
        return _payload(input.file_id, done)

    @strawberry.mutation(
        description="Correct rows that were read from a file, and accept all others of the same "
        "tables. Corrections become examples for the schema."
    )
    async def review_submit(
        self,
        info: Info,
        input: Annotated[ReviewSubmitInput, strawberry.argument(description="Corrections.")],
    ) -> ReviewPayload | None:
        context = info.context
        try:
            done = await reviews.submit(
                context.viewer, context.storage, given_id(input.file_id), _by_table(input.tables)
            )
        except EXPECTED as error:
            return _refused(input.file_id, error)
        return _payload(input.file_id, done)
