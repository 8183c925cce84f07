"""Extraction jobs in storage: their beginning, their steps and their end. `segment_writes` stores
what they find.

A job's row is locked behind the clocks of tables and of the organisation. A file has one job at a
time that has not ended: a unique index says so."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from domain import ids
from domain.changes import Cause, CauseKind, OrganizationChangeKind
from domain.columns import TableShape
from domain.errors import NotFound
from domain.extraction_job_records import JobPage, JobSearch, SegmentResult, StartedJob
from domain.extraction_records import (
    ExtractionJob,
    ExtractionSchema,
    JobStatus,
    JobStep,
    Segment,
    SegmentStatus,
)
from persistence import jobs
from persistence.claims import writing
from persistence.engine import Connection, Database
from persistence.extraction_job_rows import (
    ACTIVE,
    FIELDS,
    JOB,
    job_of,
    locked_job,
    read_steps,
    segments_json,
    step_statement,
    told,
)
from persistence.joint_writes import JointWrite, write_jointly_with_organization
from persistence.segment_writes import find_parents, write_segment
from persistence.unit_of_work import Wake

#: Behind what people wait for with a hand on the table. The second file of a request waits behind
#: the first ones of all others, so that nobody's folder keeps a single file of others waiting.
PRIORITY = -5
#: Characters of what a job says that it lacks.
_MOST_TOLD = 10_000
#: How often a start looks again for a job that ended between two looks.
_LOOKS = 5

_START = told(f"""
  INSERT INTO extraction_job (id, organization_id, schema_id, schema_version, file_id, status,
                              revision, segments, rerun_of, created_by, attempt)
  SELECT g.id, $5, $6, $7, f.id, '{JobStatus.QUEUED}', 1, $8::jsonb, $9, $10, 0
  FROM unnest($3::uuid[], $4::uuid[]) AS g(id, file_id)
  JOIN file f ON f.id = g.file_id AND f.organization_id = $5
  ORDER BY f.id FOR SHARE OF f
  ON CONFLICT (file_id) WHERE status IN ('queued', 'running') DO NOTHING
  RETURNING *
""")
_RUNNING = f"""
SELECT {FIELDS} FROM extraction_job
WHERE organization_id = $1 AND file_id = ANY($2) AND status IN {ACTIVE}
"""
#: The last parameter holds the schemas that a key with a scope may see.
_WANTED = """
WHERE organization_id = $1 AND ($2::uuid IS NULL OR file_id = $2)
  AND ($3::uuid IS NULL OR schema_id = $3) AND ($4::text[] IS NULL OR status = ANY($4))
  AND ($5::uuid[] IS NULL OR schema_id = ANY($5))
"""
_PAGE = f"""
SELECT {FIELDS} FROM extraction_job {_WANTED} AND ($6::uuid IS NULL OR id < $6)
ORDER BY id DESC LIMIT $7
"""
_LATEST = f"""
SELECT {FIELDS} FROM extraction_job
WHERE file_id = $2 AND organization_id = $1 AND ($3::uuid[] IS NULL OR schema_id = ANY($3))
ORDER BY id DESC LIMIT 1
"""
_COUNT = f"SELECT count(*) FROM extraction_job {_WANTED}"
_CANCEL = step_statement(
    f"status = '{JobStatus.CANCELLED}', finished_at = clock_timestamp()",
    f"organization_id = $4 AND status IN {ACTIVE}",
)
_BEGIN = step_statement(
    f"status = '{JobStatus.RUNNING}', attempt = 1, started_at = clock_timestamp()",
    f"status = '{JobStatus.QUEUED}'",
)
_BEGIN_AGAIN = f"""
UPDATE extraction_job SET attempt = attempt + 1
WHERE id = $1 AND status = '{JobStatus.RUNNING}' RETURNING {FIELDS}
"""
_GIVE_BACK = f"""
UPDATE extraction_job SET attempt = attempt - 1
WHERE id = $1 AND status = '{JobStatus.RUNNING}' AND attempt > 0
"""
_PLAN = step_statement(
    "engine = $4, pages = $5,"
    " segments = CASE WHEN segments = '[]' THEN $6::jsonb ELSE segments END",
    f"status = '{JobStatus.RUNNING}' AND engine IS NULL",
)
_FINISH = step_statement(
    "status = $4, error = $5, segments = $6::jsonb, finished_at = clock_timestamp()", "TRUE"
)


class ExtractionJobs:
    """The `JobStore` port."""

    def __init__(self, database: Database, wake: Wake) -> None:
        self._database = database
        self._pool = database.pool
        self._wake = wake

    async def start(
        self,
        organization_id: UUID,
        actor: str,
        schema: ExtractionSchema,
        file_ids: Sequence[UUID],
    ) -> Sequence[StartedJob]:
        """A job for each file, in their order; a file that is being read keeps the one it has."""
        new = _New(organization_id, actor, schema.id, schema.version)
        return await self._start(new, file_ids)

    async def rerun(self, actor: str, old: ExtractionJob) -> StartedJob:
        """A job that reads the missing segments of an ended one."""
        missing = [
            replace(each, status=SegmentStatus.QUEUED, produced=0, reason=None)
            for each in old.missing
        ]
        new = _New(
            old.organization_id, actor, old.schema_id, old.schema_version, tuple(missing), old.id
        )
        [started] = await self._start(new, [old.file_id])
        return started

    async def get(self, organization_id: UUID, job_id: UUID) -> ExtractionJob | None:
        return (await self.by_ids(organization_id, [job_id])).get(job_id)

    async def by_ids(
        self, organization_id: UUID, job_ids: Sequence[UUID]
    ) -> dict[UUID, ExtractionJob]:
        """Jobs by id: one statement, however many."""
        rows = await self._pool.fetch(
            f"SELECT {FIELDS} FROM extraction_job WHERE id = ANY($1) AND organization_id = $2",
            list(job_ids),
            organization_id,
        )
        return {row["id"]: job_of(row) for row in rows}

    async def latest(self, organization_id: UUID, file_id: UUID) -> ExtractionJob | None:
        """Ids grow with time, so their order is the order of starting."""
        visible = await self._visible(organization_id)
        row = await self._pool.fetchrow(_LATEST, organization_id, file_id, visible)
        return job_of(row) if row else None

    async def page(self, organization_id: UUID, search: JobSearch) -> JobPage:
        wanted = await self._wanted(organization_id, search)
        rows = await self._pool.fetch(_PAGE, *wanted, search.before, search.limit + 1)
        found = [job_of(row) for row in rows]
        return JobPage(found[: search.limit], len(found) > search.limit)

    async def count(self, organization_id: UUID, search: JobSearch) -> int:
        wanted = await self._wanted(organization_id, search)
        found: int = await self._pool.fetchval(_COUNT, *wanted)
        return found

    async def steps(self, job_id: UUID, after: int, limit: int) -> Sequence[JobStep]:
        return await read_steps(self._pool, job_id, after, limit)

    async def cancel(self, organization_id: UUID, job_id: UUID) -> ExtractionJob | None:
        """None when it had ended."""
        async with writing(self._pool) as connection:
            row = await connection.fetchrow(_CANCEL, None, None, job_id, organization_id)
        return self._woken(job_of(row)) if row else None

    async def begin(self, job_id: UUID) -> ExtractionJob | None:
        """Take up a queued or interrupted job; None when it is not to be run."""
        async with writing(self._pool) as connection:
            row = await connection.fetchrow(_BEGIN, None, None, job_id)
            if row is None:
                again = await connection.fetchrow(_BEGIN_AGAIN, job_id)
                return job_of(again) if again else None
        return self._woken(job_of(row))

    async def give_back(self, job_id: UUID) -> None:
        await self._pool.execute(_GIVE_BACK, job_id)

    async def plan(
        self, job: ExtractionJob, engine: str, pages: int, segments: Sequence[Segment]
    ) -> ExtractionJob | None:
        """Keep what is to be read; the first plan of a job holds. None when it has ended."""
        async with writing(self._pool) as connection:
            told_ = f"{engine}: {len(job.segments or segments)} parts of {pages} pages"
            row = await connection.fetchrow(
                _PLAN, None, told_, job.id, engine, pages, segments_json(segments)
            )
        if row is not None:
            return self._woken(job_of(row))
        found = await self.get(job.organization_id, job.id)
        return found if found is not None and not found.is_over else None

    async def parents(
        self, job: ExtractionJob, segment: int, shapes: Sequence[TableShape]
    ) -> Mapping[UUID, UUID]:
        return await find_parents(self._pool, job, segment, shapes)

    async def write(
        self, job: ExtractionJob, shapes: Sequence[TableShape], result: SegmentResult
    ) -> ExtractionJob | None:
        """Store a segment, once. None when the job has ended. Raises `StructureMoved`."""
        return await write_segment(self._pool, self._wake, job, shapes, result)

    async def finish(self, job: ExtractionJob, error: str | None) -> ExtractionJob | None:
        """End a job as its segments tell, with its entry in the organisation's log."""
        cause = Cause(CauseKind.EXTRACTION, str(job.id))
        async with write_jointly_with_organization(
            self._pool, job.organization_id, (), job.created_by, cause, self._wake
        ) as write:
            now = await locked_job(write.connection, job.id)
            if now is None or now.is_over:
                return None
            return await _finish(write, _ended(now, error))

    async def _start(self, new: "_New", file_ids: Sequence[UUID]) -> Sequence[StartedJob]:
        found: dict[UUID, StartedJob] = {}
        async with writing(self._pool) as connection:
            for _ in range(_LOOKS):
                left = [file_id for file_id in file_ids if file_id not in found]
                if not left:
                    break
                made = await new.insert(connection, left)
                found |= {each.file_id: StartedJob(each, True) for each in made}
                rows = await connection.fetch(_RUNNING, new.organization_id, left)
                for row in rows:
                    found.setdefault(row["file_id"], StartedJob(job_of(row), False))
            if any(file_id not in found for file_id in file_ids):
                raise NotFound("File")
        for each in found.values():
            if each.is_new:
                self._woken(each.job)
        return [found[file_id] for file_id in file_ids]

    async def _wanted(self, organization_id: UUID, search: JobSearch) -> tuple[Any, ...]:
        statuses = None if search.statuses is None else [each.value for each in search.statuses]
        visible = await self._visible(organization_id)
        return (organization_id, search.file_id, search.schema_id, statuses, visible)

    async def _visible(self, organization_id: UUID) -> Sequence[UUID] | None:
        """The schemas whose jobs may be seen; None for all."""
        return None

    def _woken(self, job: ExtractionJob) -> ExtractionJob:
        self._wake("extraction", job.id, job.revision)
        return job


@dataclass(frozen=True, slots=True)
class _New:
    """Jobs to be made, one for each of some files."""

    organization_id: UUID
    actor: str
    schema_id: UUID | None
    schema_version: int
    segments: tuple[Segment, ...] = ()
    rerun_of: UUID | None = None

    async def insert(
        self, connection: Connection, file_ids: Sequence[UUID]
    ) -> Sequence[ExtractionJob]:
        """Jobs for those files that are there and are not being read, with what runs them."""
        rows = await connection.fetch(
            _START,
            None,
            None,
            ids.new_ids(ids.Kind.EXTRACTION_JOB, len(file_ids)),
            list(file_ids),
            self.organization_id,
            self.schema_id,
            self.schema_version,
            segments_json(self.segments),
            self.rerun_of,
            self.actor,
        )
        places = {file_id: place for place, file_id in enumerate(file_ids)}
        made = sorted(map(job_of, rows), key=lambda job: places[job.file_id])
        payloads = [{"jobId": str(job.id)} for job in made]
        priorities = [PRIORITY - place for place in range(len(made))]
        await jobs.enqueue_all(connection, JOB, payloads, priority=priorities)
        return made


def _ended(job: ExtractionJob, error: str | None) -> ExtractionJob:
    """A job as it ends. What was not read because of an error is missing; a job without any row of
    which something is missing has failed."""
    segments = tuple(
        replace(each, status=SegmentStatus.MISSING, reason=error)
        if each.status is SegmentStatus.QUEUED
        else each
        for each in job.segments
    )
    missing = [each for each in segments if each.status is SegmentStatus.MISSING]
    if error is None and not missing:
        return replace(job, status=JobStatus.COMPLETED, segments=segments)
    status = JobStatus.PARTIAL if job.rows else JobStatus.FAILED
    if missing:
        error = _told([f"{each.name}: {each.reason}" for each in missing])
    return replace(job, status=status, error=error, segments=segments)


def _told(sentences: Sequence[str]) -> str:
    """As many as the organisation's log and webhooks have room for; a job's parts tell all."""
    room = _MOST_TOLD
    kept = [each for each in sentences if (room := room - len(each) - 2) >= 0]
    kept = kept or [sentences[0][:_MOST_TOLD]]
    more = len(sentences) - len(kept)
    return "; ".join(kept) + (f"; and {more} more" if more else "")


async def _finish(write: JointWrite, ended: ExtractionJob) -> ExtractionJob:
    row = await write.connection.fetchrow(
        _FINISH,
        None,
        ended.error,
        ended.id,
        ended.status,
        ended.error,
        segments_json(ended.segments),
    )
    assert row is not None  # the job is locked and there
    job = job_of(row)
    details = {
        "schemaId": str(job.schema_id),
        "jobId": str(job.id),
        "status": job.status,
        "errorMessage": job.error,
        "rows": job.rows,
    }
    await write.log_organization(OrganizationChangeKind.DOCUMENT_EXTRACTED, job.file_id, details)
    write.wakes.append(("extraction", job.id, job.revision))
    return job
