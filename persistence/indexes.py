"""Indexes on columns, built without stopping writers."""

from uuid import UUID

import asyncpg
from sqlalchemy import delete
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from domain import ids
from domain.columns import Column, ColumnType, TableShape
from domain.entities import ColumnIndex
from domain.operators import HOLDERS
from domain.values import TYPES
from persistence.engine import Database
from persistence.models import IndexRow
from persistence.user_tables import index_name


async def create(database: Database, shape: TableShape, column: Column) -> ColumnIndex:
    """Build an index for sorting and filtering by the column, and record how it went.

    CREATE INDEX CONCURRENTLY cannot run in a transaction and leaves an invalid index when it fails;
    that one is dropped, and asking again builds anew."""
    async with database.transaction() as session:
        row = await _record(session, shape, column)
        if row.status == "ready":
            return entity(row)
    name = index_name(shape.sql_name, column)
    schema = f"org_{shape.organization_number}"
    error = None
    async with database.pool.acquire() as connection:
        try:
            await connection.execute("SET transaction_timeout = 0")
            await connection.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {schema}.{name}")
            await connection.execute(
                f"CREATE INDEX CONCURRENTLY {name} ON {shape.sql_name} {_method(column)}"
            )
        except asyncpg.PostgresError as failure:
            error = f"PostgreSQL could not build the index ({failure.sqlstate})"
            await connection.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {schema}.{name}")
        finally:
            await connection.execute("RESET transaction_timeout")
    async with database.transaction() as session:
        row = await session.get_one(IndexRow, row.id)
        row.status = "failed" if error else "ready"
        row.error = error
        return entity(row)


def _method(column: Column) -> str:
    if TYPES[column.type].family in HOLDERS:
        return f"USING gin ({column.sql_name})"
    # Position and id make it serve whole pages: they are the tie-break of every order.
    return f"({column.sql_name} NULLS FIRST, position, id)"


def made_with(organization_id: UUID, table_id: UUID, column: Column) -> list[IndexRow]:
    """The record of the index that a column gets when it is made: a relation has one."""
    if column.type is not ColumnType.RELATION:
        return []
    return [_row(organization_id, table_id, column, "ready")]


def _row(organization_id: UUID, table_id: UUID, column: Column, status: str) -> IndexRow:
    return IndexRow(
        id=ids.new_id(ids.Kind.INDEX),
        organization_id=organization_id,
        table_id=table_id,
        column_number=column.number,
        status=status,
    )


async def forget(session: AsyncSession, shape: TableShape, column: Column) -> bool:
    """Drop the record of a column's index, which goes with the column; whether there was one."""
    statement = delete(IndexRow).where(
        col(IndexRow.table_id) == shape.id, col(IndexRow.column_number) == column.number
    )
    gone = await (await session.connection()).execute(statement)
    return gone.rowcount > 0


async def _record(session: AsyncSession, shape: TableShape, column: Column) -> IndexRow:
    statement = select(IndexRow).where(
        IndexRow.table_id == shape.id, IndexRow.column_number == column.number
    )
    row = (await session.exec(statement)).one_or_none()
    if row is None:
        row = _row(shape.organization_id, shape.id, column, "building")
        session.add(row)
        await session.flush()
        await session.refresh(row)
    return row


def entity(row: IndexRow) -> ColumnIndex:
    """The record that other rooms see."""
    return ColumnIndex(
        row.id, row.table_id, row.column_number, row.status, row.error, row.created_at
    )
