"""Triggers and their firings as plain records, and the commands that make or change them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from domain.entities import UNSET, Unset


class TriggerEvent(StrEnum):
    """What must happen to a row. A row that comes back by a rollback is added."""

    ROW_ADDED = "row_added"
    ROW_UPDATED = "row_updated"
    ROW_DELETED = "row_deleted"


class ActionType(StrEnum):
    """What a firing does."""

    RUN_WORKFLOW = "run_workflow"
    CREATE_TASK = "create_task"
    CALL_WEBHOOK = "call_webhook"
    RUN_CELLS = "run_cells"


class TriggerStatus(StrEnum):
    """A paused trigger fires nothing, and what happens meanwhile it will never fire for."""

    ACTIVE = "active"
    PAUSED = "paused"


@dataclass(frozen=True, slots=True)
class Trigger:
    """A rule of one table. `condition` and `action_config` are as they were given.

    `error` says why the condition cannot be decided any more; nothing fires meanwhile.
    `fire_count` counts the firings that succeeded."""

    id: UUID
    organization_id: UUID
    table_id: UUID
    name: str
    event: TriggerEvent
    condition: Any
    action_type: ActionType
    action_config: Mapping[str, Any]
    status: TriggerStatus
    fires_per_minute: int | None
    fire_count: int
    last_fired_at: datetime | None
    error: str | None
    created_by: str
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class TriggerCreate:
    """A trigger to be made. `condition` is JSON as `domain.trigger_conditions` reads it.

    `fires_per_minute` is the most firings of any 60 seconds; None is without a limit."""

    table_id: UUID
    name: str
    event: TriggerEvent
    action_type: ActionType
    action_config: Mapping[str, Any]
    condition: Any = None
    fires_per_minute: int | None = None


@dataclass(frozen=True, slots=True)
class TriggerUpdate:
    """What to change; `UNSET` leaves a field, None clears it where that is allowed."""

    name: str | Unset | None = UNSET
    event: TriggerEvent | Unset = UNSET
    condition: Any = UNSET
    action_type: ActionType | Unset = UNSET
    action_config: Mapping[str, Any] | Unset = UNSET
    status: TriggerStatus | Unset = UNSET
    fires_per_minute: int | Unset | None = UNSET

    def given(self) -> dict[str, Any]:
        """The fields that are set, by name."""
        fields = ((name, getattr(self, name)) for name in self.__slots__)
        return {name: value for name, value in fields if value is not UNSET}


class FiringStatus(StrEnum):
    """Where a firing stands. A skipped one was over the trigger's limit, or the trigger was paused
    before its turn came."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Firing:
    """One firing for one row of one change. `row_id` is None when the trigger failed as a whole.

    `input` holds the row as the change left it (as it was before a deletion)."""

    id: UUID
    organization_id: UUID
    trigger_id: UUID
    table_id: UUID
    revision: int
    row_id: UUID | None
    status: FiringStatus
    attempt: int
    depth: int
    input: Mapping[str, Any]
    outcome: Mapping[str, Any] | None
    error: str | None
    duration_ms: float | None
    replay_of: UUID | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


@dataclass(frozen=True, slots=True)
class FiringPage:
    """Some firings of a trigger, the newest first."""

    firings: Sequence[Firing]
    has_more: bool


@dataclass(frozen=True, slots=True)
class Replayed:
    """How many firings were queued again, and whether more may be left for a next call."""

    count: int
    has_more: bool


@dataclass(frozen=True, slots=True)
class TakenFiring:
    """A firing whose turn has come, with the trigger as it is now."""

    firing: Firing
    trigger: Trigger


@dataclass(frozen=True, slots=True)
class FiringResult:
    """How an attempt ended. `QUEUED` means that it is tried again later."""

    firing: Firing
    status: FiringStatus
    duration_ms: float
    outcome: Mapping[str, Any] | None = None
    error: str | None = None
