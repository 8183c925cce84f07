"""A worker that is killed while it reads: every row is there once."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from uuid import UUID

from domain import extraction_jobs
from domain.extraction_records import JobStatus
from persistence.engine import Pool
from processing.extraction_jobs import SLOTS
from tests.extraction_jobs.office import Office
from tests.extraction_jobs.reading_worker import ReadingProcess

FILES = 15


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
    papers = [
        await office.file(f"line: item=first {n}; amount={n}\fline: item=last {n}; amount={n}", "p")
        for n in range(FILES)
    ]
    started = await extraction_jobs.start(viewer, office.world.storage, office.schema.id, papers)
    ids = [job.id for job in started]
    workers = [ReadingProcess(postgres_url, tmp_path) for _ in range(2)]
    try:
        async with asyncio.timeout(90):
            # Both have all hands full: first pages are stored, no second one is.
            await _until(pool, ids, "rows = 1", 2 * SLOTS)
            workers[0].kill()
            workers[1].go_on()
            await _until(pool, ids, "status = 'completed'", FILES)
    finally:
        workers[0].kill()
        assert await asyncio.to_thread(workers[1].stop) == 0
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
