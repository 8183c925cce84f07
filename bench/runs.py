"""Running the works: both sides in turn, round after round, and what came of it."""

import asyncio
import http.client
import json
import statistics
import sys
from dataclasses import asdict, dataclass, replace
from typing import Any

from bench.http_load import Load, Measured
from bench.servers import Servers
from bench.works import Side, Work

SIDES: tuple[Side, Side] = ("tablecast", "limit")


@dataclass(frozen=True, slots=True)
class Figures:
    """One round of one side. Times are milliseconds; CPU time is that of one request, or of 1,000
    messages."""

    per_second: float
    p50: float
    p99: float
    web_cpu: float
    postgres_cpu: float


def median(rounds: list[Figures]) -> Figures:
    """Each figure's median over the rounds."""
    columns = zip(*(asdict(each).values() for each in rounds), strict=True)
    return Figures(*(statistics.median(column) for column in columns))


class Runner:
    """Sends the loads to the servers."""

    def __init__(self, servers: Servers) -> None:
        self._servers = servers
        self._ports: dict[Side, int] = {
            "tablecast": servers.settings.port,
            "limit": servers.limit_port,
        }

    def compare(self, work: Work) -> None:
        """Both sides must answer the same rows. Raises `SystemExit` when they do not."""
        if work.rows is None:
            return
        for number in (0, 1, 2):
            found = [
                work.rows[side](self._ask(side, work.requests[side][number])) for side in SIDES
            ]
            if found[0] != found[1] or not found[0]:
                raise SystemExit(f"{work.name}: the answers differ: {json.dumps(found)[:2000]}")

    async def measure(self, side: Side, work: Work) -> Figures:
        """One round of one side."""
        before = self._servers.cpu_seconds()
        measured = await _in_its_own_process(work.load(side, self._ports[side]))
        after = self._servers.cpu_seconds()

        def cpu(name: str) -> float:
            return (after[name] - before[name]) * 1000 / measured.count

        return Figures(measured.per_second, measured.p50, measured.p99, cpu(side), cpu("postgres"))

    async def warm_up(self, side: Side, work: Work) -> None:
        """Fill the caches of a server and of PostgreSQL; not counted."""
        load = work.load(side, self._ports[side])
        await _in_its_own_process(replace(load, most=min(load.most, 500)))

    def _ask(self, side: Side, request: str) -> Any:
        head, body = request.split("\r\n\r\n", 1)
        first, *fields = head.split("\r\n")
        method, path, _ = first.split(" ")
        headers = dict(field.split(": ", 1) for field in fields)
        connection = http.client.HTTPConnection("127.0.0.1", self._ports[side], timeout=30)
        connection.request(method, path, body or None, headers)
        answer = connection.getresponse().read()
        connection.close()
        return json.loads(answer)


async def _in_its_own_process(load: Load) -> Measured:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "bench.http_load",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    output, _ = await process.communicate(json.dumps(asdict(load)).encode())
    if process.returncode != 0:
        raise SystemExit("the load was not answered as it should be; see above")
    return Measured(**json.loads(output))
