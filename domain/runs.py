"""Runs of tools over cells: starting, looking at, pausing, resuming, cancelling and retrying them.

A small run has queued its cells when it is answered; the cells of a larger one are queued by a job.
Workers fill them in batches."""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from uuid import UUID

from domain import access, checks, filters, ids
from domain.access import Viewer
from domain.changes import Cause
from domain.column_tools import run_tool_problems
from domain.columns import Column, TableShape
from domain.errors import Conflict, ErrorCode, Invalid, NotFound, Problem, StructureMoved, invalid
from domain.filters import Filter
from domain.ports import Storage
from domain.run_records import (
    INLINE_ROWS,
    Budget,
    CellsRun,
    FailedCell,
    NewRun,
    Run,
    RunMode,
    RunStatus,
    Search,
    Selection,
)
from domain.tables import on_table, shape_of

#: Rows that a request can name.
MAX_ROWS = 1_000
#: Runs and failed cells on one page at most.
MAX_PAGE = 1_000
_MOST_INTEGER = 2**31 - 1
_ASKED_FOR = Cause()


async def start_run(
    viewer: Viewer, storage: Storage, command: CellsRun, cause: Cause = _ASKED_FOR
) -> Run:
    """Fill cells by their tools. `cause` says what asked for it, and how deep it lies.

    Cells that another run holds are passed over and counted, rows that are not there passed over.
    A command with an id of its own starts one run, however often it is given.
    Raises `NotFound` for the table, and `Invalid` with every problem."""
    access.require(viewer, "cellsRun")
    checks.refuse(run_problems(command))

    async def work(shape: TableShape) -> Run:
        known = await storage.runs.get(viewer.organization_id, command.id) if command.id else None
        if known is not None:
            return known
        columns = await run_columns(viewer, storage, shape, command)
        new = new_run(command, columns, cause)
        search = replace(search_of(shape, command, columns), limit=INLINE_ROWS)
        chunk = await storage.runs.find(shape, search)
        if chunk.last:
            return await storage.runs.start(shape, viewer.actor, new, chunk)
        return await storage.runs.start_large(shape, viewer.actor, new)

    return await on_table(viewer, storage, command.table_id, work)


async def read_run(viewer: Viewer, storage: Storage, run_id: UUID) -> Run:
    """A run with its progress. Raises `NotFound`."""
    access.require(viewer, "run")
    return await _existing(viewer, storage, run_id)


async def run_progress(viewer: Viewer, storage: Storage, run_id: UUID) -> Run:
    """A run as it stands, for somebody who follows it.

    Whoever hears of a new revision of its table asks again: each step of a run makes one. Raises
    `NotFound`."""
    access.require(viewer, "runProgress")
    return await _existing(viewer, storage, run_id)


async def runs_of_table(
    viewer: Viewer, storage: Storage, table_id: UUID, before: UUID | None = None, limit: int = 20
) -> list[Run]:
    """Runs of a table, newest first; with `before`, those that are older than that one. Raises
    `NotFound`."""
    access.require(viewer, "runs")
    _check_page(limit)
    await shape_of(viewer, storage, table_id)
    return await storage.runs.of_table(viewer.organization_id, table_id, before, limit)


async def failed_cells(
    viewer: Viewer,
    storage: Storage,
    run_id: UUID,
    after: tuple[UUID, int] | None = None,
    limit: int = 20,
) -> list[FailedCell]:
    """Cells that the run could not fill and nobody has filled since, by row and column. Raises
    `NotFound`."""
    access.require(viewer, "run")
    _check_page(limit)
    run = await _existing(viewer, storage, run_id)
    return await storage.runs.failed_cells(run, after, limit)


async def pause_run(viewer: Viewer, storage: Storage, run_id: UUID) -> Run:
    """Begin no further cells. Those that are being made are finished. One that is paused stays so.

    Raises `NotFound`, and `Conflict` for a run that has ended."""
    access.require(viewer, "runPause")
    return await _set_status(viewer, storage, run_id, RunStatus.PAUSED)


async def resume_run(viewer: Viewer, storage: Storage, run_id: UUID) -> Run:
    """Go on with a paused run; one that runs is left alone.

    Raises `NotFound`, and `Conflict` for a run that has ended."""
    access.require(viewer, "runResume")
    return await _set_status(viewer, storage, run_id, RunStatus.RUNNING)


async def stop_run(viewer: Viewer, storage: Storage, run_id: UUID) -> Run:
    """Stop a run: cells that it has not filled get back the status that they had. One that has
    ended stays as it is. Raises `NotFound`."""
    access.require(viewer, "runCancel")
    run = await _existing(viewer, storage, run_id)
    if run.is_over:
        return run
    return await _set_status(viewer, storage, run_id, RunStatus.CANCELLED)


async def retry_run(viewer: Viewer, storage: Storage, run_id: UUID) -> Run:
    """Begin a new run over the rows with cells that failed in this one, with the same tools and the
    same budget. Raises `NotFound`, and `Conflict` while the run goes on."""
    access.require(viewer, "runRetry")
    run = await _existing(viewer, storage, run_id)
    if not run.is_over:
        raise Conflict("The run has not ended yet")
    shape = await shape_of(viewer, storage, run.table_id)
    known = shape.columns_by_number
    command = CellsRun(
        run.table_id,
        [known[number].key for number in run.columns if number in known],
        Selection(failed_of=run.id),
        RunMode.ERRORS,
        run.budget,
        run.use_cache,
        run.name,
        run.tool,
    )
    return await start_run(viewer, storage, command)


def run_problems(command: CellsRun) -> list[Problem]:
    """What is wrong with a command whatever the table is."""
    problems = checks.text_problems("name", command.name, 1, 256)
    selection, budget = command.selection, command.budget
    if selection.row_ids is not None and not 1 <= len(selection.row_ids) <= MAX_ROWS:
        message = f"rows takes 1 to {MAX_ROWS} ids"
        problems.append(Problem(ErrorCode.OUT_OF_RANGE, message, ("rows",)))
    if selection.row_ids is not None and selection.filter is not None:
        message = "rows and filter cannot be given together"
        problems.append(Problem(ErrorCode.INVALID, message, ("rows",)))
    return problems + _budget_problems(budget)


def _budget_problems(budget: Budget) -> list[Problem]:
    problems = []
    cost = budget.cost
    if cost is not None and not (cost.is_finite() and Decimal(0) <= cost <= _MOST_INTEGER):
        message = f"budget.cost is from 0 to {_MOST_INTEGER} US dollars"
        problems.append(Problem(ErrorCode.OUT_OF_RANGE, message, ("budget", "cost")))
    for name, value in (("tokens", budget.tokens), ("rows", budget.rows)):
        if value is not None and not 0 <= value <= _MOST_INTEGER:
            message = f"budget.{name} is from 0 to {_MOST_INTEGER}"
            problems.append(Problem(ErrorCode.OUT_OF_RANGE, message, ("budget", name)))
    return problems


async def run_columns(
    viewer: Viewer, storage: Storage, shape: TableShape, command: CellsRun
) -> list[Column]:
    """The columns that a run fills, in the order of the table. Raises `Invalid`, and
    `StructureMoved` after it has made a column ready to hold states."""
    columns = named_columns(shape, command)
    if command.tool is None:
        return columns
    [column] = columns
    checks.refuse(await run_tool_problems(storage, shape, column, command.tool))
    if not column.stateful:
        await storage.columns.update(shape, viewer.actor, column, {"tracked": True})
        raise StructureMoved
    return columns


def named_columns(shape: TableShape, command: CellsRun) -> list[Column]:
    """The columns that a command names, which have tools or are filled by the command's own. Raises
    `Invalid`."""
    columns = _columns(shape, command)
    without = [column.key for column in columns if column.tool is None]
    if command.tool is None and without:
        message = f"columns without a tool: {', '.join(without)}"
        raise invalid(ErrorCode.INVALID, message, "columns")
    if command.tool is not None and len(columns) != 1:
        raise invalid(ErrorCode.INVALID, "a tool of its own fills exactly one column", "columns")
    return columns


def _columns(shape: TableShape, command: CellsRun) -> list[Column]:
    if command.columns is None:
        columns = [column for column in shape.columns if column.tool is not None]
        if not columns and command.tool is None:
            raise invalid(ErrorCode.REQUIRED, "the table has no column with a tool", "columns")
        return columns
    unknown = [key for key in command.columns if key not in shape.columns_by_key]
    if unknown or not command.columns:
        raise Invalid(
            [
                Problem(ErrorCode.UNKNOWN_COLUMN, f"Unknown column: {key}", ("columns",))
                for key in unknown
            ]
            or [Problem(ErrorCode.REQUIRED, "columns names no column", ("columns",))]
        )
    wanted = set(command.columns)
    return [column for column in shape.columns if column.key in wanted]


def new_run(command: CellsRun, columns: Sequence[Column], cause: Cause) -> NewRun:
    """The run that a command asks for, with an id of its own."""
    return NewRun(
        command.id or ids.new_id(ids.Kind.RUN),
        command.name,
        command.mode,
        [column.number for column in columns],
        command.tool,
        command.selection,
        command.budget,
        command.use_cache,
        cause,
        command.batch_rows,
    )


def search_of(shape: TableShape, command: CellsRun, columns: Sequence[Column]) -> Search:
    """What finds the rows of a command. Raises `Invalid` for a bad filter."""
    selection = command.selection
    bound: Filter | None = None
    if selection.filter is not None:
        bound = filters.bind_current(shape, selection.filter)
    return Search(
        columns,
        command.mode,
        bound,
        selection.row_ids,
        selection.failed_of,
        rows_left=command.budget.rows,
    )


async def _set_status(viewer: Viewer, storage: Storage, run_id: UUID, status: RunStatus) -> Run:
    run = await _existing(viewer, storage, run_id)
    shape = await storage.tables.shape(viewer.organization_id, run.table_id)
    if shape is None:
        moved = await storage.runs.set_status(None, viewer.actor, run, status)
    else:

        async def work(shape: TableShape) -> Run | None:
            return await storage.runs.set_status(shape, viewer.actor, run, status)

        moved = await on_table(viewer, storage, run.table_id, work)
    found = moved or await _existing(viewer, storage, run_id)
    if moved is None and found.is_over and status is not RunStatus.CANCELLED:
        raise Conflict(f"The run has ended: {found.status}")
    return found


async def _existing(viewer: Viewer, storage: Storage, run_id: UUID) -> Run:
    run = await storage.runs.get(viewer.organization_id, run_id)
    if run is None:
        raise NotFound("Run")
    return run


def _check_page(limit: int) -> None:
    if not 1 <= limit <= MAX_PAGE:
        raise invalid(ErrorCode.OUT_OF_RANGE, f"first must be 1 to {MAX_PAGE}", "first")
