"""Mutations on rows."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, cast
from uuid import UUID

import strawberry
from strawberry.types.arguments import InputContext
from strawberry.types.base import get_object_definition

from domain import rows
from domain.columns import TableShape
from domain.errors import NotFound
from domain.rows import NewRow, RowChange, RowsAdd, RowsUpdate
from domain.selection import RowRecord
from gql.compiled.rows import row_selector
from gql.context import Info, given_id
from gql.lookups import read_by_ids
from gql.scalars import JSON
from gql.types.errors import EXPECTED, UserError, user_errors
from gql.types.rows import Row, spliced_rows
from gql.types.vocabulary import RowsUpdateMode


@strawberry.input(description="A row to be added.")
class RowAddInput:
    data: JSON = strawberry.field(
        description="Values by column key, or by label where no key fits. Missing ones take their "
        "defaults; keys without a column are kept, at most 100."
    )


@strawberry.input(description="Rows to be added, all or none.")
class RowsAddInput:
    table_id: strawberry.ID = strawberry.field(description="The table.")
    session_id: strawberry.ID | None = strawberry.field(
        default=None, description="The session that they belong to; without it the first one."
    )
    rows: list[RowAddInput] = strawberry.field(description="1 to 1,000 rows.")


@strawberry.input(description="New values of one row.")
class RowUpdateInput:
    id: strawberry.ID = strawberry.field(description="The row.")
    data: JSON = strawberry.field(description="Values by column key; null empties a cell.")
    version: int | None = strawberry.field(
        default=None,
        description="The version that you read: refused when the row changed since. Without it "
        "you write over any.",
    )


@strawberry.input(description="Rows to be changed, all or none.")
class RowsUpdateInput:
    table_id: strawberry.ID = strawberry.field(description="The table.")
    mode: RowsUpdateMode = strawberry.field(
        default=RowsUpdateMode.MERGE, description="What happens to keys that are not given."
    )
    rows: list[RowUpdateInput] = strawberry.field(description="1 to 1,000 rows, each once.")


def _rows_add(_: type, given: Mapping[str, Any], __: InputContext) -> RowsAddInput:
    return RowsAddInput(
        table_id=given["tableId"],
        session_id=given.get("sessionId"),
        rows=[RowAddInput(data=row["data"]) for row in given["rows"]],
    )


def _rows_update(_: type, given: Mapping[str, Any], __: InputContext) -> RowsUpdateInput:
    return RowsUpdateInput(
        table_id=given["tableId"],
        mode=given["mode"],
        rows=[
            RowUpdateInput(id=row["id"], data=row["data"], version=row.get("version"))
            for row in given["rows"]
        ],
    )


# Strawberry looks at the annotations of every row again, which for 1,000 rows is a third of the
# time that the whole request takes in Python. graphql-core has checked the values before.
get_object_definition(RowsAddInput, strict=True).from_input = _rows_add
get_object_definition(RowsUpdateInput, strict=True).from_input = _rows_update


@strawberry.input(description="Rows to be deleted.")
class RowsDeleteInput:
    table_id: strawberry.ID = strawberry.field(description="The table.")
    row_ids: list[strawberry.ID] = strawberry.field(
        description="1 to 1,000 ids. Those of no row are passed over."
    )


async def _written(info: Info, table_id: UUID | None, row_ids: Sequence[UUID]) -> list[Row] | None:
    """The rows after a write, read back only when they are selected."""
    if table_id is None:
        return None
    select = row_selector(info.context.executor, info._raw_info.field_nodes)
    try:
        shape, found = await read_by_ids(info.context, table_id, row_ids, select)
    except NotFound:
        return None  # deleted since
    if _compiled(select, shape):
        return cast("list[Row]", spliced_rows([row for row in found if isinstance(row, str)]))
    return [Row.of(row, shape) for row in found if isinstance(row, RowRecord)]


def _compiled(select: Any, shape: TableShape) -> bool:
    return select(shape) is not None


@strawberry.type(description="The answer of `rowsAdd`.")
class RowsAddPayload:
    written: strawberry.Private[Sequence[UUID]]
    table_id: strawberry.Private[UUID | None]
    revision: int | None = strawberry.field(description="The revision in which they were added.")
    row_ids: list[strawberry.ID] | None = strawberry.field(
        description="The new ids in the order of the request."
    )
    errors: list[UserError] = strawberry.field(description="Why nothing was added.")

    @strawberry.field(description="The new rows in the order of the request, as they are now.")
    async def rows(self, info: Info) -> list[Row] | None:
        return await _written(info, self.table_id, self.written)


@strawberry.type(description="The answer of `rowsUpdate`.")
class RowsUpdatePayload:
    written: strawberry.Private[Sequence[UUID]]
    table_id: strawberry.Private[UUID | None]
    revision: int | None = strawberry.field(description="The revision of the change.")
    errors: list[UserError] = strawberry.field(description="Why nothing was changed.")

    @strawberry.field(description="The rows in the order of the request, as they are now.")
    async def rows(self, info: Info) -> list[Row] | None:
        return await _written(info, self.table_id, self.written)


@strawberry.type(description="The answer of `rowsDelete`.")
class RowsDeletePayload:
    revision: int | None = strawberry.field(
        description="The revision of the change; the last one when no row was found."
    )
    deleted_ids: list[strawberry.ID] | None = strawberry.field(
        description="The ids of the rows that were there."
    )
    errors: list[UserError] = strawberry.field(description="Why nothing was deleted.")


@strawberry.type
class RowMutations:
    @strawberry.mutation(description="Add 1 to 1,000 rows in one revision, all or none.")
    async def rows_add(
        self,
        info: Info,
        input: Annotated[RowsAddInput, strawberry.argument(description="What to add.")],
    ) -> RowsAddPayload | None:
        table_id = given_id(input.table_id)
        session_id = given_id(input.session_id) if input.session_id is not None else None
        new = [NewRow(_data(row.data)) for row in input.rows]
        try:
            written = await rows.add_rows(
                info.context.viewer, info.context.storage, RowsAdd(table_id, new, session_id)
            )
        except EXPECTED as error:
            return RowsAddPayload(
                written=(), table_id=None, revision=None, row_ids=None, errors=user_errors(error)
            )
        return RowsAddPayload(
            written=written.row_ids,
            table_id=table_id,
            revision=written.revision,
            row_ids=_ids(written.row_ids),
            errors=[],
        )

    @strawberry.mutation(description="Change 1 to 1,000 rows in one revision, all or none.")
    async def rows_update(
        self,
        info: Info,
        input: Annotated[RowsUpdateInput, strawberry.argument(description="What to change.")],
    ) -> RowsUpdatePayload | None:
        table_id = given_id(input.table_id)
        changes = [
            RowChange(given_id(row.id, index), _data(row.data), row.version)
            for index, row in enumerate(input.rows)
        ]
        try:
            command = RowsUpdate(
                table_id, changes, "replace" if input.mode is RowsUpdateMode.REPLACE else "merge"
            )
            written = await rows.update_rows(info.context.viewer, info.context.storage, command)
        except EXPECTED as error:
            return RowsUpdatePayload(
                written=(), table_id=None, revision=None, errors=user_errors(error)
            )
        return RowsUpdatePayload(
            written=[change.id for change in changes],
            table_id=table_id,
            revision=written.revision,
            errors=[],
        )

    @strawberry.mutation(description="Delete 1 to 1,000 rows in one revision.")
    async def rows_delete(
        self,
        info: Info,
        input: Annotated[RowsDeleteInput, strawberry.argument(description="What to delete.")],
    ) -> RowsDeletePayload | None:
        table_id = given_id(input.table_id)
        row_ids = [given_id(row_id) for row_id in input.row_ids]
        try:
            written = await rows.delete_rows(
                info.context.viewer, info.context.storage, table_id, row_ids
            )
        except EXPECTED as error:
            return RowsDeletePayload(revision=None, deleted_ids=None, errors=user_errors(error))
        return RowsDeletePayload(
            revision=written.revision, deleted_ids=_ids(written.row_ids), errors=[]
        )


def _data(data: JSON) -> Mapping[str, Any]:
    # What is no object is told by the check of values, with its row.
    return cast("Mapping[str, Any]", data)


def _ids(found: Sequence[UUID]) -> list[strawberry.ID]:
    return [strawberry.ID(str(each)) for each in found]
