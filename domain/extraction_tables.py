"""The tables of schemas: found or made for drafts, and looked at again before documents are read,
because tables and columns go on changing."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from domain import ids
from domain.access import Viewer
from domain.columns import Column, TableShape
from domain.entities import Table, TableCreate
from domain.errors import Conflict, ErrorCode, Problem, StructureMoved
from domain.extraction_commands import FieldDraft, TableDraft
from domain.extraction_ports import PlannedField, PlannedTable, Unextractable
from domain.extraction_records import (
    ExtractionSchema,
    SchemaField,
    SchemaStatus,
    SchemaTable,
)
from domain.extraction_rules import (
    MAX_TABLES,
    FieldRules,
    list_problems,
    new_columns,
    new_table_problems,
    schema_field,
    unreadable,
)
from domain.ports import Storage
from domain.provider_records import RULES
from domain.rejections import show
from domain.tables import on_table


@dataclass(frozen=True, slots=True)
class DraftedTables:
    """Checked tables of a schema. Those of `making` do not exist yet."""

    tables: tuple[SchemaTable, ...]
    making: Mapping[UUID, TableCreate]


@dataclass(frozen=True, slots=True)
class _Stored:
    """Living tables, and their columns as they are now."""

    tables: Mapping[UUID, Table]
    columns: Mapping[UUID, Sequence[Column]]


async def _stored(storage: Storage, organization_id: UUID, table_ids: Sequence[UUID]) -> _Stored:
    """Past the cache of shapes, which may not have heard of a change yet."""
    tables = await storage.tables.by_ids(organization_id, table_ids)
    columns = await storage.columns.of_tables(organization_id, list(tables))
    return _Stored(tables, columns)


async def drafted(
    storage: Storage,
    organization_id: UUID,
    drafts: Sequence[TableDraft],
    project_id: UUID | None,
) -> tuple[DraftedTables, list[Problem]]:
    """The tables of drafts, and everything that is wrong with them; with a problem they are not
    whole."""
    problems = list_problems(drafts)
    if not 1 <= len(drafts) <= MAX_TABLES:
        return DraftedTables((), {}), problems
    named = [draft.table_id for draft in drafts if draft.table_id is not None]
    found = await _stored(storage, organization_id, named)
    making: dict[UUID, TableCreate] = {}
    tables: list[SchemaTable] = []
    for place, draft in enumerate(drafts):
        path = ("tables", str(place))
        if draft.table_id is not None:
            table_id = draft.table_id
            fields, wrong = _existing_fields(found, draft, path)
        else:
            table_id = ids.new_id(ids.Kind.TABLE)
            wrong = new_table_problems(draft, path)
            given = draft.fields or ()
            making[table_id] = TableCreate(
                draft.name or "", draft.description, project_id, columns=new_columns(given)
            )
            fields = tuple(schema_field(number, each) for number, each in enumerate(given, 1))
        problems += wrong
        parent = tables[draft.parent or 0].table_id if place and not problems else None
        tables.append(SchemaTable(table_id, fields, parent, draft.description, draft.repeats))
    return DraftedTables(tuple(tables), making), problems


def _existing_fields(
    found: _Stored, draft: TableDraft, path: tuple[str, ...]
) -> tuple[tuple[SchemaField, ...], list[Problem]]:
    assert draft.table_id is not None, "the caller looked"
    if draft.table_id not in found.tables:
        return (), [Problem(ErrorCode.NOT_FOUND, "Table not found", (*path, "tableId"))]
    columns = {column.key: column for column in found.columns.get(draft.table_id, ())}
    given = draft.fields
    if given is None:
        given = [FieldDraft(each.key) for each in columns.values() if unreadable(each) is None]
    problems = FieldRules(columns.get, path).problems(given)
    if problems:
        return (), problems
    return tuple(schema_field(columns[each.key].number, each) for each in given), []


async def track_columns(viewer: Viewer, storage: Storage, drafted: DraftedTables) -> None:
    """Make the columns that will be read ready to hold states, with one entry in the log of each
    table that needs it. By itself it changes nothing that anybody sees, so it comes before the
    schema: a schema never stands over columns that cannot say where their values come from."""
    for table in drafted.tables:
        if table.table_id not in drafted.making:
            await _track(viewer, storage, table)


async def _track(viewer: Viewer, storage: Storage, table: SchemaTable) -> None:
    numbers = [field.number for field in table.fields if not field.excluded]

    async def work(shape: TableShape) -> None:
        if any(number not in shape.columns_by_number for number in numbers):
            raise StructureMoved
        columns = [shape.columns_by_number[number] for number in numbers]
        untracked = [column for column in columns if not column.stateful]
        if untracked:
            await storage.columns.track(shape, viewer.actor, untracked)

    await on_table(viewer, storage, table.table_id, work)


@dataclass(frozen=True, slots=True)
class SchemaNow:
    """A schema's tables as they are now, and what is wrong with them since it was saved."""

    tables: Sequence[PlannedTable]
    problems: Sequence[Problem]


async def look_at(
    storage: Storage, organization_id: UUID, schemas: Sequence[ExtractionSchema]
) -> list[SchemaNow]:
    """Schemas of an organisation as they stand now, in their order: tables or columns may be gone,
    columns may have got tools, the provider may be gone. Three statements for all of them."""
    named = {table.table_id for schema in schemas for table in schema.tables}
    found = await _stored(storage, organization_id, list(named))
    asked = {schema.provider for schema in schemas if schema.provider is not None}
    known = await _providers(storage, organization_id) if asked - {RULES} else {RULES}
    return [_schema_now(schema, found, known) for schema in schemas]


def _schema_now(schema: ExtractionSchema, found: _Stored, providers: Collection[str]) -> SchemaNow:
    problems: list[Problem] = []
    if schema.provider is not None and schema.provider not in providers:
        problems.append(_no_provider(schema.provider))
    planned: list[PlannedTable] = []
    for place, table in enumerate(schema.tables):
        path = ("tables", str(place))
        known = found.tables.get(table.table_id)
        if known is None:
            message = f"The table {table.table_id} was deleted"
            problems.append(Problem(ErrorCode.NOT_FOUND, message, (*path, "tableId")))
            continue
        columns = found.columns.get(table.table_id, ())
        fields = [(field, present_column(field, columns)) for field in table.fields]
        followed = [
            replace(field, number=column.number) if column else field for field, column in fields
        ]
        read, wrong = _planned_fields(known.name, fields, path)
        problems += wrong
        planned.append(PlannedTable(replace(table, fields=tuple(followed)), known.name, read))
    return SchemaNow(planned, problems)


def present_column(field: SchemaField, columns: Sequence[Column]) -> Column | None:
    """The column that a field means, among those of its table as they are now.

    A column that gets another type gets another number, and stays what it was otherwise. It is
    tracked already; one that was made anew under an old key is not, and is another one."""
    for column in columns:
        if column.number == field.number:
            return column
    return next((each for each in columns if each.key == field.key and each.tracked), None)


def _planned_fields(
    name: str, fields: Sequence[tuple[SchemaField, Column | None]], path: tuple[str, ...]
) -> tuple[list[PlannedField], list[Problem]]:
    """The fields that are read, in the order of the table's columns."""
    planned: list[PlannedField] = []
    problems: list[Problem] = []
    of_table = f"of the table {show(name)}"
    for index, (field, column) in enumerate(fields):
        if field.excluded:
            continue
        where = (*path, "fields", str(index), "key")
        if column is None:
            message = f"Column {show(field.key)} {of_table} was deleted"
            problems.append(Problem(ErrorCode.UNKNOWN_COLUMN, message, where))
        elif why := unreadable(column):
            message = f"Column {show(column.key)} {of_table} {why}"
            problems.append(Problem(ErrorCode.INVALID_TYPE, message, where))
        else:
            planned.append(PlannedField(column, replace(field, number=column.number)))
    planned.sort(key=lambda each: (each.column.position, each.column.number))
    return planned, problems


async def _providers(storage: Storage, organization_id: UUID) -> set[str]:
    found = await storage.providers.list_all(organization_id)
    return {RULES, *(provider.name for provider in found)}


def _no_provider(name: str) -> Problem:
    return Problem(ErrorCode.NOT_FOUND, f"There is no provider {show(name)}", ("provider",))


async def provider_problems(storage: Storage, organization_id: UUID, name: str) -> list[Problem]:
    """What is wrong with the name of a provider that shall read documents."""
    if name == RULES or name in await _providers(storage, organization_id):
        return []
    return [_no_provider(name)]


async def _now(storage: Storage, schema: ExtractionSchema) -> SchemaNow:
    [now] = await look_at(storage, schema.organization_id, [schema])
    return now


async def planned(storage: Storage, schema: ExtractionSchema) -> Sequence[PlannedTable]:
    """What reading by a schema fills: its tables as they are now, the primary one first, with the
    columns to be read. A column that got another type meanwhile has its present number.

    Raises `Unextractable` with a sentence for people when tables, columns or the provider are
    gone."""
    now = await _now(storage, schema)
    if now.problems:
        raise Unextractable(_sentence(schema, now.problems))
    return now.tables


async def require_readable(storage: Storage, schema: ExtractionSchema) -> None:
    """Raise `Conflict` with a sentence for people when a schema takes no documents: it is paused,
    or what it fills is gone."""
    if schema.status is SchemaStatus.PAUSED:
        raise Conflict(f"The extraction schema {show(schema.name)} is paused")
    now = await _now(storage, schema)
    if now.problems:
        raise Conflict(_sentence(schema, now.problems))


def _sentence(schema: ExtractionSchema, problems: Sequence[Problem]) -> str:
    reasons = "; ".join(problem.message for problem in problems)
    return f"The extraction schema {show(schema.name)} has to be mended: {reasons}"


async def planned_table(
    storage: Storage, schema: ExtractionSchema, table_id: UUID
) -> PlannedTable | None:
    """One table of a schema as it is now, with those of its columns that are read and still there;
    None when the schema has no such table, or it was deleted."""
    now = await _now(storage, schema)
    return next((each for each in now.tables if each.table.table_id == table_id), None)
