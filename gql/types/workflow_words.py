"""The enums of workflows. Their Python values are the domain's own words."""

from enum import Enum
from typing import Any

import strawberry


def _word(value: str, description: str) -> Any:
    return strawberry.enum_value(value, description=description)


@strawberry.enum(description="Whether a workflow is started. Only an active one is.")
class WorkflowStatus(Enum):
    DRAFT = _word("draft", "It is being written.")
    ACTIVE = _word("active", "Mutations, triggers and its schedule start it.")
    PAUSED = _word("paused", "It is stopped for a while.")
    COMPLETED = _word("completed", "It has done what it was for.")
    FAILED = _word(
        "failed", "It was given up; by the server when its time zone does not exist any more."
    )


@strawberry.enum(description="Where a run stands. The last three are ends.")
class WorkflowRunStatus(Enum):
    QUEUED = _word("queued", "It waits for a worker.")
    RUNNING = _word("running", "A step is being done, or waits for its next attempt.")
    COMPLETED = _word("completed", "All steps are done.")
    FAILED = _word("failed", "A step failed; see `error`.")
    CANCELLED = _word("cancelled", "It was stopped on request.")


@strawberry.enum(description="How an attempt at a step ended.")
class WorkflowStepStatus(Enum):
    RUNNING = _word("running", "It is being done.")
    COMPLETED = _word("completed", "It is done.")
    FAILED = _word("failed", "It failed; see `error`.")
    INTERRUPTED = _word("interrupted", "Its worker was lost; the step is done again.")


@strawberry.enum(description="What started a run.")
class WorkflowRunCauseKind(Enum):
    MUTATION = _word("mutation", "A request of a client.")
    TRIGGER = _word("trigger", "A firing of a trigger.")
    SCHEDULE = _word("schedule", "The schedule of the workflow.")
