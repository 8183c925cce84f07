"""What use cases of workflows and tasks need of storage. As in `domain.ports`."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from domain.task_records import Task, TaskCreate, TaskPage, TaskSearch
from domain.workflow_records import (
    NewRun,
    RunPage,
    Schedule,
    Workflow,
    WorkflowCreate,
    WorkflowPage,
    WorkflowRun,
    WorkflowSearch,
    WorkflowStep,
)


class TaskStore(Protocol):
    async def get(self, organization_id: UUID, task_id: UUID) -> Task | None: ...

    async def page(
        self, organization_id: UUID, search: TaskSearch, after: UUID | None, limit: int
    ) -> TaskPage: ...

    async def count(self, organization_id: UUID, search: TaskSearch) -> int: ...

    async def create(
        self, organization_id: UUID, actor: str, task_id: UUID, command: TaskCreate
    ) -> Task:
        """The new task, or the one that has this id already."""

    async def create_all(
        self, organization_id: UUID, actor: str, commands: Sequence[TaskCreate]
    ) -> None:
        """Tasks with ids of their own; those that are there already stay as they are."""

    async def update(
        self, organization_id: UUID, task_id: UUID, changes: Mapping[str, Any]
    ) -> Task | None: ...


class WorkflowStore(Protocol):
    def next_time(self, schedule: Schedule, after: datetime) -> datetime:
        """When a schedule comes next. Raises `Rejected` for what is no schedule."""

    async def page(
        self, organization_id: UUID, search: WorkflowSearch, after: UUID | None, limit: int
    ) -> WorkflowPage: ...

    async def count(self, organization_id: UUID, search: WorkflowSearch) -> int: ...

    async def get(self, organization_id: UUID, workflow_id: UUID) -> Workflow | None: ...

    async def create(
        self, organization_id: UUID, actor: str, command: WorkflowCreate
    ) -> Workflow: ...

    async def update(
        self, organization_id: UUID, actor: str, workflow_id: UUID, changes: Mapping[str, Any]
    ) -> Workflow | None: ...

    async def delete(self, organization_id: UUID, actor: str, workflow_id: UUID) -> bool:
        """Runs that have not ended are cancelled with it."""


class WorkflowRunStore(Protocol):
    """Each change of a run takes a revision of its workflow and writes an entry of its log."""

    async def start(self, organization_id: UUID, new: NewRun) -> WorkflowRun:
        """Queue a run; the one that the same firing started before, if any.

        Raises `NotFound` for the workflow, and `Conflict` when it is not active."""

    async def get(self, organization_id: UUID, run_id: UUID) -> WorkflowRun | None: ...

    async def page(
        self, organization_id: UUID, workflow_id: UUID, before: int | None, limit: int
    ) -> RunPage:
        """Runs with a number below `before`, the newest first."""

    async def steps(self, organization_id: UUID, run_id: UUID) -> list[WorkflowStep]:
        """Every attempt at every step, in order."""

    async def cancel(self, organization_id: UUID, run_id: UUID) -> WorkflowRun | None:
        """End a queued or running run; None when it has ended."""
