"""Values that change their column's type, and values of deleted columns that come back, inside the
transaction that holds the users' table."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

import asyncpg
from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncSession

from domain import ids
from domain.changes import Cause
from domain.column_type_records import (
    MAX_VALUES,
    ColumnTypeChanged,
    Convert,
    Converted,
    HeldValue,
)
from domain.columns import Column, TableShape
from domain.errors import ErrorCode, StructureMoved, invalid
from persistence import indexes
from persistence.cell_states import outdate_cells
from persistence.column_rows import entity
from persistence.computed_shapes import with_computations
from persistence.engine import Connection, Pool, run_sql
from persistence.json_text import dumps
from persistence.models import ColumnRow, TableRow
from persistence.read_sql import value_json
from persistence.row_update import merge_assignments, update_statement
from persistence.unit_of_work import OrganizationWrite, TableWrite
from persistence.user_tables import add_user_column, drop_user_column

#: Rows of one statement.
_CHUNK = 5_000
#: A change writes up to 50,000 rows with their versions, which other transactions never do.
_SECONDS = 120


async def read_held(
    connection: "Connection | Pool", shape: TableShape, column: Column, limit: int
) -> list[HeldValue]:
    """The first `limit` values that are not empty, by position. Raises `StructureMoved`."""
    text = (
        f"SELECT t.id, {value_json(column, 't')} AS json FROM {shape.sql_name} AS t"
        f" WHERE t.{column.sql_name} IS NOT NULL ORDER BY t.position, t.id LIMIT $1"
    )
    try:
        records = await connection.fetch(text, limit)
    except (asyncpg.UndefinedColumnError, asyncpg.UndefinedTableError):
        raise StructureMoved from None
    return [HeldValue(record["id"], record["json"]) for record in records]


async def change_type(
    session: AsyncSession,
    shape: TableShape,
    old: Column,
    new: Column,
    convert: Convert,
    write: OrganizationWrite,
) -> tuple[ColumnTypeChanged, bool]:
    """Put the new column into the place of the old one, and tell whether the old one had an index.

    The clocks are locked. The stored record of the column takes the new number; one of the old
    number stays behind as a deleted column, so that history can still be read."""
    connection = await _begin(session)
    converted = await convert(await read_held(connection, shape, old, MAX_VALUES + 1))
    row = (await session.exec(select(ColumnRow).where(ColumnRow.id == old.id))).one()
    table = (await session.exec(select(TableRow).where(TableRow.id == shape.id))).one()
    former = ColumnRow(**row.model_dump(exclude={"id"}), id=ids.new_id(ids.Kind.COLUMN))
    former.deleted_at = former.updated_at = row.updated_at = write.at
    row.number, row.type = table.next_column, new.type.value
    row.config = dict(new.config) if new.config is not None else None
    row.default_value = new.default_value
    table.next_column += 1
    await session.flush()
    session.add(former)
    await session.flush()
    made = entity(row)
    await indexes.drop_computed(session, shape, old)
    await drop_user_column(session, shape, old)
    had_index = await indexes.forget(session, shape, old)
    columns = tuple(made if each.id == old.id else each for each in shape.columns)
    await _write(session, replace(shape, columns=columns), made, _texts(converted), write)
    if old.stateful:
        await _move_states(connection, shape, old, made, converted)
    lost = len(converted.lost)
    return ColumnTypeChanged(made, len(converted.values) - lost, lost), had_index


async def read_deleted(
    pool: Pool, shape: TableShape, column: Column, most: int
) -> list[tuple[UUID, str]]:
    """The value that each living row had in a deleted column, as JSON of its image.

    Images hold no deleted columns, so the newest one that knows the column is the last before its
    end; nothing changes there any more, and no lock is needed. Raises `Invalid` over `most`."""
    text = f"""
SELECT t.id, v.value::text AS value FROM {shape.sql_name} AS t
CROSS JOIN LATERAL (
  SELECT v.data -> '{column.sql_name}' AS value FROM row_version v
  WHERE v.table_id = $1 AND v.row_id = t.id AND v.data ? '{column.sql_name}'
  ORDER BY v.version DESC LIMIT 1
) AS v
WHERE v.value <> 'null' LIMIT $2"""
    async with pool.acquire() as connection:
        try:
            await connection.execute("SET transaction_timeout = 0")
            records = await connection.fetch(text, shape.id, most + 1)
        except asyncpg.UndefinedTableError:
            raise StructureMoved from None
        finally:
            await connection.execute("RESET transaction_timeout")
    if len(records) > most:
        message = f"A column with more than {most:,} values cannot be restored"
        raise invalid(ErrorCode.TOO_MANY, message, "columnId")
    return [(record["id"], record["value"]) for record in records]


async def restore(
    session: AsyncSession,
    shape: TableShape,
    column: Column,
    found: Sequence[tuple[UUID, str]],
    write: OrganizationWrite,
) -> Column:
    """Make a deleted column live again, at the end, with these values. The clocks are locked."""
    await _begin(session)
    row = (await session.exec(select(ColumnRow).where(ColumnRow.id == column.id))).one()
    if row.deleted_at is None:
        raise StructureMoved
    row.deleted_at, row.updated_at, row.key = None, write.at, column.key
    row.position = max((each.position for each in shape.columns), default=-1) + 1
    await session.flush()
    made = entity(row)
    await _write(session, replace(shape, columns=(*shape.columns, made)), made, found, write)
    return made


async def _begin(session: AsyncSession) -> Any:
    """The driver's connection, inside the session's transaction, with more time than others."""
    # Only a timeout that was off is started anew in the middle of a transaction.
    await run_sql(session, "SET LOCAL transaction_timeout = 0")
    await run_sql(session, f"SET LOCAL transaction_timeout = '{_SECONDS}s'")
    raw = await (await session.connection()).get_raw_connection()
    return raw.driver_connection


def _texts(converted: Converted) -> list[tuple[UUID, str]]:
    return [(row_id, dumps(value)) for row_id, value in converted.values.items()]


async def _write(
    session: AsyncSession,
    shape: TableShape,
    column: Column,
    values: Sequence[tuple[UUID, str]],
    write: OrganizationWrite,
) -> None:
    """Add the column to the users' table and fill it: each row with a value gets a version, in the
    revision that the change of columns is about to take."""
    await add_user_column(session, shape, column)
    session.add_all(indexes.made_with(shape.organization_id, shape.id, [column]))
    await session.flush()
    clock = await run_sql(
        session,
        "SELECT revision + 1 AS revision, greatest(last_at, :at) AS at FROM table_clock"
        " WHERE table_id = :id",
        id=shape.id,
        at=write.at,
    )
    moment = clock.one()
    raw = await (await session.connection()).get_raw_connection()
    driver: Any = raw.driver_connection
    text = update_statement(shape, [column], merge_assignments([column]))
    for start in range(0, len(values), _CHUNK):
        chunk = values[start : start + _CHUNK]
        rows = ",".join(f'{{"id":"{id_}","{column.sql_name}":{json}}}' for id_, json in chunk)
        await driver.fetch(text, f"[{rows}]", moment.at, shape.id, moment.revision)
    if any(each.tool is not None for each in shape.columns):
        table = TableWrite(driver, shape, write.actor, Cause(), moment.revision, moment.at)
        await _outdate_readers(session, table, column, [row_id for row_id, _ in values])


async def _outdate_readers(
    session: AsyncSession, write: TableWrite, column: Column, row_ids: Sequence[UUID]
) -> None:
    """A value in another type, or one that is there again, is another input of tools."""
    shape = write.shape
    organization = (shape.organization_id, shape.organization_number)
    columns = await with_computations(session, organization, shape.number, shape.columns)
    write = replace(write, shape=replace(shape, columns=columns))
    readers = write.shape.tool_graph.dependents.get(column.number, ())
    for start in range(0, len(row_ids), _CHUNK):
        await outdate_cells(write, row_ids[start : start + _CHUNK], readers)


async def _move_states(
    connection: Connection, shape: TableShape, old: Column, new: Column, converted: Converted
) -> None:
    """Statuses of a column that a worker fills go with it; a cell that lost its value is new."""
    await connection.execute(
        "UPDATE cell_state SET column_number = $3, status = CASE WHEN row_id = ANY($4)"
        " THEN 'initialized' ELSE status END WHERE table_id = $1 AND column_number = $2",
        shape.id,
        old.number,
        new.number,
        [each.row_id for each in converted.lost],
    )
