"""Requests with an idempotency key, sent again: by GraphQL, a socket and REST."""

import asyncio
from typing import Any
from uuid import uuid4

import httpx2

from domain.access import Role
from tests.rest.calls import Calls, column, refused
from tests.serving import Site

_ADD = """mutation($id: ID!, $rows: [RowAddInput!]!) {
  rowsAdd(input: {tableId: $id, rows: $rows}) { revision rowIds errors { code } } }"""
_TWO = """mutation($id: ID!) {
  a: columnAdd(input: {tableId: $id, column: {key: "x", label: "X", type: TEXT}}) {
    errors { code } }
  b: rowsAdd(input: {tableId: $id, rows: [{data: {x: "1"}}]}) { rowIds errors { code } } }"""


def _body(table_id: str, *data: dict[str, Any], query: str = _ADD) -> dict[str, Any]:
    variables: dict[str, Any] = {"id": table_id}
    if data:
        variables["rows"] = [{"data": each} for each in data]
    return {"query": query, "variables": variables}


async def _send(client: httpx2.AsyncClient, body: dict[str, Any], key: str) -> httpx2.Response:
    return await client.post("/graphql", json=body, headers={"Idempotency-Key": key})


async def test_a_repeated_mutation_writes_once_and_tells_the_same(calls: Calls) -> None:
    table = await calls.table(column("a"))
    body, key = _body(table["id"], {"a": "x"}), str(uuid4())
    first = await _send(calls.client, body, key)
    again = await _send(calls.client, body, key)
    assert first.status_code == again.status_code == 200
    assert first.content == again.content
    assert await calls.column(table["id"], "a") == ["x"]
    other = await _send(calls.client, _body(table["id"], {"a": "y"}), key)
    assert (other.status_code, other.json()["errors"][0]["extensions"]["code"]) == (409, "CONFLICT")
    assert await calls.column(table["id"], "a") == ["x"]


async def test_several_mutations_of_one_request_are_repeated_as_one(calls: Calls) -> None:
    table = await calls.table(column("a"))
    body, key = _body(table["id"], query=_TWO), str(uuid4())
    first = await _send(calls.client, body, key)
    assert first.json()["data"]["a"] == {"errors": []}
    assert (await _send(calls.client, body, key)).content == first.content
    assert await calls.column(table["id"], "x") == ["1"]


async def test_a_request_that_wrote_nothing_leaves_its_key_free(calls: Calls) -> None:
    table = await calls.table(column("n", "number"))
    key = str(uuid4())
    bad = await _send(calls.client, _body(table["id"], {"n": "many"}), key)
    assert bad.json()["data"]["rowsAdd"]["errors"] == [{"code": "INVALID_TYPE"}]
    good = await _send(calls.client, _body(table["id"], {"n": 1}), key)
    assert good.json()["data"]["rowsAdd"]["errors"] == []
    assert await calls.column(table["id"], "n") == [1]


async def test_many_at_once_write_once(calls: Calls) -> None:
    table = await calls.table(column("a"))
    body, key = _body(table["id"], {"a": "x"}), str(uuid4())
    answers = await asyncio.gather(*(_send(calls.client, body, key) for _ in range(12)))
    assert {answer.status_code for answer in answers} <= {200, 409}
    assert len({answer.content for answer in answers if answer.status_code == 200}) == 1
    assert await calls.column(table["id"], "a") == ["x"]


async def test_over_rest(calls: Calls) -> None:
    table = await calls.table(column("a"))
    path, key = f"/api/tables/{table['id']}/rows", {"Idempotency-Key": str(uuid4())}
    body = {"rows": [{"data": {"a": "x"}}]}
    first = await calls.client.post(path, json=body, headers=key)
    again = await calls.client.post(path, json=body, headers=key)
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.content == again.content
    assert "idempotent-replayed" not in first.headers
    assert again.headers["idempotent-replayed"] == "true"
    assert len(await calls.rows(table["id"])) == 1
    row = first.json()[0]["id"]
    for status in (204, 204):
        gone = await calls.client.delete(f"{path}/{row}", headers={"Idempotency-Key": "delete"})
        assert (gone.status_code, gone.content) == (status, b"")
    other = await calls.client.post(path, json={"rows": [{"data": {}}]}, headers=key)
    refused(other, 409, "The idempotency key was used for another request")
    for bad in ("", "a" * 256, "a b"):
        answer = await calls.client.post(path, json=body, headers={"Idempotency-Key": bad})
        assert answer.status_code == 400
        assert list(answer.json()["error"]["fieldErrors"]) == ["idempotencyKey"]
    assert await calls.rows(table["id"]) == []


async def test_over_a_socket_in_the_extensions(site: Site, calls: Calls) -> None:
    table = await calls.table(column("a"))
    payload = _body(table["id"], {"a": "x"}) | {"extensions": {"idempotencyKey": str(uuid4())}}
    told = []
    async with site.socket(site.key) as socket:
        for id_ in ("1", "2"):
            await socket.send({"id": id_, "type": "subscribe", "payload": payload})
            told.append((await socket.next(id_))["payload"])
            assert (await socket.next(id_))["type"] == "complete"
    assert told[0] == told[1]
    answer = await calls.client.post("/graphql", json=payload)
    assert answer.json() == told[0]
    assert await calls.column(table["id"], "a") == ["x"]


async def test_keys_of_different_actors_are_different_keys(site: Site, calls: Calls) -> None:
    table = await calls.table(column("a"))
    body, key = _body(table["id"], {"a": "x"}), str(uuid4())
    async with site.client(await site.new_key(Role.EDITOR)) as other:
        answers = [await _send(client, body, key) for client in (calls.client, other)]
    assert answers[0].content != answers[1].content
    assert await calls.column(table["id"], "a") == ["x", "x"]


async def test_a_secret_is_not_kept_for_a_repeat(calls: Calls) -> None:
    create = """mutation { apiKeyCreate(input: {name: "K", role: VIEWER}) {
      secret apiKey { id } errors { code } } }"""
    key = str(uuid4())
    first = await _send(calls.client, {"query": create}, key)
    assert first.json()["data"]["apiKeyCreate"]["errors"] == []
    again = await _send(calls.client, {"query": create}, key)
    assert again.status_code == 409
    assert "its answer was not kept" in again.json()["errors"][0]["message"]
