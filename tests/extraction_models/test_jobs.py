"""Jobs whose model misbehaves: none is completed with rows missing, and what is missing can be
read again."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import pytest

from domain import extraction, extraction_jobs, files, reviews
from domain.columns import ColumnType
from domain.documents import Document
from domain.entities import File
from domain.extraction_commands import FieldDraft, SchemaCreate, TableDraft
from domain.extraction_records import ExtractionJob, JobStatus, Repeats
from domain.files import FileUpload
from persistence.blobs import Blobs
from persistence.secret_box import SecretBox
from persistence.storage import PostgresStorage
from processing.extraction_jobs import read_file
from tests.extraction_models import papers
from tests.extraction_models.conftest import Reading
from tests.extraction_models.papers import told
from tests.models import replies
from tests.models.replies import Call, Reply

ROWS = papers.items(400)
_TABLES = (
    TableDraft(
        name="Orders", repeats=Repeats.ONE, fields=[FieldDraft("order"), FieldDraft("customer")]
    ),
    TableDraft(
        name="Items",
        parent=0,
        fields=[
            FieldDraft("item"),
            FieldDraft("quantity", type=ColumnType.NUMBER),
            FieldDraft("price", type=ColumnType.NUMBER),
        ],
    ),
)


class OneDocument:
    """Every file is this document."""

    def __init__(self, document: Document) -> None:
        self._document = document

    async def document(self, file: File) -> Document:
        return self._document

    async def picture(self, file: File, page: int, width: int) -> bytes:
        return b""


@dataclass
class Desk:
    """A file with an order, and the means to read it."""

    reading: Reading
    storage: PostgresStorage
    file_id: UUID
    schema_id: UUID

    async def read(self, job: ExtractionJob | None = None) -> ExtractionJob:
        """What becomes of a job; of the first one when none is given."""
        viewer = self.reading.asking.world.viewer
        if job is None:
            [job] = await extraction_jobs.start(
                viewer, self.storage, self.schema_id, [self.file_id]
            )
        source = OneDocument(papers.order(*ROWS))
        await read_file(self.storage, self.reading.extractor, source, job.id, asyncio.Event())
        return await extraction_jobs.job(viewer, self.storage, job.id)

    async def items(self) -> list[str]:
        """The items that the file's rows say, in their order."""
        viewer = self.reading.asking.world.viewer
        found = await reviews.extracted_rows(viewer, self.storage, self.file_id)
        [table] = [each for each in found if len(each.columns) == 3]
        number = table.columns[0].number
        return [row.cells[number].value for row in table.rows]


@pytest.fixture
async def desk(reading: Reading, tmp_path: Path) -> Desk:
    world = reading.asking.world
    storage = PostgresStorage(
        world.database, lambda *_: None, Blobs.open(tmp_path), SecretBox([bytes(32)])
    )

    async def chunks() -> AsyncIterator[bytes]:
        yield reading.provider.encode()

    file = await files.upload_file(world.viewer, storage, FileUpload("order.txt", chunks()))
    schema = await extraction.create_schema(
        world.viewer, storage, SchemaCreate("Orders", _TABLES, provider=reading.provider)
    )
    return Desk(reading, storage, file.id, schema.id)


async def test_a_long_order_is_read_whole(desk: Desk) -> None:
    job = await desk.read()
    assert (job.status, job.error) == (JobStatus.COMPLETED, None)
    assert (job.engine, job.rows) == (desk.reading.provider, 401)
    assert [part.produced for part in job.segments] == [part.expected for part in job.segments]
    assert job.output_tokens > 5_000
    assert await desk.items() == [row[0] for row in ROWS]


async def test_missing_rows_make_a_job_partial_and_are_read_again(desk: Desk) -> None:
    def forgetful(call: Call) -> Reply:
        answer = papers.read_well(call)
        for table in answer.values():
            table["rows"] = [row for row in table["rows"] if "P350 " not in str(row["cells"])]
            table["count"] = len(table["rows"])
        return told(answer)

    desk.reading.models.answer = forgetful
    job = await desk.read()
    assert job.status is JobStatus.PARTIAL
    assert job.rows == 400
    assert job.error is not None
    assert "Items: row 24 of the table on page 6 (the model left them out)" in job.error
    assert "P350 Bolt" not in await desk.items()
    desk.reading.models.answer = lambda call: told(papers.read_well(call))
    viewer = desk.reading.asking.world.viewer
    again = await desk.read(await extraction_jobs.rerun(viewer, desk.storage, job.id))
    assert again.status is JobStatus.COMPLETED
    assert await desk.items() == [row[0] for row in ROWS]


@pytest.mark.parametrize("fault", [replies.prose(), replies.failing(401), replies.truncated()])
async def test_a_model_that_gives_nothing_fails_the_job(desk: Desk, fault: Reply) -> None:
    desk.reading.models.answer = lambda call: fault
    job = await desk.read()
    assert job.status in (JobStatus.FAILED, JobStatus.PARTIAL)
    assert job.rows == 0
    assert job.error
