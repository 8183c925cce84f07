"""Carrying out reviews: rows of a file deleted, corrected, added and accepted in their tables, in
one transaction with the word that nothing is pending any more.

Accepting a row is an update without values: a version of it says who accepted it and when, and
whoever follows the table hears of it. All reviews hold the organisation's clock, so of two that
accept the last rows of a file one sees that nothing is left."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from domain.changes import Cause, CauseKind, OrganizationChangeKind
from domain.columns import TableShape
from domain.errors import Conflict
from domain.extraction_commands import NewExample
from domain.extraction_job_records import TableReview
from domain.extraction_records import JobStatus, ReviewStatus, ReviewSummary
from domain.row_values import RowValues
from domain.row_writes import PreparedRow
from persistence.engine import Connection, Pool
from persistence.extraction_examples import insert_examples
from persistence.extraction_job_rows import ACTIVE
from persistence.joint_writes import JointWrite, write_jointly_with_organization
from persistence.row_insert import insert_rows
from persistence.row_update import merge_rows, remove_rows
from persistence.segment_writes import CHUNK_ROWS, COPIED, next_index
from persistence.unit_of_work import TableWrite, Wake

#: Nobody deletes the file meanwhile, or begins to read it.
_LOCK_FILE = "SELECT FROM file WHERE id = $1 AND organization_id = $2 FOR NO KEY UPDATE"
_LAST_JOB = f"""
SELECT id, schema_id, status, reviewed_at, status IN {ACTIVE} AS active FROM extraction_job
WHERE file_id = $1 AND organization_id = $2
ORDER BY id DESC LIMIT 1
"""
#: In tables that the reviewer does not see. Whether their rows are still there is not looked up.
_ELSEWHERE = f"""
SELECT count(*) FROM extracted_row e
JOIN user_table t ON t.id = e.table_id AND t.deleted_at IS NULL
WHERE e.file_id = $1 AND e.organization_id = $2 AND e.review_status = '{ReviewStatus.PENDING}'
  AND e.table_id <> ALL($3)
"""
_ACCEPT = f"""
UPDATE extracted_row SET review_status = '{ReviewStatus.ACCEPTED}', reviewed_by = $3,
  reviewed_at = $4
WHERE table_id = $1 AND row_id = ANY($2)
"""


async def write_review(
    pool: Pool,
    wake: Wake,
    organization_id: UUID,
    actor: str,
    file_id: UUID,
    shapes: Sequence[TableShape],
    reviews: Mapping[UUID, TableReview],
) -> ReviewSummary:
    """Carry out reviews by table. `shapes` are all tables that have rows of the file.

    Raises `Conflict` when the file was never read or is being read, and `StructureMoved`."""
    named = [shape for shape in shapes if shape.id in reviews]
    cause = Cause(CauseKind.REVIEW, str(file_id))
    async with write_jointly_with_organization(
        pool, organization_id, named, actor, cause, wake
    ) as write:
        await write.connection.execute(_LOCK_FILE, file_id, organization_id)
        job = await write.connection.fetchrow(_LAST_JOB, file_id, organization_id)
        if job is None:
            raise Conflict("No processed data found for this file")
        if job["active"]:
            raise Conflict("The file is being processed; wait until its job has ended")
        review = _Review(write, file_id, job["id"], job["schema_id"])
        for table_id, table_write in write.tables.items():
            await review.table(table_write, reviews[table_id])
        pending = await _tell_end(write, file_id, job, shapes)
    return review.summary(pending)


@dataclass
class _Review:
    """A review under way, with what it has done."""

    write: JointWrite
    file_id: UUID
    job_id: UUID
    schema_id: UUID
    accepted: int = 0
    deleted: int = 0
    updated: int = 0
    added: int = 0
    touched: list[UUID] = field(default_factory=list)

    def summary(self, pending: int) -> ReviewSummary:
        counts = (self.accepted, self.deleted, self.updated, self.added)
        return ReviewSummary(*counts, tuple(self.touched), pending)

    async def table(self, write: TableWrite, review: TableReview) -> None:
        """Delete, change and add rows of a table; accept all others of the file."""
        before = write.revision
        living = await _living(write.connection, write.shape, self.file_id)
        deleted = [row_id for row_id in review.deleted if row_id in living]
        for part in _chunks(deleted):
            await write.next_revision()
            await remove_rows(write, part)
        await self._change(write, review.updated, _rest(living, deleted, review.updated))
        for start in range(0, len(review.added), CHUNK_ROWS):
            await self._add(write, review.added[start : start + CHUNK_ROWS])
        await self._learn(write.shape, review)
        gone = set(deleted)
        self.accepted += sum(
            status == ReviewStatus.PENDING and row_id not in gone
            for row_id, status in living.items()
        )
        self.deleted += len(deleted)
        self.updated += len(review.updated)
        self.added += len(review.added)
        if write.revision != before:
            self.touched.append(write.shape.id)

    async def _change(
        self, write: TableWrite, updated: Sequence[PreparedRow], rest: Sequence[PreparedRow]
    ) -> None:
        # asyncpg's ids are a class of its own, which JSON does not know.
        rows = [replace(row, id=UUID(int=row.id.int)) for row in (*updated, *rest)]
        for start in range(0, len(rows), CHUNK_ROWS):
            part = rows[start : start + CHUNK_ROWS]
            await write.next_revision()
            await merge_rows(write, part)
            row_ids = [row.id for row in part]
            await write.connection.execute(
                _ACCEPT, write.shape.id, row_ids, write.actor, self.write.at
            )

    async def _add(self, write: TableWrite, rows: Sequence[PreparedRow]) -> None:
        shape = write.shape
        index = await next_index(write.connection, shape, self.file_id)
        segment = await _last_segment(write.connection, shape, self.file_id)
        written = await insert_rows(
            write.connection, shape, write.actor, write.cause, shape.first_session_id, rows
        )
        write.revision = written.revision
        await write.connection.copy_records_to_table(
            "extracted_row",
            columns=(*COPIED, "reviewed_by", "reviewed_at"),
            records=[
                self._origin(shape, row, segment, place) for place, row in enumerate(rows, index)
            ],
        )

    def _origin(
        self, shape: TableShape, row: PreparedRow, segment: int, index: int
    ) -> tuple[Any, ...]:
        return (
            shape.id,
            row.id,
            shape.organization_id,
            self.schema_id,
            self.file_id,
            self.job_id,
            segment,
            None,
            index,
            ReviewStatus.ACCEPTED.value,
            self.write.actor,
            self.write.at,
        )

    async def _learn(self, shape: TableShape, review: TableReview) -> None:
        """Keep corrections as examples for the schema, the latest ones."""
        new = [
            NewExample(
                shape.id, each.column_number, each.text, each.after, each.before, self.file_id
            )
            for each in review.examples
        ]
        if new:
            write = self.write
            await insert_examples(
                write.connection, write.organization_id, write.actor, self.schema_id, new
            )


def _chunks(row_ids: Sequence[UUID]) -> Sequence[Sequence[UUID]]:
    return [row_ids[start : start + CHUNK_ROWS] for start in range(0, len(row_ids), CHUNK_ROWS)]


def _rest(
    living: Mapping[UUID, str], deleted: Sequence[UUID], updated: Sequence[PreparedRow]
) -> list[PreparedRow]:
    """Pending rows that are accepted as they are."""
    named = {*deleted, *(row.id for row in updated)}
    return [
        PreparedRow(row_id, RowValues({}))
        for row_id, status in living.items()
        if status == ReviewStatus.PENDING and row_id not in named
    ]


async def _living(connection: Connection, shape: TableShape, file_id: UUID) -> dict[UUID, str]:
    """The rows of a file that are still in a table, with their review status."""
    rows = await connection.fetch(
        "SELECT e.row_id, e.review_status FROM extracted_row e"
        f" JOIN {shape.sql_name} t ON t.id = e.row_id"
        " WHERE e.table_id = $1 AND e.file_id = $2 ORDER BY e.index_in_file",
        shape.id,
        file_id,
    )
    return {row["row_id"]: row["review_status"] for row in rows}


async def _last_segment(connection: Connection, shape: TableShape, file_id: UUID) -> int:
    found: int = await connection.fetchval(
        "SELECT coalesce(max(segment), 0) FROM extracted_row WHERE table_id = $1 AND file_id = $2",
        shape.id,
        file_id,
    )
    return found


async def _tell_end(
    write: JointWrite, file_id: UUID, job: asyncpg.Record, shapes: Sequence[TableShape]
) -> int:
    """How many rows are pending. When there are none, that is told once for each reading of the
    file: a reading that failed and left nothing has no end of its review."""
    accepted = total = 0
    for shape in shapes:
        living = await _living(write.connection, shape, file_id)
        total += len(living)
        accepted += sum(status == ReviewStatus.ACCEPTED for status in living.values())
    hidden = await write.connection.fetchval(
        _ELSEWHERE, file_id, write.organization_id, [shape.id for shape in shapes]
    )
    pending: int = total - accepted + hidden
    read = job["status"] in (JobStatus.COMPLETED, JobStatus.PARTIAL) or total
    if pending == 0 and job["reviewed_at"] is None and read:
        at: datetime | None = write.at
        await write.connection.execute(
            "UPDATE extraction_job SET reviewed_at = $2 WHERE id = $1", job["id"], at
        )
        details = {"schemaId": str(job["schema_id"]), "accepted": accepted, "total": total}
        await write.log_organization(OrganizationChangeKind.DOCUMENT_REVIEWED, file_id, details)
    return pending
