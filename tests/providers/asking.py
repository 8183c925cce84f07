"""A model server, a provider that leads to it, and the engine of AI tools between them."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from domain import providers
from domain.addresses import Allowed
from domain.columns import Column, ColumnType
from domain.provider_records import Provider, ProviderCreate, ProviderKind, ProviderSettings
from domain.tool_ports import ToolWork
from domain.tool_records import AiTool, Answer, Tool, ToolCall
from persistence.tool_cache import ToolCache
from processing.ai_tools import AiTools
from processing.outbound import Outbound
from tests.models.server import ModelServer, model_server
from tests.worlds import World

KEY = "sk-test-0123456789"
PROMPT = "What is {{name}}?"


def column(type_: ColumnType = ColumnType.TEXT, key: str = "answer", **config: Any) -> Column:
    """A column to be filled."""
    return Column(UUID(int=1), 1, key, key, type_, 0, config=config or None)


@dataclass
class Asking:
    """What a test of the engine needs. `tools` is the engine."""

    world: World
    models: ModelServer
    tools: AiTools
    cache: ToolCache

    async def provider(self, name: str = "local", **changes: Any) -> Provider:
        """A provider that leads to the server; the first one is the default."""
        command = ProviderCreate(
            name,
            changes.pop("kind", ProviderKind.OPENAI),
            changes.pop("model", "test-model"),
            changes.pop("base_url", self.models.url),
            changes.pop("api_key", KEY),
            is_default=changes.pop("is_default", False),
            settings=ProviderSettings(**changes),
        )
        return await self.world.storage.providers.create(  # type: ignore[return-value]
            self.world.viewer.organization_id, "test", command
        )

    def work(
        self, *rows: Mapping[str, Any] | str, to: Column | None = None, **tool: Any
    ) -> ToolWork:
        """Cells to fill; a plain text is the value of `name`."""
        inputs = [{"name": row} if isinstance(row, str) else row for row in rows]
        settings = replace(AiTool(PROMPT), **tool)
        keys = tuple(inputs[0]) if inputs else ()
        return ToolWork(
            organization_id=self.world.viewer.organization_id,
            table_id=UUID(int=2),
            column=to or column(),
            tool=Tool(settings, keys),
            inputs={key: column(key=key) for key in keys},
            calls=[ToolCall(index, each) for index, each in enumerate(inputs)],
            actor="tester",
        )

    async def answers(self, work: ToolWork) -> list[Answer]:
        """All answers in the order of the calls."""
        async with asyncio.timeout(30):
            found = [answer async for answer in self.tools.answers(work)]
        return sorted(found, key=lambda answer: answer.index)

    async def answer(self, row: Mapping[str, Any] | str = "x", **changes: Any) -> Answer:
        """The answer to one cell."""
        [found] = await self.answers(self.work(row, **changes))
        return found


@asynccontextmanager
async def open_asking(world: World, allowed: str = "127.0.0.1") -> AsyncIterator[Asking]:
    """For the time of the block."""
    cache = ToolCache(world.database)
    outbound = Outbound(Allowed.parse(allowed))
    tools = AiTools(world.storage.providers, cache, outbound, pause=0.01)
    async with model_server() as models:
        try:
            yield Asking(world, models, tools, cache)
        finally:
            await tools.aclose()


async def names(world: World) -> Sequence[str]:
    """The names of all providers."""
    return [each.name for each in await providers.list_providers(world.viewer, world.storage)]
