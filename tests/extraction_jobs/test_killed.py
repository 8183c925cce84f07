"""A worker that is killed while it reads: every row is there once."""

import asyncio
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from uuid import UUID

from domain import extraction_jobs
from domain.extraction_records import JobStatus
from persistence.blobs import Blobs
from persistence.engine import Pool
from persistence.secret_box import SecretBox
from persistence.storage import PostgresStorage
from processing.extraction_jobs import SLOTS
from tests.extraction_jobs.office import Office

FILES = 15


def _worker(url: str, folder: Path) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [sys.executable, "-m", "tests.extraction_jobs.reading_worker", url, str(folder)]
    )


async def _until(pool: Pool, ids: Sequence[UUID], condition: str, count: int) -> None:
    """Wait until so many of the jobs are there. The database waits, so that the workers have the
    processor."""
    text = (
        "SELECT count(*) FROM (SELECT pg_sleep(0.05)) s"
        f" JOIN extraction_job j ON j.id = ANY($1) AND {condition}"
    )
    while await pool.fetchval(text, ids) < count:
        pass


async def test_every_row_is_there_once_after_a_worker_was_killed(
    office: Office, postgres_url: str, tmp_path: Path
) -> None:
    viewer, pool = office.world.viewer, office.world.database.pool
    blobs = Blobs.open(tmp_path / "blobs")
    office.world.storage = PostgresStorage(
        office.world.database, lambda *_: None, blobs, SecretBox([bytes(32)])
    )
    papers = [
        await office.file(f"line: item=first {n}; amount={n}\fline: item=last {n}; amount={n}", "p")
        for n in range(FILES)
    ]
    started = await extraction_jobs.start(viewer, office.world.storage, office.schema.id, papers)
    ids = [job.id for job in started]
    first, second = _worker(postgres_url, tmp_path), _worker(postgres_url, tmp_path)
    try:
        async with asyncio.timeout(90):
            # Both have all hands full: first pages are stored, no second one is.
            await _until(pool, ids, "rows = 1", 2 * SLOTS)
            first.kill()
            second.send_signal(signal.SIGUSR1)
            await _until(pool, ids, "status = 'completed'", FILES)
    finally:
        first.kill()
        first.wait()
        second.terminate()
        await asyncio.to_thread(second.wait, 30)
    items = Counter([row["item"] for paper in papers for row in await office.shown(paper)])
    assert items == {f"{which} {n}": 1 for which in ("first", "last") for n in range(FILES)}
    for job in started:
        ended = await office.job(job.id)
        assert (ended.status, ended.rows) == (JobStatus.COMPLETED, 2)
    told = await pool.fetch(
        "SELECT subject_id FROM organization_change WHERE kind = 'document_extracted'"
        " AND organization_id = $1",
        viewer.organization_id,
    )
    assert Counter(each["subject_id"] for each in told) == dict.fromkeys(papers, 1)
    await office.check_logs()
