"""The beginning of runs: storing them, and queueing their cells in batches.

Cells, batches and the jobs that fill them appear in one transaction, so that none is without the
others. Large runs queue chunk after chunk; the place where the next one begins moves in the
transaction of its cells, on the condition that it stands where the chunk began."""

from collections.abc import Sequence
from uuid import UUID

from domain.changes import Cause, ChangeKind
from domain.columns import Column, TableShape
from domain.row_writes import PreparedRow, Written
from domain.run_records import Chunk, NewRun, Run, RunStatus, Search
from domain.run_rules import batch_rows, tool_for
from persistence import jobs
from persistence.claims import writing
from persistence.engine import Connection, Pool
from persistence.json_text import dumps
from persistence.row_insert import insert_rows
from persistence.row_update import merge_rows
from persistence.run_cells import queue_cells
from persistence.run_rows import ACTIVE_SQL, FIELDS, insert_run, run_of
from persistence.unit_of_work import TableWrite, Wake, write_table

#: The jobs of runs. Their payloads are `{"runId"}`, those of batches `{"runId", "batch"}`.
PREPARE_JOB, BATCH_JOB, RELEASE_JOB = "run_prepare", "cell_batch", "run_release"
#: The job of a batch that need not wait for those of other organisations: workers keep slots for it
#: in which no others run. A run has one of these at most, so that none fills those slots either.
FIRST_JOB = "cell_batch_first"
#: Behind imports and whatever else people wait for.
PRIORITY = -10
#: Runs under way that count: behind so many, order is that of asking.
_MOST_RUNS = 500

_ADVANCE = f"""
UPDATE cell_run
SET after_position = $3, rows_total = rows_total + $4, cells_total = cells_total + $5,
    cells_skipped = cells_skipped + $6, next_batch = next_batch + $7, prepared = $8,
    over_budget = over_budget OR $9, revision = greatest(revision, $10),
    updated_at = clock_timestamp()
WHERE id = $1 AND after_position = $2 AND NOT prepared AND status IN ({ACTIVE_SQL})
RETURNING {FIELDS}, next_batch
"""
_OTHERS = f"""
SELECT count(*) FROM (
  SELECT 1 FROM cell_run o
  WHERE o.organization_id = (SELECT organization_id FROM cell_run WHERE id = $1) AND o.id <> $1
    AND o.status IN ('{RunStatus.QUEUED}', '{RunStatus.RUNNING}') LIMIT {_MOST_RUNS}) x
"""
_BATCHES = """
INSERT INTO cell_batch (run_id, number, row_ids, status, attempt)
SELECT $1, (g.b->>'number')::int, ARRAY(SELECT jsonb_array_elements_text(g.b->'rows')::uuid),
       'queued', 0
FROM jsonb_array_elements($2::jsonb) AS g(b)
"""


class Superseded(Exception):
    """The run is not where this transaction believed it; it is rolled back."""


async def start_run(
    pool: Pool, wake: Wake, shape: TableShape, actor: str, new: NewRun, chunk: Chunk
) -> Run:
    """Store a run with the only chunk of its cells. Without any row no revision is used."""
    if not chunk.row_ids:
        async with writing(pool) as connection:
            run = await insert_run(connection, shape.organization_id, shape.id, actor, new)
            return await _advance(connection, run, chunk, (), 0, 0, 0)
    async with write_table(pool, shape, actor, new.cause, wake) as write:
        return await start_in(write, new, chunk)


async def start_in(write: TableWrite, new: NewRun, chunk: Chunk) -> Run:
    """Store a run and queue its cells inside a write, as the entry of its present revision."""
    shape = write.shape
    run = await insert_run(write.connection, shape.organization_id, shape.id, write.actor, new)
    return await _queue(write, run, chunk)


async def start_large(pool: Pool, shape: TableShape, actor: str, new: NewRun) -> Run:
    """Store a run with the job that queues its cells."""
    async with writing(pool) as connection:
        run = await insert_run(connection, shape.organization_id, shape.id, actor, new)
        await enqueue(connection, PREPARE_JOB, run.id)
        return run


async def add_rows_and_start(
    pool: Pool,
    wake: Wake,
    shape: TableShape,
    actor: str,
    cause: Cause,
    session_id: UUID,
    rows: Sequence[PreparedRow],
    new: NewRun,
) -> tuple[Written, Run]:
    """Add rows and queue their cells, in two revisions of one transaction."""
    async with writing(pool) as connection:
        written = await insert_rows(connection, shape, actor, cause, session_id, rows)
        write = TableWrite(connection, shape, actor, new.cause, written.revision, written.at)
        await write.next_revision()
        run = await start_in(write, new, _whole(written.row_ids))
    wake("table", shape.id, write.revision)
    return written, run


async def update_rows_and_start(
    pool: Pool,
    wake: Wake,
    shape: TableShape,
    actor: str,
    cause: Cause,
    rows: Sequence[PreparedRow],
    new: NewRun,
) -> tuple[Written, Run]:
    """Change cells of rows and queue others, in two revisions of one transaction."""
    async with write_table(pool, shape, actor, cause, wake) as write:
        written = await merge_rows(write, rows)
        write.cause = new.cause
        await write.next_revision()
        return written, await start_in(write, new, _whole(written.row_ids))


def _whole(row_ids: Sequence[UUID]) -> Chunk:
    return Chunk(row_ids, upto=0, last=True)


async def queue_chunk(
    pool: Pool, wake: Wake, shape: TableShape, run: Run, chunk: Chunk
) -> Run | None:
    """Queue one more chunk; None when the run has ended or somebody else went on."""
    try:
        if not chunk.row_ids:
            async with writing(pool) as connection:
                return await _advance(connection, run, chunk, (), 0, 0, 0)
        async with write_table(pool, shape, run.created_by, run.cause, wake) as write:
            return await _queue(write, run, chunk)
    except Superseded:
        return None


async def _queue(write: TableWrite, run: Run, chunk: Chunk) -> Run:
    columns = columns_of(write.shape, run)
    search = Search(columns, run.mode, row_ids=chunk.row_ids if run.names_rows else None)
    queued = await queue_cells(write, run.id, search, chunk.row_ids)
    tools = [tool for column in columns if (tool := tool_for(column, run.tool))]
    size = run.batch_rows or batch_rows(tools)
    batches = [queued.row_ids[i : i + size] for i in range(0, len(queued.row_ids), size)]
    # No row changes with this entry: its cells stand in `cell_change`.
    await write.log(ChangeKind.CELLS_CHANGED, details={"cells": queued.cells})
    return await _advance(
        write.connection, run, chunk, batches, queued.cells, queued.skipped, write.revision
    )


def columns_of(shape: TableShape, run: Run) -> list[Column]:
    """The run's columns that are still there."""
    known = shape.columns_by_number
    return [known[number] for number in run.columns if number in known]


async def _advance(
    connection: Connection,
    run: Run,
    chunk: Chunk,
    batches: Sequence[Sequence[UUID]],
    cells: int,
    skipped: int,
    revision: int,
) -> Run:
    moved = await connection.fetchrow(
        _ADVANCE,
        run.id,
        run.after_position,
        chunk.upto,
        sum(map(len, batches)),
        cells,
        skipped,
        len(batches),
        chunk.last,
        chunk.cut,
        revision,
    )
    if moved is None:
        raise Superseded
    if batches:
        first = moved["next_batch"] - len(batches)
        given = [
            {"number": n, "rows": list(map(str, rows))} for n, rows in enumerate(batches, first)
        ]
        await connection.execute(_BATCHES, run.id, dumps(given))
        await enqueue_batches(connection, run.id, [first + n for n in range(len(batches))])
    return run_of(moved)


async def enqueue(connection: Connection, name: str, run_id: UUID) -> None:
    """Queue a job of a whole run."""
    await jobs.enqueue_all(connection, name, [{"runId": str(run_id)}], priority=PRIORITY)


async def enqueue_batches(connection: Connection, run_id: UUID, numbers: Sequence[int]) -> None:
    """Queue the jobs of batches, so that nobody waits for much that others have asked for.

    The place of a batch is its number in its run and the number of its organisation's other runs
    together: a first batch goes before the second one of a like run, and before the first of
    somebody's hundredth run. The first batch of an organisation's only run goes into a
    slot that long batches of others do not hold."""
    others = await connection.fetchval(_OTHERS, run_id)
    first = [number for number in numbers if number == 1 and not others]
    for name, some in ((FIRST_JOB, first), (BATCH_JOB, [n for n in numbers if n not in first])):
        payloads = [{"runId": str(run_id), "batch": number} for number in some]
        priorities = [PRIORITY - number - others for number in some]
        if some:
            await jobs.enqueue_all(connection, name, payloads, priority=priorities)
