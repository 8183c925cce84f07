"""Filling one batch: cells are taken, tools asked outside of any transaction, and answers written
in groups as they come."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar
from uuid import UUID

import structlog

from domain import numbers
from domain.columns import Column, TableShape
from domain.errors import StructureMoved
from domain.ports import Storage
from domain.run_ports import Filled, Tools
from domain.run_records import ACTIVE, Batch, CellResult, Reserved, RunStatus, TakenCell
from domain.run_rules import answered_by, levels, tool_for
from domain.tool_ports import CallEstimate, ToolWork, TryLater
from domain.tool_records import Tool, ToolCall, ToolKind
from persistence.jobs import TryAgain, out_of_reach

#: Answers are written at the latest after this time, or when there are so many.
GROUP_SECONDS = 0.25
GROUP_CELLS = 500
#: Inputs that are read at once.
PART_BYTES = 8_000_000
#: How often a batch that waits for answers looks whether its run was cancelled.
LOOK_SECONDS = 1.0
_ATTEMPTS = 10
#: How long a batch waits for what other batches have set aside and may not spend.
_BUDGET_SECONDS = 1.0

_BUDGET_WAITS = "The rest of the budget is set aside for calls under way"
_NO_ANSWER = "The tool gave no answer for this cell"
_INTERNAL = "An internal error kept the tool from answering"

Result = TypeVar("Result")

_log = structlog.get_logger()


class _Over(Exception):
    """The run has ended or pauses: nothing more is to be done."""


@dataclass(slots=True)
class _Asked:
    """Cells of one column that a tool is asked for, and what their calls may take where that
    matters. `open` are those without an answer."""

    column: Column
    tool: Tool
    cells: Sequence[CellResult]
    estimates: Sequence[CallEstimate] = ()
    open: dict[int, CellResult] = field(default_factory=dict)
    later: TryLater | None = None
    error: str = _NO_ANSWER


async def fill_batch(storage: Storage, tools: Tools, batch: Batch, stopping: asyncio.Event) -> None:
    """Fill the cells of a batch, column by column. Raises `TryAgain` when some have to wait."""
    try:
        await _Filling(storage, tools, batch, stopping).run()
    except _Over:
        return
    await storage.cell_batches.end(batch)


class _Filling:
    def __init__(
        self, storage: Storage, tools: Tools, batch: Batch, stopping: asyncio.Event
    ) -> None:
        self._storage = storage
        self._tools = tools
        self._batch = batch
        self._stopping = stopping
        #: Rows of which the budget left something out: what reads it cannot be made either.
        self._left: set[UUID] = set()

    async def run(self) -> None:
        shape = await self._shape()
        if len(self._filled(shape, self._batch.run.columns)) < len(self._batch.run.columns):
            # This worker may have met the table before its columns had tools, or were there.
            self._storage.tables.forget(shape)
            shape = await self._shape()
        await self._name_models(shape)
        for level in levels(shape, self._batch.run.columns):
            for part in await self._parts(level):
                await self._begin()
                while not await self._fill(level, part):
                    await self._begin()

    async def _name_models(self, shape: TableShape) -> None:
        """Remember which models answer, so that another one counts as another input."""
        run = self._batch.run
        filled = self._filled(shape, run.columns)
        if any(tool.kind is ToolKind.AI for _, tool in filled):
            providers = await self._storage.providers.list_all(run.organization_id)
            named = {column.number: answered_by(tool, providers) for column, tool in filled}
            self._batch = replace(self._batch, answered_by=named)

    async def _begin(self) -> None:
        """Wait out a pause before further cells. Raises `_Over`."""
        while (status := await self._status()) is RunStatus.PAUSED:
            if await self._storage.cell_batches.leave(self._batch):
                raise _Over
        if status not in ACTIVE:
            raise _Over

    async def _parts(self, level: Sequence[int]) -> list[Batch]:
        """The batch in parts whose inputs fit: mostly one."""
        weights = await self._on_shape(
            lambda shape: self._storage.cell_batches.weigh(
                shape, self._batch, self._filled(shape, level)
            )
        )
        parts: list[list[UUID]] = [[]]
        weight = 0
        for row_id in self._batch.row_ids:
            own = weights.get(row_id, 0)
            if parts[-1] and weight + own > PART_BYTES:
                parts.append([])
                weight = 0
            parts[-1].append(row_id)
            weight += own
        return [replace(self._batch, row_ids=rows) for rows in parts]

    async def _fill(self, level: Sequence[int], part: Batch) -> bool:
        """Fill the cells of a level in some rows. False: the run was paused or ended between two
        rounds, and what is left waits in its queue."""
        cells = await self._on_shape(
            lambda shape: self._storage.cell_batches.take(shape, part, self._filled(shape, level))
        )
        shape = await self._shape()
        filled = {column.number: (column, tool) for column, tool in self._filled(shape, level)}
        known, wanted = [], []
        for number, (column, tool) in filled.items():
            own = [cell for cell in cells if cell.column_number == number]
            gone = [key for key in tool.inputs if key not in shape.columns_by_key]
            if gone:
                error = f"the tool reads {gone[0]}, which is no column any more"
                known += [CellResult(cell, error=error) for cell in own]
                continue
            ready = [CellResult(cell) for cell in own if _is_asked(cell)]
            known += [_known(cell) for cell in own if not _is_asked(cell)]
            if ready:
                wanted.append(_Asked(column, tool, ready))
        if known:
            await self._store(level, known)
        if not self._batch.run.budget.is_spent_by_calls:
            await self._ask_all(shape, level, wanted)
            return True
        return await self._fill_within(shape, level, wanted)

    async def _fill_within(
        self, shape: TableShape, level: Sequence[int], wanted: Sequence[_Asked]
    ) -> bool:
        """Ask as many as the budget allows, and again when what was set aside and not spent is
        free, until nothing fits any more. Then the rest is given back."""
        left = [cell for each in wanted for cell in each.cells if cell.cell.row_id in self._left]
        if left:  # at once: who waits for a model must not find them held
            await self._give_back([each.cell for each in left])
        wanted = _without(wanted, self._left)
        wanted = [
            replace(each, estimates=await self._tools.estimates(self._work(shape, each)))
            for each in wanted
        ]
        while wanted:
            affordable = await self._storage.cell_batches.reserve(
                self._batch, [one for each in wanted for one in each.estimates]
            )
            asked, wanted = _divided(wanted, affordable.calls)
            rest = [cell for each in wanted for cell in each.cells]
            if not asked and not affordable.more_later:
                await self._give_back([each.cell for each in rest])
                break
            try:
                if not asked:
                    raise TryAgain(_BUDGET_WAITS, _BUDGET_SECONDS)
                await self._ask_all(shape, level, asked)
            except TryAgain:
                await self._requeue(rest, _BUDGET_WAITS)
                raise
            if rest and await self._status() is not RunStatus.RUNNING:
                await self._requeue(rest, None)
                return False
        return True

    async def _give_back(self, cells: Sequence[TakenCell]) -> None:
        """Give cells back that the budget does not allow."""
        self._left |= {cell.row_id for cell in cells}
        await self._on_shape(
            lambda shape: self._storage.cell_batches.give_back(shape, self._batch, cells)
        )

    async def _ask_all(
        self, shape: TableShape, level: Sequence[int], asked: Sequence[_Asked]
    ) -> None:
        """Ask the tools of a level at once, and write what they answer as it comes."""
        for each in asked:
            each.open = dict(enumerate(each.cells))
        answers: asyncio.Queue[CellResult | None] = asyncio.Queue()
        tasks = [asyncio.create_task(self._ask(shape, each, answers)) for each in asked]
        try:
            await self._collect(level, answers, len(tasks))
        except TryAgain:
            await self._requeue([each for one in asked for each in one.open.values()], None)
            raise
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        for task in tasks:
            task.result()  # a database that is away ends the job, which runs again
        await self._settle(level, asked)

    async def _settle(self, level: Sequence[int], asked: Sequence[_Asked]) -> None:
        """What got no answer failed, or waits."""
        silent = [
            replace(each, error=one.error)
            for one in asked
            if one.later is None
            for each in one.open.values()
        ]
        if silent:
            await self._store(level, silent)
        for later in (one.later for one in asked if one.later is not None):
            waiting = [each for one in asked if one.later for each in one.open.values()]
            await self._requeue(waiting, later.reason)
            raise TryAgain(later.reason, later.seconds)

    async def _ask(
        self, shape: TableShape, asked: _Asked, answers: "asyncio.Queue[CellResult | None]"
    ) -> None:
        """Ask one tool. Its answers go into the queue, and None at the end."""
        try:
            async for answer in self._tools.answers(self._work(shape, asked)):
                cell = asked.open.pop(answer.index, None)
                if cell is not None:  # else it answered twice, or what nobody asked
                    answers.put_nowait(replace(cell, answer=answer))
        except TryLater as later:
            asked.later = later
        except Exception as error:
            if out_of_reach(error):
                raise
            _log.exception("a tool failed", run_id=str(self._batch.run.id))
            asked.error = _INTERNAL
        finally:
            answers.put_nowait(None)

    async def _collect(
        self, level: Sequence[int], answers: "asyncio.Queue[CellResult | None]", open_: int
    ) -> None:
        """Write answers in groups until all tools have ended."""
        group: list[CellResult] = []
        due = 0.0
        while open_ or group:
            pause = max(0.0, due - time.monotonic()) if group else LOOK_SECONDS
            try:
                async with asyncio.timeout(pause):
                    found = [await answers.get()]
            except TimeoutError:
                found = []
            while len(found) < GROUP_CELLS and not answers.empty():
                found.append(answers.get_nowait())
            if not group:
                due = time.monotonic() + GROUP_SECONDS
            group += [each for each in found if each is not None]
            open_ -= found.count(None)
            if group and (not open_ or len(group) >= GROUP_CELLS or time.monotonic() >= due):
                await self._store(level, group)
                group = []
            if not group and open_:
                await self._look()

    async def _look(self) -> None:
        """Whether to go on. Raises `_Over` and `TryAgain`."""
        if await self._status() not in (*ACTIVE,):
            raise _Over
        if self._stopping.is_set():
            raise TryAgain("the worker stops", seconds=0)

    async def _store(self, level: Sequence[int], results: Sequence[CellResult]) -> None:
        await self._on_shape(
            lambda shape: self._storage.cell_batches.finish(
                shape, self._batch, self._filled(shape, level), results
            )
        )

    async def _requeue(self, cells: Sequence[CellResult], waiting: str | None) -> None:
        if cells:
            await self._on_shape(
                lambda shape: self._storage.cell_batches.requeue(shape, self._batch, cells, waiting)
            )

    def _work(self, shape: TableShape, asked: _Asked) -> ToolWork:
        run = self._batch.run
        return ToolWork(
            run.organization_id,
            run.table_id,
            asked.column,
            asked.tool,
            {key: shape.columns_by_key[key] for key in asked.tool.inputs},
            [ToolCall(index, _values(each.cell)) for index, each in enumerate(asked.cells)],
            run.created_by,
            run.use_cache,
            # Where an enrichment finds nothing, cells stay as they are.
            blank_is_nothing=run.tool is not None,
        )

    def _filled(self, shape: TableShape, level: Sequence[int]) -> Filled:
        """The columns of a level with their tools; those that are gone by now are left out."""
        known = shape.columns_by_number
        columns = [known[number] for number in level if number in known]
        pairs = ((column, tool_for(column, self._batch.run.tool)) for column in columns)
        return [(column, tool) for column, tool in pairs if tool is not None]

    async def _status(self) -> RunStatus | None:
        return await self._storage.cell_batches.status(self._batch.run.id)

    async def _shape(self) -> TableShape:
        run = self._batch.run
        shape = await self._storage.tables.shape(run.organization_id, run.table_id)
        if shape is None:
            await self._storage.runs.fail(None, run, "Table not found")
            raise _Over
        return shape

    async def _on_shape(self, work: Callable[[TableShape], Awaitable[Result]]) -> Result:
        for _ in range(_ATTEMPTS):
            shape = await self._shape()
            try:
                return await work(shape)
            except StructureMoved:
                self._storage.tables.forget(shape)
        raise TryAgain("the columns of the table keep moving", seconds=1)


def _without(wanted: Sequence[_Asked], row_ids: Collection[UUID]) -> list[_Asked]:
    """The same questions but for the cells of these rows."""
    kept = (
        replace(each, cells=[cell for cell in each.cells if cell.cell.row_id not in row_ids])
        for each in wanted
    )
    return [each for each in kept if each.cells]


def _divided(
    wanted: Sequence[_Asked], reserved: Sequence[Reserved | None]
) -> tuple[list[_Asked], list[_Asked]]:
    """What can be asked now, with what is set aside for it, and the rest."""
    now, rest = [], []
    place = 0
    for each in wanted:
        parts = reserved[place : place + len(each.cells)]
        place += len(each.cells)
        triples = list(zip(each.cells, each.estimates, parts, strict=True))
        fits = [replace(cell, reserved=part) for cell, _, part in triples if part is not None]
        waits = [(cell, estimate) for cell, estimate, part in triples if part is None]
        if fits:
            now.append(_Asked(each.column, each.tool, fits))
        if waits:
            cells, estimates = zip(*waits, strict=True)
            rest.append(_Asked(each.column, each.tool, cells, estimates))
    return now, rest


def _is_asked(cell: TakenCell) -> bool:
    """Whether a tool has to be asked: not for what is known, and not about nothing."""
    something = any(text is not None for text in cell.inputs.values()) or not cell.inputs
    return not cell.cached and cell.waits_for is None and something


def _known(cell: TakenCell) -> CellResult:
    if cell.waits_for is not None:
        return CellResult(cell, error=f"waits for {cell.waits_for}, which failed")
    return CellResult(cell)


def _values(cell: TakenCell) -> dict[str, object]:
    return {key: None if text is None else numbers.loads(text) for key, text in cell.inputs.items()}
