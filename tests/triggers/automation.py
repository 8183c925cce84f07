"""Short ways to make triggers, run the relay and its jobs, and look at what came of it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from domain import firings, ids, triggers
from domain.addresses import Allowed
from domain.columns import TableShape
from domain.row_values import RowValues
from domain.row_writes import PreparedRow
from domain.rows import RowChange, RowsUpdate, delete_rows, update_rows
from domain.task_records import Task, TaskSearch
from domain.tasks import list_tasks
from domain.trigger_records import (
    ActionType,
    Firing,
    FiringStatus,
    Trigger,
    TriggerCreate,
    TriggerEvent,
    TriggerUpdate,
)
from persistence import jobs, workflow_runs
from persistence.engine import Database
from persistence.firings import Firings
from persistence.storage import PostgresStorage
from persistence.trigger_relay import JOB
from persistence.triggers import DROP_JOB
from processing import cell_runs
from processing import firings as firing_jobs
from processing import workflows as workflow_jobs
from processing.engines import open_engines
from processing.firing_actions import Actions
from processing.outbound import Outbound
from processing.relay import relay
from processing.workflow_doing import Means
from realtime.bus import open_bus
from tests.waiting import eventually
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

    async def delete(self, trigger: Trigger) -> None:
        """Take the trigger away."""
        await triggers.delete_trigger(self.world.viewer, self.world.storage, trigger.id)

    async def merge(self, table_id: UUID, row_id: UUID, **data: Any) -> None:
        """Change cells of a row."""
        command = RowsUpdate(table_id, [RowChange(row_id, data)], "merge")
        await update_rows(self.world.viewer, self.world.storage, command)

    async def remove(self, table_id: UUID, row_id: UUID) -> None:
        """Delete a row."""
        await delete_rows(self.world.viewer, self.world.storage, table_id, [row_id])

    async def until(self, sql: str, value: Any, count: int) -> None:
        """Return as soon as a statement gives this number."""

        async def is_there() -> bool:
            return await self.count(sql, value) == count

        await eventually(is_there)

    def prepared(self, shape: TableShape) -> PreparedRow:
        """An empty row on its way to storage, for writes with a cause of their own."""
        return PreparedRow(ids.new_id(ids.Kind.ROW, shape.number), RowValues({}))

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

    async def relayed(self) -> None:
        """Take steps of the relay until nothing is left, of other organisations neither."""
        while (await self.world.storage.relay.step()).more:
            pass

    @asynccontextmanager
    async def worker(self) -> AsyncIterator[None]:
        """A worker inside this process: the relay and the jobs of firings."""
        async with running_worker(self.url, self.world.database):
            yield

    async def settled(self, trigger: Trigger) -> list[Firing]:
        """The trigger's firings once the relay is at the end of the log and none waits."""
        await self.settle(trigger)
        return await self.firings(trigger)

    async def settle(self, trigger: Trigger) -> None:
        """Wait until the relay is at the end of the log and no firing waits."""
        await eventually(lambda: self._is_settled(trigger), 120)

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


@asynccontextmanager
async def running_worker(url: str, database: Database) -> AsyncIterator[None]:
    """The relay and the jobs of firings and workflows, on a database. It may call webhooks of this
    machine."""
    stopping = asyncio.Event()
    storage = PostgresStorage(database, lambda *_: None)
    storage.firings = Firings(database, [timedelta(milliseconds=20)])
    outbound = Outbound(Allowed.parse("127.0.0.1"))
    actions = Actions(storage, outbound)
    async with open_engines(storage, outbound) as engines, asyncio.TaskGroup() as group:
        means = Means(storage, outbound, engines.tools)
        handlers = {
            workflow_runs.JOB: workflow_jobs.handler(means, stopping),
            JOB: firing_jobs.handler(storage, actions, stopping),
            DROP_JOB: firing_jobs.drop_handler(database),
            **cell_runs.handlers(storage, stopping),
            **cell_runs.batch_handlers(storage, engines.tools, stopping),
        }
        group.create_task(relay(storage.relay, open_bus("memory://"), stopping, every=0.02))
        group.create_task(jobs.run(url, handlers, stopping))
        try:
            yield
        finally:
            stopping.set()
