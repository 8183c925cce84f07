"""Runs: their beginning, what people do to them, and their end; `cell_batches` fills their cells.

Order of locks: the table's clock, then the run. A change of status is one UPDATE; what follows
from it, such as giving back cells, goes in steps."""

from collections.abc import Collection, Sequence
from uuid import UUID

from domain.cells import WHOLE_ROW, CellStatus
from domain.changes import Cause, ChangeKind
from domain.columns import TableShape
from domain.errors import StructureMoved
from domain.row_writes import PreparedRow, Written
from domain.run_records import (
    INLINE_ROWS,
    Chunk,
    FailedCell,
    NewRun,
    Run,
    RunStatus,
    SampleRow,
    Search,
)
from domain.run_rules import ending
from domain.tool_records import Tool
from persistence.claims import writing
from persistence.engine import Connection, Database
from persistence.run_releases import give_back_rest
from persistence.run_rows import ACTIVE_SQL, FIELDS, count, read_run, run_of
from persistence.run_search import count_cells, find_rows, sample_rows
from persistence.run_starts import (
    RELEASE_JOB,
    add_rows_and_start,
    enqueue,
    enqueue_batches,
    queue_chunk,
    start_large,
    start_run,
    update_rows_and_start,
)
from persistence.unit_of_work import NothingWritten, Wake, write_table

#: From which statuses a run can go where somebody sends it.
_FROM = {
    RunStatus.PAUSED: "'queued', 'running'",
    RunStatus.RUNNING: "'paused'",
    RunStatus.CANCELLED: ACTIVE_SQL,
}
_SET_STATUS = """
UPDATE cell_run
SET status = $2, updated_at = clock_timestamp(), revision = greatest(revision, $3), error = $4,
    finished_at = CASE WHEN $5 THEN clock_timestamp() END
WHERE id = $1 AND status IN ({statuses})
RETURNING {fields}
"""
#: Those whose jobs ended in the pause. Others have theirs still: with a second one, two workers
#: would pay for the same calls.
_WAKE_BATCHES = """
UPDATE cell_batch SET status = 'queued', updated_at = clock_timestamp()
WHERE run_id = $1 AND status = 'paused' RETURNING number
"""
_NOTHING_LEFT = f"""
id = $1 AND status IN ({ACTIVE_SQL}) AND prepared AND NOT EXISTS (
  SELECT 1 FROM cell_batch b WHERE b.run_id = cell_run.id AND b.status <> 'done')
"""
_DROPPED = """
UPDATE cell_run SET cells_dropped = greatest(0, cells_total - cells_resolved - cells_failed
  - cells_stale - cells_left)
WHERE id = $1 RETURNING {fields}
"""
_NOTE = f"""
INSERT INTO cell_state (table_id, row_id, column_number, status, updated_at)
SELECT $1, t.id, {WHOLE_ROW}, '{CellStatus.RESOLVED}', clock_timestamp()
FROM {{rows}} AS t WHERE t.id = ANY($2)
ON CONFLICT DO NOTHING
"""
_VERSION = "SELECT columns_version FROM table_clock WHERE table_id = $1"
_NOTED = f"""
SELECT row_id FROM cell_state
WHERE table_id = $1 AND row_id = ANY($2) AND column_number = {WHOLE_ROW}
"""


class Runs:
    """The `RunStore` port."""

    def __init__(self, database: Database, wake: Wake) -> None:
        self._database = database
        self._pool = database.pool
        self._wake = wake

    async def find(self, shape: TableShape, search: Search) -> Chunk:
        """The next rows with cells that a run would take."""
        return await find_rows(self._pool, shape, search)

    async def count(self, shape: TableShape, search: Search) -> tuple[int, dict[int, int], Chunk]:
        """How many rows and cells a run would take from the next rows."""
        return await count_cells(self._pool, shape, search)

    async def sample(self, shape: TableShape, search: Search, tool: Tool) -> list[SampleRow]:
        """The first rows with the inputs of a tool."""
        return await sample_rows(self._pool, shape, search, tool)

    async def start(self, shape: TableShape, actor: str, new: NewRun, chunk: Chunk) -> Run:
        """Store a run with its only chunk; one without any cell has ended."""
        run = await start_run(self._pool, self._wake, shape, actor, new, chunk)
        return run if run.rows_total else await self.end(None, run.id) or run

    async def start_large(self, shape: TableShape, actor: str, new: NewRun) -> Run:
        """Store a run whose cells a job will queue."""
        return await start_large(self._pool, shape, actor, new)

    async def add_rows(
        self,
        shape: TableShape,
        actor: str,
        cause: Cause,
        session_id: UUID,
        rows: Sequence[PreparedRow],
        new: NewRun,
    ) -> tuple[Written, Run]:
        """Add rows and queue their cells."""
        return await add_rows_and_start(
            self._pool, self._wake, shape, actor, cause, session_id, rows, new
        )

    async def update_rows(
        self,
        shape: TableShape,
        actor: str,
        cause: Cause,
        rows: Sequence[PreparedRow],
        new: NewRun,
    ) -> tuple[Written, Run]:
        """Change cells of rows and queue others."""
        return await update_rows_and_start(self._pool, self._wake, shape, actor, cause, rows, new)

    async def note_asked(self, shape: TableShape, row_ids: Sequence[UUID]) -> None:
        """Remember of rows that their tools were started. No cell changes: nothing is logged."""
        async with writing(self._pool) as connection:
            version = await connection.fetchval(_VERSION, shape.id)
            if version != shape.columns_version:
                raise StructureMoved
            await connection.execute(_NOTE.format(rows=shape.sql_name), shape.id, list(row_ids))

    async def asked(self, shape: TableShape, row_ids: Sequence[UUID]) -> Collection[UUID]:
        """Which of these rows that was noted of."""
        found = await self._pool.fetch(_NOTED, shape.id, list(row_ids))
        return {record["row_id"] for record in found}

    async def queue_chunk(self, shape: TableShape, run: Run, chunk: Chunk) -> Run | None:
        """Queue the cells of one more chunk."""
        return await queue_chunk(self._pool, self._wake, shape, run, chunk)

    async def get(self, organization_id: UUID, run_id: UUID) -> Run | None:
        """A run with its counts."""
        return await read_run(
            self._pool, "id = $1 AND organization_id = $2", run_id, organization_id
        )

    async def by_id(self, run_id: UUID) -> Run | None:
        """A run of any organisation, for jobs."""
        return await read_run(self._pool, "id = $1", run_id)

    async def of_table(
        self, organization_id: UUID, table_id: UUID, before: UUID | None, limit: int
    ) -> list[Run]:
        """Runs of a table, newest first."""
        rows = await self._pool.fetch(
            f"SELECT {FIELDS} FROM cell_run WHERE organization_id = $1 AND table_id = $2"
            " AND ($3::uuid IS NULL OR id < $3) ORDER BY id DESC LIMIT $4",
            organization_id,
            table_id,
            before,
            limit,
        )
        return [run_of(row) for row in rows]

    async def failed_cells(
        self, run: Run, after: tuple[UUID, int] | None, limit: int
    ) -> list[FailedCell]:
        """Cells that failed and were not filled since."""
        row_id, number = after or (UUID(int=0), 0)
        rows = await self._pool.fetch(
            "SELECT row_id, column_number, error FROM cell_state WHERE run_id = $1"
            " AND table_id = $2 AND status = 'error' AND (row_id, column_number) > ($3, $4)"
            " ORDER BY row_id, column_number LIMIT $5",
            run.id,
            run.table_id,
            row_id,
            number,
            limit,
        )
        return [FailedCell(r["row_id"], r["column_number"], r["error"] or "") for r in rows]

    async def set_status(
        self, shape: TableShape | None, actor: str, run: Run, status: RunStatus
    ) -> Run | None:
        """Pause, resume or cancel. A cancelled run gives few cells back at once, and many by a
        job."""
        if shape is None:
            async with writing(self._pool) as connection:
                return await self._set(connection, run, status, 0, None)
        try:
            async with write_table(self._pool, shape, actor, run.cause, self._wake) as write:
                moved = await self._set(write.connection, run, status, write.revision, None)
                if moved is None:
                    raise NothingWritten(write.revision - 1, write.at)
                few = run.prepared and run.rows_total <= INLINE_ROWS
                if status is RunStatus.CANCELLED and few:
                    left = await give_back_rest(write, run.id, INLINE_ROWS)
                    await count(write.connection, run.id, cells_left=left)
                    moved = await self._dropped(write.connection, run.id)
                    await write.log(ChangeKind.CELLS_CHANGED, details=_told(moved, left))
                else:
                    await write.log(ChangeKind.TABLE_CHANGED, details=_told(moved))
                return moved
        except NothingWritten:
            return None

    async def fail(self, shape: TableShape | None, run: Run, error: str) -> None:
        """End a run that cannot go on. It is partial when some of its cells are resolved."""
        status = RunStatus.PARTIAL if run.cells_resolved else RunStatus.FAILED
        async with writing(self._pool) as connection:
            moved = await connection.fetchrow(
                _SET_STATUS.format(statuses=ACTIVE_SQL, fields=FIELDS),
                run.id,
                status.value,
                0,
                error,
                True,
            )
            if moved is not None and shape is not None:
                await enqueue(connection, RELEASE_JOB, run.id)

    async def release(self, shape: TableShape, run: Run) -> bool:
        """Give back the next cells of a run that has ended."""
        try:
            async with write_table(
                self._pool, shape, run.created_by, run.cause, self._wake
            ) as write:
                left = await give_back_rest(write, run.id)
                if not left:
                    raise NothingWritten(write.revision - 1, write.at)
                await count(write.connection, run.id, cells_left=left, revision=write.revision)
                await write.log(ChangeKind.CELLS_CHANGED, details=_told(run, left))
        except NothingWritten:
            async with writing(self._pool) as connection:
                await self._dropped(connection, run.id)
            return False
        return True

    async def end(self, shape: TableShape | None, run_id: UUID) -> Run | None:
        """End a run whose batches are all done. Cells that it still holds are given back: their
        columns are gone."""
        if await read_run(self._pool, _NOTHING_LEFT, run_id) is None:
            return None
        if shape is None:
            async with writing(self._pool) as connection:
                return await self._end(connection, run_id, 0)
        run = await self.by_id(run_id)
        assert run is not None  # runs are never deleted while their table is there
        try:
            async with write_table(
                self._pool, shape, run.created_by, run.cause, self._wake
            ) as write:
                ended = await self._end(write.connection, run_id, write.revision)
                if ended is None:
                    raise NothingWritten(write.revision - 1, write.at)
                await write.log(ChangeKind.TABLE_CHANGED, details=_told(ended))
                return ended
        except NothingWritten:
            return None

    async def mark_undone(self, run: Run, actor: str) -> None:
        """Remember who undid the run."""
        await self._pool.execute(
            "UPDATE cell_run SET undone_by = $2, undone_at = clock_timestamp() WHERE id = $1",
            run.id,
            actor,
        )

    async def _end(self, connection: Connection, run_id: UUID, revision: int) -> Run | None:
        locked = await connection.fetchrow(
            f"SELECT cells_dropped FROM cell_run WHERE {_NOTHING_LEFT} FOR UPDATE", run_id
        )
        if locked is None:
            return None
        counted = await self._dropped(connection, run_id)
        status, error = ending(counted, counted.cells_dropped - locked["cells_dropped"])
        if counted.cells_dropped:
            # Perhaps their column was deleted, or got another type: then they are held still.
            await enqueue(connection, RELEASE_JOB, run_id)
        row = await connection.fetchrow(
            _SET_STATUS.format(statuses=ACTIVE_SQL, fields=FIELDS),
            run_id,
            status.value,
            revision,
            error,
            True,
        )
        return run_of(row) if row else None

    async def _dropped(self, connection: Connection, run_id: UUID) -> Run:
        row = await connection.fetchrow(_DROPPED.format(fields=FIELDS), run_id)
        assert row is not None  # its row is there and locked
        return run_of(row)

    async def _set(
        self, connection: Connection, run: Run, status: RunStatus, revision: int, error: str | None
    ) -> Run | None:
        row = await connection.fetchrow(
            _SET_STATUS.format(statuses=_FROM[status], fields=FIELDS),
            run.id,
            status.value,
            revision,
            error,
            status is RunStatus.CANCELLED,
        )
        if row is None:
            return None
        moved = run_of(row)
        if status is RunStatus.RUNNING:
            woken = await connection.fetch(_WAKE_BATCHES, run.id)
            numbers = sorted(each["number"] for each in woken)
            await enqueue_batches(connection, run.id, numbers)
        few = moved.prepared and moved.rows_total <= INLINE_ROWS
        if status is RunStatus.CANCELLED and not few:
            await enqueue(connection, RELEASE_JOB, run.id)
        return moved


def _told(run: Run, cells: int | None = None) -> dict[str, object]:
    """What the log says of a run's step, for whoever follows the run."""
    told: dict[str, object] = {"runStatus": run.status.value}
    return told if cells is None else {**told, "cells": cells}
