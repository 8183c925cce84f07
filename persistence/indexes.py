"""Indexes on columns, built without stopping writers."""

import asyncpg
from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncSession

from domain import ids
from domain.columns import Column, TableShape
from domain.entities import ColumnIndex
from domain.values import TYPES, Family
from persistence.engine import Database
from persistence.models import IndexRow


async def create(database: Database, shape: TableShape, column: Column) -> ColumnIndex:
    """Build an index for sorting and filtering by the column, and record how it went.

    CREATE INDEX CONCURRENTLY cannot run in a transaction and leaves an invalid index when it fails;
    that one is dropped, and asking again builds anew."""
    async with database.transaction() as session:
        row = await _record(session, shape, column)
        if row.status == "ready":
            return entity(row)
    name = f"ix_t{shape.number}_{column.sql_name}"
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
    if TYPES[column.type].family is Family.IDS:
        return f"USING gin ({column.sql_name})"
    # Position and id make it serve whole pages: they are the tie-break of every order.
    return f"({column.sql_name} NULLS FIRST, position, id)"


async def _record(session: AsyncSession, shape: TableShape, column: Column) -> IndexRow:
    statement = select(IndexRow).where(
        IndexRow.table_id == shape.id, IndexRow.column_number == column.number
    )
    row = (await session.exec(statement)).one_or_none()
    if row is None:
        row = IndexRow(
            id=ids.new_id(ids.Kind.INDEX),
            organization_id=shape.organization_id,
            table_id=shape.id,
            column_number=column.number,
            status="building",
        )
        session.add(row)
        await session.flush()
        await session.refresh(row)
    return row


def entity(row: IndexRow) -> ColumnIndex:
    """The record that other rooms see."""
    return ColumnIndex(
        row.id, row.table_id, row.column_number, row.status, row.error, row.created_at
    )
