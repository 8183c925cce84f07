"""Runs of tools over cells as records: what is asked for, how far a run is, and what its batches
take and give back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID

from domain.cells import AT_REST, CellStatus
from domain.changes import Cause, CauseKind
from domain.columns import Column
from domain.filters import Filter, RawCondition
from domain.tool_records import Answer, Tool

#: Rows whose cells are queued in the transaction of the request; more are queued by a job.
INLINE_ROWS = 1_000
#: Rows whose cells one transaction queues or lets go of. It holds the table's clock for 0.1 s.
CHUNK_ROWS = 2_000
#: A position before that of any row.
BEFORE_ALL = -1


class RunMode(StrEnum):
    """Which cells of the chosen rows a run fills, by their status."""

    MISSING = "missing"
    STALE = "stale"
    ERRORS = "errors"
    ALL = "all"


#: The statuses of the cells that each mode takes.
STATUSES: Mapping[RunMode, frozenset[CellStatus]] = {
    RunMode.MISSING: frozenset({CellStatus.INITIALIZED, CellStatus.READY}),
    RunMode.STALE: frozenset({CellStatus.STALE}),
    RunMode.ERRORS: frozenset({CellStatus.ERROR}),
    RunMode.ALL: AT_REST,
}


class RunStatus(StrEnum):
    """Where a run stands. It is `completed` only when every cell that it took is resolved;
    `partial` when some are, or when its budget ended it; `failed` when none is."""

    QUEUED = "queued"
    RUNNING = "running"
    PAUSED = "paused"
    COMPLETED = "completed"
    PARTIAL = "partial"
    FAILED = "failed"
    CANCELLED = "cancelled"


ACTIVE = frozenset({RunStatus.QUEUED, RunStatus.RUNNING, RunStatus.PAUSED})


class RunReason(StrEnum):
    """Why a run did not resolve all of its cells."""

    ERRORS = "errors"
    BUDGET = "budget"
    STALE = "stale"


@dataclass(frozen=True, slots=True)
class Budget:
    """What a run may take at most: US dollars, tokens of input and output together, and rows. None
    is without bound."""

    cost: Decimal | None = None
    tokens: int | None = None
    rows: int | None = None

    @property
    def is_spent_by_calls(self) -> bool:
        """Whether calls have to be weighed before they are made."""
        return self.cost is not None or self.tokens is not None


@dataclass(frozen=True, slots=True)
class Selection:
    """Which rows: those that match, or these, or all of them. `failed_of` keeps the rows with a
    cell that failed in another run."""

    filter: RawCondition | None = None
    row_ids: Sequence[UUID] | None = None
    failed_of: UUID | None = None


@dataclass(frozen=True, slots=True)
class CellsRun:
    """What to fill. `columns` are keys of columns with tools, all of them when None. With `tool`,
    that tool fills the one column that is named, which need not have any.

    `use_cache` takes values again that were made from the same inputs. `id` is for what starts its
    run only once, however often it is done. `batch_rows` is how many rows make a batch, when that
    shall not follow from the tools."""

    table_id: UUID
    columns: Sequence[str] | None = None
    selection: Selection = field(default_factory=Selection)
    mode: RunMode = RunMode.MISSING
    budget: Budget = field(default_factory=Budget)
    use_cache: bool = True
    name: str | None = None
    tool: Tool | None = None
    id: UUID | None = None
    batch_rows: int | None = None


@dataclass(frozen=True, slots=True)
class Run:
    """One run. `columns` are numbers; `tool` is set when the run brings its own.

    Of `cells_total` that it took, those that are not counted elsewhere still wait. `cells_left`
    were given back because of the budget or of a cancellation, `cells_dropped` were filled by
    somebody else or taken over by a later run, are gone with their rows, or stay as they were
    because the run's own tool found nothing for them. `cells_cached` are part of the resolved ones.
    `cells_skipped` it did not take, because another run keeps them. Costs are in US dollars;
    `unpriced` says that the price of some call is unknown, so that `cost` is not all of it."""

    id: UUID
    organization_id: UUID
    table_id: UUID
    name: str | None
    status: RunStatus
    mode: RunMode
    columns: Sequence[int]
    tool: Tool | None
    selection: Mapping[str, Any]
    origin: Mapping[str, Any]
    budget: Budget
    use_cache: bool
    batch_rows: int | None
    prepared: bool
    after_position: int
    rows_total: int
    cells_total: int
    cells_resolved: int
    cells_failed: int
    cells_stale: int
    cells_skipped: int
    cells_cached: int
    cells_left: int
    cells_dropped: int
    over_budget: bool
    input_tokens: int
    output_tokens: int
    cost: Decimal
    unpriced: bool
    revision: int
    error: str | None
    undone_by: str | None
    undone_at: datetime | None
    created_by: str
    created_at: datetime
    updated_at: datetime
    started_at: datetime | None
    finished_at: datetime | None

    @property
    def is_over(self) -> bool:
        """Whether nothing more will happen by itself."""
        return self.status not in ACTIVE

    @property
    def cause(self) -> Cause:
        """Why its writes are made."""
        depth, skip = self.origin.get("depth", 0), self.origin.get("triggers") == "skip"
        return Cause(CauseKind.RUN, str(self.id), depth, skip)

    @property
    def names_rows(self) -> bool:
        """Whether its rows were named, one by one."""
        return "rows" in self.selection

    @property
    def cells_done(self) -> int:
        """Cells that it has finished with."""
        counted = self.cells_resolved + self.cells_failed + self.cells_stale
        return counted + self.cells_left + self.cells_dropped

    @property
    def cells_waiting(self) -> int:
        """Cells that are queued or calculating."""
        return 0 if self.is_over else max(0, self.cells_total - self.cells_done)

    @property
    def reasons(self) -> list[RunReason]:
        """Why it did not resolve all cells; empty while it does."""
        told = {
            RunReason.ERRORS: self.cells_failed > 0,
            RunReason.BUDGET: self.over_budget,
            RunReason.STALE: self.cells_stale > 0,
        }
        return [reason for reason, holds in told.items() if holds]

    @property
    def rate(self) -> float | None:
        """Cells a second since it began; None before the first."""
        if self.started_at is None:
            return None
        until = self.finished_at or datetime.now(UTC)
        seconds = max((until - self.started_at).total_seconds(), 0.001)
        made = self.cells_resolved + self.cells_failed + self.cells_stale
        return made / seconds if made else None

    @property
    def seconds_left(self) -> float | None:
        """How long it will still take at this rate; None when nobody can tell."""
        if self.is_over:
            return 0.0
        rate = self.rate
        return self.cells_waiting / rate if rate and self.prepared else None


@dataclass(frozen=True, slots=True)
class NewRun:
    """A checked run on its way to storage. `origin` is what it was started by."""

    id: UUID
    name: str | None
    mode: RunMode
    columns: Sequence[int]
    tool: Tool | None
    selection: Selection
    budget: Budget
    use_cache: bool
    origin: Cause
    batch_rows: int | None = None

    @property
    def cause(self) -> Cause:
        """Why its writes are made."""
        return Cause(CauseKind.RUN, str(self.id), self.origin.depth, self.origin.skip_triggers)


@dataclass(frozen=True, slots=True)
class Search:
    """Which rows a run takes: those behind the position `after` that match and have cells of these
    columns which the mode takes. `rows_left` is what the budget still allows."""

    columns: Sequence[Column]
    mode: RunMode
    filter: Filter | None = None
    row_ids: Sequence[UUID] | None = None
    failed_of: UUID | None = None
    after: int = BEFORE_ALL
    limit: int = CHUNK_ROWS
    rows_left: int | None = None

    @property
    def takes_over(self) -> bool:
        """Whether it takes cells away from other runs: who names rows and wants all of their cells
        wants them made from the inputs of now, by the run that he waits for."""
        return self.row_ids is not None and self.mode is RunMode.ALL


@dataclass(frozen=True, slots=True)
class Chunk:
    """Rows whose cells are to be queued, in the order of the table.

    `upto` is the position to go on behind; `last` says that no row follows, `cut` that the budget
    allows no more of them."""

    row_ids: Sequence[UUID]
    upto: int
    last: bool
    cut: bool = False


@dataclass(frozen=True, slots=True)
class Batch:
    """Some rows of a run, which one job fills. `answered_by` tells for columns by number which
    model answers, as `run_rules.answered_by` has it."""

    run: Run
    number: int
    row_ids: Sequence[UUID]
    attempt: int
    answered_by: Mapping[int, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TakenCell:
    """A cell that a batch holds. `inputs` are the values of the tool's inputs by key, as JSON texts
    (None is empty). `cached` says that its value was made from the same inputs before."""

    row_id: UUID
    column_number: int
    attempt: int
    inputs: Mapping[str, str | None]
    inputs_hash: str
    cached: bool = False
    #: The key of a column that it reads and that failed in this run.
    waits_for: str | None = None


@dataclass(frozen=True, slots=True)
class Reserved:
    """What is set aside for calls before they are made, at their high bounds."""

    tokens: int = 0
    cost: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class Affordable:
    """What is set aside for each call, None for those that do not fit now. `more_later` says that
    other batches have set aside what they may not spend."""

    calls: Sequence[Reserved | None]
    more_later: bool = False


@dataclass(frozen=True, slots=True)
class CellResult:
    """What became of a cell: an answer, or an error; with neither, a cached cell keeps its value,
    and any other one is empty, because all of its inputs are.

    `reserved` is what was set aside for its call."""

    cell: TakenCell
    answer: Answer | None = None
    error: str | None = None
    reserved: Reserved = Reserved()

    @property
    def failed(self) -> bool:
        """Whether there is no value."""
        return self.error is not None or bool(self.answer and self.answer.error is not None)

    @property
    def is_nothing(self) -> bool:
        """Whether there is no value to be found: the tool says so, or had nothing to go by."""
        if self.answer is not None:
            return self.answer.nothing
        return self.error is None and not self.cell.cached

    @property
    def is_kept(self) -> bool:
        """Whether the value that the cell has stays."""
        return self.cell.cached and self.answer is None and self.error is None

    @property
    def value(self) -> Any:
        """The value to write; None empties the cell."""
        return self.answer.value if self.answer is not None else None


@dataclass(frozen=True, slots=True)
class FailedCell:
    """A cell that a run could not fill."""

    row_id: UUID
    column_number: int
    error: str


@dataclass(frozen=True, slots=True)
class SampleRow:
    """A row with the inputs of a tool, as JSON texts by key."""

    row_id: UUID
    inputs: Mapping[str, str | None]


@dataclass(frozen=True, slots=True)
class PreviewedCell:
    """What a tool would put into a cell. Nothing was written."""

    row_id: UUID
    inputs: Mapping[str, Any]
    answer: Answer


@dataclass(frozen=True, slots=True)
class RunEstimate:
    """What a run would take. Of more rows than the sample holds, it is an extrapolation. Costs are
    in US dollars, None when no price is known."""

    rows: int
    cells: int
    tokens_low: int
    tokens_high: int
    cost_low: Decimal | None
    cost_high: Decimal | None
