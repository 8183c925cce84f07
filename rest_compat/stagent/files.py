"""Uploads: take a file in, give its bytes out, delete it."""

from starlette.datastructures import UploadFile
from starlette.responses import Response

from domain import files
from domain.files import FileUpload
from rest_compat.downloads import file_answer
from rest_compat.endpoints import Call
from rest_compat.stagent import shapes
from rest_compat.uploads import BrokenForm, chunks_of, form_of
from rest_compat.wire import Refused, json_response


async def exists(call: Call) -> None:
    """Raises `NotFound` unless the file in the path is there."""
    await files.get_file(call.viewer, call.storage, call.id("id", "File"))


async def upload_file(call: Call) -> Response:
    """The part `file` of a form; `taskId` is kept with it."""
    try:
        async with form_of(call) as form:
            part, task = form.get("file"), form.get("taskId")
            if not isinstance(part, UploadFile):
                raise Refused(400, "No file provided")
            upload = FileUpload(
                part.filename or "file", chunks_of(part), task if isinstance(task, str) else None
            )
            made = await files.upload_file(
                call.viewer, call.storage, upload, most_bytes=call.limits.upload_bytes
            )
    except BrokenForm:
        raise Refused(400, "Invalid form data") from None
    return json_response(shapes.file(made), 201)


async def download_file(call: Call) -> Response:
    """The bytes as an attachment that no browser runs or guesses about."""
    file, chunks = await files.read_file(call.viewer, call.storage, call.id("id", "File"))
    return file_answer(file, chunks)


async def delete_file(call: Call) -> Response:
    """With its bytes."""
    await files.delete_file(call.viewer, call.storage, call.id("id", "File"))
    return Response(status_code=204)
