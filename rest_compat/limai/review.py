"""Review: a person accepts what was found in a file, or corrects it."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from pydantic import TypeAdapter
from starlette.responses import Response

from domain import ids, reviews
from domain.column_values import looks_like_number
from domain.columns import Column, ColumnType
from domain.errors import ErrorCode, Invalid, NotFound, Problem
from domain.extraction_records import (
    AlreadyRunning,
    ExtractionSchema,
    FileTable,
    ReviewSummary,
    TableCorrections,
)
from domain.rejections import Rejected, show
from domain.values import accept, file_reader
from rest_compat.endpoints import Call
from rest_compat.limai import shapes
from rest_compat.limai.bodies import CorrectionsBody, TableCorrectionsBody
from rest_compat.limai.data import ELSEWHERE, job_of, shown
from rest_compat.limai.requests import FILE, body_of, schema_of
from rest_compat.wire import Refused, json_response

_CORRECTIONS = TypeAdapter(CorrectionsBody)
#: Stands for an id that cannot exist.
_NOTHING = UUID(int=0)


async def submit_corrections(call: Call) -> Response:
    """Accept all rows of a file, or correct those of some tables and accept the others of them."""
    schema = await schema_of(call)
    file_id = call.id("fileId", FILE)
    job = await job_of(call, file_id)
    if job.schema_id != schema.id:
        raise Refused(400, ELSEWHERE)
    body: CorrectionsBody = await body_of(call, _CORRECTIONS)
    if bool(body.acceptAll) == bool(body.tables):
        raise Refused(400, "Give either acceptAll: true or tables")
    if not job.is_over:
        raise AlreadyRunning(job)
    viewer, storage = call.viewer, call.storage
    if body.tables:
        found = await reviews.extracted_rows(viewer, storage, file_id)
        corrections = _corrections(found, body.tables)
        made = await reviews.submit(viewer, storage, file_id, corrections)
        return await _answer(
            call, schema, file_id, made, "Corrections submitted successfully", set(corrections)
        )
    made = await reviews.accept_all(viewer, storage, file_id)
    return await _answer(call, schema, file_id, made, "All rows accepted successfully", None)


async def _answer(
    call: Call,
    schema: ExtractionSchema,
    file_id: UUID,
    made: ReviewSummary,
    message: str,
    table_ids: set[UUID] | None,
) -> Response:
    found = await reviews.extracted_rows(call.viewer, call.storage, file_id)
    named = [each for each in found if table_ids is None or each.table_id in table_ids]
    return json_response(
        {
            "message": message,
            "fileId": str(file_id),
            "data": await shown(call, named, schema),
            "summary": shapes.summary(made),
        }
    )


def _corrections(
    found: Sequence[FileTable], given: Mapping[str, TableCorrectionsBody]
) -> dict[UUID, TableCorrections]:
    """Corrections with columns by number. Raises `NotFound` for a table, and `Invalid` with every
    problem."""
    tables = {each.table_id: each for each in found}
    problems: list[Problem] = []
    made: dict[UUID, TableCorrections] = {}
    for name, body in given.items():
        table = tables.get(ids.parse(name) or _NOTHING)
        if table is None:
            raise NotFound("Table")
        if table.table_id in made:
            message = f"tables names {show(name)} a second time"
            problems.append(Problem(ErrorCode.DUPLICATE, message, ("tables",)))
            continue
        made[table.table_id] = _Reader(table, problems).read(body)
    if problems:
        raise Invalid(problems)
    return made


class _Reader:
    """Reads the corrections of one table. Adds what is wrong to `problems`."""

    def __init__(self, table: FileTable, problems: list[Problem]) -> None:
        self._rows = {row.review.row_id: row for row in table.rows}
        names = shapes.names_of(table.columns)
        self._columns = {names[column.number]: column for column in table.columns}
        self._problems = problems

    def read(self, body: TableCorrectionsBody) -> TableCorrections:
        """The corrections by ids and numbers."""
        updated: dict[UUID, dict[int, Any]] = {}
        for row in body.updatedRows:
            row_id = ids.parse(row.id) or _NOTHING
            if row_id not in self._rows:
                self._add(ErrorCode.NOT_FOUND, f"Row {show(row.id)} not found")
            else:
                updated.setdefault(row_id, {}).update(self._changed(row_id, row.cells))
        updated = {row_id: values for row_id, values in updated.items() if values}
        deleted = [ids.parse(each) or _NOTHING for each in body.deletedRowIds]
        return TableCorrections(deleted, updated, [self._values(row.cells) for row in body.newRows])

    def _changed(self, row_id: UUID, cells: Mapping[str, Any]) -> dict[int, Any]:
        """New values. Clients send back what they were shown; what is shown as it is printed is no
        form that a column could read."""
        now = self._rows[row_id].cells
        return self._values(
            {
                name: value
                for name, value in cells.items()
                if name not in self._columns or value != _shown(self._columns[name], now)
            }
        )

    def _values(self, cells: Mapping[str, Any]) -> dict[int, Any]:
        values = {}
        for name, value in cells.items():
            column = self._columns.get(name)
            if column is None:
                self._add(ErrorCode.UNKNOWN_COLUMN, f"There is no column {show(name)}")
                continue
            try:
                values[column.number] = _read(column, value)
            except Rejected as error:
                self._add(error.code, f"{name}: {error.message}")
        return values

    def _add(self, code: ErrorCode, message: str) -> None:
        self._problems.append(Problem(code, message, ("tables",)))


def _shown(column: Column, cells: Mapping[int, Any]) -> str | None:
    return shapes.text_of(column, cells.get(column.number))


def _read(column: Column, value: Any) -> Any:
    """The value in normal form. A number may wear its dress, such as thousands commas; what could
    be meant in two ways is not guessed. Raises `Rejected`."""
    if column.computation is not None:
        return value  # which the rules of rows refuse
    if isinstance(value, str) and column.type is not ColumnType.TEXT:
        value = value.strip() or None
    if isinstance(value, str) and column.type is ColumnType.NUMBER and looks_like_number(value):
        return file_reader(column)(value)
    return accept(column, value)
