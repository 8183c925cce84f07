"""Tasks as plain records, and the commands that make or change them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from domain.entities import UNSET, Unset

DEFAULT_PRIORITY = 2


class TaskStatus(StrEnum):
    """Where a task stands. Whoever works on it says so; any status may follow any other."""

    PLANNED = "planned"
    QUEUED = "queued"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Task:
    """Something for a person to do. `priority` is 0, the most urgent, to 3.

    `firing_id` or `workflow_run_id` names the firing or run that made it, if one did."""

    id: UUID
    organization_id: UUID
    project_id: UUID | None
    workflow_run_id: UUID | None
    firing_id: UUID | None
    title: str
    description: str | None
    status: TaskStatus
    priority: int
    created_by: str
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class TaskCreate:
    """A task to be made. An `id` that exists already means that it was made before."""

    title: str
    description: str | None = None
    priority: int = DEFAULT_PRIORITY
    project_id: UUID | None = None
    id: UUID | None = None
    workflow_run_id: UUID | None = None
    firing_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class TaskUpdate:
    """What to change; `UNSET` leaves a field, None clears it where that is allowed."""

    title: str | Unset | None = UNSET
    description: str | Unset | None = UNSET
    status: TaskStatus | Unset | None = UNSET
    priority: int | Unset | None = UNSET
    project_id: UUID | Unset | None = UNSET

    def given(self) -> dict[str, Any]:
        """The fields that are set, by name."""
        fields = ((name, getattr(self, name)) for name in self.__slots__)
        return {name: value for name, value in fields if value is not UNSET}


@dataclass(frozen=True, slots=True)
class TaskSearch:
    """Which tasks to list. Conditions are joined with AND."""

    status: TaskStatus | None = None
    project_id: UUID | None = None
    workflow_run_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class TaskPage:
    """Some tasks, the newest first."""

    tasks: Sequence[Task]
    has_more: bool
