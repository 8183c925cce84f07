"""Errors of our own routes: `{"error": text}`, one sentence per broken rule."""

import structlog
from starlette.responses import Response

from domain.errors import (
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    OutOfScope,
    TableBusy,
    TooLarge,
    Unauthenticated,
)
from domain.numbers import InvalidJson
from domain.upload_links import LinkRefused
from rest_compat.endpoints import Dialect, Endpoint
from rest_compat.wire import Refused, json_response, printable

_log = structlog.get_logger("rest_compat.native")

_STATUSES: dict[type[Exception], int] = {
    Unauthenticated: 401,
    Forbidden: 403,
    OutOfScope: 403,
    LinkRefused: 403,
    NotFound: 404,
    Conflict: 409,
    TooLarge: 413,
    Invalid: 400,
    TableBusy: 503,
}
_HEADERS: dict[int, dict[str, str]] = {
    401: {"WWW-Authenticate": "Bearer"},
    503: {"Retry-After": "1"},
}


def render_error(error: Exception, endpoint: Endpoint | None) -> Response:
    """The answer for an error. What nobody expected is logged and shown as `Failed to …` only."""
    match error:
        case Refused():
            return _text(error.text, error.status)
        case InvalidJson():
            return _text("The body is not JSON", 400)
    status = _STATUSES.get(type(error))
    if status is not None:
        return _text(str(error), status)
    failure = f"Failed to {endpoint.failure}" if endpoint else "Failed to answer"
    _log.error(failure, exc_info=error)
    return _text(failure, 500)


def _text(text: str, status: int) -> Response:
    return json_response({"error": printable(text)}, status, _HEADERS.get(status))


DIALECT = Dialect("native", render_error)
