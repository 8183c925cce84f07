"""Columns in storage: metadata, structure and log move together in one transaction."""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, TypeVar
from uuid import UUID

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from domain.changes import ChangeKind, OrganizationChangeKind
from domain.column_type_records import ColumnTypeChanged, Convert, HeldValue
from domain.columns import Column, NewColumn, TableShape
from domain.entities import ColumnIndex
from domain.errors import StructureMoved
from domain.tool_records import Tool
from domain.tools import tool_json
from persistence import column_types, indexes
from persistence.column_rows import entity
from persistence.computed_shapes import lock_dependants, outdate
from persistence.dependents import follow_sources
from persistence.engine import Database, run_sql
from persistence.models import ColumnRow, TableClockRow, TableRow
from persistence.shapes import Shapes
from persistence.tables import new_column_row
from persistence.unit_of_work import (
    OrganizationWrite,
    Wake,
    log_table_change,
    write_organization,
)
from persistence.user_tables import add_user_column, alter, drop_user_column

Result = TypeVar("Result")
Work = Callable[[AsyncSession, OrganizationWrite], Awaitable[tuple[Result, dict[str, Any]]]]


class Columns:
    """The `ColumnStore` port, and batch reads for loaders."""

    def __init__(self, database: Database, shapes: Shapes, wake: Wake) -> None:
        self._database = database
        self._shapes = shapes
        self._wake = wake

    async def of_tables(
        self, organization_id: UUID, table_ids: Sequence[UUID]
    ) -> dict[UUID, list[Column]]:
        """The live columns of each table, in order."""
        statement = (
            select(ColumnRow)
            .where(
                ColumnRow.organization_id == organization_id,
                col(ColumnRow.table_id).in_(table_ids),
                col(ColumnRow.deleted_at).is_(None),
            )
            .order_by(col(ColumnRow.position), col(ColumnRow.number))
        )
        found: dict[UUID, list[Column]] = defaultdict(list)
        async with self._database.read() as session:
            for row in await session.exec(statement):
                found[row.table_id].append(entity(row))
        return found

    async def by_ids(self, organization_id: UUID, column_ids: Sequence[UUID]) -> dict[UUID, Column]:
        """Live columns of living tables by id."""
        statement = (
            select(ColumnRow)
            .join(TableRow, col(TableRow.id) == col(ColumnRow.table_id))
            .where(
                ColumnRow.organization_id == organization_id,
                col(ColumnRow.id).in_(column_ids),
                col(ColumnRow.deleted_at).is_(None),
                col(TableRow.deleted_at).is_(None),
            )
        )
        async with self._database.read() as session:
            return {row.id: entity(row) for row in await session.exec(statement)}

    async def add(self, shape: TableShape, actor: str, column: NewColumn) -> Column:
        async def work(
            session: AsyncSession, write: OrganizationWrite
        ) -> tuple[Column, dict[str, Any]]:
            table = (await session.exec(select(TableRow).where(TableRow.id == shape.id))).one()
            end = max((each.position for each in shape.columns), default=-1) + 1
            row = new_column_row(
                shape.organization_id, shape.id, table.next_column, end, column, write.at
            )
            row.position = end
            table.next_column += 1
            session.add(row)
            await session.flush()
            made = entity(row)
            if made.stored:
                await add_user_column(session, shape, made)
                session.add_all(indexes.made_with(shape.organization_id, shape.id, [made]))
            return made, {"added": [str(made.id)]}

        return await self._change(shape, actor, work)

    async def update(
        self, shape: TableShape, actor: str, column: Column, changes: Mapping[str, Any]
    ) -> Column:
        async def work(
            session: AsyncSession, write: OrganizationWrite
        ) -> tuple[Column, dict[str, Any]]:
            row = (await session.exec(select(ColumnRow).where(ColumnRow.id == column.id))).one()
            for name, value in changes.items():
                setattr(row, name, tool_json(value) if isinstance(value, Tool) else value)
            row.updated_at = write.at
            await session.flush()
            if "config" in changes:
                await indexes.drop_computed(session, shape, column)
            return entity(row), {"changed": [str(column.id)], **_remade(column, changes)}

        return await self._change(shape, actor, work)

    async def track(self, shape: TableShape, actor: str, columns: Sequence[Column]) -> None:
        async def work(
            session: AsyncSession, write: OrganizationWrite
        ) -> tuple[None, dict[str, Any]]:
            changed = [column.id for column in columns]
            rows = await session.exec(select(ColumnRow).where(col(ColumnRow.id).in_(changed)))
            for row in rows:
                row.tracked, row.updated_at = True, write.at
            await session.flush()
            return None, {"changed": [str(column_id) for column_id in changed]}

        await self._change(shape, actor, work)

    async def delete(self, shape: TableShape, actor: str, column: Column) -> None:
        async def work(
            session: AsyncSession, write: OrganizationWrite
        ) -> tuple[None, dict[str, Any]]:
            row = (await session.exec(select(ColumnRow).where(ColumnRow.id == column.id))).one()
            row.deleted_at = write.at
            await indexes.drop_computed(session, shape, column)
            if column.stored:
                await drop_user_column(session, shape, column)
                await indexes.forget(session, shape, column)
            return None, {"deleted": [str(column.id)]}

        await self._change(shape, actor, work)

    async def reorder(
        self, shape: TableShape, actor: str, ordered: Sequence[Column]
    ) -> Sequence[Column]:
        async def work(
            session: AsyncSession, write: OrganizationWrite
        ) -> tuple[list[Column], dict[str, Any]]:
            places = {column.id: place for place, column in enumerate(ordered)}
            rows = await session.exec(select(ColumnRow).where(col(ColumnRow.id).in_(places)))
            for row in rows:
                row.position = places[row.id]
            await session.flush()
            statement = select(ColumnRow).where(col(ColumnRow.id).in_(places))
            fresh = [entity(row) for row in await session.exec(statement)]
            return sorted(fresh, key=lambda column: column.position), {"reordered": True}

        return await self._change(shape, actor, work)

    async def held_values(self, shape: TableShape, column: Column, limit: int) -> list[HeldValue]:
        return await column_types.read_held(self._database.pool, shape, column, limit)

    async def change_type(
        self, shape: TableShape, actor: str, old: Column, new: Column, convert: Convert
    ) -> ColumnTypeChanged:
        async def work(
            session: AsyncSession, write: OrganizationWrite
        ) -> tuple[tuple[ColumnTypeChanged, bool], dict[str, Any]]:
            made, had_index = await column_types.change_type(
                session, shape, old, new, convert, write
            )
            told = {
                "id": str(old.id),
                "from": old.type.value,
                "to": new.type.value,
                "values": made.convertible,
                "lost": made.lost,
            }
            return (made, had_index), {"changed": [str(old.id)], "retyped": told}

        made, had_index = await self._change(shape, actor, work)
        if had_index:
            await indexes.create(self._database, shape, made.column)
        return made

    async def deleted(self, shape: TableShape) -> Sequence[Column]:
        statement = (
            select(ColumnRow)
            .where(ColumnRow.table_id == shape.id, col(ColumnRow.deleted_at).is_not(None))
            .order_by(col(ColumnRow.deleted_at).desc(), col(ColumnRow.number).desc())
        )
        async with self._database.read() as session:
            found = [entity(row) for row in await session.exec(statement)]
        return [column for column in found if column.stored]

    async def restore(self, shape: TableShape, actor: str, column: Column, most: int) -> Column:
        found = await column_types.read_deleted(self._database.pool, shape, column, most)

        async def work(
            session: AsyncSession, write: OrganizationWrite
        ) -> tuple[Column, dict[str, Any]]:
            made = await column_types.restore(session, shape, column, found, write)
            return made, {"added": [str(made.id)]}

        return await self._change(shape, actor, work)

    async def create_index(self, shape: TableShape, column: Column) -> ColumnIndex:
        return await indexes.create(self._database, shape, column)

    async def _change(self, shape: TableShape, actor: str, work: Work[Result]) -> Result:
        async def locked(session: AsyncSession) -> tuple[Result, int, int | None]:
            async with write_organization(session, shape.organization_id, actor) as write:
                looking_in = await lock_dependants(session, shape.organization_id, shape.id)
                await _refuse_old(session, shape)
                result, details = await work(session, write)
                await outdate(session, looking_in)
                await run_sql(
                    session,
                    "UPDATE user_table SET updated_at = :at WHERE id = :id",
                    at=write.at,
                    id=shape.id,
                )
                revision = await log_table_change(
                    session,
                    shape.organization_id,
                    shape.id,
                    actor,
                    ChangeKind.COLUMNS_CHANGED,
                    details,
                )
                await follow_sources(session, shape.organization_id, shape.id)
                await write.log(OrganizationChangeKind.COLUMNS_CHANGED, shape.id, details)
                return result, write.revision, revision

        try:
            result, organization_revision, revision = await alter(self._database, shape, locked)
        finally:
            self._shapes.forget(shape)
        self._wake("organization", shape.organization_id, organization_revision)
        self._wake("table", shape.id, revision or 0)
        return result


def _remade(column: Column, changes: Mapping[str, Any]) -> dict[str, Any]:
    """What an entry tells of a column that makes its values otherwise from now on: whoever reads
    the log makes the cells stale that hold earlier ones."""
    tool = changes.get("tool")
    if tool is not None and column.tool is not None and tool != column.tool:
        return {"tools": [column.number]}
    if not column.stored and changes.get("config", column.config) != column.config:
        return {"formulas": [column.number]}
    return {}


async def _refuse_old(session: AsyncSession, shape: TableShape) -> None:
    """Under the lock the columns cannot move any more; what was checked before must still hold."""
    statement = (
        select(TableClockRow.columns_version)
        .where(TableClockRow.table_id == shape.id)
        .with_for_update()
    )
    if (await session.exec(statement)).one_or_none() != shape.columns_version:
        raise StructureMoved
