"""AI tools without a model: the rules engine answers, in threads, since it does nothing but
compute."""

import asyncio
import hashlib
from collections.abc import AsyncGenerator, Mapping, Sequence
from uuid import UUID

from domain.columns import Column, ColumnType
from domain.provider_records import RULES
from domain.tool_ports import ToolWork
from domain.tool_records import AiTool, Answer, Producer, ProducerKind, ToolCall, Usage
from processing.rules import engine
from processing.rules.engine import Input

#: Rows that one thread takes at a time.
_AT_ONCE = 50


async def rule_answers(work: ToolWork) -> AsyncGenerator[Answer]:
    """An answer for each call, in order."""
    for start in range(0, len(work.calls), _AT_ONCE):
        calls = work.calls[start : start + _AT_ONCE]
        for answer in await asyncio.to_thread(_answers, work, calls):
            yield answer


def _answers(work: ToolWork, calls: Sequence[ToolCall]) -> list[Answer]:
    settings = work.tool.settings
    assert isinstance(settings, AiTool)
    asked = hashlib.sha256(settings.prompt.encode()).hexdigest()
    producer = Producer(
        ProducerKind.RULES, work.actor, RULES, version=engine.VERSION, prompt_hash=asked
    )
    answers = []
    for call in calls:
        inputs = _inputs(work.inputs, call)
        found = engine.answer(engine.Question(settings.prompt, work.column, inputs))
        answers.append(
            Answer(
                call.index,
                producer,
                value=found.value,
                error=found.error,
                usage=Usage(),
                confidence=None if found.value is None else found.confidence,
                citations=found.citations,
                raw=found.raw,
            )
        )
    return answers


def _inputs(columns: Mapping[str, Column], call: ToolCall) -> dict[str, Input]:
    """What a tool reads without a column of its own, the answer of a step before, is text."""
    return {
        key: Input(columns.get(key) or Column(UUID(int=0), 0, key, key, ColumnType.TEXT, 0), value)
        for key, value in call.inputs.items()
    }
