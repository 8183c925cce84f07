"""Events of `workflowRunChanged`. Each change of a run is one event."""

from datetime import datetime
from typing import Annotated, Any, TypeAlias

import strawberry

from domain.workflow_records import RunChange
from gql.context import Info
from gql.types.events import StreamStarted
from gql.types.workflow_words import WorkflowRunStatus, WorkflowStepStatus
from gql.types.workflows import WorkflowRun


@strawberry.type(description="A run was started, moved on or ended.")
class WorkflowRunChanged:
    record_id: strawberry.Private[Any]
    revision: int = strawberry.field(
        description="The workflow's revision. Resume with the last one seen as `after`."
    )
    at: datetime = strawberry.field(description="When it was committed.")
    run_id: strawberry.ID = strawberry.field(description="The run.")
    status: WorkflowRunStatus = strawberry.field(description="Where the run stood then.")
    position: int = strawberry.field(description="How many steps were done then.")
    step_status: WorkflowStepStatus | None = strawberry.field(
        description="How the attempt at a step stands that this change is about, if it is."
    )
    error: str | None = strawberry.field(description="Why that attempt failed.")

    @strawberry.field(description="The run as it is now; null when its workflow is gone.")
    async def run(self, info: Info) -> WorkflowRun | None:
        found = await info.context.loaders.workflow_runs.load(self.record_id)
        return WorkflowRun.of(found) if found else None

    @classmethod
    def of(cls, change: RunChange) -> "WorkflowRunChanged":
        step = change.step_status
        return cls(
            record_id=change.run_id,
            revision=change.revision,
            at=change.at,
            run_id=strawberry.ID(str(change.run_id)),
            status=WorkflowRunStatus(change.status.value),
            position=change.position,
            step_status=WorkflowStepStatus(step.value) if step else None,
            error=change.error,
        )


WorkflowEvent: TypeAlias = Annotated[
    StreamStarted | WorkflowRunChanged,
    strawberry.union("WorkflowEvent", description="What `workflowRunChanged` sends."),
]
