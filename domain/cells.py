"""Cells: their statuses, and which moves between them are legal."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any
from uuid import UUID

from domain.errors import ErrorCode, Problem

if TYPE_CHECKING:
    from domain.columns import Column


class CellStatus(StrEnum):
    """Where a cell stands. Cells that people fill know only `initialized` (empty) and
    `resolved`."""

    INITIALIZED = "initialized"
    READY = "ready"
    QUEUED = "queued"
    CALCULATING = "calculating"
    RESOLVED = "resolved"
    ERROR = "error"
    STALE = "stale"


_S = CellStatus

#: What an outside worker may report: from each status, where a report may move a cell. Staying in
#: `calculating` reports progress.
REPORT_MOVES: dict[CellStatus, frozenset[CellStatus]] = {
    _S.INITIALIZED: frozenset({_S.READY, _S.QUEUED, _S.RESOLVED}),
    _S.READY: frozenset({_S.QUEUED}),
    _S.QUEUED: frozenset({_S.CALCULATING}),
    _S.CALCULATING: frozenset({_S.CALCULATING, _S.RESOLVED, _S.ERROR}),
    _S.RESOLVED: frozenset({_S.STALE, _S.QUEUED}),
    _S.ERROR: frozenset({_S.QUEUED}),
    _S.STALE: frozenset({_S.QUEUED}),
}

#: Stands for a column where storage notes that tools were started on a row that has none.
WHOLE_ROW = 0

#: Where a cell stands when no run holds it.
AT_REST = frozenset({_S.INITIALIZED, _S.READY, _S.RESOLVED, _S.ERROR, _S.STALE})

#: The moves of cells that tools fill. A run that lets go of a cell gives it back the status before;
#: a batch whose worker died is queued again; a value whose inputs changed while it was made is
#: stale at once. A person's write resolves or empties a cell in any status.
LEGAL_MOVES: dict[CellStatus, frozenset[CellStatus]] = {
    _S.INITIALIZED: frozenset({_S.READY, _S.QUEUED, _S.RESOLVED}),
    _S.READY: frozenset({_S.INITIALIZED, _S.QUEUED, _S.RESOLVED}),
    _S.QUEUED: AT_REST | {_S.CALCULATING},
    _S.CALCULATING: AT_REST | {_S.QUEUED},
    _S.RESOLVED: frozenset({_S.INITIALIZED, _S.READY, _S.STALE, _S.QUEUED}),
    _S.ERROR: frozenset({_S.INITIALIZED, _S.READY, _S.RESOLVED, _S.QUEUED}),
    _S.STALE: frozenset({_S.INITIALIZED, _S.READY, _S.RESOLVED, _S.QUEUED}),
}


def report_is_legal(current: CellStatus, new: CellStatus) -> bool:
    """Whether a report may move a cell from `current` to `new`."""
    return new in REPORT_MOVES[current]


def move_is_legal(current: CellStatus, new: CellStatus) -> bool:
    """Whether a cell that a tool fills may go from `current` to `new`."""
    return new in LEGAL_MOVES[current]


def virtual_status(*, filled: bool, inputs_filled: bool) -> CellStatus:
    """The status of a tool's cell that has no stored state: it follows from the values."""
    if filled:
        return CellStatus.RESOLVED
    return CellStatus.READY if inputs_filled else CellStatus.INITIALIZED


@dataclass(frozen=True, slots=True)
class CellCount:
    """How many cells of a column have a status."""

    column: "Column"
    status: CellStatus
    count: int


@dataclass(frozen=True, slots=True)
class CellReport:
    """A checked report on one cell. `has_value` tells a value of null from no value; only a move to
    `resolved` carries one."""

    row_id: UUID
    column_number: int
    status: CellStatus
    has_value: bool = False
    value: Any = None
    error: str | None = None
    progress: float | None = None
    index: int = 0


def report_problems(
    current: Mapping[tuple[UUID, int], CellStatus], reports: Sequence[CellReport]
) -> list[Problem]:
    """Which reports would move a cell illegally. `current` holds stored statuses by row and column
    number."""
    problems = []
    for report in reports:
        status = current.get((report.row_id, report.column_number), CellStatus.INITIALIZED)
        if not report_is_legal(status, report.status):
            message = f"cells[{report.index}]: a cell cannot go from {status} to {report.status}"
            path = ("cells", str(report.index), "status")
            problems.append(Problem(ErrorCode.ILLEGAL_STATUS, message, path, report.index))
    return problems
