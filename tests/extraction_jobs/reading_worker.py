"""A worker that reads papers, as a process of its own. It does not get beyond the last page of any
paper before SIGUSR1 lets it, and ends with SIGTERM."""

import asyncio
import os
import signal
from pathlib import Path

from domain.extraction_ports import ExtractionWork
from domain.extraction_records import Segment, SegmentFound
from persistence.blobs import Blobs
from persistence.engine import Database
from persistence.storage import PostgresStorage
from processing.extraction_jobs import read_files
from tests.extraction_jobs.papers import Papers, Reader
from tests.worker_processes import SPAWNING


class SlowReader(Reader):
    """A reader that stops at the last page of each paper until it may go on."""

    def __init__(self) -> None:
        super().__init__()
        self.going = asyncio.Event()

    async def extract(self, work: ExtractionWork, segment: Segment) -> SegmentFound:
        if segment.last_page == len(work.document.pages):
            await self.going.wait()
        return await super().extract(work, segment)


class ReadingProcess:
    """A worker with the blobs of a folder."""

    def __init__(self, url: str, folder: Path) -> None:
        self._process = SPAWNING.Process(target=_run, args=(url, folder), daemon=True)
        self._process.start()

    def kill(self) -> None:
        """End it with SIGKILL, as a crash of the machine would."""
        self._process.kill()
        self._process.join()

    def go_on(self) -> None:
        """Let it read last pages."""
        assert self._process.pid is not None
        os.kill(self._process.pid, signal.SIGUSR1)

    def stop(self) -> int | None:
        """Ask it to stop; its exit code, None when it does not within 30 seconds."""
        self._process.terminate()
        self._process.join(30)
        return self._process.exitcode


def _run(url: str, folder: Path) -> None:
    asyncio.run(_read(url, folder))


async def _read(url: str, folder: Path) -> None:
    reader, stopping = SlowReader(), asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, stopping.set)
    loop.add_signal_handler(signal.SIGUSR1, reader.going.set)
    async with Database.connect(url, pool_size=6) as database:
        storage = PostgresStorage(database, lambda *_: None, Blobs.open(folder))
        await read_files(url, storage, reader, Papers(storage), stopping)
