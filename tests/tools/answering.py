"""A server on this machine that answers each request by a function of it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Asked:
    """A request as it came: `path` with its query, headers by lower-case name."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: str


@dataclass(frozen=True)
class Reply:
    body: str = "{}"
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Answering:
    """Where it listens, what it was asked, and the most requests that it had at one time."""

    port: int = 0
    asked: list[Asked] = field(default_factory=list)
    now: int = 0
    most: int = 0

    def url(self, path: str = "/") -> str:
        return f"http://127.0.0.1:{self.port}{path}"


@asynccontextmanager
async def answering(reply: Callable[[Asked], Awaitable[Reply]]) -> AsyncIterator[Answering]:
    """Serve until the end of the block."""
    found = Answering()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        found.now += 1
        found.most = max(found.most, found.now)
        try:
            asked = await _read(reader)
            found.asked.append(asked)
            told = await reply(asked)
            body = told.body.encode()
            lines = [f"{name}: {value}" for name, value in told.headers.items()]
            head = [f"HTTP/1.1 {told.status} X", f"Content-Length: {len(body)}", *lines, "", ""]
            writer.write("\r\n".join(head).encode() + body)
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            found.now -= 1
            writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    found.port = server.sockets[0].getsockname()[1]
    try:
        yield found
    finally:
        server.close()


async def _read(reader: asyncio.StreamReader) -> Asked:
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    first, *lines = head.strip().split("\r\n")
    method, path, _ = first.split(" ", 2)
    headers = {name.lower(): value.strip() for name, _, value in (x.partition(":") for x in lines)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Asked(method, path, headers, body.decode())
