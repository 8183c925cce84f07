"""What runs need of storage; `ports.Storage` has it as an attribute."""

from collections.abc import Sequence
from typing import Protocol
from uuid import UUID

from domain.changes import Cause
from domain.columns import Column, TableShape
from domain.filters import Filter
from domain.row_writes import PreparedRow, Written
from domain.run_records import (
    Batch,
    CellResult,
    CellsRun,
    Chunk,
    FailedCell,
    NewRun,
    Reserved,
    Run,
    RunMode,
    RunStatus,
    SampleRow,
    Selection,
    TakenCell,
)
from domain.tool_ports import CallEstimate, ToolEstimator, ToolRunner
from domain.tool_records import Tool

__all__ = ["CellsRun", "RunStore", "Tools"]


class Tools(ToolRunner, ToolEstimator, Protocol):
    """Runs tools, and tells what that would take."""


class RunStore(Protocol):
    """Methods that are given a shape raise `StructureMoved` when it is old."""

    async def find(
        self,
        shape: TableShape,
        run: NewRun | Run,
        filter: Filter | None,
        after: int,
        limit: int,
    ) -> Chunk:
        """The next rows with cells to take, at most `limit`. It looks at 20,000 rows at most; a
        chunk may be empty and not the last."""

    async def chosen(
        self, shape: TableShape, selection: Selection, limit: int
    ) -> Sequence[UUID]:
        """Rows that were named, or that have a failed cell of another run, in the order of the
        table."""

    async def start(self, shape: TableShape, actor: str, new: NewRun, chunk: Chunk) -> Run:
        """Store a run and queue the cells of its first and last chunk, in one transaction."""

    async def start_large(self, shape: TableShape, actor: str, new: NewRun) -> Run:
        """Store a run whose cells a job will queue."""

    async def add_rows(
        self,
        shape: TableShape,
        actor: str,
        cause: Cause,
        session_id: UUID,
        rows: Sequence[PreparedRow],
        new: NewRun,
    ) -> tuple[Written, Run]:
        """Add rows and queue their cells: two entries of the log in one transaction."""

    async def update_rows(
        self,
        shape: TableShape,
        actor: str,
        cause: Cause,
        rows: Sequence[PreparedRow],
        new: NewRun,
    ) -> tuple[Written, Run]:
        """Change cells of rows and queue others: two entries of the log in one transaction."""

    async def queue_chunk(self, shape: TableShape, run: Run, chunk: Chunk) -> Run | None:
        """Queue the cells of a chunk; None when the run was cancelled or somebody else went on."""

    async def get(self, organization_id: UUID, run_id: UUID) -> Run | None: ...

    async def by_id(self, run_id: UUID) -> Run | None:
        """The run whatever its organisation, for jobs."""

    async def of_table(
        self, organization_id: UUID, table_id: UUID, before: UUID | None, limit: int
    ) -> list[Run]:
        """Runs of a table, newest first, those before one of them."""

    async def failed_cells(
        self, run: Run, after: tuple[UUID, int] | None, limit: int
    ) -> list[FailedCell]:
        """Cells that failed and were not filled since, by row and column."""

    async def set_status(
        self, shape: TableShape | None, actor: str, run: Run, status: RunStatus
    ) -> Run | None:
        """Pause, resume or cancel; None when the run is in no state for it. No shape: the table is
        gone."""

    async def release(self, shape: TableShape, run: Run) -> bool:
        """Give back the next cells of a cancelled run; whether there may be more."""

    async def begin_batch(self, run_id: UUID, number: int) -> Batch | None:
        """Take up a batch; None when there is nothing to do, or not now."""

    async def take(
        self, shape: TableShape, batch: Batch, columns: Sequence[tuple[Column, Tool]]
    ) -> list[TakenCell]:
        """Set the batch's cells of these columns to calculating, in one revision, and read what
        they are made from."""

    async def reserve(
        self, batch: Batch, calls: Sequence[CallEstimate]
    ) -> Sequence[Reserved | None]:
        """Set aside what calls may take, None for each that the budget does not allow."""

    async def finish(
        self,
        shape: TableShape,
        batch: Batch,
        columns: Sequence[tuple[Column, Tool]],
        results: Sequence[CellResult],
    ) -> RunStatus:
        """Store results in one revision; where the run stands. Cells that the batch does not hold
        any more are left alone, but what their calls took is counted."""

    async def give_back(
        self,
        shape: TableShape,
        batch: Batch,
        cells: Sequence[CellResult],
    ) -> None:
        """Give cells back the statuses and states that they had, because of the budget."""

    async def requeue(
        self, shape: TableShape, batch: Batch, cells: Sequence[CellResult], waiting: str | None
    ) -> None:
        """Queue cells of the batch again that got no answer; `waiting` says why, if it takes
        long."""

    async def status(self, run_id: UUID) -> RunStatus | None:
        """Where a run stands now."""

    async def end_batch(self, batch: Batch, *, whole: bool) -> bool:
        """The batch is done, or, when not `whole`, stops for a pause. False: the pause is over, go
        on."""

    async def end(self, shape: TableShape | None, run_id: UUID) -> Run | None:
        """End a run when nothing of it is left to do; None when something is, or it had ended."""

    async def fail(self, run: Run, error: str) -> None:
        """End a run that cannot go on."""

    async def sample(
        self,
        shape: TableShape,
        tool: Tool,
        filter: Filter | None,
        row_ids: Sequence[UUID] | None,
        limit: int,
    ) -> list[SampleRow]:
        """The first rows with the inputs of a tool."""

    async def count(
        self,
        shape: TableShape,
        columns: Sequence[Column],
        mode: RunMode,
        filter: Filter | None,
        row_ids: Sequence[UUID] | None,
    ) -> tuple[int, dict[int, int]]:
        """How many rows a run would take, and how many cells of each column."""

    async def mark_undone(self, run: Run, actor: str) -> None:
        """Remember who undid the run."""
