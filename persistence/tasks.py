"""Tasks in storage. They are in no log: a trigger may make a thousand at once, and the log of the
organisation, which every process follows, is for its structure."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, func, update
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col, select

from domain.task_records import Task, TaskCreate, TaskPage, TaskSearch, TaskStatus
from persistence.engine import Database
from persistence.models import TaskRow

_CREATE_ALL = """
INSERT INTO task (organization_id, created_by, status, id, project_id, workflow_run_id, firing_id,
                  title, description, priority)
SELECT $1, $2, $3, t.*
FROM unnest($4::uuid[], $5::uuid[], $6::uuid[], $7::uuid[], $8::text[], $9::text[], $10::int[]) AS t
ON CONFLICT DO NOTHING
"""


class Tasks:
    """The `TaskStore` port."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def by_ids(self, organization_id: UUID, ids_: Sequence[UUID]) -> dict[UUID, Task]:
        """The tasks among these ids, by id."""
        statement = select(TaskRow).where(
            TaskRow.organization_id == organization_id, col(TaskRow.id).in_(ids_)
        )
        async with self._database.read() as session:
            return {row.id: _record(row) for row in await session.exec(statement)}

    async def get(self, organization_id: UUID, task_id: UUID) -> Task | None:
        return (await self.by_ids(organization_id, [task_id])).get(task_id)

    async def page(
        self, organization_id: UUID, search: TaskSearch, after: UUID | None, limit: int
    ) -> TaskPage:
        """Ids grow with time, so their order is the order of making."""
        statement = select(TaskRow).where(*_conditions(organization_id, search))
        if after is not None:
            statement = statement.where(col(TaskRow.id) < after)
        statement = statement.order_by(col(TaskRow.id).desc()).limit(limit + 1)
        async with self._database.read() as session:
            found = [_record(row) for row in await session.exec(statement)]
        return TaskPage(found[:limit], len(found) > limit)

    async def count(self, organization_id: UUID, search: TaskSearch) -> int:
        statement = select(func.count()).where(*_conditions(organization_id, search))
        async with self._database.read() as session:
            return (await session.exec(statement)).one()

    async def create(
        self, organization_id: UUID, actor: str, task_id: UUID, command: TaskCreate
    ) -> Task:
        values = _values(organization_id, actor, task_id, command)
        async with self._database.transaction() as session:
            await session.exec(insert(TaskRow).values(values).on_conflict_do_nothing())
            return _record(
                (
                    await session.exec(
                        select(TaskRow).where(
                            TaskRow.id == task_id, TaskRow.organization_id == organization_id
                        )
                    )
                ).one()
            )

    async def create_all(
        self, organization_id: UUID, actor: str, commands: Sequence[TaskCreate]
    ) -> None:
        """In one statement, for the firings of a trigger. Each command has an id."""
        # Past SQLAlchemy, which took ten times as long to write the statement as to send it.
        await self._database.pool.execute(
            _CREATE_ALL,
            organization_id,
            actor,
            TaskStatus.PLANNED.value,
            [command.id for command in commands],
            [command.project_id for command in commands],
            [command.workflow_run_id for command in commands],
            [command.firing_id for command in commands],
            [command.title for command in commands],
            [command.description for command in commands],
            [command.priority for command in commands],
        )

    async def update(
        self, organization_id: UUID, task_id: UUID, changes: Mapping[str, Any]
    ) -> Task | None:
        statement = (
            update(TaskRow)
            .where(col(TaskRow.id) == task_id, col(TaskRow.organization_id) == organization_id)
            .values(**changes, updated_at=func.clock_timestamp())
            .returning(TaskRow)
        )
        async with self._database.transaction() as session:
            row = (await session.exec(statement)).scalar_one_or_none()
            return _record(row) if row is not None else None


def _values(
    organization_id: UUID, actor: str, task_id: UUID, command: TaskCreate
) -> dict[str, Any]:
    return {
        "id": task_id,
        "organization_id": organization_id,
        "project_id": command.project_id,
        "workflow_run_id": command.workflow_run_id,
        "firing_id": command.firing_id,
        "title": command.title,
        "description": command.description,
        "status": TaskStatus.PLANNED.value,
        "priority": command.priority,
        "created_by": actor,
    }


def _conditions(organization_id: UUID, search: TaskSearch) -> list[ColumnElement[bool]]:
    wanted = [col(TaskRow.organization_id) == organization_id]
    if search.status is not None:
        wanted.append(col(TaskRow.status) == search.status.value)
    if search.project_id is not None:
        wanted.append(col(TaskRow.project_id) == search.project_id)
    if search.workflow_run_id is not None:
        wanted.append(col(TaskRow.workflow_run_id) == search.workflow_run_id)
    return wanted


def _record(row: TaskRow) -> Task:
    return Task(
        id=row.id,
        organization_id=row.organization_id,
        project_id=row.project_id,
        workflow_run_id=row.workflow_run_id,
        firing_id=row.firing_id,
        title=row.title,
        description=row.description,
        status=TaskStatus(row.status),
        priority=row.priority,
        created_by=row.created_by,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )
