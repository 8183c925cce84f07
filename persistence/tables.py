"""Tables and their sessions in storage."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, or_
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from domain import ids
from domain.changes import Cause, CauseKind, ChangeKind, OrganizationChangeKind
from domain.columns import Column, NewColumn, TableShape
from domain.entities import Session, Table, TableCreate, TableSearch, TableWithColumns
from domain.row_writes import PreparedRow
from domain.tools import tool_json
from persistence import indexes
from persistence.column_rows import entity as column_entity
from persistence.computed_shapes import lock_dependants, outdate
from persistence.dependents import follow_sources
from persistence.engine import Database
from persistence.models import (
    ColumnRow,
    OrganizationRow,
    SessionRow,
    TableClockRow,
    TableRow,
)
from persistence.row_insert import insert_rows
from persistence.shapes import Shapes
from persistence.unit_of_work import (
    OrganizationWrite,
    Wake,
    log_table_change,
    write_organization,
)
from persistence.user_tables import create_user_table


class Tables:
    """The `TableStore` port, and batch reads for loaders."""

    def __init__(self, database: Database, shapes: Shapes, wake: Wake) -> None:
        self._database = database
        self._shapes = shapes
        self._wake = wake

    async def shape(self, organization_id: UUID, table_id: UUID) -> TableShape | None:
        return await self._shapes.get(organization_id, table_id)

    async def shape_by_number(self, organization_id: UUID, number: int) -> TableShape | None:
        return await self._shapes.by_number(organization_id, number)

    def forget(self, shape: TableShape) -> None:
        self._shapes.forget(shape)

    async def search(self, organization_id: UUID, search: TableSearch) -> list[Table]:
        statement = _tables(organization_id).order_by(
            col(TableRow.updated_at).desc(), col(TableRow.id).desc()
        )
        if search.project_id is not None:
            statement = statement.where(TableRow.project_id == search.project_id)
        if search.source is not None:
            statement = statement.where(TableRow.source == search.source)
        if search.search:
            pattern = f"%{_literal(search.search)}%"
            found = [
                func.lower(text).like(func.lower(pattern))
                for text in (col(TableRow.name), col(TableRow.description))
            ]
            statement = statement.where(or_(*found))
        return await self._fetch(statement)

    async def by_ids(self, organization_id: UUID, table_ids: Sequence[UUID]) -> dict[UUID, Table]:
        """The tables among these ids, by id."""
        found = await self._database.pool.fetch(_BY_IDS, organization_id, table_ids)
        return {record["id"]: Table(**record) for record in found}

    async def of_projects(
        self, organization_id: UUID, project_ids: Sequence[UUID]
    ) -> dict[UUID, list[Table]]:
        """The tables of each project, the last updated first."""
        statement = (
            _tables(organization_id)
            .where(col(TableRow.project_id).in_(project_ids))
            .order_by(col(TableRow.updated_at).desc(), col(TableRow.id).desc())
        )
        found: dict[UUID, list[Table]] = defaultdict(list)
        for table in await self._fetch(statement):
            if table.project_id is not None:
                found[table.project_id].append(table)
        return found

    async def get(self, organization_id: UUID, table_id: UUID) -> Table | None:
        return (await self.by_ids(organization_id, [table_id])).get(table_id)

    async def _fetch(self, statement: Any) -> list[Table]:
        async with self._database.read() as session:
            return [entity(*row) for row in await session.exec(statement)]

    async def create(
        self,
        organization_id: UUID,
        actor: str,
        command: TableCreate,
        rows: Callable[[TableShape], Sequence[PreparedRow]] | None = None,
    ) -> TableWithColumns:
        async with (
            self._database.transaction() as session,
            write_organization(session, organization_id, actor) as write,
        ):
            table_id = ids.new_id(ids.Kind.TABLE)
            made = await create_table(session, write, table_id, command, rows)
        self._wake("organization", organization_id, write.revision)
        return made

    async def update(
        self, organization_id: UUID, actor: str, table_id: UUID, changes: Mapping[str, Any]
    ) -> Table | None:
        async with (
            self._database.transaction() as session,
            write_organization(session, organization_id, actor) as write,
        ):
            table = await _live(session, organization_id, table_id)
            if table is None:
                return None
            for name, value in changes.items():
                setattr(table, name, value)
            table.updated_at = write.at
            details = {"fields": sorted(changes)}
            revision = await log_table_change(
                session, organization_id, table_id, actor, ChangeKind.TABLE_CHANGED, details
            )
            if "project_id" in changes:
                await outdate(session, [table_id])
            await write.log(OrganizationChangeKind.TABLE_UPDATED, table_id, details)
        self._wake("organization", organization_id, write.revision)
        self._wake("table", table_id, revision or 0)
        return await self.get(organization_id, table_id)

    async def delete(self, organization_id: UUID, actor: str, table_id: UUID) -> bool:
        """Detach the table at once, its last event included; a job drops the data later."""
        async with (
            self._database.transaction() as session,
            write_organization(session, organization_id, actor) as write,
        ):
            table = await _live(session, organization_id, table_id)
            if table is None:
                return False
            looking_in = await lock_dependants(session, organization_id, table_id)
            table.deleted_at = write.at
            revision = await log_table_change(
                session, organization_id, table_id, actor, ChangeKind.TABLE_DELETED, {}
            )
            await outdate(session, looking_in)
            await write.log(OrganizationChangeKind.TABLE_DELETED, table_id, {"name": table.name})
        self._wake("organization", organization_id, write.revision)
        self._wake("table", table_id, revision or 0)
        return True

    async def create_session(
        self, organization_id: UUID, actor: str, table_id: UUID, name: str | None
    ) -> Session | None:
        async with (
            self._database.transaction() as session,
            write_organization(session, organization_id, actor) as write,
        ):
            if await _live(session, organization_id, table_id) is None:
                return None
            if name is None:
                count = select(func.count()).where(SessionRow.table_id == table_id)
                name = f"Session {(await session.exec(count)).one() + 1}"
            row = SessionRow(
                id=ids.new_id(ids.Kind.SESSION),
                organization_id=organization_id,
                table_id=table_id,
                name=name,
                created_at=write.at,
                updated_at=write.at,
            )
            session.add(row)
            await write.log(
                OrganizationChangeKind.SESSION_CREATED, row.id, {"tableId": str(table_id)}
            )
        self._wake("organization", organization_id, write.revision)
        return session_entity(row)

    async def has_session(self, shape: TableShape, session_id: UUID) -> bool:
        statement = select(SessionRow.id).where(
            SessionRow.id == session_id,
            SessionRow.table_id == shape.id,
            SessionRow.organization_id == shape.organization_id,
        )
        async with self._database.read() as session:
            return (await session.exec(statement)).one_or_none() is not None

    async def sessions_of(
        self, organization_id: UUID, table_ids: Sequence[UUID]
    ) -> dict[UUID, list[Session]]:
        """The sessions of each table, oldest first."""
        statement = (
            select(SessionRow)
            .where(
                SessionRow.organization_id == organization_id,
                col(SessionRow.table_id).in_(table_ids),
            )
            .order_by(col(SessionRow.created_at), col(SessionRow.id))
        )
        found: dict[UUID, list[Session]] = defaultdict(list)
        async with self._database.read() as session:
            for row in await session.exec(statement):
                found[row.table_id].append(session_entity(row))
        return found


async def create_table(
    session: AsyncSession,
    write: OrganizationWrite,
    table_id: UUID,
    command: TableCreate,
    rows: Callable[[TableShape], Sequence[PreparedRow]] | None = None,
) -> TableWithColumns:
    """Make a table, with its first rows, in a metadata transaction, and log it."""
    organization_id, actor = write.organization_id, write.actor
    table = TableRow(
        id=table_id,
        organization_id=organization_id,
        project_id=command.project_id,
        name=command.name,
        description=command.description,
        source=command.source.value,
        template_id=command.template_id,
        next_column=len(command.columns) + 1,
        created_at=write.at,
        updated_at=write.at,
    )
    session.add(table)
    await session.flush()
    await session.refresh(table, ["number"])
    columns = _new_columns(table, command.columns, write.at)
    first_session = _first_session(table, write.at)
    session.add_all([*columns, first_session, _clock(table, write.at)])
    organization_number = await _organization_number(session, organization_id)
    ordered = sorted((column_entity(row) for row in columns), key=lambda c: c.position)
    await create_user_table(session, organization_number, table.number, ordered)
    session.add_all(indexes.made_with(organization_id, table.id, ordered))
    await session.flush()
    details = {"created": True}
    kind = ChangeKind.TABLE_CHANGED
    await log_table_change(session, organization_id, table.id, actor, kind, details)
    shape = _first_shape(table, organization_number, ordered, first_session)
    prepared = rows(shape) if rows is not None else ()
    await _insert(session, shape, actor, prepared, command.template_id)
    await follow_sources(session, organization_id, table.id)
    await write.log(OrganizationChangeKind.TABLE_CREATED, table.id, {"name": table.name})
    return TableWithColumns(entity(table, len(prepared), 2 if prepared else 1), ordered)


def _first_shape(
    table: TableRow, organization_number: int, columns: Sequence[Column], session: SessionRow
) -> TableShape:
    return TableShape(
        table.id,
        table.organization_id,
        organization_number,
        table.number,
        1,
        tuple(columns),
        session.id,
        table.project_id,
    )


async def _insert(
    session: AsyncSession,
    shape: TableShape,
    actor: str,
    rows: Sequence[PreparedRow],
    template_id: UUID | None,
) -> None:
    """The first rows, if there are any, in the session's transaction, which has begun."""
    if not rows:
        return
    raw = await (await session.connection()).get_raw_connection()
    cause = Cause(CauseKind.TEMPLATE, str(template_id))
    driver: Any = raw.driver_connection
    await insert_rows(driver, shape, actor, cause, shape.first_session_id, rows)


#: Past SQLAlchemy like the rows: nearly every query asks for a table, and half of its time went
#: into this statement.
_BY_IDS = """
SELECT t.id, t.organization_id, t.number, t.project_id, t.name, t.description, t.source,
       t.template_id, c.row_count, c.revision, t.created_at, t.updated_at
FROM user_table t JOIN table_clock c ON c.table_id = t.id
WHERE t.organization_id = $1 AND t.id = ANY($2) AND t.deleted_at IS NULL
"""


def _literal(text: str) -> str:
    """Text for LIKE that means only itself. What PostgreSQL cannot hold, NUL and unpaired
    surrogates, is never found."""
    escaped = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    storable = escaped.encode("utf-8", "surrogatepass").decode("utf-8", "replace")
    return storable.replace("\0", "\ufffd")


def _tables(organization_id: UUID) -> Any:
    return (
        select(TableRow, TableClockRow.row_count, TableClockRow.revision)
        .join(TableClockRow, col(TableClockRow.table_id) == col(TableRow.id))
        .where(TableRow.organization_id == organization_id, col(TableRow.deleted_at).is_(None))
    )


async def _live(session: AsyncSession, organization_id: UUID, table_id: UUID) -> TableRow | None:
    statement = select(TableRow).where(
        TableRow.id == table_id,
        TableRow.organization_id == organization_id,
        col(TableRow.deleted_at).is_(None),
    )
    return (await session.exec(statement)).one_or_none()


async def _organization_number(session: AsyncSession, organization_id: UUID) -> int:
    statement = select(OrganizationRow.number).where(OrganizationRow.id == organization_id)
    return (await session.exec(statement)).one()


def _new_columns(table: TableRow, columns: Sequence[NewColumn], at: datetime) -> list[ColumnRow]:
    return [
        new_column_row(table.organization_id, table.id, number, number - 1, column, at)
        for number, column in enumerate(columns, 1)
    ]


def new_column_row(
    organization_id: UUID, table_id: UUID, number: int, end: int, column: NewColumn, at: datetime
) -> ColumnRow:
    """The stored form of a new column, at its own position or at `end`."""
    return ColumnRow(
        id=ids.new_id(ids.Kind.COLUMN),
        organization_id=organization_id,
        table_id=table_id,
        number=number,
        key=column.key,
        label=column.label,
        type=column.type.value,
        position=end if column.position is None else column.position,
        required=column.required,
        default_value=column.default_value,
        config=dict(column.config) if column.config is not None else None,
        computed_by=column.computed_by.value if column.computed_by else None,
        tool=tool_json(column.tool) if column.tool else None,
        tracked=column.tracked,
        created_at=at,
        updated_at=at,
    )


def _first_session(table: TableRow, at: datetime) -> SessionRow:
    return SessionRow(
        id=ids.new_id(ids.Kind.SESSION),
        organization_id=table.organization_id,
        table_id=table.id,
        name="Session 1",
        created_at=at,
        updated_at=at,
    )


def _clock(table: TableRow, at: datetime) -> TableClockRow:
    return TableClockRow(table_id=table.id, organization_id=table.organization_id, last_at=at)


def entity(row: TableRow, row_count: int, revision: int) -> Table:
    """The record that other rooms see."""
    return Table(
        id=row.id,
        organization_id=row.organization_id,
        number=row.number,
        project_id=row.project_id,
        name=row.name,
        description=row.description,
        source=row.source,
        template_id=row.template_id,
        row_count=row_count,
        revision=revision,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def session_entity(row: SessionRow) -> Session:
    """The record that other rooms see."""
    return Session(row.id, row.table_id, row.name, row.created_at, row.updated_at)
