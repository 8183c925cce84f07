"""What answers that browsers save as files have in common."""

import re
from collections.abc import AsyncIterator
from urllib.parse import quote

from starlette.responses import Response, StreamingResponse

from domain.entities import File

_UNSAFE = re.compile(r"[^A-Za-z0-9 !#$&+.^_`|~()\[\]{}@,=-]")


def disposition(name: str) -> str:
    """`Content-Disposition` for a download: a plain name for old clients, the whole one in
    UTF-8."""
    plain = _UNSAFE.sub("_", name)
    header = f'attachment; filename="{plain}"'
    if plain == name:
        return header
    return f"{header}; filename*=UTF-8''{quote(name, safe='', errors='replace')}"


def file_answer(file: File, chunks: AsyncIterator[bytes]) -> Response:
    """The bytes as an attachment that no browser runs or guesses about."""
    headers = {
        "Content-Disposition": disposition(file.name),
        "Content-Length": str(file.size),
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "sandbox; default-src 'none'",
    }
    return StreamingResponse(chunks, headers=headers, media_type=file.mime_type)
