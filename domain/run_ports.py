"""What runs need of storage; `ports.Storage` has them as attributes."""

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol
from uuid import UUID

from domain.changes import Cause
from domain.columns import Column, TableShape
from domain.row_writes import PreparedRow, Written
from domain.run_records import (
    Affordable,
    Batch,
    CellResult,
    Chunk,
    FailedCell,
    NewRun,
    Run,
    RunStatus,
    SampleRow,
    Search,
    TakenCell,
)
from domain.tool_ports import CallEstimate, ToolEstimator, ToolRunner
from domain.tool_records import Tool

#: Columns with what fills them.
Filled = Sequence[tuple[Column, Tool]]


class Tools(ToolRunner, ToolEstimator, Protocol):
    """Runs tools, and tells what that would take."""


class RunStore(Protocol):
    """Methods that are given a shape raise `StructureMoved` when it is old."""

    async def find(self, shape: TableShape, search: Search) -> Chunk:
        """The next rows with cells that a run would take. It looks at 20,000 rows at most, so that
        a chunk may be empty and not the last."""

    async def count(self, shape: TableShape, search: Search) -> tuple[int, dict[int, int], Chunk]:
        """How many rows a run would take from the next 20,000, and how many cells of each column;
        the chunk tells where to go on."""

    async def sample(self, shape: TableShape, search: Search, tool: Tool) -> list[SampleRow]:
        """The first rows, whatever their status, with the inputs of a tool; fewer when those are
        large."""

    async def start(self, shape: TableShape, actor: str, new: NewRun, chunk: Chunk) -> Run:
        """Store a run and queue the cells of its only chunk, in one transaction."""

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
        """Add rows and queue their cells: two entries of the log, in one transaction."""

    async def update_rows(
        self,
        shape: TableShape,
        actor: str,
        cause: Cause,
        rows: Sequence[PreparedRow],
        new: NewRun,
    ) -> tuple[Written, Run]:
        """Change cells of rows and queue others: two entries of the log, in one transaction."""

    async def note_asked(self, shape: TableShape, row_ids: Sequence[UUID]) -> None:
        """Remember of rows that their tools were started, although the table has none."""

    async def asked(self, shape: TableShape, row_ids: Sequence[UUID]) -> Collection[UUID]:
        """Which of these rows that was noted of."""

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
        """Pause, resume (`running`) or cancel; None when the run is in no state for it. No shape:
        the table is gone."""

    async def fail(self, shape: TableShape | None, run: Run, error: str) -> None:
        """End a run that cannot go on; a job gives its cells back."""

    async def release(self, shape: TableShape, run: Run) -> bool:
        """Give back the next cells of a run that has ended; whether there may be more."""

    async def end(self, shape: TableShape | None, run_id: UUID) -> Run | None:
        """End a run when nothing of it is left to do; None when something is, or it had ended."""

    async def mark_undone(self, run: Run, actor: str) -> None:
        """Remember who undid the run."""


class CellBatchStore(Protocol):
    """The work of batches. Methods that are given a shape raise `StructureMoved` when it is old."""

    async def begin(self, run_id: UUID, number: int) -> Batch | None:
        """Take up a batch; None when there is nothing to do, or not now."""

    async def weigh(self, shape: TableShape, batch: Batch, columns: Filled) -> Mapping[UUID, int]:
        """About the bytes of the inputs in each row; rows that are not there or light may miss."""

    async def take(self, shape: TableShape, batch: Batch, columns: Filled) -> list[TakenCell]:
        """Set the batch's cells of these columns to calculating, in one revision, and read what
        they are made from."""

    async def reserve(self, batch: Batch, calls: Sequence[CallEstimate]) -> Affordable:
        """Set aside what calls may take, as far as the budget allows."""

    async def finish(
        self, shape: TableShape, batch: Batch, columns: Filled, results: Sequence[CellResult]
    ) -> None:
        """Store results in one revision. Cells that the batch does not hold any more are left
        alone, but what their calls took is counted."""

    async def give_back(self, shape: TableShape, batch: Batch, cells: Sequence[TakenCell]) -> None:
        """Give cells back the states that they had, because the budget does not allow them."""

    async def requeue(
        self, shape: TableShape, batch: Batch, cells: Sequence[CellResult], waiting: str | None
    ) -> None:
        """Queue cells again that got no answer; `waiting` says why, when it takes long."""

    async def status(self, run_id: UUID) -> RunStatus | None:
        """Where the run stands now."""

    async def leave(self, batch: Batch) -> bool:
        """Stop for a pause. False: the pause is over."""

    async def end(self, batch: Batch) -> None:
        """The batch is done."""
