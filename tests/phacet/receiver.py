"""A small server that keeps what it is sent and answers as the test says."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Sent:
    """One request."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


@dataclass
class Receiver:
    """`sent` hands out requests in order; each is answered by the next of `answers`, else by
    200, with what `says` makes of it."""

    port: int = 0
    sent: "asyncio.Queue[Sent]" = field(default_factory=asyncio.Queue)
    answers: list[int] = field(default_factory=list)
    says: Callable[[Sent], bytes] = lambda _: b""

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}/hook"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """The requests of one connection."""
        while line := await reader.readline():
            headers = {}
            while each := (await reader.readline()).decode().strip():
                name, _, value = each.partition(":")
                headers[name.lower()] = value.strip()
            body = await reader.readexactly(int(headers.get("content-length", "0")))
            sent = Sent(line.decode().split()[1], headers, body)
            status, said = self.answers.pop(0) if self.answers else 200, self.says(sent)
            head = f"HTTP/1.1 {status} Said\r\nContent-Length: {len(said)}\r\n\r\n"
            writer.write(head.encode() + said)
            self.sent.put_nowait(sent)
        writer.close()

    async def next(self) -> Sent:
        """The next request, as soon as it comes."""
        return await asyncio.wait_for(self.sent.get(), 60)

    async def next_of(self, event: str) -> Sent:
        """The next request that tells of this event; others are passed over."""
        while (sent := await self.next()).json["eventType"] != event:
            pass
        return sent


@asynccontextmanager
async def receiver() -> AsyncIterator[Receiver]:
    """A receiver on a free port."""
    made = Receiver()
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    made.port = server.sockets[0].getsockname()[1]
    async with server:
        yield made
