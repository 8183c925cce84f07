"""Cells by their ids, and the files in them."""

from uuid import UUID

import orjson
from starlette.responses import Response

from domain import files, ids
from domain.columns import Column, ColumnType, TableShape
from domain.errors import NotFound
from domain.selection import RowRecord
from rest_compat.endpoints import Call
from rest_compat.phacet import rows, shapes
from rest_compat.phacet.files import link_to
from rest_compat.wire import Refused, json_response


async def get_cell(call: Call) -> Response:
    """One cell as it stands in its row."""
    shape, record, column = await _read(call)
    index = shape.columns.index(column)
    asked = await rows.rows_asked(call, shape, [record])
    return json_response(shapes.cells(shape, record, asked)[index])


async def download_file_url(call: Call) -> Response:
    """A link to the file in a cell."""
    shape, record, column = await _read(call)
    if column.type is not ColumnType.FILE:
        raise Refused(400, "The cell is not of a file column")
    json = record.values[shape.columns.index(column)]
    if json is None:
        raise NotFound("File")
    file = await files.get_file(call.viewer, call.storage, UUID(orjson.loads(json)["id"]))
    return json_response(link_to(call.request, file.id))


async def _read(call: Call) -> tuple[TableShape, RowRecord, Column]:
    table_id = call.id("tableId", "Table")
    found = ids.parse_cell_id(call.request.path_params["cellId"])
    row_id, number = found or (UUID(int=0), 0)
    shape, record = await rows.read(call, table_id, row_id)
    column = shape.columns_by_number.get(number)
    if record is None or column is None:
        raise NotFound("Cell")
    return shape, record, column
