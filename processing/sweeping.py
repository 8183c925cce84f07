"""Work that nobody asks for: dropping the data of deleted tables, answers that nobody repeats any
more, old answers of models, batches of runs that ended, deliveries of webhooks that ended long ago,
uploads that were never finished, and what killed processes left of files that they read."""

import asyncio
from contextlib import suppress
from datetime import timedelta

import structlog

from persistence import deleted_tables, scratch
from persistence.engine import Database
from persistence.files import Files
from persistence.finished_runs import forget_batches
from persistence.idempotency import Idempotency
from persistence.tool_cache import ToolCache
from persistence.webhook_deliveries import forget_old

#: Seconds between two looks. Several workers may look at once: each step is safe to repeat.
PAUSE = 60.0
#: How long batches are kept behind the end of their run, for whoever looks for a fault.
_KEEP_BATCHES = timedelta(days=1)
#: How long an upload may be under way.
_KEEP_UPLOADS = timedelta(days=1)
#: Nobody reads one file for so long.
_KEEP_SCRATCH = timedelta(hours=6)

_log = structlog.get_logger()


async def sweep(
    database: Database,
    files: Files,
    stopping: asyncio.Event,
    keep_deliveries: timedelta,
    pause: float = PAUSE,
) -> None:
    """Sweep until `stopping` is set. Deliveries are kept for a time after they ended. A database
    that is away is tried again at the next look."""
    while not stopping.is_set():
        try:
            while not stopping.is_set() and await deleted_tables.drop_next(database):
                _log.info("the data of a deleted table is gone")
            await Idempotency(database.pool).forget()
            await ToolCache(database).forget()
            while not stopping.is_set() and await forget_batches(database.pool, _KEEP_BATCHES):
                pass
            while not stopping.is_set() and await forget_old(database.pool, keep_deliveries):
                pass
            await files.forget_unfinished(_KEEP_UPLOADS)
            await asyncio.to_thread(scratch.forget_left, _KEEP_SCRATCH)
        except Exception:
            _log.warning("sweeping failed; it is tried again", exc_info=True)
        with suppress(TimeoutError):
            await asyncio.wait_for(stopping.wait(), pause)
