"""Looking before a run: what tools would answer for some rows, and what all of it would take."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any
from uuid import UUID

from domain import access, checks, numbers
from domain.access import Viewer
from domain.column_tools import run_tool_problems
from domain.columns import Column, ColumnType, TableShape
from domain.errors import Conflict, ErrorCode, invalid
from domain.ports import Storage
from domain.run_ports import Tools
from domain.run_records import (
    CellsRun,
    PreviewedCell,
    RunEstimate,
    SampleRow,
    Search,
    Selection,
)
from domain.run_rules import tool_for
from domain.runs import named_columns, run_problems, search_of
from domain.tables import on_table
from domain.tool_ports import CallEstimate, ToolWork, TryLater
from domain.tool_records import Answer, Tool, ToolCall

#: Rows of a preview at most, and rows that an estimate looks at.
MAX_SAMPLE = 20
ESTIMATE_ROWS = 100
#: Of tools that read files: each file has to be read to know how long it is.
ESTIMATE_FILES = 10


@dataclass(frozen=True, slots=True)
class RunPreview:
    """What to try: the tool of a column, or another one, on the first rows that match."""

    table_id: UUID
    column: str
    tool: Tool | None = None
    sample: int = 5
    selection: Selection = field(default_factory=Selection)


async def preview_run(
    viewer: Viewer, storage: Storage, tools: Tools, command: RunPreview
) -> list[PreviewedCell]:
    """Ask a tool about some rows and write nothing. What it costs is paid for.

    Raises `NotFound`, `Invalid`, and `Conflict` when the provider wants to be left alone."""
    access.require(viewer, "runPreview")
    if not 1 <= command.sample <= MAX_SAMPLE:
        raise invalid(ErrorCode.OUT_OF_RANGE, f"sample is 1 to {MAX_SAMPLE}", "sample")
    run = CellsRun(command.table_id, [command.column], command.selection, tool=command.tool)
    checks.refuse(run_problems(run))

    async def work(shape: TableShape) -> tuple[ToolWork, Sequence[SampleRow]]:
        [(column, tool)] = await _filled(storage, shape, run)
        search = replace(search_of(shape, run, [column]), limit=command.sample)
        rows = await storage.runs.sample(shape, search, tool)
        return _work(viewer, shape, column, tool, rows), rows

    asked, rows = await on_table(viewer, storage, command.table_id, work)
    found: dict[int, Answer] = {}
    try:
        async for answer in tools.answers(asked):
            found.setdefault(answer.index, answer)
    except TryLater as later:
        raise Conflict(f"Try again in {later.seconds:.0f} seconds: {later.reason}") from None
    return [
        PreviewedCell(rows[index].row_id, asked.calls[index].inputs, answer)
        for index, answer in sorted(found.items())
    ]


async def estimate_run(
    viewer: Viewer, storage: Storage, tools: Tools, command: CellsRun
) -> RunEstimate:
    """How many cells a run would fill, and what its calls would take: what the first 100 rows take
    (10 of tools that read files), for all of them. Raises `NotFound` and `Invalid`."""
    access.require(viewer, "runEstimate")
    checks.refuse(run_problems(command))

    async def work(shape: TableShape) -> RunEstimate:
        filled = await _filled(storage, shape, command)
        search = search_of(shape, command, [column for column, _ in filled])
        rows, cells = await _counted(storage, shape, search)
        if command.budget.rows is not None:
            cells = {number: min(count, command.budget.rows) for number, count in cells.items()}
            rows = min(rows, command.budget.rows)
        total = RunEstimate(rows, sum(cells.values()), 0, 0, Decimal(0), Decimal(0))
        for column, tool in filled:
            count = cells.get(column.number, 0)
            limit = ESTIMATE_FILES if _reads_files(shape, tool) else ESTIMATE_ROWS
            sample = await storage.runs.sample(shape, replace(search, limit=limit), tool)
            if count and sample:
                estimates = await tools.estimates(_work(viewer, shape, column, tool, sample))
                total = _with(total, estimates, count)
        return total

    return await on_table(viewer, storage, command.table_id, work)


def _reads_files(shape: TableShape, tool: Tool) -> bool:
    found = (shape.columns_by_key.get(key) for key in tool.inputs)
    return any(column is not None and column.type is ColumnType.FILE for column in found)


async def _counted(
    storage: Storage, shape: TableShape, search: Search
) -> tuple[int, dict[int, int]]:
    rows, cells = 0, dict.fromkeys((column.number for column in search.columns), 0)
    while True:
        more, by_column, chunk = await storage.runs.count(shape, search)
        rows += more
        for number, count in by_column.items():
            cells[number] += count
        if chunk.last:
            return rows, cells
        search = replace(search, after=chunk.upto)


def _with(total: RunEstimate, calls: Sequence[CallEstimate], count: int) -> RunEstimate:
    """The total with `count` calls like these."""

    def all_of(values: Sequence[int]) -> int:
        return -(-sum(values) * count // len(calls))

    def price(known: Decimal | None, values: Sequence[Decimal | None]) -> Decimal | None:
        if known is None or None in values:
            return None
        spent = sum((value for value in values if value is not None), Decimal(0))
        return known + spent * count / len(calls)

    return replace(
        total,
        tokens_low=total.tokens_low + all_of([call.tokens_low for call in calls]),
        tokens_high=total.tokens_high + all_of([call.tokens_high for call in calls]),
        cost_low=price(total.cost_low, [call.cost_low for call in calls]),
        cost_high=price(total.cost_high, [call.cost_high for call in calls]),
    )


async def _filled(
    storage: Storage, shape: TableShape, command: CellsRun
) -> list[tuple[Column, Tool]]:
    """The columns with what fills them. Raises `Invalid`."""
    columns = named_columns(shape, command)
    if command.tool is not None:
        for column in columns:
            checks.refuse(await run_tool_problems(storage, shape, column, command.tool))
    pairs = [(column, tool_for(column, command.tool)) for column in columns]
    return [(column, tool) for column, tool in pairs if tool is not None]


def _work(
    viewer: Viewer, shape: TableShape, column: Column, tool: Tool, rows: Sequence[SampleRow]
) -> ToolWork:
    known = shape.columns_by_key
    calls = [ToolCall(index, _inputs(row.inputs)) for index, row in enumerate(rows)]
    inputs = {key: known[key] for key in tool.inputs if key in known}
    return ToolWork(
        shape.organization_id, shape.id, column, tool, inputs, calls, viewer.actor, use_cache=True
    )


def _inputs(texts: Mapping[str, str | None]) -> dict[str, Any]:
    return {key: None if text is None else numbers.loads(text) for key, text in texts.items()}
