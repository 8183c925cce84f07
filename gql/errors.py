"""The one formatter of top-level errors. Nothing internal gets past it."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Any

import structlog
from graphql import GraphQLError

from domain.errors import (
    Conflict,
    DomainError,
    Forbidden,
    Invalid,
    NotFound,
    OutOfScope,
    SecretLost,
    TableBusy,
    TooLarge,
    Unauthenticated,
)

logger = structlog.get_logger(__name__)


#: What clients learn of a fault of ours.
INTERNAL_MESSAGE = "Something went wrong here; it was logged"


class Code(StrEnum):
    """`extensions.code` of top-level errors."""

    UNAUTHENTICATED = "UNAUTHENTICATED"
    FORBIDDEN = "FORBIDDEN"
    NOT_FOUND = "NOT_FOUND"
    BAD_USER_INPUT = "BAD_USER_INPUT"
    CONFLICT = "CONFLICT"
    LIMIT_EXCEEDED = "LIMIT_EXCEEDED"
    RATE_LIMITED = "RATE_LIMITED"
    TABLE_BUSY = "TABLE_BUSY"
    INTERNAL = "INTERNAL"


_CODES: dict[type[DomainError], Code] = {
    Unauthenticated: Code.UNAUTHENTICATED,
    Forbidden: Code.FORBIDDEN,
    OutOfScope: Code.FORBIDDEN,
    NotFound: Code.NOT_FOUND,
    Conflict: Code.CONFLICT,
    SecretLost: Code.CONFLICT,
    TooLarge: Code.LIMIT_EXCEEDED,
    TableBusy: Code.TABLE_BUSY,
}


class LimitExceeded(GraphQLError):
    """A document that would cost too much."""


def format_errors(
    errors: Sequence[GraphQLError], request_id: str | None = None
) -> list[dict[str, Any]]:
    """Errors as the response shows them."""
    return [_format(error, request_id) for error in errors]


def is_internal(error: GraphQLError) -> bool:
    """Whether it is our fault rather than the client's."""
    return _code(error) is Code.INTERNAL


def plain_error(code: Code, message: str, request_id: str | None = None) -> dict[str, Any]:
    """An error that has no place in a document."""
    return {"message": message, "extensions": _extensions(code, request_id)}


def domain_error(error: DomainError, request_id: str | None = None) -> dict[str, Any]:
    """A use case's error that has no place in a document."""
    return plain_error(_domain_code(error), str(error), request_id)


def _format(error: GraphQLError, request_id: str | None) -> dict[str, Any]:
    code = _code(error)
    message = error.message
    if code is Code.INTERNAL:
        logger.error("graphql_failed", path=error.path, exc_info=error.original_error)
        message = INTERNAL_MESSAGE
    formatted: dict[str, Any] = {"message": message}
    if error.locations:
        formatted["locations"] = [
            {"line": place.line, "column": place.column} for place in error.locations
        ]
    if error.path is not None:
        formatted["path"] = error.path
    formatted["extensions"] = _extensions(code, request_id)
    if isinstance(error.original_error, Invalid):
        formatted["extensions"]["problems"] = [
            {
                "code": problem.code.value,
                "message": problem.message,
                "path": list(problem.path),
                "rowIndex": problem.row_index,
            }
            for problem in error.original_error.problems
        ]
    return formatted


def _extensions(code: Code, request_id: str | None) -> dict[str, Any]:
    return {"code": code.value} | ({"requestId": request_id} if request_id else {})


def _code(error: GraphQLError) -> Code:
    original: BaseException | None = error
    while isinstance(original, GraphQLError):
        if isinstance(original, LimitExceeded):
            return Code.LIMIT_EXCEEDED
        inner = original.original_error
        if inner is None:
            return Code.BAD_USER_INPUT
        original = inner
    return _domain_code(original) if isinstance(original, DomainError) else Code.INTERNAL


def _domain_code(error: DomainError) -> Code:
    return _CODES.get(type(error), Code.BAD_USER_INPUT)
