"""Errors in the shape of this dialect: `{"error": text}`, or the flattened object for broken
rules."""

from collections.abc import Sequence
from typing import Any

import structlog
from starlette.responses import Response

from domain.errors import (
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    Problem,
    TableBusy,
    TooLarge,
    Unauthenticated,
)
from domain.numbers import InvalidJson
from rest_compat.endpoints import Dialect, Endpoint
from rest_compat.wire import Refused, json_response, printable

_log = structlog.get_logger("rest_compat.stagent")

_STATUSES: dict[type[Exception], int] = {NotFound: 404, Conflict: 409, TooLarge: 413}


def render_error(error: Exception, endpoint: Endpoint | None) -> Response:
    """The answer for an error. What nobody expected is logged and shown as `Failed to …` only."""
    match error:
        case Unauthenticated():
            return _text("Unauthorized", 401, {"WWW-Authenticate": "Bearer"})
        case Forbidden():
            return _text("Forbidden", 403)
        case InvalidJson():
            return _text("Invalid JSON body", 400)
        case Refused():
            return _text(error.text, error.status)
        case Listed():
            return json_response({"error": _list(error.problems)}, 400)
        case Invalid():
            return json_response({"error": flattened(error.problems)}, 400)
        case TableBusy():
            return _text(str(error), 503, {"Retry-After": "1"})
    status = _STATUSES.get(type(error))
    if status is not None:
        return _text(str(error), status)
    failure = f"Failed to {endpoint.failure}" if endpoint else "Failed to answer"
    _log.error(failure, exc_info=error)
    return _text(failure, 500)


class Listed(Invalid):
    """Broken rules that are told one by one, as the endpoints of enrichment do."""


def _list(problems: Sequence[Problem]) -> list[dict[str, str]]:
    return [
        {"path": printable(".".join(problem.path)), "message": printable(problem.message)}
        for problem in problems
    ]


def flattened(problems: Sequence[Problem]) -> dict[str, Any]:
    """Messages by the top-level field of the body that they belong to; the others in
    `formErrors`."""
    form: list[str] = []
    fields: dict[str, list[str]] = {}
    for problem in problems:
        message = printable(_message(problem))
        if problem.path:
            fields.setdefault(printable(problem.path[0]), []).append(message)
        else:
            form.append(message)
    return {"formErrors": form, "fieldErrors": fields}


def _message(problem: Problem) -> str:
    """The message with the place inside the top-level field, unless it names the row itself."""
    if len(problem.path) < 2 or problem.message.startswith(f"{problem.path[0]}["):
        return problem.message
    place = problem.path[0]
    for step in problem.path[1:]:
        place += f"[{step}]" if step.isdigit() else f".{step}"
    return f"{place}: {problem.message}"


def _text(text: str, status: int, headers: dict[str, str] | None = None) -> Response:
    return json_response({"error": printable(text)}, status, headers)


DIALECT = Dialect("tables", render_error)
