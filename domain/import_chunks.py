"""Pieces of an import on their way to storage."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from domain.entities import ImportRejection

_SHOWN_CHARACTERS = 1_000


@dataclass(frozen=True, slots=True)
class Merge:
    """What storage needs beside the rows when an import updates what is there.

    `keys` are the numbers of the columns that tell rows apart, `given` those that the file fills.
    `records` has for each row the number of its record and the fields, and `earlier` those of
    records with the same key that it replaces, by the row's place. `no_additions` says why no row
    may be added; None when they may."""

    keys: Sequence[int]
    given: Sequence[int]
    records: Sequence[tuple[int, Sequence[str]]]
    earlier: Mapping[int, Sequence[tuple[int, Sequence[str]]]] = field(default_factory=dict)
    no_additions: str | None = None

    def count(self, rows: Sequence[int]) -> int:
        """How many records of the file these rows stand for."""
        return len(rows) + sum(len(self.earlier[row]) for row in rows if row in self.earlier)

    def reject(self, row: int, error: str) -> list[ImportRejection]:
        """The refusal of a row, and of the records that it replaced."""
        records = [*self.earlier.get(row, ()), self.records[row]]
        return [rejection(line, error, record) for line, record in records]


@dataclass(frozen=True, slots=True)
class ImportChunk:
    """Consecutive records of a file, read and checked.

    `columns` holds for each column number the values of all `count` good rows, None for empty.
    `byte_offset` and `next_line` say where the file goes on behind them, `last` that it ends.
    `merge` is None when all rows are added."""

    session_id: UUID
    columns: Mapping[int, Sequence[Any]]
    count: int
    rejections: Sequence[ImportRejection]
    byte_offset: int
    next_line: int
    last: bool
    merge: Merge | None = None


@dataclass(frozen=True, slots=True)
class EncodedChunk:
    """A chunk with its rows in the form that storage wants; nobody else looks at `payload`."""

    chunk: ImportChunk
    payload: Any


def rejection(line: int, error: str, record: Sequence[str]) -> ImportRejection:
    """A refused record as it can be kept: cut to size, without the one character that jsonb
    refuses."""
    fields = [field[:_SHOWN_CHARACTERS].replace("\0", "\ufffd") for field in record]
    return ImportRejection(line, error, fields)
