"""What a client of Phacet does from beginning to end, with a worker in a process of its own."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from standardwebhooks.webhooks import Webhook as StandardWebhook
from svix.webhooks import Webhook as SvixWebhook
from svix.webhooks import WebhookVerificationError

from tests.phacet.calls import Phacet, shop
from tests.phacet.receiver import Receiver, receiver
from tests.rest.calls import Calls
from tests.serving import Site, serve
from tests.workflows.running import worker_process


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data folder of the server and its worker."""
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="module")
async def site(postgres_url: str, redis_url: str, folder: Path) -> AsyncIterator[Site]:
    """The application and a worker beside it, which may both reach this machine."""
    async with serve(postgres_url, redis_url, folder, egress_allow="127.0.0.0/8") as opened:
        process = worker_process(postgres_url, redis_url, folder)
        try:
            yield opened
        finally:
            await asyncio.to_thread(process.stop)


@pytest.fixture
async def inbox() -> AsyncIterator[Receiver]:
    """Where webhooks go."""
    async with receiver() as made:
        yield made


async def test_a_webhook_is_signed_and_sent_again(
    site: Site, phacet: Phacet, calls: Calls, inbox: Receiver
) -> None:
    table, other = await shop(calls), await shop(calls)
    endpoint = await phacet.post(
        "/webhooks/endpoints",
        {"url": inbox.url, "eventTypes": ["row.created"], "tableIds": [table.id]},
    )
    inbox.answers += [500]
    await phacet.row(other, title="not told")
    row = await phacet.row(table, title="told")
    refused, taken = await inbox.next(), await inbox.next()
    for sent in (refused, taken):
        assert sent.json["eventType"] == "row.created"
        assert (
            sent.json["data"].items()
            >= {
                "tableId": table.id,
                "phacetId": table.id,
                "rowId": row["id"],
                "sessionId": row["sessionId"],
            }.items()
        )
        SvixWebhook(endpoint["secret"]).verify(sent.body, sent.headers)
        StandardWebhook(endpoint["secret"]).verify(sent.body, sent.headers)
        with pytest.raises(WebhookVerificationError):
            SvixWebhook(endpoint["secret"]).verify(sent.body + b" ", sent.headers)
    assert refused.headers["svix-id"] == taken.headers["svix-id"]
    assert refused.body == taken.body
    told = taken.json["data"]
    assert await phacet.get(f"/tables/{told['tableId']}/rows/{told['rowId']}") == row
    answer = await phacet.client.delete(f"/api/v2/webhooks/endpoints/{endpoint['endpointId']}")
    assert answer.status_code == 204


async def test_an_edit_by_the_tables_api_is_told(
    phacet: Phacet, calls: Calls, inbox: Receiver
) -> None:
    table = await shop(calls)
    body = {"url": inbox.url, "eventTypes": ["row.updated"], "phacetIds": [table.id]}
    await phacet.post("/webhooks/endpoints", body)
    [made] = await calls.add(table.id, {"title": "by S", "price": 1})
    row = await phacet.get(f"/tables/{table.id}/rows/{made['id']}")
    assert [each["status"] for each in row["cells"]][:2] == ["resolved"] * 2
    path = f"/api/tables/{table.id}/rows/{made['id']}"
    assert (await calls.client.patch(path, json={"data": {"title": "edited"}})).status_code == 200
    sent = await inbox.next()
    assert (sent.json["eventType"], sent.json["data"]["rowId"]) == ("row.updated", made["id"])
    row = await phacet.get(f"/tables/{table.id}/rows/{made['id']}")
    assert row["cells"][0]["value"] == "edited"
