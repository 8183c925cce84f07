"""The cache of table shapes. Nothing tells it of changes: every statement checks the columns
version, and a use case that meets an old shape drops it and runs again."""

import asyncio
from collections import OrderedDict
from typing import Any
from uuid import UUID

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from domain.columns import TableShape
from persistence.column_rows import entity
from persistence.computed_shapes import with_computations
from persistence.engine import Database
from persistence.models import ColumnRow, OrganizationRow, SessionRow, TableClockRow, TableRow

_MOST = 10_000


class Shapes:
    """Shapes by table id, and table ids by number; bounded."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._shapes: OrderedDict[UUID, TableShape] = OrderedDict()
        self._ids: dict[int, UUID] = {}
        self._loading: dict[UUID, asyncio.Task[TableShape | None]] = {}

    async def get(self, organization_id: UUID, table_id: UUID) -> TableShape | None:
        """The shape, from memory if it is there. None for unknown tables and those of others."""
        shape = self._shapes.get(table_id)
        if shape is None:
            shape = await self._load_once(table_id)
        else:
            self._shapes.move_to_end(table_id)
        return shape if shape and shape.organization_id == organization_id else None

    async def by_number(self, organization_id: UUID, number: int) -> TableShape | None:
        """The shape of the table with this number."""
        table_id = self._ids.get(number)
        if table_id is not None and table_id in self._shapes:
            return await self.get(organization_id, table_id)
        shape = await self._load(TableRow.number == number)
        return shape if shape and shape.organization_id == organization_id else None

    def forget(self, old: TableShape) -> None:
        """Drop a shape that turned out to be old, unless somebody has loaded a newer one since."""
        current = self._shapes.get(old.id)
        if current is not None and current.columns_version <= old.columns_version:
            del self._shapes[old.id]
            self._ids.pop(old.number, None)

    async def for_log(self, table_id: UUID, columns_version: int) -> TableShape:
        """The shape to read a log with: at least as new as this version, also of a deleted
        table."""
        shape = self._shapes.get(table_id)
        if shape is not None and shape.columns_version >= columns_version:
            return shape
        async with self._database.read() as session:
            table, *found = (await session.exec(_head(TableRow.id == table_id))).one()
            shape = await _shape(session, table, *found)
        if table.deleted_at is None:
            self._keep(shape)
        return shape

    async def _load_once(self, table_id: UUID) -> TableShape | None:
        """Everybody who meets a table for the first time, or an old shape, waits for one load."""
        task = self._loading.get(table_id)
        if task is None:
            task = asyncio.create_task(self._load(TableRow.id == table_id))
            self._loading[table_id] = task
            task.add_done_callback(lambda _: self._loading.pop(table_id, None))
        return await asyncio.shield(task)

    async def _load(self, which: Any) -> TableShape | None:
        async with self._database.read() as session:
            live = _head(which).where(col(TableRow.deleted_at).is_(None))
            found = (await session.exec(live)).one_or_none()
            if found is None:
                return None
            shape = await _shape(session, *found)
        self._keep(shape)
        return shape

    def _keep(self, shape: TableShape) -> None:
        current = self._shapes.get(shape.id)
        if current is not None and current.columns_version > shape.columns_version:
            return
        self._shapes[shape.id] = shape
        self._ids[shape.number] = shape.id
        if len(self._shapes) > _MOST:
            _, oldest = self._shapes.popitem(last=False)
            self._ids.pop(oldest.number, None)


def _head(which: Any) -> Any:
    return (
        select(TableRow, TableClockRow, OrganizationRow.number)
        .join(TableClockRow, col(TableClockRow.table_id) == col(TableRow.id))
        .join(OrganizationRow, col(OrganizationRow.id) == col(TableRow.organization_id))
        .where(which)
    )


async def _shape(
    session: AsyncSession, table: TableRow, clock: TableClockRow, organization_number: int
) -> TableShape:
    columns = await session.exec(
        select(ColumnRow)
        .where(ColumnRow.table_id == table.id, col(ColumnRow.deleted_at).is_(None))
        .order_by(col(ColumnRow.position), col(ColumnRow.number))
    )
    first_session = await session.exec(
        select(SessionRow.id)
        .where(SessionRow.table_id == table.id)
        .order_by(col(SessionRow.created_at), col(SessionRow.id))
        .limit(1)
    )
    return TableShape(
        id=table.id,
        organization_id=table.organization_id,
        organization_number=organization_number,
        number=table.number,
        columns_version=clock.columns_version,
        columns=await with_computations(
            session,
            (table.organization_id, organization_number),
            table.number,
            [entity(column) for column in columns],
        ),
        first_session_id=first_session.one(),
        project_id=table.project_id,
    )
