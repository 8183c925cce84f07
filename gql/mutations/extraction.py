"""Mutations on schemas of extraction."""

from collections.abc import Sequence
from typing import Annotated, Any
from uuid import UUID

import strawberry

from domain import columns, extraction
from domain import extraction_commands as commands
from domain import extraction_records as records
from domain.entities import UNSET
from domain.extraction_commands import FieldDraft, TableDraft
from gql.context import Info, given_id
from gql.mutations.columns import given_config
from gql.scalars import JSON
from gql.types.errors import EXPECTED, UserError, user_errors
from gql.types.extraction import (
    ExtractionDateFormat,
    ExtractionRepeats,
    ExtractionSchema,
    ExtractionSchemaStatus,
    ExtractionSchemaType,
)
from gql.types.vocabulary import ColumnType


@strawberry.input(
    description="What shall be said of one column. `label`, `type` and `config` are for columns of "
    "a new table only."
)
class ExtractionFieldInput:
    key: str = strawberry.field(description="The key of the column.")
    description: str | None = strawberry.field(
        default=None, description="What it means; 2,000 characters."
    )
    hint: str | None = strawberry.field(
        default=None, description="What helps to find it; 2,000 characters."
    )
    labels: list[str] = strawberry.field(
        default_factory=list,
        description="Other words that documents print beside it, at most 50.",
    )
    is_key: bool = strawberry.field(
        default=False, description="Whether it tells one row from another."
    )
    excluded: bool = strawberry.field(
        default=False, description="Whether it shall not be read at all."
    )
    date_format: ExtractionDateFormat | None = strawberry.field(
        default=None, description="How dates are meant that can be read in two ways."
    )
    unit: str | None = strawberry.field(
        default=None, description="The unit of its numbers, such as `EUR`."
    )
    label: str | None = strawberry.field(
        default=None, description="The name of a new column that people see; the key without."
    )
    type: ColumnType | None = strawberry.field(
        default=None, description="What kind of values a new column holds; TEXT without."
    )
    config: JSON | None = strawberry.field(
        default=None, description="Settings of a new column, such as `options` of a select."
    )


@strawberry.input(
    description="A table that a schema shall fill: an existing one by `tableId`, or a new one by "
    "`name`."
)
class ExtractionTableInput:
    table_id: strawberry.ID | None = strawberry.field(
        default=None, description="An existing table."
    )
    name: str | None = strawberry.field(
        default=None, description="The name of a table that is made with the schema."
    )
    description: str | None = strawberry.field(
        default=None, description="What its rows are; 1,024 characters."
    )
    parent: int | None = strawberry.field(
        default=None,
        description="The place in this list, from 0, of the table to whose rows those of this one "
        "belong. The first table has none; without it the others belong to the first.",
    )
    repeats: ExtractionRepeats = strawberry.field(
        default=ExtractionRepeats.FOUND, description="How many rows a document gives."
    )
    fields: list[ExtractionFieldInput] | None = strawberry.field(
        default=None,
        description="Its columns: for a new table what they are, for an existing one those to be "
        "read; without it all that can be.",
    )


@strawberry.input(description="A schema to be made.")
class ExtractionSchemaCreateInput:
    name: str = strawberry.field(description="1 to 256 characters.")
    tables: list[ExtractionTableInput] = strawberry.field(
        description="The tables to fill, 1 to 20; the first one is the primary one."
    )
    description: str | None = strawberry.field(
        default=None, description="What its documents are; 1,024 characters."
    )
    instructions: str | None = strawberry.field(
        default=None, description="For whoever reads the documents; 20,000 characters."
    )
    status: ExtractionSchemaStatus = strawberry.field(
        default=ExtractionSchemaStatus.ACTIVE, description="Whether it takes documents."
    )
    type: ExtractionSchemaType = strawberry.field(
        default=ExtractionSchemaType.MODEL, description="What it is for."
    )
    provider: str | None = strawberry.field(
        default=None,
        description="Who reads: the name of a provider, or `rules`. Without it the default "
        "provider, or the rules engine when there is none.",
    )
    model: str | None = strawberry.field(
        default=None, description="The model; the provider's own without it."
    )
    project_id: strawberry.ID | None = strawberry.field(
        default=None, description="The project of the schema and of tables that are made with it."
    )


@strawberry.input(description="A schema to be made of a table as it is.")
class ExtractionSchemaFromTableInput:
    table_id: strawberry.ID = strawberry.field(description="The primary table.")
    child_table_ids: list[strawberry.ID] = strawberry.field(
        default_factory=list, description="Tables whose rows belong to rows of it, at most 19."
    )
    name: str | None = strawberry.field(
        default=None, description="What to call it; without it as the table."
    )
    type: ExtractionSchemaType = strawberry.field(
        default=ExtractionSchemaType.MODEL, description="What it is for."
    )


@strawberry.input(description="What to change of a schema. What is absent stays, null clears.")
class ExtractionSchemaUpdateInput:
    schema_id: strawberry.ID = strawberry.field(description="The schema.")
    expected_version: int | None = strawberry.field(
        default=None,
        description="The version that you have read: nothing is changed when it is not the present "
        "one any more.",
    )
    name: strawberry.Maybe[str | None] = strawberry.field(
        description="1 to 256 characters; null is refused."
    )
    description: strawberry.Maybe[str | None] = strawberry.field(
        description="What its documents are."
    )
    instructions: strawberry.Maybe[str | None] = strawberry.field(
        description="For whoever reads the documents."
    )
    status: strawberry.Maybe[ExtractionSchemaStatus] = strawberry.field(
        description="Whether it takes documents."
    )
    type: strawberry.Maybe[ExtractionSchemaType] = strawberry.field(description="What it is for.")
    provider: strawberry.Maybe[str | None] = strawberry.field(description="Who reads.")
    model: strawberry.Maybe[str | None] = strawberry.field(description="The model.")
    project_id: strawberry.Maybe[strawberry.ID | None] = strawberry.field(
        description="The project; null takes it out of its project. Tables stay where they are."
    )
    tables: strawberry.Maybe[list[ExtractionTableInput]] = strawberry.field(
        description="The tables to fill, in place of the old ones."
    )


@strawberry.input(description="A schema to be deleted. Its tables and all their rows stay.")
class ExtractionSchemaDeleteInput:
    schema_id: strawberry.ID = strawberry.field(description="The schema.")


@strawberry.type(description="The answer of mutations on a schema of extraction.")
class ExtractionSchemaPayload:
    schema: ExtractionSchema | None = strawberry.field(description="The schema as it stands.")
    errors: list[UserError] = strawberry.field(description="Why nothing was done.")


@strawberry.type(description="The answer of `extractionSchemaDelete`.")
class ExtractionSchemaDeletePayload:
    deleted_id: strawberry.ID | None = strawberry.field(description="The id of the schema.")
    errors: list[UserError] = strawberry.field(description="Why it is still there.")


@strawberry.type
class ExtractionSchemaMutations:
    @strawberry.mutation(
        description="Make a schema over existing tables, or with tables that are made with it."
    )
    async def extraction_schema_create(
        self,
        info: Info,
        input: Annotated[
            ExtractionSchemaCreateInput, strawberry.argument(description="What to make.")
        ],
    ) -> ExtractionSchemaPayload | None:
        context = info.context
        try:
            made = await extraction.create_schema(context.viewer, context.storage, _create(input))
        except EXPECTED as error:
            return ExtractionSchemaPayload(schema=None, errors=user_errors(error))
        return ExtractionSchemaPayload(schema=ExtractionSchema.of(made), errors=[])

    @strawberry.mutation(
        description="Make a schema of a table as it is, with every column that can be read."
    )
    async def extraction_schema_from_table(
        self,
        info: Info,
        input: Annotated[
            ExtractionSchemaFromTableInput, strawberry.argument(description="Of which table.")
        ],
    ) -> ExtractionSchemaPayload | None:
        command = commands.SchemaFromTable(
            given_id(input.table_id),
            [given_id(each, place + 1) for place, each in enumerate(input.child_table_ids)],
            input.name,
            records.SchemaType(input.type.value),
        )
        context = info.context
        try:
            made = await extraction.create_schema_from_table(
                context.viewer, context.storage, command
            )
        except EXPECTED as error:
            return ExtractionSchemaPayload(schema=None, errors=user_errors(error))
        return ExtractionSchemaPayload(schema=ExtractionSchema.of(made), errors=[])

    @strawberry.mutation(
        description="Change a schema, which makes a new version. Jobs that run keep theirs."
    )
    async def extraction_schema_update(
        self,
        info: Info,
        input: Annotated[
            ExtractionSchemaUpdateInput, strawberry.argument(description="What to change.")
        ],
    ) -> ExtractionSchemaPayload | None:
        context = info.context
        try:
            changed = await extraction.update_schema(
                context.viewer, context.storage, given_id(input.schema_id), _update(input)
            )
        except EXPECTED as error:
            return ExtractionSchemaPayload(schema=None, errors=user_errors(error))
        return ExtractionSchemaPayload(schema=ExtractionSchema.of(changed), errors=[])

    @strawberry.mutation(description="Delete a schema. Its tables and all their rows stay.")
    async def extraction_schema_delete(
        self,
        info: Info,
        input: Annotated[
            ExtractionSchemaDeleteInput, strawberry.argument(description="Which one.")
        ],
    ) -> ExtractionSchemaDeletePayload | None:
        context = info.context
        try:
            await extraction.delete_schema(
                context.viewer, context.storage, given_id(input.schema_id)
            )
        except EXPECTED as error:
            return ExtractionSchemaDeletePayload(deleted_id=None, errors=user_errors(error))
        return ExtractionSchemaDeletePayload(deleted_id=input.schema_id, errors=[])


def _create(input: ExtractionSchemaCreateInput) -> commands.SchemaCreate:
    return commands.SchemaCreate(
        input.name,
        _drafts(input.tables),
        input.description,
        input.instructions,
        records.SchemaStatus(input.status.value),
        records.SchemaType(input.type.value),
        input.provider,
        input.model,
        given_id(input.project_id) if input.project_id is not None else None,
    )


def _drafts(tables: Sequence[ExtractionTableInput]) -> list[TableDraft]:
    return [
        TableDraft(
            given_id(table.table_id, place) if table.table_id is not None else None,
            table.name,
            table.description,
            table.parent,
            records.Repeats(table.repeats.value),
            _fields(table.fields, "tables", str(place)) if table.fields is not None else None,
        )
        for place, table in enumerate(tables)
    ]


def _fields(fields: Sequence[ExtractionFieldInput], *path: str) -> list[FieldDraft]:
    return [
        FieldDraft(
            field.key,
            field.description,
            field.hint,
            field.labels,
            field.is_key,
            field.excluded,
            field.date_format.value if field.date_format else None,
            field.unit,
            field.label,
            columns.ColumnType(field.type.value) if field.type else None,
            given_config(field.config, *path, "fields", str(index)),
        )
        for index, field in enumerate(fields)
    ]


def _update(input: ExtractionSchemaUpdateInput) -> commands.SchemaUpdate:
    changes: dict[str, Any] = {
        name: given.value
        for name in ("name", "description", "instructions", "provider", "model")
        if (given := getattr(input, name)) is not None
    }
    if input.status is not None:
        changes["status"] = records.SchemaStatus(input.status.value.value)
    if input.type is not None:
        changes["type"] = records.SchemaType(input.type.value.value)
    project_id: Any = UNSET
    if input.project_id is not None:
        project_id = _optional_id(input.project_id.value)
    return commands.SchemaUpdate(
        **changes,
        project_id=project_id,
        tables=_drafts(input.tables.value) if input.tables is not None else UNSET,
        expected_version=input.expected_version,
    )


def _optional_id(given: strawberry.ID | None) -> UUID | None:
    return given_id(given) if given is not None else None
