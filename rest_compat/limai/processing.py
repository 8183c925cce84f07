"""Having files read: while the request waits, or by jobs."""

from uuid import UUID

from pydantic import TypeAdapter
from starlette.responses import Response

from domain import extraction_jobs
from domain.extraction_records import AlreadyRunning, ExtractionJob, JobStatus
from rest_compat.endpoints import Call
from rest_compat.limai import shapes
from rest_compat.limai.bodies import FilesBody, NothingBody
from rest_compat.limai.data import found_by
from rest_compat.limai.requests import FILE, body_of, file_id, schema_of
from rest_compat.wire import json_response

_NOTHING = TypeAdapter(NothingBody)
_FILES = TypeAdapter(FilesBody)


async def process_file(call: Call) -> Response:
    """Read a file and wait for the end, which is an event of the job."""
    job = await _start(call)

    async def is_over() -> bool:
        nonlocal job
        job = await extraction_jobs.job(call.viewer, call.storage, job.id)
        return job.is_over

    over = await call.services.await_job(job.id, is_over)
    named = {"fileId": str(job.file_id), "jobId": str(job.id)}
    if not over:
        return json_response({"error": "Processing timed out", **named}, 504)
    if job.status is not JobStatus.COMPLETED:
        return json_response({"error": shapes.failure(job), **named}, 500)
    _, data = await found_by(call, job)
    return json_response({"message": "File processed successfully.", **named, "data": data})


async def process_file_async(call: Call) -> Response:
    """Queue the reading of a file."""
    job = await _start(call)
    return json_response({"message": "Job queued for processing", **_named(job)})


async def process_files_async(call: Call) -> Response:
    """Queue the reading of files. One that is being read keeps its job."""
    schema = await schema_of(call)
    body: FilesBody = await body_of(call, _FILES)
    file_ids = [file_id(each) for each in body.fileIds]
    try:
        jobs = await _started(call, schema.id, file_ids)
    except AlreadyRunning as error:
        jobs = [error.existing]
    told = [_named(job) for job in jobs]
    return json_response({"message": "Jobs queued for processing", "jobs": told})


async def _start(call: Call) -> ExtractionJob:
    schema = await schema_of(call)
    id_ = call.id("fileId", FILE)
    await body_of(call, _NOTHING)
    [job] = await _started(call, schema.id, [id_])
    return job


async def _started(call: Call, schema_id: UUID, file_ids: list[UUID]) -> list[ExtractionJob]:
    return list(await extraction_jobs.start(call.viewer, call.storage, schema_id, file_ids))


def _named(job: ExtractionJob) -> dict[str, str]:
    return {"fileId": str(job.file_id), "jobId": str(job.id)}
