"""Whatever an engine does, every call gets exactly one answer."""

from collections.abc import AsyncIterator, Callable, Sequence
from decimal import Decimal

import pytest
from structlog.testing import capture_logs

from domain.tool_ports import CallEstimate, ToolWork, TryLater
from domain.tool_records import AiTool, Answer, Producer, ProducerKind, PythonTool, ToolKind
from processing.python_tools import PythonTools
from processing.sandbox import PythonSandbox
from processing.tools import FAILED, LOST, Tools
from tests.tools.tool_work import tool_work

Script = Callable[[ToolWork], AsyncIterator[Answer]]
BY = Producer(ProducerKind.MODEL)


class Scripted:
    """An engine that answers as it is told."""

    def __init__(self, script: Script) -> None:
        self.answers = script


class Priced:
    """Every call costs a cent."""

    async def estimates(self, work: ToolWork) -> Sequence[CallEstimate]:
        return [CallEstimate(cost_high=Decimal("0.01")) for _ in work.calls]


def work() -> ToolWork:
    return tool_work(AiTool("{{a}}"), [{"a": each} for each in "xyz"])


async def told(script: Script) -> list[tuple[int, str | None]]:
    """Index and error of each answer, in the order in which they come."""
    tools = Tools({ToolKind.AI: Scripted(script)}, PythonSandbox())
    return [(answer.index, answer.error) async for answer in tools.answers(work())]


async def test_answers_pass_as_they_come() -> None:
    async def script(work: ToolWork) -> AsyncIterator[Answer]:
        for call in reversed(work.calls):
            yield Answer(call.index, BY, value=1)

    assert await told(script) == [(2, None), (1, None), (0, None)]


async def test_lost_and_doubled_answers_are_put_right() -> None:
    async def script(_: ToolWork) -> AsyncIterator[Answer]:
        for index in (1, 1, 7, -1):
            yield Answer(index, BY, value=1)

    with capture_logs() as logs:
        assert await told(script) == [(1, None), (0, LOST), (2, LOST)]
    assert [line["event"] for line in logs].count("tool_answered_twice") == 3
    assert logs[-1]["count"] == 2


async def test_a_fault_of_an_engine_shows_nothing_of_it() -> None:
    async def script(_: ToolWork) -> AsyncIterator[Answer]:
        yield Answer(0, BY, value=1)
        raise ValueError("password is 1234")

    with capture_logs() as logs:
        assert await told(script) == [(0, None), (1, FAILED), (2, FAILED)]
    assert logs[0]["event"] == "tool_failed"
    assert "1234" not in FAILED


async def test_a_database_that_restarts_is_no_fault_of_the_cells() -> None:
    async def script(_: ToolWork) -> AsyncIterator[Answer]:
        yield Answer(0, BY, value=1)
        raise ConnectionRefusedError

    found: list[int] = []

    async def ask() -> None:
        tools = Tools({ToolKind.AI: Scripted(script)}, PythonSandbox())
        async for answer in tools.answers(work()):
            found.append(answer.index)

    with pytest.raises(TryLater, match="out of reach"):
        await ask()
    assert found == [0]


async def test_try_later_leaves_the_rest_without_answers() -> None:
    async def script(_: ToolWork) -> AsyncIterator[Answer]:
        yield Answer(2, BY, value=1)
        raise TryLater("busy", 60)

    found: list[Answer] = []
    tools = Tools({ToolKind.AI: Scripted(script)}, PythonSandbox())
    answers = tools.answers(work())
    found.append(await anext(answers))
    with pytest.raises(TryLater):
        await anext(answers)
    assert [answer.index for answer in found] == [2]


async def test_estimates_are_those_of_the_kind() -> None:
    sandbox = PythonSandbox()
    tools = Tools({ToolKind.PYTHON: PythonTools(sandbox)}, sandbox, {ToolKind.AI: Priced()})
    assert [each.cost_high for each in await tools.estimates(work())] == [Decimal("0.01")] * 3
    program = tool_work(PythonTool("def run(row): return 1"), [{"a": 1}])
    assert await tools.estimates(program) == [CallEstimate()]


async def test_programs_are_checked_and_run() -> None:
    sandbox = PythonSandbox(processes=1)
    tools = Tools({ToolKind.PYTHON: PythonTools(sandbox)}, sandbox)
    try:
        assert await tools.check("def run(row): return 1") is None
        assert "yield" in (await tools.check("def run(row):\n  yield 1") or "")
        program = tool_work(PythonTool("def run(row): return row['a']"), [{"a": 1}, {"a": 2}])
        assert [answer.value async for answer in tools.answers(program)] == [1, 2]
    finally:
        await sandbox.close()
