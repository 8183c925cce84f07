"""Triggers, workflows, tasks and their runs."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index, text
from sqlmodel import Field, SQLModel

from persistence.models.base import big_column, json_column, now_column, time_column


class RelayCursorRow(SQLModel, table=True):
    """How far one consumer of the log has come in one table.

    `after_row` is set inside an entry that is too large for one step: the entry after `revision`
    is done up to that row, in the order of row ids. `place` is how far a consumer has come with
    what follows from the next entries, when that is too much for one step."""

    __tablename__ = "relay_cursor"

    consumer: str = Field(primary_key=True)
    table_id: UUID = Field(primary_key=True)
    organization_id: UUID
    revision: int = big_column()
    after_row: UUID | None = None
    place: dict[str, Any] | None = json_column()


class TriggerRow(SQLModel, table=True):
    """`from_revision` is the table's revision when the trigger was made or resumed: it fires for
    later changes only. `error` says why its condition cannot be decided any more."""

    __tablename__ = "trigger"
    __table_args__ = (Index("ix_trigger_table", "table_id"),)

    id: UUID = Field(primary_key=True)
    organization_id: UUID = Field(foreign_key="organization.id")
    table_id: UUID = Field(foreign_key="user_table.id")
    name: str
    event: str
    condition: Any = json_column()
    action_type: str
    action_config: dict[str, Any] = json_column(nullable=False)
    status: str
    from_revision: int = big_column()
    fires_per_minute: int | None = None
    fire_count: int = big_column()
    last_fired_at: datetime | None = time_column()
    error: str | None = None
    created_by: str
    created_at: datetime = now_column()
    updated_at: datetime = now_column()


class FiringRow(SQLModel, table=True):
    """One firing of a trigger for one row of one change. A replay is a firing of its own.

    `row_id` is null where the trigger failed as a whole, whatever the row."""

    __tablename__ = "trigger_firing"
    __table_args__ = (
        Index(
            "ux_trigger_firing_once",
            "trigger_id",
            "revision",
            "row_id",
            unique=True,
            postgresql_where=text("replay_of IS NULL"),
        ),
        Index("ix_trigger_firing_trigger", "trigger_id", "id"),
        Index(
            "ix_trigger_firing_undone",
            "trigger_id",
            "status",
            "id",
            postgresql_where=text("status <> 'succeeded'"),
        ),
        Index(
            "ix_trigger_firing_replays",
            "replay_of",
            postgresql_where=text("replay_of IS NOT NULL"),
        ),
    )

    id: UUID = Field(primary_key=True)
    organization_id: UUID = Field(foreign_key="organization.id")
    trigger_id: UUID
    table_id: UUID
    revision: int = big_column()
    row_id: UUID | None = None
    status: str
    attempt: int = Field(default=0)
    depth: int = Field(default=0)
    input: dict[str, Any] = json_column(nullable=False)
    outcome: dict[str, Any] | None = json_column()
    error: str | None = None
    duration_ms: float | None = None
    replay_of: UUID | None = None
    created_at: datetime = now_column()
    started_at: datetime | None = time_column()
    finished_at: datetime | None = time_column()


class WorkflowRow(SQLModel, table=True):
    """A definition of steps. `run_number` counts its runs; `next_run_at` is due by its schedule.

    `revision` counts the entries of its log, `workflow_change`."""

    __tablename__ = "workflow"
    __table_args__ = (
        Index(
            "ix_workflow_due",
            "next_run_at",
            postgresql_where=text("next_run_at IS NOT NULL AND deleted_at IS NULL"),
        ),
        Index("ix_workflow_organization", "organization_id"),
    )

    id: UUID = Field(primary_key=True)
    organization_id: UUID = Field(foreign_key="organization.id")
    project_id: UUID | None = Field(default=None, foreign_key="project.id")
    name: str
    description: str | None = None
    definition: dict[str, Any] = json_column(nullable=False)
    status: str
    run_number: int = Field(default=0)
    revision: int = big_column()
    schedule: str | None = None
    time_zone: str | None = None
    next_run_at: datetime | None = time_column()
    created_by: str
    created_at: datetime = now_column()
    updated_at: datetime = now_column()
    deleted_at: datetime | None = time_column()


class WorkflowRunRow(SQLModel, table=True):
    """One run. `definition` is the one that it began with; `position` is the step it stands at."""

    __tablename__ = "workflow_run"
    __table_args__ = (
        Index(
            "ix_workflow_run_unended",
            "workflow_id",
            postgresql_where=text("status IN ('queued', 'running')"),
        ),
        Index("ux_workflow_run_number", "workflow_id", "number", unique=True),
        Index(
            "ux_workflow_run_firing",
            "firing_id",
            unique=True,
            postgresql_where=text("firing_id IS NOT NULL"),
        ),
    )

    id: UUID = Field(primary_key=True)
    organization_id: UUID = Field(foreign_key="organization.id")
    workflow_id: UUID = Field(foreign_key="workflow.id")
    number: int
    status: str
    cause: dict[str, Any] = json_column(nullable=False)
    depth: int = Field(default=0)
    input: dict[str, Any] = json_column(nullable=False)
    definition: dict[str, Any] = json_column(nullable=False)
    position: int = Field(default=0)
    outcome: Any = json_column()
    error: str | None = None
    firing_id: UUID | None = None
    replay_of: UUID | None = None
    created_by: str
    created_at: datetime = now_column()
    updated_at: datetime = now_column()
    started_at: datetime | None = time_column()
    finished_at: datetime | None = time_column()


class WorkflowStepRow(SQLModel, table=True):
    """One attempt at one step of a run."""

    __tablename__ = "workflow_step"

    run_id: UUID = Field(primary_key=True, foreign_key="workflow_run.id")
    position: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    attempt: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    name: str
    kind: str
    status: str
    output: Any = json_column()
    error: str | None = None
    started_at: datetime = now_column()
    finished_at: datetime | None = time_column()


class WorkflowChangeRow(SQLModel, table=True):
    """One entry of a workflow's log: where a run stands after it. Revisions have no holes."""

    __tablename__ = "workflow_change"

    workflow_id: UUID = Field(primary_key=True, foreign_key="workflow.id")
    revision: int = big_column(primary_key=True)
    run_id: UUID
    status: str
    position: int
    step_status: str | None = None
    error: str | None = None
    at: datetime = now_column()


class TaskRow(SQLModel, table=True):
    """Something for a person to do."""

    __tablename__ = "task"
    __table_args__ = (
        Index("ix_task_organization", "organization_id", "id"),
        Index(
            "ix_task_run", "workflow_run_id", postgresql_where=text("workflow_run_id IS NOT NULL")
        ),
    )

    id: UUID = Field(primary_key=True)
    organization_id: UUID = Field(foreign_key="organization.id")
    project_id: UUID | None = Field(default=None, foreign_key="project.id")
    workflow_run_id: UUID | None = None
    firing_id: UUID | None = None
    title: str
    description: str | None = None
    status: str
    priority: int = Field(default=2)
    created_by: str
    created_at: datetime = now_column()
    updated_at: datetime = now_column()
