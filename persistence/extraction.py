"""Schemas of extraction in storage, with their versions and examples."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlmodel import col, func, select
from sqlmodel.ext.asyncio.session import AsyncSession

from domain import ids
from domain.changes import OrganizationChangeKind
from domain.entities import TableCreate
from domain.errors import ErrorCode, invalid
from domain.extraction_commands import (
    NewExample,
    NewSchema,
    SchemaChange,
    SchemaVersion,
    SchemaVersions,
)
from domain.extraction_records import (
    Example,
    ExtractionSchema,
    SchemaStatus,
    SchemaType,
)
from persistence.engine import Database
from persistence.extraction_examples import (
    drop_example,
    find_example,
    insert_examples,
    list_examples,
)
from persistence.extraction_json import schema_tables, tables_json
from persistence.models import ExtractionSchemaRow, ExtractionSchemaVersionRow
from persistence.tables import create_table
from persistence.unit_of_work import OrganizationWrite, Wake, write_organization

#: What a version keeps besides its project and its tables.
_KEPT = ("name", "description", "instructions", "status", "type", "provider", "model")


class ExtractionSchemas:
    """The `SchemaStore` port, and batch reads for loaders."""

    def __init__(self, database: Database, wake: Wake) -> None:
        self._database = database
        self._wake = wake

    async def list_all(self, organization_id: UUID) -> list[ExtractionSchema]:
        statement = _living(organization_id).order_by(col(ExtractionSchemaRow.id))
        async with self._database.read() as session:
            return [entity(row) for row in await session.exec(statement)]

    async def get(self, organization_id: UUID, schema_id: UUID) -> ExtractionSchema | None:
        return (await self.by_ids(organization_id, [schema_id])).get(schema_id)

    async def by_ids(
        self, organization_id: UUID, schema_ids: Sequence[UUID]
    ) -> dict[UUID, ExtractionSchema]:
        statement = _living(organization_id).where(col(ExtractionSchemaRow.id).in_(schema_ids))
        async with self._database.read() as session:
            return {row.id: entity(row) for row in await session.exec(statement)}

    async def at_version(
        self, organization_id: UUID, schema_id: UUID, version: int
    ) -> ExtractionSchema | None:
        schema = await self.get(organization_id, schema_id)
        if schema is None or schema.version == version:
            return schema
        found = await self.versions(organization_id, schema_id, version + 1, 1)
        at = found.versions[0].schema if found.versions else None
        return at if at is not None and at.version == version else None

    async def versions(
        self, organization_id: UUID, schema_id: UUID, before: int | None, limit: int
    ) -> SchemaVersions:
        statement = (
            select(ExtractionSchemaRow, ExtractionSchemaVersionRow)
            .join(
                ExtractionSchemaVersionRow,
                col(ExtractionSchemaVersionRow.schema_id) == col(ExtractionSchemaRow.id),
            )
            .where(
                ExtractionSchemaRow.id == schema_id,
                ExtractionSchemaRow.organization_id == organization_id,
                col(ExtractionSchemaRow.deleted_at).is_(None),
            )
            .order_by(col(ExtractionSchemaVersionRow.version).desc())
            .limit(limit + 1)
        )
        if before is not None:
            statement = statement.where(ExtractionSchemaVersionRow.version < before)
        async with self._database.read() as session:
            found = [_version(*each) for each in await session.exec(statement)]
        return SchemaVersions(found[:limit], len(found) > limit)

    async def create(
        self, organization_id: UUID, actor: str, new: NewSchema, most: int
    ) -> ExtractionSchema | None:
        async with (
            self._database.transaction() as session,
            write_organization(session, organization_id, actor) as write,
        ):
            count = select(func.count()).where(
                ExtractionSchemaRow.organization_id == organization_id,
                col(ExtractionSchemaRow.deleted_at).is_(None),
            )
            if (await session.exec(count)).one() >= most:
                return None
            await _make_tables(session, write, new.making)
            row = _new_row(write, new)
            session.add(row)
            await session.flush()
            session.add(_new_version(row, write))
            details = {"name": row.name, "version": row.version}
            await write.log(OrganizationChangeKind.SCHEMA_CREATED, row.id, details)
        self._wake("organization", organization_id, write.revision)
        return entity(row)

    async def update(
        self, organization_id: UUID, actor: str, schema_id: UUID, change: SchemaChange
    ) -> ExtractionSchema | None:
        async with (
            self._database.transaction() as session,
            write_organization(session, organization_id, actor) as write,
        ):
            row = await _row(session, organization_id, schema_id)
            if row is None:
                return None
            if change.expected_version not in (None, row.version):
                message = f"the schema is at version {row.version}, not {change.expected_version}"
                raise invalid(ErrorCode.VERSION_CONFLICT, message, "expectedVersion")
            stored = _stored_fields(change.fields)
            fields = {name: new for name, new in stored.items() if new != getattr(row, name)}
            if not fields:
                return entity(row)
            await _make_tables(session, write, change.making)
            for name, value in fields.items():
                setattr(row, name, value)
            row.version += 1
            row.updated_at = write.at
            await session.flush()
            session.add(_new_version(row, write))
            details = {"fields": sorted(fields), "version": row.version}
            await write.log(OrganizationChangeKind.SCHEMA_UPDATED, row.id, details)
        self._wake("organization", organization_id, write.revision)
        return entity(row)

    async def delete(self, organization_id: UUID, actor: str, schema_id: UUID) -> bool:
        async with (
            self._database.transaction() as session,
            write_organization(session, organization_id, actor) as write,
        ):
            row = await _row(session, organization_id, schema_id)
            if row is None:
                return False
            row.deleted_at = write.at
            await session.flush()
            details = {"name": row.name}
            await write.log(OrganizationChangeKind.SCHEMA_DELETED, row.id, details)
        self._wake("organization", organization_id, write.revision)
        return True

    async def examples(self, organization_id: UUID, schema_id: UUID, limit: int) -> list[Example]:
        return await list_examples(self._database.pool, organization_id, schema_id, limit)

    async def add_examples(
        self, organization_id: UUID, actor: str, schema_id: UUID, new: Sequence[NewExample]
    ) -> list[Example] | None:
        async with (
            self._database.transaction() as session,
            write_organization(session, organization_id, actor) as write,
        ):
            if await _row(session, organization_id, schema_id) is None:
                return None
            made = await insert_examples(
                await _driver(session), organization_id, actor, schema_id, new
            )
            details = {"fields": ["examples"], "examplesAdded": len(made)}
            await write.log(OrganizationChangeKind.SCHEMA_UPDATED, schema_id, details)
        self._wake("organization", organization_id, write.revision)
        return made

    async def example(self, organization_id: UUID, example_id: UUID) -> Example | None:
        return await find_example(self._database.pool, organization_id, example_id)

    async def delete_example(self, organization_id: UUID, actor: str, example: Example) -> bool:
        async with (
            self._database.transaction() as session,
            write_organization(session, organization_id, actor) as write,
        ):
            if not await drop_example(await _driver(session), example.id):
                return False
            details = {"fields": ["examples"], "examplesDeleted": 1}
            await write.log(OrganizationChangeKind.SCHEMA_UPDATED, example.schema_id, details)
        self._wake("organization", organization_id, write.revision)
        return True


def _living(organization_id: UUID) -> Any:
    return select(ExtractionSchemaRow).where(
        ExtractionSchemaRow.organization_id == organization_id,
        col(ExtractionSchemaRow.deleted_at).is_(None),
    )


async def _row(
    session: AsyncSession, organization_id: UUID, schema_id: UUID
) -> ExtractionSchemaRow | None:
    statement = _living(organization_id).where(ExtractionSchemaRow.id == schema_id)
    found: ExtractionSchemaRow | None = (await session.exec(statement)).one_or_none()
    return found


async def _driver(session: AsyncSession) -> Any:
    """The connection of the session's transaction, which has begun."""
    return (await (await session.connection()).get_raw_connection()).driver_connection


async def _make_tables(
    session: AsyncSession, write: OrganizationWrite, making: Mapping[UUID, TableCreate]
) -> None:
    for table_id, command in making.items():
        await create_table(session, write, table_id, command)


def _stored_fields(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Fields of a schema in the form of their columns."""
    stored: dict[str, Any] = {
        name: value.value if isinstance(value, StrEnum) else value for name, value in fields.items()
    }
    if "tables" in stored:
        stored["tables"] = tables_json(stored["tables"])
    return stored


def _new_row(write: OrganizationWrite, new: NewSchema) -> ExtractionSchemaRow:
    fields = {name: getattr(new, name) for name in (*_KEPT, "project_id", "tables")}
    return ExtractionSchemaRow(
        id=ids.new_id(ids.Kind.EXTRACTION_SCHEMA),
        organization_id=write.organization_id,
        version=1,
        created_by=write.actor,
        created_at=write.at,
        updated_at=write.at,
        **_stored_fields(fields),
    )


def _new_version(row: ExtractionSchemaRow, write: OrganizationWrite) -> ExtractionSchemaVersionRow:
    project = str(row.project_id) if row.project_id else None
    kept = {name: getattr(row, name) for name in _KEPT}
    return ExtractionSchemaVersionRow(
        schema_id=row.id,
        version=row.version,
        definition={**kept, "project_id": project, "tables": row.tables},
        created_by=write.actor,
        created_at=write.at,
    )


def entity(row: ExtractionSchemaRow) -> ExtractionSchema:
    """The record that other rooms see."""
    return ExtractionSchema(
        id=row.id,
        organization_id=row.organization_id,
        project_id=row.project_id,
        name=row.name,
        description=row.description,
        instructions=row.instructions,
        status=SchemaStatus(row.status),
        type=SchemaType(row.type),
        provider=row.provider,
        model=row.model,
        version=row.version,
        tables=schema_tables(row.tables),
        created_by=row.created_by,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def _version(row: ExtractionSchemaRow, at: ExtractionSchemaVersionRow) -> SchemaVersion:
    kept = at.definition
    schema = replace(
        entity(row),
        **{name: kept[name] for name in ("name", "description", "instructions", "provider")},
        model=kept["model"],
        status=SchemaStatus(kept["status"]),
        type=SchemaType(kept["type"]),
        project_id=UUID(kept["project_id"]) if kept["project_id"] else None,
        tables=schema_tables(kept["tables"]),
        version=at.version,
        updated_at=at.created_at,
    )
    return SchemaVersion(schema, at.created_by)
