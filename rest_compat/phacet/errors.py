"""Errors in the shape of this dialect: `{"message": text, "errorKey": name}`."""

from collections.abc import Sequence

import structlog
from starlette.responses import Response

from domain.errors import (
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    OutOfScope,
    Problem,
    TableBusy,
    TooLarge,
    Unauthenticated,
)
from domain.numbers import InvalidJson
from rest_compat.endpoints import Dialect, Endpoint
from rest_compat.wire import Refused, json_response, printable

_log = structlog.get_logger("rest_compat.phacet")

#: The name of each status. A body or query of the wrong form has one of its own.
KEYS = {
    400: "BadRequestError",
    401: "UnauthorizedError",
    403: "ForbiddenError",
    404: "NotFoundError",
    405: "MethodNotAllowedError",
    409: "ConflictError",
    413: "PayloadTooLargeError",
    415: "UnsupportedMediaTypeError",
    429: "TooManyRequestsError",
    500: "InternalServerError",
    503: "ServiceUnavailableError",
}
VALIDATION = "ValidationError"

_STATUSES: dict[type[Exception], int] = {
    Forbidden: 403,
    OutOfScope: 403,
    NotFound: 404,
    Conflict: 409,
    TooLarge: 413,
    TableBusy: 503,
}
_HEADERS = {401: {"WWW-Authenticate": "Bearer"}, 503: {"Retry-After": "1"}}
_MOST_PROBLEMS = 20


def render_error(error: Exception, endpoint: Endpoint | None) -> Response:
    """The answer for an error. What nobody expected is logged and told in no detail."""
    match error:
        case Unauthenticated():
            return _answer(401, "Unauthorized")
        case InvalidJson():
            return _answer(400, "The body is not JSON")
        case Refused():
            return _answer(error.status, error.text)
        case Invalid():
            return _answer(400, sentence(error.problems), VALIDATION)
    status = _STATUSES.get(type(error))
    if status is not None:
        return _answer(status, str(error))
    failure = f"Failed to {endpoint.failure}" if endpoint else "Failed to answer"
    _log.error(failure, exc_info=error)
    return _answer(500, "Internal server error")


def sentence(problems: Sequence[Problem]) -> str:
    """All broken rules with their places; of very many the first ones."""
    told = [_told(problem) for problem in problems[:_MOST_PROBLEMS]]
    more = len(problems) - len(told)
    return "; ".join(told) + (f"; and {more} more" if more else "")


def _told(problem: Problem) -> str:
    place = ""
    for step in problem.path:
        place += f"[{step}]" if step.isdigit() else f".{step}" if place else step
    return f"{place}: {problem.message}" if place else problem.message


def _answer(status: int, message: str, key: str | None = None) -> Response:
    body = {"message": printable(message), "errorKey": key or KEYS[status]}
    return json_response(body, status, _HEADERS.get(status))


DIALECT = Dialect("phacet", render_error)
