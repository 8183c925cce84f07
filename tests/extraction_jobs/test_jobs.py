"""Jobs: what they write, each part once, and how they end."""

import asyncio
from uuid import UUID

import pytest

from domain import column_editing, extraction, extraction_jobs, rows
from domain.columns import ColumnType, NewColumn
from domain.errors import Conflict, NotFound
from domain.extraction_commands import SchemaUpdate
from domain.extraction_job_records import JobSearch
from domain.extraction_records import (
    AlreadyRunning,
    ExtractionJob,
    JobStatus,
    ReviewStatus,
    SchemaStatus,
)
from domain.paging import page_request
from domain.reviews import accept_all
from domain.selection import RowsQuery
from persistence.jobs import TryAgain
from processing.extraction_jobs import ATTEMPTS
from tests.extraction_jobs.office import Office, shown

LINES = [
    {"item": "nail", "amount": 3},
    {"item": "screw", "amount": 4},
    {"item": "bolt", "amount": 5},
    {"item": "nut", "amount": 6},
]


async def test_a_job_writes_rows_with_their_origin(office: Office) -> None:
    file_id = await office.file()
    job = await office.read(file_id)
    assert (job.status, job.rows, job.pages, job.engine) == (JobStatus.COMPLETED, 5, 2, "lines")
    assert [(part.produced, part.expected) for part in job.segments] == [(3, 3), (2, 2)]
    assert (job.input_tokens, job.output_tokens) == (6, 4)
    invoices, lines = await office.tables(file_id)
    assert shown(invoices) == [{"number": "A-1", "total": 12.5}]
    assert shown(lines) == LINES
    assert [row.review.index for row in lines.rows] == [0, 1, 2, 3]
    # Those of the second page belong to the invoice of the first.
    assert {row.review.parent_row_id for row in lines.rows} == {invoices.rows[0].review.row_id}
    assert {row.review.status for row in lines.rows} == {ReviewStatus.PENDING}
    total = invoices.columns[1].number
    assert invoices.rows[0].cells[total].raw == "12.50"
    [told] = await office.told("document_extracted", file_id)
    assert told == {
        "schemaId": str(office.schema.id),
        "jobId": str(job.id),
        "status": "completed",
        "errorMessage": None,
        "rows": 5,
    }
    await office.check_logs()


async def test_a_cell_says_where_it_was_read(office: Office) -> None:
    file_id = await office.file("invoice: number=A-2; total=much")
    await office.read(file_id)
    invoices, _ = await office.tables(file_id)
    number, total = (column.number for column in invoices.columns)
    [row] = invoices.rows
    good, bad = row.record.states[number], row.record.states[total]
    assert (good.status, good.confidence, good.raw) == ("resolved", 0.9, "A-2")
    assert good.producer is not None
    assert good.producer["kind"] == "rules"
    assert good.citations == [
        {"fileId": str(file_id), "page": 1, "box": [10, 20, 30, 40], "text": "A-2"}
    ]
    # The text stays where the column cannot hold it.
    assert (bad.status, bad.raw, row.cells[total].value) == ("error", "much", None)
    assert bad.error


async def test_a_cell_for_which_there_is_nothing_is_resolved_too(office: Office) -> None:
    file_id = await office.file("invoice: number=A-3")
    await office.read(file_id)
    invoices, _ = await office.tables(file_id)
    number, total = (column.number for column in invoices.columns)
    [row] = invoices.rows
    assert {row.record.states[each].status for each in (number, total)} == {"resolved"}
    assert (row.cells[total].value, row.cells[total].raw) == (None, None)


async def test_each_table_takes_one_revision_for_a_part(office: Office) -> None:
    before = {each: await _revision(office, each) for each in (office.invoices, office.lines)}
    job = await office.read(await office.file())
    assert await _revision(office, office.invoices) == before[office.invoices] + 1
    assert await _revision(office, office.lines) == before[office.lines] + 2
    entry = (await office.world.storage.log.table_entries(office.lines, 0, 100))[-1]
    assert entry.change.cause == {"kind": "extraction", "id": str(job.id)}
    assert [row.action for row in entry.rows or ()] == ["create", "create"]
    steps = await office.world.storage.log.extraction_entries(job.id, 0, 100)
    assert [step.revision for step in steps] == list(range(1, job.revision + 1))
    assert [step.segment for step in steps if step.segment is not None] == [0, 1]
    assert steps[-1].status is JobStatus.COMPLETED
    kinds = {kind for kind, id_, _ in office.world.woken if id_ in (job.id, office.lines)}
    assert kinds == {"extraction", "table"}


async def test_a_job_that_runs_again_stores_no_part_twice(office: Office) -> None:
    file_id = await office.file()
    job = await office.start(file_id)
    office.reader.gates[2] = asyncio.Event()
    first = asyncio.create_task(office.work(job))
    await office.reader.arrived.wait()
    # The worker dies while it reads the second page.
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    assert (await office.job(job.id)).status is JobStatus.RUNNING
    office.reader.gates[2].set()
    done = await office.work(job)
    assert (done.status, done.rows) == (JobStatus.COMPLETED, 5)
    assert office.reader.pages == {("paper.txt", 1): 1, ("paper.txt", 2): 2}
    assert await office.shown(file_id) == LINES
    await office.check_logs()


async def test_a_job_that_runs_twice_at_once_stores_each_part_once(office: Office) -> None:
    file_id = await office.file()
    job = await office.start(file_id)
    ended = await asyncio.gather(*(office.work(job) for _ in range(3)))
    assert {each.rows for each in ended} == {5}
    assert await office.shown(file_id) == LINES
    assert len(await office.told("document_extracted", file_id)) == 1
    await office.check_logs()


async def test_a_file_has_one_job_at_a_time(office: Office) -> None:
    viewer, storage = office.world.viewer, office.world.storage
    file_id, other = await office.file(), await office.file(name="other.txt")
    job = await office.start(file_id)
    with pytest.raises(AlreadyRunning) as caught:
        await office.start(file_id)
    assert caught.value.existing.id == job.id
    both = await extraction_jobs.start(viewer, storage, office.schema.id, [other, file_id])
    assert [each.file_id for each in both] == [other, file_id]
    assert both[1].id == job.id
    latest = await extraction_jobs.latest_job(viewer, storage, file_id)
    assert latest is not None
    assert latest.id == job.id
    with pytest.raises(Conflict, match="job"):
        await storage.files.delete(viewer.organization_id, file_id)


async def test_many_starts_at_once_make_one_job_each(office: Office) -> None:
    viewer, storage = office.world.viewer, office.world.storage
    wanted = [await office.file(f"line: item={n}; amount=1", f"{n}.txt") for n in range(5)]
    orders = (wanted, wanted[::-1], wanted[2:] + wanted[:2])
    found = await asyncio.gather(
        *(extraction_jobs.start(viewer, storage, office.schema.id, order) for order in orders)
    )
    by_file = [{job.file_id: job.id for job in jobs} for jobs in found]
    assert by_file[0] == by_file[1] == by_file[2]
    assert [job.file_id for job in found[1]] == orders[1]
    queued = await office.world.database.pool.fetchval(
        "SELECT count(*) FROM pgqueuer WHERE entrypoint = 'extract' AND payload = ANY($1)",
        [f'{{"jobId":"{job.id}"}}'.encode() for job in found[0]],
    )
    assert queued == 5


async def test_what_cannot_be_read_is_refused(office: Office) -> None:
    viewer, storage = office.world.viewer, office.world.storage
    file_id = await office.file()
    with pytest.raises(NotFound, match="File not found"):
        await extraction_jobs.start(viewer, storage, office.schema.id, [file_id, UUID(int=1)])
    with pytest.raises(NotFound, match="Extraction schema not found"):
        await extraction_jobs.start(viewer, storage, UUID(int=1), [file_id])
    assert await extraction_jobs.latest_job(viewer, storage, file_id) is None
    paused = SchemaUpdate(status=SchemaStatus.PAUSED)
    await extraction.update_schema(viewer, storage, office.schema.id, paused)
    with pytest.raises(Conflict, match="paused"):
        await office.start(file_id)


async def test_a_missing_part_makes_a_job_partial_and_is_read_again_alone(office: Office) -> None:
    file_id = await office.file("invoice: number=A\f?line: item=faint; amount=1\fline: item=last")
    job = await office.read(file_id)
    assert (job.status, job.rows) == (JobStatus.PARTIAL, 2)
    assert job.error == "page 2: 1 lines are too faint"
    assert [part.name for part in job.missing] == ["page 2"]
    [told] = await office.told("document_extracted", file_id)
    assert (told["status"], told["errorMessage"]) == ("partial", job.error)
    office.reader.glasses = True
    again = await _rerun(office, job)
    assert again.rerun_of == job.id
    done = await office.work(again)
    assert (done.status, done.rows) == (JobStatus.COMPLETED, 1)
    assert office.reader.pages == {("paper.txt", n): 2 if n == 2 else 1 for n in (1, 2, 3)}
    # The rows stand where their page does.
    invoices, lines = await office.tables(file_id)
    assert [row["item"] for row in shown(lines)] == ["faint", "last"]
    assert [row.review.index for row in lines.rows] == [0, 1]
    assert {row.review.parent_row_id for row in lines.rows} == {invoices.rows[0].review.row_id}
    with pytest.raises(Conflict, match="Nothing is missing"):
        await _rerun(office, done)


async def test_a_part_that_is_read_again_keeps_its_children(office: Office) -> None:
    file_id = await office.file("invoice: number=A\n?line: item=faint\fline: item=last")
    job = await office.read(file_id)
    assert job.rows == 2
    office.reader.glasses = True
    await office.work(await _rerun(office, job))
    invoices, lines = await office.tables(file_id)
    assert shown(invoices) == [{"number": "A", "total": None}]
    assert [row["item"] for row in shown(lines)] == ["faint", "last"]
    assert {row.review.parent_row_id for row in lines.rows} == {invoices.rows[0].review.row_id}
    await office.check_logs()


async def test_rows_whose_parent_was_missing_find_it(office: Office) -> None:
    file_id = await office.file("?invoice: number=A\fline: item=a\fline: item=b")
    job = await office.read(file_id)
    _, lines = await office.tables(file_id)
    assert {row.review.parent_row_id for row in lines.rows} == {None}
    office.reader.glasses = True
    await office.work(await _rerun(office, job))
    invoices, lines = await office.tables(file_id)
    assert {row.review.parent_row_id for row in lines.rows} == {invoices.rows[0].review.row_id}


async def test_a_count_that_is_not_reached_is_told_whoever_read(office: Office) -> None:
    office.reader.busy = False  # it passes over `wait`, and its page promised two rows
    job = await office.read(await office.file("line: item=a\nwait"))
    assert job.status is JobStatus.PARTIAL
    assert job.error == "page 1: 1 of 2 rows were read"


async def test_a_reader_that_breaks_loses_its_part_only(office: Office) -> None:
    file_id = await office.file("line: item=a\fcrash\fline: item=c")
    job = await office.read(file_id)
    assert job.status is JobStatus.PARTIAL
    assert [part.number for part in job.missing] == [1]
    assert [row["item"] for row in await office.shown(file_id)] == ["a", "c"]


async def test_a_file_that_cannot_be_opened_fails(office: Office) -> None:
    file_id = await office.file("broken")
    job = await office.read(file_id)
    assert (job.status, job.error, job.rows) == (JobStatus.FAILED, "The file is damaged", 0)
    [told] = await office.told("document_extracted", file_id)
    assert (told["status"], told["errorMessage"]) == ("failed", "The file is damaged")
    # It can be tried again.
    assert (await office.start(file_id)).status is JobStatus.QUEUED


async def test_a_new_job_replaces_what_nobody_has_accepted(office: Office) -> None:
    viewer, storage = office.world.viewer, office.world.storage
    file_id = await office.file()
    await office.read(file_id)
    again = await office.read(file_id)
    assert again.rows == 5
    assert await office.shown(file_id) == LINES
    _, lines = await office.tables(file_id)
    assert {row.review.job_id for row in lines.rows} == {again.id}
    await accept_all(viewer, storage, file_id)
    await office.read(file_id)
    _, lines = await office.tables(file_id)
    assert [row.review.status for row in lines.rows] == [
        *[ReviewStatus.ACCEPTED] * 4,
        *[ReviewStatus.PENDING] * 4,
    ]
    assert [row.review.index for row in lines.rows] == list(range(8))
    await office.check_logs()


async def test_a_job_is_cancelled_between_two_parts(office: Office) -> None:
    viewer, storage = office.world.viewer, office.world.storage
    file_id = await office.file()
    job = await office.start(file_id)
    office.reader.gates[2] = asyncio.Event()
    working = asyncio.create_task(office.work(job))
    await office.reader.arrived.wait()
    cancelled = await extraction_jobs.cancel(viewer, storage, job.id)
    assert cancelled.status is JobStatus.CANCELLED
    office.reader.gates[2].set()
    assert (await working).status is JobStatus.CANCELLED
    assert await office.shown(file_id) == LINES[:2]
    assert (await extraction_jobs.cancel(viewer, storage, job.id)).revision == cancelled.revision
    page = await extraction_jobs.list_jobs(
        viewer, storage, JobSearch(file_id=file_id, statuses=[JobStatus.CANCELLED])
    )
    assert [each.id for each in page.jobs] == [job.id]


async def test_a_model_that_wants_to_be_left_alone_is_asked_later(office: Office) -> None:
    file_id = await office.file("line: item=a\fline: item=b\nwait")
    job = await office.start(file_id)
    for _ in range(8):  # more often than a job may end its worker
        with pytest.raises(TryAgain):
            await office.work(job)
    waiting = await office.job(job.id)
    assert (waiting.status, waiting.rows, waiting.attempt) == (JobStatus.RUNNING, 1, 0)
    office.reader.busy = False
    assert (await office.work(job)).rows == 2


async def test_nobody_waits_for_ever(office: Office) -> None:
    file_id = await office.file("line: item=a\fline: item=b\nwait")
    job = await office.start(file_id)
    with pytest.raises(TryAgain):
        await office.work(job)
    await office.world.database.pool.execute(
        "UPDATE extraction_job SET updated_at = updated_at - INTERVAL '31 minutes' WHERE id = $1",
        job.id,
    )
    done = await office.work(job)
    assert (done.status, done.rows) == (JobStatus.PARTIAL, 1)
    assert done.error == "page 2: Too many requests"


async def test_a_file_that_ends_its_workers_is_given_up(office: Office) -> None:
    job = await office.start(await office.file())
    for _ in range(ATTEMPTS):
        assert await office.world.storage.extraction_jobs.begin(job.id)
    done = await office.work(job)
    assert done.status is JobStatus.FAILED
    assert "ended unexpectedly" in (done.error or "")


async def test_a_worker_that_stops_gives_the_job_back(office: Office) -> None:
    job = await office.start(await office.file())
    office.stopping.set()
    with pytest.raises(TryAgain):
        await office.work(job)
    office.stopping.clear()
    assert (await office.work(job)).status is JobStatus.COMPLETED


async def test_columns_may_change_while_a_file_is_read(office: Office) -> None:
    viewer, storage = office.world.viewer, office.world.storage
    file_id = await office.file()
    job = await office.start(file_id)
    office.reader.gates[1] = asyncio.Event()
    working = asyncio.create_task(office.work(job))
    await office.reader.arrived.wait()
    note = NewColumn("note", "Note", ColumnType.TEXT, default_value="new")
    await column_editing.add_column(viewer, storage, office.lines, note)
    amount = (await office.world.shape(office.lines)).columns_by_key["amount"]
    await column_editing.delete_column(viewer, storage, office.lines, amount.id)
    office.reader.gates[1].set()
    done = await working
    assert done.status is JobStatus.COMPLETED
    assert await office.shown(file_id) == [{"item": row["item"], "note": "new"} for row in LINES]


async def test_extracted_rows_are_ordinary_rows(office: Office) -> None:
    viewer, storage = office.world.viewer, office.world.storage
    file_id = await office.file()
    job = await office.read(file_id)
    page = await rows.read_rows(viewer, storage, office.lines, _first_rows)
    assert page.row_count == 4
    entry = (await storage.log.table_entries(office.invoices, 0, 100))[-1]
    assert entry.change.actor == job.created_by
    _, lines = await office.tables(file_id)
    await rows.delete_rows(viewer, storage, office.lines, [lines.rows[0].review.row_id])
    assert await office.shown(file_id) == LINES[1:]


async def test_a_long_file_is_told_in_revisions_that_can_be_followed(office: Office) -> None:
    text = "\n".join(f"line: item=n{n}; amount={n}" for n in range(1_500))
    file_id = await office.file(text)
    before = await _revision(office, office.lines)
    job = await office.read(file_id)
    assert job.rows == 1_500
    assert await _revision(office, office.lines) == before + 2
    _, lines = await office.tables(file_id)
    assert [row.review.index for row in lines.rows] == list(range(1_500))
    await office.read(file_id)
    assert (await office.tables(file_id))[1].rows[0].review.job_id != job.id
    await office.check_logs()


def _first_rows(_: object) -> RowsQuery:
    return RowsQuery(selection=None, page=page_request(maximum=10))


async def _rerun(office: Office, job: ExtractionJob) -> ExtractionJob:
    return await extraction_jobs.rerun(office.world.viewer, office.world.storage, job.id)


async def _revision(office: Office, table_id: UUID) -> int:
    found: int = await office.world.database.pool.fetchval(
        "SELECT revision FROM table_clock WHERE table_id = $1", table_id
    )
    return found
