"""Uploads: take a file in, give its bytes out, delete it."""

from collections.abc import AsyncIterator

from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.responses import Response, StreamingResponse

from domain import files
from domain.files import FileUpload
from rest_compat.downloads import disposition
from rest_compat.endpoints import Call
from rest_compat.stagent import shapes
from rest_compat.wire import Refused, bounded, json_response

#: What the parts around the file may add to the body.
_ENVELOPE_BYTES = 65_536
_CHUNK_BYTES = 1_048_576
_MOST_FIELDS = 10


async def exists(call: Call) -> None:
    """Raises `NotFound` unless the file in the path is there."""
    await files.get_file(call.viewer, call.storage, call.id("id", "File"))


async def upload_file(call: Call) -> Response:
    """The part `file` of a form; `taskId` is kept with it."""
    if not call.request.headers.get("content-type", "").lower().startswith("multipart/form-data"):
        raise Refused(400, "Invalid form data")
    body = bounded(call.request, call.limits.upload_bytes + _ENVELOPE_BYTES)
    parser = MultiPartParser(
        call.request.headers,
        body,
        max_files=1,
        max_fields=_MOST_FIELDS,
        max_part_size=_ENVELOPE_BYTES,
    )
    try:
        form = await parser.parse()
    except (MultiPartException, KeyError, LookupError):
        raise Refused(400, "Invalid form data") from None
    try:
        part, task = form.get("file"), form.get("taskId")
        if not isinstance(part, UploadFile):
            raise Refused(400, "No file provided")
        upload = FileUpload(
            part.filename or "file", _chunks(part), task if isinstance(task, str) else None
        )
        made = await files.upload_file(
            call.viewer, call.storage, upload, most_bytes=call.limits.upload_bytes
        )
    finally:
        await form.close()
    return json_response(shapes.file(made), 201)


async def download_file(call: Call) -> Response:
    """The bytes as an attachment that no browser runs or guesses about."""
    file, chunks = await files.read_file(call.viewer, call.storage, call.id("id", "File"))
    headers = {
        "Content-Disposition": disposition(file.name),
        "Content-Length": str(file.size),
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "sandbox; default-src 'none'",
    }
    return StreamingResponse(chunks, headers=headers, media_type=file.mime_type)


async def delete_file(call: Call) -> Response:
    """With its bytes."""
    await files.delete_file(call.viewer, call.storage, call.id("id", "File"))
    return Response(status_code=204)


async def _chunks(part: UploadFile) -> AsyncIterator[bytes]:
    while chunk := await part.read(_CHUNK_BYTES):
        yield chunk
