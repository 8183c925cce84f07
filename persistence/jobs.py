"""Background jobs: PgQueuer behind a small port. A job is a name and a JSON payload.

It runs at least once, so what it does must bear being done again."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from typing import Any

import asyncpg
import orjson
import structlog
from pgqueuer.db import AsyncpgDriver
from pgqueuer.errors import RetryRequested
from pgqueuer.models import Job
from pgqueuer.qm import QueueManager
from pgqueuer.queries import Queries
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from persistence.engine import Connection
from persistence.urls import asyncpg_dsn

#: A job whose worker has said nothing for this long is given to another one; workers speak twice as
#: often. With the pause between looks it runs again within six seconds.
_SILENCE = timedelta(seconds=4)
#: Jobs at once when nobody says.
SLOTS = 4
#: The one connection of this name in each worker, by which they are counted.
MAIN = "tablecast jobs"
_LOOK_EVERY = timedelta(seconds=1)
_RETRY_SECONDS = 1
_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 5.0
_INSTALL_LOCK = 7_305_181_202

_OUT_OF_REACH = (
    OSError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.OperatorInterventionError,
    asyncpg.InvalidTransactionStateError,
    asyncpg.InsufficientResourcesError,
    asyncpg.LockNotAvailableError,
    asyncpg.InternalClientError,  # how asyncpg reports a connection lost in the middle of a COPY
)

Handler = Callable[[Mapping[str, Any]], Awaitable[None]]

_log = structlog.get_logger()


def out_of_reach(error: BaseException) -> bool:
    """Whether a step failed because the database is away, restarts or is too slow.

    Trying again may succeed. SQLAlchemy wraps the driver's error twice."""
    if isinstance(error, DBAPIError):
        inner = error.orig.__cause__ if error.orig is not None else None
        return error.connection_invalidated or (inner is not None and out_of_reach(inner))
    return isinstance(error, (*_OUT_OF_REACH, PoolTimeout))


class TryAgain(Exception):
    """Raised by a handler: run the job again after `seconds`, here or elsewhere."""

    def __init__(self, reason: str, seconds: float) -> None:
        super().__init__(reason)
        self.seconds = seconds


async def install(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
    """Make PgQueuer's own tables, or bring them up to date. Not inside a transaction."""
    await connection.execute("SELECT pg_advisory_lock($1)", _INSTALL_LOCK)
    try:
        queries = Queries(AsyncpgDriver(connection))
        if await queries.schema_is_installed():
            await queries.upgrade()
        else:
            await queries.install()
    finally:
        await connection.execute("SELECT pg_advisory_unlock($1)", _INSTALL_LOCK)


async def enqueue(connection: Connection, name: str, payload: Mapping[str, Any]) -> None:
    """Queue a job inside the connection's transaction: it exists when that commits."""
    await Queries(AsyncpgDriver(connection)).enqueue(name, orjson.dumps(payload))  # type: ignore[arg-type]


async def enqueue_all(
    connection: Connection,
    name: str,
    payloads: Sequence[Mapping[str, Any]],
    delay: timedelta | None = None,
    priority: int | Sequence[int] = 0,
) -> None:
    """Queue a job for each payload inside the connection's transaction, perhaps for later. Of those
    that wait, the ones of a higher priority run first; it is one for all, or one for each."""
    count = len(payloads)
    await Queries(AsyncpgDriver(connection)).enqueue(  # type: ignore[arg-type]
        [name] * count,
        [orjson.dumps(payload) for payload in payloads],
        [priority] * count if isinstance(priority, int) else list(priority),
        execute_after=[delay] * count,
    )


async def run(
    database_url: str,
    handlers: Mapping[str, Handler],
    stopping: asyncio.Event,
    slots: int = SLOTS,
    name: str = MAIN,
) -> None:
    """Run jobs until `stopping` is set, `slots` at once, through losses of the database; then wait
    for those that run. `name` is how the connection calls itself."""
    pause = _FIRST_PAUSE
    while not stopping.is_set():
        try:
            async with _manager(database_url, handlers, name) as manager:
                pause = _FIRST_PAUSE
                ending = asyncio.create_task(_end_with(manager, stopping))
                try:
                    await manager.run(
                        dequeue_timeout=_LOOK_EVERY,
                        batch_size=1,
                        max_concurrent_tasks=slots,
                        heartbeat_timeout=_SILENCE,
                        log_aggregation_interval=timedelta(0),
                    )
                finally:
                    ending.cancel()
        except _OUT_OF_REACH as error:
            _log.warning("the queue of jobs is out of reach", error=repr(error), pause=pause)
        with suppress(TimeoutError):
            await asyncio.wait_for(stopping.wait(), pause)
        pause = min(pause * 2, _LONGEST_PAUSE)


@asynccontextmanager
async def _manager(
    database_url: str, handlers: Mapping[str, Handler], name: str
) -> AsyncIterator[QueueManager]:
    """A queue manager on a connection of its own, shut down when that connection is lost."""
    connection = await asyncpg.connect(
        asyncpg_dsn(database_url), server_settings={"application_name": name}
    )
    try:
        manager = QueueManager(Queries(AsyncpgDriver(connection)))
        connection.add_termination_listener(lambda _: manager.shutdown.set())
        for job, handler in handlers.items():
            manager.entrypoint(job)(_adapted(handler))
        yield manager
    finally:
        await connection.close(timeout=5)


def _adapted(handler: Handler) -> Callable[[Job], Awaitable[None]]:
    async def work(job: Job) -> None:
        try:
            await handler(orjson.loads(job.payload or b"{}"))
        except TryAgain as again:
            raise RetryRequested(timedelta(seconds=again.seconds), str(again)) from again
        except Exception as error:
            if not out_of_reach(error):
                raise
            raise RetryRequested(timedelta(seconds=_RETRY_SECONDS), repr(error)) from error

    return work


async def _end_with(manager: QueueManager, stopping: asyncio.Event) -> None:
    await stopping.wait()
    manager.shutdown.set()
