"""What a newcomer does with this API, from the first table to the first import."""

import json
from typing import Any

from tests.rest.calls import UNKNOWN, Calls, column, condition, order, refused
from tests.serving import Site

VERSION = "query($id: ID!) { row(id: $id) { version data } }"
PROJECT = 'mutation { projectCreate(input: {name: "Reading"}) { project { id } } }'


async def test_from_a_table_to_filtered_rows(calls: Calls) -> None:
    table = await calls.table(
        column("title", required=True),
        column("pages", "number"),
        column("seen", "date"),
        name="Books",
        description="read this year",
    )
    assert [each["name"] for each in table["columns"]] == ["title", "pages", "seen"]
    path = f"/api/tables/{table['id']}"
    states = ["open", "done", "lost"]
    for body in (column("state", "select", config={"options": states}), column("rating", "number")):
        assert (await calls.client.post(f"{path}/columns", json=body)).status_code == 201
    rows = await calls.add(
        table["id"],
        {"title": "Middlemarch", "pages": 880, "rating": 5, "state": "done"},
        {"title": "Ulysses", "rating": 3, "state": "open", "seen": "2026-02-02"},
        {"title": "Emma", "pages": "474", "rating": 4, "state": "done"},
    )
    good = condition("rating", "gte", 4)
    assert await calls.rows(table["id"], filters=[good]) == [rows[0], rows[2]]
    open_ = condition("state", "eq", "open")
    assert await calls.rows(table["id"], filters=[good, open_]) == []
    by_rating = await calls.rows(table["id"], sorts=order("-rating"))
    assert [row["data"]["rating"] for row in by_rating] == [5, 4, 3]
    found = await calls.rows(table["id"], filters=[good], sorts=order("rating"), limit=1)
    assert [row["data"]["title"] for row in found] == ["Emma"]
    answer = await calls.client.post(
        f"{path}/rows", json={"rows": [{"data": {"title": "x", "state": "burnt"}}]}
    )
    assert answer.status_code == 400
    assert (await calls.client.get(path)).json()["rowCount"] == 3


async def test_from_a_project_to_its_last_table(site: Site, calls: Calls) -> None:
    project = (await site.graphql(PROJECT))["projectCreate"]["project"]["id"]
    table = await calls.table(name="Drafts", projectId=project)
    await calls.table(name="Elsewhere")

    async def listed() -> list[tuple[str, str]]:
        answer = await calls.client.get("/api/tables", params={"projectId": project})
        return [(each["id"], each["name"]) for each in answer.json()]

    assert await listed() == [(table["id"], "Drafts")]
    path = f"/api/tables/{table['id']}"
    answer = await calls.client.patch(path, json={"name": "Finals"})
    assert (answer.status_code, answer.json()["name"]) == (200, "Finals")
    assert await listed() == [(table["id"], "Finals")]
    assert (await calls.client.delete(path)).status_code == 204
    refused(await calls.client.get(path), 404, "Table not found")
    assert await listed() == []


async def test_a_row_loses_what_a_patch_leaves_out_and_counts_its_versions(
    site: Site, calls: Calls
) -> None:
    table = await calls.table(column("name"), column("town"))
    [row] = await calls.add(table["id"], {"name": "Ada", "town": "London", "note": "kept?"})

    async def version() -> Any:
        return (await site.graphql(VERSION, id=row["id"]))["row"]

    assert await version() == {"version": 1, "data": row["data"]}
    path = f"/api/tables/{table['id']}/rows/{row['id']}"
    answer = await calls.client.patch(path, json={"data": {"name": "Ada L."}})
    assert answer.json()["data"] == {"name": "Ada L.", "town": None}
    assert await version() == {"version": 2, "data": {"name": "Ada L.", "town": None}}
    # There is no rollback yet: sending the first data again is what restores it.
    answer = await calls.client.patch(path, json={"data": row["data"]})
    assert answer.json()["data"] == row["data"]
    assert await version() == {"version": 3, "data": row["data"]}
    missing = path.replace(row["id"], UNKNOWN[0])
    refused(await calls.client.patch(missing, json={"data": {}}), 404, "Row not found")


def stock() -> tuple[bytes, list[dict[str, Any]]]:
    """150 rows of text, number, text, and how they must arrive."""
    rows = [
        {"part": f'Bolt {n}, type "{n % 7}"', "in_stock": n * 3 - 40, "shelf": f"R{n}/é"}
        for n in range(150)
    ]
    lines = ["Part,In stock,Shelf"]
    for row in rows:
        part = str(row["part"]).replace('"', '""')
        lines.append(f'"{part}",{row["in_stock"]},{row["shelf"]}')
    return "\n".join(lines).encode(), rows


async def test_from_a_file_to_rows(calls: Calls) -> None:
    content, rows = stock()
    file = await calls.upload(content, "stock.csv", taskId="t-1")
    assert (file["type"], file["size"], file["taskId"]) == ("text/csv", len(content), "t-1")
    table = await calls.table(name="Stock")
    seen = await calls.import_(table["id"], file["id"], preview=True)
    assert (seen["headers"], seen["totalRows"]) == (["Part", "In stock", "Shelf"], 150)
    assert len(seen["sampleRows"]) == 10
    assert seen["sampleRows"][3] == {"Part": 'Bolt 3, type "3"', "In stock": "-31", "Shelf": "R3/é"}
    assert seen["inferredColumns"] == [
        {"name": "part", "displayName": "Part", "dataType": "text"},
        {"name": "in_stock", "displayName": "In stock", "dataType": "number"},
        {"name": "shelf", "displayName": "Shelf", "dataType": "text"},
    ]
    told = await calls.import_(table["id"], file["id"])
    counts = (told["rowsImported"], told["rowsSkipped"], told["errors"])
    assert counts == (150, 0, [])
    assert told["columns"] == seen["inferredColumns"]
    assert [row["data"] for row in await calls.rows(table["id"], limit=1000)] == rows
    low = [condition("in_stock", "lt", 0)]
    expected = [row for row in rows if int(str(row["in_stock"])) < 0]
    assert [row["data"] for row in await calls.rows(table["id"], filters=low)] == expected


async def test_a_mapping_from_the_preview_on(calls: Calls) -> None:
    content, rows = stock()
    file = await calls.upload(content, "stock.csv")
    table = await calls.table(name="Stock, as texts")
    part, in_stock, shelf = (await calls.import_(table["id"], file["id"], preview=True))[
        "inferredColumns"
    ]
    mapping = [
        part | {"displayName": "Article"},
        in_stock | {"dataType": "text"},
        shelf | {"skip": True},
    ]
    told = await calls.import_(table["id"], file["id"], columnMapping=mapping)
    assert told["rowsImported"] == 150
    assert [(each["displayName"], each["dataType"]) for each in told["columns"]] == [
        ("Article", "text"),
        ("In stock", "text"),
    ]
    expected = [{"part": row["part"], "in_stock": str(row["in_stock"])} for row in rows]
    found = await calls.rows(table["id"], limit=1000)
    assert [row["data"] for row in found] == expected
    assert json.dumps(found[0]["data"]) == json.dumps(expected[0])
