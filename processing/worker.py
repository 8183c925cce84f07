"""The worker process: takes jobs from the queue and runs them."""

import asyncio
import signal
import sys
from collections.abc import Mapping
from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path
from typing import Protocol, cast
from uuid import UUID

import structlog
import uvloop

from domain.addresses import Allowed
from persistence import imports as stored_imports
from persistence import jobs, trigger_relay, workflow_runs
from persistence import rollbacks as stored_rollbacks
from persistence import triggers as stored_triggers
from persistence import webhook_replays as stored_replays
from persistence.blobs import Blobs
from persistence.engine import Database
from persistence.secret_box import SecretBox
from persistence.storage import PostgresStorage
from processing import (
    cell_runs,
    extraction_jobs,
    firings,
    imports,
    rollbacks,
    webhook_replays,
    workflows,
)
from processing.deliveries import deliver
from processing.engines import open_engines
from processing.firing_actions import Actions
from processing.outbound import Outbound
from processing.relay import relay
from processing.sweeping import sweep
from processing.workflow_doing import Means
from realtime.bus import Bus, open_bus
from realtime.log import Topic, TopicKind

_SWITCH_SECONDS = 0.0005

_log = structlog.get_logger()


class WorkerSettings(Protocol):
    """What a worker needs to know."""

    @property
    def database_url(self) -> str | None: ...

    @property
    def redis_url(self) -> str | None: ...

    @property
    def blob_place(self) -> Path | str: ...

    @property
    def pool_size(self) -> int: ...

    @property
    def egress_allow(self) -> str | None: ...

    @property
    def webhook_retention_days(self) -> int: ...

    def secret_box(self) -> SecretBox: ...


def main(settings: WorkerSettings) -> None:
    """Run a worker until SIGINT or SIGTERM; running jobs are given back between two steps."""
    # Reading a file keeps one thread busy; the one that talks to PostgreSQL must not wait for it.
    sys.setswitchinterval(_SWITCH_SECONDS)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(run(settings))


async def run(settings: WorkerSettings) -> None:
    """`main` for callers that run in a loop."""
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopping.set)
    bus = open_bus(settings.redis_url or "memory://")
    database_url = settings.database_url or ""
    await bus.connect()
    try:
        async with AsyncExitStack() as stack:
            database = await stack.enter_async_context(
                Database.connect(database_url, pool_size=settings.pool_size)
            )
            wakes = Wakes(bus)
            blobs = Blobs.open(settings.blob_place)
            storage = PostgresStorage(database, wakes.send, blobs, settings.secret_box())
            outbound = Outbound(Allowed.parse(settings.egress_allow))
            engines = await stack.enter_async_context(open_engines(storage, outbound))
            means = Means(storage, outbound, engines.tools)
            _log.info("the worker takes jobs")
            async with asyncio.TaskGroup() as group:
                keep = timedelta(days=settings.webhook_retention_days)
                group.create_task(sweep(database, storage.files, stopping, keep))
                made = asyncio.Event()
                group.create_task(relay(storage.relay, bus, stopping, made=made))
                group.create_task(deliver(storage, outbound, stopping, made))
                group.create_task(workflows.keep_schedules(storage, stopping))
                # Batches wait for models: with slots of their own they keep no import waiting.
                group.create_task(
                    cell_runs.fill_batches(database_url, storage, engines.tools, stopping)
                )
                group.create_task(
                    extraction_jobs.read_files(
                        database_url, storage, engines.extractor, engines.documents, stopping
                    )
                )
                await jobs.run(database_url, _handlers(database, means, stopping), stopping)
            await wakes.sent()
    finally:
        await bus.disconnect()
    _log.info("the worker has stopped")


def _handlers(
    database: Database, means: Means, stopping: asyncio.Event
) -> Mapping[str, jobs.Handler]:
    """The handlers of all jobs but the batches of runs."""
    storage = means.storage
    actions = Actions(storage, means.outbound)
    return {
        stored_imports.JOB: imports.handler(storage, stopping),
        stored_rollbacks.JOB: rollbacks.handler(storage, stopping),
        trigger_relay.JOB: firings.handler(storage, actions, stopping),
        stored_triggers.DROP_JOB: firings.drop_handler(database),
        workflow_runs.JOB: workflows.handler(means, stopping),
        stored_replays.JOB: webhook_replays.handler(storage, stopping),
        **cell_runs.handlers(storage, stopping),
    }


class Wakes:
    """Tells other processes of commits, in the background."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._sending: set[asyncio.Task[None]] = set()

    def send(self, kind: str, subject: UUID, revision: int) -> None:
        """Publish without waiting; the once-a-second look at the clocks covers what is lost."""
        topic = Topic(cast(TopicKind, kind), subject)
        task = asyncio.create_task(self._bus.publish(topic.channel, str(revision)))
        self._sending.add(task)
        task.add_done_callback(self._sending.discard)

    async def sent(self) -> None:
        """Wait for what is under way."""
        await asyncio.gather(*self._sending, return_exceptions=True)
