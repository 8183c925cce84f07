"""AI tools without a model: the rules engine answers, in threads, since it does nothing but
compute."""

import asyncio
import hashlib
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from typing import Any
from uuid import UUID

from domain.columns import Column, ColumnType
from domain.provider_records import RULES
from domain.tool_ports import ToolWork
from domain.tool_records import (
    AiTool,
    Answer,
    Citation,
    Producer,
    ProducerKind,
    ToolCall,
    Usage,
)
from processing.rules import engine
from processing.rules.engine import Input
from processing.rules.laid_out import Sheet, lay_out
from processing.rules.records import MOST_CHARACTERS

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
    return [_answer(work, settings, producer, call) for call in calls]


def _answer(work: ToolWork, settings: AiTool, producer: Producer, call: ToolCall) -> Answer:
    sheets = {
        key: lay_out(value)
        for key, value in call.inputs.items()
        if isinstance(value, str) and _is_file(work.inputs.get(key))
    }
    if sum(sheet.length for sheet in sheets.values()) > MOST_CHARACTERS:
        error = f"The document has more than {MOST_CHARACTERS:,} characters, which takes a model"
        return Answer(call.index, producer, error=error)
    laid = {key: sheet.text for key, sheet in sheets.items()}
    inputs = _inputs(work.inputs, {**call.inputs, **laid})
    found = engine.answer(engine.Question(settings.prompt, work.column, inputs))
    return Answer(
        call.index,
        producer,
        value=found.value,
        error=found.error,
        usage=Usage(),
        confidence=None if found.value is None else found.confidence,
        citations=list(_in_documents(found.citations, sheets, call)),
        raw=found.raw,
    )


def _is_file(column: Column | None) -> bool:
    return column is not None and column.type is ColumnType.FILE


def _in_documents(
    citations: Sequence[Citation], sheets: Mapping[str, Sheet], call: ToolCall
) -> Iterator[Citation]:
    """The citations, those of documents by their own text."""
    for each in citations:
        sheet = sheets.get(each.column)
        if sheet is None:
            yield each
            continue
        start, end = sheet.origin(each.start, each.end)
        if start < end:
            yield Citation(each.column, call.inputs[each.column][start:end], start, end)


def _inputs(columns: Mapping[str, Column], values: Mapping[str, Any]) -> dict[str, Input]:
    """What a tool reads without a column of its own, the answer of a step before, is text."""
    return {
        key: Input(columns.get(key) or Column(UUID(int=0), 0, key, key, ColumnType.TEXT, 0), value)
        for key, value in values.items()
    }
