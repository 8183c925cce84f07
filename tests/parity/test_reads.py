"""Each read of the Tables API has its equal in GraphQL. Tables and rows are compared in
`tests/rest/test_parity.py`; here is everything else."""

import json
from typing import Any

import pytest

from rest_compat.stagent.routes import ENDPOINTS
from tests.rest.calls import Calls, column
from tests.serving import Site

#: Each read, and the test that compares it.
COMPARED = {
    "/api/tables": "test_parity.test_tables",
    "/api/tables/{id}": "test_parity.test_tables",
    "/api/tables/{id}/rows": "test_parity.test_rows",
    "/api/tables/{id}/export": "test_exports",
    "/api/tables/{id}/triggers": "test_triggers",
    "/api/tables/{id}/charts": "test_charts",
    "/api/tables/{id}/history": "test_history",
    "/api/tables/{id}/rows/{rowId}/history": "test_history",
    "/api/tables/templates": "test_templates",
    "/api/tables/{id}/enrich/runs": "test_enrichment_runs",
    "/api/uploads/{id}": "the bytes of a file, which GraphQL does not carry",
}

ROWS = """query($id: ID!, $asOf: AsOfInput) {
  table(id: $id) { rows(first: 1000, asOf: $asOf) { revision nodes { id data } } } }"""
EXPORT_URL = """query($id: ID!, $format: ExportFormat!) {
  table(id: $id) { exportUrl(format: $format) } }"""
TRIGGERS = """query($id: ID!) { table(id: $id) { triggers {
  id name event condition actionType actionConfig status fireCount lastFiredAt
  createdAt updatedAt } } }"""
CHARTS = "query($id: ID!) { table(id: $id) { charts { id name config createdAt updatedAt } } }"
HISTORY = """query($id: ID!, $row: ID, $first: Int!) { table(id: $id) {
  history(first: $first, rowId: $row) { nodes {
    id rowId version revision action data previousData actorName createdAt } } } }"""
TEMPLATES = """query($category: TemplateCategory, $scope: TemplateScope) {
  templates(category: $category, scope: $scope) {
    id name description category scope icon sampleData createdAt updatedAt
    columns { key label type required defaultValue config } } }"""


ENRICHMENTS = """query($id: ID!, $first: Int!) { enrichmentRuns(tableId: $id, first: $first) {
  id name status plan { strategy promptMode targetColumn targetLabel } rowsQueued rowsCompleted
  createdAt updatedAt } }"""


def test_every_read_is_compared() -> None:
    reads = {endpoint.path for endpoint in ENDPOINTS if endpoint.method == "GET"}
    assert reads == set(COMPARED)


async def table_of(calls: Calls) -> tuple[str, list[str]]:
    """A table with rows that were added, changed and deleted, and its rows' ids."""
    table = await calls.table(column("name"), column("n", "number"), column("day", "date"))
    path = f"/api/tables/{table['id']}/rows"
    rows = await calls.add(
        table["id"], *({"name": f"r{n}", "n": n / 4, "day": "2026-01-31"} for n in range(6))
    )
    ids = [row["id"] for row in rows]
    await calls.client.patch(f"{path}/{ids[1]}", json={"data": {"name": "new", "more": [1]}})
    await calls.client.delete(f"{path}/{ids[2]}")
    return table["id"], ids


async def got(calls: Calls, path: str, **query: Any) -> Any:
    """The answer of the Tables API."""
    answer = await calls.client.get(path, params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.mark.parametrize("format_", ["json", "csv"])
async def test_exports(site: Site, calls: Calls, format_: str) -> None:
    table_id, _ = await table_of(calls)
    answer = await calls.client.get(f"/api/tables/{table_id}/export", params={"format": format_})
    url = (await site.graphql(EXPORT_URL, id=table_id, format=format_.upper()))["table"]
    ours = await calls.client.get(url["exportUrl"])
    assert ours.content == answer.content
    assert ours.headers["content-disposition"] == answer.headers["content-disposition"]
    revision = int(answer.headers["x-revision"])
    for as_of in (None, {"revision": revision}):
        page = (await site.graphql(ROWS, id=table_id, asOf=as_of))["table"]["rows"]
        assert page["revision"] == revision
        if format_ == "json":
            assert [row["data"] for row in page["nodes"]] == answer.json()


async def test_triggers(site: Site, calls: Calls) -> None:
    table_id, _ = await table_of(calls)
    path = f"/api/tables/{table_id}/triggers"
    for name, condition in (
        ("one", None),
        ("two", {"column": "n", "operator": "gt", "value": 0.5}),
    ):
        body = {
            "name": name,
            "triggerEvent": "row_updated",
            "actionType": "create_task",
            "actionConfig": {"title": "Look"},
            "condition": condition,
        }
        assert (await calls.client.post(path, json=body)).status_code == 201
    listed = await got(calls, path)
    there = (await site.graphql(TRIGGERS, id=table_id))["table"]["triggers"]
    assert len(listed) == 2
    for item, node in zip(listed, there, strict=True):
        assert item["tableId"] == table_id
        assert item["triggerEvent"] == node["event"].lower()
        assert item["actionType"] == node["actionType"].lower()
        assert item["status"] == node["status"].lower()
        assert (item["condition"] is None) is (node["condition"] is None)
        same = ("id", "name", "fireCount", "lastFiredAt", "createdAt", "updatedAt", "actionConfig")
        assert {key: item[key] for key in same} == {key: node[key] for key in same}


async def test_charts(site: Site, calls: Calls) -> None:
    table_id, _ = await table_of(calls)
    path = f"/api/tables/{table_id}/charts"
    for body in (
        {"type": "bar", "title": "Sums", "xColumn": "day", "yColumn": "n", "aggregation": "sum"},
        {"type": "pie", "title": "Counts", "xColumn": "name"},
    ):
        assert (await calls.client.post(path, json=body)).status_code == 201
    listed = await got(calls, path)
    there = (await site.graphql(CHARTS, id=table_id))["table"]["charts"]
    assert len(listed) == 2
    same = ("id", "name", "config", "createdAt", "updatedAt")
    assert [{key: item[key] for key in same} for item in listed] == there
    assert {(item["tableId"], item["type"], item["isDefault"]) for item in listed} == {
        (table_id, "chart", False)
    }


async def test_history(site: Site, calls: Calls) -> None:
    table_id, ids = await table_of(calls)
    path = f"/api/tables/{table_id}"
    whole = await got(calls, f"{path}/history")
    entry = next(each for each in whole if each["action"] == "create")
    undone = await calls.client.post(
        f"{path}/rows/{entry['rowId']}/history", json={"historyEntryId": entry["id"]}
    )
    assert undone.json() == {"ok": True}
    for row_id, read, most in (
        (None, f"{path}/history", 100),
        (None, f"{path}/history?limit=3", 3),
        *((row_id, f"{path}/rows/{row_id}/history", 50) for row_id in ids[:3]),
    ):
        listed = await got(calls, read) if "?" not in read else await limited(calls, read)
        found = await site.graphql(HISTORY, id=table_id, row=row_id, first=most)
        nodes = found["table"]["history"]["nodes"]
        assert listed
        same = ("id", "rowId", "version", "revision", "data", "previousData", "createdAt")
        assert [{key: item[key] for key in same} for item in listed] == [
            {key: node[key] for key in same} for node in nodes
        ]
        assert [item["action"] for item in listed] == [node["action"].lower() for node in nodes]


async def limited(calls: Calls, path: str) -> Any:
    """A read whose address has a query already."""
    answer = await calls.client.get(path)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_templates(site: Site, calls: Calls) -> None:
    table_id, _ = await table_of(calls)
    body = {"tableId": table_id, "name": "Mine", "category": "pm", "includeSampleData": True}
    assert (await calls.client.post("/api/tables/templates", json=body)).status_code == 201
    for query in ({}, {"category": "pm"}, {"scope": "user"}):
        listed = (await got(calls, "/api/tables/templates", **query))["templates"]
        upper = {key: value.upper() for key, value in query.items()}
        there = (await site.graphql(TEMPLATES, **upper))["templates"]
        assert [as_item(each) for each in there] == [read(each) for each in listed]
        assert "Mine" in [each["name"] for each in listed]


def as_item(node: dict[str, Any]) -> dict[str, Any]:
    """A template of GraphQL as the Tables API shows it."""
    columns = [
        {
            "name": each["key"],
            "displayName": each["label"],
            "dataType": "date" if each["type"] == "DATETIME" else each["type"].lower(),
            "required": each["required"],
            "defaultValue": each["defaultValue"],
            "config": each["config"],
        }
        for each in node["columns"]
    ]
    words = {key: node[key].lower() for key in ("category", "scope")}
    return node | words | {"columns": columns}


def read(item: dict[str, Any]) -> dict[str, Any]:
    """A template of the Tables API without what GraphQL says by order."""
    more = ("position", "computedBy")
    columns = [
        {key: value for key, value in each.items() if key not in more} for each in item["columns"]
    ]
    found: dict[str, Any] = json.loads(json.dumps(item | {"columns": columns}))
    return found


async def test_enrichment_runs(site: Site, calls: Calls) -> None:
    table_id, _ = await table_of(calls)
    path = f"/api/tables/{table_id}/enrich"
    for body in (
        {"targetColumn": "name"},
        {"targetColumn": "n", "prompt": "Research {{row.name}}", "workflowName": "Numbers"},
    ):
        assert (await calls.client.post(path, json=body)).status_code == 202
    for limit in (5, 1):
        answer = await calls.client.get(f"{path}/runs", params={"limit": str(limit)})
        listed = answer.json()
        there = (await site.graphql(ENRICHMENTS, id=table_id, first=limit))["enrichmentRuns"]
        assert len(listed) == min(limit, 2)
        for item, node in zip(listed, there, strict=True):
            plan = node["plan"]
            assert item["workflowId"] == node["id"]
            assert item["status"] == node["status"].lower()
            assert item["strategy"] == plan["strategy"].lower().replace("_", "-")
            assert item["promptMode"] == plan["promptMode"].lower()
            assert item["targetColumn"] == plan["targetColumn"]
            assert item["targetColumnLabel"] == plan["targetLabel"]
            same = ("name", "rowsQueued", "rowsCompleted", "createdAt", "updatedAt")
            assert {key: item[key] for key in same} == {key: node[key] for key in same}
