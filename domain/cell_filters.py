"""Conditions on cells: where they stand, how sure their value is, why they failed."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from domain.cells import CellStatus
from domain.columns import Column, TableShape
from domain.errors import ErrorCode, Problem
from domain.rejections import Rejected, clean_text

#: Characters of a text that is looked for in errors.
MAX_PATTERN = 1_000
#: Statuses that only a stored state gives.
WRITTEN = frozenset({CellStatus.QUEUED, CellStatus.CALCULATING, CellStatus.ERROR, CellStatus.STALE})


@dataclass(frozen=True, slots=True)
class RawCell:
    """A condition on the cells of a column as the client wrote it: all that is given must hold."""

    column: str
    statuses: Sequence[str] | None = None
    confidence_below: Any = None
    confidence_at_least: Any = None
    error_contains: str | None = None


@dataclass(frozen=True, slots=True)
class CellWhere:
    """A checked condition on the cells of a column. Cells without a confidence have neither less
    nor more of it."""

    shape: TableShape
    field: Column
    statuses: tuple[CellStatus, ...] | None = None
    confidence_below: float | None = None
    confidence_at_least: float | None = None
    error_contains: str | None = None

    def __hash__(self) -> int:
        # A shape holds mappings, so the generated hash would raise.
        return hash((self.shape.id, self.field.number, self.statuses, self.error_contains))

    @property
    def only_written(self) -> bool:
        """Whether a cell must have a stored state to have one of the statuses."""
        return self.statuses is not None and WRITTEN.issuperset(self.statuses)


def raw_cell(told: Any) -> RawCell | None:
    """A condition from JSON: `{column, status: […], confidenceBelow, confidenceAtLeast,
    errorContains}`; None for what has not that form."""
    if not isinstance(told, dict) or not isinstance(told.get("column"), str):
        return None
    statuses, text = told.get("status"), told.get("errorContains")
    if isinstance(statuses, str):
        statuses = [statuses]
    well_formed = statuses is None or (
        isinstance(statuses, list) and all(isinstance(each, str) for each in statuses)
    )
    if not well_formed or not (text is None or isinstance(text, str)):
        return None
    return RawCell(
        told["column"],
        None if statuses is None else [each.lower() for each in statuses],
        told.get("confidenceBelow"),
        told.get("confidenceAtLeast"),
        text,
    )


def cell_json(raw: RawCell) -> dict[str, Any]:
    """The condition as JSON, which `raw_cell` reads."""
    told: dict[str, Any] = {"column": raw.column}
    if raw.statuses is not None:
        told["status"] = list(raw.statuses)
    for name, value in (
        ("confidenceBelow", raw.confidence_below),
        ("confidenceAtLeast", raw.confidence_at_least),
        ("errorContains", raw.error_contains),
    ):
        if value is not None:
            told[name] = value
    return told


def bind_cell(
    shape: TableShape, raw: RawCell, path: tuple[str, ...], problems: list[Problem]
) -> CellWhere | None:
    """The condition over the table's column; None after a problem."""
    before = len(problems)
    column = shape.columns_by_key.get(raw.column)
    if column is None:
        message = f"Unknown column: {raw.column}"
        problems.append(Problem(ErrorCode.UNKNOWN_COLUMN, message, (*path, "column")))
    below = _confidence(raw.confidence_below, (*path, "confidenceBelow"), problems)
    at_least = _confidence(raw.confidence_at_least, (*path, "confidenceAtLeast"), problems)
    statuses = _statuses(raw, (*path, "status"), problems)
    _check_text(raw.error_contains, (*path, "errorContains"), problems)
    if raw.error_contains is None and (statuses, below, at_least) == (None, None, None):
        message = "name a status, a confidence or a text of the error"
        problems.append(Problem(ErrorCode.REQUIRED, message, path))
    if column is None or len(problems) > before:
        return None
    return CellWhere(shape, column, statuses, below, at_least, raw.error_contains)


def _statuses(
    raw: RawCell, path: tuple[str, ...], problems: list[Problem]
) -> tuple[CellStatus, ...] | None:
    if raw.statuses is None:
        return None
    known = [each for each in raw.statuses if each in list(CellStatus)]
    if len(known) < len(raw.statuses):
        unknown = next(each for each in raw.statuses if each not in known)
        problems.append(Problem(ErrorCode.INVALID, f"Unknown status: {unknown}", path))
    return tuple(sorted(CellStatus(each) for each in set(known)))


def _confidence(given: Any, path: tuple[str, ...], problems: list[Problem]) -> float | None:
    if given is None:
        return None
    is_number = isinstance(given, int | float | Decimal) and not isinstance(given, bool)
    if not is_number or not 0 <= given <= 1:
        problems.append(Problem(ErrorCode.OUT_OF_RANGE, "a confidence is from 0 to 1", path))
        return None
    return float(given)


def _check_text(text: str | None, path: tuple[str, ...], problems: list[Problem]) -> None:
    if text is None:
        return
    if len(text) > MAX_PATTERN:
        message = f"is at most {MAX_PATTERN:,} characters long"
        problems.append(Problem(ErrorCode.TOO_LONG, message, path))
    try:
        clean_text(text)
    except Rejected as rejected:
        problems.append(Problem(rejected.code, rejected.message, path))
