"""Schemas of extraction: what to read out of documents, and into which tables."""

from datetime import datetime
from enum import Enum
from typing import Annotated, Any

import strawberry

from domain import extraction, extraction_examples
from domain import extraction_records as records
from domain.columns import Column as ColumnRecord
from domain.errors import ErrorCode, invalid
from domain.extraction_commands import SchemaVersion
from domain.extraction_tables import present_column
from gql.context import Info
from gql.paging import PageInfo
from gql.types.columns import Column
from gql.types.errors import UserError, user_error
from gql.types.projects import Project
from gql.types.tables import Table


def _word(value: str, description: str) -> Any:
    return strawberry.enum_value(value, description=description)


@strawberry.enum(description="Whether a schema takes documents.")
class ExtractionSchemaStatus(Enum):
    ACTIVE = _word("ACTIVE", "It does.")
    PAUSED = _word("PAUSED", "It does not; what runs already goes on.")


@strawberry.enum(description="What a schema is for. It changes nothing in how it works.")
class ExtractionSchemaType(Enum):
    MODEL = _word("MODEL", "For trying out.")
    PRODUCTION = _word("PRODUCTION", "For daily work.")


@strawberry.enum(description="How many rows of a table one document gives.")
class ExtractionRepeats(Enum):
    ONE = _word("ONE", "Exactly one.")
    MANY = _word("MANY", "Several, such as the lines of an invoice.")
    FOUND = _word("FOUND", "As many as the document turns out to hold.")


@strawberry.enum(
    description="How dates are meant that can be read in two ways, such as 03/04/2026."
)
class ExtractionDateFormat(Enum):
    EU = _word("EU", "The day first.")
    US = _word("US", "The month first.")


@strawberry.type(description="What a schema says of one column.")
class ExtractionField:
    table_id: strawberry.Private[Any]
    record: strawberry.Private[records.SchemaField]
    key: str = strawberry.field(description="The key of the column.")
    description: str | None = strawberry.field(description="What it means.")
    hint: str | None = strawberry.field(description="What helps to find it.")
    labels: list[str] = strawberry.field(
        description="Other words that documents print beside it, besides the label of the column."
    )
    is_key: bool = strawberry.field(description="Whether it tells one row from another.")
    excluded: bool = strawberry.field(description="Whether it is not read at all.")
    date_format: ExtractionDateFormat | None = strawberry.field(
        description="How dates are meant that can be read in two ways."
    )
    unit: str | None = strawberry.field(description="The unit of its numbers, such as `EUR`.")

    @strawberry.field(description="The column; null when it was deleted.")
    async def column(self, info: Info) -> Column | None:
        found = await info.context.loaders.columns_of_table.load(self.table_id)
        column = present_column(self.record, found)
        return Column.of(column) if column else None

    @classmethod
    def of(cls, table: records.SchemaTable, field: records.SchemaField) -> "ExtractionField":
        return cls(
            table_id=table.table_id,
            record=field,
            key=field.key,
            description=field.description,
            hint=field.hint,
            labels=list(field.labels),
            is_key=field.is_key,
            excluded=field.excluded,
            date_format=ExtractionDateFormat(field.date_format) if field.date_format else None,
            unit=field.unit,
        )


@strawberry.type(description="A table that a schema fills.")
class ExtractionTable:
    record: strawberry.Private[records.SchemaTable]
    table_id: strawberry.ID = strawberry.field(description="The id of the table.")
    parent_id: strawberry.ID | None = strawberry.field(
        description="The table to whose rows the rows of this one belong; null for the first one."
    )
    description: str | None = strawberry.field(description="What its rows are.")
    repeats: ExtractionRepeats = strawberry.field(description="How many rows a document gives.")
    fields: list[ExtractionField] = strawberry.field(description="What is said of its columns.")

    @strawberry.field(description="The table; null when it was deleted.")
    async def table(self, info: Info) -> Table | None:
        found = await info.context.loaders.tables.load(self.record.table_id)
        return Table.of(found) if found else None

    @classmethod
    def of(cls, table: records.SchemaTable) -> "ExtractionTable":
        return cls(
            record=table,
            table_id=strawberry.ID(str(table.table_id)),
            parent_id=strawberry.ID(str(table.parent_id)) if table.parent_id else None,
            description=table.description,
            repeats=ExtractionRepeats(table.repeats.value),
            fields=[ExtractionField.of(table, field) for field in table.fields],
        )


@strawberry.type(description="A part of a document, and what is right to be read from it.")
class ExtractionExample:
    record: strawberry.Private[records.Example]
    id: strawberry.ID = strawberry.field(description="The id of the example.")
    schema_id: strawberry.ID = strawberry.field(description="The schema that it teaches.")
    table_id: strawberry.ID = strawberry.field(description="The table of the value.")
    file_id: strawberry.ID | None = strawberry.field(description="The document, if it is stored.")
    text: str = strawberry.field(description="The part of the document around the value.")
    before: str | None = strawberry.field(description="What was read, if it was wrong.")
    after: str | None = strawberry.field(description="What is right; null: nothing.")
    created_by: str = strawberry.field(description="Who corrected or added it.")
    created_at: datetime = strawberry.field(description="When.")

    @strawberry.field(description="The column of the value; null when it is gone.")
    async def column(self, info: Info) -> Column | None:
        found = await info.context.loaders.columns_of_table.load(self.record.table_id)
        column = _numbered(found, self.record.column_number)
        return Column.of(column) if column else None

    @classmethod
    def of(cls, example: records.Example) -> "ExtractionExample":
        return cls(
            record=example,
            id=strawberry.ID(str(example.id)),
            schema_id=strawberry.ID(str(example.schema_id)),
            table_id=strawberry.ID(str(example.table_id)),
            file_id=strawberry.ID(str(example.file_id)) if example.file_id else None,
            text=example.text,
            before=example.before,
            after=example.after,
            created_by=example.created_by,
            created_at=example.created_at,
        )


def _numbered(columns: list[ColumnRecord], number: int) -> ColumnRecord | None:
    return next((column for column in columns if column.number == number), None)


@strawberry.type(description="A schema as it was from one change to the next.")
class ExtractionSchemaVersion:
    number: int = strawberry.field(description="The version, from 1.")
    changed_by: str = strawberry.field(description="Who made it: the id of an API key.")
    changed_at: datetime = strawberry.field(description="When it was made.")
    schema: "ExtractionSchema" = strawberry.field(description="All that the schema said.")

    @classmethod
    def of(cls, version: SchemaVersion) -> "ExtractionSchemaVersion":
        return cls(
            number=version.number,
            changed_by=version.changed_by,
            changed_at=version.schema.updated_at,
            schema=ExtractionSchema.of(version.schema),
        )


@strawberry.type(description="A version and its cursor.")
class ExtractionSchemaVersionEdge:
    cursor: str = strawberry.field(description="For `after`. Opaque.")
    node: ExtractionSchemaVersion = strawberry.field(description="The version.")


@strawberry.type(description="Versions of a schema, the newest first.")
class ExtractionSchemaVersionConnection:
    schema_id: strawberry.Private[Any]
    nodes: list[ExtractionSchemaVersion] = strawberry.field(description="Those of the page.")
    page_info: PageInfo = strawberry.field(description="Where the page lies.")

    @strawberry.field(description="The versions with their cursors.")
    def edges(self) -> list[ExtractionSchemaVersionEdge]:
        return [
            ExtractionSchemaVersionEdge(cursor=str(each.number), node=each) for each in self.nodes
        ]

    @strawberry.field(description="How many there are in all: the number of the newest.")
    async def total_count(self, info: Info) -> int | None:
        found = await info.context.loaders.extraction_schemas.load(self.schema_id)
        return found.version if found else None


@strawberry.type(
    description="What to read out of documents, and into which tables. Each change makes a new "
    "version; a job keeps the one that it began with."
)
class ExtractionSchema:
    record: strawberry.Private[records.ExtractionSchema]
    id: strawberry.ID = strawberry.field(description="The id of the schema.")
    name: str = strawberry.field(description="What people call it, 1 to 256 characters.")
    description: str | None = strawberry.field(description="What its documents are.")
    instructions: str | None = strawberry.field(
        description="What whoever reads the documents is told, for all of them."
    )
    status: ExtractionSchemaStatus = strawberry.field(description="Whether it takes documents.")
    type: ExtractionSchemaType = strawberry.field(description="What it is for.")
    provider: str | None = strawberry.field(
        description="Who reads: the name of a provider, or `rules`; null: the default provider, "
        "or the rules engine when there is none."
    )
    model: str | None = strawberry.field(description="The model; null: the provider's own.")
    version: int = strawberry.field(description="How often it was changed, from 1.")
    tables: list[ExtractionTable] = strawberry.field(
        description="The tables that it fills; the first one is its primary one."
    )
    created_by: str = strawberry.field(description="Who made it: the id of an API key.")
    created_at: datetime = strawberry.field(description="When it was made.")
    updated_at: datetime = strawberry.field(description="When it was last changed.")

    @strawberry.field(description="The project that it belongs to.")
    async def project(self, info: Info) -> Project | None:
        project_id = self.record.project_id
        found = await info.context.loaders.projects.load(project_id) if project_id else None
        return Project.of(found) if found else None

    @strawberry.field(
        description="What has to be mended before it reads documents again: tables and columns "
        "that were deleted, columns that are computed by now, a provider that is gone."
    )
    async def problems(self, info: Info) -> list[UserError]:
        now = await info.context.loaders.schemas_now.load(self.record)
        return [user_error(problem) for problem in now.problems]

    @strawberry.field(description="Its versions, the newest first.")
    async def versions(
        self,
        info: Info,
        first: Annotated[int, strawberry.argument(description="How many, 1 to 100.")] = 20,
        after: Annotated[
            str | None, strawberry.argument(description="Only versions behind this cursor.")
        ] = None,
    ) -> ExtractionSchemaVersionConnection:
        if after is not None and not (after.isascii() and after.isdigit() and len(after) <= 9):
            raise invalid(ErrorCode.INVALID, "The cursor is none of this list", "after")
        context = info.context
        page = await extraction.schema_versions(
            context.viewer, context.storage, self.record.id, int(after) if after else None, first
        )
        nodes = [ExtractionSchemaVersion.of(each) for each in page.versions]
        return ExtractionSchemaVersionConnection(
            schema_id=self.record.id,
            nodes=nodes,
            page_info=PageInfo(
                has_next_page=page.has_more,
                has_previous_page=after is not None,
                start_cursor=str(nodes[0].number) if nodes else None,
                end_cursor=str(nodes[-1].number) if nodes else None,
            ),
        )

    @strawberry.field(description="Its examples, the newest first. At most 500 are kept.")
    async def examples(
        self,
        info: Info,
        first: Annotated[int, strawberry.argument(description="How many, 1 to 500.")] = 50,
    ) -> list[ExtractionExample]:
        context = info.context
        found = await extraction_examples.list_examples(
            context.viewer, context.storage, self.record.id, first
        )
        return [ExtractionExample.of(each) for each in found]

    @classmethod
    def of(cls, schema: records.ExtractionSchema) -> "ExtractionSchema":
        return cls(
            record=schema,
            id=strawberry.ID(str(schema.id)),
            name=schema.name,
            description=schema.description,
            instructions=schema.instructions,
            status=ExtractionSchemaStatus(schema.status.value),
            type=ExtractionSchemaType(schema.type.value),
            provider=schema.provider,
            model=schema.model,
            version=schema.version,
            tables=[ExtractionTable.of(table) for table in schema.tables],
            created_by=schema.created_by,
            created_at=schema.created_at,
            updated_at=schema.updated_at,
        )
