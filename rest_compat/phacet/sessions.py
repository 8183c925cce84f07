"""Sessions: groups of rows of a table."""

from pydantic import TypeAdapter
from starlette.responses import Response

from domain import numbers, tables
from rest_compat.endpoints import Call
from rest_compat.phacet import shapes
from rest_compat.phacet.bodies import SessionBody
from rest_compat.wire import bounded, json_response, parse

_SESSION = TypeAdapter(SessionBody)


async def create_session(call: Call) -> Response:
    """A new session; an empty body asks for one with a name of ours."""
    table_id = call.id("tableId", "Table")
    chunks = bounded(call.request, call.limits.body_bytes)
    text = b"".join([chunk async for chunk in chunks])
    body = parse(_SESSION, numbers.loads(text) if text.strip() else {})
    made = await tables.create_session(call.viewer, call.storage, table_id, body.name)
    return json_response(shapes.session(made), 201)
