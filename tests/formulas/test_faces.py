"""Computed columns as clients meet them: GraphQL, REST and streams."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.serving import Site, Socket, serve

COLUMNS = """[
  {key: "name", type: TEXT}, {key: "n", type: NUMBER},
  {key: "double", type: COMPUTED, config: {formula: "{{n}} * 2"}},
  {key: "hello", type: COMPUTED, config: {formula: "if(n > 0, 'Hi ' + name, n / 0)"}},
  {key: "share", type: COMPUTED, config: {formula: "n / sum(n)"}},
  {key: "today", type: COMPUTED, config: {formula: "today()"}}]"""

CREATE = f"""mutation {{ tableCreate(input: {{name: "Formulas", columns: {COLUMNS}}}) {{
  table {{ id }} errors {{ code message path }} }} }}"""

ADD = """mutation($t: ID!, $rows: [RowAddInput!]!) {
  rowsAdd(input: {tableId: $t, rows: $rows}) { rowIds errors { message } } }"""

UPDATE = """mutation($t: ID!, $rows: [RowUpdateInput!]!) {
  rowsUpdate(input: {tableId: $t, rows: $rows}) { revision errors { message } } }"""

DELETE = """mutation($t: ID!, $ids: [ID!]!) {
  rowsDelete(input: {tableId: $t, rowIds: $ids}) { revision errors { message } } }"""

CELLS = """query($t: ID!, $filter: RowFilter) { table(id: $t) {
  rows(first: 10, filter: $filter, sort: [{column: "double"}]) {
    nodes { data cells { column { key } status value } } } } }"""

CHANGED = """subscription($t: ID!, $filter: RowFilter) {
  tableChanged(tableId: $t, filter: $filter) {
    __typename
    ... on RowsAdded { rows { data } recompute }
    ... on RowsChanged { rows { data } columns entered { data } left recompute }
    ... on RowsEntered { rows { data } recompute }
    ... on RowsLeft { rowIds reason recompute }
    ... on RowsDeleted { rowIds recompute } } }"""

STATUSES = """subscription($t: ID!) { cellStatusChanged(tableId: $t) {
  __typename ... on CellStatusesChanged { cells { column previousStatus status value } } } }"""


@pytest.fixture
async def site(postgres_url: str, redis_url: str, tmp_path: Path) -> AsyncIterator[Site]:
    async with serve(postgres_url, redis_url, tmp_path) as opened:
        yield opened


async def _table(site: Site) -> str:
    made = (await site.graphql(CREATE))["tableCreate"]
    assert made["errors"] == []
    return str(made["table"]["id"])


async def _add(site: Site, table_id: str, *data: dict[str, Any]) -> list[str]:
    rows = [{"data": each} for each in data]
    added = (await site.graphql(ADD, t=table_id, rows=rows))["rowsAdd"]
    assert added["errors"] == []
    ids: list[str] = added["rowIds"]
    return ids


async def test_cells_are_resolved_unless_they_are_null(site: Site) -> None:
    table_id = await _table(site)
    await _add(site, table_id, {"name": "Ann", "n": 2}, {"n": -1})
    found = (await site.graphql(CELLS, t=table_id))["table"]["rows"]["nodes"]
    data = [row["data"] for row in found]
    assert [(row["double"], row["hello"], row["share"]) for row in data] == [
        (-2, None, -1),
        (4, "Hi Ann", 2),
    ]
    for row in found:
        for cell in row["cells"]:
            assert cell["value"] == row["data"][cell["column"]["key"]]
            assert cell["status"] == ("INITIALIZED" if cell["value"] is None else "RESOLVED")


async def test_rest_shows_and_filters_what_graphql_does(site: Site) -> None:
    table_id = await _table(site)
    await _add(site, table_id, {"name": "Ann", "n": 2}, {"name": "Bob", "n": 3})
    where = {"where": {"column": "hello", "operator": "CONTAINS", "value": "bob"}}
    wanted = (await site.graphql(CELLS, t=table_id, filter=where))["table"]["rows"]["nodes"]
    filters = '[{"column": "hello", "operator": "contains", "value": "bob"}]'
    sorts = '[{"column": "double", "direction": "asc"}]'
    async with site.client() as client:
        path = f"/api/tables/{table_id}/rows"
        answer = await client.get(path, params={"filters": filters, "sorts": sorts})
        (shown,) = answer.json()
        assert shown["data"] == wanted[0]["data"]
        assert shown["data"]["double"] == 6
        added = await client.post(path, json={"rows": [{"data": {"n": 5, "double": 1}}]})
        assert added.json()[0]["data"]["double"] == 10


async def test_both_faces_refuse_a_formula_with_its_place(site: Site) -> None:
    table_id = await _table(site)
    add = """mutation($t: ID!, $c: ColumnInput!) { columnAdd(input: {tableId: $t, column: $c}) {
      column { id } errors { code message path } } }"""
    given = {"key": "x", "type": "COMPUTED", "config": {"formula": "(n + )"}}
    message = "config.formula: expected a value, found ) at position 6"
    made = (await site.graphql(add, t=table_id, c=given))["columnAdd"]
    assert made == {
        "column": None,
        "errors": [{"code": "INVALID", "message": message, "path": ["column", "config"]}],
    }
    async with site.client() as client:
        body = {"name": "x", "displayName": "X", "dataType": "computed"}
        answer = await client.post(
            f"/api/tables/{table_id}/columns", json=body | {"config": {"formula": "(n + )"}}
        )
    assert answer.status_code == 400
    assert answer.json() == {"error": {"formErrors": [], "fieldErrors": {"config": [message]}}}


async def _started(socket: Socket, table_id: str, **variables: Any) -> None:
    await socket.subscribe("1", CHANGED, t=table_id, **variables)
    assert (await socket.event("1"))["__typename"] == "StreamStarted"


async def test_events_tell_what_follows_from_the_row_and_name_the_rest(site: Site) -> None:
    table_id = await _table(site)
    async with site.socket() as socket:
        await _started(socket, table_id)
        (row_id,) = await _add(site, table_id, {"name": "Ann", "n": 2})
        added = await socket.event("1")
        assert added["recompute"] == ["share", "today"]
        assert added["rows"][0]["data"] == {
            "name": "Ann",
            "n": 2,
            "double": 4,
            "hello": "Hi Ann",
            "share": None,
            "today": None,
        }
        await site.graphql(UPDATE, t=table_id, rows=[{"id": row_id, "data": {"n": 5}}])
        changed = await socket.event("1")
        assert changed["columns"] == ["n", "double"]
        assert changed["rows"][0]["data"]["double"] == 10
        assert changed["recompute"] == ["share", "today"]
        await site.graphql(DELETE, t=table_id, ids=[row_id])
        gone = await socket.event("1")
        assert (gone["rowIds"], gone["recompute"]) == ([row_id], ["share", "today"])


async def test_a_stream_is_filtered_by_formulas(site: Site) -> None:
    table_id = await _table(site)
    where = {"where": {"column": "double", "operator": "GT", "value": 10}}
    async with site.socket() as socket:
        await _started(socket, table_id, filter=where)
        (row_id,) = await _add(site, table_id, {"n": 1})
        for n, kind in ((6, "RowsEntered"), (7, "RowsChanged"), (2, "RowsLeft")):
            await site.graphql(UPDATE, t=table_id, rows=[{"id": row_id, "data": {"n": n}}])
            event = await socket.event("1")
            assert event["__typename"] == kind
            if kind != "RowsLeft":
                assert event["rows"][0]["data"]["double"] == 2 * n


async def test_statuses_of_formulas_move_with_their_row(site: Site) -> None:
    table_id = await _table(site)
    async with site.socket() as socket:
        await socket.subscribe("1", STATUSES, t=table_id)
        await socket.event("1")
        (row_id,) = await _add(site, table_id, {"name": "Ann", "n": 0})
        await socket.event("1")
        await site.graphql(UPDATE, t=table_id, rows=[{"id": row_id, "data": {"n": 1}}])
        event = await asyncio.wait_for(socket.event("1"), 20)
    assert event["cells"] == [
        {
            "column": "hello",
            "previousStatus": "INITIALIZED",
            "status": "RESOLVED",
            "value": "Hi Ann",
        }
    ]
