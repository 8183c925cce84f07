"""Running imports: one chunk is written while the next one is read and checked."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any
from uuid import UUID

import structlog

from domain.columns import TableShape
from domain.csv_text import CsvError
from domain.entities import File, Import, ImportStatus
from domain.errors import StructureMoved
from domain.import_chunks import EncodedChunk
from domain.import_plans import ColumnGone
from domain.import_reading import chunks_of
from domain.ports import Storage
from persistence.jobs import TryAgain, out_of_reach

#: How often a chunk is tried when columns change under it. Each change of columns costs one try.
_ATTEMPTS = 10
_READ_AHEAD = 2

_log = structlog.get_logger()


def handler(
    storage: Storage, stopping: asyncio.Event
) -> Callable[[Mapping[str, Any]], Awaitable[None]]:
    """The handler of import jobs. After `stopping` it gives the import back between two chunks."""

    async def work(payload: Mapping[str, Any]) -> None:
        await run_import(storage, UUID(payload["importId"]), stopping)

    return work


async def run_import(storage: Storage, import_id: UUID, stopping: asyncio.Event) -> None:
    """Bring an import to its end, or to where it is cancelled.

    Raises `TryAgain` when it is to go on later or elsewhere. What cannot succeed by trying again
    ends the import as failed, with a sentence."""
    run = await storage.imports.begin(import_id)
    if run is None:
        return
    try:
        for _ in range(_ATTEMPTS):
            shape = await storage.tables.shape(run.organization_id, run.table_id)
            file = await storage.files.get(run.organization_id, run.file_id)
            if shape is None or file is None:
                await _fail(storage, run, f"{'Table' if shape is None else 'File'} not found")
                return
            try:
                await _write_rest(storage, shape, file, run, stopping)
                return
            except StructureMoved:
                storage.tables.forget(shape)
                fresh = await storage.imports.begin(import_id)
                if fresh is None:
                    return
                run = fresh
        raise TryAgain("the columns of the table keep moving", seconds=1)
    except (CsvError, ColumnGone) as error:
        await _fail(storage, run, str(error))
    except TryAgain:
        raise
    except Exception as error:
        if out_of_reach(error):
            raise
        _log.exception("an import failed", import_id=str(import_id))
        await _fail(storage, run, "An internal error ended the import; it can be resumed")


async def _write_rest(
    storage: Storage, shape: TableShape, file: File, run: Import, stopping: asyncio.Event
) -> None:
    async with _ahead(chunks_of(storage, file, shape, run)) as chunks:
        async for chunk in chunks:
            if stopping.is_set():
                raise TryAgain("the worker stops", seconds=0)
            written = await storage.imports.write_chunk(shape, run, chunk)
            if written is None:
                _log.info("an import was cancelled or goes on elsewhere", import_id=str(run.id))
                return
            run = written
    _log.info(
        "an import has ended",
        import_id=str(run.id),
        imported=run.rows_imported,
        skipped=run.rows_skipped,
    )


@asynccontextmanager
async def _ahead(source: AsyncIterator[EncodedChunk]) -> AsyncIterator[AsyncIterator[EncodedChunk]]:
    """`source`, read by a task of its own and at most `_READ_AHEAD` chunks ahead."""
    queue: asyncio.Queue[EncodedChunk | Exception | None] = asyncio.Queue(_READ_AHEAD)

    async def read() -> None:
        try:
            async for chunk in source:
                await queue.put(chunk)
        except Exception as error:
            await queue.put(error)
        else:
            await queue.put(None)

    async def taken() -> AsyncIterator[EncodedChunk]:
        while (item := await queue.get()) is not None:
            if isinstance(item, Exception):
                raise item
            yield item

    task = asyncio.create_task(read())
    try:
        yield taken()
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def _fail(storage: Storage, run: Import, error: str) -> None:
    shape = await storage.tables.shape(run.organization_id, run.table_id)
    try:
        await storage.imports.finish(shape, run.created_by, run, ImportStatus.FAILED, error)
    except StructureMoved:
        if shape is not None:
            storage.tables.forget(shape)
        raise TryAgain("the columns of the table moved", seconds=0) from None
