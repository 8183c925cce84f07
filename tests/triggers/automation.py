"""Short ways to make triggers, run the relay and its jobs, and look at what came of it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from domain import firings, triggers
from domain.tasks import list_tasks
from domain.task_records import Task, TaskSearch
from domain.trigger_records import (
    ActionType,
    Firing,
    FiringStatus,
    Trigger,
    TriggerCreate,
    TriggerEvent,
    TriggerUpdate,
)
from persistence import jobs
from persistence.relay import JOB
from persistence.triggers import DROP_JOB
from processing import firings as firing_jobs
from processing.addresses import Allowed
from processing.firing_actions import Actions
from processing.outbound import Outbound
from processing.relay import relay
from realtime.bus import open_bus
from tests.worlds import World

ADDED, UPDATED, DELETED = TriggerEvent


@dataclass
class Automation:
    """One organisation with its worker."""

    world: World
    url: str

    async def trigger(
        self, table_id: UUID, event: TriggerEvent = ADDED, condition: Any = None, **more: Any
    ) -> Trigger:
        """A trigger that makes a task unless told otherwise."""
        command = TriggerCreate(
            table_id,
            more.pop("name", "Test"),
            event,
            more.pop("action", ActionType.CREATE_TASK),
            more.pop("config", {}),
            condition,
            **more,
        )
        return await triggers.create_trigger(self.world.viewer, self.world.storage, command)

    async def update(self, trigger: Trigger, **changes: Any) -> Trigger:
        """The trigger after a change."""
        return await triggers.update_trigger(
            self.world.viewer, self.world.storage, trigger.id, TriggerUpdate(**changes)
        )

    async def get(self, trigger: Trigger) -> Trigger:
        """The trigger as it stands."""
        return await triggers.get_trigger(self.world.viewer, self.world.storage, trigger.id)

    async def firings(self, trigger: Trigger, status: FiringStatus | None = None) -> list[Firing]:
        """All firings of a trigger, the oldest first."""
        found: list[Firing] = []
        more = True
        while more:
            after = found[-1].id if found else None
            page = await firings.list_firings(
                self.world.viewer, self.world.storage, trigger.id, status, after, 100
            )
            found += page.firings
            more = page.has_more
        return found[::-1]

    async def tasks(self) -> list[Task]:
        """All tasks of the organisation, the oldest first; at most 100."""
        page = await list_tasks(self.world.viewer, self.world.storage, TaskSearch(), None, 100)
        return list(page.tasks)[::-1]

    async def count(self, sql: str, *values: Any) -> int:
        """A number from a statement."""
        return int(await self.world.database.pool.fetchval(sql, *values))

    async def relayed(self) -> int:
        """Take steps of the relay until nothing is left; how many firings they stored."""
        stored = 0
        while (step := await self.world.storage.relay.step()).more:
            stored += step.firings
        return stored

    @asynccontextmanager
    async def worker(self) -> AsyncIterator[None]:
        """A worker inside this process: the relay and the jobs of firings."""
        stopping = asyncio.Event()
        storage = self.world.storage
        actions = Actions(storage, Outbound(Allowed.parse("127.0.0.1")))
        handlers = {
            JOB: firing_jobs.handler(storage, actions, stopping),
            DROP_JOB: firing_jobs.drop_handler(self.world.database),
        }
        bus = open_bus("memory://")
        async with asyncio.TaskGroup() as group:
            group.create_task(relay(storage.relay, bus, stopping, every=0.02))
            group.create_task(jobs.run(self.url, handlers, stopping))
            try:
                yield
            finally:
                stopping.set()

    async def settled(self, trigger: Trigger) -> list[Firing]:
        """The trigger's firings once the relay is at the end of the log and none waits."""
        await eventually(lambda: self._is_settled(trigger))
        return await self.firings(trigger)

    async def _is_settled(self, trigger: Trigger) -> bool:
        behind = await self.count(
            "SELECT count(*) FROM relay_cursor JOIN table_clock USING (table_id)"
            " WHERE table_id = $1 AND table_clock.revision > relay_cursor.revision",
            trigger.table_id,
        )
        waiting = await self.count(
            "SELECT count(*) FROM trigger_firing WHERE trigger_id = $1"
            " AND status IN ('queued', 'running')",
            trigger.id,
        )
        return not behind and not waiting


async def eventually(condition: Callable[[], Awaitable[bool]], seconds: float = 60) -> None:
    """Return as soon as the condition holds."""
    async with asyncio.timeout(seconds):
        while not await condition():
            await asyncio.sleep(0.02)
