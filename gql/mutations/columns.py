"""Mutations on columns."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any, cast

import strawberry

from domain import column_editing, columns
from domain.columns import NewColumn
from domain.entities import UNSET, ColumnUpdate, Unset
from domain.errors import DomainError, ErrorCode, Invalid, Problem, invalid
from domain.tool_records import Tool
from gql.context import Info, given_id
from gql.mutations.column_tools import ColumnToolInput, given_tool, refuse_programs
from gql.scalars import JSON
from gql.types.columns import Column, ColumnIndex
from gql.types.errors import EXPECTED, UserError, user_errors
from gql.types.vocabulary import ColumnType, ComputedBy


@strawberry.input(description="A column to be made.")
class ColumnInput:
    key: str = strawberry.field(
        description="The name of its values in `Row.data`: 1 to 64 characters, unique, for ever."
    )
    label: str | None = strawberry.field(
        default=None, description="The name that people see, 1 to 128 characters; the key without."
    )
    type: ColumnType = strawberry.field(
        default=ColumnType.TEXT, description="What kind of values it holds."
    )
    required: bool = strawberry.field(
        default=False, description="Whether every row needs a value here."
    )
    default_value: str | None = strawberry.field(
        default=None, description="What new rows get when they give no value, written as text."
    )
    config: JSON | None = strawberry.field(
        default=None, description="An object of settings, such as `options` of a select; 1 MB."
    )
    computed_by: ComputedBy | None = strawberry.field(
        default=None, description="Who fills its cells in place of people; TOOL with a `tool`."
    )
    tool: ColumnToolInput | None = strawberry.field(
        default=None, description="What fills its cells in runs."
    )


@strawberry.input(description="A column to be added at the end.")
class ColumnAddInput:
    table_id: strawberry.ID = strawberry.field(description="The table.")
    column: ColumnInput = strawberry.field(description="The column.")


@strawberry.input(description="What to change of a column. What is absent stays, null clears.")
class ColumnUpdateInput:
    table_id: strawberry.ID = strawberry.field(description="The table.")
    column_id: strawberry.ID = strawberry.field(description="The column.")
    label: strawberry.Maybe[str | None] = strawberry.field(
        description="1 to 128 characters; null is refused."
    )
    required: strawberry.Maybe[bool | None] = strawberry.field(
        description="Whether every row needs a value; null is refused."
    )
    default_value: strawberry.Maybe[str | None] = strawberry.field(
        description="What new rows get, written as text."
    )
    config: strawberry.Maybe[JSON | None] = strawberry.field(
        description="An object of settings, in place of the old one."
    )
    tool: strawberry.Maybe[ColumnToolInput | None] = strawberry.field(
        description="What fills its cells in runs, in place of the old one; null leaves the cells "
        "to people."
    )


@strawberry.input(description="A column to be deleted. Its values stay in history.")
class ColumnDeleteInput:
    table_id: strawberry.ID = strawberry.field(description="The table.")
    column_id: strawberry.ID = strawberry.field(description="The column.")


@strawberry.input(description="A new order of columns.")
class ColumnsReorderInput:
    table_id: strawberry.ID = strawberry.field(description="The table.")
    column_ids: list[strawberry.ID] = strawberry.field(
        description="Every column of the table exactly once."
    )


@strawberry.input(description="A column that shall have an index.")
class ColumnIndexCreateInput:
    table_id: strawberry.ID = strawberry.field(description="The table.")
    column_id: strawberry.ID = strawberry.field(description="The column.")


@strawberry.type(description="The answer of `columnAdd`.")
class ColumnAddPayload:
    column: Column | None = strawberry.field(description="The new column.")
    errors: list[UserError] = strawberry.field(description="Why there is none.")


@strawberry.type(description="The answer of `columnUpdate`.")
class ColumnUpdatePayload:
    column: Column | None = strawberry.field(description="The column after the change.")
    errors: list[UserError] = strawberry.field(description="Why nothing was changed.")


@strawberry.type(description="The answer of `columnDelete`.")
class ColumnDeletePayload:
    deleted_id: strawberry.ID | None = strawberry.field(description="The id of the column.")
    errors: list[UserError] = strawberry.field(description="Why it is still there.")


@strawberry.type(description="The answer of `columnsReorder`.")
class ColumnsReorderPayload:
    columns: list[Column] | None = strawberry.field(description="The columns in their new order.")
    errors: list[UserError] = strawberry.field(description="Why nothing was changed.")


@strawberry.type(description="The answer of `columnIndexCreate`.")
class ColumnIndexCreatePayload:
    index: ColumnIndex | None = strawberry.field(
        description="The index; asking again gives the same one with its present status."
    )
    errors: list[UserError] = strawberry.field(description="Why there is none.")


@strawberry.type
class ColumnMutations:
    @strawberry.mutation(description="Add a column at the end. Rows show it empty.")
    async def column_add(
        self,
        info: Info,
        input: Annotated[ColumnAddInput, strawberry.argument(description="What to add.")],
    ) -> ColumnAddPayload | None:
        table_id = given_id(input.table_id)
        try:
            new = new_column(input.column, "columns", "0")
            await refuse_programs(info, {("columns", "0", "tool"): new.tool})
            column = await column_editing.add_column(
                info.context.viewer, info.context.storage, table_id, new
            )
        except EXPECTED as error:
            return ColumnAddPayload(column=None, errors=column_errors(error, "column"))
        return ColumnAddPayload(column=Column.of(column), errors=[])

    @strawberry.mutation(description="Change a column's label, required, default or config.")
    async def column_update(
        self,
        info: Info,
        input: Annotated[ColumnUpdateInput, strawberry.argument(description="What to change.")],
    ) -> ColumnUpdatePayload | None:
        table_id = given_id(input.table_id)
        column_id = given_id(input.column_id)
        try:
            changes = _update(input)
            if isinstance(changes.tool, Tool):
                await refuse_programs(info, {("tool",): changes.tool})
            column = await column_editing.update_column(
                info.context.viewer, info.context.storage, table_id, column_id, changes
            )
        except EXPECTED as error:
            return ColumnUpdatePayload(column=None, errors=user_errors(error))
        return ColumnUpdatePayload(column=Column.of(column), errors=[])

    @strawberry.mutation(description="Take a column out of its table.")
    async def column_delete(
        self,
        info: Info,
        input: Annotated[ColumnDeleteInput, strawberry.argument(description="What to delete.")],
    ) -> ColumnDeletePayload | None:
        table_id = given_id(input.table_id)
        column_id = given_id(input.column_id)
        try:
            await column_editing.delete_column(
                info.context.viewer, info.context.storage, table_id, column_id
            )
        except EXPECTED as error:
            return ColumnDeletePayload(deleted_id=None, errors=user_errors(error))
        return ColumnDeletePayload(deleted_id=strawberry.ID(str(column_id)), errors=[])

    @strawberry.mutation(description="Put the columns of a table in another order.")
    async def columns_reorder(
        self,
        info: Info,
        input: Annotated[ColumnsReorderInput, strawberry.argument(description="The order.")],
    ) -> ColumnsReorderPayload | None:
        table_id = given_id(input.table_id)
        try:
            ordered = await column_editing.reorder_columns(
                info.context.viewer, info.context.storage, table_id, list(input.column_ids)
            )
        except EXPECTED as error:
            return ColumnsReorderPayload(columns=None, errors=user_errors(error))
        return ColumnsReorderPayload(columns=[Column.of(each) for each in ordered], errors=[])

    @strawberry.mutation(description="Build an index on a column while writers go on.")
    async def column_index_create(
        self,
        info: Info,
        input: Annotated[ColumnIndexCreateInput, strawberry.argument(description="Which one.")],
    ) -> ColumnIndexCreatePayload | None:
        table_id = given_id(input.table_id)
        column_id = given_id(input.column_id)
        try:
            index = await column_editing.create_index(
                info.context.viewer, info.context.storage, table_id, column_id
            )
        except EXPECTED as error:
            return ColumnIndexCreatePayload(index=None, errors=user_errors(error))
        return ColumnIndexCreatePayload(index=ColumnIndex.of(index), errors=[])


def new_column(given: ColumnInput, *path: str) -> NewColumn:
    """The column at `path` of the input as a command. Raises `Invalid` for a config that is no
    object."""
    return NewColumn(
        key=given.key,
        label=given.key if given.label is None else given.label,
        type=columns.ColumnType(given.type.value),
        required=given.required,
        default_value=given.default_value,
        config=given_config(given.config, *path),
        computed_by=_computed_by(given),
        tool=given_tool(given.tool) if given.tool else None,
    )


def _computed_by(given: ColumnInput) -> columns.ComputedBy | None:
    """Who fills the cells; a tool says it without the word."""
    if given.computed_by is not None:
        return columns.ComputedBy(given.computed_by.value)
    return columns.ComputedBy.TOOL if given.tool else None


def _update(input: ColumnUpdateInput) -> ColumnUpdate:
    return ColumnUpdate(
        label=UNSET if input.label is None else input.label.value,
        required=UNSET if input.required is None else input.required.value,
        default_value=UNSET if input.default_value is None else input.default_value.value,
        config=UNSET if input.config is None else given_config(input.config.value),
        tool=_tool(input.tool),
    )


def _tool(given: "strawberry.Maybe[ColumnToolInput | None]") -> Tool | Unset | None:
    if given is None:
        return UNSET
    return given_tool(given.value) if given.value else None


def given_config(config: JSON | None, *path: str) -> Mapping[str, Any] | None:
    """A config as given. Raises `Invalid` when it is no object."""
    if config is not None and not isinstance(config, dict):
        raise invalid(ErrorCode.INVALID_TYPE, "config must be an object", *path, "config")
    return cast("Mapping[str, Any] | None", config)


#: What the rules of columns call by the names of the Tables API.
_NAMES = {"name": "key", "displayName": "label"}


def column_errors(error: DomainError, single: str | None = None) -> list[UserError]:
    """Errors of inputs with new columns, in the words of `ColumnInput`. `single` is the field of an
    input that has one column in place of a list."""
    if not isinstance(error, Invalid):
        return user_errors(error)
    return user_errors(Invalid([_of_the_input(problem, single) for problem in error.problems]))


def _of_the_input(problem: Problem, single: str | None) -> Problem:
    path, message = problem.path, problem.message
    if path[:1] != ("columns",):
        return problem
    for old, new in _NAMES.items() if len(path) == 3 else ():
        if path[2] == old:
            path = (*path[:2], new)
            message = new + message.removeprefix(old) if message.startswith(old) else message
            break
    if single is not None:
        path = (single, *path[2:])
    return replace(problem, path=path, message=message)
