"""Mutations on workflows."""

from typing import Annotated, Any

import strawberry

from domain import workflow_records, workflows
from domain.entities import UNSET
from domain.workflow_records import Schedule, WorkflowCreate, WorkflowUpdate
from gql.context import Info, given_id
from gql.scalars import JSON
from gql.types.errors import EXPECTED, UserError, user_errors
from gql.types.workflow_words import WorkflowStatus
from gql.types.workflows import Workflow


@strawberry.input(description="When a workflow starts by itself.")
class WorkflowScheduleInput:
    cron: str = strawberry.field(
        description="Minute, hour, day of month, month, day of week: `0 9 * * MON-FRI`."
    )
    time_zone: str = strawberry.field(
        default="UTC", description="The zone of these times: `Europe/Berlin`."
    )


@strawberry.input(description="A workflow to be made.")
class WorkflowCreateInput:
    name: str = strawberry.field(description="1 to 256 characters.")
    definition: JSON = strawberry.field(
        description='Its steps: `{pattern: "sequence", steps: [{id, kind, …}]}`, 1 to 50, of the '
        "kinds `row_add`, `row_update`, `task_create`, `http_request`, `prompt` and `python`."
    )
    description: str | None = strawberry.field(
        default=None, description="At most 1,024 characters."
    )
    project_id: strawberry.ID | None = strawberry.field(
        default=None, description="The project that it belongs to."
    )
    status: WorkflowStatus = strawberry.field(
        default=WorkflowStatus.ACTIVE, description="Whether it is started."
    )
    schedule: WorkflowScheduleInput | None = strawberry.field(
        default=None, description="When it starts by itself."
    )


@strawberry.input(description="What to change of a workflow. What is left out stays; null clears.")
class WorkflowUpdateInput:
    workflow_id: strawberry.ID = strawberry.field(description="The workflow.")
    name: strawberry.Maybe[str | None] = strawberry.field(description="1 to 256 characters.")
    definition: strawberry.Maybe[JSON | None] = strawberry.field(
        description="All its steps. `********` in place of a header's value keeps what is stored "
        "for the step of this id."
    )
    description: strawberry.Maybe[str | None] = strawberry.field(
        description="At most 1,024 characters."
    )
    project_id: strawberry.Maybe[strawberry.ID | None] = strawberry.field(
        description="The project that it belongs to."
    )
    status: strawberry.Maybe[WorkflowStatus] = strawberry.field(
        description="Whether it is started."
    )
    schedule: strawberry.Maybe[WorkflowScheduleInput | None] = strawberry.field(
        description="When it starts by itself."
    )


@strawberry.input(description="Names a workflow.")
class WorkflowInput:
    workflow_id: strawberry.ID = strawberry.field(description="The workflow.")


@strawberry.type(
    description="The answer of `workflowCreate`, `workflowUpdate`, `workflowPause` and "
    "`workflowResume`."
)
class WorkflowPayload:
    workflow: Workflow | None = strawberry.field(description="The workflow after the change.")
    errors: list[UserError] = strawberry.field(description="Why nothing was changed.")


@strawberry.type(description="The answer of `workflowDelete`.")
class WorkflowDeletePayload:
    deleted_id: strawberry.ID | None = strawberry.field(description="The id of the workflow.")
    errors: list[UserError] = strawberry.field(description="Why it is still there.")


_Which = Annotated[WorkflowInput, strawberry.argument(description="Which one.")]


@strawberry.type
class WorkflowMutations:
    @strawberry.mutation(description="Make a workflow.")
    async def workflow_create(
        self,
        info: Info,
        input: Annotated[WorkflowCreateInput, strawberry.argument(description="What to make.")],
    ) -> WorkflowPayload | None:
        command = WorkflowCreate(
            name=input.name,
            definition=input.definition,
            description=input.description,
            project_id=given_id(input.project_id) if input.project_id is not None else None,
            status=workflow_records.WorkflowStatus(input.status.value),
            schedule=_schedule(input.schedule),
        )
        try:
            made = await workflows.create_workflow(
                info.context.viewer, info.context.storage, command
            )
        except EXPECTED as error:
            return WorkflowPayload(workflow=None, errors=user_errors(error))
        return WorkflowPayload(workflow=Workflow.of(made), errors=[])

    @strawberry.mutation(
        description="Change a workflow. Runs that have begun keep the steps that they began with."
    )
    async def workflow_update(
        self,
        info: Info,
        input: Annotated[WorkflowUpdateInput, strawberry.argument(description="What to change.")],
    ) -> WorkflowPayload | None:
        context, workflow_id = info.context, given_id(input.workflow_id)
        try:
            changed = await workflows.update_workflow(
                context.viewer, context.storage, workflow_id, _changes(input)
            )
        except EXPECTED as error:
            return WorkflowPayload(workflow=None, errors=user_errors(error))
        return WorkflowPayload(workflow=Workflow.of(changed), errors=[])

    @strawberry.mutation(
        description="Delete a workflow with its runs; those that have not ended are cancelled."
    )
    async def workflow_delete(self, info: Info, input: _Which) -> WorkflowDeletePayload | None:
        context = info.context
        try:
            await workflows.delete_workflow(
                context.viewer, context.storage, given_id(input.workflow_id)
            )
        except EXPECTED as error:
            return WorkflowDeletePayload(deleted_id=None, errors=user_errors(error))
        return WorkflowDeletePayload(deleted_id=input.workflow_id, errors=[])

    @strawberry.mutation(
        description="Let nothing start a workflow any more. Runs that are queued or running go on."
    )
    async def workflow_pause(self, info: Info, input: _Which) -> WorkflowPayload | None:
        context = info.context
        try:
            paused = await workflows.pause_workflow(
                context.viewer, context.storage, given_id(input.workflow_id)
            )
        except EXPECTED as error:
            return WorkflowPayload(workflow=None, errors=user_errors(error))
        return WorkflowPayload(workflow=Workflow.of(paused), errors=[])

    @strawberry.mutation(description="Make a workflow active, whatever its status was.")
    async def workflow_resume(self, info: Info, input: _Which) -> WorkflowPayload | None:
        context = info.context
        try:
            resumed = await workflows.resume_workflow(
                context.viewer, context.storage, given_id(input.workflow_id)
            )
        except EXPECTED as error:
            return WorkflowPayload(workflow=None, errors=user_errors(error))
        return WorkflowPayload(workflow=Workflow.of(resumed), errors=[])


def _schedule(given: WorkflowScheduleInput | None) -> Schedule | None:
    return Schedule(given.cron, given.time_zone) if given is not None else None


def _changes(input: WorkflowUpdateInput) -> WorkflowUpdate:
    fields: dict[str, Any] = {}
    for name in ("name", "definition", "description"):
        given = getattr(input, name)
        if given is not None:
            fields[name] = given.value
    if input.project_id is not None:
        project_id = input.project_id.value
        fields["project_id"] = given_id(project_id) if project_id is not None else None
    if input.status is not None:
        fields["status"] = workflow_records.WorkflowStatus(input.status.value.value)
    return WorkflowUpdate(
        schedule=_schedule(input.schedule.value) if input.schedule is not None else UNSET,
        **fields,
    )
