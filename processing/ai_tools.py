"""AI tools: cells filled by models, or by the rules engine where there is none.

An answer is a value that the column accepts, or nothing, or an error with a sentence. What a model
was asked before is not asked again, and what is asked twice at once is asked once."""

import asyncio
import importlib
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import replace
from time import monotonic
from typing import TYPE_CHECKING, Any, Protocol
from uuid import UUID

from domain.columns import Column, ColumnType
from domain.errors import SecretLost
from domain.provider_records import RULES, OpenProvider, ProviderCheck
from domain.tool_ports import AnswerStore, CallEstimate, ToolWork, TryLater
from domain.tool_records import AiTool, Answer, Producer, ProducerKind, Tool, ToolCall
from processing.document_inputs import with_page_marks
from processing.outbound import Outbound
from processing.rule_tools import rule_answers

if TYPE_CHECKING:
    from processing.providers.models import Models

_TEST_COLUMN = Column(UUID(int=0), 0, "answer", "Answer", ColumnType.TEXT, 0)
_TEST = AiTool("Give the value of {{word}} in capital letters.", max_output_tokens=200)

_TEST_SECONDS = 30.0


class _NoProvider(Exception):
    """The tool names a provider that is not there. The text is for people."""


class OpenProviders(Protocol):
    """Where providers come from, with their keys."""

    async def opened(self, organization_id: UUID, name: str | None) -> OpenProvider | None: ...


class AiTools:
    """The engine of AI tools. One for a process; close it.

    `pause` is how long a question that failed waits at first."""

    def __init__(
        self,
        providers: OpenProviders,
        cache: AnswerStore,
        outbound: Outbound,
        pause: float | None = None,
    ) -> None:
        self._providers = providers
        self._cache = cache
        self._outbound = outbound
        self._pause = pause
        self._lock = asyncio.Lock()
        self._loaded: Models | None = None

    async def aclose(self) -> None:
        """End what is under way, and close all connections."""
        if self._loaded is not None:
            await self._loaded.aclose()

    async def answers(self, work: ToolWork) -> AsyncGenerator[Answer]:
        """An answer for each call, as they come. Raises `TryLater` behind those that came."""
        try:
            opened = await self._opened(work)
        except (_NoProvider, SecretLost) as error:
            for call in work.calls:
                yield Answer(call.index, _unmade(work), error=str(error))
            return
        if opened is None:
            made = rule_answers(work)
        else:
            made = (await self.models()).answers(opened, _for_models(work))
        async with aclosing(made) as answers:
            async for answer in answers:
                yield answer

    async def estimates(self, work: ToolWork) -> Sequence[CallEstimate]:
        """What each call would take."""
        try:
            opened = await self._opened(work)
        except (_NoProvider, SecretLost):
            opened = None
        if opened is None:
            return [CallEstimate()] * len(work.calls)
        return await (await self.models()).estimates(opened, _for_models(work))

    async def check(self, organization_id: UUID, name: str) -> ProviderCheck:
        """Ask a provider's model one small question."""
        started = monotonic()
        work = ToolWork(
            organization_id=organization_id,
            table_id=UUID(int=0),
            column=_TEST_COLUMN,
            tool=Tool(replace(_TEST, provider=name), ("word",)),
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

    async def _opened(self, work: ToolWork) -> OpenProvider | None:
        """The tool's provider; None for rules. Raises `_NoProvider`, `SecretLost`."""
        name = _settings(work).provider
        if name is not None and name.strip().lower() == RULES:
            return None
        opened = await self._providers.opened(work.organization_id, name)
        if opened is None and name is not None:
            raise _NoProvider(f"There is no provider {name}")
        return opened

    async def models(self) -> "Models":
        """The models of this process. Their libraries take seconds and 130 MB, which a process that
        asks none should not spend."""
        async with self._lock:
            if self._loaded is None:
                name = "processing.providers.models"
                module = await asyncio.to_thread(importlib.import_module, name)
                self._loaded = module.Models(self._cache, self._outbound, self._pause)
        return self._loaded


def _settings(work: ToolWork) -> AiTool:
    settings = work.tool.settings
    assert isinstance(settings, AiTool)
    return settings


def _for_models(work: ToolWork) -> ToolWork:
    """The work with texts of documents that say where their pages begin."""
    keys = [key for key, column in work.inputs.items() if column.type is ColumnType.FILE]
    if not keys:
        return work
    calls = [
        replace(
            call, inputs={**call.inputs, **{key: _marked(call.inputs.get(key)) for key in keys}}
        )
        for call in work.calls
    ]
    return replace(work, calls=calls)


def _marked(value: Any) -> Any:
    return with_page_marks(value) if isinstance(value, str) else value


def _unmade(work: ToolWork) -> Producer:
    """The producer of an error before anybody was asked."""
    settings = _settings(work)
    return Producer(ProducerKind.MODEL, work.actor, settings.provider, settings.model)


def _milliseconds(started: float) -> int:
    return round((monotonic() - started) * 1000)
