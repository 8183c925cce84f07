"""The limit: a bare ASGI application that sends JSON as PostgreSQL made it.

`uvicorn --factory bench.limit:Limit`, with the file of `Statements` named by BENCH_STATEMENTS.
Every work is one hand-written statement over the same tables; no rights, no GraphQL, no history,
nothing checked. What a gateway in Python can be compared with."""

import asyncio
import json
import os
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl
from uuid import UUID

import asyncpg

from persistence.engine import SESSION_SETTINGS, leave_session
from persistence.urls import asyncpg_dsn


@dataclass(frozen=True, slots=True)
class Statements:
    """The statements, each giving one text; `frame` is what a broadcast sends."""

    database_url: str
    rows: str
    row: str
    insert: str
    frame: str


_HEAD = [(b"content-type", b"application/json")]


class Limit:
    """`GET /rows`, `GET /row`, `POST /rows`, `POST /broadcast` and a socket at `/live`."""

    def __init__(self) -> None:
        self._given = Statements(**json.loads(Path(os.environ["BENCH_STATEMENTS"]).read_text()))
        self._pool: Any = None
        self._broadcast = asyncio.Event()
        self._sent = 0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            await self._answer(scope, receive, send)
        elif scope["type"] == "websocket":
            await self._listen(receive, send)
        else:
            await self._live(receive, send)

    async def _live(self, receive: Any, send: Any) -> None:
        await receive()
        self._pool = await asyncpg.create_pool(
            asyncpg_dsn(self._given.database_url),
            min_size=1,
            max_size=16,
            server_settings=SESSION_SETTINGS,
            reset=leave_session,
        )
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self._pool.close()
        await send({"type": "lifespan.shutdown.complete"})

    async def _answer(self, scope: Any, receive: Any, send: Any) -> None:
        text = await self._text(scope, receive)
        body = text.encode()
        head = [*_HEAD, (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": head})
        await send({"type": "http.response.body", "body": body})

    async def _text(self, scope: Any, receive: Any) -> str:
        asked = dict(parse_qsl(scope["query_string"].decode()))
        match scope["method"], scope["path"]:
            case "GET", "/rows":
                values = Decimal(asked["score"]), int(asked["first"])
                return str(await self._pool.fetchval(self._given.rows, *values))
            case "GET", "/row":
                return str(await self._pool.fetchval(self._given.row, UUID(asked["id"])))
            case "POST", "/rows":
                body = await _body(receive)
                return str(await self._pool.fetchval(self._given.insert, body.decode()))
            case "POST", "/broadcast":
                self._sent += int(asked["frames"])
                self._broadcast.set()
                self._broadcast = asyncio.Event()
        return "{}"

    async def _listen(self, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        sending = asyncio.create_task(self._send_all(send))
        await receive()
        sending.cancel()

    async def _send_all(self, send: Any) -> None:
        message = {"type": "websocket.send", "text": self._given.frame}
        sent = self._sent
        while True:
            while sent < self._sent:
                await send(message)
                sent += 1
            await self._broadcast.wait()


async def _body(receive: Any) -> bytes:
    parts: list[bytes] = []
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(parts)
