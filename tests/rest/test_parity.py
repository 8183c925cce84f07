"""Both faces tell the same: what one wrote the other reads, and streams tell of both."""

import json
from typing import Any

from tests.rest.calls import Calls, column, condition, order
from tests.serving import Site

TABLES = """query($project: ID, $search: String) {
  tables(projectId: $project, search: $search) {
    id name description source createdAt updatedAt rowCount
    project { id name }
    columns { id key label type position required defaultValue config createdAt updatedAt } } }"""

TABLE = """query($id: ID!) { table(id: $id) {
    id name description source createdAt updatedAt rowCount
    project { id name }
    columns { id key label type position required defaultValue config createdAt updatedAt } } }"""

ROWS = """query($id: ID!, $first: Int!, $filter: RowFilter, $sort: [RowSortInput!],
              $search: String) {
  table(id: $id) { rows(first: $first, filter: $filter, sort: $sort, search: $search) {
    totalCount nodes { id data position createdBy createdAt updatedAt } } } }"""

PROJECT = 'mutation { projectCreate(input: {name: "Both"}) { project { id } } }'
ADD = """mutation($t: ID!, $rows: [RowAddInput!]!) {
  rowsAdd(input: {tableId: $t, rows: $rows}) { rowIds errors { message } } }"""
UPDATE = """mutation($t: ID!, $rows: [RowUpdateInput!]!) {
  rowsUpdate(input: {tableId: $t, rows: $rows}) { revision errors { message } } }"""
DELETE = """mutation($t: ID!, $ids: [ID!]!) {
  rowsDelete(input: {tableId: $t, rowIds: $ids}) { revision errors { message } } }"""
ADD_COLUMN = """mutation($t: ID!) { columnAdd(input: {tableId: $t, column: {
  key: "at", label: "At", type: DATETIME}}) { column { id } errors { message } } }"""
RENAME = """mutation($t: ID!) { tableUpdate(input: {tableId: $t, description: "by GraphQL"}) {
  table { id } errors { message } } }"""
PREVIEW = """mutation($t: ID!, $f: ID!) { importPreview(input: {tableId: $t, fileId: $f}) {
  headers sampleRows totalRows columns { key label type config } errors { message } } }"""
CHANGED = """subscription($t: ID!) { tableChanged(tableId: $t) { __typename
    ... on RowsAdded { rows { id version data } }
    ... on RowsChanged { rows { id version data } }
    ... on RowsDeleted { rowIds } } }"""

FIELDS = (
    column("name", required=True),
    column("n", "number"),
    column("ok", "boolean", defaultValue="true"),
    column("day", "date"),
    column("kind", "select", config={"options": ["a", "b"]}),
    column("link", "relation"),
    column("double", "computed", config={"formula": "{{n}} * 2", "formulaType": "arithmetic"}),
)


def as_item(table: dict[str, Any]) -> dict[str, Any]:
    """A table of GraphQL as an item of the REST list."""
    project = table["project"]
    definitions = [
        {
            "name": each["key"],
            "displayName": each["label"],
            "dataType": "date" if each["type"] == "DATETIME" else each["type"].lower(),
            "position": each["position"],
            "required": each["required"],
            "defaultValue": each["defaultValue"],
            "config": each["config"],
        }
        for each in table["columns"]
    ]
    return {
        "id": table["id"],
        "name": table["name"],
        "description": table["description"],
        "projectId": project and project["id"],
        "projectName": project and project["name"],
        "source": table["source"].lower(),
        "templateId": None,
        "columnSchema": definitions,
        "columnCount": len(definitions),
        "rowCount": table["rowCount"],
        "createdAt": table["createdAt"],
        "updatedAt": table["updatedAt"],
    }


def read(item: dict[str, Any]) -> dict[str, Any]:
    """An item of the REST list with its schema as JSON."""
    return item | {"columnSchema": json.loads(item["columnSchema"])}


def as_row(node: dict[str, Any], table_id: str) -> dict[str, Any]:
    """A row of GraphQL as the REST face shows it."""
    return node | {"tableId": table_id}


async def mixed(site: Site, calls: Calls) -> dict[str, Any]:
    """A table that both faces wrote."""
    project = (await site.graphql(PROJECT))["projectCreate"]["project"]["id"]
    table = await calls.table(*FIELDS, name="Mixed", projectId=project)
    table_id = table["id"]
    rows = await calls.add(
        table_id,
        *(
            {"name": f"r{n}", "n": n % 4 or None, "kind": "ab"[n % 2], "x": {"n": [n, None]}}
            for n in range(20)
        ),
    )
    more = [
        {"data": {"name": "é%_", "n": 12345678901234567, "day": "2026-01-31"}},
        {"data": {"NAME": "label", "N": 0.25, "link": rows[0]["id"], "ok": None}},
    ]
    added = (await site.graphql(ADD, t=table_id, rows=more))["rowsAdd"]
    assert added["errors"] == []
    await site.graphql(UPDATE, t=table_id, rows=[{"id": rows[3]["id"], "data": {"n": -1.5}}])
    await site.graphql(DELETE, t=table_id, ids=[rows[4]["id"]])
    path = f"/api/tables/{table_id}"
    answer = await calls.client.patch(
        f"{path}/rows/{added['rowIds'][0]}", json={"data": {"name": "replaced", "n": 7}}
    )
    assert answer.status_code == 200
    await calls.client.delete(f"{path}/rows/{rows[5]['id']}")
    await site.graphql(ADD_COLUMN, t=table_id)
    columns = (await calls.client.get(path)).json()["columns"]
    ids = [each["id"] for each in reversed(columns)]
    assert (await calls.client.patch(f"{path}/columns", json={"columnIds": ids})).status_code == 200
    await site.graphql(RENAME, t=table_id)
    await calls.add(table_id, {"name": "last", "at": "2026-05-05T05:05:05.678Z"})
    answer = await calls.client.get(path)
    found: dict[str, Any] = answer.json()
    return found


async def test_tables(site: Site, calls: Calls) -> None:
    table = await mixed(site, calls)
    await calls.table(name="Another, Mixed in")
    there = (await site.graphql(TABLE, id=table["id"]))["table"]
    assert as_item(there) | {"columns": table["columns"]} == read(table)
    same = [
        (each["id"], each["createdAt"], each["updatedAt"], each["name"])
        for each in table["columns"]
    ]
    assert same == [
        (each["id"], each["createdAt"], each["updatedAt"], each["key"]) for each in there["columns"]
    ]
    assert (table["description"], table["rowCount"]) == ("by GraphQL", 21)
    for query in ({}, {"search": "mIxEd"}, {"project": table["projectId"]}):
        params = {{"project": "projectId"}.get(key, key): value for key, value in query.items()}
        listed = (await calls.client.get("/api/tables", params=params)).json()
        found = (await site.graphql(TABLES, **query))["tables"]
        assert [as_item(each) for each in found] == [read(each) for each in listed]
        assert table["id"] in [each["id"] for each in listed]


def _where(name: str, operator: str, *value: Any) -> dict[str, Any]:
    given = {"column": name, "operator": operator.upper()}
    return {"where": given | ({"value": value[0]} if value else {})}


async def test_rows(site: Site, calls: Calls) -> None:
    table_id = (await mixed(site, calls))["id"]
    queries: list[tuple[list[tuple[Any, ...]], list[str], str | None]] = [
        ([], [], None),
        ([], ["n"], None),
        ([], ["-n", "kind"], None),
        ([], ["-name"], None),
        ([], ["ok", "-day", "n"], None),
        ([("n", "gte", 2)], [], None),
        ([("n", "neq", 2), ("kind", "eq", "b")], ["-n"], None),
        ([("name", "contains", "R1")], ["name"], None),
        ([("n", "in", [1, "2", 12345678901234567])], [], None),
        ([("day", "is_empty")], ["kind"], None),
        ([("double", "is_not_empty")], [], None),
        ([("link", "is_not_empty")], [], None),
        ([("at", "gt", "2026-01-01T00:00:00Z")], [], None),
        ([], [], "R1"),
        ([("kind", "is_not_empty")], ["-position"], "r"),
    ]
    totals = set()
    for conditions, keys, search in queries:
        answer = await calls.page(
            table_id,
            filters=[condition(*each) for each in conditions],
            sorts=order(*keys),
            search=search or "",
        )
        parts = [_where(*each) for each in conditions]
        sort = [
            {"column": each["column"], "direction": each["direction"].upper()}
            for each in order(*keys)
        ]
        query = {"filter": {"all": parts} if parts else None, "sort": sort, "search": search}
        page = (await site.graphql(ROWS, id=table_id, first=100, **query))["table"]["rows"]
        rows = answer.json()
        assert [as_row(node, table_id) for node in page["nodes"]] == rows, conditions
        assert [list(node["data"]) for node in page["nodes"]] == [list(row["data"]) for row in rows]
        assert int(answer.headers["x-total-count"]) == page["totalCount"]
        totals.add(page["totalCount"])
    assert len(totals) > 5


async def test_previews(site: Site, calls: Calls) -> None:
    table = await calls.table()
    file = await calls.upload(b"Who,How many\nAda,5\nBob,\n")
    seen = await calls.import_(table["id"], file["id"], preview=True)
    there = (await site.graphql(PREVIEW, t=table["id"], f=file["id"]))["importPreview"]
    suggested = [
        {"name": each["key"], "displayName": each["label"], "dataType": each["type"].lower()}
        for each in there["columns"]
    ]
    assert (there["errors"], suggested) == ([], seen["inferredColumns"])
    for key in ("headers", "sampleRows", "totalRows"):
        assert there[key] == seen[key]


async def test_streams_tell_of_both_faces(site: Site, calls: Calls) -> None:
    table = await calls.table(column("a"), column("b", "number"))
    table_id = table["id"]
    path = f"/api/tables/{table_id}/rows"
    async with site.socket() as socket:
        await socket.subscribe("1", CHANGED, t=table_id)
        assert (await socket.event("1"))["__typename"] == "StreamStarted"
        [row] = await calls.add(table_id, {"a": "x", "free": 1})
        event = await socket.event("1")
        assert event == {
            "__typename": "RowsAdded",
            "rows": [{"id": row["id"], "version": 1, "data": row["data"]}],
        }
        answer = await calls.client.patch(f"{path}/{row['id']}", json={"data": {"b": "5"}})
        event = await socket.event("1")
        assert event == {
            "__typename": "RowsChanged",
            "rows": [{"id": row["id"], "version": 2, "data": answer.json()["data"]}],
        }
        await site.graphql(UPDATE, t=table_id, rows=[{"id": row["id"], "data": {"a": "y"}}])
        event = await socket.event("1")
        [shown] = await calls.rows(table_id)
        assert event["rows"] == [{"id": row["id"], "version": 3, "data": shown["data"]}]
        assert shown["data"] == {"a": "y", "b": 5}
        await calls.client.delete(f"{path}/{row['id']}")
        assert await socket.event("1") == {"__typename": "RowsDeleted", "rowIds": [row["id"]]}
        # A delete of what is gone, and refused writes, are no changes: the next event is the add.
        await calls.client.delete(f"{path}/{row['id']}")
        refused = await calls.client.post(path, json={"rows": [{"data": {"b": "no number"}}]})
        assert refused.status_code == 400
        added = (await site.graphql(ADD, t=table_id, rows=[{"data": {"b": 1}}]))["rowsAdd"]
        event = await socket.event("1")
        assert [each["id"] for each in event["rows"]] == added["rowIds"]
        assert [each["id"] for each in await calls.rows(table_id)] == added["rowIds"]
