"""Mutations that change the type of a column or bring a deleted one back."""

from typing import Annotated

import strawberry

from domain import column_types, columns
from domain.column_type_records import ColumnTypeChange
from domain.entities import UNSET
from gql.context import Info, given_id
from gql.mutations.columns import given_config
from gql.scalars import JSON
from gql.types.column_types import ColumnTypePreview
from gql.types.columns import Column
from gql.types.errors import EXPECTED, UserError, user_errors
from gql.types.vocabulary import ColumnType


@strawberry.input(description="A change of a column's type that is only to be looked at.")
class ColumnTypePreviewInput:
    table_id: strawberry.ID = strawberry.field(description="The table.")
    column_id: strawberry.ID = strawberry.field(description="The column.")
    type: ColumnType = strawberry.field(description="The type that it shall have.")
    config: strawberry.Maybe[JSON | None] = strawberry.field(
        description="The settings that it shall have; as they are when absent."
    )
    default_value: strawberry.Maybe[str | None] = strawberry.field(
        description="What new rows shall get, written as text; as it is when absent."
    )


@strawberry.input(description="A change of a column's type.")
class ColumnTypeChangeInput(ColumnTypePreviewInput):
    allow_loss: bool = strawberry.field(
        default=False,
        description="Whether values that the new type does not take may become empty.",
    )


@strawberry.input(description="A deleted column that shall come back.")
class ColumnRestoreInput:
    table_id: strawberry.ID = strawberry.field(description="The table.")
    column_id: strawberry.ID = strawberry.field(
        description="The column, one of `Table.deletedColumns`."
    )
    key: str | None = strawberry.field(
        default=None, description="Another key, for when its own was taken; 1 to 64 characters."
    )


@strawberry.type(description="The answer of `columnTypePreview`.")
class ColumnTypePreviewPayload:
    preview: ColumnTypePreview | None = strawberry.field(description="What would happen.")
    errors: list[UserError] = strawberry.field(description="Why the change is not possible.")


@strawberry.type(description="The answer of `columnTypeChange`.")
class ColumnTypeChangePayload:
    column: Column | None = strawberry.field(description="The column after the change.")
    converted_count: int | None = strawberry.field(description="How many values were kept.")
    lost_count: int | None = strawberry.field(description="How many became empty.")
    errors: list[UserError] = strawberry.field(description="Why nothing was changed.")


@strawberry.type(description="The answer of `columnRestore`.")
class ColumnRestorePayload:
    column: Column | None = strawberry.field(description="The column, at the end of the table.")
    errors: list[UserError] = strawberry.field(description="Why it is not back.")


@strawberry.type
class ColumnTypeMutations:
    @strawberry.mutation(
        description="Tell what a change of a column's type would keep and lose. Changes nothing."
    )
    async def column_type_preview(
        self,
        info: Info,
        input: Annotated[ColumnTypePreviewInput, strawberry.argument(description="What to try.")],
    ) -> ColumnTypePreviewPayload | None:
        try:
            preview = await column_types.preview_column_type(
                info.context.viewer,
                info.context.storage,
                given_id(input.table_id),
                _command(input),
            )
        except EXPECTED as error:
            return ColumnTypePreviewPayload(preview=None, errors=user_errors(error))
        return ColumnTypePreviewPayload(preview=ColumnTypePreview.of(preview), errors=[])

    @strawberry.mutation(
        description="Change the type of a column and bring its values into it: at most 50,000, in "
        "one revision. What it was stays as a deleted column, which `columnRestore` brings back."
    )
    async def column_type_change(
        self,
        info: Info,
        input: Annotated[ColumnTypeChangeInput, strawberry.argument(description="What to change.")],
    ) -> ColumnTypeChangePayload | None:
        try:
            changed = await column_types.change_column_type(
                info.context.viewer,
                info.context.storage,
                given_id(input.table_id),
                _command(input, allow_loss=input.allow_loss),
            )
        except EXPECTED as error:
            return ColumnTypeChangePayload(
                column=None, converted_count=None, lost_count=None, errors=user_errors(error)
            )
        return ColumnTypeChangePayload(
            column=Column.of(changed.column),
            converted_count=changed.convertible,
            lost_count=changed.lost,
            errors=[],
        )

    @strawberry.mutation(
        description="Bring a deleted column back with its values, at the end of the table."
    )
    async def column_restore(
        self,
        info: Info,
        input: Annotated[ColumnRestoreInput, strawberry.argument(description="Which one.")],
    ) -> ColumnRestorePayload | None:
        try:
            column = await column_types.restore_column(
                info.context.viewer,
                info.context.storage,
                given_id(input.table_id),
                given_id(input.column_id, 1),
                input.key,
            )
        except EXPECTED as error:
            return ColumnRestorePayload(column=None, errors=user_errors(error))
        return ColumnRestorePayload(column=Column.of(column), errors=[])


def _command(input: ColumnTypePreviewInput, *, allow_loss: bool = False) -> ColumnTypeChange:
    return ColumnTypeChange(
        column_id=given_id(input.column_id, 1),
        type=columns.ColumnType(input.type.value),
        config=UNSET if input.config is None else given_config(input.config.value),
        default_value=UNSET if input.default_value is None else input.default_value.value,
        allow_loss=allow_loss,
    )
