"""Review of extracted rows: reading them as they stand, accepting and correcting them.

A job leaves rows pending. A person accepts a file as a whole, or corrects some of its rows, and all
others of the same tables with them. What was corrected becomes an example for the schema."""

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any, TypeVar
from uuid import UUID

from domain import access, ids, numbers
from domain.access import Viewer
from domain.columns import Column, TableShape
from domain.errors import (
    Conflict,
    ErrorCode,
    Invalid,
    NotFound,
    Problem,
    StructureMoved,
    TableBusy,
    invalid,
)
from domain.extraction_job_records import RowExample, TableReview
from domain.extraction_records import (
    FileRow,
    FileTable,
    FoundValue,
    ReviewRow,
    ReviewSummary,
    TableCorrections,
)
from domain.extraction_rules import MAX_EXAMPLE_VALUE
from domain.file_values import name_files
from domain.ports import Storage
from domain.row_values import RowChecker
from domain.row_writes import PreparedRow
from domain.rows import MAX_ROWS
from domain.selection import RowRecord
from domain.tables import ATTEMPTS

#: Most characters that an example keeps of its row.
_EXAMPLE_CHARACTERS = 2_000

Result = TypeVar("Result")


async def extracted_rows(viewer: Viewer, storage: Storage, file_id: UUID) -> Sequence[FileTable]:
    """The rows that were read from a file and are still there, by table. Tables of the schema that
    the file was last read by come first, in its order, also without rows. Raises `NotFound` for the
    file, and `TableBusy`."""
    access.require(viewer, "extractedRows")

    async def work(shapes: Sequence[TableShape]) -> Sequence[FileTable]:
        rows = await storage.extracted_rows.living(shapes, file_id)
        return [await _file_table(storage, shape, rows[shape.id]) for shape in shapes]

    return await _on_tables(viewer, storage, file_id, work)


async def accept_all(viewer: Viewer, storage: Storage, file_id: UUID) -> ReviewSummary:
    """Accept every row of a file. Nothing is wrong with doing so twice.

    Raises `NotFound` for the file, `Conflict` when it was never read or is being read, and
    `TableBusy`."""
    access.require(viewer, "reviewAccept")
    await _require_read(viewer, storage, file_id)

    async def work(shapes: Sequence[TableShape]) -> ReviewSummary:
        reviews = {shape.id: TableReview() for shape in shapes}
        return await storage.extracted_rows.review(
            viewer.organization_id, viewer.actor, file_id, shapes, reviews
        )

    return await _on_tables(viewer, storage, file_id, work)


async def submit(
    viewer: Viewer,
    storage: Storage,
    file_id: UUID,
    corrections: Mapping[UUID, TableCorrections],
) -> ReviewSummary:
    """Correct rows of a file, and accept all others of the same tables. Rows to be deleted that are
    not there are passed over.

    Raises `NotFound` for the file or a table without rows of it, `Invalid` with every problem,
    `Conflict` when the file was never read or is being read, and `TableBusy`."""
    access.require(viewer, "reviewSubmit")
    if not corrections:
        raise invalid(ErrorCode.REQUIRED, "tables names no table", "tables")
    await _require_read(viewer, storage, file_id)

    async def work(shapes: Sequence[TableShape]) -> ReviewSummary:
        known = {shape.id: shape for shape in shapes}
        if not corrections.keys() <= known.keys():
            raise NotFound("Table")
        rows = await storage.extracted_rows.living(shapes, file_id)
        reviews = {
            table_id: await _checked(storage, known[table_id], rows[table_id], given)
            for table_id, given in corrections.items()
        }
        return await storage.extracted_rows.review(
            viewer.organization_id, viewer.actor, file_id, shapes, reviews
        )

    return await _on_tables(viewer, storage, file_id, work)


async def _require_read(viewer: Viewer, storage: Storage, file_id: UUID) -> None:
    """Raises `NotFound` for the file, and `Conflict` when the viewer knows of no job of it."""
    if await storage.files.get(viewer.organization_id, file_id) is None:
        raise NotFound("File")
    if await storage.extraction_jobs.latest(viewer.organization_id, file_id) is None:
        raise Conflict("No processed data found for this file")


async def _on_tables(
    viewer: Viewer,
    storage: Storage,
    file_id: UUID,
    work: Callable[[Sequence[TableShape]], Awaitable[Result]],
) -> Result:
    """Run `work` with the tables of a file that are still there, again when columns moved."""
    if await storage.files.get(viewer.organization_id, file_id) is None:
        raise NotFound("File")
    for _ in range(ATTEMPTS):
        shapes = []
        for table_id in await _tables(viewer, storage, file_id):
            shape = await storage.tables.shape(viewer.organization_id, table_id)
            if shape is not None:
                shapes.append(shape)
        try:
            return await work(shapes)
        except StructureMoved:
            for shape in shapes:
                storage.tables.forget(shape)
    raise TableBusy


async def _tables(viewer: Viewer, storage: Storage, file_id: UUID) -> Sequence[UUID]:
    """The tables of the last job's schema, then others that have rows of the file."""
    organization_id = viewer.organization_id
    found: dict[UUID, None] = {}
    job = await storage.extraction_jobs.latest(organization_id, file_id)
    if job is not None and job.schema_id is not None:
        schema = await storage.extraction_schemas.at_version(
            organization_id, job.schema_id, job.schema_version
        )
        found = dict.fromkeys(table.table_id for table in (schema.tables if schema else ()))
    found |= dict.fromkeys(await storage.extracted_rows.tables(organization_id, file_id))
    return list(found)


async def _file_table(storage: Storage, shape: TableShape, rows: Sequence[ReviewRow]) -> FileTable:
    columns = tuple(shape.columns)
    found = []
    for row, record in zip(rows, await _records(storage, shape, rows), strict=True):
        if record is not None:
            found.append(FileRow(row, _cells(columns, record), record))
    return FileTable(shape.id, columns, found, shape)


async def _records(
    storage: Storage, shape: TableShape, rows: Sequence[ReviewRow]
) -> Sequence[RowRecord | None]:
    found: list[RowRecord | None] = []
    for start in range(0, len(rows), MAX_ROWS):
        part = [row.row_id for row in rows[start : start + MAX_ROWS]]
        read = await storage.rows.by_id(shape, part, None)
        found += [each if isinstance(each, RowRecord) else None for each in read]
    return found


def _cells(columns: Sequence[Column], record: RowRecord) -> dict[int, FoundValue]:
    cells = {}
    for column, text in zip(columns, record.values, strict=True):
        state = record.states.get(column.number)
        value = None if text is None else numbers.loads(text)
        cells[column.number] = FoundValue(value, state.raw if state else None)
    return cells


async def _checked(
    storage: Storage, shape: TableShape, rows: Sequence[ReviewRow], given: TableCorrections
) -> TableReview:
    """Corrections with their values checked. Raises `Invalid` with every problem."""
    living = {row.row_id: row for row in rows}
    problems = _count_problems(given) + _row_problems(given, living)
    checker, updated, added = RowChecker.of(shape), [], []
    for index, (row_id, values) in enumerate(given.updated.items()):
        data = _by_key(shape, values, index, problems)
        updated.append(PreparedRow(row_id, checker.for_merge(data, index, problems)))
    fresh = ids.new_ids(ids.Kind.ROW, len(given.added), shape.number)
    for index, (row_id, values) in enumerate(zip(fresh, given.added, strict=True)):
        data = _by_key(shape, values, index, problems)
        added.append(PreparedRow(row_id, checker.for_add(data, index, problems)))
    await name_files(storage, shape, [row.values for row in (*updated, *added)], problems)
    if problems:
        raise Invalid(problems)
    deleted = [row_id for row_id in dict.fromkeys(given.deleted) if row_id in living]
    examples = await _examples(storage, shape, living, updated)
    return TableReview(deleted, updated, added, examples)


def _count_problems(given: TableCorrections) -> list[Problem]:
    named = {"deletedRowIds": given.deleted, "updatedRows": given.updated, "newRows": given.added}
    return [
        Problem(ErrorCode.TOO_MANY, f"{name} takes at most {MAX_ROWS} items", (name,))
        for name, items in named.items()
        if len(items) > MAX_ROWS
    ]


def _row_problems(given: TableCorrections, living: Mapping[UUID, ReviewRow]) -> list[Problem]:
    problems, deleted = [], set(given.deleted)
    for index, row_id in enumerate(given.updated):
        path = ("updatedRows", str(index), "id")
        if row_id not in living:
            problems.append(Problem(ErrorCode.NOT_FOUND, "Row not found", path, index))
        elif row_id in deleted:
            message = f"updatedRows[{index}] names a row that shall be deleted"
            problems.append(Problem(ErrorCode.DUPLICATE, message, path, index))
    return problems


def _by_key(shape: TableShape, values: Any, index: int, problems: list[Problem]) -> Any:
    """Values by column key, also those that are given by column number. What is no object is for
    the checker of rows to refuse."""
    if not isinstance(values, Mapping):
        return values
    data = {}
    for name, value in values.items():
        column = shape.columns_by_number.get(name) if isinstance(name, int) else None
        if isinstance(name, int) and column is None:
            message = f"rows[{index}]: the table has no column {name}"
            path = ("rows", str(index), "data", str(name))
            problems.append(Problem(ErrorCode.UNKNOWN_COLUMN, message, path, index))
        else:
            data[column.key if column is not None else name] = value
    return data


async def _examples(
    storage: Storage,
    shape: TableShape,
    living: Mapping[UUID, ReviewRow],
    updated: Sequence[PreparedRow],
) -> list[RowExample]:
    """What corrections of values that were read teach, by row and column. Very long values teach
    nothing: a hundred examples are read for each document."""
    rows = [living[row.id] for row in updated]
    records = await _records(storage, shape, rows)
    examples = []
    for row, record in zip(updated, records, strict=True):
        if record is None:
            continue
        now = _cells(shape.columns, record)
        text = " | ".join(cell.raw for cell in now.values() if cell.raw)[:_EXAMPLE_CHARACTERS]
        for number, value in row.values.values.items():
            was = now[number]
            # What has no state is no column that documents are read for.
            if value != was.value and text and number in record.states:
                before = was.raw if was.raw is not None else _shown(was.value)
                after = _shown(value)
                if max(len(before or ""), len(after or "")) <= MAX_EXAMPLE_VALUE:
                    examples.append(RowExample(row.id, number, text, before, after))
    return examples


def _shown(value: Any) -> str | None:
    """A value as people would write it."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        return numbers.text(value)
    return json.dumps(value, ensure_ascii=False, default=str)
