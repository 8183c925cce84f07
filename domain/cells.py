"""Cells: their statuses, and which moves between them are legal."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from uuid import UUID

from domain.errors import ErrorCode, Problem


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

#: From each status, where a report may move a cell. Staying in `calculating` reports progress.
LEGAL_MOVES: dict[CellStatus, frozenset[CellStatus]] = {
    _S.INITIALIZED: frozenset({_S.READY, _S.QUEUED, _S.RESOLVED}),
    _S.READY: frozenset({_S.QUEUED}),
    _S.QUEUED: frozenset({_S.CALCULATING}),
    _S.CALCULATING: frozenset({_S.CALCULATING, _S.RESOLVED, _S.ERROR}),
    _S.RESOLVED: frozenset({_S.STALE, _S.QUEUED}),
    _S.ERROR: frozenset({_S.QUEUED}),
    _S.STALE: frozenset({_S.QUEUED}),
}


def move_is_legal(current: CellStatus, new: CellStatus) -> bool:
    """Whether a report may move a cell from `current` to `new`."""
    return new in LEGAL_MOVES[current]


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
        if not move_is_legal(status, report.status):
            message = f"cells[{report.index}]: a cell cannot go from {status} to {report.status}"
            path = ("cells", str(report.index), "status")
            problems.append(Problem(ErrorCode.ILLEGAL_STATUS, message, path, report.index))
    return problems
