"""Rows: a page of them, one, a new one, new values."""

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

from pydantic import TypeAdapter
from starlette.responses import Response

from domain import ids, numbers, rows, run_rows
from domain.columns import Column, ColumnType, TableShape
from domain.errors import ErrorCode, Invalid, NotFound, Problem, StructureMoved, invalid
from domain.paging import PageRequest
from domain.rejections import show
from domain.rows import NewRow, RowChange, RowsAdd, RowsUpdate
from domain.selection import RowRecord, RowsQuery
from rest_compat.endpoints import Call
from rest_compat.phacet import shapes
from rest_compat.phacet.bodies import CellBody, RowBody, RowChangeBody
from rest_compat.wire import json_response, parse, read_body

DEFAULT_TAKE = 50
MAX_TAKE = 200

_ROW = TypeAdapter(RowBody)
_CHANGE = TypeAdapter(RowChangeBody)
_INTEGER = re.compile(r"[0-9]{1,9}", re.ASCII)


async def exists(call: Call) -> None:
    """Raises `NotFound` unless the row in the path is there, in the table in the path."""
    await _shown(call, call.id("tableId", "Table"), _row_id(call))


async def list_rows(call: Call) -> Response:
    """A page in the order of positions, after the row that the cursor tells of."""
    table_id = call.id("tableId", "Table")
    take, cursor = _take(call), call.query("cursor")
    session_id = _session_id(call.query("sessionId"))
    used: list[TableShape] = []

    def query(shape: TableShape) -> RowsQuery:
        used.append(shape)
        page = PageRequest(take, after=cursor)
        return RowsQuery(None, page, wants_cursors=True, session_id=session_id)

    try:
        page = await rows.read_rows(call.viewer, call.storage, table_id, query)
    except Invalid:
        # The table is there and the query holds nothing else that could be wrong.
        raise invalid(ErrorCode.INVALID, "is not a cursor of this API", "cursor") from None
    records = _records(page.rows)
    asked = await rows_asked(call, used[-1], records)
    return json_response(
        {
            "rows": [shapes.row(used[-1], each, asked) for each in records],
            "hasMore": page.has_more,
            "nextCursor": page.cursors[-1] if page.has_more else None,
        }
    )


async def get_row(call: Call) -> Response:
    """One row."""
    return json_response(await _shown(call, call.id("tableId", "Table"), _row_id(call)))


async def add_row(call: Call) -> Response:
    """A new row in a session of the table."""
    table_id = call.id("tableId", "Table")
    body = parse(_ROW, await read_body(call.request, call.limits.body_bytes))
    session_id = _session_id(body.sessionId)
    given = GivenCells(body.cells or ())
    command = RowsAdd(table_id, [NewRow({})], session_id, given.by_key)
    try:
        if body.triggerTasks:
            written, _ = await run_rows.add_rows_and_run(call.viewer, call.storage, command)
        else:
            written = await rows.add_rows(call.viewer, call.storage, command)
    except Invalid as error:
        raise given.refusal(error) from None
    return json_response(await _shown(call, table_id, written.row_ids[0]), 201)


async def update_row(call: Call) -> Response:
    """The cells that are listed change, the others stay. Tools run unless the body says not."""
    table_id, row_id = call.id("tableId", "Table"), _row_id(call)
    body = parse(_CHANGE, await read_body(call.request, call.limits.body_bytes))
    runs_tools = body.triggerTasks if body.runRow is None else body.runRow
    if body.cells:
        write = _update if runs_tools is False else _update_and_run
        await write(call, table_id, row_id, body.cells)
    elif runs_tools is not False:
        await _run(call, table_id, row_id)
    return json_response(await _shown(call, table_id, row_id))


async def _update(call: Call, table_id: UUID, row_id: UUID, cells: Sequence[CellBody]) -> None:
    given = GivenCells(cells)
    command = RowsUpdate(table_id, [RowChange(row_id, {})], "merge", given.by_key)
    try:
        await rows.update_rows(call.viewer, call.storage, command)
    except Invalid as error:
        raise given.refusal(error) from None


async def _update_and_run(
    call: Call, table_id: UUID, row_id: UUID, cells: Sequence[CellBody]
) -> None:
    given = GivenCells(cells)
    command = RowsUpdate(table_id, [RowChange(row_id, {})], "merge", given.by_key)
    try:
        await run_rows.update_rows_and_run(call.viewer, call.storage, command)
    except Invalid as error:
        raise given.refusal(error) from None


async def _run(call: Call, table_id: UUID, row_id: UUID) -> None:
    """Start the tools of all columns on a row, if there are any."""
    _, record = await read(call, table_id, row_id)
    if record is None:
        raise NotFound("Row")
    await run_rows.fill_rows(call.viewer, call.storage, table_id, [row_id])


async def read(call: Call, table_id: UUID, row_id: UUID) -> tuple[TableShape, RowRecord | None]:
    """A row with the shape that it was read with; None for one that is not there."""
    used: list[TableShape] = []
    found = await rows.read_rows_by_id(
        call.viewer, call.storage, table_id, [row_id], lambda shape: used.append(shape)
    )
    records = _records(found)
    return used[-1], records[0] if records else None


class GivenCells:
    """Cells as a request names them: by the ids of their columns, with values that may be texts."""

    def __init__(self, cells: Sequence[CellBody]) -> None:
        self._cells = cells
        self._looked_again = False
        self._labels: dict[str, str] = {}
        self._places: dict[str, int] = {}

    def by_key(self, shape: TableShape, _: Mapping[str, Any]) -> dict[str, Any]:
        """The values by column key. Raises `Invalid`."""
        columns = {str(column.id): column for column in shape.columns}
        if not self._looked_again and any(each.columnId not in columns for each in self._cells):
            self._looked_again = True
            raise StructureMoved
        self._labels = {column.key: column.label for column in shape.columns}
        self._places = {}
        problems: list[Problem] = []
        data: dict[str, Any] = {}
        for index, cell in enumerate(self._cells):
            column = columns.get(cell.columnId)
            if column is None:
                code, text = ErrorCode.UNKNOWN_COLUMN, "there is no such column"
                problems.append(Problem(code, text, ("cells", str(index), "columnId")))
            elif column.key in self._places:
                text = f"names the same column as cells[{self._places[column.key]}]"
                path = ("cells", str(index), "columnId")
                problems.append(Problem(ErrorCode.DUPLICATE, text, path))
            else:
                self._places[column.key] = index
                data[column.key] = _plain(column, cell.value, index, problems)
        if problems:
            raise Invalid(problems)
        return data

    def refusal(self, error: Invalid) -> Invalid:
        """The error with places in the body, while the rules speak of a list of rows."""
        return Invalid([self._placed(problem) for problem in error.problems])

    def _placed(self, problem: Problem) -> Problem:
        if problem.path[:2] != ("rows", "0") or len(problem.path) < 4:
            return problem
        key = problem.path[3]
        message = problem.message.removeprefix(f"rows[0].{key}: ")
        message = f"{self._labels.get(key, key)}: {message}"
        index = self._places.get(key)
        path = ("cells",) if index is None else ("cells", str(index), "value")
        return Problem(problem.code, message, path)


def _plain(column: Column, value: Any, index: int, problems: list[Problem]) -> Any:
    """The value as other faces take it. Clients that know texts only send every value as one."""
    if not isinstance(value, str) or column.type is ColumnType.TEXT:
        return value
    if not value:
        return None
    if column.type is not ColumnType.JSON:
        return value
    try:
        return numbers.loads(value)
    except numbers.InvalidJson as error:
        message = f"{column.label}: {show(value)} is not JSON: {error}"
        path = ("cells", str(index), "value")
        problems.append(Problem(ErrorCode.INVALID_TYPE, message, path))
        return None


def _row_id(call: Call) -> UUID:
    """The row's id in the path; one that cannot exist stands for what cannot be an id, so that an
    unknown table is told first."""
    return ids.parse(call.request.path_params["rowId"]) or UUID(int=0)


def _take(call: Call) -> int:
    given = call.request.query_params.getlist("take")
    if not given:
        return DEFAULT_TAKE
    take = int(given[0]) if _INTEGER.fullmatch(given[0]) else 0
    if not 1 <= take <= MAX_TAKE:
        message = f"must be an integer from 1 to {MAX_TAKE}"
        raise invalid(ErrorCode.OUT_OF_RANGE, message, "take")
    return take


def _session_id(text: str | None) -> UUID | None:
    """The id of a session. What cannot be an id stands for a session that is not there, so that an
    unknown table is told first."""
    return None if text is None else ids.parse(text) or UUID(int=0)


async def _shown(call: Call, table_id: UUID, row_id: UUID) -> dict[str, Any]:
    shape, record = await read(call, table_id, row_id)
    if record is None:
        raise NotFound("Row")
    return shapes.row(shape, record, await rows_asked(call, shape, [record]))


async def rows_asked(
    call: Call, shape: TableShape, records: Sequence[RowRecord]
) -> Collection[UUID]:
    """Rows of a table without tools whose tools were started. Elsewhere the states of cells tell,
    and rows without an empty cell look the same."""
    if shape.stateful_columns:
        return ()
    ids_ = [record.id for record in records if None in record.values]
    return await call.storage.runs.asked(shape, ids_) if ids_ else ()


def _records(found: Sequence[str | RowRecord | None]) -> list[RowRecord]:
    """Rows read without a selection are records."""
    return [each for each in found if isinstance(each, RowRecord)]
