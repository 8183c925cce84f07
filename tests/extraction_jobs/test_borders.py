"""What lies around jobs: keys with a scope, tables that are deleted, bytes that are odd."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from domain import extraction_jobs, files, reviews, tables
from domain.access import Role, Scope, Viewer
from domain.errors import Conflict, NotFound
from domain.extraction_job_records import JobSearch, TableReview
from domain.extraction_records import JobStatus, TableCorrections
from domain.files import FileUpload
from persistence import deleted_tables
from persistence.storage import PostgresStorage
from tests.extraction_jobs.office import PAPER, Office


def _scoped(office: Office, *table_ids: UUID) -> tuple[Viewer, PostgresStorage]:
    scope = Scope(frozenset(), frozenset(table_ids))
    viewer = Viewer(office.world.viewer.organization_id, Role.EDITOR, uuid4(), scope=scope)
    return viewer, office.world.storage.seen_by(viewer)


async def test_a_key_with_a_scope_reads_its_files_into_its_tables(office: Office) -> None:
    viewer, storage = _scoped(office, office.invoices, office.lines)
    upload = FileUpload("mine.txt", _chunks(PAPER))
    mine = (await files.upload_file(viewer, storage, upload)).id
    [job] = await extraction_jobs.start(viewer, storage, office.schema.id, [mine])
    assert (await office.work(job)).status is JobStatus.COMPLETED
    found = await reviews.extracted_rows(viewer, storage, mine)
    assert [len(table.rows) for table in found] == [1, 4]
    assert (await reviews.accept_all(viewer, storage, mine)).rows_accepted == 5
    page = await extraction_jobs.list_jobs(viewer, storage, JobSearch())
    assert [each.id for each in page.jobs] == [job.id]
    # Files of others are none of its own.
    with pytest.raises(NotFound):
        await extraction_jobs.start(viewer, storage, office.schema.id, [await office.file()])


async def test_a_key_with_a_smaller_scope_sees_no_job(office: Office) -> None:
    viewer, storage = _scoped(office, office.lines)
    mine = (await files.upload_file(viewer, storage, FileUpload("m.txt", _chunks(PAPER)))).id
    job = await office.read(mine)
    with pytest.raises(NotFound):
        await extraction_jobs.job(viewer, storage, job.id)
    assert (await extraction_jobs.list_jobs(viewer, storage, JobSearch())).jobs == []
    assert await extraction_jobs.latest_job(viewer, storage, mine) is None
    # And says nothing about a file of which it sees a part.
    with pytest.raises(Conflict, match="No processed data"):
        await reviews.accept_all(viewer, storage, mine)
    assert await office.told("document_reviewed", mine) == []


async def test_what_a_reviewer_does_not_see_is_pending(office: Office) -> None:
    world = office.world
    file_id = await office.file()
    await office.read(file_id)
    shapes = [await world.shape(office.lines)]
    done = await world.storage.extracted_rows.review(
        world.viewer.organization_id,
        "x",
        file_id,
        shapes,
        {office.lines: TableReview()},
    )
    assert (done.rows_accepted, done.pending) == (4, 1)
    assert await office.told("document_reviewed", file_id) == []


async def test_a_table_may_go_while_a_file_is_read(office: Office) -> None:
    viewer, storage = office.world.viewer, office.world.storage
    file_id = await office.file()
    job = await office.start(file_id)
    office.reader.gates[2] = asyncio.Event()
    working = asyncio.create_task(office.work(job))
    await office.reader.arrived.wait()
    await tables.delete_table(viewer, storage, office.lines)
    office.reader.gates[2].set()
    done = await working
    assert (done.status, done.rows) == (JobStatus.PARTIAL, 3)
    assert done.error == "page 2: tables that were deleted: line"
    # What is left can be accepted.
    assert (await reviews.accept_all(viewer, storage, file_id)).pending == 0
    with pytest.raises(NotFound, match="Table not found"):
        await reviews.submit(viewer, storage, file_id, {office.lines: TableCorrections()})
    while await deleted_tables.drop_next(office.world.database, timedelta(0)):
        pass
    left = "SELECT count(*) FROM extracted_row WHERE table_id = $1"
    assert await office.world.database.pool.fetchval(left, office.lines) == 0


async def test_what_cannot_be_stored_is_told_in_its_cell(office: Office) -> None:
    file_id = await office.file("line: item=a\0b; amount=1")
    assert (await office.read(file_id)).status is JobStatus.COMPLETED
    _, lines = await office.tables(file_id)
    item, amount = (column.number for column in lines.columns)
    [row] = lines.rows
    assert (row.cells[item].value, row.cells[amount].value) == (None, 1)
    state = row.record.states[item]
    assert (state.status, state.raw) == ("error", "ab")
    assert state.error == "text cannot contain the character U+0000"


async def test_a_document_without_anything_is_read_to_its_end(office: Office) -> None:
    file_id = await office.file(" ")
    job = await office.read(file_id)
    assert (job.status, job.rows) == (JobStatus.COMPLETED, 0)
    assert await office.shown(file_id) == []
    await reviews.accept_all(office.world.viewer, office.world.storage, file_id)
    [told] = await office.told("document_reviewed", file_id)
    assert (told["accepted"], told["total"]) == (0, 0)


async def _chunks(text: str) -> AsyncIterator[bytes]:
    yield text.encode()
