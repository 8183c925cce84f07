"""What a client of LimAI does from beginning to end, with a worker in a process of its own and the
rules engine; and what clients of the other APIs see of it."""

import asyncio
import hashlib
import hmac
import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from domain.extraction_records import ExtractionSchema
from tests.limai.calls import LETTER, PDF, Limai, classifier, invoices, refused
from tests.phacet.calls import Phacet, cell, statuses
from tests.phacet.calls import values as phacet_values
from tests.phacet.receiver import Receiver, Sent, receiver
from tests.rest.document import Judge
from tests.serving import Site, serve
from tests.workflows.running import worker_process

_WEBHOOK = """mutation($i: WebhookCreateInput!) { webhookCreate(input: $i) {
  webhook { id dialect extractionSchemaId verifiedAt tableIds } secret
  errors { message path } } }"""
_VERIFY = """mutation($id: ID!) { webhookVerify(input: {webhookId: $id}) {
  webhook { verifiedAt } delivery { eventType status error } errors { message } } }"""
_TOOL = """mutation($table: ID!) { columnAdd(input: {tableId: $table, column: {key: "vat",
    label: "VAT", type: NUMBER, tool: {inputs: ["total"],
    run: {python: {code: "def run(row):\\n    return row['total'] / 4"}}}}}) {
  column { id } errors { message } } }"""

HEAD = {"Invoice number": "INV-2026-0117", "Date": "2026-03-14", "Total": "121.74 EUR"}
LINES = [
    {"Item": "Steel bracket, 40 mm", "Quantity": "12", "Amount": "42.00"},
    {"Item": "Oak board", "Quantity": "3", "Amount": "54.75"},
    {"Item": "Screws (box of 200)", "Quantity": "1", "Amount": "9.99"},
    {"Item": "Delivery", "Quantity": "1", "Amount": "15.00"},
]


@pytest.fixture(scope="module")
async def site(
    postgres_url: str, redis_url: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Site]:
    """The application and a worker beside it, which may both reach this machine."""
    folder: Path = tmp_path_factory.mktemp("data")
    async with serve(postgres_url, redis_url, folder, egress_allow="127.0.0.0/8") as opened:
        opened.shared.event_hooks["response"] += [Judge("limai").check]
        process = worker_process(postgres_url, redis_url, folder)
        try:
            yield opened
        finally:
            await asyncio.to_thread(process.stop)


@pytest.fixture(scope="module")
async def schema(site: Site) -> ExtractionSchema:
    """Invoices with items."""
    return await invoices(site)


@pytest.fixture
async def inbox() -> AsyncIterator[Receiver]:
    """Where webhooks go. It gives challenges back."""
    async with receiver() as made:
        made.says = lambda sent: json.dumps({"challenge": sent.json.get("challenge")}).encode()
        yield made


def values(data: dict[str, Any], table_id: object) -> list[dict[str, Any]]:
    """The values of the rows of a table by the name of the column."""
    rows = data["tables"][str(table_id)]["rows"]
    return [{name: each["value"] for name, each in row["cells"].items()} for row in rows]


async def test_a_document_is_read_while_the_request_waits(
    site: Site, limai: Limai, schema: ExtractionSchema
) -> None:
    file_id = await limai.upload(f"document/{schema.id}")
    told = await limai.post(f"/document/{schema.id}/process-file/{file_id}")
    assert list(told) == ["message", "fileId", "jobId", "data"]
    assert (told["message"], told["fileId"]) == ("File processed successfully.", file_id)
    head, items = (table.table_id for table in schema.tables)
    assert list(told["data"]["tables"]) == [str(head), str(items)]
    assert values(told["data"], head) == [HEAD]
    assert values(told["data"], items) == LINES
    rows = told["data"]["tables"][str(items)]["rows"]
    assert [row["index"] for row in rows] == ["0", "1", "2", "3"]
    assert {row["status"] for row in rows} == {"PENDING"}
    later = await limai.get("/document/get-file-data", fileId=file_id)
    assert (later["status"], later["data"]) == ("COMPLETED", told["data"])


async def test_a_document_that_cannot_be_read(limai: Limai, schema: ExtractionSchema) -> None:
    file_id = await limai.upload(f"document/{schema.id}", b"%PDF-1.7 broken")
    path = f"/api/v1/document/{schema.id}/process-file/{file_id}"
    answer = await limai.client.post(path, json={})
    told = answer.json()
    assert (answer.status_code, list(told)) == (500, ["error", "fileId", "jobId"])
    state = await limai.get("/document/get-file-data", fileId=file_id)
    assert state == {
        "status": "FAILED",
        "fileId": file_id,
        "jobId": told["jobId"],
        "errorMessage": told["error"],
    }


async def test_a_job_is_followed_by_webhooks_to_the_end_of_its_review(
    site: Site, limai: Limai, schema: ExtractionSchema, inbox: Receiver, postgres_url: str
) -> None:
    secret = await _verified(site, schema, inbox)
    file_id = await limai.upload(f"document/{schema.id}")
    path = f"/document/{schema.id}/process-file-async/{file_id}"
    connection = await asyncpg.connect(postgres_url)
    try:
        async with connection.transaction():
            # No row can be stored for the moment, so the job goes on for so long.
            await connection.execute("LOCK TABLE extracted_row IN EXCLUSIVE MODE")
            job_id = (await limai.post(path))["jobId"]
            again = await limai.client.post(f"/api/v1{path}", json={})
            told = again.json()
            assert (again.status_code, told["existingJobId"]) == (409, job_id)
            state = await limai.get("/document/get-file-data", fileId=file_id)
            assert state == {"status": "PROCESSING", "fileId": file_id, "jobId": job_id}
    finally:
        await connection.close()
    sent = await inbox.next_of("DOCUMENT_EXTRACTED")
    _check(site, schema, sent, secret, file_id)
    assert sent.json["jobId"] == job_id
    assert sent.json["data"] == {"status": "success", "errorMessage": None}
    state = await limai.get("/document/get-file-data", fileId=file_id)
    assert (state["status"], state["jobId"]) == ("COMPLETED", job_id)
    assert values(state["data"], schema.tables[0].table_id) == [HEAD]
    path = f"/document/{schema.id}/process-file/{file_id}/submit-corrections"
    review = await limai.post(path, {"acceptAll": True})
    assert review["summary"]["rowsAccepted"] == 5
    sent = await inbox.next_of("DOCUMENT_REVIEWED")
    _check(site, schema, sent, secret, file_id)
    assert sent.json["jobId"] is None
    assert sent.json["data"] == {
        "status": "reviewed",
        "acceptedRowsCount": 5,
        "totalRowsCount": 5,
    }


async def test_a_classifier_finds_the_schema_or_says_that_there_is_none(
    site: Site, limai: Limai, schema: ExtractionSchema
) -> None:
    classifier_id = await classifier(site, schema.id)
    file_id = await limai.upload(f"classify/{classifier_id}")
    found = await limai.post(f"/classify/{classifier_id}", {"fileId": file_id})
    assert found["extractionSchemaId"] == str(schema.id)
    path = f"/document/{schema.id}/process-file/{found['fileId']}"
    assert values((await limai.post(path))["data"], schema.tables[0].table_id) == [HEAD]
    letter = await limai.upload(f"classify/{classifier_id}", LETTER, "letter.txt")
    told = await limai.post(f"/classify/{classifier_id}/async", {"fileId": letter})
    assert told == {"fileId": None, "status": "UNCLASSIFIED"}


async def test_rows_are_rows_for_all_other_apis(site: Site, limai: Limai, inbox: Receiver) -> None:
    schema = await invoices(site, "Cross")
    head = schema.tables[0].table_id
    file_id = await limai.upload(f"document/{schema.id}")
    told = await limai.post(f"/document/{schema.id}/process-file/{file_id}")
    [found] = told["data"]["tables"][str(head)]["rows"]
    made = (await site.graphql(_TOOL, table=str(head)))["columnAdd"]
    assert made["errors"] == []
    phacet, path = Phacet(site.shared), f"/tables/{head}/rows/{found['id']}"
    hook = {"url": inbox.url, "eventTypes": ["row.updated"], "tableIds": [str(head)]}
    await phacet.post("/webhooks/endpoints", hook)
    row = await phacet.get(path)
    assert [cell(row, name)["status"] for name in HEAD] == ["resolved"] * 3
    assert cell(row, "VAT")["status"] == "ready"
    await phacet.put(path, {"cells": [], "runRow": True})
    async with asyncio.timeout(60):
        row = await phacet.get(path)
        while {"queued", "calculating"} & set(statuses(row)):
            row = await phacet.get(path)
    assert set(statuses(row)) == {"resolved"}
    assert phacet_values(row) == {
        "Invoice number": "INV-2026-0117",
        "Date": "2026-03-14",
        "Total": 121.74,
        "VAT": 30.435,
    }
    await inbox.next_of("row.updated")
    [listed] = (await site.shared.get(f"/api/tables/{head}/rows")).json()
    assert listed["id"] == found["id"]
    data = {"number": "INV-2026-0117", "date": "2026-03-14", "total": 121.74, "vat": 30.435}
    assert listed["data"] == data
    edit = {"data": data | {"total": 200}}
    answer = await site.shared.patch(f"/api/tables/{head}/rows/{found['id']}", json=edit)
    assert answer.status_code == 200, answer.text
    row = await phacet.get(path)
    assert (cell(row, "VAT")["status"], cell(row, "VAT")["value"]) == ("stale", 30.435)
    assert (cell(row, "Total")["status"], cell(row, "Total")["value"]) == ("resolved", 200)
    sent = await inbox.next_of("row.updated")
    assert sent.json["data"]["rowId"] == found["id"]
    state = await limai.get("/document/get-file-data", fileId=file_id)
    [now] = values(state["data"], head)
    assert (now["Total"], now["Date"], now["VAT"]) == ("200", "2026-03-14", "30.435")


async def test_an_address_for_bytes_works_once_for_one_file(
    limai: Limai, schema: ExtractionSchema
) -> None:
    made = await limai.get(f"/document/{schema.id}/get-url", filename="Rechnung März.pdf")
    assert made["url"].startswith(f"{limai.site.url}/upload/")
    path = f"/api/v1/document/{schema.id}/process-file/{made['fileId']}"
    refused(await limai.client.post(path), 400, "File has not been uploaded")
    await limai.put(made["url"], PDF)
    assert (await limai.client.post(path)).status_code == 200


async def _verified(site: Site, schema: ExtractionSchema, inbox: Receiver) -> str:
    """The secret of an endpoint that has answered its challenge."""
    given = {
        "url": inbox.url,
        "dialect": "LIMAI",
        "eventTypes": ["DOCUMENT_EXTRACTED", "DOCUMENT_REVIEWED"],
        "extractionSchemaId": str(schema.id),
    }
    made = (await site.graphql(_WEBHOOK, i=given))["webhookCreate"]
    assert made["errors"] == []
    webhook = made["webhook"]
    assert (webhook["dialect"], webhook["verifiedAt"], webhook["tableIds"]) == ("LIMAI", None, [])
    assert webhook["extractionSchemaId"] == str(schema.id)
    told = (await site.graphql(_VERIFY, id=webhook["id"]))["webhookVerify"]
    assert told["webhook"]["verifiedAt"] is not None, told
    assert told["delivery"] == {
        "eventType": "VERIFICATION",
        "status": "DELIVERED",
        "error": None,
    }
    sent = await inbox.next()
    assert sent.json["eventType"] == "VERIFICATION"
    assert sent.json["challenge"] == sent.json["data"]["challenge"]
    secret: str = made["secret"]
    _check_signature(sent, secret)
    return secret


def _check(site: Site, schema: ExtractionSchema, sent: Sent, secret: str, file_id: str) -> None:
    told = sent.json
    assert list(told) == [
        "eventId",
        "eventType",
        "timestamp",
        "organizationId",
        "deploymentId",
        "extractionSchemaId",
        "fileId",
        "jobId",
        "data",
    ]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", told["timestamp"])
    assert told["organizationId"] == str(site.viewer.organization_id)
    assert told["deploymentId"] == told["extractionSchemaId"] == str(schema.id)
    assert told["fileId"] == file_id
    _check_signature(sent, secret)


def _check_signature(sent: Sent, secret: str) -> None:
    made = hmac.new(secret.encode(), sent.body, hashlib.sha256).hexdigest()
    assert sent.headers["x-webhook-signature"] == f"sha256={made}"
    assert not {"svix-id", "webhook-id"} & set(sent.headers)
