"""Indexes on columns, built without stopping writers."""

from collections.abc import Sequence
from uuid import UUID

import asyncpg
from sqlalchemy import delete
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from domain import ids
from domain.columns import Column, ColumnType, TableShape
from domain.entities import ColumnIndex
from domain.errors import StructureMoved
from domain.operators import HOLDERS
from domain.values import TYPES
from persistence.engine import Database, run_sql
from persistence.filter_sql import operand
from persistence.models import IndexRow, TableClockRow
from persistence.user_tables import index_name


async def create(database: Database, shape: TableShape, column: Column) -> ColumnIndex:
    """Build an index for sorting and filtering by the column, and record how it went.

    CREATE INDEX CONCURRENTLY cannot run in a transaction and leaves an invalid index when it fails;
    that one is dropped, and asking again builds anew."""
    async with database.transaction() as session:
        if not column.stored:
            await _refuse_old(session, shape)
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
                f"CREATE INDEX CONCURRENTLY {name} ON {shape.sql_name} {_method(shape, column)}"
            )
        except asyncpg.PostgresError as failure:
            error = f"PostgreSQL could not build the index ({failure.sqlstate})"
            await connection.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {schema}.{name}")
        finally:
            await connection.execute("RESET transaction_timeout")
    async with database.transaction() as session:
        kept = await session.get(IndexRow, row.id)
        if kept is None:  # its formula changed meanwhile, and this index is of the old one
            raise StructureMoved
        kept.status = "failed" if error else "ready"
        kept.error = error
        return entity(kept)


def _method(shape: TableShape, column: Column) -> str:
    if TYPES[column.type].family in HOLDERS:
        return f"USING gin ({column.sql_name})"
    value = column.sql_name
    if not column.stored:
        value = f"({operand(column, shape.sql_name.split('.')[1])})"
    # Position and id make it serve whole pages: they are the tie-break of every order.
    return f"({value} NULLS FIRST, position, id)"


async def drop_computed(session: AsyncSession, shape: TableShape, changed: Column) -> None:
    """Drop the indexes on formulas that read a column which changes or goes, or are that column
    themselves, in the transaction that holds the users' table."""
    for column in shape.columns:
        computation = column.computation
        if computation is None or (
            column.id != changed.id and (changed.number not in computation.inputs)
        ):
            continue
        if await forget(session, shape, column):
            schema = shape.sql_name.split(".")[0]
            name = index_name(shape.sql_name, column)
            await run_sql(session, f"DROP INDEX IF EXISTS {schema}.{name}")


def made_with(organization_id: UUID, table_id: UUID, columns: Sequence[Column]) -> list[IndexRow]:
    """The records of the indexes that columns get when they are made: a relation has one."""
    return [
        _row(organization_id, table_id, column, "ready")
        for column in columns
        if column.type is ColumnType.RELATION
    ]


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


async def _refuse_old(session: AsyncSession, shape: TableShape) -> None:
    """An index on a formula that is no longer the column's would never be used."""
    version = select(TableClockRow.columns_version).where(TableClockRow.table_id == shape.id)
    if (await session.exec(version)).one_or_none() != shape.columns_version:
        raise StructureMoved


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
