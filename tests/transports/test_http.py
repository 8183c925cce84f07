"""GraphQL over HTTP: media types, statuses, forms of requests, and errors that tell no secrets."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import pytest

from domain.access import Role
from tests.serving import Site

GRAPHQL_JSON = "application/graphql-response+json"
TYPE = "__typename"


async def post(site: Site, content: Any, **headers: str) -> httpx2.Response:
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    sent = {"content-type": "application/json", "accept": GRAPHQL_JSON} | headers
    return await site.shared.post("/graphql", content=body, headers=sent)


def code(answer: httpx2.Response) -> str:
    [error] = answer.json()["errors"]
    return str(error["extensions"]["code"])


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        (GRAPHQL_JSON, GRAPHQL_JSON),
        ("application/json", "application/json"),
        ("*/*", "application/json"),
        (f"{GRAPHQL_JSON}, application/json;q=0.9", GRAPHQL_JSON),
        ("text/event-stream, application/json", "application/json"),
    ],
)
async def test_the_media_type_is_negotiated(site: Site, accept: str, media_type: str) -> None:
    answer = await post(site, {"query": f"{{ {TYPE} }}"}, accept=accept)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == f"{media_type}; charset=utf-8"
    assert answer.json() == {"data": {TYPE: "Query"}}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"\xff",
        b"NaN",
        b'{"query": NaN}',
        b"[" * 5000,
        b"9" * 100_000,
        [],
        [{"query": "{ __typename }"}],
        3,
        None,
        {},
        {"query": None},
        {"query": 3},
        {"query": "{ __typename }", "variables": []},
        {"query": "{ __typename }", "variables": "{}"},
        {"query": "{ __typename }", "operationName": 3},
        {"query": "{ __typename }", "extensions": 3},
        {"query": ""},
        {"query": "{"},
        {"query": "{ nothing }"},
        {"query": "type A { a: Int }"},
        {"query": "query A { __typename } query B { __typename }"},
        {"query": "query A { __typename }", "operationName": "B"},
        {"query": "query($id: ID!) { table(id: $id) { id } }"},
        {"query": "query($id: ID!) { table(id: $id) { id } }", "variables": {"id": [1]}},
        {"query": "{" * 3000},
        {"query": '{ table(id: "\ud800") { id } }'},
        {"query": "subscription { organizationChanged { __typename } }"},
    ],
    ids=lambda content: repr(content)[:40],
)
async def test_what_never_executes_is_a_400_with_a_reason(site: Site, content: Any) -> None:
    answer = await post(site, content)
    assert answer.status_code == 400
    assert "data" not in answer.json()
    assert code(answer) == "BAD_USER_INPUT"
    assert "Traceback" not in answer.text
    assert "Did you mean" not in answer.text


async def test_a_client_of_plain_json_reads_refusals_of_documents_from_the_body(site: Site) -> None:
    answer = await post(site, {"query": "{ nothing }"}, accept="application/json")
    assert (answer.status_code, code(answer)) == (200, "BAD_USER_INPUT")
    answer = await post(site, b"{", accept="application/json")
    assert (answer.status_code, code(answer)) == (400, "BAD_USER_INPUT")


async def test_get_runs_queries_and_nothing_else(site: Site) -> None:
    two = "query A { __typename } mutation B { __typename }"
    answer = await site.shared.get("/graphql", params={"query": two, "operationName": "A"})
    assert answer.json() == {"data": {TYPE: "Query"}}
    variables = json.dumps({"x": "none"})
    query = "query($x: ID!) { table(id: $x) { id } }"
    answer = await site.shared.get("/graphql", params={"query": query, "variables": variables})
    assert answer.json() == {"data": {"table": None}}

    answer = await site.shared.get("/graphql", params={"query": two, "operationName": "B"})
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
    answer = await site.shared.get("/graphql", params={"query": query, "variables": "{"})
    assert answer.status_code == 400
    assert (await site.shared.get("/graphql")).status_code == 400
    assert (await site.shared.put("/graphql", content=b"{}")).status_code == 405


@pytest.mark.parametrize(
    "kind",
    ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""],
)
async def test_forms_of_other_sites_run_nothing(site: Site, kind: str) -> None:
    content = b'{"query": "mutation { projectCreate(input: {name: \\"x\\"}) { project { id } } }"}'
    answer = await site.shared.post("/graphql", content=content, headers={"content-type": kind})
    assert answer.status_code == 415
    assert (await site.graphql("{ projects { id } }"))["projects"] == []


async def test_a_large_body_is_refused_while_it_arrives(site: Site) -> None:
    answer = await post(site, {"query": "{ __typename }", "extensions": {"x": "y" * 200_000}})
    assert (answer.status_code, code(answer)) == (413, "LIMIT_EXCEEDED")


@pytest.mark.parametrize("sent", ["", "Bearer", "Bearer junk", "Basic eDp5", "Bearer tc_x y"])
async def test_a_good_key_is_needed_for_everything(site: Site, sent: str) -> None:
    headers = {"authorization": sent} if sent else {}
    async with httpx2.AsyncClient(base_url=site.url, headers=headers) as client:
        answer = await client.post("/graphql", json={"query": "{ __typename }"})
    assert (answer.status_code, code(answer)) == (401, "UNAUTHENTICATED")
    assert answer.headers["www-authenticate"] == "Bearer"


async def test_browsers_get_graphiql_without_a_key(site: Site) -> None:
    async with httpx2.AsyncClient(base_url=site.url) as client:
        answer = await client.get("/graphql", headers={"accept": "text/html,*/*;q=0.8"})
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html")
    assert "GraphiQL" in answer.text
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
    script = answer.text.rpartition("<script>")[2].partition("</script>")[0]
    for line in script.splitlines():
        # A text that runs over a line's end is a fault for which the whole script is thrown away.
        assert line.replace('\\"', "").count('"') % 2 == 0, line
    assert script.count("{") == script.count("}")


async def test_errors_carry_a_code_and_the_request_id(site: Site) -> None:
    query = 'mutation { tableDelete(input: {tableId: "none"}) { deletedId } }'
    answer = await post(site, {"query": query}, **{"x-request-id": "mine"})
    assert answer.status_code == 200
    assert answer.json() == {
        "errors": [
            {
                "message": "Table not found",
                "locations": [{"line": 1, "column": 12}],
                "path": ["tableDelete"],
                "extensions": {"code": "NOT_FOUND", "requestId": "mine"},
            }
        ],
        "data": {"tableDelete": None},
    }


async def test_a_low_role_is_told_which_one_it_needs(site: Site) -> None:
    async with site.client(await site.new_key(Role.VIEWER)) as client:
        for query, operation, role in [
            (
                'mutation { projectCreate(input: {name: "x"}) { project { id } } }',
                "projectCreate",
                "editor",
            ),
            ("{ apiKeys { id } }", "apiKeys", "admin"),
            (
                'mutation { tableDelete(input: {tableId: "junk"}) { deletedId } }',
                "tableDelete",
                "editor",
            ),
        ]:
            answer = await client.post("/graphql", json={"query": query})
            [error] = answer.json()["errors"]
            assert error["extensions"]["code"] == "FORBIDDEN"
            assert error["message"] == f"{operation} needs the role {role}"


@asynccontextmanager
async def without(site: Site, table: str) -> AsyncIterator[None]:
    """A database in which something is broken."""
    pool = site.gateway.database.pool
    await pool.execute(f"ALTER TABLE {table} RENAME TO {table}_broken")
    try:
        yield
    finally:
        await pool.execute(f"ALTER TABLE {table}_broken RENAME TO {table}")


async def test_faults_of_ours_are_masked(site: Site) -> None:
    query = {"query": "{ projects { id } __typename }"}
    async with without(site, "project"):
        answer = await post(site, query)
    assert (answer.status_code, code(answer)) == (200, "INTERNAL")
    assert answer.json()["data"] is None
    assert "relation" not in answer.text
    async with without(site, "api_key"):
        answer = await post(site, query, authorization="Bearer unknown")
    assert (answer.status_code, code(answer)) == (500, "INTERNAL")
    assert "relation" not in answer.text


async def test_text_that_utf8_cannot_carry_is_told_all_the_same(site: Site) -> None:
    query = (
        "query($c: String!, $t: ID!) { table(id: $t) { rows(sort: [{column: $c}]) { revision } } }"
    )
    made = await site.graphql('mutation { tableCreate(input: {name: "x"}) { table { id } } }')
    variables = {"c": "\ud800", "t": made["tableCreate"]["table"]["id"]}
    answer = await post(site, {"query": query, "variables": variables})
    assert answer.json()["errors"][0]["message"] == "Unknown column: ?"
    search = {
        "query": "query($s: String) { tables(search: $s) { id } }",
        "variables": {"s": "\ud800"},
    }
    assert (await post(site, search)).json() == {"data": {"tables": []}}
