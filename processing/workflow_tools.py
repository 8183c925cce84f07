"""Steps that ask a model or run a program. Both go through the engines that fill cells, so that
their guards, limits and memory of answers hold here too, and nothing is open in the database
meanwhile.

A worker that is lost in the middle has asked in vain: the step is done again, and the engine
remembers what it was answered."""

import asyncio
from collections.abc import Mapping
from time import monotonic
from typing import Any

from domain import bindings
from domain.bindings import TooMuch
from domain.columns import ColumnType
from domain.rejections import Rejected
from domain.tool_ports import ToolWork, TryLater
from domain.tool_records import AiTool, Answer, PythonTool, Tool, ToolCall, ToolSettings
from domain.workflow_answers import AnswerForm, answer_form
from processing.workflow_doing import Doing, StepFault

#: How long a provider that asks for a rest is waited for; then the attempt has failed.
PATIENCE = 60.0
_ANSWER = AnswerForm(ColumnType.JSON)
_NO_ANSWER = "The engine gave no answer"


async def ask_model(
    doing: Doing, settings: Mapping[str, Any], scope: Mapping[str, Any], most: int
) -> Any:
    """The answer of a model, with where it comes from and what it took. The values of the prompt's
    bindings are data beside it. Raises `StepFault`."""
    form = answer_form(settings.get("output"))
    prompt = settings["prompt"]
    paths = dict.fromkeys(path for _, path in bindings.bindings_in(prompt))
    try:
        data = bindings.fill({path: f"{{{{{path}}}}}" for path in paths}, scope, most=most)
    except TooMuch:
        message = f"The bindings of the step bring more than {most} characters"
        raise StepFault(message, lasting=True) from None
    tool = AiTool(
        form.worded(prompt),
        settings.get("provider"),
        settings.get("model"),
        settings.get("agentProfile"),
        None if settings.get("temperature") is None else float(settings["temperature"]),
        settings.get("maxOutputTokens"),
        settings.get("network", False),
    )
    answer = await _answer(doing, tool, form, data)
    try:
        value = form.accept(answer.value)
    except Rejected as error:
        raise StepFault(f"The answer cannot be used: {error.message}") from None
    return {"value": value, **_told(answer)}


async def run_program(doing: Doing, settings: Mapping[str, Any]) -> Any:
    """What a program gives for its input. Raises `StepFault`."""
    tool = PythonTool(settings["code"])
    return (await _answer(doing, tool, _ANSWER, settings.get("input") or {})).value


async def _answer(
    doing: Doing, settings: ToolSettings, form: AnswerForm, data: Mapping[str, Any]
) -> Answer:
    work = ToolWork(
        organization_id=doing.run.organization_id,
        table_id=doing.run.workflow_id,
        column=form.column,
        tool=Tool(settings, tuple(data)),
        inputs={},
        calls=[ToolCall(0, data)],
        actor=doing.viewer.actor,
        # An answer that could not be used must not come again.
        use_cache=doing.failed == 0,
    )
    until = monotonic() + PATIENCE
    while True:
        try:
            answer = await _first(doing, work)
            break
        except TryLater as later:
            if monotonic() + later.seconds > until:
                raise StepFault(later.reason) from None
            await asyncio.sleep(later.seconds)
    if answer.error is not None:
        raise StepFault(answer.error, output=_told(answer))
    return answer


async def _first(doing: Doing, work: ToolWork) -> Answer:
    found = [answer async for answer in doing.means.tools.answers(work)]
    if not found:
        raise StepFault(_NO_ANSWER)
    return found[0]


def _told(answer: Answer) -> dict[str, Any]:
    """Where an answer comes from, and what it took."""
    producer, usage = answer.producer, answer.usage
    return {
        "producer": producer.kind.value,
        "provider": producer.provider,
        "model": producer.version or producer.model,
        "cached": producer.cached,
        "confidence": answer.confidence,
        "inputTokens": usage.input_tokens,
        "outputTokens": usage.output_tokens,
        "cost": usage.cost,
    }
