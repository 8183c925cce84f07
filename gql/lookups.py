"""Finding one thing by its id, for `node`, `row`, `cell` and the references of events.

An id names its kind and, for rows, its table. What is not there, or belongs to another
organisation, is None."""

import asyncio
from collections.abc import Callable, Sequence
from uuid import UUID

from domain import access, ids
from domain.charts import get_chart
from domain.columns import TableShape
from domain.errors import NotFound
from domain.ids import Kind
from domain.rows import read_rows_by_id
from domain.selection import RowRecord, RowSelection
from gql.context import Context
from gql.types.cells import Cell, cell_of
from gql.types.charts import Chart
from gql.types.columns import Column
from gql.types.node import Node
from gql.types.projects import Project
from gql.types.rows import Row
from gql.types.tables import Table

Select = Callable[[TableShape], RowSelection | None]


async def find_project(context: Context, text: str) -> Project | None:
    access.require(context.viewer, "project")
    project_id = ids.parse(text)
    project = await context.loaders.projects.load(project_id) if project_id else None
    return Project.of(project) if project else None


async def find_table(context: Context, text: str) -> Table | None:
    access.require(context.viewer, "table")
    table_id = ids.parse(text)
    table = await context.loaders.tables.load(table_id) if table_id else None
    return Table.of(table) if table else None


async def find_column(context: Context, text: str) -> Column | None:
    access.require(context.viewer, "table")
    column_id = ids.parse(text)
    column = await context.loaders.columns.load(column_id) if column_id else None
    return Column.of(column) if column else None


async def find_chart(context: Context, text: str) -> Chart | None:
    chart_id = ids.parse(text)
    try:
        found = await get_chart(context.viewer, context.storage, chart_id) if chart_id else None
    except NotFound:
        return None
    return Chart.of(found) if found else None


async def read_by_ids(
    context: Context, table_id: UUID, row_ids: Sequence[UUID], select: Select
) -> tuple[TableShape, Sequence[str | RowRecord | None]]:
    """Rows of one table with the shape that they were read by."""
    shapes: list[TableShape] = []

    def selection(shape: TableShape) -> RowSelection | None:
        shapes.append(shape)
        return select(shape)

    found = await read_rows_by_id(context.viewer, context.storage, table_id, row_ids, selection)
    return shapes[-1], found


async def find_row(context: Context, row_id: UUID, select: Select) -> Row | str | None:
    """A row, as JSON text when `select` gives a selection."""
    shape = await _table_of(context, row_id)
    if shape is None:
        return None
    try:
        shape, found = await read_by_ids(context, shape.id, [row_id], select)
    except NotFound:
        return None
    row = found[0]
    return Row.of(row, shape) if isinstance(row, RowRecord) else row


async def find_cell(context: Context, text: str) -> Cell | None:
    access.require(context.viewer, "row")
    parsed = ids.parse_cell_id(text)
    if parsed is None:
        return None
    row_id, number = parsed
    row = await find_row(context, row_id, _as_record)
    if not isinstance(row, Row):
        return None
    for index, column in enumerate(row.shape.columns):
        if column.number == number:
            return cell_of(row, column, index)
    return None


async def find_node(context: Context, text: str) -> Node | None:
    """Whatever has this id and is a Node."""
    if "." in text:
        return await find_cell(context, text)
    parsed = ids.parse(text)
    kind = ids.kind_of(parsed) if parsed else None
    if kind is Kind.PROJECT:
        return await find_project(context, text)
    if kind is Kind.TABLE:
        return await find_table(context, text)
    if kind is Kind.COLUMN:
        return await find_column(context, text)
    if kind is Kind.CHART:
        return await find_chart(context, text)
    if kind is Kind.ROW and parsed:
        row = await find_row(context, parsed, _as_record)
        return row if isinstance(row, Row) else None
    return None


async def find_nodes(context: Context, texts: Sequence[str]) -> list[Node | None]:
    """In the order of the ids. Rows of one table are read by one statement."""
    rows = await _rows_by_table(context, texts)
    others = [text for text in texts if text not in rows]
    answers = await asyncio.gather(*[find_node(context, text) for text in others])
    found = dict(zip(others, answers, strict=True))
    return [rows.get(text) or found.get(text) for text in texts]


async def _rows_by_table(context: Context, texts: Sequence[str]) -> dict[str, Row]:
    groups: dict[int, list[UUID]] = {}
    for text in dict.fromkeys(texts):
        parsed = ids.parse(text)
        if parsed is not None and ids.kind_of(parsed) is Kind.ROW:
            groups.setdefault(ids.table_number_of(parsed), []).append(parsed)
    rows = await asyncio.gather(*[_rows_of(context, group) for group in groups.values()])
    return {row.id: row for group in rows for row in group}


async def _rows_of(context: Context, row_ids: Sequence[UUID]) -> list[Row]:
    shape = await _table_of(context, row_ids[0])
    if shape is None:
        return []
    try:
        shape, found = await read_by_ids(context, shape.id, row_ids, _as_record)
    except NotFound:
        return []
    return [Row.of(row, shape) for row in found if isinstance(row, RowRecord)]


async def _table_of(context: Context, row_id: UUID) -> TableShape | None:
    number = ids.table_number_of(row_id)
    if ids.kind_of(row_id) is not Kind.ROW or not number:
        return None
    return await context.storage.tables.shape_by_number(context.viewer.organization_id, number)


def _as_record(_: TableShape) -> None:
    return None
