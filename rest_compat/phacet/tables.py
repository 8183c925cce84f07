"""Tables: their structure, which is made elsewhere."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from starlette.responses import Response

from domain import tables
from domain.entities import Table, TableSearch
from rest_compat.endpoints import Call
from rest_compat.phacet import shapes
from rest_compat.wire import json_response


async def exists(call: Call) -> None:
    """Raises `NotFound` unless the table in the path is there."""
    await tables.get_table(call.viewer, call.storage, call.id("tableId", "Table"))


async def get_table(call: Call) -> Response:
    """A table with its columns and sessions."""
    table_id = call.id("tableId", "Table")
    found = await tables.get_table(call.viewer, call.storage, table_id)
    [made] = await shown(call, [found])
    return json_response(made)


async def list_tables(call: Call) -> Response:
    """All tables, those of no project too, oldest first: three statements."""
    found = await tables.list_tables(call.viewer, call.storage, TableSearch())
    return json_response(await shown(call, sorted(found, key=by_age)))


async def shown(call: Call, found: Sequence[Table]) -> list[dict[str, Any]]:
    """Tables in the form of answers, in two statements."""
    organization_id, table_ids = call.viewer.organization_id, [table.id for table in found]
    columns = await call.storage.columns.of_tables(organization_id, table_ids)
    sessions = await call.storage.tables.sessions_of(organization_id, table_ids)
    return [
        shapes.table(table, columns.get(table.id, []), sessions.get(table.id, []))
        for table in found
    ]


def by_age(table: Table) -> tuple[datetime, UUID]:
    """The key to sort tables by, oldest first."""
    return table.created_at, table.id
