"""Carrying out rollbacks of many rows, step by step."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from uuid import UUID

import structlog

from domain.errors import StructureMoved
from domain.ports import Storage
from domain.rollback_records import RollbackRun, RollbackStatus
from persistence.jobs import TryAgain, out_of_reach

#: How often steps may meet moving columns before the job is put off.
_ATTEMPTS = 10

_log = structlog.get_logger()


def handler(
    storage: Storage, stopping: asyncio.Event
) -> Callable[[Mapping[str, Any]], Awaitable[None]]:
    """The handler of rollback jobs. After `stopping` it gives the run back between two steps."""

    async def work(payload: Mapping[str, Any]) -> None:
        await run_rollback(storage, UUID(payload["rollbackId"]), stopping)

    return work


async def run_rollback(storage: Storage, run_id: UUID, stopping: asyncio.Event) -> None:
    """Bring a run to its end. Raises `TryAgain` when it is to go on later or elsewhere."""
    run = await storage.rollbacks.begin(run_id)
    if run is None:
        return
    try:
        await _carry_out(storage, run, stopping)
    except TryAgain:
        raise
    except Exception as error:
        if out_of_reach(error):
            raise
        _log.exception("a rollback failed", rollback_id=str(run_id))
        await storage.rollbacks.fail(run, "An internal error ended the rollback")


async def _carry_out(storage: Storage, run: RollbackRun, stopping: asyncio.Event) -> None:
    moved = 0
    while run.status is RollbackStatus.RUNNING:
        if stopping.is_set():
            raise TryAgain("the worker stops", seconds=0)
        shape = await storage.tables.shape(run.organization_id, run.table_id)
        if shape is None:
            await storage.rollbacks.fail(run, "Table not found")
            return
        try:
            stepped = await storage.rollbacks.step(shape, run)
        except StructureMoved:
            storage.tables.forget(shape)
            moved += 1
            if moved == _ATTEMPTS:
                raise TryAgain("the columns of the table keep moving", seconds=1) from None
            continue
        if stepped is None:
            _log.info("a rollback goes on elsewhere", rollback_id=str(run.id))
            return
        run = stepped
    _log.info("a rollback has ended", rollback_id=str(run.id), rows=run.rows_seen)
