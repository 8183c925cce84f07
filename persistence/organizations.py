"""Organisations, each with a PostgreSQL schema for its users' tables and a clock for its log."""

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from domain import ids
from domain.entities import Organization
from persistence.engine import Database, run_sql
from persistence.models import OrganizationClockRow, OrganizationRow
from persistence.user_tables import create_schema

#: Held while the first organisation is made: several web processes may start at once.
_FIRST_ORGANIZATION_LOCK = 7_305_181_201


async def create(session: AsyncSession, name: str) -> Organization:
    """Make an organisation with its schema `org_<number>` and its clock."""
    row = OrganizationRow(id=ids.new_id(ids.Kind.ORGANIZATION), name=name)
    session.add(row)
    await session.flush()
    await session.refresh(row)
    session.add(OrganizationClockRow(organization_id=row.id))
    await create_schema(session, row.number)
    await session.flush()
    return _record(row)


async def default(database: Database) -> Organization | None:
    """The oldest organisation, None before the first start."""
    async with database.read() as session:
        return await _oldest(session)


async def ensure_default(database: Database, name: str = "Default") -> Organization:
    """The oldest organisation, made when there is none."""
    async with database.transaction() as session:
        await run_sql(session, "SELECT pg_advisory_xact_lock(:key)", key=_FIRST_ORGANIZATION_LOCK)
        return await _oldest(session) or await create(session, name)


async def _oldest(session: AsyncSession) -> Organization | None:
    statement = select(OrganizationRow).order_by(col(OrganizationRow.number)).limit(1)
    row = (await session.exec(statement)).one_or_none()
    return _record(row) if row is not None else None


def _record(row: OrganizationRow) -> Organization:
    return Organization(row.id, row.number, row.name, row.created_at)
