"""The mutations that change types and restore columns, over HTTP, and what streams tell of them."""

from typing import Any

from tests.gql.documents import ERRORS, add, new_table, page
from tests.serving import Site

COLUMNS = """query($t: ID!) { table(id: $t) { revision columns { id key type config }
  deletedColumns { id key type } } }"""
PREVIEW = f"""mutation($t: ID!, $c: ID!, $type: ColumnType!, $g: JSON) {{
  columnTypePreview(input: {{tableId: $t, columnId: $c, type: $type, config: $g}}) {{
    preview {{ valueCount convertibleCount lostCount samples {{ rowId value reason }} }}
    {ERRORS} }} }}"""
CHANGE = f"""mutation($t: ID!, $c: ID!, $type: ColumnType!, $g: JSON, $loss: Boolean! = false) {{
  columnTypeChange(input: {{tableId: $t, columnId: $c, type: $type, config: $g,
    allowLoss: $loss}}) {{
    column {{ id key type config }} convertedCount lostCount {ERRORS} }} }}"""
RESTORE = f"""mutation($t: ID!, $c: ID!, $key: String) {{
  columnRestore(input: {{tableId: $t, columnId: $c, key: $key}}) {{
    column {{ id key type position }} {ERRORS} }} }}"""


async def columns(site: Site, table_id: str) -> dict[str, Any]:
    found: dict[str, Any] = (await site.graphql(COLUMNS, t=table_id))["table"]
    return found


async def test_a_column_changes_its_type_and_comes_back(site: Site) -> None:
    table_id = await new_table(site, "name", "tag")
    ids = await add(site, table_id, {"tag": "a, b"}, {"tag": "c"}, {"name": "x"})
    column = (await columns(site, table_id))["columns"][1]["id"]
    options = {"options": ["a", "b"]}
    wanted = {"t": table_id, "c": column, "type": "MULTI_SELECT", "g": options}
    told = (await site.graphql(PREVIEW, **wanted))["columnTypePreview"]
    assert told == {
        "preview": {
            "valueCount": 2,
            "convertibleCount": 1,
            "lostCount": 1,
            "samples": [
                {
                    "rowId": ids[1],
                    "value": "c",
                    "reason": '"c" is not one of the options "a", "b"',
                }
            ],
        },
        "errors": [],
    }
    refused = (await site.graphql(CHANGE, **wanted))["columnTypeChange"]
    assert refused["column"] is None
    [error] = refused["errors"]
    assert (error["code"], error["path"]) == ("INVALID", ["allowLoss"])
    assert error["message"].startswith("1 of 2 values would be lost, the first because")
    async with site.socket() as socket:
        stream = """subscription($t: ID!) { tableChanged(tableId: $t) { __typename
          ... on StreamStarted { revision } ... on ColumnsChanged { revision changed } } }"""
        await socket.subscribe("1", stream, t=table_id)
        before = (await socket.event("1"))["revision"]
        changed = (await site.graphql(CHANGE, **wanted, loss=True))["columnTypeChange"]
        assert changed == {
            "column": {"id": column, "key": "tag", "type": "MULTI_SELECT", "config": options},
            "convertedCount": 1,
            "lostCount": 1,
            "errors": [],
        }
        event = await socket.event("1")
        assert event == {
            "__typename": "ColumnsChanged",
            "revision": before + 1,
            "changed": [column],
        }
    found = await page(site, table_id)
    assert [row["data"]["tag"] for row in found["nodes"]] == [["a", "b"], None, None]
    [former] = (await columns(site, table_id))["deletedColumns"]
    assert (former["key"], former["type"]) == ("tag", "TEXT")
    back = {"t": table_id, "c": former["id"]}
    [error] = (await site.graphql(RESTORE, **back))["columnRestore"]["errors"]
    assert error["code"] == "CONFLICT"
    made = (await site.graphql(RESTORE, **back, key="was"))["columnRestore"]
    assert made == {
        "column": {"id": former["id"], "key": "was", "type": "TEXT", "position": 2},
        "errors": [],
    }
    found = await page(site, table_id)
    assert [row["data"]["was"] for row in found["nodes"]] == ["a, b", "c", None]
    assert (await columns(site, table_id))["deletedColumns"] == []


async def test_events_follow_relations(site: Site) -> None:
    cities = await new_table(site, "name")
    [paris] = await add(site, cities, {"name": "Paris"})
    config = {"targetTableId": cities}
    people = await new_table(site, {"key": "to", "type": "RELATION", "config": config})
    stream = """subscription($t: ID!) { tableChanged(tableId: $t) { __typename
      ... on RowsAdded { rows { cell(column: "to") { linkedRows { nodes { row {
        data linkedFrom(tableId: "%s", column: "to") { totalCount } } } } } } } } }"""
    async with site.socket() as socket:
        await socket.subscribe("1", stream % people, t=people)
        assert (await socket.event("1"))["__typename"] == "StreamStarted"
        for count in (1, 2):
            await add(site, people, {"to": paris})
            [row] = (await socket.event("1"))["rows"]
            assert row["cell"]["linkedRows"]["nodes"] == [
                {"row": {"data": {"name": "Paris"}, "linkedFrom": {"totalCount": count}}}
            ]
