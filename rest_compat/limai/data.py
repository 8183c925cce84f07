"""Where a file stands, and what was found in it."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from starlette.responses import Response

from domain import extraction_jobs, reviews
from domain.entities import Table
from domain.errors import NotFound
from domain.extraction import get_schema
from domain.extraction_records import (
    ExtractionJob,
    ExtractionSchema,
    FileTable,
    JobStatus,
)
from rest_compat.endpoints import Call
from rest_compat.limai import shapes
from rest_compat.limai.requests import file_id, required
from rest_compat.wire import Refused, json_response

NEVER_READ = "No processed data found for this file"
ELSEWHERE = "File does not belong to this extraction schema"


async def get_file_data(call: Call) -> Response:
    """Where a file stands, and what was found in it."""
    id_ = file_id(required(call, "fileId"))
    job = await job_of(call, id_)
    wanted = call.query("extractionSchemaId")
    if wanted is not None and wanted != str(job.schema_id):
        raise Refused(400, ELSEWHERE)
    named = {"fileId": str(job.file_id), "jobId": str(job.id)}
    if not job.is_over:
        return json_response({"status": "PROCESSING", **named})
    schema, data = await found_by(call, job)
    read_by = {**shapes.deployment(job, schema), "data": data}
    if job.status is JobStatus.COMPLETED:
        message = "File data retrieved successfully."
        return json_response({"status": "COMPLETED", "message": message, **named, **read_by})
    told = {"status": "FAILED", **named, "errorMessage": shapes.failure(job)}
    partial = any(table["rows"] for table in data["tables"].values())
    return json_response(told | read_by if partial else told)


async def job_of(call: Call, id_: UUID) -> ExtractionJob:
    """The last job that read a file. Raises `NotFound` for the file, and `Refused` when it was
    never read."""
    job = await extraction_jobs.latest_job(call.viewer, call.storage, id_)
    if job is None:
        raise Refused(404, NEVER_READ)
    return job


async def found_by(
    call: Call, job: ExtractionJob
) -> tuple[ExtractionSchema | None, dict[str, Any]]:
    """The schema of a job, None when it was deleted, and what it found, as the rows stand now."""
    schema = await _schema(call, job)
    found = await reviews.extracted_rows(call.viewer, call.storage, job.file_id)
    own = {table.table_id for table in (schema.tables if schema else ())}
    kept = [_of_schema(each, job.schema_id) for each in found]
    return schema, await shown(
        call, [each for each in kept if each.rows or each.table_id in own], schema
    )


async def shown(
    call: Call, found: Sequence[FileTable], schema: ExtractionSchema | None
) -> dict[str, Any]:
    """Tables with rows in the form of answers."""
    return shapes.data(found, await _tables(call, [each.table_id for each in found]), schema)


async def _schema(call: Call, job: ExtractionJob) -> ExtractionSchema | None:
    try:
        return await get_schema(call.viewer, call.storage, job.schema_id)
    except NotFound:
        return None


async def _tables(call: Call, table_ids: Collection[UUID]) -> Mapping[UUID, Table]:
    organization_id = call.viewer.organization_id
    return await call.storage.tables.by_ids(organization_id, list(table_ids))


def _of_schema(found: FileTable, schema_id: UUID | None) -> FileTable:
    """Without rows that another schema found in the same file."""
    return replace(found, rows=[row for row in found.rows if row.review.schema_id == schema_id])
