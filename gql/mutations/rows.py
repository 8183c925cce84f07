"""Mutations on rows."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal, TypeAlias, cast
from uuid import UUID

import strawberry
from strawberry.types.arguments import InputContext
from strawberry.types.base import get_object_definition

from domain import row_batches, rows
from domain.access import Viewer
from domain.columns import TableShape
from domain.errors import NotFound
from domain.row_batches import PartlyWritten
from domain.rows import NewRow, RowChange, RowsAdd, RowsUpdate
from domain.selection import RowRecord
from gql.compiled.rows import row_selector
from gql.context import Info, given_id
from gql.lookups import read_by_ids
from gql.scalars import JSON
from gql.types.errors import EXPECTED, UserError, user_errors
from gql.types.rows import Row, spliced_rows
from gql.types.vocabulary import ErrorPolicy, RowsUpdateMode
from persistence.storage import PostgresStorage

Mode: TypeAlias = Literal["merge", "replace"]


@strawberry.input(description="A row to be added.")
class RowAddInput:
    data: JSON = strawberry.field(
        description="Values by column key, or by label where no key fits. Missing ones take their "
        "defaults; keys without a column are kept, at most 100."
    )


@strawberry.input(description="Rows to be added.")
class RowsAddInput:
    table_id: strawberry.ID = strawberry.field(description="The table.")
    session_id: strawberry.ID | None = strawberry.field(
        default=None, description="The session that they belong to; without it the first one."
    )
    rows: list[RowAddInput] = strawberry.field(description="1 to 1,000 rows.")
    error_policy: ErrorPolicy = strawberry.field(
        default=ErrorPolicy.REJECT_ALL, description="What happens when some rows are bad."
    )


@strawberry.input(description="New values of one row.")
class RowUpdateInput:
    id: strawberry.ID = strawberry.field(description="The row.")
    data: JSON = strawberry.field(description="Values by column key; null empties a cell.")
    version: int | None = strawberry.field(
        default=None,
        description="The version that you read: refused when the row changed since. Without it "
        "you write over any.",
    )


@strawberry.input(description="Rows to be changed.")
class RowsUpdateInput:
    table_id: strawberry.ID = strawberry.field(description="The table.")
    mode: RowsUpdateMode = strawberry.field(
        default=RowsUpdateMode.MERGE, description="What happens to keys that are not given."
    )
    rows: list[RowUpdateInput] = strawberry.field(description="1 to 1,000 rows, each once.")
    error_policy: ErrorPolicy = strawberry.field(
        default=ErrorPolicy.REJECT_ALL, description="What happens when some rows are bad."
    )


def _rows_add(_: type, given: Mapping[str, Any], __: InputContext) -> RowsAddInput:
    return RowsAddInput(
        table_id=given["tableId"],
        session_id=given.get("sessionId"),
        rows=[RowAddInput(data=row["data"]) for row in given["rows"]],
        error_policy=given["errorPolicy"],
    )


def _rows_update(_: type, given: Mapping[str, Any], __: InputContext) -> RowsUpdateInput:
    return RowsUpdateInput(
        table_id=given["tableId"],
        mode=given["mode"],
        rows=[
            RowUpdateInput(id=row["id"], data=row["data"], version=row.get("version"))
            for row in given["rows"]
        ],
        error_policy=given["errorPolicy"],
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
        description="The ids of the new rows in the order of the request."
    )
    errors: list[UserError] = strawberry.field(
        description="Why nothing, or some rows, were not added."
    )

    @strawberry.field(description="The new rows in the order of the request, as they are now.")
    async def rows(self, info: Info) -> list[Row] | None:
        return await _written(info, self.table_id, self.written)


@strawberry.type(description="The answer of `rowsUpdate`.")
class RowsUpdatePayload:
    written: strawberry.Private[Sequence[UUID]]
    table_id: strawberry.Private[UUID | None]
    revision: int | None = strawberry.field(description="The revision of the change.")
    errors: list[UserError] = strawberry.field(
        description="Why nothing, or some rows, were not changed."
    )

    @strawberry.field(description="The changed rows in the order of the request, as they are now.")
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
    @strawberry.mutation(description="Add 1 to 1,000 rows in one revision.")
    async def rows_add(
        self,
        info: Info,
        input: Annotated[RowsAddInput, strawberry.argument(description="What to add.")],
    ) -> RowsAddPayload | None:
        table_id = given_id(input.table_id)
        session_id = given_id(input.session_id) if input.session_id is not None else None
        command = RowsAdd(table_id, [NewRow(_data(row.data)) for row in input.rows], session_id)
        add = _ADD[input.error_policy]
        try:
            done = await add(info.context.viewer, info.context.storage, command)
        except EXPECTED as error:
            done = PartlyWritten(None, (), [error])
        written = done.written
        return RowsAddPayload(
            written=written.row_ids if written else (),
            table_id=table_id if written else None,
            revision=written.revision if written else None,
            row_ids=_ids(written.row_ids) if written else None,
            errors=_errors(done),
        )

    @strawberry.mutation(description="Change 1 to 1,000 rows in one revision.")
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
        mode: Mode = "replace" if input.mode is RowsUpdateMode.REPLACE else "merge"
        update = _UPDATE[input.error_policy]
        try:
            command = RowsUpdate(table_id, changes, mode)
            done = await update(info.context.viewer, info.context.storage, command)
        except EXPECTED as error:
            done = PartlyWritten(None, (), [error])
        return RowsUpdatePayload(
            written=[changes[place].id for place in done.places],
            table_id=table_id if done.written else None,
            revision=done.written.revision if done.written else None,
            errors=_errors(done),
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


async def _add_all(viewer: Viewer, storage: PostgresStorage, command: RowsAdd) -> PartlyWritten:
    written = await rows.add_rows(viewer, storage, command)
    return PartlyWritten(written, range(len(command.rows)), ())


async def _update_all(
    viewer: Viewer, storage: PostgresStorage, command: RowsUpdate
) -> PartlyWritten:
    written = await rows.update_rows(viewer, storage, command)
    return PartlyWritten(written, range(len(command.rows)), ())


_ADD = {
    ErrorPolicy.REJECT_ALL: _add_all,
    ErrorPolicy.REJECT_FAILED_ROWS: row_batches.add_good_rows,
}
_UPDATE = {
    ErrorPolicy.REJECT_ALL: _update_all,
    ErrorPolicy.REJECT_FAILED_ROWS: row_batches.update_good_rows,
}


def _errors(done: PartlyWritten) -> list[UserError]:
    return [told for refusal in done.refusals for told in user_errors(refusal)]


def _data(data: JSON) -> Mapping[str, Any]:
    # What is no object is told by the check of values, with its row.
    return cast("Mapping[str, Any]", data)


def _ids(found: Sequence[UUID]) -> list[strawberry.ID]:
    return [strawberry.ID(str(each)) for each in found]
