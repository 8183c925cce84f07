"""Exports: a whole table, or a part of it, as one stream of bytes."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from uuid import UUID

from domain import access, history
from domain.access import Viewer
from domain.columns import Column, TableShape
from domain.errors import ErrorCode, Invalid, NotFound, Problem
from domain.export_formats import FORMATS, EncoderInput, ExportFormat
from domain.export_records import ExportQuery, OpenExport
from domain.filters import Filter, RawCondition, RawSort, Sort, bind, bind_current, bind_sorts
from domain.history_records import AsOf
from domain.ports import Storage
from domain.tables import on_table


@dataclass(frozen=True, slots=True)
class ExportRequest:
    """What to export. `columns` names them by key, in the order of the file; None takes all.

    `as_of` reads the past. `limit` ends the export after so many rows. Without `guards`, texts that
    a spreadsheet would take for formulas stay as they are."""

    table_id: UUID
    format: ExportFormat
    filter: RawCondition | None = None
    sort: Sequence[RawSort] = ()
    columns: Sequence[str] | None = None
    session_id: UUID | None = None
    as_of: AsOf | None = None
    limit: int | None = None
    guards: bool = True


@dataclass(frozen=True, slots=True)
class Export:
    """An export that has begun. `revision` is the one that all of it is of."""

    file_name: str
    media_type: str
    revision: int
    _format: ExportFormat
    _input: EncoderInput
    _opened: OpenExport

    async def stream(self) -> AsyncGenerator[bytes, None]:
        """The file. Raises `NotFound` or `TooLarge` in its middle; then what came is not all."""
        encoder = FORMATS[self._format].encoder(self._input)
        try:
            yield encoder.head()
            async with aclosing(self._opened.chunks()) as chunks:
                async for rows in chunks:
                    # Tens of milliseconds for a chunk: too long for everybody else to wait.
                    yield await asyncio.to_thread(encoder.rows, rows)
            yield encoder.tail()
        finally:
            encoder.close()


async def open_export(viewer: Viewer, storage: Storage, request: ExportRequest) -> Export:
    """Begin an export: everything is checked, and the revision is fixed.

    Raises `NotFound`, `Invalid` with every problem, and `TooLarge` for what the format cannot
    hold."""
    access.require(viewer, "export")
    table = await storage.tables.get(viewer.organization_id, request.table_id)
    if table is None:
        raise NotFound("Table")
    revision = None
    if request.as_of is not None:
        revision = await history.revision_as_of(viewer, storage, table.id, request.as_of)
    entry = FORMATS[request.format]

    async def work(shape: TableShape) -> Export:
        session_id = request.session_id
        if session_id is not None and not await storage.tables.has_session(shape, session_id):
            raise NotFound("Session")
        query = _query(shape, request, revision)
        opened = await storage.exports.open(shape, query)
        return Export(
            file_name=f"{table.name}.{request.format}",
            media_type=entry.media_type,
            revision=opened.revision,
            _format=request.format,
            _input=EncoderInput(table.name, query.columns, request.guards),
            _opened=opened,
        )

    return await on_table(viewer, storage, table.id, work)


def _query(shape: TableShape, request: ExportRequest, revision: int | None) -> ExportQuery:
    problems: list[Problem] = []
    columns = _columns(shape, request.columns, problems)
    filter: Filter | None = None
    sorts: tuple[Sort, ...] = ()
    read = bind_current if revision is None else bind
    try:
        filter = None if request.filter is None else read(shape, request.filter)
    except Invalid as error:
        problems += error.problems
    try:
        sorts = bind_sorts(shape, request.sort)
    except Invalid as error:
        problems += error.problems
    if problems:
        raise Invalid(problems)
    entry = FORMATS[request.format]
    return ExportQuery(
        columns=columns,
        extra=entry.extra and request.columns is None,
        filter=filter,
        sorts=sorts,
        session_id=request.session_id,
        as_of=revision,
        limit=request.limit,
        bounds=entry.bounds,
    )


def _columns(
    shape: TableShape, keys: Sequence[str] | None, problems: list[Problem]
) -> tuple[Column, ...]:
    if keys is None:
        return shape.columns
    found = []
    for index, key in enumerate(keys):
        path = ("columns", str(index))
        column = shape.columns_by_key.get(key)
        if column is None:
            message = f"Unknown column: {key}"
            problems.append(Problem(ErrorCode.UNKNOWN_COLUMN, message, path))
        elif column in found:
            message = f"columns names {key} twice"
            problems.append(Problem(ErrorCode.DUPLICATE, message, path))
        else:
            found.append(column)
    return tuple(found)
