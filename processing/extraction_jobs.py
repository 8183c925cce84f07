"""Reading files: a document is planned once, then read part by part, each stored in a transaction
of its own.

What a job has done it reads from its parts: one that runs again, because a worker died, goes on
with those that are not stored. No part is read inside a transaction."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import structlog

from domain.columns import TableShape
from domain.documents import Unreadable
from domain.errors import Invalid, StructureMoved
from domain.extraction_job_records import SegmentResult
from domain.extraction_ports import DocumentSource, ExtractionWork, Extractor, Unextractable
from domain.extraction_records import (
    ExtractionJob,
    Segment,
    SegmentFound,
    SegmentStatus,
)
from domain.extraction_tables import planned
from domain.ports import Storage
from domain.tool_ports import TryLater
from domain.tool_records import Producer, ProducerKind
from persistence import jobs
from persistence.extraction_job_rows import JOB
from persistence.jobs import TryAgain, out_of_reach
from processing.extracted_rows import ready_rows

#: Documents of one worker at once: each may take hundreds of megabytes while it is read.
SLOTS = 3
#: Examples that an extractor is given.
EXAMPLES = 100
#: How often a document may end its worker without a part being stored in between.
ATTEMPTS = 5
#: How long a job waits since its last step: for models that want to be left alone, and for a
#: database that is away or does not get done with a part in time.
PATIENCE = timedelta(minutes=30)
#: Rows of a part that one transaction stores at most: it keeps other writers of its tables waiting.
MOST_ROWS = 50_000
#: How often a part is stored again when columns change under it.
_MOVES = 10

_INTERNAL = "An internal error ended the reading"
_OUT_OF_REACH = "The database was out of reach, or took too long to store it"
_KEEPS_ENDING = "The worker that read the file ended unexpectedly, again and again"

_log = structlog.get_logger()


async def read_files(
    database_url: str,
    storage: Storage,
    extractor: Extractor,
    documents: DocumentSource,
    stopping: asyncio.Event,
) -> None:
    """Run extraction jobs until `stopping` is set, in slots of their own: they wait for models and
    keep no import waiting."""

    async def work(payload: Mapping[str, Any]) -> None:
        await read_file(storage, extractor, documents, UUID(payload["jobId"]), stopping)

    await jobs.run(database_url, {JOB: work}, stopping, SLOTS, "tablecast extraction")


async def read_file(
    storage: Storage,
    extractor: Extractor,
    documents: DocumentSource,
    job_id: UUID,
    stopping: asyncio.Event,
) -> None:
    """Bring a job to its end, or to where it is cancelled.

    Raises `TryAgain` when it is to go on later or elsewhere. What cannot succeed by trying again
    ends the job, with a sentence."""
    job = await storage.extraction_jobs.begin(job_id)
    if job is None:
        return
    if job.attempt > ATTEMPTS:
        await storage.extraction_jobs.finish(job, _KEEPS_ENDING)
        return
    try:
        work = await _work(storage, documents, job)
        await _Reading(storage, extractor, work, job, stopping).run()
    except TryAgain:
        await storage.extraction_jobs.give_back(job_id)
        raise
    except TryLater as later:
        await _wait(storage, job, later)
    except (Unextractable, Unreadable) as error:
        await storage.extraction_jobs.finish(job, str(error))
    except Exception as error:
        if out_of_reach(error):
            # Mostly no fault of the document.
            with suppress(Exception):
                if not await _given_back(storage, job, _OUT_OF_REACH):
                    return
            raise
        _log.exception("an extraction failed", job_id=str(job_id))
        await storage.extraction_jobs.finish(job, _INTERNAL)


async def _wait(storage: Storage, job: ExtractionJob, later: TryLater) -> None:
    """Raises `TryAgain`, unless the job has waited long enough since its last step."""
    if await _given_back(storage, job, later.reason):
        raise TryAgain(later.reason, later.seconds)


async def _given_back(storage: Storage, job: ExtractionJob, reason: str) -> bool:
    """Whether a job may go on later: this attempt does not count then. One that has waited long
    enough since its last step ends, for this reason."""
    now = await storage.extraction_jobs.get(job.organization_id, job.id)
    if now is not None and datetime.now(UTC) - now.updated_at > PATIENCE:
        await storage.extraction_jobs.finish(now, reason)
        return False
    await storage.extraction_jobs.give_back(job.id)
    return True


async def _work(storage: Storage, documents: DocumentSource, job: ExtractionJob) -> ExtractionWork:
    """What is to be read, and by what. Raises `Unextractable` and `Unreadable`."""
    organization_id = job.organization_id
    file = await storage.files.get(organization_id, job.file_id)
    if file is None:
        raise Unextractable("The file was deleted")
    schemas = storage.extraction_schemas
    schema = await schemas.at_version(organization_id, job.schema_id, job.schema_version)
    if schema is None:
        raise Unextractable("The extraction schema was deleted")
    tables = await planned(storage, schema)
    examples = await schemas.examples(organization_id, schema.id, EXAMPLES)
    document = await documents.document(file)
    work = ExtractionWork(organization_id, schema, tables, examples, file, document, job.created_by)
    is_begun = any(each.status is not SegmentStatus.QUEUED for each in job.segments)
    if job.rerun_of is None and not is_begun:
        return work
    primary = schema.tables[0].table_id
    earlier = await storage.extracted_rows.printed(organization_id, schema.id, job.file_id, primary)
    return replace(work, earlier=earlier)


class _Reading:
    """One run over the parts of a document."""

    def __init__(
        self,
        storage: Storage,
        extractor: Extractor,
        work: ExtractionWork,
        job: ExtractionJob,
        stopping: asyncio.Event,
    ) -> None:
        self._storage = storage
        self._extractor = extractor
        self._work = work
        self._job = job
        self._stopping = stopping

    async def run(self) -> None:
        """Read all parts that are not stored yet, and end the job."""
        job: ExtractionJob | None = self._job
        if self._job.engine is None:
            engine, segments = await self._extractor.plan(self._work)
            pages = len(self._work.document.pages)
            job = await self._storage.extraction_jobs.plan(self._job, engine, pages, segments)
        while job is not None and (segment := _next(job)) is not None:
            if self._stopping.is_set():
                raise TryAgain("the worker stops", seconds=0)
            job = await self._store(segment, await self._read(segment))
        if job is None:
            _log.info("an extraction was cancelled or goes on elsewhere", job_id=str(self._job.id))
            return
        await self._storage.extraction_jobs.finish(job, None)

    async def _read(self, segment: Segment) -> SegmentFound:
        """What a part holds. A part that cannot be read is missing; the others are read all the
        same. Raises `TryLater`."""
        try:
            found = await self._extractor.extract(self._work, segment)
        except (Unextractable, Unreadable) as error:
            return _nothing(str(error))
        except TryLater:
            raise
        except Exception as error:
            if out_of_reach(error):
                raise
            _log.exception("a part could not be read", job_id=str(self._job.id), part=segment.name)
            return _nothing("An internal error kept it from being read")
        if len(found.rows) > MOST_ROWS:
            told = f"it has {len(found.rows):,} rows; more than {MOST_ROWS:,} are for imports"
            return replace(found, rows=(), missing=told)
        short = segment.expected is not None and len(found.rows) < segment.expected
        if short and found.missing is None:
            return replace(found, missing=f"{len(found.rows)} of {segment.expected} rows were read")
        return found

    async def _store(self, segment: Segment, found: SegmentFound) -> ExtractionJob | None:
        for _ in range(_MOVES):
            shapes = await self._shapes()
            try:
                result = await self._result(segment, found, shapes)
                return await self._storage.extraction_jobs.write(
                    self._job, list(shapes.values()), result
                )
            except StructureMoved:
                for shape in shapes.values():
                    self._storage.tables.forget(shape)
            except Invalid as error:
                # Such as a text that is too long for an index.
                found = replace(found, rows=(), missing=str(error))
        raise TryAgain("the columns of a table keep moving", seconds=1)

    async def _result(
        self, segment: Segment, found: SegmentFound, shapes: Mapping[UUID, TableShape]
    ) -> SegmentResult:
        targets = {
            table.table.table_id: (shapes[table.table.table_id], table)
            for table in self._work.tables
            if table.table.table_id in shapes
        }
        children: dict[UUID, list[UUID]] = {}
        for table_id, (_, table) in targets.items():
            if table.table.parent_id in targets:
                children.setdefault(table.table.parent_id, []).append(table_id)
        before = await self._storage.extraction_jobs.parents(
            self._job, segment.number, [targets[above][0] for above in children]
        )
        rows = await asyncio.to_thread(ready_rows, targets, found.rows, before)
        gone = [table.name for table in self._work.tables if table.table.table_id not in targets]
        missing = found.missing
        if gone and missing is None:
            missing = f"tables that were deleted: {', '.join(gone)}"
        return SegmentResult(segment.number, rows, found.producer, found.usage, missing, children)

    async def _shapes(self) -> dict[UUID, TableShape]:
        """The tables of the schema and those that hold rows of the file, as they are now."""
        organization_id = self._job.organization_id
        wanted: Sequence[UUID] = [table.table.table_id for table in self._work.tables]
        old = await self._storage.extracted_rows.tables(organization_id, self._job.file_id)
        shapes = {}
        for table_id in dict.fromkeys([*wanted, *old]):
            shape = await self._storage.tables.shape(organization_id, table_id)
            if shape is not None:
                shapes[table_id] = shape
        return shapes


def _next(job: ExtractionJob) -> Segment | None:
    """The first part that is not stored yet."""
    return next((each for each in job.segments if each.status is SegmentStatus.QUEUED), None)


def _nothing(missing: str) -> SegmentFound:
    return SegmentFound((), Producer(ProducerKind.RULES), missing=missing)
