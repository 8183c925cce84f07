"""A worker that reads papers, as a process of its own: `python -m … <database> <folder>`. It does
not get beyond the last page of any paper before SIGUSR1 lets it, and ends with SIGTERM."""

import asyncio
import signal
import sys
from pathlib import Path

from domain.extraction_ports import ExtractionWork
from domain.extraction_records import Segment, SegmentFound
from persistence.blobs import Blobs
from persistence.engine import Database
from persistence.storage import PostgresStorage
from processing.extraction_jobs import read_files
from tests.extraction_jobs.papers import Papers, Reader


class SlowReader(Reader):
    """A reader that stops at the last page of each paper until it may go on."""

    def __init__(self) -> None:
        super().__init__()
        self.going = asyncio.Event()

    async def extract(self, work: ExtractionWork, segment: Segment) -> SegmentFound:
        if segment.last_page == len(work.document.pages):
            await self.going.wait()
        return await super().extract(work, segment)


async def main(url: str, folder: Path) -> None:
    reader, stopping = SlowReader(), asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, stopping.set)
    loop.add_signal_handler(signal.SIGUSR1, reader.going.set)
    async with Database.connect(url, pool_size=6) as database:
        storage = PostgresStorage(database, lambda *_: None, Blobs.open(folder / "blobs"))
        await read_files(url, storage, reader, Papers(storage), stopping)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], Path(sys.argv[2])))
