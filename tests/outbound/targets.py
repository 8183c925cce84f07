"""A server on this machine that answers as it is told, byte by byte, and keeps what it was sent."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

FOLDER = Path(__file__).parent

Answer = Callable[[asyncio.StreamWriter], Awaitable[None]]


def reply(status: str = "200 OK", body: bytes = b"{}", *headers: str) -> Answer:
    """A whole answer at once."""

    async def write(writer: asyncio.StreamWriter) -> None:
        head = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers]
        writer.write("\r\n".join([*head, "", ""]).encode() + body)
        await writer.drain()

    return write


@dataclass
class Target:
    """Where it listens, and the requests that arrived: head and body as texts."""

    port: int
    scheme: str = "http"
    requests: list[str] = field(default_factory=list)

    def url(self, host: str = "127.0.0.1", path: str = "/") -> str:
        """The address under a name."""
        return f"{self.scheme}://{host}:{self.port}{path}"


@asynccontextmanager
async def target(answer: Answer, tls: ssl.SSLContext | None = None) -> AsyncIterator[Target]:
    """Serve `answer` to every connection on 127.0.0.1."""
    found = Target(0, "https" if tls else "http")

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            length = [line for line in head.lower().split("\r\n") if "content-length:" in line]
            count = int(length[0].split(":")[1]) if length else 0
            found.requests.append(head + (await reader.readexactly(count)).decode())
            await answer(writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0, ssl=tls)
    found.port = server.sockets[0].getsockname()[1]
    try:
        yield found
    finally:
        server.close()


def server_tls() -> ssl.SSLContext:
    """The server's side, with a certificate for `tablecast.test`."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(FOLDER / "certificate.pem", FOLDER / "key.pem")
    return context


def trusting_tls() -> ssl.SSLContext:
    """A client's side that trusts that certificate."""
    return ssl.create_default_context(cafile=str(FOLDER / "certificate.pem"))
