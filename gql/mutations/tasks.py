"""Mutations on tasks."""

from typing import Annotated, Any

import strawberry

from domain import task_records, tasks
from domain.entities import UNSET
from domain.task_records import TaskCreate, TaskUpdate
from gql.context import Info, given_id
from gql.types.errors import EXPECTED, UserError, user_errors
from gql.types.tasks import Task, TaskStatus


@strawberry.input(description="A task to be made.")
class TaskCreateInput:
    title: str = strawberry.field(description="1 to 200 characters.")
    description: str | None = strawberry.field(
        default=None, description="At most 100,000 characters."
    )
    priority: int = strawberry.field(default=2, description="0, the most urgent, to 3.")
    project_id: strawberry.ID | None = strawberry.field(
        default=None, description="The project that it belongs to."
    )


@strawberry.input(description="What to change of a task. What is left out stays; null clears.")
class TaskUpdateInput:
    task_id: strawberry.ID = strawberry.field(description="The task.")
    title: strawberry.Maybe[str | None] = strawberry.field(description="1 to 200 characters.")
    description: strawberry.Maybe[str | None] = strawberry.field(
        description="At most 100,000 characters."
    )
    status: strawberry.Maybe[TaskStatus] = strawberry.field(description="Where it stands.")
    priority: strawberry.Maybe[int] = strawberry.field(description="0, the most urgent, to 3.")
    project_id: strawberry.Maybe[strawberry.ID | None] = strawberry.field(
        description="The project that it belongs to."
    )


@strawberry.type(description="The answer of `taskCreate` and `taskUpdate`.")
class TaskPayload:
    task: Task | None = strawberry.field(description="The task after the change.")
    errors: list[UserError] = strawberry.field(description="Why nothing was changed.")


@strawberry.type
class TaskMutations:
    @strawberry.mutation(description="Make a task, which is planned at first.")
    async def task_create(
        self,
        info: Info,
        input: Annotated[TaskCreateInput, strawberry.argument(description="What to make.")],
    ) -> TaskPayload | None:
        project_id = given_id(input.project_id) if input.project_id is not None else None
        command = TaskCreate(input.title, input.description, input.priority, project_id)
        try:
            made = await tasks.create_task(info.context.viewer, info.context.storage, command)
        except EXPECTED as error:
            return TaskPayload(task=None, errors=user_errors(error))
        return TaskPayload(task=Task.of(made), errors=[])

    @strawberry.mutation(description="Change a task, or say where it stands.")
    async def task_update(
        self,
        info: Info,
        input: Annotated[TaskUpdateInput, strawberry.argument(description="What to change.")],
    ) -> TaskPayload | None:
        context = info.context
        try:
            changed = await tasks.update_task(
                context.viewer, context.storage, given_id(input.task_id), _changes(input)
            )
        except EXPECTED as error:
            return TaskPayload(task=None, errors=user_errors(error))
        return TaskPayload(task=Task.of(changed), errors=[])


def _changes(input: TaskUpdateInput) -> TaskUpdate:
    status: Any = UNSET
    if input.status is not None:
        status = task_records.TaskStatus(input.status.value.value)
    project_id: Any = UNSET
    if input.project_id is not None:
        given = input.project_id.value
        project_id = given_id(given) if given is not None else None
    return TaskUpdate(
        title=input.title.value if input.title is not None else UNSET,
        description=input.description.value if input.description is not None else UNSET,
        status=status,
        priority=input.priority.value if input.priority is not None else UNSET,
        project_id=project_id,
    )
