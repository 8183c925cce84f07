"""The documents and shortcuts that the tests of the GraphQL face share."""

import dataclasses
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from domain import keys
from domain.access import Role, Viewer
from domain.keys import ApiKeyCreate
from persistence import organizations
from tests.serving import Site

ERRORS = "errors { code message path rowIndex expectedVersion actualVersion }"

ADD = f"""mutation($t: ID!, $rows: [RowAddInput!]!) {{
  rowsAdd(input: {{tableId: $t, rows: $rows}}) {{ rowIds revision {ERRORS} }} }}"""

UPDATE = f"""mutation($t: ID!, $rows: [RowUpdateInput!]!, $mode: RowsUpdateMode! = MERGE) {{
  rowsUpdate(input: {{tableId: $t, mode: $mode, rows: $rows}}) {{
    revision rows {{ id version data }} {ERRORS} }} }}"""

TABLE = f"""mutation($name: String!, $columns: [ColumnInput!]!) {{
  tableCreate(input: {{name: $name, columns: $columns}}) {{ table {{ id }} {ERRORS} }} }}"""

PAGE = """query($t: ID!, $first: Int, $after: String, $last: Int, $before: String,
  $filter: RowFilter, $sort: [RowSortInput!], $search: String) {
  table(id: $t) { rows(first: $first, after: $after, last: $last, before: $before,
    filter: $filter, sort: $sort, search: $search) {
    nodes { id data } totalCount
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } } }"""


async def ask(
    site: Site, query: str, variables: dict[str, Any] | None = None, *, key: str | None = None
) -> dict[str, Any]:
    """The whole answer, errors and all."""
    async with site.client(key) as client:
        answer = await client.post("/graphql", json={"query": query, "variables": variables or {}})
    body: dict[str, Any] = answer.json()
    return body


async def new_table(site: Site, *columns: dict[str, Any] | str, name: str = "Test") -> str:
    """A table; a plain name makes a text column."""
    given = [{"key": each} if isinstance(each, str) else each for each in columns]
    made = (await site.graphql(TABLE, name=name, columns=given))["tableCreate"]
    assert made["errors"] == []
    return str(made["table"]["id"])


async def add(site: Site, table_id: str, *rows: dict[str, Any]) -> list[str]:
    """Rows with this data; their ids."""
    given = [{"data": row} for row in rows]
    made = (await site.graphql(ADD, t=table_id, rows=given))["rowsAdd"]
    assert made["errors"] == []
    ids: list[str] = made["rowIds"]
    return ids


async def page(site: Site, table_id: str, **arguments: Any) -> dict[str, Any]:
    """A page of rows."""
    found: dict[str, Any] = (await site.graphql(PAGE, t=table_id, **arguments))["table"]["rows"]
    return found


def codes(body: dict[str, Any]) -> list[str]:
    """The codes of an answer's top-level errors."""
    return [error["extensions"]["code"] for error in body.get("errors", [])]


@asynccontextmanager
async def another_organization(site: Site) -> AsyncIterator[Site]:
    """The same application with the admin key of another organisation."""
    async with site.gateway.database.transaction() as session:
        organization = await organizations.create(session, "Stranger")
    viewer = Viewer(organization.id, Role.ADMIN)
    made = await keys.create_key(viewer, site.gateway.storage, ApiKeyCreate("a", Role.ADMIN))
    stranger = dataclasses.replace(site, key=made.secret, viewer=viewer)
    async with stranger.client() as shared:
        yield dataclasses.replace(stranger, shared=shared)
