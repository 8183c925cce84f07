"""Connections to providers: one client for each provider of an organisation, kept while its
settings stay the same."""

import asyncio
import importlib
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from uuid import UUID

import httpx2
from pydantic_ai.models import Model

from domain.provider_records import OpenProvider, Provider, ProviderKind
from processing.outbound import Outbound
from processing.providers.gates import Gate

#: The most that is read of one answer.
MOST_BYTES = 4_000_000

_MOST_CLIENTS = 200
_MOST_MODELS = 100
_CONNECT_SECONDS = 5.0
#: The libraries want a key even for servers that take none; it is never sent.
_NO_KEY = "none"
#: Each brings the library of its provider, which takes a second or four: only those are loaded that
#: somebody asks.
_MAKERS = {
    ProviderKind.OPENAI: "processing.providers.openai_models",
    ProviderKind.ANTHROPIC: "processing.providers.anthropic_models",
    ProviderKind.GOOGLE: "processing.providers.google_models",
}

_PUBLIC = {
    ProviderKind.OPENAI: "https://api.openai.com/v1",
    ProviderKind.ANTHROPIC: "https://api.anthropic.com",
    ProviderKind.GOOGLE: "https://generativelanguage.googleapis.com",
}
_HEADERS = frozenset(
    (
        "accept",
        "anthropic-beta",
        "anthropic-version",
        "connection",
        "content-length",
        "content-type",
        "host",
        "transfer-encoding",
    )
)


#: Base URL, key, client, and whether it is the provider's own address → name and network → model.
Maker = Callable[[str, str, httpx2.AsyncClient, bool], Callable[[str, bool], Model]]


@dataclass
class Client:
    """What is needed to ask one provider. `plain` holds the models that take no schema."""

    provider: Provider
    http: httpx2.AsyncClient
    make: Callable[[str, bool], Model]
    gate: Gate
    api_key: str | None = field(default=None, repr=False)
    plain: set[str] = field(default_factory=set)
    _models: OrderedDict[tuple[str, bool], Model] = field(default_factory=OrderedDict)
    _users: int = 0
    _retired: bool = False

    def model(self, name: str, network: bool) -> Model:
        """The model of this name."""
        found = self._models.get((name, network))
        if found is None:
            found = self._models[name, network] = self.make(name, network)
            if len(self._models) > _MOST_MODELS:
                self._models.popitem(last=False)
        return found

    def without_key(self, text: str) -> str:
        """What a server said, should it repeat its key."""
        return text.replace(self.api_key, "…") if self.api_key else text

    @asynccontextmanager
    async def used(self) -> AsyncIterator["Client"]:
        """Keep the connections for the time of the block."""
        self._users += 1
        try:
            yield self
        finally:
            self._users -= 1
            await self._close_unused()

    async def retire(self) -> None:
        """Close the connections when nobody uses them any more."""
        self._retired = True
        await self._close_unused()

    async def _close_unused(self) -> None:
        if self._retired and not self._users:
            await asyncio.shield(self.http.aclose())


async def _maker(kind: ProviderKind) -> Maker:
    module = await asyncio.to_thread(importlib.import_module, _MAKERS[kind])
    maker: Maker = module.maker
    return maker


class Clients:
    """The clients of a process."""

    def __init__(self, outbound: Outbound) -> None:
        self._outbound = outbound
        self._clients: OrderedDict[UUID, Client] = OrderedDict()

    async def get(self, opened: OpenProvider) -> Client:
        """The client of a provider; a new one after its settings changed."""
        provider = opened.provider
        maker = await _maker(provider.kind)
        known = self._clients.get(provider.id)
        if known is not None and known.provider == provider:
            self._clients.move_to_end(provider.id)
            return known
        made = self._clients[provider.id] = self._made(opened, maker)
        self._clients.move_to_end(provider.id)
        if known is not None:
            await known.retire()
        if len(self._clients) > _MOST_CLIENTS:
            _, oldest = self._clients.popitem(last=False)
            await oldest.retire()
        return made

    async def aclose(self) -> None:
        """Close all connections."""
        for client in self._clients.values():
            await client.http.aclose()
        self._clients.clear()

    def _made(self, opened: OpenProvider, maker: Maker) -> Client:
        provider = opened.provider
        settings = provider.settings
        http = httpx2.AsyncClient(
            transport=self._outbound.transport(
                connections=settings.concurrency, most_bytes=MOST_BYTES
            ),
            trust_env=False,
            # The whole answer has a limit of its own; this one is for what hangs in between.
            timeout=httpx2.Timeout(settings.timeout_seconds + 1, connect=_CONNECT_SECONDS),
            event_hooks={"request": [_own_headers(provider.kind, opened.api_key)]},
        )
        base_url = provider.base_url or _PUBLIC[provider.kind]
        make = maker(base_url, opened.api_key or _NO_KEY, http, provider.base_url is None)
        return Client(provider, http, make, Gate(settings.concurrency), opened.api_key)


def _own_headers(
    kind: ProviderKind, api_key: str | None
) -> Callable[[httpx2.Request], Awaitable[None]]:
    """The headers are ours. The libraries would add keys and whatever else stands in the
    operator's environment, and send it to addresses that users chose."""
    own = {"user-agent": "tablecast"}
    if api_key is not None:
        name, shown = {
            ProviderKind.OPENAI: ("authorization", f"Bearer {api_key}"),
            ProviderKind.ANTHROPIC: ("x-api-key", api_key),
            ProviderKind.GOOGLE: ("x-goog-api-key", api_key),
        }[kind]
        own[name] = shown

    async def replace(request: httpx2.Request) -> None:
        kept = [(name, text) for name, text in request.headers.items() if name in _HEADERS]
        request.headers = httpx2.Headers([*kept, *own.items()])

    return replace
