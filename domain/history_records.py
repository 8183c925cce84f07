"""What history tells: entries of rows, states of a table in the past, and what differs between
two of them."""

import base64
import binascii
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from domain import ids
from domain.errors import ErrorCode, invalid

#: Entries or differences on one page at most; REST asks for as many of a table.
MAX_ENTRIES = 500
#: Characters of the name of an actor; the log knows none that is longer.
MAX_ACTOR = 256


class HistoryAction(StrEnum):
    """What an entry did to its row. Whatever a rollback did is `rollback`."""

    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"
    ROLLBACK = "rollback"


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """One version of one row.

    `change` says what happened to the row, also for a rollback: create, update or delete. `data`
    and `previous` are JSON objects by column key as texts; `data` of a deletion is the last state,
    `previous` of a creation is None. `changed` names the keys whose values differ between both.
    `author` is who is told as the row's maker when it was added. `actor_name` is the name of the
    key that `actor` is."""

    row_id: UUID
    table_id: UUID
    version: int
    revision: int
    change: str
    action: HistoryAction
    data: str
    previous: str | None
    changed: Sequence[str]
    actor: str
    actor_name: str | None
    author: str
    cause: dict[str, Any]
    at: datetime

    @property
    def id(self) -> str:
        """Opaque to clients; the same for ever."""
        return ids.entry_id(str(self.row_id), self.version)


@dataclass(frozen=True, slots=True)
class HistoryPlace:
    """A place in a history: entries come by revision, those of one revision by row."""

    revision: int
    row_id: UUID


@dataclass(frozen=True, slots=True)
class HistoryQuery:
    """Which entries, newest first. Conditions are joined with AND.

    `since` and `until` bound the moment, both included; `after` is a cursor."""

    limit: int
    after: str | None = None
    row_id: UUID | None = None
    actor: str | None = None
    action: HistoryAction | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class HistoryPage:
    """Entries, newest first; `has_more` tells of older ones."""

    entries: Sequence[HistoryEntry]
    has_more: bool


@dataclass(frozen=True, slots=True)
class AsOf:
    """A state of a table in the past: after a revision, or at a moment. Exactly one is given."""

    revision: int | None = None
    at: datetime | None = None


class DiffKind(StrEnum):
    """How a row differs between two states of a table."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"


@dataclass(frozen=True, slots=True)
class CellDiff:
    """A value in both states as JSON texts; None is empty. `key` is the column's."""

    key: str
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class RowDiff:
    """A row that differs. `before` and `after` are its data as JSON texts, None where it is not
    there."""

    row_id: UUID
    position: int
    kind: DiffKind
    before: str | None
    after: str | None
    cells: Sequence[CellDiff]


@dataclass(frozen=True, slots=True)
class DiffPlace:
    """A place among the differences: by position, then by id."""

    position: int
    row_id: UUID


@dataclass(frozen=True, slots=True)
class DiffPage:
    """Rows that differ between two revisions, in the order of the table."""

    start: int
    end: int
    rows: Sequence[RowDiff]
    has_more: bool


def refuse_revision(revision: int, pruned_to: int, last: int, name: str = "asOf") -> None:
    """Raises `Invalid` for a revision that the log no longer or not yet tells of."""
    if revision < pruned_to:
        message = f"The log of this table begins behind revision {pruned_to}"
        raise invalid(ErrorCode.LOG_PRUNED, message, name)
    if revision > last:
        message = f"The table has come to revision {last}, not to {revision}"
        raise invalid(ErrorCode.OUT_OF_RANGE, message, name)


def place_cursor(number: int, row_id: UUID) -> str:
    """The cursor of an entry or difference: a number that orders, and the row."""
    text = json.dumps([number, str(row_id)], separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


def read_place(cursor: str) -> tuple[int, UUID]:
    """What `place_cursor` put in. Raises `Invalid` for anything else."""
    try:
        packed = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        number, text = json.loads(base64.b64decode(packed, altchars=b"-_", validate=True))
        row_id = ids.parse(text)
    except (ValueError, TypeError, binascii.Error, RecursionError):
        number, row_id = None, None
    whole = isinstance(number, int) and not isinstance(number, bool)
    if row_id is None or not whole or abs(number) >= 1 << 63:
        raise invalid(ErrorCode.INVALID, "after is not a cursor of this server", "after")
    return number, row_id
