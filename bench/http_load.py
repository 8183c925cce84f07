"""The HTTP load of one round, in a process of its own: `python -m bench.http_load`.

Reads one JSON object from stdin (`Load`), writes one to stdout (`Measured`). Keep-alive connections
over plain protocols: at several thousand requests a second a client library would cost more than
the servers that are measured."""

import asyncio
import json
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import cast

import uvloop


@dataclass(frozen=True, slots=True)
class Load:
    """What to send: whole requests, each used in turn, until `seconds` are over or `most` are sent.

    An answer must be a 2xx and its body begin with `begins`; anything else ends the run."""

    port: int
    connections: int
    seconds: float
    most: int
    requests: list[str]
    begins: str


@dataclass(frozen=True, slots=True)
class Measured:
    """Requests a second, and the milliseconds of an answer at the median and the 99th of 100."""

    count: int
    per_second: float
    p50: float
    p99: float


class BadAnswer(Exception):
    """A server answered something else than it should; the figures would mean nothing."""


class _Connection(asyncio.Protocol):
    """Sends the next request as soon as the last one is answered."""

    def __init__(self, run: "_Run") -> None:
        self._run = run
        self._transport: asyncio.Transport | None = None
        self._buffer = bytearray()
        self._body = 0
        self._wanted = 0
        self._sent_at = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's own class
        self._next()

    def data_received(self, data: bytes) -> None:
        buffer = self._buffer
        buffer += data
        if not self._wanted:
            head = buffer.find(b"\r\n\r\n")
            if head < 0:
                return
            self._body = head + 4
            self._wanted = self._body + _content_length(buffer, head)
        if len(buffer) >= self._wanted:
            if buffer[9:10] != b"2" or not buffer.startswith(self._run.begins, self._body):
                self._run.fail(bytes(buffer[:2000]))
                return
            self._run.took(time.perf_counter() - self._sent_at)
            buffer.clear()
            self._wanted = 0
            self._next()

    def connection_lost(self, exc: Exception | None) -> None:
        self._run.left(self)

    def _next(self) -> None:
        assert self._transport is not None
        request = next(self._run.requests, None)
        if request is None:
            self._transport.close()
            return
        self._sent_at = time.perf_counter()
        self._transport.write(request)


def _content_length(buffer: bytearray, head: int) -> int:
    name = buffer.lower().find(b"\r\ncontent-length:", 0, head)
    if name < 0:
        raise BadAnswer(bytes(buffer[:head]).decode())
    end = buffer.find(b"\r\n", name + 2)
    return int(buffer[name + 17 : end])


class _Run:
    def __init__(self, load: Load) -> None:
        self.begins = load.begins.encode()
        self.requests = self._requests(load)
        self._load = load
        self._times: list[float] = []
        self._open: set[_Connection] = set()
        self._fault: bytes | None = None
        self._done = asyncio.Event()

    async def measure(self) -> Measured:
        loop = asyncio.get_running_loop()
        started = time.perf_counter()
        for _ in range(self._load.connections):
            _, connection = await loop.create_connection(
                lambda: _Connection(self), "127.0.0.1", self._load.port
            )
            self._open.add(connection)
        async with asyncio.timeout(self._load.seconds + 60):
            await self._done.wait()
        passed = time.perf_counter() - started
        if self._fault is not None:
            raise BadAnswer(self._fault.decode(errors="replace"))
        times = sorted(self._times)
        count = len(times)
        p50, p99 = times[count // 2] * 1000, times[min(count - 1, count * 99 // 100)] * 1000
        return Measured(count, count / passed, p50, p99)

    def took(self, seconds: float) -> None:
        self._times.append(seconds)

    def fail(self, answer: bytes) -> None:
        self._fault = answer
        self._done.set()

    def left(self, connection: _Connection) -> None:
        self._open.discard(connection)
        if not self._open:
            self._done.set()

    def _requests(self, load: Load) -> Iterator[bytes]:
        texts = [text.encode() for text in load.requests]
        ends = time.perf_counter() + load.seconds
        for number in range(load.most):
            if time.perf_counter() >= ends:
                return
            yield texts[number % len(texts)]


def main() -> None:
    """Run the load on stdin."""
    load = Load(**json.load(sys.stdin))
    measured = uvloop.run(_Run(load).measure())
    json.dump(asdict(measured), sys.stdout)


if __name__ == "__main__":
    main()
