"""Runs of tools over cells."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import strawberry
from strawberry.dataloader import DataLoader

from domain import ids, run_records, runs
from domain.columns import TableShape
from domain.errors import ErrorCode, NotFound, invalid
from domain.rows import read_rows_by_id
from domain.selection import RowRecord
from gql.context import Info
from gql.scalars import JSON
from gql.types import rows as row_types
from gql.types import tables as table_types
from gql.types.producers import Citation, Producer
from gql.types.run_words import RunMode, RunReason, RunStatus

if TYPE_CHECKING:
    from gql.types.rows import Row
    from gql.types.tables import Table


@strawberry.type(description="How many cells of a run are where. Costs nothing to ask for.")
class RunCells:
    total: int = strawberry.field(description="Cells that the run took.")
    waiting: int = strawberry.field(description="Those that are queued or being filled.")
    resolved: int = strawberry.field(description="Those that have their value.")
    cached: int = strawberry.field(
        description="Those of the resolved ones whose value was made from the same inputs before."
    )
    failed: int = strawberry.field(description="Those that failed.")
    stale: int = strawberry.field(
        description="Those whose inputs changed while the value was made."
    )
    left: int = strawberry.field(
        description="Those that were given back, because of the budget or because it was cancelled."
    )
    dropped: int = strawberry.field(
        description="Those that somebody else filled meanwhile, or whose rows are gone."
    )
    skipped: int = strawberry.field(
        description="Cells that it did not take, because another run held them."
    )


@strawberry.type(description="A cell that a run could not fill.")
class FailedCell:
    cell_id: strawberry.ID = strawberry.field(
        description="The id of the cell; also what to go on behind."
    )
    row_id: strawberry.ID = strawberry.field(description="The row.")
    column: str | None = strawberry.field(
        description="The key of the column; null when that is gone."
    )
    error: str = strawberry.field(description="Why.")
    rows: strawberry.Private["DataLoader[UUID, Row | None]"]

    @strawberry.field(description="The row itself; null when that was deleted.")
    async def row(self) -> Annotated["Row", strawberry.lazy("gql.types.rows")] | None:
        return await self.rows.load(UUID(self.row_id))


@strawberry.type(description="What a run may take at most; null is without bound.")
class RunBudget:
    cost: JSON | None = strawberry.field(description="US dollars.")
    tokens: int | None = strawberry.field(description="Tokens of questions and answers together.")
    rows: int | None = strawberry.field(description="Rows.")


@strawberry.type(description="A run of tools over cells of a table.")
class Run:
    record: strawberry.Private[run_records.Run]
    id: strawberry.ID = strawberry.field(description="The id of the run.")
    name: str | None = strawberry.field(description="What people call it.")
    status: RunStatus = strawberry.field(description="Where it stands.")
    mode: RunMode = strawberry.field(description="Which cells it fills.")
    reasons: list[RunReason] = strawberry.field(
        description="Why it did not resolve all cells; empty while it does."
    )
    rows: int = strawberry.field(description="Rows with cells that it took, so far.")
    prepared: bool = strawberry.field(
        description="Whether all of its cells are queued; until then the counts grow."
    )
    cells: RunCells = strawberry.field(description="Its cells.")
    budget: RunBudget = strawberry.field(description="What it may take at most.")
    input_tokens: JSON = strawberry.field(description="Tokens of its questions, a whole number.")
    output_tokens: JSON = strawberry.field(description="Tokens of the answers, a whole number.")
    cost: JSON | None = strawberry.field(
        description="What its calls cost, in US dollars; null when the price of one is not known."
    )
    rate: float | None = strawberry.field(
        description="Cells a second since it began, to three digits."
    )
    seconds_left: float | None = strawberry.field(
        description="How long it will still take at this rate, to a tenth of a second; null when "
        "nobody can tell."
    )
    error: str | None = strawberry.field(
        description="Why it ended as it did, or what it waits for."
    )
    revision: int = strawberry.field(description="The table's revision after its last step.")
    created_by: str = strawberry.field(description="Who asked for it.")
    created_at: datetime = strawberry.field(description="When it was asked for.")
    started_at: datetime | None = strawberry.field(description="When its first cell was begun.")
    finished_at: datetime | None = strawberry.field(description="When it ended.")
    undone_by: str | None = strawberry.field(description="Who undid it last.")
    undone_at: datetime | None = strawberry.field(description="When that was.")

    @strawberry.field(description="The table; null when that was deleted.")
    async def table(
        self, info: Info
    ) -> Annotated["Table", strawberry.lazy("gql.types.tables")] | None:
        table = await info.context.loaders.tables.load(self.record.table_id)
        return table_types.Table.of(table) if table else None

    @strawberry.field(description="The keys of the columns that it fills, but for those gone.")
    async def columns(self, info: Info) -> list[str]:
        keys = await _keys(info, self.record)
        return [keys[number] for number in self.record.columns if number in keys]

    @strawberry.field(
        description="Cells that it could not fill and nobody has filled since, by row and column."
    )
    async def failed_cells(
        self,
        info: Info,
        first: Annotated[int, strawberry.argument(description="How many, 1 to 1,000.")] = 20,
        after: Annotated[
            strawberry.ID | None, strawberry.argument(description="Only those behind this cell.")
        ] = None,
    ) -> list[FailedCell]:
        place = ids.parse_cell_id(after) if after is not None else None
        if after is not None and place is None:
            raise invalid(ErrorCode.INVALID, "after is no id of a cell", "after")
        found = await runs.failed_cells(
            info.context.viewer, info.context.storage, self.record.id, place, first
        )
        keys = await _keys(info, self.record)
        rows = DataLoader(partial(_rows, info, self.record.table_id))
        return [
            FailedCell(
                cell_id=strawberry.ID(ids.cell_id(str(each.row_id), each.column_number)),
                row_id=strawberry.ID(str(each.row_id)),
                column=keys.get(each.column_number),
                error=each.error,
                rows=rows,
            )
            for each in found
        ]

    @property
    def is_over(self) -> bool:
        """Whether nothing more will happen by itself."""
        return self.record.is_over

    @classmethod
    def of(cls, run: run_records.Run) -> "Run":
        return cls(
            record=run,
            id=strawberry.ID(str(run.id)),
            name=run.name,
            status=RunStatus(run.status.value),
            mode=RunMode(run.mode.value),
            reasons=[RunReason(reason.value) for reason in run.reasons],
            rows=run.rows_total,
            prepared=run.prepared,
            cells=_cells(run),
            budget=RunBudget(
                cost=None if run.budget.cost is None else JSON(run.budget.cost),
                tokens=run.budget.tokens,
                rows=run.budget.rows,
            ),
            input_tokens=JSON(run.input_tokens),
            output_tokens=JSON(run.output_tokens),
            cost=None if run.unpriced else JSON(run.cost),
            rate=None if run.rate is None else float(f"{run.rate:.3g}"),
            seconds_left=None if run.seconds_left is None else round(run.seconds_left, 1),
            error=run.error,
            revision=run.revision,
            created_by=run.created_by,
            created_at=run.created_at,
            started_at=run.started_at,
            finished_at=run.finished_at,
            undone_by=run.undone_by,
            undone_at=run.undone_at,
        )


def _cells(run: run_records.Run) -> RunCells:
    return RunCells(
        total=run.cells_total,
        waiting=run.cells_waiting,
        resolved=run.cells_resolved,
        cached=run.cells_cached,
        failed=run.cells_failed,
        stale=run.cells_stale,
        left=run.cells_left,
        dropped=run.cells_dropped,
        skipped=run.cells_skipped,
    )


async def _keys(info: Info, run: run_records.Run) -> dict[int, str]:
    """The keys of the table's columns by number; none when the table is gone."""
    context = info.context
    shape = await context.storage.tables.shape(context.viewer.organization_id, run.table_id)
    return {column.number: column.key for column in shape.columns} if shape else {}


async def _rows(info: Info, table_id: UUID, row_ids: Sequence[UUID]) -> list["Row | None"]:
    """Rows of a table, one statement for all of them."""
    shapes: list[TableShape] = []
    try:
        found = await read_rows_by_id(
            info.context.viewer, info.context.storage, table_id, row_ids, shapes.append
        )
    except NotFound:
        return [None] * len(row_ids)
    return [
        row_types.Row.of(each, shapes[-1]) if isinstance(each, RowRecord) else None
        for each in found
    ]


@strawberry.type(description="A step of a run.")
class RunProgress:
    revision: int = strawberry.field(description="The table's revision of this step.")
    run: Run = strawberry.field(description="The run as it stands.")


@strawberry.type(description="What a tool would put into a cell. Nothing was written.")
class PreviewedCell:
    row_id: strawberry.ID = strawberry.field(description="The row.")
    inputs: JSON = strawberry.field(description="What the tool read, by column key.")
    value: JSON | None = strawberry.field(description="The value; null for none.")
    error: str | None = strawberry.field(description="Why there is none.")
    producer: Producer = strawberry.field(description="Who or what answered.")
    confidence: float | None = strawberry.field(description="How sure it is, from 0 to 1.")
    citations: list[Citation] = strawberry.field(description="Where it was found.")
    input_tokens: int = strawberry.field(description="Tokens of the question.")
    output_tokens: int = strawberry.field(description="Tokens of the answer.")
    cost: JSON | None = strawberry.field(
        description="What the call cost in US dollars; null when no price is known."
    )

    @classmethod
    def of(cls, cell: run_records.PreviewedCell) -> "PreviewedCell":
        answer = cell.answer
        producer, usage = answer.producer, answer.usage
        return cls(
            row_id=strawberry.ID(str(cell.row_id)),
            inputs=JSON(dict(cell.inputs)),
            value=None if answer.value is None else JSON(answer.value),
            error=answer.error,
            producer=Producer.of({**asdict(producer), "kind": producer.kind.value}),
            confidence=answer.confidence,
            citations=[Citation.of_answer(each) for each in answer.citations],
            input_tokens=usage.input_tokens,
            output_tokens=usage.output_tokens,
            cost=None if usage.cost is None else JSON(usage.cost),
        )


@strawberry.type(
    description="What a run would take. Of more than 100 rows, the first 100 stand for all; "
    "of tools that read files, the first 10."
)
class RunEstimate:
    rows: int = strawberry.field(description="Rows with cells that it would take.")
    cells: int = strawberry.field(description="Cells that it would take.")
    tokens_low: JSON = strawberry.field(description="Tokens of all calls, at least.")
    tokens_high: JSON = strawberry.field(description="Tokens of all calls, at most.")
    cost_low: JSON | None = strawberry.field(
        description="US dollars, at least; null when no price is known."
    )
    cost_high: JSON | None = strawberry.field(description="US dollars, at most.")

    @classmethod
    def of(cls, found: run_records.RunEstimate) -> "RunEstimate":
        return cls(
            rows=found.rows,
            cells=found.cells,
            tokens_low=JSON(found.tokens_low),
            tokens_high=JSON(found.tokens_high),
            cost_low=None if found.cost_low is None else JSON(found.cost_low),
            cost_high=None if found.cost_high is None else JSON(found.cost_high),
        )
