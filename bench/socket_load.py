"""Subscribers of one table, in a process of their own: `python -m bench.socket_load`.

Takes commands from stdin and answers on stdout, each a line of JSON. The first line is an
`Audience`; it is answered when all sockets have had their first answers. Each `Expect` after it is
answered at once, so that the caller may begin, and again with an `Arrived` when all frames have
come to all subscribers. Moments are those of `time.monotonic`, which all processes share.

All subscribers get the same bytes. In a burst only one of them looks at its frames; of the others
the bytes are counted and must be as many: reading 400,000 frames a second in Python would cost more
than sending them."""

import asyncio
import base64
import json
import os
import sys
import time
from dataclasses import asdict, dataclass
from typing import cast

import uvloop


@dataclass(frozen=True, slots=True)
class Audience:
    """Whom to connect, the texts each one sends first, and how many frames answer these."""

    port: int
    path: str
    protocol: str
    subscribers: int
    hello: list[str]
    answers: int


@dataclass(frozen=True, slots=True)
class Expect:
    """Frames that are about to come. `each` notes when every frame came to every subscriber, for
    frames that come one by one."""

    frames: int
    each: bool


@dataclass(frozen=True, slots=True)
class Arrived:
    """`last` is when the last frame had come to the last subscriber. `moments` has a list for each
    subscriber. `sample` is the text of the last frame."""

    last: float
    moments: list[list[float]]
    sample: str


class _Socket(asyncio.Protocol):
    """A client of RFC 6455, as far as a silent listener needs one."""

    def __init__(self, crowd: "_Crowd") -> None:
        self._crowd = crowd
        self._buffer = bytearray()
        self._open = False
        self._transport: asyncio.Transport | None = None
        self.sample = b""
        self.reads_frames = True
        self.begin(0)

    def begin(self, frames: int) -> None:
        """Count anew."""
        self.frames = 0
        self.bytes = 0
        self.moments: list[float] = []
        self._wanted = frames

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's own class
        self._transport.write(self._crowd.request)

    def data_received(self, data: bytes) -> None:
        self.bytes += len(data)
        if self.reads_frames:
            self._buffer += data
            if not self._open:
                self._shake_hands()
            if self._open:
                self._read_frames()
        elif self.bytes >= self._crowd.burst_bytes:
            self._crowd.finished(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._crowd.lost(exc)

    def _shake_hands(self) -> None:
        head = self._buffer.find(b"\r\n\r\n")
        if head < 0:
            return
        if not self._buffer.startswith(b"HTTP/1.1 101"):
            raise SystemExit(f"no websocket: {bytes(self._buffer[:1000])!r}")
        del self._buffer[: head + 4]
        self._open = True
        assert self._transport is not None
        self._transport.write(self._crowd.hello)
        if not self._wanted:
            self._crowd.finished(self)

    def _read_frames(self) -> None:
        while (found := _frame(self._buffer)) is not None:
            kind, start, end = found
            if kind == 0x88:
                raise SystemExit(f"closed: {bytes(self._buffer[start:end])!r}")
            if kind == 0x81:
                self.frames += 1
                self.moments.append(time.monotonic())
                self.sample = bytes(self._buffer[start:end])
                if self.frames == self._wanted:
                    self._crowd.finished(self)
            del self._buffer[:end]


def _frame(buffer: bytearray) -> tuple[int, int, int] | None:
    """First byte, start and end of the payload of a whole frame at the head of the buffer."""
    if len(buffer) < 2:
        return None
    start, length = 2, buffer[1]
    if length >= 126:
        start = 4 if length == 126 else 10
        if len(buffer) < start:
            return None
        length = int.from_bytes(buffer[2:start], "big")
    return (buffer[0], start, start + length) if start + length <= len(buffer) else None


def _masked(text: str) -> bytes:
    """A client's text frame. The mask is zero, which is a mask like any other."""
    body = text.encode()
    size = len(body)
    head = bytes([0x81, 0x80 | size]) if size < 126 else b"\x81\xfe" + size.to_bytes(2, "big")
    return head + bytes(4) + body


class _Crowd:
    """All subscribers."""

    def __init__(self, audience: Audience) -> None:
        self._audience = audience
        self._sockets: list[_Socket] = []
        self._waiting: set[_Socket] = set()
        self._arrived = asyncio.Event()
        self._last = 0.0
        self._expected = Expect(audience.answers, each=True)
        self._leaving = False
        self.burst_bytes = sys.maxsize
        self.hello = b"".join(map(_masked, audience.hello))
        protocol = f"Sec-WebSocket-Protocol: {audience.protocol}\r\n" if audience.protocol else ""
        self.request = (
            f"GET {audience.path} HTTP/1.1\r\nHost: 127.0.0.1:{audience.port}\r\n"
            "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
            f"Sec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}\r\n{protocol}\r\n"
        ).encode()

    async def connect(self) -> None:
        """Open all sockets and wait for the first answers."""
        loop = asyncio.get_running_loop()
        for _ in range(self._audience.subscribers):
            await loop.create_connection(self._join, "127.0.0.1", self._audience.port)
        await self._arrived.wait()

    def _join(self) -> _Socket:
        socket = _Socket(self)
        socket.begin(self._audience.answers)
        self._sockets.append(socket)
        self._waiting.add(socket)
        return socket

    def expect(self, expected: Expect) -> None:
        """From now on count these frames."""
        self._expected = expected
        self._arrived.clear()
        self._waiting = set(self._sockets)
        self.burst_bytes = sys.maxsize
        for index, socket in enumerate(self._sockets):
            socket.begin(expected.frames)
            socket.reads_frames = expected.each or index == 0

    async def arrived(self) -> Arrived:
        """Wait for the last frame of the last subscriber."""
        await self._arrived.wait()
        sizes = {socket.bytes for socket in self._sockets}
        if not self._expected.each and len(sizes) > 1:
            raise SystemExit(f"subscribers got different bytes: {sorted(sizes)[:5]}")
        moments = [socket.moments for socket in self._sockets] if self._expected.each else []
        return Arrived(self._last, moments, self._sockets[0].sample.decode())

    def finished(self, socket: _Socket) -> None:
        """A subscriber has everything."""
        self._last = time.monotonic()
        self._waiting.discard(socket)
        if not self._expected.each and socket is self._sockets[0]:
            self.burst_bytes = socket.bytes
            self._waiting = {each for each in self._waiting if each.bytes < self.burst_bytes}
        if not self._waiting and len(self._sockets) == self._audience.subscribers:
            self._arrived.set()

    def lost(self, exc: Exception | None) -> None:
        """A server may not close a socket before we do."""
        if not self._leaving:
            raise SystemExit(f"the server closed a socket: {exc}")

    def leave(self) -> None:
        """The end of the process closes the sockets."""
        self._leaving = True


def _say(answer: object) -> None:
    print(json.dumps(answer), flush=True)


async def _serve() -> None:
    crowd = _Crowd(Audience(**json.loads(sys.stdin.readline())))
    await crowd.connect()
    _say({"subscribers": "ready"})
    while line := await asyncio.to_thread(sys.stdin.readline):
        crowd.expect(Expect(**json.loads(line)))
        _say({"expecting": True})
        _say(asdict(await crowd.arrived()))
    crowd.leave()


if __name__ == "__main__":
    uvloop.run(_serve())
