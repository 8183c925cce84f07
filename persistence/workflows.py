"""Workflows in storage: their definitions, and which of them are due."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, func, update
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from domain import ids
from domain.changes import OrganizationChangeKind
from domain.workflow_records import (
    RunStatus,
    Schedule,
    Workflow,
    WorkflowCreate,
    WorkflowPage,
    WorkflowSearch,
    WorkflowStatus,
)
from persistence.engine import Database
from persistence.models import WorkflowRow, WorkflowRunRow
from persistence.schedules import next_time
from persistence.unit_of_work import Wake, write_organization

_UNENDED = (RunStatus.QUEUED.value, RunStatus.RUNNING.value)


class Workflows:
    """The `WorkflowStore` port, and batch reads for loaders."""

    def __init__(self, database: Database, wake: Wake) -> None:
        self._database = database
        self._wake = wake

    def next_time(self, schedule: Schedule, after: datetime) -> datetime:
        return next_time(schedule, after)

    async def by_ids(self, organization_id: UUID, ids_: Sequence[UUID]) -> dict[UUID, Workflow]:
        """The workflows among these ids, by id."""
        statement = select(WorkflowRow).where(
            *_conditions(organization_id, WorkflowSearch()), col(WorkflowRow.id).in_(ids_)
        )
        async with self._database.read() as session:
            return {row.id: _record(row) for row in await session.exec(statement)}

    async def get(self, organization_id: UUID, workflow_id: UUID) -> Workflow | None:
        return (await self.by_ids(organization_id, [workflow_id])).get(workflow_id)

    async def page(
        self, organization_id: UUID, search: WorkflowSearch, after: UUID | None, limit: int
    ) -> WorkflowPage:
        """Ids grow with time, so their order is the order of making."""
        statement = select(WorkflowRow).where(*_conditions(organization_id, search))
        if after is not None:
            statement = statement.where(col(WorkflowRow.id) < after)
        statement = statement.order_by(col(WorkflowRow.id).desc()).limit(limit + 1)
        async with self._database.read() as session:
            found = [_record(row) for row in await session.exec(statement)]
        return WorkflowPage(found[:limit], len(found) > limit)

    async def count(self, organization_id: UUID, search: WorkflowSearch) -> int:
        statement = select(func.count()).where(*_conditions(organization_id, search))
        async with self._database.read() as session:
            return (await session.exec(statement)).one()

    async def create(self, organization_id: UUID, actor: str, command: WorkflowCreate) -> Workflow:
        async with (
            self._database.transaction() as session,
            write_organization(session, organization_id, actor) as write,
        ):
            row = WorkflowRow(
                id=ids.new_id(ids.Kind.WORKFLOW),
                organization_id=organization_id,
                project_id=command.project_id,
                name=command.name,
                description=command.description,
                definition=command.definition,
                status=command.status.value,
                created_by=actor,
                created_at=write.at,
                updated_at=write.at,
            )
            _set_schedule(row, command.schedule, write.at)
            session.add(row)
            await write.log(OrganizationChangeKind.WORKFLOW_CREATED, row.id, {"name": row.name})
        self._wake("organization", organization_id, write.revision)
        return _record(row)

    async def update(
        self, organization_id: UUID, actor: str, workflow_id: UUID, changes: Mapping[str, Any]
    ) -> Workflow | None:
        async with (
            self._database.transaction() as session,
            write_organization(session, organization_id, actor) as write,
        ):
            row = await _locked(session, organization_id, workflow_id)
            if row is None:
                return None
            _apply(row, changes, write.at)
            session.add(row)
            details = {"name": row.name, "status": row.status}
            await write.log(OrganizationChangeKind.WORKFLOW_UPDATED, row.id, details)
        self._wake("organization", organization_id, write.revision)
        return _record(row)

    async def delete(self, organization_id: UUID, actor: str, workflow_id: UUID) -> bool:
        async with (
            self._database.transaction() as session,
            write_organization(session, organization_id, actor) as write,
        ):
            row = await _locked(session, organization_id, workflow_id)
            if row is None:
                return False
            row.deleted_at = write.at
            session.add(row)
            # Nobody can follow them any more, so their ends need no entries in the log.
            unended = (
                update(WorkflowRunRow)
                .where(
                    col(WorkflowRunRow.workflow_id) == workflow_id,
                    col(WorkflowRunRow.status).in_(_UNENDED),
                )
                .values(status=RunStatus.CANCELLED.value, finished_at=write.at)
            )
            await session.exec(unended)
            await write.log(OrganizationChangeKind.WORKFLOW_DELETED, row.id, {"name": row.name})
        self._wake("organization", organization_id, write.revision)
        return True


async def _locked(
    session: AsyncSession, organization_id: UUID, workflow_id: UUID
) -> WorkflowRow | None:
    """Runs count on in this row, so it is locked before it is read."""
    statement = select(WorkflowRow).where(
        *_conditions(organization_id, WorkflowSearch()), WorkflowRow.id == workflow_id
    )
    return (await session.exec(statement.with_for_update())).one_or_none()


def _apply(row: WorkflowRow, changes: Mapping[str, Any], at: datetime) -> None:
    was = row.status
    for name, value in changes.items():
        if name != "schedule":
            setattr(row, name, value.value if isinstance(value, WorkflowStatus) else value)
    row.updated_at = at
    resumed = row.status == WorkflowStatus.ACTIVE.value != was
    if "schedule" in changes or resumed:
        _set_schedule(row, changes.get("schedule", schedule_of(row)), at)


def _set_schedule(row: WorkflowRow, schedule: Schedule | None, at: datetime) -> None:
    row.schedule = schedule.cron if schedule else None
    row.time_zone = schedule.time_zone if schedule else None
    row.next_run_at = next_time(schedule, at) if schedule else None


def _conditions(organization_id: UUID, search: WorkflowSearch) -> list[ColumnElement[bool]]:
    wanted = [
        col(WorkflowRow.organization_id) == organization_id,
        col(WorkflowRow.deleted_at).is_(None),
    ]
    if search.project_id is not None:
        wanted.append(col(WorkflowRow.project_id) == search.project_id)
    if search.status is not None:
        wanted.append(col(WorkflowRow.status) == search.status.value)
    return wanted


def schedule_of(row: WorkflowRow) -> Schedule | None:
    """The schedule as its two columns hold it."""
    return Schedule(row.schedule, row.time_zone or "UTC") if row.schedule else None


def _record(row: WorkflowRow) -> Workflow:
    return Workflow(
        id=row.id,
        organization_id=row.organization_id,
        project_id=row.project_id,
        name=row.name,
        description=row.description,
        definition=row.definition,
        status=WorkflowStatus(row.status),
        run_number=row.run_number,
        revision=row.revision,
        schedule=schedule_of(row),
        next_run_at=row.next_run_at,
        created_by=row.created_by,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )
