"""Work for engines, made by hand."""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from typing import Any, Protocol
from uuid import UUID, uuid4

from domain.columns import Column, ColumnType, ComputedBy
from domain.tool_ports import ToolWork
from domain.tool_records import Answer, ToolCall, ToolSettings
from domain.tools import make_tool


def tool_work(
    settings: ToolSettings,
    rows: Iterable[Mapping[str, Any]],
    type_: ColumnType = ColumnType.JSON,
    organization_id: UUID | None = None,
) -> ToolWork:
    """Cells of a column of this type, one for each row of inputs. The inputs are those of the
    first row."""
    calls = [ToolCall(index, row) for index, row in enumerate(rows)]
    keys = list(calls[0].inputs)
    column = Column(
        uuid4(), 1, "out", "Out", type_, len(keys), computed_by=ComputedBy.TOOL, tool=None
    )
    inputs = {
        key: Column(uuid4(), number, key, key, ColumnType.TEXT, number)
        for number, key in enumerate(keys, 2)
    }
    return ToolWork(
        organization_id or uuid4(),
        uuid4(),
        column,
        make_tool(settings, keys),
        inputs,
        calls,
        "test",
    )


class Engine(Protocol):
    def answers(self, work: ToolWork) -> AsyncIterator[Answer]: ...


async def answered(engine: Engine, work: ToolWork) -> Sequence[Answer]:
    """The answers in the order of the calls, each call once."""
    found = [answer async for answer in engine.answers(work)]
    assert sorted(answer.index for answer in found) == list(range(len(work.calls)))
    return sorted(found, key=lambda answer: answer.index)
