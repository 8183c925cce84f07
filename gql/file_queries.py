"""Queries of files."""

from typing import Annotated

import strawberry

from domain import files, ids
from domain.errors import ErrorCode, NotFound, invalid
from domain.files import FileSearch
from gql.context import Info, given_id
from gql.paging import PageInfo
from gql.types.files import File, FileConnection


@strawberry.type
class FileQueries:
    @strawberry.field(description="A file by its id.")
    async def file(
        self,
        info: Info,
        id: Annotated[
            strawberry.ID, strawberry.argument(description="The id; null for one unknown.")
        ],
    ) -> File | None:
        context = info.context
        try:
            found = await files.get_file(context.viewer, context.storage, given_id(id))
        except NotFound:
            return None
        return File.of(found)

    @strawberry.field(description="Files, the last uploaded first.")
    async def files(
        self,
        info: Info,
        search: Annotated[
            str | None,
            strawberry.argument(description="Only files with this text in their names."),
        ] = None,
        first: Annotated[int, strawberry.argument(description="1 to 100 files.")] = 50,
        after: Annotated[
            str | None, strawberry.argument(description="A cursor: files behind it.")
        ] = None,
    ) -> FileConnection:
        context = info.context
        behind = None if after is None else ids.parse(after)
        if after is not None and behind is None:
            raise invalid(ErrorCode.INVALID, "after is no cursor of files", "after")
        wanted = FileSearch(search, behind, first)
        found = await files.list_files(context.viewer, context.storage, wanted)
        nodes = [File.of(each) for each in found[:first]]
        return FileConnection(
            nodes=nodes,
            page_info=PageInfo(
                has_next_page=len(found) > first,
                has_previous_page=after is not None,
                start_cursor=nodes[0].id if nodes else None,
                end_cursor=nodes[-1].id if nodes else None,
            ),
        )
