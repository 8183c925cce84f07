"""Extraction jobs as records, and their steps: each moves the job by one revision and stands in
its log."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any
from uuid import UUID

import asyncpg
import orjson

from domain.extraction_records import (
    UNENDED,
    ExtractionJob,
    JobStatus,
    JobStep,
    Segment,
    SegmentStatus,
)
from persistence.engine import Connection, Pool
from persistence.json_text import dumps

#: The job that reads a file; its payload is `{"jobId"}`.
JOB = "extract"

FIELDS = (
    "id, organization_id, schema_id, schema_version, file_id, status,"
    " revision, segments, pages, rows, engine, input_tokens, output_tokens, cost, attempt, error,"
    " rerun_of, created_by, created_at, updated_at, started_at, finished_at, reviewed_at"
)
ACTIVE = "(" + ", ".join(f"'{status}'" for status in sorted(UNENDED)) + ")"

_STEPS = """
SELECT job_id, revision, status, segment, rows, message, at FROM extraction_step
WHERE job_id = $1 AND revision > $2 ORDER BY revision LIMIT $3
"""


def told(moved: str) -> str:
    """A statement that moves jobs by one revision each, with the entries of their logs. It gives
    them back as records. `moved` returns whole rows; its parameters begin at $3: $1 is the segment,
    $2 the message of the entry."""
    return f"""
WITH moved AS ({moved}), told AS (
  INSERT INTO extraction_step (job_id, revision, status, segment, rows, message)
  SELECT id, revision, status, $1::int, rows, $2::text FROM moved
)
SELECT {FIELDS} FROM moved
"""


def step_statement(sets: str, condition: str) -> str:
    """A step of one job, whose id is $3; other parameters begin at $4."""
    return told(
        "UPDATE extraction_job SET revision = revision + 1, updated_at = clock_timestamp(),"
        f" {sets} WHERE id = $3 AND {condition} RETURNING *"
    )


async def locked_job(connection: Connection, job_id: UUID) -> ExtractionJob | None:
    """A job as it stands, held until the end of the transaction."""
    row = await connection.fetchrow(
        f"SELECT {FIELDS} FROM extraction_job WHERE id = $1 FOR UPDATE", job_id
    )
    return job_of(row) if row else None


async def read_steps(pool: Pool, job_id: UUID, after: int, limit: int) -> Sequence[JobStep]:
    """Entries of a job's log after a revision, in order."""
    rows = await pool.fetch(_STEPS, job_id, after, limit)
    return [JobStep(**(dict(row) | {"status": JobStatus(row["status"])})) for row in rows]


def job_of(row: asyncpg.Record) -> ExtractionJob:
    """A job from `FIELDS`."""
    fields = dict(row) | {
        "status": JobStatus(row["status"]),
        "segments": tuple(_segment(each) for each in orjson.loads(row["segments"])),
    }
    return ExtractionJob(**fields)


def segments_json(segments: Sequence[Segment]) -> str:
    """Segments as they are stored."""
    return dumps([asdict(segment) for segment in segments])


def _segment(stored: dict[str, Any]) -> Segment:
    fields = stored | {
        "table_ids": tuple(UUID(each) for each in stored["table_ids"]),
        "status": SegmentStatus(stored["status"]),
    }
    return Segment(**fields)
