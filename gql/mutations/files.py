"""Mutations on files."""

from datetime import UTC, datetime
from typing import Annotated

import strawberry

from domain import files
from domain.upload_links import LIFETIME, upload_path
from gql.context import Info, given_id
from gql.types.errors import EXPECTED, UserError, user_errors
from gql.types.files import File


@strawberry.input(description="A file that is to come.")
class FileUploadUrlInput:
    name: str = strawberry.field(description="Its name, 1 to 256 characters; folders are cut off.")


@strawberry.input(description="A file to be deleted.")
class FileDeleteInput:
    file_id: strawberry.ID = strawberry.field(description="The file.")


@strawberry.type(description="The answer of `fileUploadUrl`.")
class FileUploadUrlPayload:
    file: File | None = strawberry.field(description="The file; its bytes are to come.")
    url: str | None = strawberry.field(
        description="The path that takes the bytes by `PUT`, without a key, until `expiresAt`. "
        "Whoever has it can write this one file."
    )
    expires_at: datetime | None = strawberry.field(description="When the address ends.")
    errors: list[UserError] = strawberry.field(description="Why there is none.")


@strawberry.type(description="The answer of `fileDelete`.")
class FileDeletePayload:
    file_id: strawberry.ID | None = strawberry.field(description="The file that is gone.")
    errors: list[UserError] = strawberry.field(description="Why it is still there.")


@strawberry.type
class FileMutations:
    @strawberry.mutation(
        description="An address that takes the bytes of a new file: at most 50 MB, for 15 minutes. "
        "Until they are there the file can stand in no cell, and nothing can read it."
    )
    async def file_upload_url(
        self,
        info: Info,
        input: Annotated[FileUploadUrlInput, strawberry.argument(description="The file.")],
    ) -> FileUploadUrlPayload | None:
        context = info.context
        expires = datetime.now(UTC).replace(microsecond=0) + LIFETIME
        try:
            file = await files.begin_upload(context.viewer, context.storage, input.name)
        except EXPECTED as error:
            return FileUploadUrlPayload(
                file=None, url=None, expires_at=None, errors=user_errors(error)
            )
        url = upload_path(context.storage.secret_box, file.organization_id, file.id)
        return FileUploadUrlPayload(file=File.of(file), url=url, expires_at=expires, errors=[])

    @strawberry.mutation(
        description="Delete a file, and its bytes when no other file has them. Cells keep its id "
        "and name. Refused while an import or an extraction reads it."
    )
    async def file_delete(
        self,
        info: Info,
        input: Annotated[FileDeleteInput, strawberry.argument(description="Which one.")],
    ) -> FileDeletePayload | None:
        context = info.context
        try:
            await files.delete_file(context.viewer, context.storage, given_id(input.file_id))
        except EXPECTED as error:
            return FileDeletePayload(file_id=None, errors=user_errors(error))
        return FileDeletePayload(file_id=input.file_id, errors=[])
