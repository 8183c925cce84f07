"""What a change of a column's type is asked with and answers, as plain records."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias
from uuid import UUID

from domain.columns import Column, ColumnType
from domain.entities import UNSET, Unset

#: Cells that are not empty, in one change. It is one transaction that keeps everybody else out.
MAX_VALUES = 50_000


@dataclass(frozen=True, slots=True)
class ColumnTypeChange:
    """What the column shall become; `UNSET` keeps config or default value as they are.

    Without `allow_loss` the change is refused when a value cannot be brought into the new type."""

    column_id: UUID
    type: ColumnType
    config: Mapping[str, Any] | Unset | None = UNSET
    default_value: str | Unset | None = UNSET
    allow_loss: bool = False


@dataclass(frozen=True, slots=True)
class HeldValue:
    """A cell that is not empty; `json` is its value as clients see it."""

    row_id: UUID
    json: str


@dataclass(frozen=True, slots=True)
class LostValue:
    """A value that the new type does not take, and why."""

    row_id: UUID
    json: str
    reason: str


@dataclass(frozen=True, slots=True)
class Converted:
    """Values in the new type's normal form by row, None for those that are lost."""

    values: Mapping[UUID, Any]
    lost: Sequence[LostValue]


#: Raises `Invalid` to leave everything as it is.
Convert: TypeAlias = Callable[[Sequence[HeldValue]], Awaitable[Converted]]


@dataclass(frozen=True, slots=True)
class ColumnTypePreview:
    """What a change of type would do: of `values` cells that are not empty, `convertible` keep
    their value and `lost` become empty; `samples` are the first of those."""

    values: int
    convertible: int
    lost: int
    samples: Sequence[LostValue]


@dataclass(frozen=True, slots=True)
class ColumnTypeChanged:
    """The column after its change, and how many values were kept and lost."""

    column: Column
    convertible: int
    lost: int
