"""Subscribers that count: `python -m bench.cells.watchers PORT KEY TABLE COUNT`.

Each follows the statuses of a table's cells. The process says `ready` when all have begun, and with
the end of its input how many frames came, in how many seconds from the first to the last."""

import asyncio
import json
import sys
import time

import uvloop
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

QUERY = """subscription($table: ID!) { cellStatusChanged(tableId: $table) { __typename
  ... on CellStatusesChanged { revision cells { cellId status } } } }"""


class _Counter:
    frames = 0
    first = last = 0.0

    def count(self) -> None:
        self.last = time.monotonic()
        self.first = self.first or self.last
        self.frames += 1


async def _follow(port: int, key: str, table: str) -> ClientConnection:
    """A socket whose stream has begun."""
    socket = await connect(
        f"ws://127.0.0.1:{port}/graphql",
        subprotocols=[Subprotocol("graphql-transport-ws")],
        max_size=None,
        ping_interval=None,
    )
    bearer = {"Authorization": f"Bearer {key}"}
    await socket.send(json.dumps({"type": "connection_init", "payload": bearer}))
    await socket.recv()
    payload = {"query": QUERY, "variables": {"table": table}}
    await socket.send(json.dumps({"id": "1", "type": "subscribe", "payload": payload}))
    begun = await socket.recv()
    if b"StreamStarted" not in (begun if isinstance(begun, bytes) else begun.encode()):
        raise SystemExit(f"the stream did not begin: {begun!r}")
    return socket


async def _count(socket: ClientConnection, counter: _Counter) -> None:
    try:
        while True:
            await socket.recv(decode=False)
            counter.count()
    except ConnectionClosed as error:
        raise SystemExit(f"the server closed a socket: {error}") from None


async def _main(port: int, key: str, table: str, count: int) -> None:
    counter = _Counter()
    sockets = [await _follow(port, key, table) for _ in range(count)]
    tasks = [asyncio.create_task(_count(socket, counter)) for socket in sockets]
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.read)
    for task in tasks:
        task.cancel()
    print(json.dumps([counter.frames, counter.last - counter.first]), flush=True)


if __name__ == "__main__":
    _, port, key, table, count = sys.argv
    uvloop.run(_main(int(port), key, table, int(count)))
