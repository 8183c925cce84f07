"""Pieces of an import on their way to storage."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from domain.entities import ImportRejection


@dataclass(frozen=True, slots=True)
class ImportChunk:
    """Consecutive records of a file, read and checked.

    `columns` holds for each column number the values of all `count` good rows, None for empty.
    `byte_offset` and `next_line` say where the file goes on behind them, `last` that it ends."""

    session_id: UUID
    columns: Mapping[int, Sequence[Any]]
    count: int
    rejections: Sequence[ImportRejection]
    byte_offset: int
    next_line: int
    last: bool


@dataclass(frozen=True, slots=True)
class EncodedChunk:
    """A chunk with its rows in the form that storage wants; nobody else looks at `payload`."""

    chunk: ImportChunk
    payload: Any
