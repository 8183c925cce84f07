"""Answers that stream an export."""

from collections.abc import AsyncIterator
from contextlib import aclosing

import structlog
from starlette.responses import Response, StreamingResponse

from domain.errors import DomainError
from domain.exports import Export, ExportRequest, open_export
from rest_compat.downloads import disposition
from rest_compat.endpoints import Call

_log = structlog.get_logger("rest_compat.exports")


async def export_answer(call: Call, request: ExportRequest) -> Response:
    """The export as a download. `X-Revision` tells the revision that all of it is of.

    Whoever stops reading stops the export. When something goes wrong in its middle the connection
    is closed without the last chunk, so that no client takes a part for the whole."""
    export = await open_export(call.viewer, call.storage, request)
    headers = {
        "Content-Disposition": disposition(export.file_name),
        "X-Content-Type-Options": "nosniff",
        "X-Revision": str(export.revision),
    }
    if call.request.method == "HEAD":
        return Response(headers=headers, media_type=export.media_type)
    return StreamingResponse(_told(export), headers=headers, media_type=export.media_type)


async def _told(export: Export) -> AsyncIterator[bytes]:
    try:
        async with aclosing(export.stream()) as stream:
            async for chunk in stream:
                if chunk:
                    yield chunk
    except DomainError as error:
        _log.warning("an export broke off", file=export.file_name, reason=str(error))
        raise
