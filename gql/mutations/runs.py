"""Mutations on runs of tools over cells."""

from decimal import Decimal
from typing import Annotated

import strawberry

from domain import run_previews, run_records, runs
from domain.errors import ErrorCode, invalid
from domain.filters import RawCondition
from domain.run_previews import RunPreview
from domain.run_records import Budget, CellsRun, Selection
from gql.context import Info, given_id
from gql.mutations.column_tools import ColumnToolInput, given_tool, refuse_programs
from gql.scalars import JSON
from gql.types.errors import EXPECTED, UserError, user_errors
from gql.types.filters import RowFilter, raw_filter
from gql.types.run_words import RunMode
from gql.types.runs import PreviewedCell, Run


@strawberry.input(description="What a run may take at most. It is never exceeded.")
class RunBudgetInput:
    cost: JSON | None = strawberry.field(
        default=None,
        description="US dollars, a number. A call whose price nobody knows is not made then.",
    )
    tokens: int | None = strawberry.field(
        default=None, description="Tokens of questions and answers together."
    )
    rows: int | None = strawberry.field(default=None, description="Rows.")


@strawberry.input(description="Which cells to fill.")
class CellsRunInput:
    table_id: strawberry.ID = strawberry.field(description="The table.")
    columns: list[str] | None = strawberry.field(
        default=None, description="Keys of columns with a tool; all of them without it."
    )
    filter: RowFilter | None = strawberry.field(
        default=None, description="Only rows that match; not together with `rows`."
    )
    rows: list[strawberry.ID] | None = strawberry.field(
        default=None, description="1 to 1,000 rows; those that are not there are passed over."
    )
    mode: RunMode = strawberry.field(default=RunMode.MISSING, description="Which of their cells.")
    budget: RunBudgetInput | None = strawberry.field(
        default=None, description="What it may take at most."
    )
    use_cache: bool = strawberry.field(
        default=True, description="Whether the same inputs give the value that they gave before."
    )
    name: str | None = strawberry.field(
        default=None, description="What people call it, 1 to 256 characters."
    )
    tool: ColumnToolInput | None = strawberry.field(
        default=None,
        description="A tool for this run alone; `columns` then names the one column that it fills, "
        "which need not have a tool.",
    )


@strawberry.input(description="A run.")
class RunInput:
    run_id: strawberry.ID = strawberry.field(description="The run.")


@strawberry.input(description="What to try.")
class RunPreviewInput:
    table_id: strawberry.ID = strawberry.field(description="The table.")
    column: str = strawberry.field(description="The key of the column.")
    tool: ColumnToolInput | None = strawberry.field(
        default=None, description="A tool to try; the column's own without it."
    )
    sample: int = strawberry.field(default=5, description="How many rows, 1 to 20.")
    filter: RowFilter | None = strawberry.field(
        default=None, description="The first rows that match; the first of the table without it."
    )
    rows: list[strawberry.ID] | None = strawberry.field(
        default=None, description="Only these rows; not together with `filter`."
    )


@strawberry.type(
    description="The answer of `cellsRun`, `runPause`, `runResume`, `runCancel` and `runRetry`."
)
class RunPayload:
    run: Run | None = strawberry.field(description="The run as it stands.")
    errors: list[UserError] = strawberry.field(description="Why nothing was done.")


@strawberry.type(description="The answer of `runPreview`.")
class RunPreviewPayload:
    cells: list[PreviewedCell] | None = strawberry.field(description="What it would give.")
    errors: list[UserError] = strawberry.field(description="Why nothing was tried.")


_RunInput = Annotated[RunInput, strawberry.argument(description="The run.")]


@strawberry.type
class RunMutations:
    @strawberry.mutation(
        description="Fill cells by the tools of their columns. Workers do it: follow `runProgress`."
    )
    async def cells_run(
        self,
        info: Info,
        input: Annotated[CellsRunInput, strawberry.argument(description="Which cells.")],
    ) -> RunPayload | None:
        try:
            command = _command(input)
            await refuse_programs(info, {("tool",): command.tool})
            run = await runs.start_run(info.context.viewer, info.context.storage, command)
        except EXPECTED as error:
            return RunPayload(run=None, errors=user_errors(error))
        return RunPayload(run=Run.of(run), errors=[])

    @strawberry.mutation(
        description="Begin no further cells of a run. Those that are being filled are finished."
    )
    async def run_pause(self, info: Info, input: _RunInput) -> RunPayload | None:
        try:
            run = await runs.pause_run(
                info.context.viewer, info.context.storage, given_id(input.run_id)
            )
        except EXPECTED as error:
            return RunPayload(run=None, errors=user_errors(error))
        return RunPayload(run=Run.of(run), errors=[])

    @strawberry.mutation(description="Go on with a paused run.")
    async def run_resume(self, info: Info, input: _RunInput) -> RunPayload | None:
        try:
            run = await runs.resume_run(
                info.context.viewer, info.context.storage, given_id(input.run_id)
            )
        except EXPECTED as error:
            return RunPayload(run=None, errors=user_errors(error))
        return RunPayload(run=Run.of(run), errors=[])

    @strawberry.mutation(
        description="Stop a run. Cells that it has not filled are what they were before."
    )
    async def run_cancel(self, info: Info, input: _RunInput) -> RunPayload | None:
        try:
            run = await runs.stop_run(
                info.context.viewer, info.context.storage, given_id(input.run_id)
            )
        except EXPECTED as error:
            return RunPayload(run=None, errors=user_errors(error))
        return RunPayload(run=Run.of(run), errors=[])

    @strawberry.mutation(
        description="Begin a new run over the cells that failed in this one, with its budget."
    )
    async def run_retry(self, info: Info, input: _RunInput) -> RunPayload | None:
        try:
            run = await runs.retry_run(
                info.context.viewer, info.context.storage, given_id(input.run_id)
            )
        except EXPECTED as error:
            return RunPayload(run=None, errors=user_errors(error))
        return RunPayload(run=Run.of(run), errors=[])

    @strawberry.mutation(
        description="Ask a tool about a few rows and show what it says. Nothing is written."
    )
    async def run_preview(
        self,
        info: Info,
        input: Annotated[RunPreviewInput, strawberry.argument(description="What to try.")],
    ) -> RunPreviewPayload | None:
        context = info.context
        tool = given_tool(input.tool) if input.tool else None
        command = RunPreview(
            given_id(input.table_id),
            input.column,
            tool,
            input.sample,
            given_selection(input.filter, input.rows),
        )
        try:
            await refuse_programs(info, {("tool",): tool})
            cells = await run_previews.preview_run(
                context.viewer, context.storage, context.tools, command
            )
        except EXPECTED as error:
            return RunPreviewPayload(cells=None, errors=user_errors(error))
        return RunPreviewPayload(cells=[PreviewedCell.of(cell) for cell in cells], errors=[])


def _command(given: CellsRunInput) -> CellsRun:
    """The command of an input. Raises `Invalid`."""
    return CellsRun(
        given_id(given.table_id),
        given.columns,
        given_selection(given.filter, given.rows),
        run_records.RunMode(given.mode.value),
        budget_of(given.budget) if given.budget else Budget(),
        given.use_cache,
        given.name,
        given_tool(given.tool) if given.tool else None,
    )


def given_selection(filter: RowFilter | None, rows: list[strawberry.ID] | None) -> Selection:
    """The rows that an input names."""
    raw: RawCondition | None = raw_filter(filter) if filter else None
    row_ids = None
    if rows is not None:
        row_ids = [given_id(each, index) for index, each in enumerate(rows)]
    return Selection(raw, row_ids)


def budget_of(given: RunBudgetInput) -> Budget:
    """The budget; its cost is taken as it is written. Raises `Invalid`."""
    cost = given.cost
    if cost is None:
        return Budget(None, given.tokens, given.rows)
    if isinstance(cost, bool) or not isinstance(cost, int | float | Decimal):
        raise invalid(ErrorCode.INVALID_TYPE, "budget.cost is a number", "budget", "cost")
    return Budget(Decimal(str(cost)), given.tokens, given.rows)
