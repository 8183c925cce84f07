"""Expected errors, as data in payloads."""

import strawberry

from domain.errors import Conflict, DomainError, Invalid, Problem, TableBusy, TooLarge
from gql.types.vocabulary import ErrorCode

#: Errors that a payload tells. All others are top-level errors.
EXPECTED = (Invalid, Conflict, TableBusy, TooLarge)


@strawberry.type(description="One broken rule of an input. All of a request are listed at once.")
class UserError:
    code: ErrorCode = strawberry.field(description="What is wrong, for programs.")
    message: str = strawberry.field(description="What is wrong, for people, in English.")
    path: list[str] = strawberry.field(
        description="The way from the input to the value, such as `rows`, `3`, `data`, `rating`."
    )
    row_index: int | None = strawberry.field(
        default=None, description="The row or cell in the request's list, from 0."
    )
    expected_version: int | None = strawberry.field(
        default=None, description="VERSION_CONFLICT: the version that the writer had read."
    )
    actual_version: int | None = strawberry.field(
        default=None, description="VERSION_CONFLICT: the version that the row has now."
    )


def user_errors(error: DomainError) -> list[UserError]:
    """An expected error as data."""
    if isinstance(error, Invalid):
        return [user_error(problem) for problem in error.problems]
    if isinstance(error, Conflict) and error.conflicts:
        return [
            UserError(
                code=ErrorCode.VERSION_CONFLICT,
                message=f"rows[{each.row_index}] is at version {each.actual}, not {each.expected}",
                path=["rows", str(each.row_index), "version"],
                row_index=each.row_index,
                expected_version=each.expected,
                actual_version=each.actual,
            )
            for each in error.conflicts
        ]
    return [UserError(code=_code(error), message=str(error), path=[])]


def user_error(problem: Problem) -> UserError:
    """One broken rule as data."""
    return UserError(
        code=ErrorCode(problem.code.value),
        message=problem.message,
        path=list(problem.path),
        row_index=problem.row_index,
    )


def _code(error: DomainError) -> ErrorCode:
    if isinstance(error, TableBusy):
        return ErrorCode.TABLE_BUSY
    return ErrorCode.TOO_MANY if isinstance(error, TooLarge) else ErrorCode.CONFLICT
