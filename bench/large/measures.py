"""Times and peaks of memory, and the figures as Markdown."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from statistics import median

from bench.servers import Servers

_LOOK_EVERY = 0.05
_TIMES = 5


@dataclass
class Peak:
    """The most bytes that each process held while somebody looked."""

    bytes: dict[str, int] = field(default_factory=dict)

    def megabytes(self, name: str) -> str:
        """Such as `155 MB`."""
        return f"{self.bytes[name] / 1e6:.0f} MB"


@asynccontextmanager
async def peaks(servers: Servers, *names: str) -> AsyncIterator[Peak]:
    """Look at the memory of these processes until the block ends."""
    peak = Peak({name: servers.memory(name) for name in names})

    async def look() -> None:
        while True:
            for name in names:
                peak.bytes[name] = max(peak.bytes[name], servers.memory(name))
            await asyncio.sleep(_LOOK_EVERY)

    task = asyncio.create_task(look())
    try:
        yield peak
    finally:
        task.cancel()


async def seconds(work: Callable[[], Awaitable[object]], times: int = _TIMES) -> float:
    """The median of several runs, after one that does not count."""
    await work()
    taken = []
    for _ in range(times):
        began = time.perf_counter()
        await work()
        taken.append(time.perf_counter() - began)
    return median(taken)


@dataclass(frozen=True, slots=True)
class Result:
    """One line of the report."""

    work: str
    figure: str
    beside: str = ""


def render(results: list[Result], rows: int, machine: str) -> str:
    """The table of the report."""
    head = [f"{machine}; a table of {rows:,} rows with 10 columns.", ""]
    head += ["| work | tablecast | beside it |", "|---|---|---|"]
    return "\n".join([*head, *(f"| {x.work} | {x.figure} | {x.beside} |" for x in results)])
