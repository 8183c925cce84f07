"""Everything that was found in the files of a schema, flat and by names."""

import re
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from starlette.responses import Response, StreamingResponse

from domain import extraction_jobs, files, ids, reviews
from domain.entities import Table
from domain.errors import NotFound
from domain.extraction import get_schema
from domain.extraction_job_records import JobSearch
from domain.extraction_records import ExtractionSchema, FileRow, FileTable
from rest_compat.endpoints import Call
from rest_compat.limai import shapes
from rest_compat.limai.requests import SCHEMA, required
from rest_compat.wire import dumps

_JOBS_AT_ONCE = 100
_TO_UNDERSCORE = re.compile(r"[\s/]+")
_DROPPED = re.compile(r"[^\w]", re.ASCII)
_SEVERAL = re.compile(r"_{2,}")

Record = dict[str, Any]


async def get_all_data(call: Call) -> Response:
    """An object by names of files, the last read first. It is written file by file, so it takes no
    more memory with more files."""
    schema_id = ids.parse(required(call, "extractionSchemaId"))
    if schema_id is None:
        raise NotFound(SCHEMA)
    schema = await get_schema(call.viewer, call.storage, schema_id)
    return StreamingResponse(_written(call, schema), media_type="application/json")


def normalized(names: Iterable[str]) -> list[str]:
    """Names in small letters, digits and underscores. What becomes the same gets a number."""
    seen: Counter[str] = Counter()
    made = []
    for name in names:
        text = _DROPPED.sub("", _TO_UNDERSCORE.sub("_", name.lower()))
        plain = _SEVERAL.sub("_", text).strip("_")
        seen[plain] += 1
        made.append(f"{plain}_{seen[plain]}" if seen[plain] > 1 else plain)
    return made


async def _written(call: Call, schema: ExtractionSchema) -> AsyncIterator[bytes]:
    yield b"{"
    between = b""
    table_ids = [table.table_id for table in schema.tables]
    tables = await call.storage.tables.by_ids(call.viewer.organization_id, table_ids)
    async for name, records in _files(call, schema, tables):
        told: Any = records[0] if len(records) == 1 else records
        yield between + dumps(name) + b":" + dumps(told)
        between = b","
    yield b"}"


async def _files(
    call: Call, schema: ExtractionSchema, tables: Mapping[UUID, Table]
) -> AsyncIterator[tuple[str, list[Record]]]:
    """Each file once, with its records. Files that are gone, or without rows, are passed over; of
    several with one name the later ones get a number."""
    seen: set[UUID] = set()
    names: Counter[str] = Counter()
    search = JobSearch(schema_id=schema.id, limit=_JOBS_AT_ONCE)
    more = True
    while more:
        page = await extraction_jobs.list_jobs(call.viewer, call.storage, search)
        for job in page.jobs:
            if job.file_id in seen:
                continue
            seen.add(job.file_id)
            try:
                file = await files.get_file(call.viewer, call.storage, job.file_id)
                found = await reviews.extracted_rows(call.viewer, call.storage, job.file_id)
            except NotFound:
                continue
            records = _records(schema, found, tables)
            if records:
                names[file.name] += 1
                count = names[file.name]
                yield (f"{file.name} ({count})" if count > 1 else file.name), records
        more = page.has_more
        if page.jobs:
            search = JobSearch(schema_id=schema.id, before=page.jobs[-1].id, limit=_JOBS_AT_ONCE)


def _records(
    schema: ExtractionSchema, found: Sequence[FileTable], tables: Mapping[UUID, Table]
) -> list[Record]:
    """The rows of the primary table, with the rows of other tables inside those that they belong
    to; inside the first one when it is not known."""
    by_id = {each.table_id: each for each in found}
    children: dict[tuple[UUID | None, UUID], list[FileRow]] = defaultdict(list)
    primary = schema.tables[0].table_id
    tops: list[FileRow] = []
    for table in schema.tables:
        for row in by_id[table.table_id].rows if table.table_id in by_id else ():
            if row.review.schema_id != schema.id:
                continue
            if table.table_id == primary:
                tops.append(row)
            else:
                children[row.review.parent_row_id, table.table_id].append(row)
    maker = _Maker(schema, by_id, tables, children)
    records = [maker.record(primary, row) for row in tops]
    orphans = maker.orphans()
    if orphans:
        records = records or [{}]
        for name, rows in orphans.items():
            records[0].setdefault(name, []).extend(rows)
    return records


class _Maker:
    """Makes records of one file. `children` are rows by the row and table that they belong to."""

    def __init__(
        self,
        schema: ExtractionSchema,
        found: Mapping[UUID, FileTable],
        tables: Mapping[UUID, Table],
        children: dict[tuple[UUID | None, UUID], list[FileRow]],
    ) -> None:
        self._schema = schema
        self._found = found
        self._tables = tables
        self._children = children

    def record(self, table_id: UUID, row: FileRow) -> Record:
        """A row with the rows that belong to it."""
        columns = self._found[table_id].columns
        inner = [each for each in self._schema.tables if each.parent_id == table_id]
        labels = [column.label for column in columns]
        names = normalized([*labels, *(self._name(each.table_id) for each in inner)])
        made: Record = {
            name: shapes.text_of(column, row.cells.get(column.number))
            for name, column in zip(names, columns, strict=False)
        }
        for name, child in zip(names[len(columns) :], inner, strict=True):
            rows = self._children.pop((row.review.row_id, child.table_id), ())
            if rows:
                made[name] = [self.record(child.table_id, each) for each in rows]
        return made

    def orphans(self) -> dict[str, list[Record]]:
        """Rows whose row above is gone or was never found, by the name of their table."""
        left: dict[str, list[Record]] = defaultdict(list)
        while self._children:
            (_, table_id), rows = self._children.popitem()
            [name] = normalized([self._name(table_id)])
            left[name] += [self.record(table_id, each) for each in rows]
        return left

    def _name(self, table_id: UUID) -> str:
        return self._tables[table_id].name if table_id in self._tables else str(table_id)
