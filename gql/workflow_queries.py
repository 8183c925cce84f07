"""Queries of workflows, runs and tasks."""

from typing import Annotated

import strawberry

from domain import task_records, tasks, workflow_records, workflow_runs, workflows
from domain.errors import NotFound
from domain.task_records import TaskSearch
from domain.workflow_records import WorkflowSearch
from gql.context import Info, given_id
from gql.types.tasks import Task, TaskConnection, TaskStatus, task_page
from gql.types.workflow_words import WorkflowStatus
from gql.types.workflows import Workflow, WorkflowConnection, WorkflowRun, workflow_page

_Id = Annotated[strawberry.ID, strawberry.argument(description="The id; null for one unknown.")]
_First = Annotated[int, strawberry.argument(description="How many, 0 to 100.")]
_After = Annotated[str | None, strawberry.argument(description="Only what is behind this cursor.")]
_ProjectId = Annotated[
    strawberry.ID | None, strawberry.argument(description="Only those of this project.")
]


@strawberry.type
class WorkflowQueries:
    @strawberry.field(description="A workflow by its id.")
    async def workflow(self, info: Info, id: _Id) -> Workflow | None:
        context = info.context
        try:
            found = await workflows.get_workflow(context.viewer, context.storage, given_id(id))
        except NotFound:
            return None
        return Workflow.of(found)

    @strawberry.field(description="The workflows that match, the newest first.")
    async def workflows(
        self,
        info: Info,
        project_id: _ProjectId = None,
        status: Annotated[
            WorkflowStatus | None, strawberry.argument(description="Only those that stand here.")
        ] = None,
        first: _First = 50,
        after: _After = None,
    ) -> WorkflowConnection:
        search = WorkflowSearch(
            given_id(project_id) if project_id is not None else None,
            workflow_records.WorkflowStatus(status.value) if status else None,
        )
        return await workflow_page(info, search, first, after)

    @strawberry.field(description="A run of a workflow by its id.")
    async def workflow_run(self, info: Info, id: _Id) -> WorkflowRun | None:
        context = info.context
        try:
            found = await workflow_runs.get_run(context.viewer, context.storage, given_id(id))
        except NotFound:
            return None
        return WorkflowRun.of(found)

    @strawberry.field(description="A task by its id.")
    async def task(self, info: Info, id: _Id) -> Task | None:
        context = info.context
        try:
            found = await tasks.get_task(context.viewer, context.storage, given_id(id))
        except NotFound:
            return None
        return Task.of(found)

    @strawberry.field(description="The tasks that match, the newest first.")
    async def tasks(
        self,
        info: Info,
        project_id: _ProjectId = None,
        workflow_run_id: Annotated[
            strawberry.ID | None, strawberry.argument(description="Only those that this run made.")
        ] = None,
        status: Annotated[
            TaskStatus | None, strawberry.argument(description="Only those that stand here.")
        ] = None,
        first: _First = 50,
        after: _After = None,
    ) -> TaskConnection:
        search = TaskSearch(
            task_records.TaskStatus(status.value) if status else None,
            given_id(project_id) if project_id is not None else None,
            given_id(workflow_run_id) if workflow_run_id is not None else None,
        )
        return await task_page(info, search, first, after)
