"""Extraction jobs: starting, following, cancelling, and reading again what is missing."""

from collections.abc import Sequence
from uuid import UUID

from domain import access
from domain.access import Viewer
from domain.entities import FileStatus
from domain.errors import Conflict, ErrorCode, NotFound, invalid
from domain.extraction_job_records import JobPage, JobSearch
from domain.extraction_records import (
    AlreadyRunning,
    ExtractionJob,
    ExtractionSchema,
    JobStep,
)
from domain.extraction_tables import require_readable
from domain.ports import Storage

#: Most files of one request, and most jobs or steps of one page.
MAX_FILES = 500
MAX_PAGE = 100
MAX_STEPS = 1_000


async def start(
    viewer: Viewer, storage: Storage, schema_id: UUID, file_ids: Sequence[UUID]
) -> Sequence[ExtractionJob]:
    """Queue the reading of 1 to 500 files, in their order. One that is being read already keeps its
    job; when it is the only one, that raises `AlreadyRunning`.

    Raises `NotFound` for the schema or any file, `Invalid` for a file that has no bytes yet, and
    `Conflict` for a schema that is paused, or whose tables or columns are gone."""
    access.require(viewer, "extractionStart")
    wanted = list(dict.fromkeys(file_ids))
    if not 1 <= len(wanted) <= MAX_FILES:
        raise invalid(ErrorCode.OUT_OF_RANGE, f"fileIds takes 1 to {MAX_FILES} items", "fileIds")
    schema = await _schema(viewer, storage, schema_id)
    await require_readable(storage, schema)
    await _require_uploaded(viewer, storage, wanted)
    jobs = storage.extraction_jobs
    started = await jobs.start(viewer.organization_id, viewer.actor, schema, wanted)
    if len(wanted) == 1 and not started[0].is_new:
        raise AlreadyRunning(started[0].job)
    return [each.job for each in started]


async def job(viewer: Viewer, storage: Storage, job_id: UUID) -> ExtractionJob:
    """A job as it stands. Raises `NotFound`."""
    access.require(viewer, "extractionJob")
    return await _existing(viewer, storage, job_id)


async def latest_job(viewer: Viewer, storage: Storage, file_id: UUID) -> ExtractionJob | None:
    """The last job of a file; None when it was never read. Raises `NotFound` for the file."""
    access.require(viewer, "extractionJob")
    if await storage.files.get(viewer.organization_id, file_id) is None:
        raise NotFound("File")
    return await storage.extraction_jobs.latest(viewer.organization_id, file_id)


async def list_jobs(viewer: Viewer, storage: Storage, search: JobSearch) -> JobPage:
    """Jobs, the newest first; 0 to 100. Raises `Invalid`."""
    access.require(viewer, "extractionJobs")
    if not 0 <= search.limit <= MAX_PAGE:
        raise invalid(ErrorCode.OUT_OF_RANGE, f"first must be 0 to {MAX_PAGE}", "first")
    return await storage.extraction_jobs.page(viewer.organization_id, search)


async def count_jobs(viewer: Viewer, storage: Storage, search: JobSearch) -> int:
    """How many jobs there are, on all pages together."""
    access.require(viewer, "extractionJobs")
    return await storage.extraction_jobs.count(viewer.organization_id, search)


async def job_steps(
    viewer: Viewer, storage: Storage, job_id: UUID, after: int = 0, limit: int = MAX_PAGE
) -> Sequence[JobStep]:
    """The steps of a job behind a revision, in order; 0 to 1,000. Raises `NotFound` and
    `Invalid`."""
    access.require(viewer, "extractionJob")
    if not 0 <= limit <= MAX_STEPS:
        raise invalid(ErrorCode.OUT_OF_RANGE, f"first must be 0 to {MAX_STEPS}", "first")
    await _existing(viewer, storage, job_id)
    return await storage.extraction_jobs.steps(job_id, after, limit)


async def watch_job(viewer: Viewer, storage: Storage, job_id: UUID) -> ExtractionJob:
    """A job as it stands, for somebody who follows it. Raises `NotFound`."""
    access.require(viewer, "jobProgress")
    return await _existing(viewer, storage, job_id)


async def cancel(viewer: Viewer, storage: Storage, job_id: UUID) -> ExtractionJob:
    """Stop a job before its next part; what it has read stays. One that has ended stays as it is.
    Raises `NotFound`."""
    access.require(viewer, "extractionCancel")
    await _existing(viewer, storage, job_id)
    cancelled = await storage.extraction_jobs.cancel(viewer.organization_id, job_id)
    return cancelled or await _existing(viewer, storage, job_id)


async def rerun(viewer: Viewer, storage: Storage, job_id: UUID) -> ExtractionJob:
    """Queue a job that reads what is missing in this one, and nothing else, by the same version of
    the schema. It takes the place of the pending rows of those parts.

    Raises `NotFound`, also for the file and the schema, `Conflict` for a job that has not ended,
    misses nothing, or is older than another reading of the whole file, and `AlreadyRunning`."""
    access.require(viewer, "extractionRerun")
    old = await _existing(viewer, storage, job_id)
    if not old.is_over:
        raise Conflict("The job has not ended yet")
    if not old.missing:
        raise Conflict("Nothing is missing that could be read again")
    await _schema(viewer, storage, old.schema_id)
    await _require_uploaded(viewer, storage, [old.file_id])
    if await _was_read_anew(viewer, storage, old):
        raise Conflict("The file was read anew since: what this job lacks has no place any more")
    made = await storage.extraction_jobs.rerun(viewer.actor, old)
    if not made.is_new:
        raise AlreadyRunning(made.job)
    return made.job


async def _schema(viewer: Viewer, storage: Storage, schema_id: UUID) -> ExtractionSchema:
    schema = await storage.extraction_schemas.get(viewer.organization_id, schema_id)
    if schema is None:
        raise NotFound("Extraction schema")
    return schema


async def _was_read_anew(viewer: Viewer, storage: Storage, old: ExtractionJob) -> bool:
    """Whether a later job has read the whole file by the same schema: it may have other parts."""
    search = JobSearch(old.file_id, old.schema_id, limit=MAX_PAGE)
    page = await storage.extraction_jobs.page(viewer.organization_id, search)
    return any(each.id > old.id and each.rerun_of is None for each in page.jobs)


async def _require_uploaded(viewer: Viewer, storage: Storage, file_ids: Sequence[UUID]) -> None:
    files = await storage.files.by_ids(viewer.organization_id, file_ids)
    if len(files) < len(file_ids):
        raise NotFound("File")
    if any(file.status is not FileStatus.UPLOADED for file in files.values()):
        raise invalid(ErrorCode.INVALID, "File has not been uploaded", "fileIds")


async def _existing(viewer: Viewer, storage: Storage, job_id: UUID) -> ExtractionJob:
    found = await storage.extraction_jobs.get(viewer.organization_id, job_id)
    if found is None:
        raise NotFound("Job")
    return found
