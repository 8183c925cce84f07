"""Workflows: making, changing, pausing and finding them. What they do is in
`domain.workflow_runs`."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from domain import access, checks
from domain.access import Viewer
from domain.errors import ErrorCode, NotFound, Problem, invalid
from domain.ports import Storage
from domain.rejections import Rejected
from domain.workflow_definitions import definition_problems
from domain.workflow_records import (
    Schedule,
    Workflow,
    WorkflowCreate,
    WorkflowPage,
    WorkflowSearch,
    WorkflowStatus,
    WorkflowUpdate,
)
from domain.workflow_secrets import secret_problems, with_hidden

MAX_PAGE = 100


async def get_workflow(viewer: Viewer, storage: Storage, workflow_id: UUID) -> Workflow:
    """One workflow. Raises `NotFound`."""
    access.require(viewer, "workflow")
    return await _existing(viewer, storage, workflow_id)


async def list_workflows(
    viewer: Viewer, storage: Storage, search: WorkflowSearch, after: UUID | None, limit: int
) -> WorkflowPage:
    """Workflows that match, the newest first, behind the workflow `after`; 0 to 100.

    Raises `Invalid`."""
    access.require(viewer, "workflows")
    if not 0 <= limit <= MAX_PAGE:
        raise invalid(ErrorCode.OUT_OF_RANGE, f"first must be 0 to {MAX_PAGE}", "first")
    return await storage.workflows.page(viewer.organization_id, search, after, limit)


async def count_workflows(viewer: Viewer, storage: Storage, search: WorkflowSearch) -> int:
    """How many workflows match."""
    access.require(viewer, "workflows")
    return await storage.workflows.count(viewer.organization_id, search)


async def create_workflow(viewer: Viewer, storage: Storage, command: WorkflowCreate) -> Workflow:
    """Make a workflow; it is active unless the command says otherwise.

    Raises `Invalid` with every problem of its texts, definition and schedule."""
    access.require(viewer, "workflowCreate")
    problems = checks.required_text_problems("name", command.name, 256)
    problems += checks.text_problems("description", command.description, 0, 1024)
    problems += definition_problems(command.definition, "definition")
    problems += _schedule_problems(storage, command.schedule)
    problems += await _project_problems(viewer, storage, command.project_id)
    checks.refuse(problems)
    return await storage.workflows.create(viewer.organization_id, viewer.actor, command)


async def update_workflow(
    viewer: Viewer, storage: Storage, workflow_id: UUID, command: WorkflowUpdate
) -> Workflow:
    """Change a workflow. Runs that have begun go on with the definition that they began with.

    Raises `NotFound`, or `Invalid` with every problem."""
    access.require(viewer, "workflowUpdate")
    known = await _existing(viewer, storage, workflow_id)
    changes = command.given()
    problems: list[Problem] = []
    if "name" in changes:
        problems += checks.required_text_problems("name", changes["name"], 256)
    if "status" in changes and changes["status"] is None:
        problems.append(Problem(ErrorCode.REQUIRED, "status must not be null", ("status",)))
    if "definition" in changes:
        problems += definition_problems(changes["definition"], "definition")
    problems += checks.text_problems("description", changes.get("description"), 0, 1024)
    problems += _schedule_problems(storage, changes.get("schedule"))
    problems += await _project_problems(viewer, storage, changes.get("project_id"))
    checks.refuse(problems)
    if "definition" in changes:
        checks.refuse(secret_problems(changes["definition"], known.definition, "definition"))
        changes["definition"] = with_hidden(changes["definition"], known.definition)
    return await _updated(viewer, storage, workflow_id, changes)


async def delete_workflow(viewer: Viewer, storage: Storage, workflow_id: UUID) -> None:
    """Delete a workflow; runs that have not ended are cancelled. Raises `NotFound`."""
    access.require(viewer, "workflowDelete")
    if not await storage.workflows.delete(viewer.organization_id, viewer.actor, workflow_id):
        raise NotFound("Workflow")


async def pause_workflow(viewer: Viewer, storage: Storage, workflow_id: UUID) -> Workflow:
    """Let nothing start it any more: mutations and firings are refused, times of its schedule pass.
    Runs that are queued or running go on. Raises `NotFound`."""
    access.require(viewer, "workflowPause")
    return await _updated(viewer, storage, workflow_id, {"status": WorkflowStatus.PAUSED})


async def resume_workflow(viewer: Viewer, storage: Storage, workflow_id: UUID) -> Workflow:
    """Make it active, whatever it was; its schedule goes on with its next time. Raises
    `NotFound`."""
    access.require(viewer, "workflowResume")
    return await _updated(viewer, storage, workflow_id, {"status": WorkflowStatus.ACTIVE})


async def _updated(
    viewer: Viewer, storage: Storage, workflow_id: UUID, changes: dict[str, Any]
) -> Workflow:
    workflow = await storage.workflows.update(
        viewer.organization_id, viewer.actor, workflow_id, changes
    )
    if workflow is None:
        raise NotFound("Workflow")
    return workflow


async def _existing(viewer: Viewer, storage: Storage, workflow_id: UUID) -> Workflow:
    workflow = await storage.workflows.get(viewer.organization_id, workflow_id)
    if workflow is None:
        raise NotFound("Workflow")
    return workflow


def _schedule_problems(storage: Storage, schedule: Schedule | None) -> list[Problem]:
    if schedule is None:
        return []
    try:
        storage.workflows.next_time(schedule, datetime.now(UTC))
    except Rejected as error:
        return [Problem(error.code, error.message, ("schedule",))]
    return []


async def _project_problems(
    viewer: Viewer, storage: Storage, project_id: UUID | None
) -> list[Problem]:
    if project_id is None or await storage.projects.get(viewer.organization_id, project_id):
        return []
    return [Problem(ErrorCode.NOT_FOUND, "Project not found", ("projectId",))]
