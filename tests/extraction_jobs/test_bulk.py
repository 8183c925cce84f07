"""A hundred documents for two real workers, one of which is killed: all are read, each once."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID

import pytest

from domain import extraction, extraction_jobs, files
from domain.extraction_commands import SchemaCreate, TableDraft
from domain.extraction_records import ExtractionSchema, Repeats
from domain.files import FileUpload
from persistence.blobs import Blobs
from persistence.storage import PostgresStorage
from server.settings import Settings
from tests.documents.papers import plain_invoice
from tests.limai.calls import HEAD, ITEMS
from tests.worker_processes import WorkerProcess
from tests.worlds import World, open_world

DOCUMENTS = 100
LINES = 4

_ENDED = """
SELECT count(*) FROM (SELECT pg_sleep(0.2)) s
JOIN extraction_job j ON j.id = ANY($1) AND j.status NOT IN ('queued', 'running')
"""
_ROWS = """
SELECT x.table_id, min(x.rows) AS least, max(x.rows) AS most, count(*) AS files FROM (
  SELECT table_id, file_id, count(*) AS rows FROM extracted_row
  WHERE organization_id = $1 GROUP BY table_id, file_id) x
GROUP BY x.table_id
"""
_TOLD = """
SELECT count(*) AS entries, count(DISTINCT subject_id) AS files FROM organization_change
WHERE organization_id = $1 AND kind = 'document_extracted'
"""


@pytest.mark.long
async def test_all_documents_are_read_once_though_a_worker_is_killed(
    postgres_url: str, redis_url: str, tmp_path: Path
) -> None:
    settings = Settings(database_url=postgres_url, redis_url=redis_url, data=tmp_path, demo=False)
    async with open_world(postgres_url) as world:
        blobs = Blobs.open(settings.blob_place)
        world.storage = PostgresStorage(world.database, lambda *_: None, blobs)
        schema = await _schema(world)
        uploaded = [await _upload(world, number) for number in range(DOCUMENTS)]
        jobs = await extraction_jobs.start(world.viewer, world.storage, schema.id, uploaded)
        ids = [job.id for job in jobs]
        workers = [WorkerProcess(postgres_url, redis_url, tmp_path) for _ in range(2)]
        try:
            async with asyncio.timeout(300):
                await _until(world, ids, DOCUMENTS // 3)
                workers[0].kill()
                await _until(world, ids, DOCUMENTS)
        finally:
            workers[0].kill()
            await asyncio.to_thread(workers[1].stop)
        await _check(world, schema, ids)


async def _schema(world: World) -> ExtractionSchema:
    drafts = [
        TableDraft(name="Invoices", repeats=Repeats.ONE, fields=HEAD),
        TableDraft(name="Items", repeats=Repeats.MANY, fields=ITEMS),
    ]
    command = SchemaCreate("Invoices", drafts, provider="rules")
    return await extraction.create_schema(world.viewer, world.storage, command)


async def _upload(world: World, number: int) -> UUID:
    """The same invoice with other bytes, so that each is read for itself."""

    async def chunks() -> AsyncIterator[bytes]:
        yield plain_invoice() + b"\n%% %d" % number

    upload = FileUpload(f"{number}.pdf", chunks())
    return (await files.upload_file(world.viewer, world.storage, upload)).id


async def _until(world: World, ids: list[UUID], count: int) -> None:
    """Wait until so many jobs have ended. The database waits."""
    while await world.database.pool.fetchval(_ENDED, ids) < count:
        pass


async def _check(world: World, schema: ExtractionSchema, ids: list[UUID]) -> None:
    pool, organization_id = world.database.pool, world.viewer.organization_id
    found = await pool.fetch("SELECT status FROM extraction_job WHERE id = ANY($1)", ids)
    assert [each["status"] for each in found] == ["completed"] * DOCUMENTS
    heads, items = (table.table_id for table in schema.tables)
    rows = {each["table_id"]: each for each in await pool.fetch(_ROWS, organization_id)}
    for table_id, expected in ((heads, 1), (items, LINES)):
        counted = rows[table_id]
        assert (counted["least"], counted["most"]) == (expected, expected)
        assert counted["files"] == DOCUMENTS
        shape = await world.shape(table_id)
        stored = await pool.fetchval(f"SELECT count(*) FROM {shape.sql_name}")
        assert stored == expected * DOCUMENTS
    told = await pool.fetchrow(_TOLD, organization_id)
    assert told is not None
    assert (told["entries"], told["files"]) == (DOCUMENTS, DOCUMENTS)
