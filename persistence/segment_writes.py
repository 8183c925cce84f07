"""Storing what a part of a document gave: rows in several tables, what is known of their cells,
where they came from, and the end of the part, in one transaction.

The part's state says whether it is stored. It is looked at under the locks, so a job that runs
again, or twice at once, stores each part once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

import asyncpg

from domain.cells import CellStatus
from domain.changes import Cause, CauseKind
from domain.columns import TableShape
from domain.errors import StructureMoved
from domain.extraction_job_records import FoundRow, SegmentResult
from domain.extraction_records import (
    ExtractedCell,
    ExtractionJob,
    JobStatus,
    ReviewStatus,
    Segment,
    SegmentStatus,
)
from persistence.cell_states import producer_json
from persistence.engine import Connection, Pool
from persistence.extraction_job_rows import job_of, locked_job, segments_json, step_statement
from persistence.joint_writes import JointWrite, write_jointly
from persistence.json_text import dumps
from persistence.row_insert import insert_rows
from persistence.row_update import remove_rows
from persistence.unit_of_work import TableWrite, Wake

#: Rows of one revision: those of more are told in figures only.
CHUNK_ROWS = 1_000

_STEP = step_statement(
    "segments = $4::jsonb, rows = extraction_job.rows + $5, attempt = 0,"
    " input_tokens = extraction_job.input_tokens + $6,"
    " output_tokens = extraction_job.output_tokens + $7, cost = extraction_job.cost + $8",
    "TRUE",
)
#: Pending rows of earlier jobs of the file: all of them, or those of one part.
_OLD = f"""
FROM extracted_row e
WHERE e.organization_id = $1 AND e.file_id = $2 AND e.schema_id = $3 AND e.job_id <> $4
  AND e.review_status = '{ReviewStatus.PENDING}' AND ($5::int IS NULL OR e.segment = $5)
"""
_STATES = """
WITH given AS (
  SELECT * FROM jsonb_to_recordset($1::jsonb) AS g
    (row_id uuid, number int, status text, error text, confidence float8, citations jsonb, raw text)
), states AS (
  INSERT INTO cell_state (table_id, row_id, column_number, status, error, producer, confidence,
                          citations, raw, updated_at)
  SELECT $2, row_id, number, status, error, $3::jsonb, confidence, citations, raw, $5 FROM given
  ON CONFLICT (table_id, row_id, column_number)
  DO UPDATE SET status = excluded.status, error = excluded.error, producer = excluded.producer,
    confidence = excluded.confidence, citations = excluded.citations, raw = excluded.raw
)
INSERT INTO cell_change (table_id, row_id, column_number, revision, previous, status, error, at)
SELECT $2, row_id, number, $4, 'initialized', status, error, $5 FROM given
ON CONFLICT (table_id, row_id, column_number, revision)
DO UPDATE SET status = excluded.status, error = excluded.error
"""
_ADOPT = """
UPDATE extracted_row SET parent_row_id = $3
WHERE organization_id = $1 AND file_id = $2 AND parent_row_id = ANY($4)
"""
_ADOPT_ORPHANS = """
UPDATE extracted_row SET parent_row_id = $3
WHERE organization_id = $1 AND file_id = $2 AND parent_row_id IS NULL AND table_id = ANY($4)
  AND segment > $5
"""
_PARENT = """
SELECT e.row_id FROM extracted_row e JOIN {table} t ON t.id = e.row_id
WHERE e.table_id = $1 AND e.file_id = $2 AND e.segment < $3
ORDER BY e.job_id = $4 DESC, e.segment DESC, e.index_in_file DESC LIMIT 1
"""
#: The columns of `extracted_row` in the order in which rows are copied.
COPIED = (
    "table_id",
    "row_id",
    "organization_id",
    "schema_id",
    "file_id",
    "job_id",
    "segment",
    "parent_row_id",
    "index_in_file",
    "review_status",
)


async def find_parents(
    pool: Pool, job: ExtractionJob, segment: int, shapes: Sequence[TableShape]
) -> Mapping[UUID, UUID]:
    """By table, the last living row of the file that stands before a segment, of this job if it has
    any. Raises `StructureMoved`."""
    found = {}
    for shape in shapes:
        text = _PARENT.format(table=shape.sql_name)
        try:
            row_id = await pool.fetchval(text, shape.id, job.file_id, segment, job.id)
        except asyncpg.UndefinedTableError:
            raise StructureMoved from None
        if row_id is not None:
            found[shape.id] = row_id
    return found


async def write_segment(
    pool: Pool,
    wake: Wake,
    job: ExtractionJob,
    shapes: Sequence[TableShape],
    result: SegmentResult,
) -> ExtractionJob | None:
    """Store a segment, once; the job as it stands then. None when the job has ended. Raises
    `StructureMoved`."""
    replaced = await _replaced_tables(pool, job, result.segment)
    concerned = [shape for shape in shapes if shape.id in replaced or result.rows.get(shape.id)]
    cause = Cause(CauseKind.EXTRACTION, str(job.id))
    async with write_jointly(
        pool, job.organization_id, concerned, job.created_by, cause, wake
    ) as write:
        now = await locked_job(write.connection, job.id)
        if now is None or now.status is not JobStatus.RUNNING:
            return None
        segment = next((each for each in now.segments if each.number == result.segment), None)
        if segment is None or segment.status is not SegmentStatus.QUEUED:
            return now
        stored = _Stored(now, result)
        for table_write in write.tables.values():
            await stored.table(table_write)
        return await _step(write, now, segment, result)


@dataclass
class _Stored:
    """The rows of a segment on their way into their tables."""

    job: ExtractionJob
    result: SegmentResult

    async def table(self, write: TableWrite) -> None:
        """Replace what earlier jobs left in a table, and add what was found."""
        rows = self.result.rows.get(write.shape.id, ())
        gone = await self._remove_old(write)
        index = await next_index(write.connection, write.shape, self.job.file_id)
        for start in range(0, len(rows), CHUNK_ROWS):
            await self._add(write, rows[start : start + CHUNK_ROWS], index + start)
        if self.job.rerun_of is not None:
            if rows:
                await self._adopt(write, rows[-1].prepared.id, gone)
            await _number_again(write.connection, write.shape, self.job.file_id)

    async def _adopt(self, write: TableWrite, heir: UUID, gone: Sequence[UUID]) -> None:
        """Rows of later parts that belonged to a row which was replaced, or to none because theirs
        was missing, belong to the last one of this part."""
        file = (self.job.organization_id, self.job.file_id)
        await write.connection.execute(_ADOPT, *file, heir, gone)
        children = list(self.result.children.get(write.shape.id, ()))
        segment = self.result.segment
        await write.connection.execute(_ADOPT_ORPHANS, *file, heir, children, segment)

    async def _remove_old(self, write: TableWrite) -> Sequence[UUID]:
        text = (
            f"SELECT e.row_id {_OLD} AND e.table_id = $6"
            f" AND EXISTS (SELECT FROM {write.shape.sql_name} t WHERE t.id = e.row_id)"
            " ORDER BY e.index_in_file"
        )
        arguments = _old_arguments(self.job, self.result.segment)
        found = await write.connection.fetch(text, *arguments, write.shape.id)
        row_ids = [row["row_id"] for row in found]
        for start in range(0, len(row_ids), CHUNK_ROWS):
            await write.next_revision()
            await remove_rows(write, row_ids[start : start + CHUNK_ROWS])
        return row_ids

    async def _add(self, write: TableWrite, rows: Sequence[FoundRow], index: int) -> None:
        shape = write.shape
        prepared = [row.prepared for row in rows]
        written = await insert_rows(
            write.connection, shape, write.actor, write.cause, shape.first_session_id, prepared
        )
        write.revision = written.revision
        stateful = {column.number for column in shape.stateful_columns}
        states = [
            _state(row.prepared.id, number, cell, self.job.file_id)
            for row in rows
            for number, cell in row.cells.items()
            if number in stateful
        ]
        if states:
            producer = producer_json(self.result.producer)
            await write.connection.execute(
                _STATES, dumps(states), shape.id, producer, write.revision, written.at
            )
        await write.connection.copy_records_to_table(
            "extracted_row",
            columns=COPIED,
            records=[self._origin(shape, row, place) for place, row in enumerate(rows, index)],
        )

    def _origin(self, shape: TableShape, row: FoundRow, index: int) -> tuple[Any, ...]:
        job = self.job
        return (
            shape.id,
            row.prepared.id,
            job.organization_id,
            job.schema_id,
            job.file_id,
            job.id,
            self.result.segment,
            row.parent_id,
            index,
            ReviewStatus.PENDING.value,
        )


async def next_index(connection: Connection, shape: TableShape, file_id: UUID) -> int:
    """The place in its file that the next row of a table gets."""
    found: int = await connection.fetchval(
        "SELECT coalesce(max(e.index_in_file) + 1, 0) FROM extracted_row e"
        f" JOIN {shape.sql_name} t ON t.id = e.row_id WHERE e.table_id = $1 AND e.file_id = $2",
        shape.id,
        file_id,
    )
    return found


async def _number_again(connection: Connection, shape: TableShape, file_id: UUID) -> None:
    """Put rows that were read later at the place of their part."""
    await connection.execute(
        "UPDATE extracted_row e SET index_in_file = n.place FROM ("
        " SELECT e.row_id, row_number() OVER (ORDER BY e.segment, e.index_in_file) - 1 AS place"
        f" FROM extracted_row e JOIN {shape.sql_name} t ON t.id = e.row_id"
        " WHERE e.table_id = $1 AND e.file_id = $2) AS n"
        " WHERE e.table_id = $1 AND e.row_id = n.row_id AND e.index_in_file <> n.place",
        shape.id,
        file_id,
    )


async def _replaced_tables(pool: Pool, job: ExtractionJob, segment: int) -> set[UUID]:
    """The tables that may hold rows which this segment replaces. No new ones come while the job
    goes on: only the running job of a file adds pending rows."""
    arguments = _old_arguments(job, segment)
    found = await pool.fetch(f"SELECT DISTINCT e.table_id {_OLD}", *arguments)
    return {row["table_id"] for row in found}


def _old_arguments(job: ExtractionJob, segment: int) -> tuple[Any, ...]:
    """A job that reads a file anew replaces all at once, with its first segment; one that reads
    what was missing replaces each segment with itself."""
    only = segment if job.rerun_of is not None else None
    return (job.organization_id, job.file_id, job.schema_id, job.id, only)


def _state(row_id: UUID, number: int, cell: ExtractedCell, file_id: UUID) -> dict[str, Any]:
    where = cell.citation
    return {
        "row_id": str(row_id),
        "number": number,
        "status": CellStatus.RESOLVED if cell.error is None else CellStatus.ERROR,
        "error": _plain(cell.error),
        "confidence": cell.confidence,
        "citations": where
        and [
            {
                "fileId": str(file_id),
                "page": where.page,
                "box": where.box and list(where.box),
                "text": _plain(where.text),
            }
        ],
        "raw": _plain(cell.raw),
    }


def _plain(text: str | None) -> str | None:
    """A text as PostgreSQL takes it, whatever the document holds."""
    return None if text is None else text.encode(errors="replace").decode().replace("\0", "")


async def _step(
    write: JointWrite, job: ExtractionJob, segment: Segment, result: SegmentResult
) -> ExtractionJob:
    count = sum(map(len, result.rows.values()))
    status = SegmentStatus.DONE if result.missing is None else SegmentStatus.MISSING
    missing = _plain(result.missing)
    done = replace(segment, status=status, produced=count, reason=missing)
    segments = [done if each.number == done.number else each for each in job.segments]
    row = await write.connection.fetchrow(
        _STEP,
        done.number,
        missing or f"{done.name}: {count} rows",
        job.id,
        segments_json(segments),
        count,
        result.usage.input_tokens,
        result.usage.output_tokens,
        result.usage.cost or 0,
    )
    assert row is not None  # the job is locked and there
    moved = job_of(row)
    write.wakes.append(("extraction", moved.id, moved.revision))
    return moved
