"""What an export reads, row by row, and what it is asked to read."""

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol
from uuid import UUID

from domain.columns import Column
from domain.filters import Filter, Sort


@dataclass(frozen=True, slots=True)
class ExportBounds:
    """What the format can hold. An export that is found to hold more is refused with `TooLarge`."""

    rows: int
    characters: int


@dataclass(frozen=True, slots=True)
class ExportQuery:
    """Which rows, in what order, and which columns of them.

    `extra` adds the keys without a column. `as_of` is the revision to read; None reads the one at
    which the export begins. `limit` ends the export quietly, `bounds` refuse it."""

    columns: tuple[Column, ...]
    extra: bool = False
    filter: Filter | None = None
    sorts: tuple[Sort, ...] = ()
    session_id: UUID | None = None
    as_of: int | None = None
    limit: int | None = None
    bounds: ExportBounds | None = None


class ExportRow(NamedTuple):
    """The values of the query's columns as JSON texts, None for empty, and the JSON object of the
    keys without a column, None for none."""

    values: Sequence[str | None]
    extra: str | None


class OpenExport(Protocol):
    """An export that has begun. It holds no transaction and no connection between two chunks."""

    @property
    def revision(self) -> int:
        """The revision that all of its rows are of, whatever is written meanwhile."""

    def chunks(self) -> AsyncGenerator[Sequence[ExportRow], None]:
        """The rows in chunks of a few megabytes. Raises `NotFound` when the table was deleted."""
