"""Runs of workflows: starting them, following them, stopping them and having them done again."""

from typing import Any
from uuid import UUID

from domain import access
from domain.access import Viewer
from domain.errors import Conflict, ErrorCode, NotFound, invalid
from domain.plain_json import clean_json
from domain.ports import Storage
from domain.rejections import Rejected
from domain.workflow_records import (
    NewRun,
    RunPage,
    RunStatus,
    Workflow,
    WorkflowRun,
    WorkflowStep,
)

MAX_PAGE = 100
MAX_INPUT_BYTES = 100_000

_UNENDED = (RunStatus.QUEUED, RunStatus.RUNNING)


async def start_workflow(
    viewer: Viewer, storage: Storage, workflow_id: UUID, given: Any
) -> WorkflowRun:
    """Start a run with this input, a JSON object. It is queued when this returns.

    Raises `NotFound`, `Invalid`, and `Conflict` for a workflow that is not active."""
    access.require(viewer, "workflowStart")
    await _workflow(viewer, storage, workflow_id)
    run = NewRun(workflow_id, _checked_input(given), viewer.actor)
    return await storage.workflow_runs.start(viewer.organization_id, run)


async def get_run(viewer: Viewer, storage: Storage, run_id: UUID) -> WorkflowRun:
    """One run. Raises `NotFound`."""
    access.require(viewer, "workflowRun")
    return await _existing(viewer, storage, run_id)


async def list_runs(
    viewer: Viewer, storage: Storage, workflow_id: UUID, before: int | None, limit: int
) -> RunPage:
    """Runs of a workflow with a number below `before`, the newest first; 0 to 100.

    Raises `NotFound` and `Invalid`."""
    access.require(viewer, "workflowRun")
    await _workflow(viewer, storage, workflow_id)
    if not 0 <= limit <= MAX_PAGE:
        raise invalid(ErrorCode.OUT_OF_RANGE, f"first must be 0 to {MAX_PAGE}", "first")
    return await storage.workflow_runs.page(viewer.organization_id, workflow_id, before, limit)


async def run_steps(viewer: Viewer, storage: Storage, run_id: UUID) -> list[WorkflowStep]:
    """Every attempt at every step of a run, in order. Raises `NotFound`."""
    access.require(viewer, "workflowRun")
    await _existing(viewer, storage, run_id)
    return await storage.workflow_runs.steps(viewer.organization_id, run_id)


async def cancel_run(viewer: Viewer, storage: Storage, run_id: UUID) -> WorkflowRun:
    """Stop a run behind the step that it is in. One that has ended stays as it is. Raises
    `NotFound`."""
    access.require(viewer, "workflowRunCancel")
    await _existing(viewer, storage, run_id)
    ended = await storage.workflow_runs.cancel(viewer.organization_id, run_id)
    return ended or await _existing(viewer, storage, run_id)


async def replay_run(viewer: Viewer, storage: Storage, run_id: UUID) -> WorkflowRun:
    """Start a new run with the same input, by the workflow as it is now.

    Raises `NotFound`, and `Conflict` for a run that has not ended or a workflow that is not
    active."""
    access.require(viewer, "workflowRunReplay")
    run = await _existing(viewer, storage, run_id)
    if run.status in _UNENDED:
        raise Conflict("The run has not ended yet")
    again = NewRun(run.workflow_id, run.input, viewer.actor, depth=run.depth, replay_of=run.id)
    return await storage.workflow_runs.start(viewer.organization_id, again)


async def watch_runs(viewer: Viewer, storage: Storage, workflow_id: UUID) -> Workflow:
    """The workflow whose runs the viewer may follow. Raises `NotFound`."""
    access.require(viewer, "workflowRunChanged")
    return await _workflow(viewer, storage, workflow_id)


def _checked_input(given: Any) -> dict[str, Any]:
    if given is None:
        return {}
    if not isinstance(given, dict):
        raise invalid(ErrorCode.INVALID_TYPE, "input must be an object", "input")
    try:
        cleaned: dict[str, Any] = clean_json(given, most_bytes=MAX_INPUT_BYTES)
    except Rejected as error:
        raise invalid(error.code, f"input: {error.message}", "input") from None
    return cleaned


async def _workflow(viewer: Viewer, storage: Storage, workflow_id: UUID) -> Workflow:
    workflow = await storage.workflows.get(viewer.organization_id, workflow_id)
    if workflow is None:
        raise NotFound("Workflow")
    return workflow


async def _existing(viewer: Viewer, storage: Storage, run_id: UUID) -> WorkflowRun:
    run = await storage.workflow_runs.get(viewer.organization_id, run_id)
    if run is None:
        raise NotFound("Run")
    return run
