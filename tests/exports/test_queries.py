"""What the query of `/export` says, and what GraphQL's `exportUrl` makes of its arguments."""

import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest

from domain.access import Role
from tests.rest.calls import UNKNOWN, Calls, column, refused
from tests.serving import Site

URL = """query($id: ID!, $format: ExportFormat!, $filter: RowFilter, $sort: [RowSortInput!],
             $columns: [String!], $asOf: AsOfInput, $session: ID, $guard: Boolean! = true) {
  table(id: $id) { exportUrl(format: $format, filter: $filter, sort: $sort, columns: $columns,
                             asOf: $asOf, sessionId: $session, guard: $guard) } }"""
SESSIONS = "query($id: ID!) { table(id: $id) { sessions { id } } }"
NEW_SESSION = """mutation($id: ID!) { sessionCreate(input: {tableId: $id, name: "Two"}) {
  session { id } } }"""
ADD = """mutation($t: ID!, $s: ID!) { rowsAdd(input: {tableId: $t, sessionId: $s,
  rows: [{data: {name: "x", n: 99}}]}) { revision errors { message } } }"""


async def numbered(calls: Calls) -> str:
    """A table with five rows, after three revisions."""
    table = await calls.table(column("name"), column("n", "number"), column("f"))
    rows = [{"name": name, "n": n, "f": "=1"} for n, name in enumerate("cabed")]
    await calls.add(table["id"], *rows[:3])
    await calls.add(table["id"], *rows[3:])
    return str(table["id"])


async def exported(calls: Calls, table_id: str, **query: Any) -> list[dict[str, Any]]:
    """The lines of an export."""
    given = {
        key: value if isinstance(value, str) else json.dumps(value) for key, value in query.items()
    }
    answer = await calls.client.get(f"/export/{table_id}", params={"format": "jsonl"} | given)
    assert answer.status_code == 200, answer.text
    return [json.loads(line) for line in answer.text.splitlines()]


def names(found: list[dict[str, Any]]) -> str:
    """The first column as one text."""
    return "".join(row["name"] for row in found)


async def test_filters_and_sorts(calls: Calls) -> None:
    table = await numbered(calls)
    small = {"where": {"column": "n", "operator": "LT", "value": 3}}
    a = {"where": {"column": "name", "operator": "eq", "value": "a"}}
    empty = {"where": {"column": "name", "operator": "is_empty"}}
    by_name = [{"column": "name"}]
    assert names(await exported(calls, table)) == "cabed"
    assert names(await exported(calls, table, filter=small)) == "cab"
    assert names(await exported(calls, table, filter={"all": [small, {"not": a}]})) == "cb"
    assert names(await exported(calls, table, filter={"any": [a, empty]})) == "a"
    assert names(await exported(calls, table, filter={"all": []})) == "cabed"
    assert names(await exported(calls, table, sort=by_name)) == "abcde"
    assert names(await exported(calls, table, sort=by_name, filter=small)) == "abc"
    backwards = [{"column": "position", "direction": "DESC", "nulls": "LAST"}]
    assert names(await exported(calls, table, sort=backwards)) == "debac"


async def test_columns_sessions_and_the_past(site: Site, calls: Calls) -> None:
    table = await numbered(calls)
    assert (await exported(calls, table, columns="n,name"))[0] == {"n": 0, "name": "c"}
    assert list((await exported(calls, table, columns=["f"]))[0]) == ["f"]
    [first] = (await site.graphql(SESSIONS, id=table))["table"]["sessions"]
    second = (await site.graphql(NEW_SESSION, id=table))["sessionCreate"]["session"]
    await site.graphql(ADD, t=table, s=second["id"])
    assert names(await exported(calls, table, session=second["id"])) == "x"
    assert names(await exported(calls, table, session=first["id"])) == "cabed"
    assert names(await exported(calls, table, asOf="2")) == "cab"
    assert names(await exported(calls, table, asOf="1")) == ""
    assert names(await exported(calls, table, asOf="2999-01-01T00:00:00Z")) == "cabedx"
    answer = await calls.client.get(f"/export/{table}", params={"asOf": "3"})
    assert answer.headers["x-revision"] == "3"


async def test_the_guard_can_be_switched_off(calls: Calls) -> None:
    table = await numbered(calls)
    for path in (f"/export/{table}", f"/api/tables/{table}/export"):
        assert (await calls.client.get(path)).text.splitlines()[1] == "c,0,'=1"
        unguarded = await calls.client.get(path, params={"guard": "off"})
        assert unguarded.text.splitlines()[1] == "c,0,=1"


BAD: list[tuple[dict[str, str], str]] = [
    ({"filter": "{"}, "filter is not JSON"),
    ({"filter": "[]"}, "filter: Input should be"),
    ({"filter": "{}"}, "exactly one of all, any, not, where and cell"),
    ({"filter": '{"all":[],"any":[]}'}, "exactly one of all, any, not, where and cell"),
    ({"filter": '{"not":null}'}, "exactly one of all, any, not, where and cell"),
    ({"filter": '{"where":{"column":"zip","operator":"eq","value":1}}'}, "Unknown column: zip"),
    ({"filter": '{"where":{"column":"n","operator":"like","value":1}}'}, "Unknown operator: like"),
    ({"filter": '{"where":{"column":"n","operator":"eq"}}'}, "eq needs a value"),
    ({"filter": '{"where":{"column":"n","operator":"eq","value":"x"}}'}, "n: "),
    ({"filter": '{"all":[' * 60 + "]}" * 60}, "nest"),
    ({"sort": '{"column":"n"}'}, "sort: Input should be"),
    ({"sort": '[{"column":"zip"}]'}, "Unknown column: zip"),
    ({"sort": '[{"column":"n","direction":"up"}]'}, "sort.0.direction: Input should be"),
    ({"columns": "name,zip"}, "Unknown column: zip"),
    ({"columns": "name,name"}, "columns names name twice"),
    ({"columns": "[1]"}, "columns.0: Input should be"),
    ({"format": "pdf"}, "format must be one of csv, json, jsonl, xlsx"),
    ({"guard": "maybe"}, "guard must be on or off"),
    ({"asOf": "yesterday"}, "asOf: "),
    ({"asOf": "99"}, "The table has come to revision 3, not to 99"),
    ({"asOf": "9" * 19}, "revision"),
]


@pytest.mark.parametrize(("query", "message"), BAD, ids=[str(n) for n in range(len(BAD))])
async def test_bad_queries(calls: Calls, query: dict[str, str], message: str) -> None:
    table = await numbered(calls)
    answer = await calls.client.get(f"/export/{table}", params=query)
    assert answer.status_code == 400, answer.text
    assert message in answer.json()["error"], answer.text


async def test_all_problems_are_told_at_once(calls: Calls) -> None:
    table = await numbered(calls)
    query = {"format": "pdf", "guard": "x", "sort": "{", "asOf": "y"}
    answer = await calls.client.get(f"/export/{table}", params=query)
    assert [each in answer.json()["error"] for each in query] == [True] * 4
    query = {"columns": "zip", "sort": '[{"column":"zap"}]'}
    refused(
        await calls.client.get(f"/export/{table}", params=query),
        400,
        "Unknown column: zip; Unknown column: zap",
    )


async def test_what_is_not_there(calls: Calls) -> None:
    table = await numbered(calls)
    for id_ in UNKNOWN:
        answer = await calls.client.get(f"/export/{table}", params={"session": id_})
        refused(answer, 404, "Session not found")
    refused(await calls.client.get(f"/export/{table}/x"), 404, "Not found")
    refused(await calls.client.post(f"/export/{table}"), 405, "Method not allowed")


async def test_keys(site: Site, calls: Calls) -> None:
    table = await numbered(calls)
    path = f"/export/{table}"
    for key, status, error in (("", 401, "A valid API key is required"), ("tc_x", 401, None)):
        async with site.client(key) as stranger:
            answer = await stranger.get(path)
            assert answer.status_code == status
            assert answer.headers["www-authenticate"] == "Bearer"
            assert error is None or answer.json() == {"error": error}
    async with site.client(await site.new_key(Role.VIEWER)) as viewer:
        assert (await viewer.get(path)).status_code == 200


async def fetched(calls: Calls, site: Site, table: str, **variables: Any) -> httpx2.Response:
    """What is found under the address that GraphQL gives."""
    data = await site.graphql(URL, id=table, **variables)
    url = data["table"]["exportUrl"]
    assert url.startswith(f"/export/{table}?")
    assert set(parse_qs(urlsplit(url).query)) <= {
        "format", "filter", "sort", "columns", "asOf", "session", "guard"
    }  # fmt: skip
    return await calls.client.get(url)


async def test_export_url(site: Site, calls: Calls) -> None:
    table = await numbered(calls)
    answer = await fetched(calls, site, table, format="CSV")
    assert answer.text.splitlines()[0] == "Name,N,F"
    found = await fetched(
        calls,
        site,
        table,
        format="CSV",
        filter={
            "all": [
                {"where": {"column": "n", "operator": "IN", "value": [0, 1, 3.5, 4]}},
                {"any": [{"not": {"where": {"column": "name", "operator": "IS_EMPTY"}}}]},
            ]
        },
        sort=[{"column": "n", "direction": "DESC", "nulls": "LAST"}],
        columns=["f", "name"],
        asOf={"revision": 3},
        guard=False,
    )
    assert found.text == "F,Name\n=1,d\n=1,a\n=1,c\n"
    past = await fetched(calls, site, table, format="JSONL", asOf={"at": "2001-01-01T00:00:00Z"})
    assert (past.status_code, past.text) == (200, "")
    for format_ in ("JSON", "XLSX"):
        assert (await fetched(calls, site, table, format=format_)).status_code == 200


async def test_export_url_refuses_half_a_moment(site: Site, calls: Calls) -> None:
    table = await numbered(calls)
    body = {"query": URL, "variables": {"id": table, "format": "CSV", "asOf": {}}}
    answer = (await site.shared.post("/graphql", json=body)).json()
    assert answer["data"] == {"table": {"exportUrl": None}}
    assert answer["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"
