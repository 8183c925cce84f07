"""AI tools: cells filled by models, or by the rules engine where there is none.

An answer is a value that the column accepts, or nothing, or an error with a sentence. What a model
was asked before is not asked again, and what is asked twice at once is asked once."""

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from time import monotonic
from typing import Protocol
from uuid import UUID

from domain.columns import Column, ColumnType
from domain.errors import SecretLost
from domain.provider_records import RULES, OpenProvider, ProviderCheck
from domain.tool_ports import CallEstimate, ToolWork, TryLater
from domain.tool_records import AiTool, Answer, Producer, ProducerKind, ToolCall, Usage
from processing.outbound import Outbound
from processing.providers import estimates
from processing.providers.answering import FIRST_PAUSE, Answering, AnswerStore
from processing.providers.asking import Failed
from processing.providers.clients import Client, Clients
from processing.providers.questions import Question, question
from processing.rules import engine
from processing.rules.engine import Input

_TEST_COLUMN = Column(UUID(int=0), 0, "answer", "Answer", ColumnType.TEXT, 0)
_TEST = AiTool("Give the value of {{word}} in capital letters.", max_output_tokens=200)

_TEST_SECONDS = 30.0

#: Rows that one thread takes at a time.
_RULES_AT_ONCE = 50


class OpenProviders(Protocol):
    """Where providers come from, with their keys."""

    async def opened(self, organization_id: UUID, name: str | None) -> OpenProvider | None: ...


class AiTools:
    """The engine of AI tools. One for a process; close it."""

    def __init__(
        self,
        providers: OpenProviders,
        cache: AnswerStore,
        outbound: Outbound,
        pause: float = FIRST_PAUSE,
    ) -> None:
        self._providers = providers
        self._clients = Clients(outbound)
        self._answering = Answering(cache, pause)

    async def aclose(self) -> None:
        """End what is under way, and close all connections."""
        await self._answering.aclose()
        await self._clients.aclose()

    async def answers(self, work: ToolWork) -> AsyncGenerator[Answer]:
        """An answer for each call, as they come. Raises `TryLater` behind those that came."""
        try:
            client = await self._client(work)
        except (Failed, SecretLost) as error:
            for call in work.calls:
                yield Answer(call.index, _unmade(work), error=str(error))
            return
        if client is None:
            async with aclosing(_by_rules(work)) as answers:
                async for answer in answers:
                    yield answer
            return
        questions = [(call, _question(work, client, call)) for call in work.calls]
        asked = self._answering.answers(client, work, questions)
        # Closed here and now: who stops listening must not have questions go on without him.
        async with client.used(), aclosing(asked) as answers:
            async for answer in answers:
                yield answer

    async def estimates(self, work: ToolWork) -> Sequence[CallEstimate]:
        """What each call would take. One that the cache answers takes nothing."""
        try:
            client = await self._client(work)
        except (Failed, SecretLost):
            client = None
        if client is None:
            return [CallEstimate()] * len(work.calls)
        questions = [_question(work, client, call) for call in work.calls]
        known = await self._answering.known(client, work, questions)
        return [
            CallEstimate() if each.hash in known else estimates.estimate(client.provider, each)
            for each in questions
        ]

    async def check(self, organization_id: UUID, name: str) -> ProviderCheck:
        """Ask a provider's model one small question."""
        started = monotonic()
        work = ToolWork(
            organization_id=organization_id,
            table_id=UUID(int=0),
            column=_TEST_COLUMN,
            tool=estimates.as_tool(replace(_TEST, provider=name)),
            inputs={},
            calls=[ToolCall(0, {"word": "hello"})],
            actor="providerTest",
            use_cache=False,
        )
        try:
            async with asyncio.timeout(_TEST_SECONDS):
                [answer] = [answer async for answer in self.answers(work)]
        except TimeoutError:
            error = f"The model did not answer within {_TEST_SECONDS:g} seconds"
            return ProviderCheck(None, _milliseconds(started), error=error)
        except TryLater as later:
            return ProviderCheck(None, _milliseconds(started), error=str(later))
        model = answer.producer.version or answer.producer.model
        return ProviderCheck(model, _milliseconds(started), answer.usage, answer.error)

    async def _client(self, work: ToolWork) -> Client | None:
        """The client of the tool's provider; None for rules. Raises `Failed`, `SecretLost`."""
        name = _settings(work).provider
        if name is not None and name.strip().lower() == RULES:
            return None
        opened = await self._providers.opened(work.organization_id, name)
        if opened is None and name is not None:
            raise Failed(f"There is no provider {name}")
        return await self._clients.get(opened) if opened is not None else None


def _settings(work: ToolWork) -> AiTool:
    settings = work.tool.settings
    assert isinstance(settings, AiTool)
    return settings


def _question(work: ToolWork, client: Client, call: ToolCall) -> Question:
    return question(_settings(work), work.column, call.inputs, client.provider)


def _unmade(work: ToolWork) -> Producer:
    """The producer of an error before anybody was asked."""
    settings = _settings(work)
    return Producer(ProducerKind.MODEL, work.actor, settings.provider, settings.model)


async def _by_rules(work: ToolWork) -> AsyncGenerator[Answer]:
    """Answers of the rules engine, in threads: it does nothing but compute."""
    for start in range(0, len(work.calls), _RULES_AT_ONCE):
        calls = work.calls[start : start + _RULES_AT_ONCE]
        for answer in await asyncio.to_thread(_rule_answers, work, calls):
            yield answer


def _rule_answers(work: ToolWork, calls: Sequence[ToolCall]) -> list[Answer]:
    producer = Producer(ProducerKind.RULES, work.actor, RULES, version=engine.VERSION)
    prompt = _settings(work).prompt
    answers = []
    for call in calls:
        inputs = _rule_inputs(work.inputs, call)
        found = engine.answer(engine.Question(prompt, work.column, inputs))
        sure = found.value is not None
        answers.append(
            Answer(
                call.index,
                producer,
                value=found.value,
                error=found.error,
                usage=Usage(),
                confidence=found.confidence if sure else None,
                citations=found.citations,
                raw=found.raw,
            )
        )
    return answers


def _rule_inputs(columns: Mapping[str, Column], call: ToolCall) -> dict[str, Input]:
    """What a tool reads without a column of its own, the answer of a step before, is text."""
    return {
        key: Input(columns.get(key) or Column(UUID(int=0), 0, key, key, ColumnType.TEXT, 0), value)
        for key, value in call.inputs.items()
    }


def _milliseconds(started: float) -> int:
    return round((monotonic() - started) * 1000)
