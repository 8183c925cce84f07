"""Templates of tables."""

from datetime import datetime
from typing import Any

import strawberry

from domain import template_records
from domain.columns import NewColumn
from gql.scalars import JSON
from gql.types.vocabulary import ColumnType, ComputedBy, TemplateCategory, TemplateScope


@strawberry.type(description="A column that tables made from the template will have.")
class TemplateColumn:
    key: str = strawberry.field(description="The name of its values in `Row.data`.")
    label: str = strawberry.field(description="The name that people see.")
    type: ColumnType = strawberry.field(description="What kind of values it holds.")
    required: bool = strawberry.field(description="Whether every row needs a value here.")
    default_value: str | None = strawberry.field(
        description="What new rows get when they give no value, written as text."
    )
    config: JSON | None = strawberry.field(description="Settings of the type.")
    computed_by: ComputedBy | None = strawberry.field(
        description="Who fills its cells; null for people."
    )

    @classmethod
    def of(cls, column: NewColumn) -> "TemplateColumn":
        return cls(
            key=column.key,
            label=column.label,
            type=ColumnType(column.type.value),
            required=column.required,
            default_value=column.default_value,
            config=None if column.config is None else JSON(column.config),
            computed_by=ComputedBy(column.computed_by.value) if column.computed_by else None,
        )


@strawberry.type(description="A template: the columns of a table and perhaps some rows.")
class Template:
    record: strawberry.Private[template_records.Template]
    id: strawberry.ID = strawberry.field(description="The id of the template.")
    name: str = strawberry.field(description="1 to 256 characters.")
    description: str | None = strawberry.field(description="At most 1,024 characters.")
    category: TemplateCategory = strawberry.field(description="What it is for.")
    scope: TemplateScope = strawberry.field(description="Where it comes from.")
    icon: str | None = strawberry.field(description="The name of a picture.")
    columns: list[TemplateColumn] = strawberry.field(description="In order, at most 500.")
    sample_data: JSON = strawberry.field(description="A list of rows by column key, at most 1,000.")
    created_at: datetime = strawberry.field(description="When it was saved.")
    updated_at: datetime = strawberry.field(description="When it was last changed.")

    @strawberry.field(
        description="The whole template as one document, which `templateImport` takes, here or in "
        "another installation."
    )
    def document(self) -> JSON:
        told: Any = template_records.template_json(self.record)
        return JSON(told)

    @classmethod
    def of(cls, template: template_records.Template) -> "Template":
        return cls(
            record=template,
            id=strawberry.ID(str(template.id)),
            name=template.name,
            description=template.description,
            category=TemplateCategory(template.category.value),
            scope=TemplateScope(template.scope.value),
            icon=template.icon,
            columns=[TemplateColumn.of(column) for column in template.columns],
            sample_data=JSON([dict(row) for row in template.sample_data]),
            created_at=template.created_at,
            updated_at=template.updated_at,
        )
