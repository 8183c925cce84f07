"""Mutations on extraction jobs."""

from typing import Annotated

import strawberry

from domain import extraction_jobs
from domain.errors import DomainError
from domain.extraction_records import AlreadyRunning
from gql.context import Info, given_id
from gql.types.errors import EXPECTED, UserError, user_errors
from gql.types.extraction_jobs import ExtractionJob


@strawberry.input(description="Files to be read.")
class ExtractionStartInput:
    schema_id: strawberry.ID = strawberry.field(description="The schema to read them by.")
    file_ids: list[strawberry.ID] = strawberry.field(description="1 to 500 files.")


@strawberry.input(description="An extraction job.")
class ExtractionJobInput:
    job_id: strawberry.ID = strawberry.field(description="The job.")


@strawberry.type(description="The answer of `extractionStart`.")
class ExtractionStartPayload:
    jobs: list[ExtractionJob] | None = strawberry.field(
        description="A job for each file, in their order. A file that is being read keeps its job."
    )
    running: ExtractionJob | None = strawberry.field(
        description="The job that reads the only file of the request already; nothing was done."
    )
    errors: list[UserError] = strawberry.field(description="Why nothing was done.")


@strawberry.type(description="The answer of `extractionCancel` and `extractionRerun`.")
class ExtractionJobPayload:
    job: ExtractionJob | None = strawberry.field(description="The job as it stands.")
    running: ExtractionJob | None = strawberry.field(
        description="The job that reads the file already; nothing was done."
    )
    errors: list[UserError] = strawberry.field(description="Why nothing was done.")


def _running(error: DomainError) -> ExtractionJob | None:
    return ExtractionJob.of(error.existing) if isinstance(error, AlreadyRunning) else None


@strawberry.type
class ExtractionJobMutations:
    @strawberry.mutation(
        description="Read files by a schema, in the background: follow `jobProgress`. What earlier "
        "jobs read of a file and nobody has accepted is replaced."
    )
    async def extraction_start(
        self,
        info: Info,
        input: Annotated[ExtractionStartInput, strawberry.argument(description="What to read.")],
    ) -> ExtractionStartPayload | None:
        context = info.context
        try:
            found = await extraction_jobs.start(
                context.viewer,
                context.storage,
                given_id(input.schema_id),
                [given_id(each, place) for place, each in enumerate(input.file_ids)],
            )
        except EXPECTED as error:
            return ExtractionStartPayload(
                jobs=None, running=_running(error), errors=user_errors(error)
            )
        return ExtractionStartPayload(
            jobs=[ExtractionJob.of(each) for each in found], running=None, errors=[]
        )

    @strawberry.mutation(description="Stop a job before its next part; what was read stays.")
    async def extraction_cancel(
        self,
        info: Info,
        input: Annotated[ExtractionJobInput, strawberry.argument(description="The job.")],
    ) -> ExtractionJobPayload | None:
        context = info.context
        try:
            found = await extraction_jobs.cancel(
                context.viewer, context.storage, given_id(input.job_id)
            )
        except EXPECTED as error:
            return ExtractionJobPayload(job=None, running=None, errors=user_errors(error))
        return ExtractionJobPayload(job=ExtractionJob.of(found), running=None, errors=[])

    @strawberry.mutation(
        description="Read what is missing of a job that has ended, and nothing else."
    )
    async def extraction_rerun(
        self,
        info: Info,
        input: Annotated[ExtractionJobInput, strawberry.argument(description="The job.")],
    ) -> ExtractionJobPayload | None:
        context = info.context
        try:
            found = await extraction_jobs.rerun(
                context.viewer, context.storage, given_id(input.job_id)
            )
        except EXPECTED as error:
            return ExtractionJobPayload(
                job=None, running=_running(error), errors=user_errors(error)
            )
        return ExtractionJobPayload(job=ExtractionJob.of(found), running=None, errors=[])
