"""The engine of models, loaded when it is first used: the libraries of the providers take seconds
and 130 MB, which a process that asks no model should not spend."""

import asyncio
import importlib
from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING
from uuid import UUID

from domain.provider_records import ProviderCheck
from domain.tool_ports import CallEstimate, ToolWork
from domain.tool_records import Answer
from persistence.storage import PostgresStorage
from processing.outbound import Outbound

if TYPE_CHECKING:
    from processing.ai_tools import AiTools


class LaterModels:
    """The same as `AiTools`."""

    def __init__(self, storage: PostgresStorage, outbound: Outbound) -> None:
        self._storage = storage
        self._outbound = outbound
        self._lock = asyncio.Lock()
        self._loaded: AiTools | None = None

    async def aclose(self) -> None:
        """Close the engine, if there is one."""
        if self._loaded is not None:
            await self._loaded.aclose()

    async def answers(self, work: ToolWork) -> AsyncIterator[Answer]:
        """See `AiTools`."""
        async for answer in (await self._engine()).answers(work):
            yield answer

    async def estimates(self, work: ToolWork) -> Sequence[CallEstimate]:
        """See `AiTools`."""
        return await (await self._engine()).estimates(work)

    async def check(self, organization_id: UUID, name: str) -> ProviderCheck:
        """See `AiTools`."""
        return await (await self._engine()).check(organization_id, name)

    async def _engine(self) -> "AiTools":
        async with self._lock:
            if self._loaded is None:
                module = await asyncio.to_thread(importlib.import_module, "processing.ai_tools")
                storage = self._storage
                self._loaded = module.AiTools(storage.providers, storage.tool_cache, self._outbound)
        return self._loaded
