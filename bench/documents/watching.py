"""What processes hold and use while documents are read."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

import psutil

from bench.servers import Servers

_LOOK_EVERY = 0.05
_READING = "processing.documents."


@dataclass(slots=True)
class Use:
    """The most bytes that one process of each kind held while somebody looked, and the seconds of
    processor time that workers and what they started took meanwhile."""

    web: int = 0
    worker: int = 0
    reading: int = 0
    seconds: float = 0.0

    def told(self) -> str:
        """Such as `web 120 MB, worker 200 MB, reading process 40 MB at their peaks`."""
        web, worker, reading = (f"{n / 1e6:.0f} MB" for n in (self.web, self.worker, self.reading))
        return f"web {web}, worker {worker}, reading process {reading} at their peaks"


@asynccontextmanager
async def watched(servers: Servers, workers: Sequence[str]) -> AsyncIterator[Use]:
    """Look at the web process and these workers until the block ends."""
    use = Use()
    before = {name: _seconds(servers.process(name)) for name in workers}

    async def look() -> None:
        while True:
            _look(servers, workers, use)
            await asyncio.sleep(_LOOK_EVERY)

    task = asyncio.create_task(look())
    try:
        yield use
        for name, earlier in before.items():
            with suppress(psutil.Error):
                use.seconds += _seconds(servers.process(name)) - earlier
    finally:
        task.cancel()


def _look(servers: Servers, workers: Sequence[str], use: Use) -> None:
    use.web = max(use.web, servers.process("tablecast").memory_info().rss)
    for name in workers:
        with suppress(psutil.Error):
            worker = servers.process(name)
            use.worker = max(use.worker, worker.memory_info().rss)
            for child in reading(worker):
                with suppress(psutil.Error):
                    use.reading = max(use.reading, child.memory_info().rss)


def reading(worker: psutil.Process) -> Iterator[psutil.Process]:
    """The processes in which a worker reads files now."""
    with suppress(psutil.Error):
        for child in worker.children(recursive=True):
            with suppress(psutil.Error):
                # A child that has not become its program yet is a copy of the worker.
                if any(part.startswith(_READING) for part in child.cmdline()):
                    yield child


def _seconds(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system + times.children_user + times.children_system)
