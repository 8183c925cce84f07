"""Short ways to make workflows, run them with a real worker, and look at what came of it."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from domain import workflow_runs, workflows
from domain.tool_ports import Engines
from domain.workflow_records import (
    RunStatus,
    Schedule,
    Workflow,
    WorkflowCreate,
    WorkflowRun,
    WorkflowStep,
)
from persistence import jobs
from persistence.workflow_runs import JOB
from processing.outbound import Outbound
from processing.workflow_doing import Means
from processing.workflows import handler
from tests.waiting import between_looks
from tests.worker_processes import WorkerProcess
from tests.worlds import World

ENDS = (RunStatus.COMPLETED, RunStatus.FAILED, RunStatus.CANCELLED)


def sequence(*steps: Mapping[str, Any]) -> dict[str, Any]:
    """A definition; steps without an id are called s0, s1, …"""
    named = [{"id": f"s{index}", **step} for index, step in enumerate(steps)]
    return {"pattern": "sequence", "steps": named}


def a_task(title: str = "Look", **more: Any) -> dict[str, Any]:
    """The simplest step."""
    return {"kind": "task_create", "title": title, **more}


@dataclass
class Automation:
    """One organisation and the database that its workers read."""

    world: World
    url: str
    means: Means

    async def make(self, *steps: Mapping[str, Any], schedule: Schedule | None = None) -> Workflow:
        """A workflow with these steps."""
        command = WorkflowCreate("Test", sequence(*steps), schedule=schedule)
        return await workflows.create_workflow(self.world.viewer, self.world.storage, command)

    async def start(self, workflow: Workflow, **given: Any) -> WorkflowRun:
        """A queued run."""
        world = self.world
        return await workflow_runs.start_workflow(world.viewer, world.storage, workflow.id, given)

    async def get(self, run_id: UUID) -> WorkflowRun:
        """A run as it stands."""
        return await workflow_runs.get_run(self.world.viewer, self.world.storage, run_id)

    async def ended(self, run: WorkflowRun) -> WorkflowRun:
        """The run once it has ended."""
        async with asyncio.timeout(120):
            while (found := await self.get(run.id)).status not in ENDS:
                await between_looks()
        return found

    async def finished(self, *steps: Mapping[str, Any], **given: Any) -> WorkflowRun:
        """A run of these steps, done by a worker."""
        run = await self.start(await self.make(*steps), **given)
        async with self.worker():
            return await self.ended(run)

    async def steps(self, run: WorkflowRun) -> list[WorkflowStep]:
        """The log of a run."""
        return await workflow_runs.run_steps(self.world.viewer, self.world.storage, run.id)

    async def log(self, run: WorkflowRun) -> list[tuple[int, int, str]]:
        """Position, attempt and status of every attempt."""
        return [(each.position, each.attempt, each.status) for each in await self.steps(run)]

    async def rows(self, table_id: UUID) -> list[dict[str, Any]]:
        """All rows of a table in order, by column key."""
        shape = await self.world.shape(table_id)
        names = ", ".join(f"{c.sql_name} AS {c.key}" for c in shape.columns)
        found = await self.world.database.pool.fetch(
            f"SELECT {names} FROM {shape.sql_name} ORDER BY position"
        )
        return [dict(each) for each in found]

    @asynccontextmanager
    async def worker(self) -> AsyncIterator[asyncio.Event]:
        """A worker inside this process; the event stops it."""
        stopping = asyncio.Event()
        handlers = {JOB: handler(self.means, stopping)}
        task = asyncio.create_task(jobs.run(self.url, handlers, stopping))
        try:
            yield stopping
        finally:
            stopping.set()
            await task


def automation(world: World, url: str, engines: Engines, outbound: Outbound) -> Automation:
    """With these engines, and leave to send requests as `outbound` has it."""
    return Automation(world, url, Means(world.storage, outbound, engines.tools))


def worker_process(url: str, redis_url: str, folder: Path) -> WorkerProcess:
    """A worker in a process of its own, which may reach this machine."""
    return WorkerProcess(url, redis_url, folder, TABLECAST_EGRESS_ALLOW="127.0.0.1")
