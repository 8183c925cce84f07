"""Queries over HTTP: what is found, what is not, and pages of rows."""

from typing import Any

import pytest

from domain import ids
from domain.access import OPERATIONS, Role
from tests.gql.documents import add, ask, codes, new_table, page
from tests.serving import Site

NUMBER = {"key": "n", "type": "NUMBER"}
TEXT = {"key": "t"}


def _values(found: dict[str, Any], key: str = "n") -> list[Any]:
    return [node["data"][key] for node in found["nodes"]]


async def test_projects_and_their_tables(site: Site, stranger: Site) -> None:
    made = await site.graphql(
        'mutation { projectCreate(input: {name: "P", description: "d"}) { project { id } } }'
    )
    project_id = made["projectCreate"]["project"]["id"]
    create = """mutation($p: ID!) { tableCreate(input: {name: "In it", projectId: $p}) {
      table { id project { name } } } }"""
    table = (await site.graphql(create, p=project_id))["tableCreate"]["table"]
    assert table["project"] == {"name": "P"}
    query = """query($p: ID!) { project(id: $p) { name description status createdAt updatedAt
      tables { id } } projects { id } }"""
    found = await site.graphql(query, p=project_id)
    assert found["project"]["tables"] == [{"id": table["id"]}]
    assert (found["project"]["description"], found["project"]["status"]) == ("d", "active")
    assert {"id": project_id} in found["projects"]
    assert await stranger.graphql(query, p=project_id) == {"project": None, "projects": []}


async def test_tables_by_project_source_and_text(site: Site) -> None:
    made = await site.graphql(
        """mutation { projectCreate(input: {name: "Q"}) { project { id } }
        a: tableCreate(input: {name: "50% of_it", source: AGENT}) { table { id } }
        b: tableCreate(input: {name: "500 ofXit", description: "back\\\\slash"}) {
          table { id } } }"""
    )
    first, second = made["a"]["table"]["id"], made["b"]["table"]["id"]
    query = """query($search: String, $source: TableSource, $p: ID) {
      tables(search: $search, source: $source, projectId: $p) { id } }"""

    async def found(**arguments: Any) -> set[str]:
        return {table["id"] for table in (await site.graphql(query, **arguments))["tables"]}

    assert await found(search="0% OF_") == {first}
    assert await found(search="of_it") == {first}
    assert await found(search="%") == {first}
    assert await found(search="k\\s") == {second}
    assert await found(search="\0") == set()
    assert first in await found(source="AGENT")
    assert second not in await found(source="AGENT")
    assert await found(p=made["projectCreate"]["project"]["id"]) == set()
    assert await found(p="no id") == set()


async def test_a_table_tells_all_about_itself(site: Site) -> None:
    table_id = await new_table(
        site,
        TEXT,
        {"key": "s", "label": "S", "type": "SELECT", "config": {"options": ["a"], "x": 1.50}},
        {"key": "w", "type": "NUMBER", "computedBy": "EXTERNAL", "required": True},
        {"key": "d", "type": "DATE", "defaultValue": "2026-01-02"},
    )
    query = """query($t: ID!) { table(id: $t) { name source rowCount revision
      columns { key label type position required defaultValue config computedBy }
      sessions { name } } }"""
    table = (await site.graphql(query, t=table_id))["table"]
    assert [tuple(column.values()) for column in table.pop("columns")] == [
        ("t", "t", "TEXT", 0, False, None, None, None),
        ("s", "S", "SELECT", 1, False, None, {"options": ["a"], "x": 1.5}, None),
        ("w", "w", "NUMBER", 2, True, None, None, "EXTERNAL"),
        ("d", "d", "DATE", 3, False, "2026-01-02", None, None),
    ]
    assert table == {
        "name": "Test",
        "source": "MANUAL",
        "rowCount": 0,
        "revision": 1,
        "sessions": [{"name": "Session 1"}],
    }


async def test_everything_is_found_by_its_id_alone(site: Site, stranger: Site) -> None:
    project = (
        await site.graphql('mutation { projectCreate(input: {name: "N"}) { project { id } } }')
    )["projectCreate"]["project"]["id"]
    table_id = await new_table(site, TEXT)
    [row_id, other] = await add(site, table_id, {"t": "x"}, {})
    query = """query($row: ID!, $column: String!) { row(id: $row) { table { id }
      session { name } cell(column: $column) { id row { id } column { id key } status value } } }"""
    row = (await site.graphql(query, row=row_id, column="t"))["row"]
    cell = row["cell"]
    assert row["table"] == {"id": table_id}
    assert row["session"] == {"name": "Session 1"}
    assert (cell["row"], cell["column"]["key"]) == ({"id": row_id}, "t")
    assert (await site.graphql(query, row=row_id, column="none"))["row"]["cell"] is None

    given = [project, cell["id"], other, "junk", table_id, row_id, cell["column"]["id"], row_id]
    nodes = "query($ids: [ID!]!) { nodes(ids: $ids) { __typename id } }"
    found = (await site.graphql(nodes, ids=given))["nodes"]
    kinds = ["Project", "Cell", "Row", None, "Table", "Row", "Column", "Row"]
    assert [each and each["__typename"] for each in found] == kinds
    assert [each and each["id"] for each in found] == [
        None if each == "junk" else each for each in given
    ]
    for id_ in given:
        one = "query($id: ID!) { node(id: $id) { id } }"
        expected = None if id_ == "junk" else {"id": id_}
        assert (await site.graphql(one, id=id_))["node"] == expected
        assert (await stranger.graphql(one, id=id_))["node"] is None
    assert (await stranger.graphql(nodes, ids=given))["nodes"] == [None] * len(given)


@pytest.mark.parametrize("field", ["project", "table", "row", "cell", "node", "import"])
async def test_an_unknown_id_finds_nothing(site: Site, field: str) -> None:
    table_id = await new_table(site, TEXT)
    [row_id] = await add(site, table_id, {})
    unknown = [
        "",
        "junk",
        "\0",
        "…" * 36,
        "0" * 36,
        table_id + "\n",
        table_id[:-1],
        "00000000-0000-0000-0000-000000000000",
        f"{row_id}.999",
        f"{row_id}.",
        f"{row_id}.1.1",
        f"{row_id}.-1",
        "1" * 10_000,
        *(str(ids.new_id(kind, 10**8)) for kind in ids.Kind),
    ]
    query = f"query($id: ID!) {{ {field}(id: $id) {{ id }} }}"
    for id_ in unknown:
        assert await ask(site, query, {"id": id_}) == {"data": {field: None}}, id_


async def test_what_was_deleted_is_not_found(site: Site) -> None:
    table_id = await new_table(site, TEXT)
    [row_id, other] = await add(site, table_id, {}, {})
    column = "query($t: ID!) { table(id: $t) { columns { id } } }"
    [found] = (await site.graphql(column, t=table_id))["table"]["columns"]
    node = "query($id: ID!) { node(id: $id) { id } }"
    delete_row = """mutation($t: ID!, $id: ID!) {
      rowsDelete(input: {tableId: $t, rowIds: [$id]}) { deletedIds } }"""
    await site.graphql(delete_row, t=table_id, id=row_id)
    assert (await site.graphql(node, id=row_id))["node"] is None
    assert (await site.graphql(node, id=other))["node"] == {"id": other}
    delete = "mutation($t: ID!) { tableDelete(input: {tableId: $t}) { deletedId } }"
    assert (await site.graphql(delete, t=table_id))["tableDelete"] == {"deletedId": table_id}
    for id_ in (table_id, other, f"{other}.1", found["id"]):
        assert (await site.graphql(node, id=id_))["node"] is None


async def test_too_many_ids_are_refused(site: Site) -> None:
    query = "query($ids: [ID!]!) { nodes(ids: $ids) { id } }"
    body = await ask(site, query, {"ids": ["x"] * 101})
    assert codes(body) == ["BAD_USER_INPUT"]
    assert body["errors"][0]["extensions"]["problems"][0]["code"] == "TOO_MANY"


_LEAST = {
    "projects": "{ projects { id } }",
    "table": '{ table(id: "x") { id } }',
    "apiKeys": "{ apiKeys { id } }",
    "apiKeyCreate": 'mutation { apiKeyCreate(input: {name: "k", role: VIEWER}) { secret } }',
    "apiKeyRevoke": 'mutation { apiKeyRevoke(input: {apiKeyId: "x"}) { errors { code } } }',
    "projectCreate": 'mutation { projectCreate(input: {name: "p"}) { errors { code } } }',
    "tableCreate": 'mutation { tableCreate(input: {name: "p"}) { errors { code } } }',
    "tableUpdate": 'mutation { tableUpdate(input: {tableId: "x"}) { errors { code } } }',
    "tableDelete": 'mutation { tableDelete(input: {tableId: "x"}) { deletedId } }',
    "sessionCreate": 'mutation { sessionCreate(input: {tableId: "x"}) { errors { code } } }',
    "columnAdd": 'mutation { columnAdd(input: {tableId: "x", column: {key: "k"}}) { errors { code '
    "} } }",
    "columnUpdate": 'mutation { columnUpdate(input: {tableId: "x", columnId: "y"}) { errors { code '
    "} } }",
    "columnDelete": 'mutation { columnDelete(input: {tableId: "x", columnId: "y"}) { deletedId } }',
    "columnsReorder": 'mutation { columnsReorder(input: {tableId: "x", columnIds: []}) { errors {'
    " code } } }",
    "columnIndexCreate": 'mutation { columnIndexCreate(input: {tableId: "x", columnId: "y"}) {'
    " errors { code } } }",
    "rowsAdd": 'mutation { rowsAdd(input: {tableId: "x", rows: [{data: {}}]}) { revision } }',
    "rowsUpdate": 'mutation { rowsUpdate(input: {tableId: "x", rows: [{id: "y", data: {}}]}) {'
    " revision } }",
    "rowsDelete": 'mutation { rowsDelete(input: {tableId: "x", rowIds: ["y"]}) { revision } }',
    "cellsReport": 'mutation { cellsReport(input: {tableId: "x", cells: [{rowId: "y", column: "c",'
    " status: QUEUED}]}) { revision } }",
}


async def test_each_role_reaches_what_it_may(site: Site, stranger: Site) -> None:
    secrets = {role: await stranger.new_key(role) for role in Role}
    ranks = list(Role)
    for operation, document in _LEAST.items():
        for role in Role:
            body = await ask(stranger, document, key=secrets[role])
            refused = ranks.index(role) < ranks.index(OPERATIONS[operation])
            assert ("FORBIDDEN" in codes(body)) == refused, (operation, role)
            if refused:
                assert body["errors"][0]["path"] == [operation]
        async with site.client("") as client:
            answer = await client.post("/graphql", json={"query": document})
        assert (answer.status_code, codes(answer.json())) == (401, ["UNAUTHENTICATED"])
        assert answer.headers["www-authenticate"] == "Bearer"


async def test_api_keys_show_no_secret(site: Site) -> None:
    query = "{ apiKeys { id name prefix role expiresAt lastUsedAt revokedAt createdBy createdAt } }"
    found = (await site.graphql(query))["apiKeys"]
    own = [key for key in found if site.key.startswith(key["prefix"])]
    assert [key["role"] for key in own] == ["ADMIN"]
    assert site.key not in str(found)


async def test_pages_forwards_and_backwards(site: Site) -> None:
    table_id = await new_table(site, NUMBER, TEXT)
    rows = [{"n": n % 3 or None, "t": text} for n, text in enumerate("ababcabca")]
    await add(site, table_id, *rows)
    sort = [
        {"column": "n", "direction": "DESC", "nulls": "FIRST"},
        {"column": "t", "direction": "ASC"},
    ]
    whole = (await page(site, table_id, sort=sort))["nodes"]
    assert [(node["data"]["n"], node["data"]["t"]) for node in whole] == [
        (None, "a"),
        (None, "b"),
        (None, "b"),
        (2, "a"),
        (2, "a"),
        (2, "a"),
        (1, "b"),
        (1, "c"),
        (1, "c"),
    ]
    seen, after = [], None
    for place in range(5):
        found = await page(site, table_id, sort=sort, first=2, after=after)
        seen += found["nodes"]
        info = found["pageInfo"]
        assert (info["hasNextPage"], info["hasPreviousPage"]) == (place < 4, place > 0)
        after = info["endCursor"]
    assert seen == whole
    seen, before = [], None
    for place in range(5):
        found = await page(site, table_id, sort=sort, last=2, before=before)
        seen = found["nodes"] + seen
        info = found["pageInfo"]
        assert (info["hasPreviousPage"], info["hasNextPage"]) == (place < 4, place > 0)
        before = info["startCursor"]
    assert seen == whole


async def test_bad_pages_are_refused(site: Site) -> None:
    table_id = await new_table(site, NUMBER)
    await add(site, table_id, {"n": 1}, {"n": 2})
    good = (await page(site, table_id, first=1))["pageInfo"]["endCursor"]
    query = """query($t: ID!, $first: Int, $last: Int, $after: String, $sort: [RowSortInput!],
      $filter: RowFilter) { table(id: $t) { rows(first: $first, last: $last, after: $after,
      sort: $sort, filter: $filter) { nodes { id } } } }"""
    by_n = [{"column": "n"}]
    bad: list[tuple[dict[str, Any], str]] = [
        ({"first": -1}, "OUT_OF_RANGE"),
        ({"last": 1001}, "OUT_OF_RANGE"),
        ({"first": 1, "last": 1}, "INVALID"),
        ({"after": "junk"}, "INVALID"),
        ({"after": "ü" * 40_000}, "INVALID"),
        ({"after": good, "sort": by_n}, "INVALID"),
        ({"sort": by_n * 6}, "TOO_MANY"),
        ({"sort": [{"column": "nope"}]}, "UNKNOWN_COLUMN"),
        ({"filter": {"where": {"column": "nope", "operator": "IS_EMPTY"}}}, "UNKNOWN_COLUMN"),
        ({"filter": {"where": {"column": "n", "operator": "GT", "value": "x"}}}, "INVALID_TYPE"),
        ({"filter": {"where": {"column": "n", "operator": "GT"}}}, "REQUIRED"),
    ]
    for arguments, code in bad:
        body = await ask(site, query, {"t": table_id, **arguments})
        assert codes(body) == ["BAD_USER_INPUT"], (arguments, body)
        problems = body["errors"][0]["extensions"]["problems"]
        assert [problem["code"] for problem in problems] == [code], (arguments, problems)
        assert body["errors"][0]["path"] == ["table", "rows"]
        assert body["data"] == {"table": {"rows": None}}


async def test_figures_beside_a_failed_page_are_still_told(site: Site) -> None:
    table_id = await new_table(site, NUMBER)
    await add(site, table_id, {})
    query = "query($t: ID!) { table(id: $t) { revision rows(first: -1) { revision } rowCount } }"
    body = await ask(site, query, {"t": table_id})
    assert body["data"] == {"table": {"revision": 2, "rows": None, "rowCount": 1}}


async def test_nested_filters(site: Site) -> None:
    table_id = await new_table(site, NUMBER, TEXT)
    await add(site, table_id, *({"n": n, "t": "even" if n % 2 == 0 else None} for n in range(6)))

    def where(column: str, operator: str, value: Any = None) -> dict[str, Any]:
        given = {"column": column, "operator": operator}
        return {"where": given if value is None else given | {"value": value}}

    tree = {
        "any": [
            {"all": [where("n", "GTE", 2), {"not": where("t", "IS_EMPTY")}]},
            where("n", "IN", [1, "x"]),
        ]
    }
    found = await page(site, table_id, filter=tree)
    assert (_values(found), found["totalCount"]) == ([1, 2, 4], 3)
    assert _values(await page(site, table_id, filter={"not": tree})) == [0, 3, 5]
    assert _values(await page(site, table_id, filter={"all": []})) == [0, 1, 2, 3, 4, 5]
    assert _values(await page(site, table_id, filter={"any": []})) == []
    assert _values(await page(site, table_id, filter=where("t", "NEQ", "x"))) == list(range(6))


async def test_search_takes_its_text_literally(site: Site) -> None:
    table_id = await new_table(site, TEXT, NUMBER)
    await add(site, table_id, {"t": "100%", "n": 12}, {"t": "a_B"}, {"t": "aXb", "n": 0.125})
    for text, expected in (
        ("%", ["100%"]),
        ("A_b", ["a_B"]),
        ("12", ["100%", "aXb"]),
        ("\\", []),
        ("\0", []),
        ("  ", ["100%", "a_B", "aXb"]),
    ):
        body = await ask(
            site,
            "query($t: ID!, $s: String) { table(id: $t) { rows(search: $s) { nodes { data } } } }",
            {"t": table_id, "s": text},
        )
        if "errors" in body:
            assert codes(body) == ["BAD_USER_INPUT"], (text, body)
            continue
        assert _values(body["data"]["table"]["rows"], "t") == expected, text


async def test_numbers_are_exact_digit_by_digit(site: Site) -> None:
    table_id = await new_table(site, NUMBER)
    digits = "12345678901234567890.123456789"
    long = "-" + "9" * 400 + "." + "1" * 300
    literal = f"""mutation {{ rowsAdd(input: {{tableId: "{table_id}", rows: [
      {{data: {{n: {digits}, extra: {digits}}}}}, {{data: {{n: {long}}}}},
      {{data: {{n: 1.50e3, extra: [0.1, 1e30]}}}}]}}) {{ errors {{ code }} }} }}"""
    async with site.client() as client:
        assert (await client.post("/graphql", json={"query": literal})).status_code == 200
        variables = f'{{"t":"{table_id}","rows":[{{"data":{{"n":{digits},"extra":{long}}}}}]}}'
        add_rows = "mutation($t: ID!, $rows: [RowAddInput!]!) { rowsAdd(input: {tableId: $t,"
        content = (
            f'{{"query":"{add_rows} rows: $rows}}) {{ revision }} }}","variables":{variables}}}'
        )
        headers = {"content-type": "application/json"}
        assert (await client.post("/graphql", content=content, headers=headers)).is_success
        cell = 'cell(column: "n") { value }'
        query = f'{{ table(id: "{table_id}") {{ rows {{ nodes {{ data {cell} }} }} }} }}'
        text = (await client.post("/graphql", json={"query": query})).text.replace(" ", "")
    for row in (
        f'{{"data":{{"n":{digits},"extra":{digits}}},"cell":{{"value":{digits}}}}}',
        f'{{"data":{{"n":{long}}},"cell":{{"value":{long}}}}}',
        f'{{"data":{{"n":{digits},"extra":{long}}},"cell":{{"value":{digits}}}}}',
    ):
        assert row in text
    assert '"n":1500,"extra":[0.1,1' in text
