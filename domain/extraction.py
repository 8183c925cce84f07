"""Schemas of extraction: which tables documents become, and what is said of their columns.

Each change makes a new version, which is kept whole; jobs keep the one that they began with."""

from dataclasses import replace
from typing import Any
from uuid import UUID

from domain import access, checks
from domain.access import Viewer
from domain.entities import Table, Unset
from domain.errors import ErrorCode, Invalid, NotFound, Problem, invalid
from domain.extraction_commands import (
    NewSchema,
    SchemaChange,
    SchemaCreate,
    SchemaFromTable,
    SchemaSearch,
    SchemaUpdate,
    SchemaVersions,
    TableDraft,
)
from domain.extraction_records import ExtractionSchema
from domain.extraction_rules import MAX_SCHEMAS, MAX_TABLES, text_problems
from domain.extraction_tables import (
    DraftedTables,
    drafted,
    planned,
    provider_problems,
    require_readable,
    track_columns,
)
from domain.ports import Storage
from domain.tables import project_problems

__all__ = [
    "create_schema",
    "create_schema_from_table",
    "delete_schema",
    "get_schema",
    "list_schemas",
    "planned",
    "require_readable",
    "schema_versions",
    "update_schema",
]

#: Versions of one page.
MAX_VERSIONS = 100
NOUN = "Extraction schema"


async def list_schemas(
    viewer: Viewer, storage: Storage, search: SchemaSearch | None = None
) -> list[ExtractionSchema]:
    """The schemas of the organisation that match, oldest first; for a key with a scope those whose
    tables all lie inside."""
    access.require(viewer, "extractionSchemas")
    found = await storage.extraction_schemas.list_all(viewer.organization_id)
    return [schema for schema in found if search is None or search.matches(schema)]


async def get_schema(viewer: Viewer, storage: Storage, schema_id: UUID) -> ExtractionSchema:
    """One schema as it is now. Raises `NotFound`."""
    access.require(viewer, "extractionSchema")
    return await _existing(viewer, storage, schema_id)


async def schema_versions(
    viewer: Viewer, storage: Storage, schema_id: UUID, before: int | None, limit: int
) -> SchemaVersions:
    """Versions of a schema, the newest first, 1 to 100; `before` gives those below that version.
    Raises `NotFound` and `Invalid`."""
    access.require(viewer, "extractionSchema")
    await _existing(viewer, storage, schema_id)
    if not 1 <= limit <= MAX_VERSIONS:
        raise invalid(ErrorCode.OUT_OF_RANGE, f"first must be 1 to {MAX_VERSIONS}", "first")
    return await storage.extraction_schemas.versions(
        viewer.organization_id, schema_id, before, limit
    )


async def create_schema(
    viewer: Viewer, storage: Storage, command: SchemaCreate
) -> ExtractionSchema:
    """Make a schema over existing tables, or with tables of its own, which are made in the same
    transaction. Raises `Invalid` with every problem."""
    access.require(viewer, "extractionSchemaCreate")
    return await _create(viewer, storage, command)


async def create_schema_from_table(
    viewer: Viewer, storage: Storage, command: SchemaFromTable
) -> ExtractionSchema:
    """Make a schema of a table as it is: every column that can be read. Raises `NotFound` for the
    table, and `Invalid` with every problem."""
    access.require(viewer, "extractionSchemaFromTable")
    table = await storage.tables.get(viewer.organization_id, command.table_id)
    if table is None:
        raise NotFound("Table")
    if len(command.child_ids) >= MAX_TABLES:
        message = f"childTableIds names at most {MAX_TABLES - 1} tables"
        raise invalid(ErrorCode.TOO_MANY, message, "childTableIds")
    try:
        return await _create(viewer, storage, _from_table(table, command))
    except Invalid as error:
        raise Invalid([_as_of_table(problem) for problem in error.problems]) from None


async def update_schema(
    viewer: Viewer, storage: Storage, schema_id: UUID, command: SchemaUpdate
) -> ExtractionSchema:
    """Change a schema, which makes a new version; nothing is made when nothing is different. Jobs
    that run go on with the version that they began with.

    Raises `NotFound`, and `Invalid` with every problem, also when the schema is not at the version
    that is expected."""
    access.require(viewer, "extractionSchemaUpdate")
    schema = await _existing(viewer, storage, schema_id)
    fields = command.given()
    problems = await _field_problems(viewer, storage, fields)
    tables = DraftedTables((), {})
    if not isinstance(command.tables, Unset):
        project_id = fields.get("project_id", schema.project_id)
        tables, wrong = await drafted(storage, viewer.organization_id, command.tables, project_id)
        problems += wrong
        fields["tables"] = tables.tables
    checks.refuse(problems)
    await track_columns(viewer, storage, tables)
    change = SchemaChange(fields, command.expected_version, tables.making)
    changed = await storage.extraction_schemas.update(
        viewer.organization_id, viewer.actor, schema_id, change
    )
    if changed is None:
        raise NotFound(NOUN)
    return changed


async def delete_schema(viewer: Viewer, storage: Storage, schema_id: UUID) -> None:
    """Delete a schema. Its tables and what was read into them stay. Raises `NotFound`."""
    access.require(viewer, "extractionSchemaDelete")
    await _existing(viewer, storage, schema_id)
    if not await storage.extraction_schemas.delete(viewer.organization_id, viewer.actor, schema_id):
        raise NotFound(NOUN)


async def _existing(viewer: Viewer, storage: Storage, schema_id: UUID) -> ExtractionSchema:
    schema = await storage.extraction_schemas.get(viewer.organization_id, schema_id)
    if schema is None:
        raise NotFound(NOUN)
    return schema


async def _create(viewer: Viewer, storage: Storage, command: SchemaCreate) -> ExtractionSchema:
    fields: dict[str, Any] = {
        "name": command.name,
        "description": command.description,
        "instructions": command.instructions,
        "status": command.status,
        "type": command.type,
        "provider": command.provider,
        "model": command.model,
        "project_id": command.project_id,
    }
    problems = await _field_problems(viewer, storage, fields)
    tables, wrong = await drafted(
        storage, viewer.organization_id, command.tables, command.project_id
    )
    checks.refuse(problems + wrong)
    await track_columns(viewer, storage, tables)
    new = NewSchema(**fields, tables=tables.tables, making=tables.making)
    made = await storage.extraction_schemas.create(
        viewer.organization_id, viewer.actor, new, MAX_SCHEMAS
    )
    if made is None:
        message = f"An organization has at most {MAX_SCHEMAS} extraction schemas"
        raise invalid(ErrorCode.TOO_MANY, message)
    return made


async def _field_problems(
    viewer: Viewer, storage: Storage, fields: dict[str, Any]
) -> list[Problem]:
    problems = text_problems(fields)
    if not problems and fields.get("provider") is not None:
        problems += await provider_problems(storage, viewer.organization_id, fields["provider"])
    return problems + await project_problems(viewer, storage, fields.get("project_id"))


def _from_table(table: Table, command: SchemaFromTable) -> SchemaCreate:
    tables = [TableDraft(each) for each in (table.id, *command.child_ids)]
    return SchemaCreate(
        command.name if command.name is not None else table.name,
        [replace(tables[0], description=table.description), *tables[1:]],
        table.description,
        type=command.type,
        project_id=table.project_id,
    )


def _as_of_table(problem: Problem) -> Problem:
    """A problem with the path that the input has when a schema is made of a table."""
    match problem.path:
        case ("tables", "0", *_):
            return replace(problem, path=("tableId",))
        case ("tables", place, *_):
            return replace(problem, path=("childTableIds", str(int(place) - 1)))
        case _:
            return problem
