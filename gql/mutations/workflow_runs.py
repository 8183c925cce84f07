"""Mutations on runs of workflows."""

from typing import Annotated

import strawberry

from domain import workflow_runs
from gql.context import Info, given_id
from gql.scalars import JSON
from gql.types.errors import EXPECTED, UserError, user_errors
from gql.types.workflows import WorkflowRun


@strawberry.input(description="A workflow to be started.")
class WorkflowStartInput:
    workflow_id: strawberry.ID = strawberry.field(description="The workflow.")
    input: JSON | None = strawberry.field(
        default=None,
        description="An object for `{{input.…}}` in its steps; at most 100,000 bytes.",
    )


@strawberry.input(description="Names a run.")
class WorkflowRunInput:
    run_id: strawberry.ID = strawberry.field(description="The run.")


@strawberry.type(
    description="The answer of `workflowStart`, `workflowRunCancel` and `workflowRunReplay`."
)
class WorkflowRunPayload:
    run: WorkflowRun | None = strawberry.field(description="The run as it stands.")
    errors: list[UserError] = strawberry.field(description="Why nothing was done.")


_Which = Annotated[WorkflowRunInput, strawberry.argument(description="Which one.")]


@strawberry.type
class WorkflowRunMutations:
    @strawberry.mutation(
        description="Start a run of a workflow. It is queued: follow `workflowRunChanged`."
    )
    async def workflow_start(
        self,
        info: Info,
        input: Annotated[WorkflowStartInput, strawberry.argument(description="What to start.")],
    ) -> WorkflowRunPayload | None:
        context = info.context
        try:
            run = await workflow_runs.start_workflow(
                context.viewer, context.storage, given_id(input.workflow_id), input.input
            )
        except EXPECTED as error:
            return WorkflowRunPayload(run=None, errors=user_errors(error))
        return WorkflowRunPayload(run=WorkflowRun.of(run), errors=[])

    @strawberry.mutation(description="Stop a run behind its present step. What it did stays.")
    async def workflow_run_cancel(self, info: Info, input: _Which) -> WorkflowRunPayload | None:
        context = info.context
        try:
            run = await workflow_runs.cancel_run(
                context.viewer, context.storage, given_id(input.run_id)
            )
        except EXPECTED as error:
            return WorkflowRunPayload(run=None, errors=user_errors(error))
        return WorkflowRunPayload(run=WorkflowRun.of(run), errors=[])

    @strawberry.mutation(
        description="Start a new run with the input of an ended one, by the workflow's present "
        "steps."
    )
    async def workflow_run_replay(self, info: Info, input: _Which) -> WorkflowRunPayload | None:
        context = info.context
        try:
            run = await workflow_runs.replay_run(
                context.viewer, context.storage, given_id(input.run_id)
            )
        except EXPECTED as error:
            return WorkflowRunPayload(run=None, errors=user_errors(error))
        return WorkflowRunPayload(run=WorkflowRun.of(run), errors=[])
