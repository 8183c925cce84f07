"""What a client does with papers: uploads them, puts them into rows, and reads what tools found."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from domain.access import Role
from tests.documents import papers
from tests.phacet.calls import Phacet, cell, statuses, values
from tests.serving import Site, serve
from tests.waiting import between_looks
from tests.workflows.running import worker_process

_RULES = {
    "number": ("TEXT", "Extract the invoice number from {{invoice}}"),
    "total": ("NUMBER", "What is the total of {{invoice}}?"),
    "due": ("DATE", "What is the due date in {{invoice}}?"),
}
_PROGRAMS = {
    "items": ("NUMBER", "def run(row):\n    return len(row['invoice']['tables'][0]) - 1"),
    "dearest": (
        "TEXT",
        "def run(row):\n    rows = row['invoice']['tables'][0][1:]\n"
        "    return max(rows, key=lambda each: float(each[3]))[0]",
    ),
}
_TABLE = """mutation($columns: [ColumnInput!]!) {
  tableCreate(input: {name: "Invoices", columns: $columns}) {
    table { id columns { id key } } errors { message } } }"""
_CELLS = """query($id: ID!) { row(id: $id) { cells {
  column { key } status confidence producer { kind }
  citations { column text start end fileId page box } } } }"""
_FILE = """query($id: ID!) { file(id: $id) {
  id name mimeType size sha256 status url pictureUrl(page: 1, width: 200) } }"""
_ADDRESS = """mutation($name: String!) { fileUploadUrl(input: {name: $name}) {
  file { id status url pictureUrl } url expiresAt errors { message path } } }"""
_DELETE = """mutation($id: ID!) { fileDelete(input: {fileId: $id}) {
  fileId errors { code message } } }"""
_LIST = """query($first: Int!, $after: String) {
  files(search: ".pdf", first: $first, after: $after) {
  nodes { name } edges { cursor node { name } } pageInfo { hasNextPage endCursor } } }"""
_PREVIEW = """mutation($table: ID!, $column: String!) {
  runPreview(input: {tableId: $table, column: $column, sample: 1}) {
    cells { inputs value error citations { page box } } errors { message } } }"""
_ESTIMATE = (
    """query($table: ID!) { runEstimate(tableId: $table, mode: ALL) { rows cells tokensHigh } }"""
)


@pytest.fixture(scope="module")
async def site(
    postgres_url: str, redis_url: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Site]:
    """The application and a worker beside it."""
    folder: Path = tmp_path_factory.mktemp("data")
    async with serve(postgres_url, redis_url, folder) as opened:
        process = worker_process(postgres_url, redis_url, folder)
        try:
            yield opened
        finally:
            await asyncio.to_thread(process.stop)


@pytest.fixture
def phacet(site: Site) -> Phacet:
    return Phacet(site.shared)


def _columns() -> list[dict[str, Any]]:
    columns: list[dict[str, Any]] = [{"key": "invoice", "label": "invoice", "type": "FILE"}]
    for key, (type_, prompt) in _RULES.items():
        tool = {"run": {"ai": {"prompt": prompt, "provider": "rules"}}}
        columns.append({"key": key, "label": key, "type": type_, "tool": tool})
    for key, (type_, code) in _PROGRAMS.items():
        tool = {"run": {"python": {"code": code}}}
        columns.append({"key": key, "label": key, "type": type_, "tool": tool})
    return columns


@pytest.fixture(scope="module")
async def table(site: Site) -> dict[str, Any]:
    """A table of invoices: what stands in their cells comes from the file."""
    made = (await site.graphql(_TABLE, columns=_columns()))["tableCreate"]
    assert made["errors"] == [], made
    return dict(made["table"])


async def _settled(phacet: Phacet, table: dict[str, Any], row_id: str) -> dict[str, Any]:
    """The row when none of its cells waits any more, as a client polls for it."""
    async with asyncio.timeout(60):
        while True:
            row: dict[str, Any] = await phacet.get(f"/tables/{table['id']}/rows/{row_id}")
            if not {"queued", "calculating"} & set(statuses(row)):
                return row
            await between_looks()


async def _row(phacet: Phacet, table: dict[str, Any], file_id: str) -> dict[str, Any]:
    """A row with this file whose tools were started, when they are through."""
    [column] = [each["id"] for each in table["columns"] if each["key"] == "invoice"]
    body = {"cells": [{"columnId": column, "value": {"id": file_id}}], "triggerTasks": True}
    made = await phacet.post(f"/tables/{table['id']}/rows", body)
    return await _settled(phacet, table, made["id"])


async def test_an_invoice_becomes_a_row(site: Site, phacet: Phacet, table: dict[str, Any]) -> None:
    file = await phacet.upload(papers.plain_invoice(), "invoice.pdf")
    row = await _row(phacet, table, file["id"])
    assert set(statuses(row)) == {"resolved"}, row
    found = values(row)
    assert {key: str(found[key]) for key in (*_RULES, *_PROGRAMS)} == {
        "number": "INV-2026-0117",
        "total": "121.74",
        "due": "2026-04-13",
        "items": "4",
        "dearest": "Oak board",
    }
    cells = (await site.graphql(_CELLS, id=row["id"]))["row"]["cells"]
    cited = {each["column"]["key"]: each["citations"] for each in cells if each["citations"]}
    assert cited.keys() == _RULES.keys()
    [citation] = cited["number"]
    left, top, right, bottom = citation.pop("box")
    assert (left, round(top), round(bottom)) == (pytest.approx(160, abs=1), 100, 112)
    assert 200 < right < 240
    place = {key: citation.pop(key) for key in ("start", "end")}
    assert place["end"] - place["start"] == len("INV-2026-0117")
    assert citation == {
        "column": "invoice",
        "text": "INV-2026-0117",
        "fileId": file["id"],
        "page": 1,
    }
    producers = {each["column"]["key"]: each["producer"] for each in cells}
    assert producers["number"] == {"kind": "RULES"}
    assert producers["items"] == {"kind": "PYTHON"}


async def test_a_paper_that_cannot_be_read_says_so(
    site: Site, phacet: Phacet, table: dict[str, Any]
) -> None:
    file = await phacet.upload(b"%PDF-1.7\nnothing", "torn.pdf")
    row = await _row(phacet, table, file["id"])
    for key in (*_RULES, *_PROGRAMS):
        told = cell(row, key)
        assert told["status"] == "error"
        assert told["lastError"].startswith("The file torn.pdf cannot be read: ")
    found = await site.graphql(_ESTIMATE, table=table["id"])
    assert found["runEstimate"]["rows"] >= 1
    previewed = (await site.graphql(_PREVIEW, table=table["id"], column="number"))["runPreview"]
    [shown] = previewed["cells"]
    assert shown["inputs"]["invoice"].keys() == {"id", "name"}
    assert (shown["value"] is None) == (shown["error"] is not None)


async def test_files_come_in_several_ways(site: Site, phacet: Phacet) -> None:
    content = papers.plain_invoice()
    answer = await site.shared.post("/files", files={"file": ("a.pdf", content)})
    assert answer.status_code == 201
    stored = answer.json()
    shown = (await site.graphql(_FILE, id=stored["id"]))["file"]
    assert shown == {
        "id": stored["id"],
        "name": "a.pdf",
        "mimeType": "application/pdf",
        "size": len(content),
        "sha256": stored["sha256"],
        "status": "UPLOADED",
        "url": f"/files/{stored['id']}",
        "pictureUrl": f"/files/{stored['id']}/pages/1.png?width=200",
    }
    assert (await site.shared.get(shown["url"])).content == content
    announced = (await site.graphql(_ADDRESS, name="b.pdf"))["fileUploadUrl"]
    file = announced["file"]
    assert (file["status"], file["url"], file["pictureUrl"]) == ("UPLOADING", None, None)
    for path in (f"/files/{file['id']}", f"/files/{file['id']}/pages/1.png"):
        refused = await site.shared.get(path)
        assert (refused.status_code, refused.json()) == (
            409,
            {"error": "The file has not been uploaded yet"},
        )
    async with site.client("") as anybody:
        assert (await anybody.put(announced["url"], content=content)).status_code == 200
        broken = announced["url"][:-4] + "AAAA"
        assert (await anybody.put(broken, content=content)).status_code == 403
        assert (await anybody.get(f"/files/{file['id']}")).status_code == 401
    received = (await site.graphql(_FILE, id=file["id"]))["file"]
    assert (received["status"], received["sha256"]) == ("UPLOADED", stored["sha256"])
    refused = (await site.graphql(_ADDRESS, name="x" * 300))["fileUploadUrl"]
    assert (refused["file"], refused["errors"][0]["path"]) == (None, ["filename"])
    page = (await site.graphql(_LIST, first=1))["files"]
    assert [each["name"] for each in page["nodes"]] == ["b.pdf"]
    after = page["pageInfo"]["endCursor"]
    assert page["pageInfo"]["hasNextPage"]
    rest = (await site.graphql(_LIST, first=50, after=after))["files"]
    assert rest["edges"][0]["node"]["name"] == "a.pdf"
    for gone in (stored["id"], file["id"]):
        assert (await site.graphql(_DELETE, id=gone))["fileDelete"]["fileId"] == gone
        assert (await site.graphql(_FILE, id=gone))["file"] is None
        assert (await site.shared.get(f"/files/{gone}")).status_code == 404


async def test_a_page_as_a_picture(site: Site, phacet: Phacet) -> None:
    file = await phacet.upload(papers.plain_invoice())
    path = f"/files/{file['id']}/pages"
    picture = await site.shared.get(f"{path}/1.png", params={"width": 120})
    assert (picture.status_code, picture.headers["content-type"]) == (200, "image/png")
    assert int.from_bytes(picture.content[16:20]) == 120
    assert "sandbox" in picture.headers["content-security-policy"]
    for asked, status in (
        ("/2.png", 400),
        ("/0.png", 404),
        ("/x.png", 404),
        ("/1.png?width=0", 400),
        ("/1.png?width=9999", 400),
        ("/1.png?width=many", 400),
    ):
        assert (await site.shared.get(path + asked)).status_code == status, asked
    looker = await site.new_key(Role.VIEWER)
    async with site.client(looker) as client:
        assert (await client.get(f"{path}/1.png")).status_code == 200
        assert (await client.delete(f"/files/{file['id']}")).status_code == 403
    assert (await site.shared.get("/files/nothing/pages/1.png")).status_code == 404
