"""The tables of schemas: found or made for drafts, and looked at again before documents are read,
because tables and columns go on changing."""

from collections.abc import Mapping, Sequence
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


async def looked_at(
    storage: Storage, schema: ExtractionSchema
) -> tuple[list[PlannedTable], list[Problem]]:
    """The tables of a schema as they are now, and what is wrong with them since it was saved."""
    found = await _stored(
        storage, schema.organization_id, [each.table_id for each in schema.tables]
    )
    problems = await _provider_problems(storage, schema)
    planned: list[PlannedTable] = []
    for place, table in enumerate(schema.tables):
        path = ("tables", str(place))
        known = found.tables.get(table.table_id)
        if known is None:
            message = f"The table {table.table_id} was deleted"
            problems.append(Problem(ErrorCode.NOT_FOUND, message, (*path, "tableId")))
            continue
        columns = found.columns.get(table.table_id, ())
        followed = _followed(table, columns)
        fields, wrong = _planned_fields(followed, known.name, columns, path)
        problems += wrong
        planned.append(PlannedTable(followed, known.name, fields))
    return planned, problems


def _planned_fields(
    table: SchemaTable, name: str, columns: Sequence[Column], path: tuple[str, ...]
) -> tuple[list[PlannedField], list[Problem]]:
    """The fields that are read, in the order of the table's columns."""
    by_number = {column.number: column for column in columns}
    fields: list[PlannedField] = []
    problems: list[Problem] = []
    of_table = f"of the table {show(name)}"
    for index, field in enumerate(table.fields):
        if field.excluded:
            continue
        column = by_number.get(field.number)
        where = (*path, "fields", str(index), "key")
        if column is None:
            message = f"Column {show(field.key)} {of_table} was deleted"
            problems.append(Problem(ErrorCode.UNKNOWN_COLUMN, message, where))
        elif why := unreadable(column):
            message = f"Column {show(column.key)} {of_table} {why}"
            problems.append(Problem(ErrorCode.INVALID_TYPE, message, where))
        else:
            fields.append(PlannedField(column, field))
    fields.sort(key=lambda each: (each.column.position, each.column.number))
    return fields, problems


def _followed(table: SchemaTable, columns: Sequence[Column]) -> SchemaTable:
    """The table with the present numbers of its columns: a column that gets another type gets
    another number, and stays what it was otherwise. Such a column is tracked already; one that was
    made anew under an old key is not, and is another one."""
    live = {column.number for column in columns}
    by_key = {column.key: column.number for column in columns if column.tracked}
    fields = (
        field
        if field.number in live
        else replace(field, number=by_key.get(field.key, field.number))
        for field in table.fields
    )
    return replace(table, fields=tuple(fields))


async def _provider_problems(storage: Storage, schema: ExtractionSchema) -> list[Problem]:
    if schema.provider is None:
        return []
    return await provider_problems(storage, schema.organization_id, schema.provider)


async def provider_problems(storage: Storage, organization_id: UUID, name: str) -> list[Problem]:
    """What is wrong with the name of a provider that shall read documents."""
    if name == RULES:
        return []
    if any(each.name == name for each in await storage.providers.list_all(organization_id)):
        return []
    return [Problem(ErrorCode.NOT_FOUND, f"There is no provider {show(name)}", ("provider",))]


async def planned(storage: Storage, schema: ExtractionSchema) -> Sequence[PlannedTable]:
    """What reading by a schema fills: its tables as they are now, the primary one first, with the
    columns to be read. A column that got another type meanwhile has its present number.

    Raises `Unextractable` with a sentence for people when tables, columns or the provider are
    gone."""
    tables, problems = await looked_at(storage, schema)
    if problems:
        raise Unextractable(_sentence(schema, problems))
    return tables


async def require_readable(storage: Storage, schema: ExtractionSchema) -> None:
    """Raise `Conflict` with a sentence for people when a schema takes no documents: it is paused,
    or what it fills is gone."""
    if schema.status is SchemaStatus.PAUSED:
        raise Conflict(f"The extraction schema {show(schema.name)} is paused")
    _, problems = await looked_at(storage, schema)
    if problems:
        raise Conflict(_sentence(schema, problems))


def _sentence(schema: ExtractionSchema, problems: Sequence[Problem]) -> str:
    reasons = "; ".join(problem.message for problem in problems)
    return f"The extraction schema {show(schema.name)} has to be mended: {reasons}"


async def planned_table(
    storage: Storage, schema: ExtractionSchema, table_id: UUID
) -> PlannedTable | None:
    """One table of a schema as it is now, with those of its columns that are read and still there;
    None when the schema has no such table, or it was deleted."""
    tables, _ = await looked_at(storage, schema)
    return next((each for each in tables if each.table.table_id == table_id), None)
