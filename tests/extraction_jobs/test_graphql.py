"""Jobs and reviews over GraphQL: followed live, read back and corrected."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest

from processing.extraction_jobs import read_file
from tests.extraction_jobs.office import Office, open_office
from tests.extraction_jobs.papers import Papers
from tests.serving import Site, serve
from tests.worlds import World

_JOB = """
  id status revision fileId rows pages engine error schema { name } file { name } rerunOf
  parts { number name status expected produced reason firstPage lastPage }
  steps { revision status part rows message }
"""
_START = f"""
mutation($input: ExtractionStartInput!) {{
  extractionStart(input: $input) {{
    jobs {{ {_JOB} }} running {{ id }} errors {{ code message }}
  }}
}}"""
_PROGRESS = """
subscription($id: ID!) {
  jobProgress(jobId: $id) { revision job { status rows parts { status } } }
}"""
_CHANGED = """
subscription($id: ID!) {
  tableChanged(tableId: $id) {
    __typename
    ... on RowsAdded {
      cause { kind id } rows { data extraction { index job { id } file { name } } }
    }
  }
}"""
_ROWS = """
query($id: ID!) {
  extractedRows(fileId: $id) {
    pending tableId table { name }
    rows(first: 2) {
      totalCount pageInfo { hasNextPage endCursor }
      nodes {
        rowId raw extraction { index reviewStatus reviewedBy parentRowId job { id } }
        row { data cell(column: "amount") { status citations { page box text fileId } } }
      }
    }
  }
}"""
_SUBMIT = """
mutation($input: ReviewSubmitInput!) {
  reviewSubmit(input: $input) {
    summary { rowsAccepted rowsDeleted rowsUpdated rowsAdded tableIds pending }
    tables { pending } errors { code message path }
  }
}"""
_ACCEPT = """
mutation($input: ReviewAcceptInput!) {
  reviewAccept(input: $input) { summary { rowsAccepted pending } errors { code message } }
}"""


@pytest.fixture(scope="module")
async def site(
    postgres_url: str, redis_url: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Site]:
    folder = tmp_path_factory.mktemp("site")
    async with serve(postgres_url, redis_url, folder) as opened:
        yield opened


@pytest.fixture
async def office(site: Site) -> Office:
    storage = site.gateway.storage
    return await open_office(World(site.gateway.database, storage, site.viewer))


async def test_a_job_is_started_followed_and_reviewed(site: Site, office: Office) -> None:
    file_id = str(await office.file())
    started = await _start(site, office, file_id)
    [job] = started["jobs"]
    assert (job["status"], job["parts"], job["schema"]) == ("QUEUED", [], {"name": "Invoices"})
    assert job["file"] == {"name": "paper.txt"}
    again = await _start(site, office, file_id)
    assert (again["jobs"], again["running"]) == (None, {"id": job["id"]})
    assert [error["code"] for error in again["errors"]] == ["CONFLICT"]
    async with site.socket() as socket:
        await socket.subscribe("job", _PROGRESS, id=job["id"])
        await socket.subscribe("lines", _CHANGED, id=str(office.lines))
        first = await socket.event("job")
        assert (first["revision"], first["job"]["status"]) == (1, "QUEUED")
        assert (await socket.event("lines"))["__typename"] == "StreamStarted"
        working = asyncio.create_task(_work(office, job["id"]))
        events = await socket.events_until(
            "job", lambda event: bool(event["job"]["status"] == "COMPLETED")
        )
        assert events[-1]["job"]["rows"] == 5
        assert (await socket.next("job"))["type"] == "complete"
        await working
        added = [await socket.event("lines"), await socket.event("lines")]
        assert {each["__typename"] for each in added} == {"RowsAdded"}
        assert added[0]["cause"] == {"kind": "EXTRACTION", "id": job["id"]}
        assert [row["extraction"]["index"] for each in added for row in each["rows"]] == [
            0,
            1,
            2,
            3,
        ]
        await _review(site, office, file_id, job["id"])


async def _review(site: Site, office: Office, file_id: str, job_id: str) -> None:
    found = (await site.graphql(_ROWS, id=file_id))["extractedRows"]
    assert [table["table"]["name"] for table in found] == ["invoice", "line"]
    lines = found[1]
    assert (lines["pending"], lines["rows"]["totalCount"]) == (4, 4)
    assert lines["rows"]["pageInfo"] == {"hasNextPage": True, "endCursor": "1"}
    nail, screw = lines["rows"]["nodes"]
    assert nail["raw"] == {"item": "nail", "amount": "3"}
    assert nail["extraction"] == {
        "index": 0,
        "reviewStatus": "PENDING",
        "reviewedBy": None,
        "parentRowId": found[0]["rows"]["nodes"][0]["rowId"],
        "job": {"id": job_id},
    }
    assert nail["row"]["data"] == {"item": "nail", "amount": 3}
    [citation] = nail["row"]["cell"]["citations"]
    assert citation == {"page": 1, "box": [10, 20, 30, 40], "text": "3", "fileId": file_id}
    corrections = {
        "tableId": str(office.lines),
        "deletedRowIds": [nail["rowId"]],
        "updatedRows": [{"id": screw["rowId"], "data": {"amount": 44}}],
        "newRows": [{"data": {"item": "washer"}}],
    }
    bad = corrections | {"newRows": [{"data": {"amount": "many"}}, {"data": 5}]}
    refused = await _submit(site, file_id, bad)
    assert (refused["summary"], refused["tables"]) == (None, None)
    assert [error["code"] for error in refused["errors"]] == ["INVALID_TYPE"] * 2
    given = {"fileId": file_id, "tables": [corrections, {"tableId": str(office.lines)}]}
    twice = (await site.graphql(_SUBMIT, input=given))["reviewSubmit"]
    assert [(each["code"], each["path"]) for each in twice["errors"]] == [
        ("DUPLICATE", ["tables", "1", "tableId"])
    ]
    done = await _submit(site, file_id, corrections)
    assert done["errors"] == []
    assert done["summary"] == {
        "rowsAccepted": 3,
        "rowsDeleted": 1,
        "rowsUpdated": 1,
        "rowsAdded": 1,
        "tableIds": [str(office.lines)],
        "pending": 1,
    }
    assert [table["pending"] for table in done["tables"]] == [1, 0]
    accepted = (await site.graphql(_ACCEPT, input={"fileId": file_id}))["reviewAccept"]
    assert accepted == {"summary": {"rowsAccepted": 1, "pending": 0}, "errors": []}


async def test_what_is_missing_is_shown_and_read_again(site: Site, office: Office) -> None:
    file_id = str(await office.file("line: item=a\f?line: item=b", "faint.txt"))
    [job] = (await _start(site, office, file_id))["jobs"]
    await _work(office, job["id"])
    query = f"query($id: ID!) {{ extractionJob(id: $id) {{ {_JOB} }} }}"
    found = (await site.graphql(query, id=job["id"]))["extractionJob"]
    assert (found["status"], found["error"]) == ("PARTIAL", "page 2: 1 lines are too faint")
    assert [part["status"] for part in found["parts"]] == ["DONE", "MISSING"]
    assert [step["part"] for step in found["steps"]] == [None, None, None, 0, 1, None]
    rerun = (
        "mutation($input: ExtractionJobInput!) { extractionRerun(input: $input)"
        " { job { id rerunOf parts { number status } } errors { message } } }"
    )
    again = (await site.graphql(rerun, input={"jobId": job["id"]}))["extractionRerun"]["job"]
    assert again["rerunOf"] == job["id"]
    assert again["parts"] == [{"number": 1, "status": "QUEUED"}]
    cancel = (
        "mutation($input: ExtractionJobInput!) { extractionCancel(input: $input)"
        " { job { status } errors { message } } }"
    )
    stopped = await site.graphql(cancel, input={"jobId": again["id"]})
    assert stopped["extractionCancel"]["job"] == {"status": "CANCELLED"}
    refused = await site.graphql(rerun, input={"jobId": job["id"]})
    assert refused["extractionRerun"]["errors"] == []
    pages = """
query($id: ID!, $after: String) {
  extractionJobs(fileId: $id, first: 2, after: $after) {
    totalCount nodes { id } edges { cursor } pageInfo { hasNextPage }
  }
}"""
    first = (await site.graphql(pages, id=file_id))["extractionJobs"]
    assert (first["totalCount"], first["pageInfo"]) == (3, {"hasNextPage": True})
    behind = first["edges"][-1]["cursor"]
    last = (await site.graphql(pages, id=file_id, after=behind))["extractionJobs"]
    assert [each["id"] for each in last["nodes"]] == [job["id"]]
    assert last["pageInfo"] == {"hasNextPage": False}


async def test_rows_that_people_wrote_came_from_no_file(site: Site, office: Office) -> None:
    await office.world.add(office.lines, {"item": "by hand"})
    query = (
        "query($id: ID!) { table(id: $id) { rows { nodes { data extraction { fileId } } } }"
        " unknown: extractedRows(fileId: $id) { pending } }"
    )
    found = await site.graphql(query, id=str(office.lines))
    assert found["table"]["rows"]["nodes"] == [
        {"data": {"item": "by hand", "amount": None}, "extraction": None}
    ]
    assert found["unknown"] is None


async def _start(site: Site, office: Office, file_id: str) -> dict[str, Any]:
    given = {"schemaId": str(office.schema.id), "fileIds": [file_id]}
    found: dict[str, Any] = (await site.graphql(_START, input=given))["extractionStart"]
    return found


async def _submit(site: Site, file_id: str, table: dict[str, Any]) -> dict[str, Any]:
    given = {"fileId": file_id, "tables": [table]}
    found: dict[str, Any] = (await site.graphql(_SUBMIT, input=given))["reviewSubmit"]
    return found


async def _work(office: Office, job_id: str) -> None:
    storage = office.world.storage
    papers = Papers(storage)
    await read_file(storage, office.reader, papers, UUID(job_id), office.stopping)
