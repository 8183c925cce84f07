"""Workflows, their runs and the steps of those."""

from datetime import datetime
from typing import Annotated

import strawberry

from domain import ids, workflow_records, workflow_runs, workflows
from domain.errors import ErrorCode, invalid
from domain.workflow_records import WorkflowSearch
from domain.workflow_secrets import shown_definition
from gql.context import Info
from gql.paging import PageInfo
from gql.scalars import JSON
from gql.types.projects import Project
from gql.types.workflow_words import (
    WorkflowRunCauseKind,
    WorkflowRunStatus,
    WorkflowStatus,
    WorkflowStepStatus,
)


@strawberry.type(description="One attempt at one step of a run.")
class WorkflowStep:
    position: int = strawberry.field(description="The step in the definition, from 0.")
    attempt: int = strawberry.field(description="Which attempt at it, from 1.")
    name: str = strawberry.field(description="The name of the step, else its id.")
    kind: str = strawberry.field(description="The kind of the step, such as `row_add`.")
    status: WorkflowStepStatus = strawberry.field(description="How it ended.")
    output: JSON | None = strawberry.field(
        description="What it gave, for bindings of later steps; of a request that failed, what was "
        "answered."
    )
    error: str | None = strawberry.field(description="Why it failed.")
    started_at: datetime = strawberry.field(description="When it began.")
    finished_at: datetime | None = strawberry.field(description="When it ended.")

    @classmethod
    def of(cls, step: workflow_records.WorkflowStep) -> "WorkflowStep":
        return cls(
            position=step.position,
            attempt=step.attempt,
            name=step.name,
            kind=step.kind,
            status=WorkflowStepStatus(step.status.value),
            output=JSON(step.output) if step.output is not None else None,
            error=step.error,
            started_at=step.started_at,
            finished_at=step.finished_at,
        )


@strawberry.type(description="What started a run.")
class WorkflowRunCause:
    kind: WorkflowRunCauseKind = strawberry.field(description="What kind of thing it was.")
    id: strawberry.ID | None = strawberry.field(description="Which one, such as a trigger's id.")


@strawberry.type(description="One run of a workflow.")
class WorkflowRun:
    record: strawberry.Private[workflow_records.WorkflowRun]
    id: strawberry.ID = strawberry.field(description="The id of the run.")
    number: int = strawberry.field(description="Which run of its workflow, from 1.")
    status: WorkflowRunStatus = strawberry.field(description="Where it stands.")
    cause: WorkflowRunCause = strawberry.field(description="What started it.")
    depth: int = strawberry.field(description="How many triggers led to it; 5 fire no more.")
    input: JSON = strawberry.field(description="What it was given.")
    outcome: JSON | None = strawberry.field(description="What its last step gave.")
    position: int = strawberry.field(description="How many steps are done.")
    error: str | None = strawberry.field(description="Why it failed.")
    firing_id: strawberry.ID | None = strawberry.field(
        description="The firing of a trigger that started it, if one did."
    )
    replay_of: strawberry.ID | None = strawberry.field(description="The run that it repeats.")
    created_by: str = strawberry.field(description="Who asked for it: an API key's id, or a name.")
    created_at: datetime = strawberry.field(description="When it was asked for.")
    started_at: datetime | None = strawberry.field(description="When its first step began.")
    finished_at: datetime | None = strawberry.field(description="When it ended.")
    duration_ms: float | None = strawberry.field(
        description="From its first step to its end in milliseconds, pauses included."
    )

    @strawberry.field(description="Every attempt at every step, in order.")
    async def steps(self, info: Info) -> list[WorkflowStep]:
        found = await info.context.loaders.steps_of_run.load(self.record.id)
        return [WorkflowStep.of(each) for each in found]

    @strawberry.field(description="The workflow.")
    async def workflow(self, info: Info) -> "Workflow | None":
        found = await info.context.loaders.workflows.load(self.record.workflow_id)
        return Workflow.of(found) if found else None

    @classmethod
    def of(cls, run: workflow_records.WorkflowRun) -> "WorkflowRun":
        cause = WorkflowRunCause(
            kind=WorkflowRunCauseKind(run.cause.kind.value),
            id=strawberry.ID(run.cause.id) if run.cause.id else None,
        )
        return cls(
            record=run,
            id=strawberry.ID(str(run.id)),
            number=run.number,
            status=WorkflowRunStatus(run.status.value),
            cause=cause,
            depth=run.depth,
            input=JSON(run.input),
            outcome=JSON(run.outcome) if run.outcome is not None else None,
            position=run.position,
            error=run.error,
            firing_id=strawberry.ID(str(run.firing_id)) if run.firing_id else None,
            replay_of=strawberry.ID(str(run.replay_of)) if run.replay_of else None,
            created_by=run.created_by,
            created_at=run.created_at,
            started_at=run.started_at,
            finished_at=run.finished_at,
            duration_ms=None if run.duration_ms is None else round(run.duration_ms, 1),
        )


@strawberry.type(description="A run and its cursor.")
class WorkflowRunEdge:
    cursor: str = strawberry.field(description="For `after`. Opaque.")
    node: WorkflowRun = strawberry.field(description="The run.")


@strawberry.type(description="Some runs of a workflow, the newest first.")
class WorkflowRunConnection:
    total: strawberry.Private[int]
    nodes: list[WorkflowRun] = strawberry.field(description="The runs of the page.")
    page_info: PageInfo = strawberry.field(description="Where the page lies.")

    @strawberry.field(description="The runs with their cursors.")
    def edges(self) -> list[WorkflowRunEdge]:
        return [WorkflowRunEdge(cursor=str(each.number), node=each) for each in self.nodes]

    @strawberry.field(description="How many there are in all.")
    def total_count(self) -> int | None:
        return self.total


@strawberry.type(description="When a workflow starts by itself.")
class WorkflowSchedule:
    cron: str = strawberry.field(
        description="Minute, hour, day of month, month, day of week: `0 9 * * MON-FRI`."
    )
    time_zone: str = strawberry.field(description="The zone of these times: `Europe/Berlin`.")


@strawberry.type(description="A sequence of steps that is started by a client, trigger or clock.")
class Workflow:
    record: strawberry.Private[workflow_records.Workflow]
    id: strawberry.ID = strawberry.field(description="The id of the workflow.")
    name: str = strawberry.field(description="1 to 256 characters.")
    description: str | None = strawberry.field(description="At most 1,024 characters.")
    status: WorkflowStatus = strawberry.field(description="Whether it is started.")
    definition: JSON = strawberry.field(
        description="Its steps: `pattern` and `steps`. Values of headers are not shown."
    )
    schedule: WorkflowSchedule | None = strawberry.field(
        description="When it starts by itself; null: never."
    )
    next_run_at: datetime | None = strawberry.field(
        description="The next time of its schedule. It passes unless the workflow is active."
    )
    run_number: int = strawberry.field(description="The number of its last run; 0 before one.")
    revision: int = strawberry.field(
        description="Of its log of runs: `workflowRunChanged(after: revision)` goes on from here."
    )
    created_by: str = strawberry.field(description="Who made it: the id of an API key.")
    created_at: datetime = strawberry.field(description="When it was made.")
    updated_at: datetime = strawberry.field(description="When it was last changed.")

    @strawberry.field(description="The project that it belongs to.")
    async def project(self, info: Info) -> Project | None:
        if self.record.project_id is None:
            return None
        found = await info.context.loaders.projects.load(self.record.project_id)
        return Project.of(found) if found else None

    @strawberry.field(description="Its runs, the newest first.")
    async def runs(
        self,
        info: Info,
        first: Annotated[int, strawberry.argument(description="How many, 0 to 100.")] = 50,
        after: Annotated[
            str | None, strawberry.argument(description="Only runs behind this cursor.")
        ] = None,
    ) -> WorkflowRunConnection:
        page = await workflow_runs.list_runs(
            info.context.viewer, info.context.storage, self.record.id, _number(after), first
        )
        nodes = [WorkflowRun.of(each) for each in page.runs]
        return WorkflowRunConnection(
            total=self.run_number,
            nodes=nodes,
            page_info=PageInfo(
                has_next_page=page.has_more,
                has_previous_page=after is not None,
                start_cursor=str(nodes[0].number) if nodes else None,
                end_cursor=str(nodes[-1].number) if nodes else None,
            ),
        )

    @classmethod
    def of(cls, workflow: workflow_records.Workflow) -> "Workflow":
        schedule = workflow.schedule
        return cls(
            record=workflow,
            id=strawberry.ID(str(workflow.id)),
            name=workflow.name,
            description=workflow.description,
            status=WorkflowStatus(workflow.status.value),
            definition=JSON(shown_definition(workflow.definition)),
            schedule=(
                WorkflowSchedule(cron=schedule.cron, time_zone=schedule.time_zone)
                if schedule
                else None
            ),
            next_run_at=workflow.next_run_at,
            run_number=workflow.run_number,
            revision=workflow.revision,
            created_by=workflow.created_by,
            created_at=workflow.created_at,
            updated_at=workflow.updated_at,
        )


@strawberry.type(description="A workflow and its cursor.")
class WorkflowEdge:
    cursor: str = strawberry.field(description="For `after`. Opaque.")
    node: Workflow = strawberry.field(description="The workflow.")


@strawberry.type(description="Some workflows, the newest first.")
class WorkflowConnection:
    search: strawberry.Private[WorkflowSearch]
    nodes: list[Workflow] = strawberry.field(description="The workflows of the page.")
    page_info: PageInfo = strawberry.field(description="Where the page lies.")

    @strawberry.field(description="The workflows with their cursors.")
    def edges(self) -> list[WorkflowEdge]:
        return [WorkflowEdge(cursor=each.id, node=each) for each in self.nodes]

    @strawberry.field(description="How many there are in all; counted when asked for.")
    async def total_count(self, info: Info) -> int | None:
        context = info.context
        return await workflows.count_workflows(context.viewer, context.storage, self.search)


async def workflow_page(
    info: Info, search: WorkflowSearch, first: int, after: str | None
) -> WorkflowConnection:
    """The page behind a cursor. Raises `Invalid`."""
    place = ids.parse(after) if after is not None else None
    if after is not None and place is None:
        raise invalid(ErrorCode.INVALID, "The cursor is none of this list", "after")
    page = await workflows.list_workflows(
        info.context.viewer, info.context.storage, search, place, first
    )
    nodes = [Workflow.of(each) for each in page.workflows]
    return WorkflowConnection(
        search=search,
        nodes=nodes,
        page_info=PageInfo(
            has_next_page=page.has_more,
            has_previous_page=after is not None,
            start_cursor=nodes[0].id if nodes else None,
            end_cursor=nodes[-1].id if nodes else None,
        ),
    )


def _number(cursor: str | None) -> int | None:
    """The run that a cursor marks. Raises `Invalid`."""
    if cursor is None:
        return None
    if not (cursor.isascii() and cursor.isdecimal() and len(cursor) <= 9):
        raise invalid(ErrorCode.INVALID, "The cursor is none of this list", "after")
    return int(cursor)
