"""Tasks: what triggers, workflows and people leave for people to do."""

from uuid import UUID

from domain import access, checks, ids
from domain.access import Viewer
from domain.errors import ErrorCode, NotFound, Problem, invalid
from domain.ids import Kind
from domain.ports import Storage
from domain.task_records import Task, TaskCreate, TaskPage, TaskSearch, TaskUpdate

MAX_PAGE = 100
MAX_TITLE = 200
MAX_DESCRIPTION = 100_000
LOWEST_PRIORITY = 3


async def get_task(viewer: Viewer, storage: Storage, task_id: UUID) -> Task:
    """One task. Raises `NotFound`."""
    access.require(viewer, "task")
    return await _existing(viewer, storage, task_id)


async def list_tasks(
    viewer: Viewer, storage: Storage, search: TaskSearch, after: UUID | None, limit: int
) -> TaskPage:
    """Tasks that match, the newest first, behind the task `after`; 0 to 100. Raises `Invalid`."""
    access.require(viewer, "tasks")
    if not 0 <= limit <= MAX_PAGE:
        raise invalid(ErrorCode.OUT_OF_RANGE, f"first must be 0 to {MAX_PAGE}", "first")
    return await storage.tasks.page(viewer.organization_id, search, after, limit)


async def count_tasks(viewer: Viewer, storage: Storage, search: TaskSearch) -> int:
    """How many tasks match."""
    access.require(viewer, "tasks")
    return await storage.tasks.count(viewer.organization_id, search)


async def create_task(viewer: Viewer, storage: Storage, command: TaskCreate) -> Task:
    """Make a task, which is planned at first. What a firing makes is made once: the same firing
    again gives the same task. Raises `Invalid` with every problem."""
    access.require(viewer, "taskCreate")
    problems = checks.required_text_problems("title", command.title, MAX_TITLE)
    problems += checks.text_problems("description", command.description, 0, MAX_DESCRIPTION)
    problems += _priority_problems(command.priority)
    problems += await _project_problems(viewer, storage, command.project_id)
    checks.refuse(problems)
    return await storage.tasks.create(
        viewer.organization_id, viewer.actor, command.id or _task_id(command.firing_id), command
    )


async def update_task(viewer: Viewer, storage: Storage, task_id: UUID, command: TaskUpdate) -> Task:
    """Change a task. Raises `NotFound` or `Invalid`."""
    access.require(viewer, "taskUpdate")
    await _existing(viewer, storage, task_id)
    changes = command.given()
    problems: list[Problem] = []
    if "title" in changes:
        problems += checks.required_text_problems("title", changes["title"], MAX_TITLE)
    if "status" in changes and changes["status"] is None:
        problems.append(Problem(ErrorCode.REQUIRED, "status must not be null", ("status",)))
    if "priority" in changes:
        problems += _priority_problems(changes["priority"])
    problems += checks.text_problems("description", changes.get("description"), 0, MAX_DESCRIPTION)
    problems += await _project_problems(viewer, storage, changes.get("project_id"))
    checks.refuse(problems)
    task = await storage.tasks.update(viewer.organization_id, task_id, changes)
    if task is None:
        raise NotFound("Task")
    return task


def _task_id(firing_id: UUID | None) -> UUID:
    return ids.derived(firing_id, Kind.TASK) if firing_id else ids.new_id(Kind.TASK)


def _priority_problems(priority: int | None) -> list[Problem]:
    if priority is None:
        return [Problem(ErrorCode.REQUIRED, "priority must not be null", ("priority",))]
    if not 0 <= priority <= LOWEST_PRIORITY:
        message = f"priority must be 0 to {LOWEST_PRIORITY}"
        return [Problem(ErrorCode.OUT_OF_RANGE, message, ("priority",))]
    return []


async def _project_problems(
    viewer: Viewer, storage: Storage, project_id: UUID | None
) -> list[Problem]:
    if project_id is None or await storage.projects.get(viewer.organization_id, project_id):
        return []
    return [Problem(ErrorCode.NOT_FOUND, "Project not found", ("projectId",))]


async def _existing(viewer: Viewer, storage: Storage, task_id: UUID) -> Task:
    task = await storage.tasks.get(viewer.organization_id, task_id)
    if task is None:
        raise NotFound("Task")
    return task
