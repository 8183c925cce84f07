"""Workflows, their runs and steps as plain records, and the commands that make or change them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from domain.entities import UNSET, Unset


class WorkflowStatus(StrEnum):
    """Only an active workflow is started. The others say why it is not."""

    DRAFT = "draft"
    ACTIVE = "active"
    PAUSED = "paused"
    COMPLETED = "completed"
    FAILED = "failed"


class RunStatus(StrEnum):
    """Where a run stands. The last three are ends."""

    QUEUED = "queued"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


class StepStatus(StrEnum):
    """How an attempt at a step ended. An interrupted one was lost with its worker."""

    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    INTERRUPTED = "interrupted"


class RunCauseKind(StrEnum):
    """What started a run."""

    MUTATION = "mutation"
    TRIGGER = "trigger"
    SCHEDULE = "schedule"


@dataclass(frozen=True, slots=True)
class RunCause:
    """What started a run, and which one of it: the trigger's id, for example."""

    kind: RunCauseKind = RunCauseKind.MUTATION
    id: str | None = None

    def as_json(self) -> dict[str, str]:
        return {"kind": self.kind.value, **({"id": self.id} if self.id else {})}


@dataclass(frozen=True, slots=True)
class Schedule:
    """When a workflow starts by itself: five cron fields, read in a time zone."""

    cron: str
    time_zone: str = "UTC"


@dataclass(frozen=True, slots=True)
class Workflow:
    """A definition of steps. `revision` counts what its runs did; see `RunChange`."""

    id: UUID
    organization_id: UUID
    project_id: UUID | None
    name: str
    description: str | None
    definition: Mapping[str, Any]
    status: WorkflowStatus
    run_number: int
    revision: int
    schedule: Schedule | None
    next_run_at: datetime | None
    created_by: str
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class WorkflowCreate:
    """A workflow to be made. `definition` is JSON as `domain.workflow_definitions` reads it."""

    name: str
    definition: Any
    description: str | None = None
    project_id: UUID | None = None
    status: WorkflowStatus = WorkflowStatus.ACTIVE
    schedule: Schedule | None = None


@dataclass(frozen=True, slots=True)
class WorkflowUpdate:
    """What to change; `UNSET` leaves a field, None clears it where that is allowed."""

    name: str | Unset | None = UNSET
    definition: Any = UNSET
    description: str | Unset | None = UNSET
    project_id: UUID | Unset | None = UNSET
    status: WorkflowStatus | Unset | None = UNSET
    schedule: Schedule | Unset | None = UNSET

    def given(self) -> dict[str, Any]:
        """The fields that are set, by name."""
        fields = ((name, getattr(self, name)) for name in self.__slots__)
        return {name: value for name, value in fields if value is not UNSET}


@dataclass(frozen=True, slots=True)
class WorkflowSearch:
    """Which workflows to list. Conditions are joined with AND."""

    project_id: UUID | None = None
    status: WorkflowStatus | None = None


@dataclass(frozen=True, slots=True)
class WorkflowPage:
    """Some workflows, the newest first."""

    workflows: Sequence[Workflow]
    has_more: bool


@dataclass(frozen=True, slots=True)
class NewRun:
    """A run to be started. `depth` is what its writes carry: the count of triggers that led here.

    A firing starts one run, however often it asks."""

    workflow_id: UUID
    input: Mapping[str, Any]
    actor: str
    cause: RunCause = RunCause()
    depth: int = 0
    firing_id: UUID | None = None
    replay_of: UUID | None = None


@dataclass(frozen=True, slots=True)
class WorkflowRun:
    """One run. `definition` is the one that it began with; `position` counts the steps behind it.

    `outcome` is what the last step gave."""

    id: UUID
    organization_id: UUID
    workflow_id: UUID
    number: int
    status: RunStatus
    cause: RunCause
    depth: int
    input: Mapping[str, Any]
    definition: Mapping[str, Any]
    position: int
    outcome: Any
    error: str | None
    firing_id: UUID | None
    replay_of: UUID | None
    created_by: str
    created_at: datetime
    updated_at: datetime
    started_at: datetime | None
    finished_at: datetime | None

    @property
    def duration_ms(self) -> float | None:
        """From its first step to its end, waiting included; None before."""
        if self.started_at is None or self.finished_at is None:
            return None
        return (self.finished_at - self.started_at).total_seconds() * 1000


@dataclass(frozen=True, slots=True)
class RunPage:
    """Some runs of a workflow, the newest first."""

    runs: Sequence[WorkflowRun]
    has_more: bool


@dataclass(frozen=True, slots=True)
class WorkflowStep:
    """One attempt at one step of a run. `position` counts from 0, `attempt` from 1."""

    run_id: UUID
    position: int
    attempt: int
    name: str
    kind: str
    status: StepStatus
    output: Any
    error: str | None
    started_at: datetime
    finished_at: datetime | None


@dataclass(frozen=True, slots=True)
class Attempt:
    """An attempt that has begun, and how the earlier ones at this step ended."""

    position: int
    number: int
    failed: int
    interrupted: int


@dataclass(frozen=True, slots=True)
class StepResult:
    """How an attempt ended. `again` means that the step is tried another time."""

    status: StepStatus
    output: Any = None
    error: str | None = None
    again: bool = False


@dataclass(frozen=True, slots=True)
class RunChange:
    """One entry of a workflow's log: where a run stands after it."""

    workflow_id: UUID
    revision: int
    run_id: UUID
    status: RunStatus
    position: int
    step_status: StepStatus | None
    error: str | None
    at: datetime
