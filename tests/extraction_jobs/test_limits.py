"""What jobs and reviews do not do without end, and what they do not do twice."""

from dataclasses import replace
from uuid import UUID

import pytest

from domain import column_editing, extraction_examples, extraction_jobs, reviews
from domain.errors import Conflict
from domain.extraction_ports import ExtractionWork
from domain.extraction_records import (
    ExtractionJob,
    JobStatus,
    Segment,
    SegmentFound,
    TableCorrections,
)
from domain.extraction_rules import MAX_EXAMPLE_VALUE
from processing.extraction_jobs import MOST_ROWS
from tests.extraction_jobs.office import Office
from tests.extraction_jobs.papers import Reader

_LONG = "too faint, " * 200
FAINT = "line: item=a\f?line: item=b"


class _Cut(Reader):
    """A reader whose database goes away whenever it reads a page."""

    async def extract(self, work: ExtractionWork, segment: Segment) -> SegmentFound:
        raise ConnectionResetError("the connection was lost")


class _Knowing(Reader):
    """A reader that keeps what it is told of earlier parts."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[list[list[str]]] = []

    async def extract(self, work: ExtractionWork, segment: Segment) -> SegmentFound:
        parts = (work.earlier[number] for number in sorted(work.earlier))
        self.told.append([sorted(" ".join(each.values()) for each in rows) for rows in parts])
        return await super().extract(work, segment)


class _Talkative(Reader):
    """A reader that says at length what it cannot read."""

    async def extract(self, work: ExtractionWork, segment: Segment) -> SegmentFound:
        return replace(await super().extract(work, segment), missing=_LONG)


async def test_a_job_older_than_another_reading_is_not_run_again(office: Office) -> None:
    file_id = await office.file(FAINT)
    old = await office.read(file_id)
    new = await office.read(file_id)
    assert (old.status, new.status) == (JobStatus.PARTIAL, JobStatus.PARTIAL)
    with pytest.raises(Conflict, match="read anew since"):
        await _rerun(office, old)
    # One that reads missing parts only stands in no way.
    again = await office.work(await _rerun(office, new))
    assert (again.status, again.rerun_of) == (JobStatus.FAILED, new.id)
    office.reader.glasses = True
    assert (await office.work(await _rerun(office, new))).status is JobStatus.COMPLETED
    assert [row["item"] for row in await office.shown(file_id)] == ["a", "b"]


async def test_who_goes_on_is_told_what_earlier_parts_gave(office: Office) -> None:
    office.reader = reader = _Knowing()
    file_id = await office.file("invoice: number=A\ninvoice: number=B\f?invoice: number=C")
    await office.read(file_id)
    reader.told.clear()
    job = await office.read(file_id)
    assert reader.told == [[], []]  # a file that is read anew is new
    reader.glasses = True
    await office.work(await _rerun(office, job))
    assert reader.told[2:] == [[["A", "B"]]]


async def test_a_part_that_never_gets_stored_ends_the_job(office: Office) -> None:
    office.reader = _Cut()
    job = await office.start(await office.file())
    for _ in range(2):
        with pytest.raises(ConnectionResetError):
            await office.work(job)
    assert (await office.job(job.id)).attempt == 0
    await office.world.database.pool.execute(
        "UPDATE extraction_job SET updated_at = updated_at - INTERVAL '31 minutes' WHERE id = $1",
        job.id,
    )
    ended = await office.work(job)
    assert (ended.status, ended.rows) == (JobStatus.FAILED, 0)
    assert "out of reach" in (ended.error or "")


async def test_a_part_of_too_many_rows_is_missing(office: Office) -> None:
    file_id = await office.file("line: item=a\f" + "line: item=b\n" * (MOST_ROWS + 1))
    job = await office.read(file_id)
    assert (job.status, job.rows) == (JobStatus.PARTIAL, 1)
    assert job.error == "page 2: it has 50,001 rows; more than 50,000 are for imports"


async def test_a_text_that_is_too_long_for_an_index_costs_its_part_only(office: Office) -> None:
    viewer, storage = office.world.viewer, office.world.storage
    item = await office.world.column(office.lines, "item")
    await column_editing.create_index(viewer, storage, office.lines, item.id)
    long = "".join(chr(0x4E00 + n * 7 % 20_000) for n in range(9_000))
    file_id = await office.file(f"line: item=a\fline: item={long}\fline: item=c")
    job = await office.read(file_id)
    assert (job.status, job.rows) == (JobStatus.PARTIAL, 2)
    assert "its column has an index" in (job.error or "")
    assert [row["item"] for row in await office.shown(file_id)] == ["a", "c"]


async def test_of_many_missing_parts_the_first_ones_are_told(office: Office) -> None:
    office.reader = _Talkative()
    job = await office.read(await office.file("\f".join(["?line: item=a"] * 7)))
    assert (job.status, len(job.missing)) == (JobStatus.FAILED, 7)
    assert job.error == "; ".join(f"page {n}: {_LONG}" for n in range(1, 5)) + "; and 3 more"
    [told] = await office.told("document_extracted", job.file_id)
    assert told["errorMessage"] == job.error


async def test_very_long_values_teach_nothing(office: Office) -> None:
    viewer, storage = office.world.viewer, office.world.storage
    file_id = await office.file("line: item=nail; amount=3\nline: item=screw; amount=4")
    await office.read(file_id)
    _, lines = await office.tables(file_id)
    nail, screw = (row.review.row_id for row in lines.rows)
    given: dict[UUID, object] = {
        nail: {"item": "x" * MAX_EXAMPLE_VALUE},
        screw: {"item": "y" * (MAX_EXAMPLE_VALUE + 1)},
    }
    corrections = {office.lines: TableCorrections(updated=given)}
    await reviews.submit(viewer, storage, file_id, corrections)
    found = await extraction_examples.list_examples(viewer, storage, office.schema.id, 10)
    assert [(each.before, len(each.after or "")) for each in found] == [("nail", MAX_EXAMPLE_VALUE)]


async def _rerun(office: Office, job: ExtractionJob) -> ExtractionJob:
    return await extraction_jobs.rerun(office.world.viewer, office.world.storage, job.id)
