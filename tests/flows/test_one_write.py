"""One write by REST: history, subscription, trigger, chart, export and the past tell of the same
revision and the same values."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.rest.calls import Calls, column
from tests.serving import Site, serve
from tests.triggers.automation import running_worker
from tests.waiting import eventually

_LIVE = """subscription($id: ID!, $after: Int!) { tableChanged(tableId: $id, after: $after) {
  __typename ... on StreamStarted { revision }
  ... on RowsChanged { revision columns rows { id version data } } } }"""
_CHART = """subscription($id: ID!) { chartChanged(chartId: $id) { __typename
  ... on ChartSnapshot { revision points { key x y } }
  ... on ChartPointsChanged { revision upserted { key x y } removed } } }"""
_MAKE_CHART = """mutation($id: ID!) { chartCreate(input: {tableId: $id, name: "Totals", type: BAR,
  xColumn: "kind", yColumn: "total", aggregation: SUM}) { chart { id } errors { message } } }"""
_READ = """query($id: ID!, $revision: Int!, $chart: ID!, $trigger: ID!) {
  table(id: $id) {
    now: rows { nodes { id version data } }
    past: rows(asOf: {revision: $revision}) { nodes { id version data } }
    before: rows(asOf: {revision: 2}) { nodes { data } }
    history(first: 1) { nodes { rowId version revision action changed data previousData } }
    diff(from: {revision: 2}, to: {revision: $revision}) { nodes { __typename } }
  }
  chart(id: $chart) { data { revision points { key x y } } }
  trigger(id: $trigger) { fireCount firings { nodes { status revision rowId input } } }
}"""


@pytest.fixture
async def site(
    postgres_url: str, redis_url: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Site]:
    """The application with an organisation of its own."""
    async with serve(postgres_url, redis_url, tmp_path_factory.mktemp("data")) as opened:
        yield opened


async def _table(calls: Calls) -> dict[str, Any]:
    total = {"formula": "{{price}} * {{quantity}}", "formulaType": "arithmetic"}
    table = await calls.table(
        column("item", required=True),
        column("kind", "select", config={"options": ["tool", "food"]}),
        column("price", "number"),
        column("quantity", "number"),
        column("total", "computed", config=total),
    )
    await calls.add(
        table["id"],
        {"item": "saw", "kind": "tool", "price": 20, "quantity": 2},
        {"item": "plum", "kind": "food", "price": 0.5, "quantity": 10},
    )
    return table


async def _trigger(calls: Calls, table_id: str) -> str:
    body = {
        "name": "Dear things",
        "triggerEvent": "row_updated",
        "condition": {"column": "total", "operator": "gte", "value": 100},
        "actionType": "create_task",
        "actionConfig": {"title": "Look at it"},
    }
    answer = await calls.client.post(f"/api/tables/{table_id}/triggers", json=body)
    assert answer.status_code == 201, answer.text
    made: str = answer.json()["id"]
    return made


async def test_one_write_is_told_everywhere_alike(site: Site, postgres_url: str) -> None:
    calls = Calls(site.shared)
    table = await _table(calls)
    id_ = table["id"]
    trigger = await _trigger(calls, id_)
    chart = (await site.graphql(_MAKE_CHART, id=id_))["chartCreate"]["chart"]["id"]
    [saw, _] = await calls.rows(id_)
    async with (
        running_worker(postgres_url, site.gateway.database),
        site.socket(site.key) as socket,
    ):
        await socket.subscribe("rows", _LIVE, id=id_, after=2)
        await socket.subscribe("chart", _CHART, id=chart)
        assert (await socket.event("rows"))["__typename"] == "StreamStarted"
        snapshot = await socket.event("chart")
        assert {each["x"]: each["y"] for each in snapshot["points"]} == {"tool": 40, "food": 5}

        data = {"item": "saw", "kind": "tool", "price": 25.5, "quantity": 4}
        answer = await calls.client.patch(
            f"/api/tables/{id_}/rows/{saw['id']}", json={"data": data}
        )
        row = answer.json()
        assert row["data"] == {**data, "total": 102}

        changed = await socket.events_until("rows", lambda e: e["__typename"] == "RowsChanged")
        revision = changed[-1]["revision"]
        [moved] = await socket.events_until(
            "chart", lambda e: e["__typename"] == "ChartPointsChanged"
        )

        async def has_fired() -> bool:
            told = await calls.client.get(f"/api/tables/{id_}/triggers")
            return bool(told.json()[0]["fireCount"] == 1)

        await eventually(has_fired)

    # The stream.
    assert changed[-1]["rows"] == [{"id": saw["id"], "version": 2, "data": row["data"]}]
    assert changed[-1]["columns"] == ["price", "quantity", "total"]
    # The chart: what moved, and a fresh query.
    assert moved["revision"] == revision
    assert [(each["x"], each["y"]) for each in moved["upserted"]] == [("tool", 102)]
    read = await site.graphql(_READ, id=id_, revision=revision, chart=chart, trigger=trigger)
    assert read["chart"]["data"]["revision"] == revision
    points = {each["key"]: each for each in snapshot["points"]} | {
        each["key"]: each for each in moved["upserted"]
    }
    assert {each["key"]: each for each in read["chart"]["data"]["points"]} == points
    # History, the past and the present.
    [entry] = read["table"]["history"]["nodes"]
    assert (entry["revision"], entry["rowId"], entry["version"]) == (revision, saw["id"], 2)
    assert (entry["action"], entry["data"]) == ("UPDATE", row["data"])
    assert entry["previousData"] == saw["data"]
    assert read["table"]["past"] == read["table"]["now"]
    assert read["table"]["now"]["nodes"][0]["data"] == row["data"]
    assert read["table"]["before"]["nodes"][0]["data"] == saw["data"]
    assert len(read["table"]["diff"]["nodes"]) == 1
    told = (await calls.client.get(f"/api/tables/{id_}/rows/{saw['id']}/history")).json()
    assert [each["data"] for each in told] == [row["data"], saw["data"]]
    # The trigger.
    [firing] = read["trigger"]["firings"]["nodes"]
    assert (read["trigger"]["fireCount"], firing["status"]) == (1, "SUCCEEDED")
    assert (firing["revision"], firing["rowId"]) == (revision, saw["id"])
    assert firing["input"]["data"] == row["data"]
    assert firing["input"]["previousData"] == saw["data"]
    # The export.
    export = await calls.client.get(f"/export/{id_}", params={"format": "json"})
    assert export.headers["x-revision"] == str(revision)
    assert json.loads(export.content)[0] == row["data"]
