"""Mutations on templates."""

from typing import Annotated, Any

import strawberry

from domain import template_records, templates
from domain.templates import TableFromTemplate, TemplateSave
from gql.context import Info, given_id
from gql.scalars import JSON
from gql.types.errors import EXPECTED, UserError, user_errors
from gql.types.tables import Table
from gql.types.templates import Template
from gql.types.vocabulary import TemplateCategory


@strawberry.input(description="A table to be saved as a template.")
class TemplateCreateInput:
    table_id: strawberry.ID = strawberry.field(description="The table.")
    name: str = strawberry.field(description="1 to 256 characters.")
    description: str | None = strawberry.field(
        default=None, description="At most 1,024 characters; the table's without it."
    )
    category: TemplateCategory = strawberry.field(
        default=TemplateCategory.PERSONAL, description="What it is for."
    )
    icon: str | None = strawberry.field(
        default=None, description="The name of a picture, at most 64 characters."
    )
    include_sample_data: bool = strawberry.field(
        default=False, description="Whether to keep the first 5 rows."
    )


@strawberry.input(description="A template to be taken in.")
class TemplateImportInput:
    document: JSON = strawberry.field(description="What `Template.document` gave.")


@strawberry.input(description="A template to be deleted.")
class TemplateDeleteInput:
    template_id: strawberry.ID = strawberry.field(description="The template.")


@strawberry.input(description="A table to be made from a template.")
class TableFromTemplateInput:
    template_id: strawberry.ID = strawberry.field(description="The template.")
    name: str = strawberry.field(description="The table's name, 1 to 256 characters.")
    project_id: strawberry.ID | None = strawberry.field(
        default=None, description="The project that it shall belong to."
    )
    include_sample_data: bool = strawberry.field(
        default=False, description="Whether to copy the template's rows."
    )


@strawberry.type(description="The answer of `templateCreate`.")
class TemplateCreatePayload:
    template: Template | None = strawberry.field(description="The new template.")
    errors: list[UserError] = strawberry.field(description="Why there is none.")


@strawberry.type(description="The answer of `templateImport`.")
class TemplateImportPayload:
    template: Template | None = strawberry.field(description="The new template.")
    errors: list[UserError] = strawberry.field(description="Why there is none.")


@strawberry.type(description="The answer of `templateDelete`.")
class TemplateDeletePayload:
    deleted_id: strawberry.ID | None = strawberry.field(description="The id of the template.")
    errors: list[UserError] = strawberry.field(description="Why it is still there.")


@strawberry.type(description="The answer of `tableFromTemplate`.")
class TableFromTemplatePayload:
    table: Table | None = strawberry.field(description="The new table.")
    errors: list[UserError] = strawberry.field(description="Why there is none.")


@strawberry.type
class TemplateMutations:
    @strawberry.mutation(description="Save a table's columns as a template.")
    async def template_create(
        self,
        info: Info,
        input: Annotated[TemplateCreateInput, strawberry.argument(description="What to save.")],
    ) -> TemplateCreatePayload | None:
        command = TemplateSave(
            table_id=given_id(input.table_id),
            name=input.name,
            description=input.description,
            category=template_records.TemplateCategory(input.category.value),
            icon=input.icon,
            include_sample_data=input.include_sample_data,
        )
        try:
            saved = await templates.save_template(
                info.context.viewer, info.context.storage, command
            )
        except EXPECTED as error:
            return TemplateCreatePayload(template=None, errors=user_errors(error))
        return TemplateCreatePayload(template=Template.of(saved), errors=[])

    @strawberry.mutation(description="Take in a template that was given out as a document.")
    async def template_import(
        self,
        info: Info,
        input: Annotated[TemplateImportInput, strawberry.argument(description="What to take in.")],
    ) -> TemplateImportPayload | None:
        document: Any = input.document
        try:
            saved = await templates.import_template(
                info.context.viewer, info.context.storage, document
            )
        except EXPECTED as error:
            return TemplateImportPayload(template=None, errors=user_errors(error))
        return TemplateImportPayload(template=Template.of(saved), errors=[])

    @strawberry.mutation(description="Delete a template; tables made from it stay.")
    async def template_delete(
        self,
        info: Info,
        input: Annotated[TemplateDeleteInput, strawberry.argument(description="What to delete.")],
    ) -> TemplateDeletePayload | None:
        template_id = given_id(input.template_id)
        try:
            await templates.delete_template(info.context.viewer, info.context.storage, template_id)
        except EXPECTED as error:
            return TemplateDeletePayload(deleted_id=None, errors=user_errors(error))
        return TemplateDeletePayload(deleted_id=strawberry.ID(str(template_id)), errors=[])

    @strawberry.mutation(description="Make a table from a template.")
    async def table_from_template(
        self,
        info: Info,
        input: Annotated[TableFromTemplateInput, strawberry.argument(description="What to make.")],
    ) -> TableFromTemplatePayload | None:
        command = TableFromTemplate(
            template_id=given_id(input.template_id),
            name=input.name,
            project_id=None if input.project_id is None else given_id(input.project_id),
            include_sample_data=input.include_sample_data,
        )
        try:
            made = await templates.create_from_template(
                info.context.viewer, info.context.storage, command
            )
        except EXPECTED as error:
            return TableFromTemplatePayload(table=None, errors=user_errors(error))
        return TableFromTemplatePayload(table=Table.of(made.table), errors=[])
