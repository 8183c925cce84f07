"""Both faces end in the same use cases: what one writes, the other shows, value for value."""

from typing import Any

from tests.rest.calls import Calls, column, condition, order
from tests.serving import Site

_TABLE = """
query($id: ID!, $filter: RowFilter, $sort: [RowSortInput!]) {
  table(id: $id) {
    id name description source rowCount createdAt updatedAt
    project { id name }
    columns { id key label type position required defaultValue config createdAt updatedAt }
    rows(first: 1000, filter: $filter, sort: $sort) {
      totalCount nodes { id data position createdBy createdAt updatedAt }
    }
  }
}
"""
_COLUMN_NAMES = {"key": "name", "label": "displayName", "type": "dataType"}


def _as_rest(table: dict[str, Any]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """A table as GraphQL shows it, in the words of the dialect; its rows apart."""
    rows = table.pop("rows")
    project = table.pop("project")
    columns = [
        {_COLUMN_NAMES.get(name, name): value for name, value in each.items()}
        | {"dataType": each["type"].lower(), "tableId": table["id"]}
        for each in table.pop("columns")
    ]
    shown = table | {
        "source": table["source"].lower(),
        "projectId": project and project["id"],
        "projectName": project and project["name"],
        "columns": columns,
    }
    return shown, [row | {"tableId": table["id"]} for row in rows["nodes"]]


async def test_tables_and_rows_are_the_same_on_both_faces(site: Site, calls: Calls) -> None:
    made = await calls.table(
        column("n", "number", required=True, defaultValue="1"),
        column("s", "select", config={"options": ["A", "é"]}),
        column("d", "date"),
        column("r", "relation"),
        column("c", "computed", config={"formula": "n + 1"}),
        name="Both",
        description="seen twice",
    )
    table_id = made["id"]
    [first, *_] = await calls.add(
        table_id,
        {"n": 12345678901234567890123, "s": "é", "d": "2024-02-29", "more": {"x": [0.1, None]}},
        {"n": -0.5, "s": None},
        {"n": 3, "r": made["id"]},
    )
    path = f"/api/tables/{table_id}/rows/{first['id']}"
    await calls.client.patch(path, json={"data": {"n": 7, "s": "A"}})
    read = await site.graphql(_TABLE, id=table_id)
    table, rows = _as_rest(read["table"])
    shown = (await calls.client.get(f"/api/tables/{table_id}")).json()
    assert {name: shown[name] for name in table} == table
    assert await calls.rows(table_id) == [{**row, "tableId": table_id} for row in rows]


async def test_filters_and_sorts_choose_the_same_rows(site: Site, calls: Calls) -> None:
    made = await calls.table(column("n", "number"), column("t"))
    data = [{"n": n % 7 or None, "t": f"{'aBé '[n % 4]}{n % 5}"} for n in range(60)]
    await calls.add(made["id"], *data)
    for name, operator, value in (
        ("n", "gte", "3"),
        ("n", "neq", 2),
        ("t", "contains", "É"),
        ("t", "in", ["a0", "B1", "nope"]),
        ("n", "is_empty", None),
    ):
        where = {"column": name, "operator": operator.upper(), "value": value}
        if value is None:
            del where["value"]
        sort = [{"column": "t", "direction": "DESC"}, {"column": "n", "direction": "ASC"}]
        read = await site.graphql(_TABLE, id=made["id"], filter={"where": where}, sort=sort)
        expected = read["table"]["rows"]
        asked = condition(name, operator, *([] if value is None else [value]))
        page = await calls.page(made["id"], filters=[asked], sorts=order("-t", "n"), limit=1000)
        found = page.json()
        assert [row["id"] for row in found] == [row["id"] for row in expected["nodes"]]
        assert page.headers["x-total-count"] == str(expected["totalCount"])
        assert 0 < len(found) < 60


async def test_what_graphql_writes_the_dialect_shows(site: Site, calls: Calls) -> None:
    create = """mutation($input: TableCreateInput!) {
      tableCreate(input: $input) { table { id } errors { message } } }"""
    columns = [{"key": "at", "label": "At", "type": "DATETIME"}]
    data = await site.graphql(create, input={"name": "From GraphQL", "columns": columns})
    table_id = data["tableCreate"]["table"]["id"]
    add = """mutation($input: RowsAddInput!) {
      rowsAdd(input: $input) { rows { id createdBy } errors { message } } }"""
    rows = [{"data": {"at": "2024-01-02T03:04:05.678+01:00"}}]
    data = await site.graphql(add, input={"tableId": table_id, "rows": rows})
    [made] = data["rowsAdd"]["rows"]
    [row] = await calls.rows(table_id)
    assert (row["id"], row["createdBy"]) == (made["id"], made["createdBy"])
    assert row["data"] == {"at": "2024-01-02T02:04:05.678Z"}
    [shown] = (await calls.client.get(f"/api/tables/{table_id}")).json()["columns"]
    assert (shown["name"], shown["dataType"]) == ("at", "date")
