"""Extraction jobs: the reading of a file, part by part."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import strawberry

from domain import extraction_jobs, extraction_records
from domain.extraction_job_records import JobSearch
from gql.context import Info
from gql.paging import PageInfo
from gql.scalars import JSON
from gql.types import extraction as schema_types
from gql.types import files as file_types
from gql.types.extraction_words import ExtractionPartStatus, ExtractionStatus

if TYPE_CHECKING:
    from gql.types.extraction import ExtractionSchema
    from gql.types.files import File


@strawberry.type(description="A part of a document that is read for itself.")
class ExtractionPart:
    number: int = strawberry.field(description="Its place in the document.")
    name: str = strawberry.field(description="What people call it, such as `pages 1 to 4`.")
    first_page: int = strawberry.field(description="Its first page, from 1.")
    last_page: int = strawberry.field(description="Its last page.")
    status: ExtractionPartStatus = strawberry.field(description="Where it stands.")
    expected: int | None = strawberry.field(
        description="Rows that it should give, counted from its tables and pages; null when "
        "nothing tells."
    )
    produced: int = strawberry.field(description="Rows that it gave.")
    reason: str | None = strawberry.field(description="What is missing, and why.")

    @classmethod
    def of(cls, segment: extraction_records.Segment) -> "ExtractionPart":
        return cls(
            number=segment.number,
            name=segment.name,
            first_page=segment.first_page,
            last_page=segment.last_page,
            status=ExtractionPartStatus(segment.status.value),
            expected=segment.expected,
            produced=segment.produced,
            reason=segment.reason,
        )


@strawberry.type(description="One step of a job.")
class ExtractionStep:
    revision: int = strawberry.field(description="Its place among the steps of the job, from 1.")
    status: ExtractionStatus = strawberry.field(description="Where the job stood after it.")
    part: int | None = strawberry.field(description="The part that it ended.")
    rows: int = strawberry.field(description="Rows that the job had written by then.")
    message: str | None = strawberry.field(description="What happened, for people.")
    at: datetime = strawberry.field(description="When.")

    @classmethod
    def of(cls, step: extraction_records.JobStep) -> "ExtractionStep":
        return cls(
            revision=step.revision,
            status=ExtractionStatus(step.status.value),
            part=step.segment,
            rows=step.rows,
            message=step.message,
            at=step.at,
        )


@strawberry.type(description="One reading of a file by a schema.")
class ExtractionJob:
    record: strawberry.Private[extraction_records.ExtractionJob]
    id: strawberry.ID = strawberry.field(description="The id of the job.")
    status: ExtractionStatus = strawberry.field(description="Where it stands.")
    revision: int = strawberry.field(description="How many steps it has made.")
    file_id: strawberry.ID = strawberry.field(description="The file that it reads.")
    schema_version: int = strawberry.field(
        description="The version of the schema that it reads by."
    )
    engine: str | None = strawberry.field(
        description="Who reads: the name of a provider, or `rules`; null before that is known."
    )
    pages: int | None = strawberry.field(
        description="Pages of the document; null before it was opened."
    )
    parts: list[ExtractionPart] = strawberry.field(
        description="The parts of the document, once they are known."
    )
    rows: int = strawberry.field(description="Rows that it has written.")
    input_tokens: JSON = strawberry.field(description="Tokens of its questions, a whole number.")
    output_tokens: JSON = strawberry.field(description="Tokens of the answers, a whole number.")
    cost: JSON = strawberry.field(description="What its calls cost, in US dollars.")
    error: str | None = strawberry.field(description="Why it failed, or what is missing.")
    rerun_of: strawberry.ID | None = strawberry.field(
        description="The job whose missing parts it reads again."
    )
    created_by: str = strawberry.field(description="Who asked for it: the id of an API key.")
    created_at: datetime = strawberry.field(description="When it was asked for.")
    started_at: datetime | None = strawberry.field(description="When a worker took it up.")
    finished_at: datetime | None = strawberry.field(description="When it ended.")
    reviewed_at: datetime | None = strawberry.field(
        description="When the last row of the file was accepted, after this job."
    )

    @strawberry.field(description="The file; null when it was deleted.")
    async def file(
        self, info: Info
    ) -> Annotated["File", strawberry.lazy("gql.types.files")] | None:
        found = await info.context.loaders.files.load(self.record.file_id)
        return file_types.File.of(found) if found else None

    @strawberry.field(description="The schema as it is now; null when it was deleted.")
    async def schema(
        self, info: Info
    ) -> Annotated["ExtractionSchema", strawberry.lazy("gql.types.extraction")] | None:
        found = await info.context.loaders.extraction_schemas.load(self.record.schema_id)
        return schema_types.ExtractionSchema.of(found) if found else None

    @strawberry.field(description="Its steps in order; they are what `jobProgress` follows.")
    async def steps(
        self,
        info: Info,
        first: Annotated[int, strawberry.argument(description="How many, 0 to 1,000.")] = 100,
        after_revision: Annotated[
            int, strawberry.argument(description="Only steps behind this one.")
        ] = 0,
    ) -> list[ExtractionStep]:
        context = info.context
        found = await extraction_jobs.job_steps(
            context.viewer, context.storage, self.record.id, after_revision, first
        )
        return [ExtractionStep.of(each) for each in found]

    @property
    def is_over(self) -> bool:
        """Whether nothing more will happen by itself."""
        return self.record.is_over

    @classmethod
    def of(cls, job: extraction_records.ExtractionJob) -> "ExtractionJob":
        return cls(
            record=job,
            id=strawberry.ID(str(job.id)),
            status=ExtractionStatus(job.status.value),
            revision=job.revision,
            file_id=strawberry.ID(str(job.file_id)),
            schema_version=job.schema_version,
            engine=job.engine,
            pages=job.pages,
            parts=[ExtractionPart.of(segment) for segment in job.segments],
            rows=job.rows,
            input_tokens=JSON(job.input_tokens),
            output_tokens=JSON(job.output_tokens),
            cost=JSON(job.cost.normalize()),
            error=job.error,
            rerun_of=strawberry.ID(str(job.rerun_of)) if job.rerun_of else None,
            created_by=job.created_by,
            created_at=job.created_at,
            started_at=job.started_at,
            finished_at=job.finished_at,
            reviewed_at=job.reviewed_at,
        )


@strawberry.type(description="A job and its cursor.")
class ExtractionJobEdge:
    cursor: str = strawberry.field(description="For `after`. Opaque.")
    node: ExtractionJob = strawberry.field(description="The job.")


@strawberry.type(description="Extraction jobs, the newest first.")
class ExtractionJobConnection:
    search: strawberry.Private[JobSearch]
    nodes: list[ExtractionJob] = strawberry.field(description="Those of the page.")
    page_info: PageInfo = strawberry.field(description="Where the page lies.")

    @strawberry.field(description="The jobs with their cursors.")
    def edges(self) -> list[ExtractionJobEdge]:
        return [ExtractionJobEdge(cursor=str(each.id), node=each) for each in self.nodes]

    @strawberry.field(description="How many there are on all pages.")
    async def total_count(self, info: Info) -> int | None:
        context = info.context
        return await extraction_jobs.count_jobs(context.viewer, context.storage, self.search)


@strawberry.type(description="A step of a job, and where the job stands.")
class JobProgress:
    revision: int = strawberry.field(description="The step.")
    job: ExtractionJob = strawberry.field(description="The job as it stands.")
