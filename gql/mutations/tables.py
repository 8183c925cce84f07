"""Mutations on tables and sessions."""

from typing import Annotated
from uuid import UUID

import strawberry

from domain import tables
from domain.entities import UNSET, TableCreate, TableSource, TableUpdate, Unset
from gql.context import Info, given_id
from gql.mutations.column_tools import refuse_programs
from gql.mutations.columns import ColumnInput, column_errors, new_column
from gql.types import vocabulary
from gql.types.errors import EXPECTED, UserError, user_errors
from gql.types.sessions import Session
from gql.types.tables import Table


@strawberry.input(description="A table to be made.")
class TableCreateInput:
    name: str = strawberry.field(description="1 to 256 characters.")
    description: str | None = strawberry.field(
        default=None, description="At most 1,024 characters."
    )
    project_id: strawberry.ID | None = strawberry.field(
        default=None, description="The project that it shall belong to."
    )
    source: vocabulary.TableSource = strawberry.field(
        default=vocabulary.TableSource.MANUAL, description="Where it comes from."
    )
    columns: list[ColumnInput] = strawberry.field(
        default_factory=list, description="Its columns in order, at most 500."
    )


@strawberry.input(description="What to change of a table. What is absent stays, null clears.")
class TableUpdateInput:
    table_id: strawberry.ID = strawberry.field(description="The table.")
    name: strawberry.Maybe[str | None] = strawberry.field(
        description="1 to 256 characters; null is refused."
    )
    description: strawberry.Maybe[str | None] = strawberry.field(
        description="At most 1,024 characters."
    )
    project_id: strawberry.Maybe[strawberry.ID | None] = strawberry.field(
        description="The project; null takes it out of its project."
    )


@strawberry.input(description="A table to be deleted.")
class TableDeleteInput:
    table_id: strawberry.ID = strawberry.field(description="The table.")


@strawberry.input(description="A session to be added.")
class SessionCreateInput:
    table_id: strawberry.ID = strawberry.field(description="The table.")
    name: str | None = strawberry.field(
        default=None, description="1 to 256 characters; without it `Session <n>`."
    )


@strawberry.type(description="The answer of `tableCreate`.")
class TableCreatePayload:
    table: Table | None = strawberry.field(description="The new table.")
    errors: list[UserError] = strawberry.field(description="Why there is none.")


@strawberry.type(description="The answer of `tableUpdate`.")
class TableUpdatePayload:
    table: Table | None = strawberry.field(description="The table after the change.")
    errors: list[UserError] = strawberry.field(description="Why nothing was changed.")


@strawberry.type(description="The answer of `tableDelete`.")
class TableDeletePayload:
    deleted_id: strawberry.ID | None = strawberry.field(description="The id of the table.")
    errors: list[UserError] = strawberry.field(description="Why it is still there.")


@strawberry.type(description="The answer of `sessionCreate`.")
class SessionCreatePayload:
    session: Session | None = strawberry.field(description="The new session.")
    errors: list[UserError] = strawberry.field(description="Why there is none.")


@strawberry.type
class TableMutations:
    @strawberry.mutation(description="Make a table with its columns and a first session.")
    async def table_create(
        self,
        info: Info,
        input: Annotated[TableCreateInput, strawberry.argument(description="What to make.")],
    ) -> TableCreatePayload | None:
        try:
            command = TableCreate(
                name=input.name,
                description=input.description,
                project_id=None if input.project_id is None else given_id(input.project_id),
                source=TableSource(input.source.value),
                columns=[
                    new_column(each, "columns", str(index))
                    for index, each in enumerate(input.columns)
                ],
            )
            await refuse_programs(
                info,
                {
                    ("columns", str(index), "tool"): each.tool
                    for index, each in enumerate(command.columns)
                },
            )
            made = await tables.create_table(info.context.viewer, info.context.storage, command)
        except EXPECTED as error:
            return TableCreatePayload(table=None, errors=column_errors(error))
        return TableCreatePayload(table=Table.of(made.table), errors=[])

    @strawberry.mutation(description="Change a table's name, description or project.")
    async def table_update(
        self,
        info: Info,
        input: Annotated[TableUpdateInput, strawberry.argument(description="What to change.")],
    ) -> TableUpdatePayload | None:
        table_id = given_id(input.table_id)
        try:
            table = await tables.update_table(
                info.context.viewer, info.context.storage, table_id, _update(input)
            )
        except EXPECTED as error:
            return TableUpdatePayload(table=None, errors=user_errors(error))
        return TableUpdatePayload(table=Table.of(table), errors=[])

    @strawberry.mutation(description="Delete a table with all that belongs to it.")
    async def table_delete(
        self,
        info: Info,
        input: Annotated[TableDeleteInput, strawberry.argument(description="What to delete.")],
    ) -> TableDeletePayload | None:
        table_id = given_id(input.table_id)
        try:
            await tables.delete_table(info.context.viewer, info.context.storage, table_id)
        except EXPECTED as error:
            return TableDeletePayload(deleted_id=None, errors=user_errors(error))
        return TableDeletePayload(deleted_id=strawberry.ID(str(table_id)), errors=[])

    @strawberry.mutation(description="Add a session to a table.")
    async def session_create(
        self,
        info: Info,
        input: Annotated[SessionCreateInput, strawberry.argument(description="What to add.")],
    ) -> SessionCreatePayload | None:
        table_id = given_id(input.table_id)
        try:
            session = await tables.create_session(
                info.context.viewer, info.context.storage, table_id, input.name
            )
        except EXPECTED as error:
            return SessionCreatePayload(session=None, errors=user_errors(error))
        return SessionCreatePayload(session=Session.of(session), errors=[])


def _update(input: TableUpdateInput) -> TableUpdate:
    project_id: UUID | Unset | None = UNSET
    if input.project_id is not None:
        chosen = input.project_id.value
        project_id = None if chosen is None else given_id(chosen)
    return TableUpdate(
        name=UNSET if input.name is None else input.name.value,
        description=UNSET if input.description is None else input.description.value,
        project_id=project_id,
    )
