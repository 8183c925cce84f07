"""Webhooks over GraphQL, with a worker beside the server and a receiver on a socket."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from domain.addresses import Allowed
from persistence import jobs
from persistence import webhook_replays as stored_replays
from processing import webhook_replays
from processing.deliveries import deliver
from processing.outbound import Outbound
from processing.relay import relay
from realtime.bus import open_bus
from tests.outbound.targets import Target, reply, target
from tests.serving import Site, serve
from tests.waiting import eventually

_WEBHOOK = """id url description dialect eventTypes tableIds filter columns status disabledReason
  disabledAt failingSince error previousSecretUntil createdBy createdAt updatedAt"""
CREATE = f"""mutation($i: WebhookCreateInput!) {{ webhookCreate(input: $i) {{
  webhook {{ {_WEBHOOK} }} secret errors {{ code message path }} }} }}"""
UPDATE = f"""mutation($i: WebhookUpdateInput!) {{ webhookUpdate(input: $i) {{
  webhook {{ {_WEBHOOK} }} errors {{ code message path }} }} }}"""
ROTATE = """mutation($id: ID!) { webhookRotateSecret(input: {webhookId: $id}) {
  webhook { previousSecretUntil } secret errors { message } } }"""
SWITCH = """mutation($id: ID!) {
  webhookDisable(input: {webhookId: $id}) { webhook { status disabledReason } errors { code } }
  webhookEnable(input: {webhookId: $id}) { webhook { status disabledReason } errors { code } } }"""
DELETE = """mutation($id: ID!) { webhookDelete(input: {webhookId: $id}) {
  deletedId errors { message } } }"""
READ = f"""query($id: ID!) {{ webhook(id: $id) {{ {_WEBHOOK}
  deliveries(first: 10) {{ totalCount pageInfo {{ hasNextPage }} edges {{ cursor }} nodes {{
    id eventType tableId rowId revision body status attempt nextAt merged replayId error createdAt
    finishedAt attempts {{ number requestHeaders statusCode responseHeaders responseBody error
      durationMs at }} }} }} }} webhooks {{ id }} }}"""
PING = """mutation($id: ID!) { webhookPing(input: {webhookId: $id}) {
  delivery { id status eventType attempts { statusCode responseBody } } errors { code } } }"""
REPLAY = """mutation($i: WebhookReplayInput!) { webhookReplay(input: $i) {
  replay { id status tableId fromRevision toRevision } errors { code message path } } }"""
REPLAYED = """query($id: ID!) { webhookReplay(id: $id) { status revision deliveries error } }"""
RETRY = """mutation($id: ID!) { webhookDeliveryRetry(input: {deliveryId: $id}) {
  delivery { id } errors { code message } } }"""
TABLE = """mutation { tableCreate(input: {name: "T", columns: [
  {key: "name", label: "Name", type: TEXT}, {key: "n", label: "N", type: NUMBER}]}) {
  table { id } } }"""
ADD = """mutation($t: ID!, $rows: [RowAddInput!]!) {
  rowsAdd(input: {tableId: $t, rows: $rows}) { rowIds } }"""
LOCAL = Allowed.parse("127.0.0.1")


@pytest.fixture
async def site(postgres_url: str, redis_url: str, tmp_path: Any) -> AsyncIterator[Site]:
    async with serve(postgres_url, redis_url, tmp_path, egress_allow="127.0.0.1") as opened:
        yield opened


@asynccontextmanager
async def worker(site: Site, url: str) -> AsyncIterator[None]:
    """The parts of a worker that webhooks need."""
    stopping, made = asyncio.Event(), asyncio.Event()
    storage = site.gateway.storage
    handlers = {stored_replays.JOB: webhook_replays.handler(storage, stopping)}
    async with asyncio.TaskGroup() as group:
        group.create_task(relay(storage.relay, open_bus("memory://"), stopping, 0.02, made))
        group.create_task(deliver(storage, Outbound(LOCAL), stopping, made))
        group.create_task(jobs.run(url, handlers, stopping))
        try:
            yield
        finally:
            stopping.set()


async def test_a_webhook_from_its_making_to_its_end(site: Site, postgres_url: str) -> None:
    table_id = (await site.graphql(TABLE))["tableCreate"]["table"]["id"]
    async with target(reply("200 OK", b"thanks")) as inner, worker(site, postgres_url):
        made = await _create(site, inner, table_id)
        webhook_id = made["webhook"]["id"]
        assert made["secret"].startswith("whsec_")
        assert made["webhook"]["filter"] == {"where": {"column": "n", "operator": "GT", "value": 1}}
        await site.graphql(
            ADD, t=table_id, rows=[{"data": {"name": "a", "n": n}} for n in (1, 1.5, 2)]
        )
        await eventually(lambda: _arrived(inner, 2))
        ping = (await site.graphql(PING, id=webhook_id))["webhookPing"]
        assert ping["delivery"]["attempts"] == [{"statusCode": 200, "responseBody": "thanks"}]
        given = {"webhookId": webhook_id, "tableId": table_id, "fromRevision": 1, "toRevision": 2}
        again = (await site.graphql(REPLAY, i=given))["webhookReplay"]["replay"]
        await eventually(lambda: _arrived(inner, 5))
        replayed = (await site.graphql(REPLAYED, id=again["id"]))["webhookReplay"]
        assert replayed == {
            "status": "COMPLETED",
            "revision": 2,
            "deliveries": 2,
            "error": None,
        }
        await eventually(lambda: _is_told(site, webhook_id))
    read = await site.graphql(READ, id=webhook_id)
    page = read["webhook"]["deliveries"]
    assert (page["totalCount"], page["pageInfo"]["hasNextPage"]) == (5, False)
    assert [each["cursor"] for each in page["edges"]] == [each["id"] for each in page["nodes"]]
    told = {each["id"]: each for each in page["nodes"]}
    bodies = [json.loads(request.split("\r\n\r\n", 1)[1]) for request in inner.requests]
    assert {each["id"] for each in bodies} == set(told)
    first = told[bodies[0]["id"]]
    assert json.loads(first["body"]) == bodies[0]
    assert (first["eventType"], first["revision"], first["tableId"]) == ("row.created", 2, table_id)
    [attempt] = first["attempts"]
    assert attempt["requestHeaders"]["webhook-signature"] == "v1,********"
    assert [each["id"] for each in read["webhooks"]] == [webhook_id]
    refused = (await site.graphql(RETRY, id=first["id"]))["webhookDeliveryRetry"]
    assert refused["errors"] == [
        {"code": "CONFLICT", "message": "Only a dead delivery can be tried again"}
    ]
    await _change_and_delete(site, webhook_id)


async def test_an_answer_with_a_secret_is_not_kept(site: Site) -> None:
    given = {"url": "https://example.com/", "eventTypes": ["ROW_CREATED"]}
    body = {"query": CREATE, "variables": {"i": given}}
    headers = {"Idempotency-Key": "once"}
    first = await site.shared.post("/graphql", json=body, headers=headers)
    assert first.json()["data"]["webhookCreate"]["secret"].startswith("whsec_")
    again = await site.shared.post("/graphql", json=body, headers=headers)
    assert again.status_code == 409
    assert "whsec_" not in again.text


async def _change_and_delete(site: Site, webhook_id: str) -> None:
    changes = {"webhookId": webhook_id, "eventTypes": ["ROW_UPDATED"], "filter": None}
    changed = (await site.graphql(UPDATE, i=changes | {"description": "For me"}))["webhookUpdate"]
    assert changed["errors"] == []
    assert changed["webhook"]["eventTypes"] == ["ROW_UPDATED"]
    assert (changed["webhook"]["filter"], changed["webhook"]["description"]) == (None, "For me")
    wrong = await site.graphql(UPDATE, i={"webhookId": webhook_id, "url": "https://127.0.0.2/"})
    [error] = wrong["webhookUpdate"]["errors"]
    assert (error["code"], error["path"]) == ("INVALID", ["url"])
    rotated = (await site.graphql(ROTATE, id=webhook_id))["webhookRotateSecret"]
    assert rotated["secret"].startswith("whsec_")
    assert rotated["webhook"]["previousSecretUntil"] is not None
    switched = await site.graphql(SWITCH, id=webhook_id)
    assert switched["webhookDisable"]["webhook"] == {
        "status": "DISABLED",
        "disabledReason": "It was disabled by hand",
    }
    assert switched["webhookEnable"]["webhook"] == {"status": "ACTIVE", "disabledReason": None}
    assert (await site.graphql(DELETE, id=webhook_id))["webhookDelete"]["deletedId"] == webhook_id
    assert await site.graphql("query($id: ID!) { webhook(id: $id) { id } }", id=webhook_id) == {
        "webhook": None
    }


async def _create(site: Site, inner: Target, table_id: str) -> dict[str, Any]:
    given = {
        "url": inner.url("127.0.0.1", "/in"),
        "eventTypes": ["ROW_CREATED"],
        "tableIds": [table_id],
        "filter": {"where": {"column": "n", "operator": "GT", "value": 1}},
    }
    made = (await site.graphql(CREATE, i=given))["webhookCreate"]
    assert made["errors"] == []
    found: dict[str, Any] = made
    return found


async def _arrived(inner: Target, count: int) -> bool:
    await asyncio.sleep(0)
    return len(inner.requests) >= count


async def _is_told(site: Site, webhook_id: str) -> bool:
    """Whether every answer is stored."""
    nodes = (await site.graphql(READ, id=webhook_id))["webhook"]["deliveries"]["nodes"]
    return all(each["status"] == "DELIVERED" for each in nodes)
