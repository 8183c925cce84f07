"""A folder in which most files are made to hurt: each of their jobs ends with a sentence, and the
worker goes on to the good ones."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from uuid import UUID

from domain import extraction_jobs, files
from domain.addresses import Allowed
from domain.extraction_records import JobStatus
from domain.files import FileUpload
from processing.engines import open_engines
from processing.extraction_jobs import read_files
from processing.outbound import Outbound
from tests.documents import hostile_files, hostile_pdfs, papers
from tests.documents.hostile_pdfs import Case
from tests.extraction_jobs.office import Office, shown

_CUT_OFF = "The PDF is damaged or was cut off"
_NO_TEXT = "No text was found in the document"
#: Who makes such files, which of them, and what is said about it.
BAD: list[tuple[Callable[[], Iterator[Case]], str, str]] = [
    (hostile_pdfs.broken, "only a header", _CUT_OFF),
    (hostile_pdfs.broken, "table cut off", _CUT_OFF),
    (hostile_pdfs.locked, "locked", "The PDF is protected with a password"),
    (
        hostile_pdfs.loops,
        "two nodes in each other",
        f"{_NO_TEXT}: This page of the PDF is damaged",
    ),
    (
        hostile_pdfs.sizes,
        "100,000 pages",
        "The file has more than 1,000 pages, which is the limit",
    ),
    (hostile_pdfs.bombs, "a page of 50 MB of spaces", _NO_TEXT),
    (
        hostile_files.pictures,
        "PNG of 50,000 by 50,000",
        "The picture has 50,000 by 50,000 pixels; at most 64 million are read",
    ),
    (
        hostile_files.webs,
        "100,000 cells in a row",
        "A table of the page has more than 500 columns",
    ),
    (
        hostile_files.workbooks,
        "two cells far apart",
        "The file makes its reader use too much memory or fail, and cannot be read",
    ),
    (
        hostile_files.mislabelled,
        "a header of XLS",
        "The workbook is damaged, or of a kind that cannot be read",
    ),
    (
        hostile_files.mislabelled,
        "a program",
        "Files of the type application/octet-stream cannot be read; PDF, PNG, JPEG, TIFF, XLSX,"
        " XLS, ODS, CSV, text, HTML and e-mail can",
    ),
]


async def test_bad_files_keep_no_good_one_from_being_read(
    office: Office, postgres_url: str
) -> None:
    viewer, storage = office.world.viewer, office.world.storage
    bad = [await _file(office, f"{name}.pdf", _content(group, name)) for group, name, _ in BAD]
    good = [
        await _file(office, "good.pdf", papers.plain_invoice()),
        await _file(office, "turned.pdf", papers.turned_invoice(90)),
    ]
    wanted = [*bad[:4], good[0], *bad[4:8], good[1], *bad[8:]]
    started = await extraction_jobs.start(viewer, storage, office.schema.id, wanted)
    async with asyncio.timeout(120), open_engines(storage, Outbound(Allowed.parse(None))) as means:
        working = asyncio.create_task(
            read_files(postgres_url, storage, means.extractor, means.documents, office.stopping)
        )
        ids = [job.id for job in started]
        while await _left(office, ids):
            assert not working.done()
        office.stopping.set()
        await working
    ended = {job.file_id: await office.job(job.id) for job in started}
    told = [(ended[file_id].status, ended[file_id].error) for file_id in bad]
    assert told == [(JobStatus.FAILED, sentence) for _, _, sentence in BAD]
    for file_id in bad:
        assert [table.rows for table in await office.tables(file_id)] == [[], []]
    for file_id in good:
        assert (ended[file_id].status, ended[file_id].error) == (JobStatus.COMPLETED, None)
        invoices, _ = await office.tables(file_id)
        assert shown(invoices) == [{"number": "INV-2026-0117", "total": 121.74}]
        assert await office.shown(file_id) == [
            {"item": row[0], "amount": float(row[3])} for row in papers.ITEMS[1:]
        ]
    await office.check_logs()


async def _file(office: Office, name: str, content: bytes) -> UUID:
    async def chunks() -> AsyncIterator[bytes]:
        yield content

    upload = FileUpload(name, chunks())
    return (await files.upload_file(office.world.viewer, office.world.storage, upload)).id


def _content(group: Callable[[], Iterator[Case]], wanted: str) -> bytes:
    """Files are large; none behind the wanted one is made."""
    return next(content for name, content in group() if name == wanted)


async def _left(office: Office, ids: Sequence[UUID]) -> int:
    """How many of the jobs have not ended. The database waits before it looks, so that others have
    the processor."""
    left: int = await office.world.database.pool.fetchval(
        "SELECT count(*) FROM (SELECT pg_sleep(0.05)) s"
        " JOIN extraction_job j ON j.id = ANY($1) AND j.finished_at IS NULL",
        ids,
    )
    return left
