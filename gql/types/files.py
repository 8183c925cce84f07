"""Files."""

from datetime import datetime
from enum import Enum
from typing import Annotated
from urllib.parse import urlencode

import strawberry

from domain import entities, files
from domain.errors import ErrorCode, invalid
from gql.paging import PageInfo


@strawberry.enum(description="Whether the bytes of a file are there.")
class FileStatus(Enum):
    UPLOADING = strawberry.enum_value(
        "uploading", description="They are to come; nothing can read it yet."
    )
    UPLOADED = strawberry.enum_value("uploaded", description="They are there.")


@strawberry.type(
    description="A file. Its bytes do not come through GraphQL: `POST /files` takes them, and "
    "`fileUploadUrl` gives an address for them."
)
class File:
    id: strawberry.ID = strawberry.field(description="The id of the file.")
    name: str = strawberry.field(description="Its name, without folders.")
    mime_type: str = strawberry.field(description="What it is, told from its bytes.")
    size: int = strawberry.field(description="Bytes.")
    sha256: str | None = strawberry.field(
        description="The hash of its bytes, in hexadecimal; null until they are there. Files with "
        "the same hash share them."
    )
    status: FileStatus = strawberry.field(description="Whether its bytes are there.")
    schema_id: strawberry.ID | None = strawberry.field(
        description="The extraction schema that its address was asked for."
    )
    classifier_id: strawberry.ID | None = strawberry.field(
        description="The classifier that its address was asked for."
    )
    created_by: str = strawberry.field(description="Who uploaded it: the id of an API key, mostly.")
    created_at: datetime = strawberry.field(description="When.")

    @strawberry.field(
        description="The path that gives its bytes, with a key in the header; null until they are "
        "there."
    )
    def url(self) -> str | None:
        return f"/files/{self.id}" if self.status is FileStatus.UPLOADED else None

    @strawberry.field(
        description="The path of a picture of a page, PNG, with a key in the header. Whether there "
        "is such a page shows when it is drawn."
    )
    def picture_url(
        self,
        page: Annotated[int, strawberry.argument(description="The page, from 1.")] = 1,
        width: Annotated[
            int, strawberry.argument(description="Pixels across, 1 to 4,000.")
        ] = files.WIDTH,
    ) -> str | None:
        if not 1 <= page <= files.MAX_PAGES:
            raise invalid(ErrorCode.OUT_OF_RANGE, f"page is 1 to {files.MAX_PAGES}", "page")
        if not 1 <= width <= files.MAX_WIDTH:
            raise invalid(ErrorCode.OUT_OF_RANGE, f"width is 1 to {files.MAX_WIDTH}", "width")
        if self.status is not FileStatus.UPLOADED:
            return None
        query = f"?{urlencode({'width': width})}" if width != files.WIDTH else ""
        return f"/files/{self.id}/pages/{page}.png{query}"

    @classmethod
    def of(cls, file: entities.File) -> "File":
        """The type of a record."""
        return cls(
            id=strawberry.ID(str(file.id)),
            name=file.name,
            mime_type=file.mime_type,
            size=file.size,
            sha256=file.sha256 or None,
            status=FileStatus(file.status.value),
            schema_id=strawberry.ID(str(file.schema_id)) if file.schema_id else None,
            classifier_id=strawberry.ID(str(file.classifier_id)) if file.classifier_id else None,
            created_by=file.created_by,
            created_at=file.created_at,
        )


@strawberry.type(description="A file of a page.")
class FileEdge:
    cursor: str = strawberry.field(description="Where it stands, for `after`.")
    node: File = strawberry.field(description="The file.")


@strawberry.type(description="Some files, the last uploaded first.")
class FileConnection:
    nodes: list[File] = strawberry.field(description="The files of the page.")
    page_info: PageInfo = strawberry.field(description="Where the page lies.")

    @strawberry.field(description="The files with their cursors.")
    def edges(self) -> list[FileEdge]:
        return [FileEdge(cursor=each.id, node=each) for each in self.nodes]
