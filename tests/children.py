"""Small programs that report to the test when they live, and by closing, when they die."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

_PROGRAM = """
import os, signal, socket, sys
if 'stubborn' in sys.argv: signal.signal(signal.SIGTERM, signal.SIG_IGN)
line = socket.create_connection(('127.0.0.1', int(sys.argv[1])))
line.sendall(f'{sys.argv[2]} {os.getpid()}\\n'.encode())
while True: signal.pause()
"""


@dataclass
class Switchboard:
    """Where the programs call in. `born` and `died` hand out (name, process id) in order."""

    port: int = 0
    born: asyncio.Queue[tuple[str, int]] = field(default_factory=asyncio.Queue)
    died: asyncio.Queue[tuple[str, int]] = field(default_factory=asyncio.Queue)

    def program(self, name: str, *traits: str) -> list[str]:
        """The line that runs a program of this name. Trait `stubborn`: it ignores SIGTERM."""
        return [sys.executable, "-c", _PROGRAM, str(self.port), name, *traits]

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One program, from its call to its death."""
        name, pid = (await reader.readline()).decode().split()
        self.born.put_nowait((name, int(pid)))
        with suppress(ConnectionResetError):
            await reader.read()
        self.died.put_nowait((name, int(pid)))
        writer.close()


@asynccontextmanager
async def switchboard() -> AsyncIterator[Switchboard]:
    """A switchboard on a free port."""
    board = Switchboard()
    server = await asyncio.start_server(board.answer, "127.0.0.1", 0)
    board.port = server.sockets[0].getsockname()[1]
    async with server, asyncio.timeout(60):
        yield board
