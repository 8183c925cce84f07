"""Tables with tools, tools that count what they are asked, and a worker inside this process."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from uuid import UUID

import orjson

from domain import runs
from domain.changes import ChangeKind
from domain.columns import ColumnType, ComputedBy, NewColumn
from domain.run_records import CellsRun, Run
from domain.tool_ports import CallEstimate, ToolWork, TryLater
from domain.tool_records import (
    AiTool,
    Answer,
    Producer,
    ProducerKind,
    PythonTool,
    Tool,
    ToolCall,
    ToolKind,
    Usage,
)
from domain.tools import make_tool
from persistence import jobs
from processing import cell_runs
from tests.waiting import between_looks
from tests.worlds import World

Answering = Callable[[ToolWork, ToolCall], Any]


class Refuse(Exception):
    """What a tool of a test says of a cell that it cannot fill."""


def double(work: ToolWork, call: ToolCall) -> Any:
    """Each input twice, one after the other."""
    return "".join(f"{value}{value}" for value in call.inputs.values() if value is not None)


@dataclass
class CountingTools:
    """Answers what `answer` gives, at `cost` and `tokens` a call, and remembers each call."""

    answer: Answering = double
    cost: Decimal = Decimal(0)
    tokens: int = 0
    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    #: Set by `hold`: calls wait for it.
    go_on: asyncio.Event = field(default_factory=asyncio.Event)
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    #: Raised after so many answers of one work, once.
    later: list[tuple[int, TryLater]] = field(default_factory=list)
    most_at_once: int = 0
    _open: int = 0

    def __post_init__(self) -> None:
        self.go_on.set()

    def hold(self) -> None:
        """Keep calls waiting until `release`."""
        self.go_on.clear()

    def release(self) -> None:
        """Let calls go on."""
        self.go_on.set()

    async def answers(self, work: ToolWork) -> AsyncIterator[Answer]:
        """One answer after the other."""
        for place, call in enumerate(work.calls):
            if self.later and self.later[0][0] == place:
                raise self.later.pop(0)[1]
            self.calls.append((work.column.key, dict(call.inputs)))
            self.arrived.set()
            await self.go_on.wait()
            yield self._answer(work, call)

    def _answer(self, work: ToolWork, call: ToolCall) -> Answer:
        kind = ProducerKind.MODEL if work.tool.kind is ToolKind.AI else ProducerKind.PYTHON
        producer = Producer(kind, work.actor, version="test")
        usage = Usage(self.tokens, 0, self.cost)
        try:
            value = self.answer(work, call)
        except Refuse as refused:
            return Answer(call.index, producer, error=str(refused), usage=usage)
        return Answer(call.index, producer, value, usage=usage, confidence=0.5)

    async def estimates(self, work: ToolWork) -> Sequence[CallEstimate]:
        """What each call takes, exactly."""
        one = CallEstimate(self.tokens, self.tokens, 0, 0, self.cost, self.cost)
        return [one] * len(work.calls)


def python(*inputs: str) -> Tool:
    """A Python tool that reads these columns."""
    return make_tool(PythonTool("def run(row):\n    return None"), inputs)


def ai(*inputs: str) -> Tool:
    """A question to a model about these columns."""
    return make_tool(AiTool(" ".join("{{" + key + "}}" for key in inputs)))


def tool_column(key: str, tool: Tool, type_: ColumnType = ColumnType.TEXT) -> NewColumn:
    """A column with a tool."""
    return NewColumn(key, key, type_, computed_by=ComputedBy.TOOL, tool=tool)


@dataclass
class Running:
    """One organisation with runs."""

    world: World
    url: str
    tools: CountingTools = field(default_factory=CountingTools)

    async def start(self, table_id: UUID, **command: Any) -> Run:
        """Begin a run."""
        return await runs.start_run(
            self.world.viewer, self.world.storage, CellsRun(table_id, **command)
        )

    async def get(self, run: Run) -> Run:
        """The run as it stands."""
        return await runs.read_run(self.world.viewer, self.world.storage, run.id)

    async def until(self, run: Run, holds: Callable[[Run], bool]) -> Run:
        """The run once it is so."""
        async with asyncio.timeout(60):
            while True:
                found = await self.get(run)
                if holds(found):
                    return found
                await between_looks()

    async def over(self, run: Run) -> Run:
        """The run once it has ended."""
        return await self.until(run, lambda found: found.is_over)

    async def settled(self, run: Run) -> None:
        """Wait until no job of the run is left. Other tests may leave theirs in the same queue."""
        own = "convert_from(payload, 'utf8')::jsonb->>'runId' = $1"
        count = f"SELECT count(*) FROM pgqueuer WHERE {own}"
        async with asyncio.timeout(60):
            while await self.world.database.pool.fetchval(count, str(run.id)):
                await between_looks()

    async def filled(self, table_id: UUID, **command: Any) -> Run:
        """A run from its beginning to its end."""
        async with self.worker():
            return await self.over(await self.start(table_id, **command))

    @asynccontextmanager
    async def worker(self, tools: CountingTools | None = None) -> AsyncIterator[None]:
        """A worker inside this process."""
        stopping = asyncio.Event()
        storage = self.world.storage
        tools = tools or self.tools
        batches = asyncio.create_task(cell_runs.fill_batches(self.url, storage, tools, stopping))
        others = cell_runs.handlers(storage, stopping)
        task = asyncio.create_task(jobs.run(self.url, others, stopping))
        try:
            yield
        finally:
            stopping.set()
            await asyncio.gather(task, batches)

    async def values(self, table_id: UUID, key: str) -> list[Any]:
        """The values of a column in the order of the rows."""
        column = await self.world.column(table_id, key)
        shape = await self.world.shape(table_id)
        rows = await self.world.database.pool.fetch(
            f"SELECT to_jsonb({column.sql_name})::text AS v FROM {shape.sql_name} ORDER BY position"
        )
        return [orjson.loads(row["v"]) if row["v"] else None for row in rows]

    async def states(self, table_id: UUID, key: str) -> list[dict[str, Any] | None]:
        """The stored states of a column in the order of the rows, None for none."""
        column = await self.world.column(table_id, key)
        shape = await self.world.shape(table_id)
        rows = await self.world.database.pool.fetch(
            f"SELECT to_jsonb(s)::text AS s FROM {shape.sql_name} t LEFT JOIN cell_state s"
            " ON s.table_id = $1 AND s.row_id = t.id AND s.column_number = $2 ORDER BY t.position",
            table_id,
            column.number,
        )
        return [orjson.loads(row["s"]) if row["s"] else None for row in rows]

    async def statuses(self, table_id: UUID, key: str) -> list[str | None]:
        """The stored statuses of a column in the order of the rows."""
        found = await self.states(table_id, key)
        return [None if each is None else str(each["status"]) for each in found]

    async def check_log(self, table_id: UUID) -> None:
        """Revisions have no gaps, and each cell's moves follow each other up to its state."""
        pool = self.world.database.pool
        gaps = "SELECT max(revision) - count(*) FROM change WHERE table_id = $1"
        assert await pool.fetchval(gaps, table_id) == 0
        broken = await pool.fetchval(
            "SELECT count(*) FROM (SELECT previous, lag(status) OVER (PARTITION BY row_id,"
            " column_number ORDER BY revision) AS was FROM cell_change WHERE table_id = $1) x"
            " WHERE was IS NOT NULL AND was <> previous",
            table_id,
        )
        assert broken == 0
        kinds = await pool.fetch(
            "SELECT DISTINCT kind FROM change WHERE table_id = $1 AND cause->>'kind' = 'run'",
            table_id,
        )
        assert {each["kind"] for each in kinds} <= {
            ChangeKind.CELLS_CHANGED,
            ChangeKind.TABLE_CHANGED,
        }
