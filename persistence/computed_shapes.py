"""Columns with their computations: what a shape needs of the tables that its rollups look into, and
which shapes depend on a table in that way."""

from collections.abc import Sequence
from uuid import UUID

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from domain import ids
from domain.columns import Column
from domain.computations import Target, attach, target_ids
from persistence.column_rows import entity
from persistence.engine import run_sql
from persistence.models import ColumnRow, TableRow
from persistence.user_tables import schema_name


async def with_computations(
    session: AsyncSession,
    organization: tuple[UUID, int],
    table_number: int,
    columns: Sequence[Column],
) -> tuple[Column, ...]:
    """The columns of a table with their computations. `organization` is its id and number. One
    statement more when there are rollups."""
    wanted = target_ids(columns)
    targets = await targets_by_id(session, organization, wanted) if wanted else {}
    table = f"{schema_name(organization[1])}.t{table_number}"
    return attach(columns, table, targets).columns


async def targets_by_id(
    session: AsyncSession, organization: tuple[UUID, int], wanted: set[str]
) -> dict[str, Target]:
    """The living tables of the organisation among these ids, by the text of the id.

    Their own rollups are not bound: nobody looks through two tables."""
    by_id = {parsed: text for text in wanted if (parsed := ids.parse(text)) is not None}
    statement = (
        select(TableRow.id, TableRow.number, ColumnRow)
        .join(ColumnRow, col(ColumnRow.table_id) == col(TableRow.id), isouter=True)
        .where(
            TableRow.organization_id == organization[0],
            col(TableRow.id).in_(by_id),
            col(TableRow.deleted_at).is_(None),
            col(ColumnRow.deleted_at).is_(None),
        )
    )
    numbers: dict[UUID, int] = {}
    columns: dict[UUID, list[Column]] = {}
    for table_id, number, row in await session.exec(statement):
        numbers[table_id] = number
        columns.setdefault(table_id, [])
        if row is not None:
            columns[table_id].append(entity(row))
    schema = schema_name(organization[1])
    found: dict[str, Target] = {}
    for table_id, number in numbers.items():
        name = f"{schema}.t{number}"
        bound = attach(columns[table_id], name, {}).columns
        found[by_id[table_id]] = Target(name, {column.key: column for column in bound})
    return found


async def lock_dependants(
    session: AsyncSession, organization_id: UUID, table_id: UUID
) -> Sequence[UUID]:
    """The tables whose rollups may look into this one, with their clocks and this one's locked in
    the order of their ids. The caller holds the organisation's clock, so none can join them."""
    rows = await run_sql(session, _DEPENDANTS, organization=organization_id, target=table_id)
    found = [row.table_id for row in rows]
    if found:
        await run_sql(
            session,
            "SELECT 1 FROM table_clock WHERE table_id = ANY(:tables) ORDER BY table_id FOR UPDATE",
            tables=[table_id, *found],
        )
    return found


_DEPENDANTS = """
SELECT DISTINCT r.table_id
FROM table_column r JOIN user_table t ON t.id = r.table_id AND t.deleted_at IS NULL
WHERE r.organization_id = :organization AND r.type = 'relation' AND r.deleted_at IS NULL
  AND lower(r.config ->> 'targetTableId') = CAST(CAST(:target AS uuid) AS text)
  AND r.table_id <> :target
  AND EXISTS (SELECT 1 FROM table_column c WHERE c.table_id = r.table_id AND c.deleted_at IS NULL
              AND c.type = 'computed' AND c.config ? 'rollup')
"""


async def outdate(session: AsyncSession, tables: Sequence[UUID]) -> None:
    """Make the cached shapes of tables old. Their clocks are locked."""
    if tables:
        await run_sql(
            session,
            "UPDATE table_clock SET columns_version = columns_version + 1"
            " WHERE table_id = ANY(:tables)",
            tables=list(tables),
        )
