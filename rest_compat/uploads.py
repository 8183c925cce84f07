"""Forms that bring a file: read in bounded memory, and with patience for headers made by hand."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.datastructures import FormData, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from rest_compat.endpoints import Call
from rest_compat.wire import bounded

#: What the parts around the file may add to the body.
_ENVELOPE_BYTES = 65_536
_CHUNK_BYTES = 1_048_576
_MOST_FIELDS = 10

#: A file's part whose name stands last, up to the last quote of the line.
_NAME_LAST = re.compile(
    rb'(?P<head>\s*form-data\s*;\s*name=(?:"[^"]*"|[^";\s]+)\s*;\s*filename=")(?P<name>.*)"\s*',
    re.DOTALL | re.IGNORECASE,
)


class BrokenForm(Exception):
    """The body is no form, or not one that can be read."""


@asynccontextmanager
async def form_of(call: Call) -> AsyncIterator[FormData]:
    """The form in the body, with one file at most. Raises `BrokenForm`, and `TooLarge`."""
    kind = call.request.headers.get("content-type", "").lower()
    if not kind.startswith("multipart/form-data"):
        raise BrokenForm
    parser = _Parser(
        call.request.headers,
        bounded(call.request, call.limits.upload_bytes + _ENVELOPE_BYTES),
        max_files=1,
        max_fields=_MOST_FIELDS,
        max_part_size=_ENVELOPE_BYTES,
    )
    try:
        form = await parser.parse()
    except (MultiPartException, KeyError, LookupError):
        raise BrokenForm from None
    try:
        yield form
    finally:
        await form.close()


async def chunks_of(part: UploadFile) -> AsyncIterator[bytes]:
    """The bytes of a part."""
    while chunk := await part.read(_CHUNK_BYTES):
        yield chunk


class _Parser(MultiPartParser):
    """Some clients put a file's name between quotes and leave the quotes in it as they are."""

    def on_headers_finished(self) -> None:
        given = self._current_part.content_disposition
        found = _NAME_LAST.fullmatch(given) if given is not None else None
        if found is not None and b'"' in re.sub(rb"\\.", b"", found["name"]):
            escaped = found["name"].replace(b"\\", b"\\\\").replace(b'"', b'\\"')
            self._current_part.content_disposition = found["head"] + escaped + b'"'
        super().on_headers_finished()
