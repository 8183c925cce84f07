"""An office that reads papers: a schema over two tables, files, jobs, and a worker's work by
hand."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import orjson

from domain import extraction, extraction_jobs, files, reviews
from domain.columns import ColumnType
from domain.extraction_commands import FieldDraft, SchemaCreate, TableDraft
from domain.extraction_records import ExtractionJob, ExtractionSchema, FileTable, Repeats
from domain.files import FileUpload
from processing.extraction_jobs import read_file
from tests.extraction_jobs.papers import Papers, Reader
from tests.worlds import World

PAPER = """invoice: number=A-1; total=12.50
line: item=nail; amount=3
line: item=screw; amount=4\fline: item=bolt; amount=5
line: item=nut; amount=6"""


@dataclass
class Office:
    """What reads papers in one organisation. Its rows belong to an `invoice` and its `line`s."""

    world: World
    schema: ExtractionSchema
    reader: Reader = field(default_factory=Reader)
    stopping: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def invoices(self) -> UUID:
        return self.schema.tables[0].table_id

    @property
    def lines(self) -> UUID:
        return self.schema.tables[1].table_id

    async def file(self, text: str = PAPER, name: str = "paper.txt") -> UUID:
        """An uploaded paper."""

        async def chunks() -> AsyncIterator[bytes]:
            yield text.encode()

        upload = FileUpload(name, chunks())
        return (await files.upload_file(self.world.viewer, self.world.storage, upload)).id

    async def start(self, file_id: UUID) -> ExtractionJob:
        """A queued job of a file."""
        viewer, storage = self.world.viewer, self.world.storage
        [job] = await extraction_jobs.start(viewer, storage, self.schema.id, [file_id])
        return job

    async def work(self, job: ExtractionJob) -> ExtractionJob:
        """What a worker does with a job; the job as it stands then."""
        storage = self.world.storage
        papers = Papers(storage)
        await read_file(storage, self.reader, papers, job.id, self.stopping)
        return await self.job(job.id)

    async def read(self, file_id: UUID) -> ExtractionJob:
        """Start a job and do it."""
        return await self.work(await self.start(file_id))

    async def job(self, job_id: UUID) -> ExtractionJob:
        return await extraction_jobs.job(self.world.viewer, self.world.storage, job_id)

    async def tables(self, file_id: UUID) -> tuple[FileTable, FileTable]:
        """The rows of a file: those of invoices and of lines."""
        found = await reviews.extracted_rows(self.world.viewer, self.world.storage, file_id)
        by_id = {table.table_id: table for table in found}
        return by_id[self.invoices], by_id[self.lines]

    async def shown(self, file_id: UUID) -> list[dict[str, Any]]:
        """The lines of a file in their order, by column key."""
        _, lines = await self.tables(file_id)
        return shown(lines)

    async def told(self, kind: str, file_id: UUID) -> list[Mapping[str, Any]]:
        """The details of entries of the organisation's log about a file."""
        found = await self.world.database.pool.fetch(
            "SELECT details FROM organization_change"
            " WHERE kind = $1 AND subject_id = $2 ORDER BY revision",
            kind,
            file_id,
        )
        return [orjson.loads(each["details"]) for each in found]

    async def check_logs(self) -> None:
        """Nothing is missing in the logs of the two tables, and their clocks count right."""
        for table_id in (self.invoices, self.lines):
            shape = await self.world.shape(table_id)
            row = await self.world.database.pool.fetchrow(
                "SELECT c.revision, c.row_count, (SELECT count(*) FROM change h"
                f" WHERE h.table_id = $1) AS entries, (SELECT count(*) FROM {shape.sql_name}) AS n"
                " FROM table_clock c WHERE c.table_id = $1",
                table_id,
            )
            assert row is not None
            assert row["entries"] == row["revision"]
            assert row["n"] == row["row_count"]


def shown(table: FileTable) -> list[dict[str, Any]]:
    """The values of rows by column key."""
    return [
        {column.key: row.cells[column.number].value for column in table.columns}
        for row in table.rows
    ]


async def open_office(world: World) -> Office:
    """An office with its schema."""
    tables: Sequence[TableDraft] = [
        TableDraft(
            name="invoice",
            repeats=Repeats.ONE,
            fields=[FieldDraft("number"), FieldDraft("total", type=ColumnType.NUMBER)],
        ),
        TableDraft(
            name="line",
            parent=0,
            fields=[FieldDraft("item"), FieldDraft("amount", type=ColumnType.NUMBER)],
        ),
    ]
    schema = await extraction.create_schema(
        world.viewer, world.storage, SchemaCreate("Invoices", tables, provider="rules")
    )
    return Office(world, schema)
