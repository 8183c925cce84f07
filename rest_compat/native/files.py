"""Files of any kind, and pictures of their pages."""

from starlette.datastructures import UploadFile
from starlette.responses import Response

from domain import files
from domain.entities import File
from domain.errors import ErrorCode, NotFound, invalid
from domain.files import FileUpload
from rest_compat.downloads import file_answer
from rest_compat.endpoints import Call
from rest_compat.uploads import BrokenForm, chunks_of, form_of
from rest_compat.wire import Refused, json_response, moment

_MOST_DIGITS = 9


async def exists(call: Call) -> None:
    """Raises `NotFound` unless the file in the path is there."""
    await files.get_file(call.viewer, call.storage, call.id("id", "File"))


async def upload_file(call: Call) -> Response:
    """The part `file` of a form. What it is, is told from its bytes."""
    try:
        async with form_of(call) as form:
            part = form.get("file")
            if not isinstance(part, UploadFile):
                raise Refused(400, "The form has no file in a part named file")
            made = await files.upload_file(
                call.viewer,
                call.storage,
                FileUpload(part.filename or "file", chunks_of(part)),
                most_bytes=call.limits.upload_bytes,
            )
    except BrokenForm:
        raise Refused(400, "The body is not a form that can be read") from None
    return json_response(_shown(made), 201)


async def download_file(call: Call) -> Response:
    """The bytes as an attachment that no browser runs or guesses about."""
    file, chunks = await files.read_file(call.viewer, call.storage, call.id("id", "File"))
    return file_answer(file, chunks)


async def delete_file(call: Call) -> Response:
    """With its bytes, when no other file has them."""
    await files.delete_file(call.viewer, call.storage, call.id("id", "File"))
    return Response(status_code=204)


async def picture(call: Call) -> Response:
    """A page as PNG."""
    page = _number(call.request.path_params["page"])
    width = _number(call.query("width") or str(files.WIDTH))
    if page is None:
        raise NotFound("Page")
    if width is None:
        raise invalid(ErrorCode.OUT_OF_RANGE, f"width is 1 to {files.MAX_WIDTH}", "width")
    body = await files.draw_page(
        call.viewer,
        call.storage,
        call.services.engines.documents,
        call.id("id", "File"),
        page,
        width,
    )
    headers = {
        "Cache-Control": "private, max-age=3600",
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "X-Content-Type-Options": "nosniff",
    }
    return Response(body, headers=headers, media_type="image/png")


def _number(text: str) -> int | None:
    plain = text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS
    return int(text) if plain else None


def _shown(file: File) -> dict[str, object]:
    return {
        "id": str(file.id),
        "name": file.name,
        "mimeType": file.mime_type,
        "size": file.size,
        "sha256": file.sha256,
        "createdAt": moment(file.created_at),
    }
