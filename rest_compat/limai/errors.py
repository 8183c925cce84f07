"""Errors in the shape of this dialect: `{"error": text}`."""

from collections.abc import Sequence
from typing import Any

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
from domain.extraction_records import AlreadyRunning, ExtractionJob
from domain.numbers import InvalidJson
from rest_compat.endpoints import Dialect, Endpoint
from rest_compat.wire import Refused, json_response, printable

_log = structlog.get_logger("rest_compat.limai")

#: What stands in an answer when the key is missing or does not work, or does not reach so far.
UNAUTHENTICATED = "Authentication required"
FORBIDDEN = "Unauthorized: No access to this project"
INTERNAL = "Internal server error"
RUNNING = "Job already in progress"

_STATUSES: dict[type[Exception], int] = {
    NotFound: 404,
    TooLarge: 413,
    TableBusy: 503,
}
_HEADERS = {401: {"WWW-Authenticate": "Bearer"}, 503: {"Retry-After": "1"}}
_MOST_PROBLEMS = 20


def render_error(error: Exception, endpoint: Endpoint | None) -> Response:
    """The answer for an error. What nobody expected is logged and told in no detail."""
    match error:
        case Unauthenticated():
            return _answer(401, UNAUTHENTICATED)
        case Forbidden() | OutOfScope():
            return _answer(403, FORBIDDEN)
        case AlreadyRunning():
            return json_response(running(error.existing), 409)
        case InvalidJson():
            return _answer(400, "Invalid JSON body")
        case Refused():
            return _answer(error.status, error.text)
        case Invalid():
            return _answer(400, sentence(error.problems))
        case Conflict():
            return _answer(409, str(error))
    status = _STATUSES.get(type(error))
    if status is not None:
        return _answer(status, str(error))
    failure = f"Failed to {endpoint.failure}" if endpoint else "Failed to answer"
    _log.error(failure, exc_info=error)
    return _answer(500, INTERNAL)


def running(job: ExtractionJob) -> dict[str, Any]:
    """The body for a file that is being read."""
    return {
        "error": RUNNING,
        "message": "A processing job for this file is already in progress.",
        "fileId": str(job.file_id),
        "existingJobId": str(job.id),
    }


def sentence(problems: Sequence[Problem]) -> str:
    """All broken rules; of very many the first ones."""
    told = [problem.message for problem in problems[:_MOST_PROBLEMS]]
    more = len(problems) - len(told)
    return "; ".join(told) + (f"; and {more} more" if more else "")


def placed(error: Invalid) -> Refused:
    """The refusal of a body of the wrong form, with the places in it."""
    told = [
        f"{'.'.join(problem.path)}: {problem.message}" if problem.path else problem.message
        for problem in error.problems[:_MOST_PROBLEMS]
    ]
    return Refused(400, "; ".join(told))


def _answer(status: int, text: str) -> Response:
    return json_response({"error": printable(text)}, status, _HEADERS.get(status))


DIALECT = Dialect("limai", render_error)
