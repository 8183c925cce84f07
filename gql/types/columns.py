"""Columns of a table, and their indexes."""

from datetime import datetime

import strawberry

from domain import columns, entities
from gql.scalars import JSON
from gql.types.node import Node
from gql.types.tools import ColumnTool
from gql.types.vocabulary import ColumnType, ComputedBy, IndexStatus


@strawberry.type(description="A column of a table.")
class Column(Node):
    key: str = strawberry.field(
        description="The name of its values in `Row.data`: 1 to 64 characters, never changed."
    )
    label: str = strawberry.field(description="The name that people see, 1 to 128 characters.")
    type: ColumnType = strawberry.field(description="What kind of values it holds.")
    position: int = strawberry.field(description="Its place among the columns, from 0.")
    required: bool = strawberry.field(description="Whether every row needs a value here.")
    default_value: str | None = strawberry.field(
        description="What new rows get when they give no value, written as text."
    )
    config: JSON | None = strawberry.field(
        description="Settings of the type, such as `options` of a select."
    )
    computed_by: ComputedBy | None = strawberry.field(
        description="Who fills its cells; null for people."
    )
    tool: ColumnTool | None = strawberry.field(description="What fills its cells in runs.")
    created_at: datetime | None = strawberry.field(description="When it was made.")
    updated_at: datetime | None = strawberry.field(description="When it was last changed.")

    @classmethod
    def of(cls, column: columns.Column) -> "Column":
        return cls(
            id=strawberry.ID(str(column.id)),
            key=column.key,
            label=column.label,
            type=ColumnType(column.type.value),
            position=column.position,
            required=column.required,
            default_value=column.default_value,
            config=None if column.config is None else JSON(column.config),
            computed_by=ComputedBy(column.computed_by.value) if column.computed_by else None,
            tool=ColumnTool.of(column.tool) if column.tool else None,
            created_at=column.created_at,
            updated_at=column.updated_at,
        )


@strawberry.type(description="An index on one column, which makes filters and sorts on it fast.")
class ColumnIndex:
    id: strawberry.ID = strawberry.field(description="The id of the index.")
    status: IndexStatus = strawberry.field(description="Whether it is in use yet.")
    error: str | None = strawberry.field(description="Why it could not be built.")
    created_at: datetime = strawberry.field(description="When it was asked for.")

    @classmethod
    def of(cls, index: entities.ColumnIndex) -> "ColumnIndex":
        return cls(
            id=strawberry.ID(str(index.id)),
            status=IndexStatus(index.status),
            error=index.error,
            created_at=index.created_at,
        )
