"""Checked rows on their way to storage, and what a write answers."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from domain.row_values import RowValues


@dataclass(frozen=True, slots=True)
class PreparedRow:
    """A checked row on its way to storage."""

    id: UUID
    values: RowValues
    created_by: str | None = None
    version: int | None = None


@dataclass(frozen=True, slots=True)
class Written:
    """What a write did: the table's revision, its moment, and the rows in the order of the
    request."""

    revision: int
    at: datetime
    row_ids: Sequence[UUID]
