"""Structure of users' tables: real PostgreSQL tables, made and altered here and nowhere else."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from sqlalchemy.exc import DBAPIError
from sqlmodel.ext.asyncio.session import AsyncSession

from domain.columns import Column, ColumnType, TableShape
from domain.errors import StructureMoved, TableBusy
from domain.values import TYPES
from persistence.engine import Database, run_sql

#: How long one attempt may wait for the table. While it waits, everybody else waits behind it.
_LOCK_TIMEOUT = "50ms"
_GIVE_UP_AFTER = 10.0
#: After so many seconds one attempt waits longer than the server's `deadlock_timeout` of a second:
#: only then does PostgreSQL stop an autovacuum that holds the table.
_PATIENT_AFTER = 3.0
_PATIENT_TIMEOUT = "1200ms"
_UNDEFINED_TABLE = "42P01"
_BUSY = frozenset({"55P03", "40P01"})  # lock_not_available, deadlock_detected

Result = TypeVar("Result")


def schema_name(organization_number: int) -> str:
    """The PostgreSQL schema of an organisation's tables."""
    return f"org_{organization_number}"


async def create_schema(session: AsyncSession, organization_number: int) -> None:
    """Make the schema of a new organisation."""
    await run_sql(session, f"CREATE SCHEMA {schema_name(organization_number)}")


async def create_user_table(
    session: AsyncSession, organization_number: int, table_number: int, columns: Sequence[Column]
) -> None:
    """Make the PostgreSQL table of a new table. Rows are found by id, and by position for pages
    and exports."""
    name = f"{schema_name(organization_number)}.t{table_number}"
    cells = "".join(f", {definition(column)}" for column in columns if column.stored)
    await run_sql(
        session,
        f"CREATE TABLE {name} (id uuid PRIMARY KEY, position bigint NOT NULL,"
        " session_id uuid NOT NULL, version integer NOT NULL, created_by text NOT NULL,"
        " created_at timestamptz(3) NOT NULL, updated_at timestamptz(3) NOT NULL,"
        f" _extra jsonb{cells})",
    )
    await run_sql(session, f"CREATE UNIQUE INDEX ON {name} (position, id)")
    for column in columns:
        await _index_links(session, name, column)


def definition(column: Column) -> str:
    """Name and type of a stored column."""
    return f"{column.sql_name} {TYPES[column.type].storage}"


async def add_user_column(session: AsyncSession, shape: TableShape, column: Column) -> None:
    """Add the column to the locked table; existing rows are not rewritten."""
    await run_sql(session, f"ALTER TABLE {shape.sql_name} ADD COLUMN {definition(column)}")
    await _index_links(session, shape.sql_name, column)


async def _index_links(session: AsyncSession, table: str, column: Column) -> None:
    """Whoever follows a relation backwards asks which rows hold an id: that needs an index from the
    first row on. The column is still empty here, so building it only looks at each row once."""
    if column.type is ColumnType.RELATION:
        name = index_name(table, column)
        await run_sql(session, f"CREATE INDEX {name} ON {table} USING gin ({column.sql_name})")


def index_name(table: str, column: Column) -> str:
    """The name of a column's index; `table` is the qualified name of the users' table."""
    return f"ix_{table.split('.')[1]}_{column.sql_name}"


async def drop_user_column(session: AsyncSession, shape: TableShape, column: Column) -> None:
    """Take the column out of the locked table. Its values stay in the row versions."""
    await run_sql(session, f"ALTER TABLE {shape.sql_name} DROP COLUMN {column.sql_name}")


async def drop_user_table(session: AsyncSession, name: str) -> None:
    """Remove the table of a deleted table."""
    await run_sql(session, f"DROP TABLE IF EXISTS {name}")


async def alter(
    database: Database, shape: TableShape, work: Callable[[AsyncSession], Awaitable[Result]]
) -> Result:
    """Run `work` in a transaction that holds the users' table exclusively, and commit it.

    A short lock timeout with retries, because everybody queues behind a waiting ALTER: without it
    one open reader made all stand still for as long as it read. One patient attempt among them gets
    past an autovacuum. Raises `TableBusy` after ten seconds."""
    begun = time.monotonic()
    was_patient = False
    while True:
        patient = not was_patient and time.monotonic() - begun > _PATIENT_AFTER
        timeout = _PATIENT_TIMEOUT if patient else _LOCK_TIMEOUT
        was_patient = was_patient or patient
        try:
            async with database.transaction() as session:
                await run_sql(session, f"SET LOCAL lock_timeout = '{timeout}'")
                await run_sql(session, f"LOCK TABLE {shape.sql_name} IN ACCESS EXCLUSIVE MODE")
                return await work(session)
        except DBAPIError as error:
            state = getattr(error.orig, "sqlstate", None)
            if state == _UNDEFINED_TABLE:
                raise StructureMoved from None
            if state not in _BUSY:
                raise
            if time.monotonic() - begun > _GIVE_UP_AFTER:
                raise TableBusy from None
        # Long enough for the writers that queued behind the attempt to get through.
        await asyncio.sleep(random.uniform(0.02, 0.12))  # noqa: S311
