"""AI tools of several questions: each row goes through them one after the other.

What a question gave is data for those behind it, never part of their text: a model that read a
hostile page must not write the next question. So the answers stand beside the row's values, under
the names that prompts have for them."""

from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any, Protocol
from uuid import UUID

from domain.columns import Column, ColumnType
from domain.tool_ports import CallEstimate, ToolEstimator, ToolRunner, ToolWork, TryLater
from domain.tool_records import AiStep, AiTool, Answer, Tool, ToolCall, Usage
from domain.tools import OF_STEPS, PREVIOUS, answers_named, is_answer

#: Characters that stand for a token of an answer which is not there yet.
_CHARACTERS_A_TOKEN = 4
_MOST_FILLING = 100_000


class AiEngine(ToolRunner, ToolEstimator, Protocol):
    """Answers single questions."""


@dataclass(slots=True)
class _Row:
    """A row on its way. `given` are the answers so far, by step."""

    inputs: Mapping[str, Any]
    usage: Usage = field(default_factory=Usage)
    given: dict[str, Any] = field(default_factory=dict)
    cached: bool = True

    def take(self, step: str, answer: Answer) -> None:
        self.given[step] = answer.value
        self.usage = _sum(self.usage, answer.usage)
        self.cached = self.cached and answer.producer.cached

    def call(self, index: int, wanted: Sequence[str]) -> ToolCall:
        """The row as the next question sees it, with the answers that its prompt names."""
        told = {PREVIOUS: next(reversed(self.given.values()), None)}
        told |= {f"{OF_STEPS}{step}": value for step, value in self.given.items()}
        return ToolCall(index, {**self.inputs, **{name: told.get(name) for name in wanted}})


class StepTools:
    """The engine of AI tools, over one that answers single questions."""

    def __init__(self, engine: AiEngine) -> None:
        self._engine = engine

    async def answers(self, work: ToolWork) -> AsyncIterator[Answer]:
        """An answer for each call. One whose earlier question has no answer fails with it. Raises
        `TryLater` behind the answers that there are."""
        tool = _settings(work)
        rows = {call.index: _Row(_apart(tool, call.inputs)) for call in work.calls}
        later: TryLater | None = None
        for step in tool.steps:
            left = set(rows)
            try:
                async for answer in _closing(self._engine.answers(_asked(work, step, rows))):
                    row = rows[answer.index]
                    left.discard(answer.index)
                    if answer.error is None:
                        row.take(step.id, answer)
                        continue
                    del rows[answer.index]
                    usage = _sum(row.usage, answer.usage)
                    yield replace(answer, error=f"{step.id}: {answer.error}", usage=usage)
            except TryLater as error:
                later = error
            # They are asked again from the beginning, and the cache knows what they were told.
            rows = {index: row for index, row in rows.items() if index not in left}
        if rows:
            async for answer in _closing(self._engine.answers(_asked(work, None, rows))):
                row = rows[answer.index]
                producer = replace(answer.producer, cached=answer.producer.cached and row.cached)
                yield replace(answer, producer=producer, usage=_sum(row.usage, answer.usage))
        if later is not None:
            raise later

    async def estimates(self, work: ToolWork) -> Sequence[CallEstimate]:
        """What each call will take, all of its questions together. An answer that a later question
        takes up is nothing at least, and at most as long as it may become."""
        tool = _settings(work)
        rows = {call.index: _Row(_apart(tool, call.inputs)) for call in work.calls}
        total = [CallEstimate()] * len(work.calls)
        longest = 0
        for step in (*tool.steps, None):
            low = await self._engine.estimates(_asked(work, step, _filled(rows, tool, "")))
            filling = "x" * min(longest * _CHARACTERS_A_TOKEN, _MOST_FILLING)
            high = await self._engine.estimates(_asked(work, step, _filled(rows, tool, filling)))
            total = [
                _added(one, each, most) for one, each, most in zip(total, low, high, strict=True)
            ]
            longest = max((each.output_tokens_high for each in high), default=0)
        return total


def _settings(work: ToolWork) -> AiTool:
    settings = work.tool.settings
    assert isinstance(settings, AiTool)
    return settings


def _apart(tool: AiTool, inputs: Mapping[str, Any]) -> Mapping[str, Any]:
    """A row whose columns cannot be taken for answers: prompts call those `row.<key>` as well."""
    if not tool.steps:
        return inputs
    return {f"row.{key}" if is_answer(key) else key: value for key, value in inputs.items()}


def _asked(work: ToolWork, step: AiStep | None, rows: Mapping[int, _Row]) -> ToolWork:
    """One question for all rows: a step is answered with a text, the last one for the column."""
    tool = _settings(work)
    asked = replace(tool, steps=())
    if step is not None:
        asked = replace(asked, prompt=step.prompt, agent_profile=step.agent_profile)
    wanted = list(answers_named(asked.prompt)) if tool.steps else []
    calls = [row.call(index, wanted) for index, row in rows.items()]
    column = work.column if step is None else _notes(step.id)
    inputs = {**work.inputs, **{name: _notes(name) for name in wanted}}
    return replace(
        work,
        column=column,
        tool=Tool(asked, tuple(dict.fromkeys((*work.tool.inputs, *wanted)))),
        inputs=inputs,
        calls=calls,
    )


def _notes(name: str) -> Column:
    return Column(UUID(int=0), 0, name, name, ColumnType.TEXT, 0)


def _filled(rows: Mapping[int, _Row], tool: AiTool, text: str) -> Mapping[int, _Row]:
    given = {step.id: text for step in tool.steps}
    return {index: _Row(row.inputs, given=dict(given)) for index, row in rows.items()}


async def _closing(stream: AsyncIterator[Answer]) -> AsyncIterator[Answer]:
    """The answers; what is under way for them ends with whoever reads them."""
    try:
        async for answer in stream:
            yield answer
    finally:
        if isinstance(stream, AsyncGenerator):
            await stream.aclose()


def _sum(one: Usage, other: Usage) -> Usage:
    return Usage(
        one.input_tokens + other.input_tokens,
        one.output_tokens + other.output_tokens,
        _money(one.cost, other.cost),
    )


def _added(total: CallEstimate, low: CallEstimate, high: CallEstimate) -> CallEstimate:
    return CallEstimate(
        total.input_tokens_low + low.input_tokens_low,
        total.input_tokens_high + high.input_tokens_high,
        total.output_tokens_low + low.output_tokens_low,
        total.output_tokens_high + high.output_tokens_high,
        _money(total.cost_low, low.cost_low),
        _money(total.cost_high, high.cost_high),
    )


def _money(one: Decimal | None, other: Decimal | None) -> Decimal | None:
    return None if one is None or other is None else one + other
