"""Triggers in storage, and the cursor that their table's log needs.

A table has a cursor of the relay while it has triggers, so that the others cost nothing. Making and
deleting triggers is ordered by the organisation's clock: a cursor is never taken away under a new
trigger."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlmodel import col, func, select
from sqlmodel.ext.asyncio.session import AsyncSession

from domain import ids
from domain.changes import OrganizationChangeKind
from domain.errors import NotFound
from domain.trigger_records import (
    ActionType,
    Trigger,
    TriggerCreate,
    TriggerEvent,
    TriggerStatus,
)
from persistence import jobs
from persistence.engine import Database, run_sql
from persistence.models import TableClockRow, TableRow, TriggerRow
from persistence.unit_of_work import Wake, write_organization

#: The name under which the relay reads logs for triggers.
CONSUMER = "triggers"

#: The job that drops the firings of a deleted trigger; its payload is `{"triggerId"}`.
DROP_JOB = "firings_drop"

_BEGIN_CURSOR = """
INSERT INTO relay_cursor (consumer, table_id, organization_id, revision)
VALUES (:consumer, :table, :organization, :revision) ON CONFLICT DO NOTHING
"""
_LOCK_CURSOR = """
SELECT FROM relay_cursor WHERE consumer = :consumer AND table_id = :table FOR UPDATE
"""
_END_CURSOR = """
DELETE FROM relay_cursor WHERE consumer = :consumer AND table_id = :table
  AND NOT EXISTS (SELECT FROM trigger WHERE table_id = :table)
"""


class Triggers:
    """The `TriggerStore` port, and batch reads for loaders."""

    def __init__(self, database: Database, wake: Wake) -> None:
        self._database = database
        self._wake = wake

    async def of_table(self, organization_id: UUID, table_id: UUID) -> list[Trigger]:
        """Oldest first."""
        return (await self.of_tables(organization_id, [table_id])).get(table_id, [])

    async def of_tables(
        self, organization_id: UUID, table_ids: Sequence[UUID]
    ) -> dict[UUID, list[Trigger]]:
        """The triggers of each table, oldest first."""
        statement = (
            select(TriggerRow)
            .where(
                TriggerRow.organization_id == organization_id,
                col(TriggerRow.table_id).in_(table_ids),
            )
            .order_by(col(TriggerRow.created_at), col(TriggerRow.id))
        )
        found: dict[UUID, list[Trigger]] = defaultdict(list)
        async with self._database.read() as session:
            for row in await session.exec(statement):
                found[row.table_id].append(entity(row))
        return found

    async def by_ids(
        self, organization_id: UUID, trigger_ids: Sequence[UUID]
    ) -> dict[UUID, Trigger]:
        """The triggers among these ids, by id."""
        statement = select(TriggerRow).where(
            TriggerRow.organization_id == organization_id, col(TriggerRow.id).in_(trigger_ids)
        )
        async with self._database.read() as session:
            return {row.id: entity(row) for row in await session.exec(statement)}

    async def get(self, organization_id: UUID, trigger_id: UUID) -> Trigger | None:
        return (await self.by_ids(organization_id, [trigger_id])).get(trigger_id)

    async def create(
        self,
        organization_id: UUID,
        actor: str,
        command: TriggerCreate,
        condition: Any,
        most: int,
    ) -> Trigger | None:
        """None when the table has `most` triggers already. Raises `NotFound` for the table."""
        async with (
            self._database.transaction() as session,
            write_organization(session, organization_id, actor) as write,
        ):
            revision = await _revision(session, organization_id, command.table_id)
            count = select(func.count()).where(TriggerRow.table_id == command.table_id)
            if (await session.exec(count)).one() >= most:
                return None
            row = _new_row(organization_id, actor, command, condition, revision, write.at)
            session.add(row)
            await session.flush()
            await run_sql(
                session,
                _BEGIN_CURSOR,
                consumer=CONSUMER,
                table=command.table_id,
                organization=organization_id,
                revision=revision,
            )
            details = {"name": row.name, "tableId": str(row.table_id)}
            await write.log(OrganizationChangeKind.TRIGGER_CREATED, row.id, details)
        self._wake("organization", organization_id, write.revision)
        return entity(row)

    async def update(
        self, organization_id: UUID, actor: str, trigger_id: UUID, changes: Mapping[str, Any]
    ) -> Trigger | None:
        """Set fields. What was wrong with the condition is forgotten: the next change tells it."""
        async with (
            self._database.transaction() as session,
            write_organization(session, organization_id, actor) as write,
        ):
            row = await _row(session, organization_id, trigger_id)
            if row is None:
                return None
            resumed = changes.get("status") is TriggerStatus.ACTIVE
            if resumed and row.status != TriggerStatus.ACTIVE:
                row.from_revision = await _revision(session, organization_id, row.table_id)
            for name, value in changes.items():
                setattr(row, name, value)
            row.error = None
            row.updated_at = write.at
            details = {"fields": sorted(changes), "tableId": str(row.table_id)}
            await write.log(OrganizationChangeKind.TRIGGER_UPDATED, trigger_id, details)
        self._wake("organization", organization_id, write.revision)
        return await self.get(organization_id, trigger_id)

    async def delete(self, organization_id: UUID, actor: str, trigger_id: UUID) -> bool:
        """Its firings are dropped by a job: a trigger may have a million."""
        async with (
            self._database.transaction() as session,
            write_organization(session, organization_id, actor) as write,
        ):
            row = await _row(session, organization_id, trigger_id)
            if row is None:
                return False
            # The relay locks the cursor first too, then perhaps the trigger.
            await run_sql(session, _LOCK_CURSOR, consumer=CONSUMER, table=row.table_id)
            await session.delete(row)
            await session.flush()
            await run_sql(session, _END_CURSOR, consumer=CONSUMER, table=row.table_id)
            raw = await (await session.connection()).get_raw_connection()
            driver: Any = raw.driver_connection
            await jobs.enqueue(driver, DROP_JOB, {"triggerId": str(trigger_id)})
            details = {"name": row.name, "tableId": str(row.table_id)}
            await write.log(OrganizationChangeKind.TRIGGER_DELETED, trigger_id, details)
        self._wake("organization", organization_id, write.revision)
        return True


async def _row(session: AsyncSession, organization_id: UUID, trigger_id: UUID) -> TriggerRow | None:
    statement = select(TriggerRow).where(
        TriggerRow.id == trigger_id, TriggerRow.organization_id == organization_id
    )
    return (await session.exec(statement)).one_or_none()


async def _revision(session: AsyncSession, organization_id: UUID, table_id: UUID) -> int:
    """The table's present revision. Not locked: what commits meanwhile counts as later."""
    statement = (
        select(TableClockRow.revision)
        .join(TableRow, col(TableRow.id) == col(TableClockRow.table_id))
        .where(
            TableRow.id == table_id,
            TableRow.organization_id == organization_id,
            col(TableRow.deleted_at).is_(None),
        )
    )
    revision = (await session.exec(statement)).one_or_none()
    if revision is None:
        raise NotFound("Table")
    return revision


def _new_row(
    organization_id: UUID,
    actor: str,
    command: TriggerCreate,
    condition: Any,
    revision: int,
    at: datetime,
) -> TriggerRow:
    return TriggerRow(
        id=ids.new_id(ids.Kind.TRIGGER),
        organization_id=organization_id,
        table_id=command.table_id,
        name=command.name,
        event=command.event.value,
        condition=condition,
        action_type=command.action_type.value,
        action_config=dict(command.action_config),
        status=TriggerStatus.ACTIVE.value,
        from_revision=revision,
        fires_per_minute=command.fires_per_minute,
        created_by=actor,
        created_at=at,
        updated_at=at,
    )


def entity(row: TriggerRow) -> Trigger:
    """The record that other rooms see."""
    return Trigger(
        id=row.id,
        organization_id=row.organization_id,
        table_id=row.table_id,
        name=row.name,
        event=TriggerEvent(row.event),
        condition=row.condition,
        action_type=ActionType(row.action_type),
        action_config=row.action_config,
        status=TriggerStatus(row.status),
        fires_per_minute=row.fires_per_minute,
        fire_count=row.fire_count,
        last_fired_at=row.last_fired_at,
        error=row.error,
        created_by=row.created_by,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )
