"""The whole application on a free port of this machine, for tests over real sockets."""

import asyncio
import json
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx2
import uvicorn
import websockets
from starlette.applications import Starlette

from domain import keys
from domain.access import Role, Viewer
from domain.keys import ApiKeyCreate
from persistence import organizations
from persistence.engine import Database
from persistence.storage import PostgresStorage
from server.app import create_app
from server.gateway import Gateway
from server.settings import Settings

SUBPROTOCOL = "graphql-transport-ws"
#: For clients that speak plain HTTP: reading the authorities that others trust takes 40 ms.
_NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


@dataclass
class Site:
    """A running application and an admin key of a fresh organisation."""

    app: Starlette
    url: str
    key: str
    viewer: Viewer
    #: One client for all: making one costs more than most requests.
    shared: httpx2.AsyncClient

    @property
    def gateway(self) -> Gateway:
        """What the application holds open."""
        gateway: Gateway = self.app.state.gateway
        return gateway

    def client(self, key: str | None = None) -> httpx2.AsyncClient:
        """An HTTP client with the admin key, or another one; an empty key sends none."""
        chosen = self.key if key is None else key
        headers = {"authorization": f"Bearer {chosen}"} if chosen else {}
        return httpx2.AsyncClient(base_url=self.url, headers=headers, timeout=30, verify=_NO_TLS)

    async def new_key(self, role: Role, viewer: Viewer | None = None) -> str:
        """The secret of a new key."""
        command = ApiKeyCreate(f"{role} key", role)
        made = await keys.create_key(viewer or self.viewer, self.gateway.storage, command)
        return made.secret

    async def graphql(self, query: str, **variables: Any) -> dict[str, Any]:
        """The data of a query or mutation that must succeed."""
        answer = await self.shared.post("/graphql", json={"query": query, "variables": variables})
        body: dict[str, Any] = answer.json()
        assert "errors" not in body, body
        data: dict[str, Any] = body["data"]
        return data

    @asynccontextmanager
    async def socket(self, key: str | None = None) -> AsyncIterator["Socket"]:
        """A websocket that was greeted."""
        address = self.url.replace("http", "ws", 1) + "/graphql"
        async with websockets.connect(address, subprotocols=[SUBPROTOCOL], max_size=None) as plain:  # type: ignore[list-item]
            opened = Socket(plain)
            payload = {"Authorization": f"Bearer {self.key if key is None else key}"}
            await opened.send({"type": "connection_init", "payload": payload})
            assert await opened.receive() == {"type": "connection_ack"}
            yield opened


class Socket:
    """The client's side of a `graphql-transport-ws` socket."""

    def __init__(self, plain: websockets.ClientConnection) -> None:
        self.plain = plain
        self._waiting: dict[str, list[dict[str, Any]]] = {}

    async def send(self, message: Mapping[str, Any]) -> None:
        """Send a message."""
        await self.plain.send(json.dumps(message))

    async def receive(self) -> dict[str, Any]:
        """The next message of any kind."""
        message: dict[str, Any] = json.loads(await asyncio.wait_for(self.plain.recv(), 20))
        return message

    async def subscribe(self, id_: str, query: str, **variables: Any) -> None:
        """Begin an operation."""
        payload = {"query": query, "variables": variables}
        await self.send({"id": id_, "type": "subscribe", "payload": payload})

    async def next(self, id_: str) -> dict[str, Any]:
        """The next message of one operation; those of others wait for their turn."""
        waiting = self._waiting.setdefault(id_, [])
        while not waiting:
            message = await self.receive()
            self._waiting.setdefault(message.get("id", ""), []).append(message)
        return waiting.pop(0)

    async def event(self, id_: str) -> dict[str, Any]:
        """The next event of a subscription: the object under its only field."""
        message = await self.next(id_)
        assert message["type"] == "next", message
        [event] = message["payload"]["data"].values()
        assert isinstance(event, dict)
        return event

    async def events_until(
        self, id_: str, over: Callable[[dict[str, Any]], bool]
    ) -> list[dict[str, Any]]:
        """Events up to and including the first for which `over` holds."""
        events = [await self.event(id_)]
        while not over(events[-1]):
            events.append(await self.event(id_))
        return events


@asynccontextmanager
async def serve(
    postgres_url: str, redis_url: str, folder: Path, **settings: Any
) -> AsyncIterator[Site]:
    """Make an organisation with an admin key in a migrated database, and serve on a free port."""
    organization_id, secret = await _organization(postgres_url)
    chosen = Settings(
        database_url=postgres_url, redis_url=redis_url, data=folder, demo=False, **settings
    )
    app = create_app(chosen)
    listener = _listener()
    config = uvicorn.Config(app, ws="websockets-sansio", log_config=None, access_log=False)
    server = uvicorn.Server(config)
    running = asyncio.create_task(server.serve(sockets=[listener]))
    while not server.started:
        await asyncio.sleep(0)
        if running.done():
            running.result()
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    try:
        viewer = Viewer(organization_id, Role.ADMIN)
        headers = {"authorization": f"Bearer {secret}"}
        async with httpx2.AsyncClient(
            base_url=url, headers=headers, timeout=30, verify=_NO_TLS
        ) as shared:
            yield Site(app, url, secret, viewer, shared)
    finally:
        server.should_exit = True
        await running
        listener.close()


def _listener() -> socket.socket:
    """A free port. asyncio turns Nagle's delay off only for sockets that say that they are TCP;
    with it each answer takes 40 ms."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", 0))
    listener.listen(100)
    return listener


async def _organization(postgres_url: str) -> tuple[UUID, str]:
    async with Database.connect(postgres_url, pool_size=2) as database:
        async with database.transaction() as session:
            organization = await organizations.create(session, "Test")
        storage = PostgresStorage(database, lambda *_: None)
        viewer = Viewer(organization.id, Role.ADMIN)
        made = await keys.create_key(viewer, storage, ApiKeyCreate("admin", Role.ADMIN))
    return organization.id, made.secret
