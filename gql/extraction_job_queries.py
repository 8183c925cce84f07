"""Queries of extraction jobs and of what they read."""

from typing import Annotated

import strawberry

from domain import extraction_jobs, extraction_records, ids, reviews
from domain.errors import ErrorCode, NotFound, invalid
from domain.extraction_job_records import JobSearch
from gql.context import Info, given_id
from gql.paging import PageInfo
from gql.types.extraction_jobs import ExtractionJob, ExtractionJobConnection
from gql.types.extraction_words import ExtractionStatus
from gql.types.reviews import ExtractedTable

_FileId = Annotated[strawberry.ID, strawberry.argument(description="The file.")]


@strawberry.type
class ExtractionJobQueries:
    @strawberry.field(description="An extraction job by its id.")
    async def extraction_job(
        self,
        info: Info,
        id: Annotated[
            strawberry.ID, strawberry.argument(description="The id; null for one unknown.")
        ],
    ) -> ExtractionJob | None:
        context = info.context
        try:
            found = await extraction_jobs.job(context.viewer, context.storage, given_id(id))
        except NotFound:
            return None
        return ExtractionJob.of(found)

    @strawberry.field(description="Extraction jobs, the newest first.")
    async def extraction_jobs(
        self,
        info: Info,
        file_id: Annotated[
            strawberry.ID | None, strawberry.argument(description="Only those of this file.")
        ] = None,
        schema_id: Annotated[
            strawberry.ID | None, strawberry.argument(description="Only those of this schema.")
        ] = None,
        statuses: Annotated[
            list[ExtractionStatus] | None,
            strawberry.argument(description="Only those that stand here."),
        ] = None,
        first: Annotated[int, strawberry.argument(description="How many, 0 to 100.")] = 50,
        after: Annotated[
            str | None, strawberry.argument(description="Only jobs behind this cursor.")
        ] = None,
    ) -> ExtractionJobConnection:
        place = ids.parse(after) if after is not None else None
        if after is not None and place is None:
            raise invalid(ErrorCode.INVALID, "The cursor is none of this list", "after")
        wanted = [extraction_records.JobStatus(each.value) for each in statuses or ()]
        search = JobSearch(
            given_id(file_id) if file_id is not None else None,
            given_id(schema_id) if schema_id is not None else None,
            wanted if statuses is not None else None,
            place,
            first,
        )
        context = info.context
        page = await extraction_jobs.list_jobs(context.viewer, context.storage, search)
        nodes = [ExtractionJob.of(each) for each in page.jobs]
        return ExtractionJobConnection(
            search=search,
            nodes=nodes,
            page_info=PageInfo(
                has_next_page=page.has_more,
                has_previous_page=after is not None,
                start_cursor=nodes[0].id if nodes else None,
                end_cursor=nodes[-1].id if nodes else None,
            ),
        )

    @strawberry.field(
        description="What was read from a file and is still there, by table; null for an unknown "
        "file. Tables of the schema that it was last read by come first, also without rows."
    )
    async def extracted_rows(self, info: Info, file_id: _FileId) -> list[ExtractedTable] | None:
        context = info.context
        try:
            found = await reviews.extracted_rows(context.viewer, context.storage, given_id(file_id))
        except NotFound:
            return None
        return [ExtractedTable.of(table) for table in found]
