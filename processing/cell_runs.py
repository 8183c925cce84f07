"""Filling the cells of runs: a job queues them, a job for each batch fills them, and one gives them
back when a run is cancelled.

What a job knows of its cells it reads from their states: one that runs again, because a worker
died, goes on with those that are not done."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any, TypeVar
from uuid import UUID

import structlog

from domain import filters
from domain.columns import TableShape
from domain.errors import Invalid, StructureMoved, TooLarge
from domain.ports import Storage
from domain.run_ports import Tools
from domain.run_records import CHUNK_ROWS, Run, Search
from domain.run_rules import condition_of
from persistence import jobs
from persistence.jobs import Handler, TryAgain, out_of_reach
from persistence.run_starts import BATCH_JOB, FIRST_JOB, PREPARE_JOB, RELEASE_JOB, columns_of
from processing.cell_batches import fill_batch

#: Batches of a worker at once that only first batches may be.
FIRST_SLOTS = 2
#: How often a step is tried when columns change under it.
_ATTEMPTS = 10
_NAME = "tablecast batches"
_INTERNAL = "An internal error ended the run"

Result = TypeVar("Result")

_log = structlog.get_logger()


def handlers(storage: Storage, stopping: asyncio.Event) -> Mapping[str, Handler]:
    """The handlers of the jobs around the batches of runs. After `stopping` they give their work
    back."""

    async def prepare(payload: Mapping[str, Any]) -> None:
        run_id = UUID(payload["runId"])
        await _guarded(storage, run_id, lambda: prepare_run(storage, run_id, stopping))

    async def release(payload: Mapping[str, Any]) -> None:
        await release_run(storage, UUID(payload["runId"]), stopping)

    return {PREPARE_JOB: prepare, RELEASE_JOB: release}


async def fill_batches(
    database_url: str, storage: Storage, tools: Tools, stopping: asyncio.Event
) -> None:
    """Fill batches until `stopping` is set. Some slots are for the first batches of runs alone:
    the batches of one organisation's large run may each take minutes."""
    every = batch_handlers(storage, tools, stopping)
    first = {FIRST_JOB: every[FIRST_JOB]}
    async with asyncio.TaskGroup() as group:
        group.create_task(jobs.run(database_url, every, stopping, name=_NAME))
        group.create_task(jobs.run(database_url, first, stopping, FIRST_SLOTS, _NAME))


def batch_handlers(
    storage: Storage, tools: Tools, stopping: asyncio.Event
) -> Mapping[str, Handler]:
    """The handlers of the jobs that fill batches. After `stopping` they give their work back."""

    async def batch(payload: Mapping[str, Any]) -> None:
        run_id, number = UUID(payload["runId"]), payload["batch"]
        await _guarded(storage, run_id, lambda: run_batch(storage, tools, run_id, number, stopping))

    return {BATCH_JOB: batch, FIRST_JOB: batch}


async def prepare_run(storage: Storage, run_id: UUID, stopping: asyncio.Event) -> None:
    """Queue the cells of a large run, chunk by chunk."""
    run = await storage.runs.by_id(run_id)
    while run is not None and not run.prepared and not run.is_over:
        if stopping.is_set():
            raise TryAgain("the worker stops", seconds=0)
        run = await _on_shape(storage, run, partial(_next_chunk, storage, run))
    await _end(storage, run_id)


async def _next_chunk(storage: Storage, run: Run, shape: TableShape) -> Run | None:
    left = None if run.budget.rows is None else run.budget.rows - run.rows_total
    failed_of = run.selection.get("failedOf")
    search = Search(
        columns_of(shape, run),
        run.mode,
        failed_of=UUID(failed_of) if failed_of else None,
        after=run.after_position,
        limit=CHUNK_ROWS,
        rows_left=left,
    )
    if "filter" in run.selection:
        raw = condition_of(run.selection["filter"])
        search = replace(search, filter=filters.bind_current(shape, raw))
    chunk = await storage.runs.find(shape, search)
    return await storage.runs.queue_chunk(shape, run, chunk)


async def run_batch(
    storage: Storage, tools: Tools, run_id: UUID, number: int, stopping: asyncio.Event
) -> None:
    """Fill the cells of a batch, and end the run when it was the last. Raises `TryAgain` when it is
    to go on later or elsewhere."""
    batch = await storage.cell_batches.begin(run_id, number)
    if batch is not None:
        await fill_batch(storage, tools, batch, stopping)
    await _end(storage, run_id)


async def release_run(storage: Storage, run_id: UUID, stopping: asyncio.Event) -> None:
    """Give back all cells that a run still holds which has ended."""
    run = await storage.runs.by_id(run_id)
    while run is not None:
        if stopping.is_set():
            raise TryAgain("the worker stops", seconds=0)
        if not await _on_shape(storage, run, partial(_release, storage, run)):
            return


async def _release(storage: Storage, run: Run, shape: TableShape) -> bool:
    return await storage.runs.release(shape, run)


async def _end(storage: Storage, run_id: UUID) -> None:
    run = await storage.runs.by_id(run_id)
    if run is not None and not run.is_over:
        await _on_shape(storage, run, lambda shape: storage.runs.end(shape, run_id))


async def _on_shape(
    storage: Storage, run: Run, work: Callable[[TableShape], Awaitable[Result]]
) -> Result | None:
    """Run `work` with the table's shape, again with a fresh one when columns moved. None when the
    table is gone, which ends the run."""
    for _ in range(_ATTEMPTS):
        shape = await storage.tables.shape(run.organization_id, run.table_id)
        if shape is None:
            await storage.runs.fail(None, run, "Table not found")
            return None
        try:
            return await work(shape)
        except StructureMoved:
            storage.tables.forget(shape)
    raise TryAgain("the columns of the table keep moving", seconds=1)


async def _guarded(storage: Storage, run_id: UUID, work: Callable[[], Awaitable[None]]) -> None:
    """Do a step of a run. What cannot succeed by trying again ends the run, with a sentence."""
    try:
        await work()
    except TryAgain:
        raise
    except Exception as error:
        if out_of_reach(error):
            raise
        run = await storage.runs.by_id(run_id)
        if run is None:
            return
        told = str(error) if isinstance(error, Invalid | TooLarge) else _INTERNAL
        if told is _INTERNAL:
            _log.exception("a run failed", run_id=str(run_id))
        shape = await storage.tables.shape(run.organization_id, run.table_id)
        await storage.runs.fail(shape, run, told)
