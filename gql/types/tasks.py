"""Tasks: what is left for people to do."""

from datetime import datetime
from enum import Enum
from typing import TYPE_CHECKING, Annotated, Any

import strawberry

from domain import ids, task_records, tasks
from domain.errors import ErrorCode, invalid
from domain.task_records import TaskSearch
from gql.context import Info
from gql.paging import PageInfo
from gql.types import workflows as workflow_types
from gql.types.projects import Project

if TYPE_CHECKING:
    from gql.types.workflows import WorkflowRun


def _word(value: str, description: str) -> Any:
    return strawberry.enum_value(value, description=description)


@strawberry.enum(description="Where a task stands. Any status may follow any other.")
class TaskStatus(Enum):
    PLANNED = _word("planned", "Nobody has begun; every task starts so.")
    QUEUED = _word("queued", "It is next.")
    RUNNING = _word("running", "Somebody works on it.")
    COMPLETED = _word("completed", "It is done.")
    FAILED = _word("failed", "It could not be done.")
    CANCELLED = _word("cancelled", "It will not be done.")


@strawberry.type(description="Something for a person to do.")
class Task:
    record: strawberry.Private[task_records.Task]
    id: strawberry.ID = strawberry.field(description="The id of the task.")
    title: str = strawberry.field(description="1 to 200 characters.")
    description: str | None = strawberry.field(description="At most 100,000 characters.")
    status: TaskStatus = strawberry.field(description="Where it stands.")
    priority: int = strawberry.field(description="0, the most urgent, to 3.")
    firing_id: strawberry.ID | None = strawberry.field(
        description="The firing of a trigger that made it, if one did."
    )
    created_by: str = strawberry.field(description="Who made it: the id of an API key, or a name.")
    created_at: datetime = strawberry.field(description="When it was made.")
    updated_at: datetime = strawberry.field(description="When it was last changed.")

    @strawberry.field(description="The project that it belongs to.")
    async def project(self, info: Info) -> Project | None:
        if self.record.project_id is None:
            return None
        found = await info.context.loaders.projects.load(self.record.project_id)
        return Project.of(found) if found else None

    @strawberry.field(description="The run of a workflow that made it, if one did.")
    async def workflow_run(
        self, info: Info
    ) -> Annotated["WorkflowRun", strawberry.lazy("gql.types.workflows")] | None:
        if self.record.workflow_run_id is None:
            return None
        found = await info.context.loaders.workflow_runs.load(self.record.workflow_run_id)
        return workflow_types.WorkflowRun.of(found) if found else None

    @classmethod
    def of(cls, task: task_records.Task) -> "Task":
        return cls(
            record=task,
            id=strawberry.ID(str(task.id)),
            title=task.title,
            description=task.description,
            status=TaskStatus(task.status.value),
            priority=task.priority,
            firing_id=strawberry.ID(str(task.firing_id)) if task.firing_id else None,
            created_by=task.created_by,
            created_at=task.created_at,
            updated_at=task.updated_at,
        )


@strawberry.type(description="A task and its cursor.")
class TaskEdge:
    cursor: str = strawberry.field(description="For `after`. Opaque.")
    node: Task = strawberry.field(description="The task.")


@strawberry.type(description="Some tasks, the newest first.")
class TaskConnection:
    search: strawberry.Private[TaskSearch]
    nodes: list[Task] = strawberry.field(description="The tasks of the page.")
    page_info: PageInfo = strawberry.field(description="Where the page lies.")

    @strawberry.field(description="The tasks with their cursors.")
    def edges(self) -> list[TaskEdge]:
        return [TaskEdge(cursor=each.id, node=each) for each in self.nodes]

    @strawberry.field(description="How many there are in all; counted when asked for.")
    async def total_count(self, info: Info) -> int | None:
        return await tasks.count_tasks(info.context.viewer, info.context.storage, self.search)


async def task_page(
    info: Info, search: TaskSearch, first: int, after: str | None
) -> TaskConnection:
    """The page behind a cursor. Raises `Invalid`."""
    place = ids.parse(after) if after is not None else None
    if after is not None and place is None:
        raise invalid(ErrorCode.INVALID, "The cursor is none of this list", "after")
    page = await tasks.list_tasks(info.context.viewer, info.context.storage, search, place, first)
    nodes = [Task.of(each) for each in page.tasks]
    return TaskConnection(
        search=search,
        nodes=nodes,
        page_info=PageInfo(
            has_next_page=page.has_more,
            has_previous_page=after is not None,
            start_cursor=nodes[0].id if nodes else None,
            end_cursor=nodes[-1].id if nodes else None,
        ),
    )
