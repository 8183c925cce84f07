"""Tools that are programs: rows go through the sandbox, and what `run` returns into the column."""

import hashlib
from collections.abc import AsyncIterator
from contextlib import aclosing
from importlib.metadata import version

from domain import values
from domain.column_values import Reader
from domain.rejections import Rejected
from domain.tool_ports import ToolWork, TryLater
from domain.tool_records import Answer, Producer, ProducerKind, PythonTool, ToolCall
from processing.sandbox import PythonSandbox
from processing.sandbox_program import Fault, Result

_VERSION = f"monty {version('pydantic-monty')}"


class PythonTools:
    """The engine of Python tools."""

    def __init__(self, sandbox: PythonSandbox) -> None:
        self._sandbox = sandbox

    async def answers(self, work: ToolWork) -> AsyncIterator[Answer]:
        """An answer for each call, in order. Raises `TryLater` when the sandbox is closed."""
        tool = work.tool.settings
        assert isinstance(tool, PythonTool)
        producer = Producer(
            ProducerKind.PYTHON,
            actor=work.actor,
            version=_VERSION,
            prompt_hash=hashlib.sha256(tool.code.encode()).hexdigest(),
        )
        rows = [{key: call.inputs.get(key) for key in work.tool.inputs} for call in work.calls]
        read = values.reader(work.column)
        calls = iter(work.calls)
        done = 0
        async with aclosing(self._sandbox.results(tool.code, rows)) as found:
            async for results in found:
                done += len(results)
                for result in results:
                    yield _answer(read, next(calls), result, producer)
        if done < len(rows):
            raise TryLater("The sandbox was closed", 1.0)


def _answer(read: Reader, call: ToolCall, result: Result, producer: Producer) -> Answer:
    if isinstance(result, Fault):
        return Answer(call.index, producer, error=result.message)
    if result.value is None:
        return Answer(call.index, producer)
    try:
        return Answer(call.index, producer, value=read(result.value))
    except Rejected as error:
        return Answer(call.index, producer, error=f"run returned what is no value: {error.message}")
