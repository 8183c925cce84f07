"""The errors that use cases raise. Faces render them in their own shape; nothing here knows
HTTP."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum


class ErrorCode(StrEnum):
    """What went wrong with one input value, in words a program can act on."""

    REQUIRED = "REQUIRED"
    INVALID = "INVALID"
    INVALID_TYPE = "INVALID_TYPE"
    NOT_AN_OPTION = "NOT_AN_OPTION"
    OUT_OF_RANGE = "OUT_OF_RANGE"
    TOO_LONG = "TOO_LONG"
    TOO_MANY = "TOO_MANY"
    DUPLICATE = "DUPLICATE"
    UNKNOWN_COLUMN = "UNKNOWN_COLUMN"
    NOT_FOUND = "NOT_FOUND"
    VERSION_CONFLICT = "VERSION_CONFLICT"
    ILLEGAL_STATUS = "ILLEGAL_STATUS"
    TABLE_BUSY = "TABLE_BUSY"
    CONFLICT = "CONFLICT"
    LOG_PRUNED = "LOG_PRUNED"


@dataclass(frozen=True, slots=True)
class Problem:
    """One broken rule.

    `path` leads from the input's root to the value, for example `("rows", "3", "data", "rating")`.
    `row_index` is the zero-based place in the request's list of rows, if the value belongs to one.
    """

    code: ErrorCode
    message: str
    path: tuple[str, ...] = ()
    row_index: int | None = None


class DomainError(Exception):
    """Base of every expected failure. `str(error)` is safe to show to a client."""


@dataclass(eq=False)
class NotFound(DomainError):
    """No such thing, or it belongs to another organisation: both look the same (`Table not
    found`)."""

    noun: str

    def __str__(self) -> str:
        return f"{self.noun} not found"


@dataclass(eq=False)
class Invalid(DomainError):
    """The input breaks rules. All problems of a request are listed, not only the first."""

    problems: Sequence[Problem]

    def __str__(self) -> str:
        return "; ".join(problem.message for problem in self.problems)


def invalid(code: ErrorCode, message: str, *path: str, row_index: int | None = None) -> Invalid:
    """An `Invalid` with a single problem."""
    return Invalid([Problem(code, message, path, row_index)])


@dataclass(frozen=True, slots=True)
class VersionConflict:
    """A row that changed since the writer read it."""

    row_index: int
    row_id: str
    expected: int
    actual: int


@dataclass(eq=False)
class Conflict(DomainError):
    """Someone else wrote first. `conflicts` names the rows with both versions."""

    message: str
    conflicts: Sequence[VersionConflict] = field(default_factory=tuple)

    def __str__(self) -> str:
        return self.message


class SecretLost(Conflict):
    """A stored secret cannot be opened: the key that sealed it is gone."""

    def __init__(self) -> None:
        super().__init__(
            "The stored secret cannot be opened: the server's secret key is not the one that"
            " sealed it; give the secret again"
        )


class Unauthenticated(DomainError):
    """No key, or one that is unknown, expired or revoked."""

    def __str__(self) -> str:
        return "A valid API key is required"


@dataclass(eq=False)
class Forbidden(DomainError):
    """The key is good but its role does not allow the operation."""

    operation: str
    needed: str

    def __str__(self) -> str:
        return f"{self.operation} needs the role {self.needed}"


class OutOfScope(Forbidden):
    """The key reaches some projects or tables only, and the operation the whole organisation."""

    def __str__(self) -> str:
        return f"{self.operation} needs a key without a scope"


@dataclass(eq=False)
class TooLarge(DomainError):
    """The input is over a stated bound."""

    message: str

    def __str__(self) -> str:
        return self.message


class TableBusy(DomainError):
    """A change of structure could not get its lock in time. Trying again is safe."""

    def __str__(self) -> str:
        return "The table is busy; nothing was changed, try again"


class StructureMoved(Exception):
    """The table's columns changed under a running use case. `tables.with_table` reruns it; clients
    never see this."""
