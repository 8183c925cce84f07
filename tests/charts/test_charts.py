"""Charts over real sockets: the Tables API byte by byte, and what charts show."""

import re
from typing import Any

from tests.charts.drawing import UPDATE, data_of, new_chart, points_of
from tests.gql.documents import add, new_table
from tests.rest.calls import UNKNOWN, Calls, column, fields, refused
from tests.serving import Site

REQUIRED = "type, title, and xColumn are required"
_MOMENT = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"


async def chart_of(calls: Calls, table_id: str, **body: Any) -> dict[str, Any]:
    answer = await calls.client.post(f"/api/tables/{table_id}/charts", json=body)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def test_a_chart_is_made_listed_changed_and_deleted(calls: Calls) -> None:
    table = await calls.table(column("status"), column("amount", "number"))
    path = f"/api/tables/{table['id']}/charts"
    assert (await calls.client.get(path)).json() == []
    made = await chart_of(
        calls,
        table["id"],
        type="bar",
        title="By status",
        xColumn="status",
        yColumn="amount",
        aggregation="sum",
    )
    assert set(made) == {"id", "name"}
    assert made["name"] == "By status"
    [listed] = (await calls.client.get(path)).json()
    config = {"type": "bar", "xColumn": "status", "yColumn": "amount", "aggregation": "sum"}
    assert re.fullmatch(_MOMENT, listed["createdAt"])
    assert listed == {
        "id": made["id"],
        "tableId": table["id"],
        "type": "chart",
        "name": "By status",
        "isDefault": False,
        "config": config,
        "createdAt": listed["createdAt"],
        "updatedAt": listed["createdAt"],
    }
    one = f"{path}/{made['id']}"
    answer = await calls.client.patch(one, json={"type": "pie", "title": "Slices"})
    assert answer.status_code == 200
    changed = answer.json()
    assert changed["config"] == config | {"type": "pie"}
    assert changed["name"] == "Slices"
    assert changed["updatedAt"] > listed["updatedAt"]
    answer = await calls.client.patch(one, json={"yColumn": None, "aggregation": "median"})
    assert answer.json()["config"] == config | {
        "type": "pie",
        "yColumn": None,
        "aggregation": "median",
    }
    assert (await calls.client.patch(one, json={"unknown": 1})).json() == answer.json()
    answer = await calls.client.delete(one)
    assert (answer.status_code, answer.content) == (204, b"")
    refused(await calls.client.delete(one), 404, "Chart not found")
    refused(await calls.client.patch(one, json={}), 404, "Chart not found")
    assert (await calls.client.get(path)).json() == []


async def test_what_clients_of_the_original_send_is_taken(calls: Calls) -> None:
    table = await calls.table()
    await chart_of(calls, table["id"], type="line", title="T", xColumn="nowhere", yColumn=None)
    await chart_of(calls, table["id"], type="donut", title="T", xColumn="x", aggregation="p95")
    found = (await calls.client.get(f"/api/tables/{table['id']}/charts")).json()
    assert [each["config"] for each in found] == [
        {"type": "line", "xColumn": "nowhere", "yColumn": None, "aggregation": None},
        {"type": "donut", "xColumn": "x", "yColumn": None, "aggregation": "p95"},
    ]


async def test_what_is_wrong_is_told(calls: Calls) -> None:
    table = await calls.table()
    path = f"/api/tables/{table['id']}/charts"
    good = {"type": "bar", "title": "T", "xColumn": "x"}
    for name in good:
        for bad in ({**good, name: ""}, {key: good[key] for key in good if key != name}):
            refused(await calls.client.post(path, json=bad), 400, REQUIRED)
    refused(await calls.client.post(path, json=[]), 400, REQUIRED)
    refused(await calls.client.post(path, content=b"{"), 400, "Invalid JSON body")
    wrong = await calls.client.post(path, json={**good, "type": 5, "yColumn": []})
    errors = {name: ["Input should be a valid string"] for name in ("type", "yColumn")}
    refused(wrong, 400, fields(**errors))
    for unknown in UNKNOWN:
        place = f"/api/tables/{unknown}/charts"
        refused(await calls.client.get(place), 404, "Table not found")
        refused(await calls.client.post(place, json=good), 404, "Table not found")
        refused(await calls.client.post(place, json={}), 404, "Table not found")
        refused(await calls.client.patch(f"{path}/{unknown}", json=3), 404, "Chart not found")
        refused(await calls.client.delete(f"{path}/{unknown}"), 404, "Chart not found")
    made = await chart_of(calls, table["id"], **good)
    other = await calls.table()
    elsewhere = f"/api/tables/{other['id']}/charts/{made['id']}"
    refused(await calls.client.patch(elsewhere, json={}), 404, "Chart not found")
    refused(await calls.client.delete(elsewhere), 404, "Chart not found")


async def test_a_chart_goes_with_its_table(calls: Calls, site: Site) -> None:
    table = await calls.table(column("a"))
    made = await chart_of(calls, table["id"], type="bar", title="T", xColumn="a")
    assert (await calls.client.delete(f"/api/tables/{table['id']}")).status_code == 204
    query = "query($id: ID!) { chart(id: $id) { id } node(id: $id) { id } }"
    assert await site.graphql(query, id=made["id"]) == {"chart": None, "node": None}
    path = f"/api/tables/{table['id']}/charts"
    refused(await calls.client.get(path), 404, "Table not found")
    refused(await calls.client.delete(f"{path}/{made['id']}"), 404, "Chart not found")


async def test_both_faces_show_the_same_charts(calls: Calls, site: Site) -> None:
    table = await calls.table(column("a"))
    await chart_of(calls, table["id"], type="bar", title="T", xColumn="a", aggregation="count")
    chart_id = await new_chart(site, table["id"], "a", "LINE", bucket="MONTH", top=3)
    query = "query($t: ID!) { table(id: $t) { charts { id name config createdAt updatedAt } } }"
    shown = (await site.graphql(query, t=table["id"]))["table"]["charts"]
    listed = (await calls.client.get(f"/api/tables/{table['id']}/charts")).json()
    assert [{key: each[key] for key in shown[0]} for each in listed] == shown
    assert listed[1]["id"] == chart_id
    assert listed[1]["config"] == {
        "type": "line",
        "xColumn": "a",
        "yColumn": None,
        "aggregation": None,
        "bucket": "month",
        "top": 3,
    }


TYPED = [
    {"key": "x", "type": "TEXT"},
    {"key": "y", "type": "NUMBER"},
    {"key": "t", "type": "TEXT"},
    {"key": "d", "type": "DATE"},
]


async def test_points_are_what_the_dialect_says(site: Site) -> None:
    table_id = await new_table(site, *TYPED)
    await add(
        site,
        table_id,
        {"x": "a", "y": 1, "t": "1.5", "d": "2026-01-31"},
        {"x": "a", "y": 2.005, "t": "many", "d": "2026-01-01"},
        {"x": "b", "y": None, "t": " -2e1 ", "d": "2026-02-01"},
        {"x": " ", "y": 7, "t": "9" * 401},
        {"y": -1, "t": "0x1f"},
        {"x": "Unknown", "y": 4},
    )
    count = [("a", 2), ("Unknown", 2), ("b", 1), ("Unknown", 1)]
    found = await points_of(site, table_id, "x", aggregation="COUNT")
    assert sorted(found, key=str) == sorted(count, key=str)
    pie = await points_of(site, table_id, "x", "PIE", yColumn="y", aggregation="SUM")
    assert pie == found
    assert await points_of(site, table_id, "x", yColumn="y", aggregation="SUM") == [
        ("Unknown", 6),
        ("Unknown", 4),
        ("a", 3.01),
    ]
    assert await points_of(site, table_id, "x", yColumn="y", aggregation="AVG") == [
        ("Unknown", 4),
        ("Unknown", 3),
        ("a", 1.5),
    ]
    assert await points_of(site, table_id, "x", yColumn="t", aggregation="MIN") == [
        ("a", 1.5),
        ("b", -20),
    ]
    pairs = [("a", 1), ("a", 2.005), ("b", 0), (" ", 7), (None, -1), ("Unknown", 4)]
    assert await points_of(site, table_id, "x", "SCATTER", yColumn="y") == pairs
    assert await points_of(site, table_id, "x", "LINE") == [(x, 1) for x, _ in pairs]
    assert await points_of(site, table_id, "x", yColumn="nowhere") == [(x, 0) for x, _ in pairs]
    assert await points_of(site, table_id, "x", yColumn="nowhere", aggregation="MAX") == []
    assert await points_of(site, table_id, "nowhere", aggregation="COUNT") == [("Unknown", 6)]
    months = await points_of(site, table_id, "d", bucket="MONTH", aggregation="COUNT")
    assert months == [("2026-01-01", 2), ("2026-02-01", 1), ("Unknown", 3)]
    top = await points_of(site, table_id, "x", yColumn="y", aggregation="SUM", top=1)
    assert top == [("Unknown", 6), ("Other", 7.01)]
    condition = {"where": {"column": "y", "operator": "GT", "value": 1}}
    some = await points_of(site, table_id, "x", aggregation="COUNT", filter=condition)
    assert sorted(some) == [("Unknown", 1), ("Unknown", 1), ("a", 1)]


async def test_series_and_bins(site: Site) -> None:
    table_id = await new_table(site, *TYPED)
    rows = [{"x": f"x{n % 3}", "t": f"s{n % 30}", "y": n - 50} for n in range(100)]
    await add(site, table_id, *rows)
    chart_id = await new_chart(site, table_id, "x", seriesColumn="t", aggregation="COUNT", top=2)
    points = (await data_of(site, chart_id))["points"]
    assert {point["x"] for point in points} == {"x0", "x1", "Other"}
    assert len({point["series"] for point in points}) == 21
    assert sum(point["y"] for point in points) == 100
    assert all(point["isRest"] == ("Other" in (point["x"], point["series"])) for point in points)
    chart_id = await new_chart(site, table_id, "y", "HISTOGRAM", bins=10)
    data = await data_of(site, chart_id)
    assert [(p["x"], p["xEnd"], p["y"]) for p in data["points"]] == [
        (low, low + 10, 10) for low in range(-50, 50, 10)
    ]
    assert await points_of(site, table_id, "x", "HISTOGRAM") == []


async def test_a_filter_that_no_longer_fits_is_an_error_of_the_data_alone(site: Site) -> None:
    table_id = await new_table(site, *TYPED)
    condition = {"where": {"column": "y", "operator": "GT", "value": 1}}
    chart_id = await new_chart(site, table_id, "x", filter=condition)
    delete = """mutation($t: ID!, $c: ID!) { columnDelete(input: {tableId: $t, columnId: $c}) {
      errors { message } } }"""
    columns = await site.graphql(
        "query($t: ID!) { table(id: $t) { columns { id key } } }", t=table_id
    )
    [y] = [each["id"] for each in columns["table"]["columns"] if each["key"] == "y"]
    await site.graphql(delete, t=table_id, c=y)
    query = "query($id: ID!) { chart(id: $id) { name filter data { revision } } }"
    answer = await site.shared.post(
        "/graphql", json={"query": query, "variables": {"id": chart_id}}
    )
    body = answer.json()
    stored = {"column": "y", "operator": "gt", "value": 1}
    assert body["data"]["chart"] == {"name": "Chart", "filter": stored, "data": None}
    [error] = body["errors"]
    assert error["extensions"]["problems"][0]["code"] == "UNKNOWN_COLUMN"
    made = await site.graphql(UPDATE, input={"chartId": chart_id, "filter": None, "name": "New"})
    assert made["chartUpdate"]["errors"] == []
    assert "filter" not in made["chartUpdate"]["chart"]["config"]
    assert (await data_of(site, chart_id))["points"] == []
