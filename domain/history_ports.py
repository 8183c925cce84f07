"""What use cases of history need of storage; `ports.Storage` has them as attributes."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from domain.changes import Cause
from domain.columns import TableShape
from domain.history_records import DiffPage, DiffPlace, HistoryPage, HistoryPlace, HistoryQuery
from domain.rollback_records import RollbackRun, RolledBack, RowConflict, RowTarget, Undo
from domain.row_writes import Written


class HistoryStore(Protocol):
    """Methods raise `StructureMoved` when the shape is old."""

    async def entries(
        self, shape: TableShape, query: HistoryQuery, after: HistoryPlace | None
    ) -> HistoryPage: ...

    async def covered(self, shape: TableShape) -> tuple[int, int]:
        """The revision behind which the log begins, and the last one."""

    async def revision_at(self, shape: TableShape, at: datetime) -> int | None:
        """The last revision that was committed by then; 0 before the first, None when the log does
        not reach back that far."""

    async def revision_before(self, shape: TableShape, at: datetime) -> int | None:
        """The same for changes before the moment."""

    async def diff(
        self, shape: TableShape, between: tuple[int, int], limit: int, after: DiffPlace | None
    ) -> DiffPage:
        """Rows that differ between two revisions, in the order of the table."""


class RollbackStore(Protocol):
    """Methods raise `StructureMoved` when the shape is old. Each writes in one transaction:
    deletions, changes and additions are entries of their own, one behind the other."""

    async def set_rows(
        self, shape: TableShape, actor: str, cause: Cause, targets: Sequence[RowTarget]
    ) -> Written:
        """Give each row the data of a version of it, or one cell its value, as one change more.

        Raises `NotFound` for a version that is not there, and `Conflict` for a cell of a deleted
        row and for a row that is to be restored but exists."""

    async def count(self, shape: TableShape, undo: Undo) -> int:
        """How many rows the changes to undo touched."""

    async def undo(self, shape: TableShape, actor: str, undo: Undo, force: bool) -> RolledBack:
        """Undo the changes in at most `INLINE_ROWS` rows."""

    async def queue(self, new: RollbackRun) -> RollbackRun:
        """Store a run with the job that carries it out."""

    async def get(self, organization_id: UUID, run_id: UUID) -> RollbackRun | None: ...

    async def begin(self, run_id: UUID) -> RollbackRun | None:
        """Take up a queued or interrupted run; None when it is not to be run."""

    async def step(self, shape: TableShape, run: RollbackRun) -> RollbackRun | None:
        """Undo the changes in the next rows; None when somebody else goes on with the run."""

    async def fail(self, run: RollbackRun, error: str) -> None:
        """End the run with an error."""

    async def conflicts(
        self, organization_id: UUID, run_id: UUID, after: UUID | None, limit: int
    ) -> list[RowConflict]:
        """Rows that a run left alone, by id."""
