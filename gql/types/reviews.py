"""Rows that were read from files, and how far their review is."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import strawberry

from domain import extraction_records as records
from domain.errors import ErrorCode, invalid
from gql.context import Info
from gql.paging import PageInfo
from gql.scalars import JSON
from gql.types import files as file_types
from gql.types import rows as row_types
from gql.types import tables as table_types
from gql.types.extraction_jobs import ExtractionJob
from gql.types.extraction_words import ReviewStatus

if TYPE_CHECKING:
    from gql.types.files import File
    from gql.types.rows import Row
    from gql.types.tables import Table

MAX_ROWS = 1_000


@strawberry.type(description="Where a row was read from, and whether a person has accepted it.")
class RowExtraction:
    record: strawberry.Private[records.ReviewRow]
    file_id: strawberry.ID = strawberry.field(description="The file.")
    index: int = strawberry.field(description="Its place among the rows of its table, from 0.")
    review_status: ReviewStatus = strawberry.field(description="Whether it was accepted.")
    reviewed_by: str | None = strawberry.field(description="Who accepted it.")
    reviewed_at: datetime | None = strawberry.field(description="When.")
    parent_row_id: strawberry.ID | None = strawberry.field(
        description="The row of the parent table that it belongs to."
    )

    @strawberry.field(description="The file; null when it was deleted.")
    async def file(
        self, info: Info
    ) -> Annotated["File", strawberry.lazy("gql.types.files")] | None:
        found = await info.context.loaders.files.load(self.record.file_id)
        return file_types.File.of(found) if found else None

    @strawberry.field(description="The job that read it.")
    async def job(self, info: Info) -> ExtractionJob | None:
        found = await info.context.loaders.extraction_jobs.load(self.record.job_id)
        return ExtractionJob.of(found) if found else None

    @classmethod
    def of(cls, record: records.ReviewRow) -> "RowExtraction":
        parent = record.parent_row_id
        return cls(
            record=record,
            file_id=strawberry.ID(str(record.file_id)),
            index=record.index,
            review_status=ReviewStatus(record.status.value),
            reviewed_by=record.reviewed_by,
            reviewed_at=record.reviewed_at,
            parent_row_id=None if parent is None else strawberry.ID(str(parent)),
        )


@strawberry.type(description="A row of a file as it stands now.")
class ExtractedRow:
    found: strawberry.Private[records.FileRow]
    table: strawberry.Private[records.FileTable]
    row_id: strawberry.ID = strawberry.field(description="The id of the row.")
    extraction: RowExtraction = strawberry.field(description="Where it was read, and its review.")

    @strawberry.field(
        description="The texts as they are printed in the file, by column key; null where nothing "
        "was found, or where a person wrote the value since."
    )
    def raw(self) -> JSON:
        texts: dict[str, Any] = {
            column.key: self.found.cells[column.number].raw
            for column in self.table.columns
            if column.number in self.found.cells
        }
        return JSON(texts)

    @strawberry.field(description="The row itself.")
    def row(self) -> Annotated["Row", strawberry.lazy("gql.types.rows")]:
        return row_types.Row.of(self.found.record, self.table.shape)

    @classmethod
    def of(cls, table: records.FileTable, row: records.FileRow) -> "ExtractedRow":
        return cls(
            found=row,
            table=table,
            row_id=strawberry.ID(str(row.review.row_id)),
            extraction=RowExtraction.of(row.review),
        )


@strawberry.type(description="A row and its cursor.")
class ExtractedRowEdge:
    cursor: str = strawberry.field(description="For `after`. Opaque.")
    node: ExtractedRow = strawberry.field(description="The row.")


@strawberry.type(description="Rows of a file in one table, in the order of the file.")
class ExtractedRowConnection:
    nodes: list[ExtractedRow] = strawberry.field(description="Those of the page.")
    page_info: PageInfo = strawberry.field(description="Where the page lies.")
    total_count: int | None = strawberry.field(description="How many there are on all pages.")

    @strawberry.field(description="The rows with their cursors.")
    def edges(self) -> list[ExtractedRowEdge]:
        return [ExtractedRowEdge(cursor=_cursor(each), node=each) for each in self.nodes]


@strawberry.type(description="A table with the rows that were read from a file into it.")
class ExtractedTable:
    record: strawberry.Private[records.FileTable]
    table_id: strawberry.ID = strawberry.field(description="The id of the table.")
    pending: int = strawberry.field(description="Rows of the file that nobody has accepted yet.")

    @strawberry.field(description="The table; null when it was deleted meanwhile.")
    async def table(
        self, info: Info
    ) -> Annotated["Table", strawberry.lazy("gql.types.tables")] | None:
        found = await info.context.loaders.tables.load(self.record.table_id)
        return table_types.Table.of(found) if found else None

    @strawberry.field(description="The rows that are still there, in the order of the file.")
    def rows(
        self,
        first: Annotated[int, strawberry.argument(description="How many, 0 to 1,000.")] = 100,
        after: Annotated[
            str | None, strawberry.argument(description="Only rows behind this cursor.")
        ] = None,
    ) -> ExtractedRowConnection:
        if not 0 <= first <= MAX_ROWS:
            raise invalid(ErrorCode.OUT_OF_RANGE, f"first must be 0 to {MAX_ROWS}", "first")
        if after is not None and not (after.isascii() and after.isdigit() and len(after) <= 9):
            raise invalid(ErrorCode.INVALID, "The cursor is none of this list", "after")
        behind = -1 if after is None else int(after)
        left = [row for row in self.record.rows if row.review.index > behind]
        nodes = [ExtractedRow.of(self.record, row) for row in left[:first]]
        return ExtractedRowConnection(
            nodes=nodes,
            total_count=len(self.record.rows),
            page_info=PageInfo(
                has_next_page=len(left) > first,
                has_previous_page=after is not None,
                start_cursor=_cursor(nodes[0]) if nodes else None,
                end_cursor=_cursor(nodes[-1]) if nodes else None,
            ),
        )

    @classmethod
    def of(cls, table: records.FileTable) -> "ExtractedTable":
        pending = records.ReviewStatus.PENDING
        return cls(
            record=table,
            table_id=strawberry.ID(str(table.table_id)),
            pending=sum(row.review.status is pending for row in table.rows),
        )


def _cursor(row: ExtractedRow) -> str:
    return str(row.found.review.index)
