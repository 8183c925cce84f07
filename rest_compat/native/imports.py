"""The refused rows of an import: `/imports/{id}/errors.csv`."""

from starlette.responses import Response, StreamingResponse

from domain.errors import Invalid, Problem
from domain.import_errors import import_error_file
from rest_compat.downloads import disposition
from rest_compat.endpoints import Call
from rest_compat.native.exports import guards


async def error_file(call: Call) -> Response:
    """Every row that was not imported, and why, as CSV."""
    problems: list[Problem] = []
    guard = guards(call, problems)
    import_id = call.id("id", "Import")
    file = await import_error_file(call.viewer, call.storage, import_id, guards=guard)
    if problems:
        raise Invalid(problems)
    headers = {
        "Content-Disposition": disposition(file.file_name),
        "X-Content-Type-Options": "nosniff",
    }
    media_type = "text/csv; charset=utf-8"
    if call.request.method == "HEAD":
        return Response(headers=headers, media_type=media_type)
    return StreamingResponse(file.stream(), headers=headers, media_type=media_type)
