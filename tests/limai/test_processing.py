"""What was found, in the shape of this API; reviews; and all data of a schema."""

import asyncio
from typing import Any
from uuid import UUID

import pytest

from domain import extraction_jobs
from domain.extraction_records import ExtractionSchema, JobStatus
from rest_compat.limai.all_data import normalized
from server.live import JobWaiter
from tests.limai.calls import LETTER, Limai, Script, classifier, invoices, refused
from tests.serving import Site, serve

FOUND = Script(
    {"number": "INV-1", "date": "2026-03-14", "total": "1,000.00 EUR"},
    [
        {"item": "Oak board", "quantity": "3", "amount": "54.75"},
        {"item": "Delivery", "quantity": None, "amount": "15.00"},
    ],
)


async def read(limai: Limai, schema: ExtractionSchema, script: Any, **upload: Any) -> str:
    """The id of a file that was read."""
    file_id = await limai.upload(f"document/{schema.id}", **upload)
    await limai.read(await limai.start(schema, file_id), script)
    return file_id


def table_ids(schema: ExtractionSchema) -> tuple[str, str]:
    """Of invoices and of their items."""
    head, items = (str(table.table_id) for table in schema.tables)
    return head, items


def values(row: dict[str, Any]) -> dict[str, Any]:
    """The values of a row by the name of the column."""
    return {name: cell["value"] for name, cell in row["cells"].items()}


async def test_the_shape_of_data(site: Site, limai: Limai) -> None:
    schema = await invoices(site)
    head, items = table_ids(schema)
    file_id = await read(limai, schema, FOUND)
    told = await limai.get("/document/get-file-data", fileId=file_id)
    job_id = told.pop("jobId")
    data = told.pop("data")
    assert told == {
        "status": "COMPLETED",
        "message": "File data retrieved successfully.",
        "fileId": file_id,
        "extractionSchemaId": str(schema.id),
        "deployment": {"id": str(schema.id), "name": "Invoices"},
    }
    assert UUID(job_id)
    assert list(data) == ["tables"]
    assert list(data["tables"]) == [head, items]
    table = data["tables"][head]
    assert (table["id"], table["name"]) == (head, "Invoices")
    columns = [(each["name"], each["type"], each["description"]) for each in table["columns"]]
    assert columns == [
        ("Invoice number", "TEXT", "What the invoice is called"),
        ("Date", "DATE", None),
        ("Total", "NUMBER", None),
    ]
    [row] = table["rows"]
    assert (row["index"], row["status"]) == ("0", "PENDING")
    ids = {each["name"]: each["id"] for each in table["columns"]}
    assert row["cells"] == {
        "Invoice number": {"value": "INV-1", "columnId": ids["Invoice number"]},
        "Date": {"value": "2026-03-14", "columnId": ids["Date"]},
        "Total": {"value": "1,000.00 EUR", "columnId": ids["Total"]},
    }
    lines = data["tables"][items]["rows"]
    assert [each["index"] for each in lines] == ["0", "1"]
    assert [values(each) for each in lines] == [
        {"Item": "Oak board", "Quantity": "3", "Amount": "54.75"},
        {"Item": "Delivery", "Quantity": None, "Amount": "15.00"},
    ]
    query = {"fileId": file_id, "extractionSchemaId": str(schema.id)}
    assert (await limai.get("/document/get-file-data", **query))["data"] == data


async def test_a_file_is_processing_until_its_job_ends(site: Site, limai: Limai) -> None:
    schema = await invoices(site)
    file_id = await limai.upload(f"document/{schema.id}")
    path = f"/document/{schema.id}/process-file-async/{file_id}"
    queued = await limai.post(path)
    assert queued == {
        "message": "Job queued for processing",
        "fileId": file_id,
        "jobId": queued["jobId"],
    }
    told = await limai.get("/document/get-file-data", fileId=file_id)
    assert told == {"status": "PROCESSING", "fileId": file_id, "jobId": queued["jobId"]}
    await limai.read(queued["jobId"], FOUND)
    again = await limai.start(schema, file_id)
    assert again != queued["jobId"]
    await limai.read(again, Script({"number": "INV-2"}))
    told = await limai.get("/document/get-file-data", fileId=file_id)
    head, items = table_ids(schema)
    assert told["jobId"] == again
    assert [values(row)["Invoice number"] for row in told["data"]["tables"][head]["rows"]] == [
        "INV-2"
    ]
    assert told["data"]["tables"][items]["rows"] == []


async def test_many_files_at_once(site: Site, limai: Limai) -> None:
    schema = await invoices(site)
    file_ids = [await limai.upload(f"document/{schema.id}") for _ in range(3)]
    running = await limai.start(schema, file_ids[1])
    body = {"fileIds": [*file_ids, file_ids[0]]}
    told = await limai.post(f"/document/{schema.id}/process-files-async", body)
    assert told["message"] == "Jobs queued for processing"
    assert [each["fileId"] for each in told["jobs"]] == file_ids
    assert told["jobs"][1]["jobId"] == running
    assert len({each["jobId"] for each in told["jobs"]}) == 3


async def test_a_file_of_which_rows_are_missing_has_failed(site: Site, limai: Limai) -> None:
    schema = await invoices(site)
    head, _ = table_ids(schema)
    script = Script(FOUND.head, FOUND.items, missing="2 of 40 rows were read")
    file_id = await read(limai, schema, script)
    told = await limai.get("/document/get-file-data", fileId=file_id)
    assert told["status"] == "FAILED"
    assert told["errorMessage"] == "page 2: 2 of 40 rows were read"
    assert told["deployment"] == {"id": str(schema.id), "name": "Invoices"}
    assert len(told["data"]["tables"][head]["rows"]) == 1


async def test_a_file_of_which_nothing_was_found_has_failed(site: Site, limai: Limai) -> None:
    schema = await invoices(site)
    file_id = await limai.upload(f"document/{schema.id}", b"%PDF-1.7 broken")
    job_id = await limai.start(schema, file_id)
    await limai.read(job_id, FOUND)
    told = await limai.get("/document/get-file-data", fileId=file_id)
    message = told.pop("errorMessage")
    assert told == {"status": "FAILED", "fileId": file_id, "jobId": job_id}
    assert message
    cancelled = await limai.start(schema, file_id)
    await extraction_jobs.cancel(site.viewer, site.gateway.storage, UUID(cancelled))
    told = await limai.get("/document/get-file-data", fileId=file_id)
    assert (told["status"], told["errorMessage"]) == ("FAILED", "Processing was cancelled")


async def test_corrections(site: Site, limai: Limai) -> None:
    schema = await invoices(site)
    head, items = table_ids(schema)
    file_id = await read(limai, schema, FOUND)
    data = (await limai.get("/document/get-file-data", fileId=file_id))["data"]
    board, delivery = data["tables"][items]["rows"]
    shown = values(board)
    path = f"/document/{schema.id}/process-file/{file_id}/submit-corrections"
    body = {
        "tables": {
            items: {
                "deletedRowIds": [delivery["id"]],
                "updatedRows": [{"id": board["id"], "cells": {**shown, "Amount": "1,054.75"}}],
                "newRows": [{"cells": {"Item": "Screws", "Quantity": 2}}],
            }
        }
    }
    told = await limai.post(path, body)
    assert (told["message"], told["fileId"]) == ("Corrections submitted successfully", file_id)
    assert list(told["data"]["tables"]) == [items]
    rows = told["data"]["tables"][items]["rows"]
    assert [row["status"] for row in rows] == ["ACCEPTED", "ACCEPTED"]
    assert [values(row) for row in rows] == [
        {"Item": "Oak board", "Quantity": "3", "Amount": "1054.75"},
        {"Item": "Screws", "Quantity": "2", "Amount": None},
    ]
    assert told["summary"] == {
        "rowsAccepted": 1,
        "rowsDeleted": 1,
        "rowsUpdated": 1,
        "rowsAdded": 1,
        "tablesAffected": [items],
    }
    now = (await limai.get("/document/get-file-data", fileId=file_id))["data"]["tables"]
    assert [row["status"] for row in now[head]["rows"]] == ["PENDING"]
    [row] = now[head]["rows"]
    unchanged = {"tables": {head: {"updatedRows": [{"id": row["id"], "cells": values(row)}]}}}
    told = await limai.post(path, unchanged)
    assert told["summary"]["rowsUpdated"] == 0
    assert values(told["data"]["tables"][head]["rows"][0])["Total"] == "1,000.00 EUR"


async def test_all_is_right(site: Site, limai: Limai) -> None:
    schema = await invoices(site)
    head, items = table_ids(schema)
    file_id = await read(limai, schema, FOUND)
    path = f"/document/{schema.id}/process-file/{file_id}/submit-corrections"
    told = await limai.post(path, {"acceptAll": True})
    assert told["message"] == "All rows accepted successfully"
    assert told["summary"] == {
        "rowsAccepted": 3,
        "rowsDeleted": 0,
        "rowsUpdated": 0,
        "rowsAdded": 0,
        "tablesAffected": [head, items],
    }
    rows = [row for table in told["data"]["tables"].values() for row in table["rows"]]
    assert [row["status"] for row in rows] == ["ACCEPTED"] * 3
    again = await limai.post(path, {"acceptAll": True})
    assert again["summary"]["rowsAccepted"] == 0


async def test_corrections_that_are_wrong_write_nothing(site: Site, limai: Limai) -> None:
    schema = await invoices(site)
    head, items = table_ids(schema)
    file_id = await read(limai, schema, FOUND)
    path = f"/api/v1/document/{schema.id}/process-file/{file_id}/submit-corrections"
    before = await limai.get("/document/get-file-data", fileId=file_id)
    board = before["data"]["tables"][items]["rows"][0]["id"]
    either = "Give either acceptAll: true or tables"
    wrong = [
        ({}, 400, either),
        ({"acceptAll": False}, 400, either),
        ({"tables": {}}, 400, either),
        ({"acceptAll": True, "tables": {head: {}}}, 400, either),
        ({"tables": {str(schema.id): {}}}, 404, "Table not found"),
        (
            {"tables": {items: {}, items.upper(): {}}},
            400,
            f'tables names "{items.upper()}" a second time',
        ),
        (
            {"tables": {items: {"updatedRows": [{"id": "x", "cells": {}}]}}},
            400,
            'Row "x" not found',
        ),
        (
            {"tables": {items: {"newRows": [{"cells": {"Price": "1", "Amount": "many"}}]}}},
            400,
            'There is no column "Price"; Amount: "many" is not a number',
        ),
        (
            {"tables": {items: {"updatedRows": [{"id": board, "cells": {"Amount": "1.054,75"}}]}}},
            400,
            'Amount: "1.054,75" is not a number',
        ),
        (
            {"tables": {items: {"updatedRows": [{"id": board}]}}},
            400,
            f"tables.{items}.updatedRows.0.cells: Field required",
        ),
    ]
    for body, status, text in wrong:
        refused(await limai.client.post(path, json=body), status, text)
    assert await limai.get("/document/get-file-data", fileId=file_id) == before


async def test_all_data_of_a_schema(site: Site, limai: Limai) -> None:
    schema = await invoices(site)
    await read(limai, schema, Script({}), name="empty.pdf")
    await read(limai, schema, Script({"number": "INV-0", "total": "5"}), name="small.pdf")
    await read(limai, schema, FOUND, name="invoice 1.pdf")
    await read(limai, schema, Script({}, FOUND.items), name="invoice 1.pdf")
    lines = [
        {"item": "Oak board", "quantity": "3", "amount": "54.75"},
        {"item": "Delivery", "quantity": None, "amount": "15.00"},
    ]
    told = await limai.get("/extraction-schema/get-all-data", extractionSchemaId=str(schema.id))
    assert told == {
        "invoice 1.pdf": {"line_items": lines},
        "invoice 1.pdf (2)": {
            "invoice_number": "INV-1",
            "date": "2026-03-14",
            "total": "1,000.00 EUR",
            "line_items": lines,
        },
        "small.pdf": {"invoice_number": "INV-0", "date": None, "total": "5"},
    }


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("Invoice Number", "invoice_number"),
        ("Total Amount ($)", "total_amount"),
        ("Client's Email", "clients_email"),
        ("Date/Time", "date_time"),
        ("  a - b  ", "a_b"),
        ("__A__", "a"),
        ("Größe", "gre"),
    ],
)
def test_names_are_brought_into_one_form(name: str, plain: str) -> None:
    assert normalized([name]) == [plain]
    assert normalized([name, name]) == [plain, f"{plain}_2"]


async def test_classification(site: Site, limai: Limai) -> None:
    schema = await invoices(site)
    classifier_id = await classifier(site, schema.id)
    file_id = await limai.upload(f"classify/{classifier_id}")
    told = {
        "fileId": file_id,
        "deploymentName": "Invoices",
        "extractionSchemaId": str(schema.id),
    }
    assert await limai.post(f"/classify/{classifier_id}", {"fileId": file_id}) == told
    body = {"unclassifiedFileId": file_id}
    assert await limai.post(f"/classify/{classifier_id}/async", body) == told
    state = await limai.get("/document/get-file-data", fileId=file_id)
    assert state["status"] == "PROCESSING"
    answer = await limai.client.post(f"/api/v1/classify/{classifier_id}/async", json=body)
    assert (answer.status_code, answer.json()["existingJobId"]) == (409, state["jobId"])
    letter = await limai.upload(f"classify/{classifier_id}", LETTER, "letter.txt")
    for path in ("", "/async"):
        told = await limai.post(f"/classify/{classifier_id}{path}", {"fileId": letter})
        assert told == {"fileId": None, "status": "UNCLASSIFIED"}


async def test_what_is_too_large_or_takes_too_long(
    postgres_url: str, redis_url: str, tmp_path: Any
) -> None:
    settings = {"sync_seconds": 0.1, "max_upload_bytes": 10_000}
    async with serve(postgres_url, redis_url, tmp_path, **settings) as site:
        limai, schema = Limai(site), await invoices(site)
        large = await limai.get(f"/document/{schema.id}/get-url", filename="large.pdf")
        answer = await limai.client.put(large["url"], content=b"x" * 10_001)
        assert answer.status_code == 413
        file_id = await limai.upload(f"document/{schema.id}")
        path = f"/api/v1/document/{schema.id}/process-file/{file_id}"
        answer = await limai.client.post(path, json={})
        job_id = answer.json()["jobId"]
        told = {"error": "Processing timed out", "fileId": file_id, "jobId": job_id}
        refused(answer, 504, told)
        await limai.read(job_id, FOUND)
        assert (await limai.get("/document/get-file-data", fileId=file_id))["jobId"] == job_id


async def test_waiting_asks_once_and_then_after_each_step(site: Site, limai: Limai) -> None:
    schema = await invoices(site)
    file_id = await limai.upload(f"document/{schema.id}")
    job_id = await limai.start(schema, file_id)
    asked, first = 0, asyncio.Event()
    storage = site.gateway.storage

    async def is_over() -> bool:
        nonlocal asked
        asked += 1
        job = await extraction_jobs.job(site.viewer, storage, UUID(job_id))
        first.set()
        return job.status is JobStatus.COMPLETED

    waiting = asyncio.create_task(JobWaiter(site.gateway.hub, 30)(UUID(job_id), is_over))
    await first.wait()
    assert asked == 1
    await limai.read(job_id, FOUND)
    assert await waiting
    steps = await extraction_jobs.job_steps(site.viewer, storage, UUID(job_id))
    assert 2 <= asked <= 1 + len(steps)

    async def slow() -> bool:
        raise TimeoutError("the database is too slow")

    with pytest.raises(TimeoutError, match="too slow"):
        await JobWaiter(site.gateway.hub, 30)(UUID(job_id), slow)
