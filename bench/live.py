"""S1: 1,000 subscribers of one table on one web process, unfiltered, so one group of them."""

import asyncio
import http.client
import json
import random
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from typing import Any

from bench.data import Data
from bench.runs import Figures
from bench.servers import Servers
from bench.socket_load import Arrived, Audience, Expect
from bench.works import Side

SUBSCRIPTION = """subscription Watch($table: ID!) {
  tableChanged(tableId: $table) {
    __typename
    ... on RowsChanged { revision at actor rows { id version data } }
  }
}"""

_CHANGES_A_SECOND = 20
_WRITERS = 8

Send = Callable[[int], Awaitable[list[float]]]
"""Makes so many changes and tells when each was committed."""


@dataclass(frozen=True, slots=True)
class Crowd:
    """How many listen, how many changes a burst has, and how many seconds the steady part lasts."""

    subscribers: int
    burst: int
    seconds: float


class Live:
    """Runs S1 on either side."""

    def __init__(self, servers: Servers, data: Data, key: str, crowd: Crowd) -> None:
        self._servers = servers
        self._data = data
        self._key = key
        self._crowd = crowd
        self._chance = random.Random(4)

    async def frame(self) -> str:
        """The text that a subscriber gets for one change."""
        async with _listen(self._audience("tablecast", 1)) as audience:
            arrived = await _expect(audience, Expect(1, each=True), lambda: self._commit(1))
        return arrived[1].sample

    async def measure(self, side: Side) -> tuple[Figures, Figures]:
        """One round: a burst, in messages a second, and a steady stream, in milliseconds from
        commit to each client. CPU time is per 1,000 messages."""
        send = self._commit if side == "tablecast" else self._broadcast
        async with _listen(self._audience(side, self._crowd.subscribers)) as audience:
            burst = await self._burst(side, audience, send)
            steady = await self._steady(side, audience, send)
        return burst, steady

    async def _burst(self, side: Side, audience: "_Audience", send: Send) -> Figures:
        before = self._servers.cpu_seconds()
        began = time.monotonic()
        expected = Expect(self._crowd.burst, each=False)
        _, arrived = await _expect(audience, expected, lambda: send(self._crowd.burst))
        messages = self._crowd.burst * self._crowd.subscribers
        passed = arrived.last - began
        return self._figures(side, before, messages, messages / passed, [passed * 1000])

    async def _steady(self, side: Side, audience: "_Audience", send: Send) -> Figures:
        changes = int(_CHANGES_A_SECOND * self._crowd.seconds)

        async def paced() -> list[float]:
            loop = asyncio.get_running_loop()
            begun, moments = loop.time(), []
            for number in range(changes):
                await asyncio.sleep(begun + number / _CHANGES_A_SECOND - loop.time())
                moments += await send(1)
            return moments

        before = self._servers.cpu_seconds()
        committed, arrived = await _expect(audience, Expect(changes, each=True), paced)
        delays = [
            (came - left) * 1000
            for moments in arrived.moments
            for left, came in zip(committed, moments, strict=True)
        ]
        return self._figures(side, before, len(delays), _CHANGES_A_SECOND, delays)

    def _figures(
        self,
        side: Side,
        before: dict[str, float],
        messages: int,
        per_second: float,
        delays: list[float],
    ) -> Figures:
        after = self._servers.cpu_seconds()
        web, postgres = (
            (after[name] - before[name]) * 1e6 / messages for name in (side, "postgres")
        )
        delays.sort()
        last = len(delays) - 1
        return Figures(
            per_second, delays[last // 2], delays[min(last, len(delays) * 99 // 100)], web, postgres
        )

    async def _commit(self, changes: int) -> list[float]:
        """Changes rows from this process, by several writers; each to a row of its own."""
        moments: list[float] = []
        left = iter(range(changes))

        async def write() -> None:
            for _ in left:
                row_id = self._chance.choice(self._data.row_ids)
                await self._data.change(row_id, self._chance.randrange(10**9) + 0.75)
                moments.append(time.monotonic())

        await asyncio.gather(*(write() for _ in range(min(_WRITERS, changes))))
        return moments

    async def _broadcast(self, changes: int) -> list[float]:
        """Tells the limit to send its frame so many times to everybody."""
        began = time.monotonic()
        await asyncio.to_thread(self._tell, changes)
        return [began] * changes

    def _tell(self, changes: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._servers.limit_port, timeout=30)
        connection.request("POST", f"/broadcast?frames={changes}")
        connection.getresponse().read()
        connection.close()

    def _audience(self, side: Side, subscribers: int) -> Audience:
        if side == "limit":
            return Audience(self._servers.limit_port, "/live", "", subscribers, [], 0)
        init = {"type": "connection_init", "payload": {"Authorization": f"Bearer {self._key}"}}
        payload = {"query": SUBSCRIPTION, "variables": {"table": str(self._data.read)}}
        subscribe = {"id": "1", "type": "subscribe", "payload": payload}
        hello = [json.dumps(init), json.dumps(subscribe)]
        port, protocol = self._servers.settings.port, "graphql-transport-ws"
        # The acknowledgement and the first event, which says where the stream starts.
        return Audience(port, "/graphql", protocol, subscribers, hello, 2)


class _Audience:
    """The process with the subscribers."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def tell(self, command: Any) -> None:
        """Send a command."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(asdict(command)).encode() + b"\n")
        await self._process.stdin.drain()

    async def answer(self) -> Any:
        """The next answer. Raises `SystemExit` when the process has ended."""
        assert self._process.stdout is not None
        async with asyncio.timeout(60):
            line = await self._process.stdout.readline()
        if not line:
            raise SystemExit("the subscribers ended early; see above")
        return json.loads(line)


@asynccontextmanager
async def _listen(audience: Audience) -> AsyncIterator[_Audience]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "bench.socket_load",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=100_000_000,  # one line holds the moments of all frames
    )
    try:
        found = _Audience(process)
        await found.tell(audience)
        await found.answer()
        yield found
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def _expect(
    audience: _Audience, expected: Expect, send: Callable[[], Awaitable[list[float]]]
) -> tuple[list[float], Arrived]:
    await audience.tell(expected)
    await audience.answer()
    moments = await send()
    return moments, Arrived(**await audience.answer())
