"""Columns: add one, put all of them in order. Everything else about columns is GraphQL's."""

from dataclasses import replace

from pydantic import TypeAdapter
from starlette.responses import Response

from domain import column_editing
from domain.columns import ColumnType, NewColumn
from domain.errors import Invalid, Problem
from rest_compat.endpoints import Call
from rest_compat.stagent import shapes
from rest_compat.stagent.bodies import ColumnBody, OrderBody
from rest_compat.wire import json_response, parse, read_body

_COLUMN = TypeAdapter(ColumnBody)
_ORDER = TypeAdapter(OrderBody)


async def add_column(call: Call) -> Response:
    """At the end of the table."""
    table_id = call.id("id", "Table")
    body = parse(_COLUMN, await read_body(call.request, call.limits.body_bytes))
    column = NewColumn(
        key=body.name,
        label=body.displayName,
        type=ColumnType(body.dataType),
        required=body.required,
        default_value=body.defaultValue,
        config=body.config,
    )
    try:
        made = await column_editing.add_column(call.viewer, call.storage, table_id, column)
    except Invalid as error:
        raise Invalid([_of_the_body(problem) for problem in error.problems]) from None
    return json_response(shapes.column(made, str(table_id)), 201)


async def reorder_columns(call: Call) -> Response:
    """Every column of the table, in the new order."""
    table_id = call.id("id", "Table")
    body = parse(_ORDER, await read_body(call.request, call.limits.body_bytes))
    ordered = await column_editing.reorder_columns(
        call.viewer, call.storage, table_id, body.columnIds
    )
    return json_response([shapes.column(each, str(table_id)) for each in ordered])


def _of_the_body(problem: Problem) -> Problem:
    """The body is one column, while the rules speak of a list of them."""
    path = problem.path[2:] if problem.path[:2] == ("columns", "0") else problem.path
    return replace(problem, path=path)
