"""Files: PDFs only, forms made by hand, links that work without a key and expire."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import httpx2
import pytest

from domain import keys
from domain.access import Role, Scope
from domain.keys import ApiKeyCreate
from rest_compat.phacet import files
from tests.phacet.calls import PDF, Phacet, Shop, cell, refused, shop
from tests.rest.calls import UNKNOWN, Calls
from tests.serving import Site, serve


@pytest.fixture(scope="module")
async def table(site: Site) -> Shop:
    """A table for all."""
    return await shop(Calls(site.shared))


async def _link(phacet: Phacet, table: Shop, paper: Any) -> dict[str, Any]:
    row = await phacet.row(table, paper=paper)
    path = f"/tables/{table.id}/cells/{cell(row, 'paper')['id']}/download-file-url"
    found: dict[str, Any] = await phacet.get(path)
    return found


async def test_upload(phacet: Phacet) -> None:
    made = await phacet.upload(name="folder\\two words é.pdf")
    assert made["name"] == made["filename"] == "two words é.pdf"
    assert (made["mimeType"], made["size"]) == ("application/pdf", len(PDF))
    # The name does not matter, the bytes do.
    assert (await phacet.upload(name="scan.txt"))["mimeType"] == "application/pdf"


@pytest.mark.parametrize("content", [b"", b"%PDF", b"\n%PDF-1.7", b"PK\x03\x04", b"hello"])
async def test_other_files_are_refused(phacet: Phacet, content: bytes) -> None:
    part = {"file": ("paper.pdf", content, "application/pdf")}
    answer = await phacet.client.post("/api/v2/files", files=part)
    refused(answer, 400, "BadRequestError", "The file is not a PDF")


async def test_a_form_without_the_part(phacet: Phacet) -> None:
    told = "The form has no file in a part named file"
    part = {"document": ("paper.pdf", PDF)}
    answer = await phacet.client.post("/api/v2/files", files=part)
    refused(answer, 400, "BadRequestError", told)
    content = b'--b\r\nContent-Disposition: form-data; name="file"\r\n\r\ntext\r\n--b--\r\n'
    refused(await _form(phacet, content), 400, "BadRequestError", told)


@pytest.mark.parametrize(
    "kind", ["application/pdf", "application/json", "", "text/plain", "multipart/mixed"]
)
async def test_a_body_that_is_no_form(phacet: Phacet, kind: str) -> None:
    headers = {"content-type": kind} if kind else {}
    answer = await phacet.client.post("/api/v2/files", content=PDF, headers=headers)
    told = "The body must be multipart/form-data"
    refused(answer, 415, "UnsupportedMediaTypeError", told)


@pytest.mark.parametrize("content", [b"", b"--b", b"junk", b"--b\r\n\r\n\r\n--b--\r\n"])
async def test_broken_forms(phacet: Phacet, content: bytes) -> None:
    answer = await _form(phacet, content)
    assert answer.status_code == 400
    assert answer.json()["errorKey"] == "BadRequestError"


async def test_a_form_without_a_boundary(phacet: Phacet) -> None:
    answer = await phacet.client.post(
        "/api/v2/files", content=PDF, headers={"content-type": "multipart/form-data"}
    )
    refused(answer, 400, "BadRequestError", "The body is not a form that can be read")


@pytest.mark.parametrize(
    ("written", "name"),
    [
        (b'name="file"; filename="my "best" paper.pdf"', 'my "best" paper.pdf'),
        (b'name="file"; filename="a"; b"c.pdf"', 'a"; b"c.pdf'),
        (b'name="file"; filename=""quoted".pdf"', '"quoted".pdf'),
        (b'name=file; filename="5" screen.pdf"', '5" screen.pdf'),
        (b'name="file"; filename="escaped \\"quotes\\".pdf"', 'escaped "quotes".pdf'),
        (b'name="file"; filename="plain.pdf"', "plain.pdf"),
        (b'name="file"; filename="\xc3\xa9t\xc3\xa9.pdf"', "été.pdf"),
        (b'filename="first.pdf"; name="file"', "first.pdf"),
        (b'name="file"; filename=bare.pdf', "bare.pdf"),
    ],
)
async def test_names_written_by_hand(phacet: Phacet, written: bytes, name: str) -> None:
    answer = await _form(phacet, _part(written))
    assert answer.status_code == 201, answer.text
    assert answer.json()["name"] == name


@pytest.mark.parametrize(
    "written",
    [
        b'name="file"; filename="a\x00b.pdf"',
        b'name="file"; filename="' + b"x" * 300 + b'"',
        b'name="fi"le"; filename="x.pdf"',
        b'filename="x.pdf"',
        b'name="file"; filename="a\r\nb.pdf"',
        b"",
        b'";;;="',
    ],
)
async def test_names_that_cannot_be_read(phacet: Phacet, written: bytes) -> None:
    answer = await _form(phacet, _part(written))
    assert answer.status_code == 400, answer.text
    assert set(answer.json()) == {"message", "errorKey"}


def _part(disposition: bytes) -> bytes:
    return (
        b"--b\r\nContent-Disposition: form-data; " + disposition + b"\r\n"
        b"Content-Type: application/pdf\r\n\r\n" + PDF + b"\r\n--b--\r\n"
    )


async def _form(phacet: Phacet, content: bytes) -> httpx2.Response:
    headers = {"content-type": "multipart/form-data; boundary=b"}
    return await phacet.client.post("/api/v2/files", content=content, headers=headers)


async def test_too_large(
    postgres_url: str, redis_url: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("small")
    async with serve(postgres_url, redis_url, folder, max_upload_bytes=5_000) as site:
        phacet = Phacet(site.shared)
        assert (await phacet.upload(PDF.ljust(5_000)))["size"] == 5_000
        for size in (5_001, 100_000):
            part = {"file": ("paper.pdf", PDF.ljust(size))}
            answer = await phacet.client.post("/api/v2/files", files=part)
            assert answer.status_code == 413, answer.text
            assert answer.json()["errorKey"] == "PayloadTooLargeError"


@pytest.mark.parametrize("bare", [False, True])
async def test_a_link_works_without_a_key(
    site: Site, phacet: Phacet, table: Shop, bare: bool
) -> None:
    file = await phacet.upload()
    before = datetime.now(UTC)
    link = await _link(
        phacet, table, file["id"] if bare else {"id": file["id"], "name": file["name"]}
    )
    assert link["url"] == link["downloadUrl"] == link["fileUrl"]
    assert link["url"].startswith(f"{site.url}/api/v2/files/{file['id']}?")
    ends = datetime.fromisoformat(link["expiresAt"])
    assert timedelta(minutes=14) < ends - before < timedelta(minutes=16)
    async with httpx2.AsyncClient() as stranger:
        answer = await stranger.get(link["url"])
        assert (answer.status_code, answer.content) == (200, PDF)
        assert answer.headers["content-type"] == "application/pdf"
        assert answer.headers["content-disposition"] == 'attachment; filename="paper.pdf"'
        head = await stranger.head(link["url"])
        assert (head.status_code, head.headers["content-length"]) == (200, str(len(PDF)))


async def test_a_link_is_good_for_one_file_only(phacet: Phacet, table: Shop) -> None:
    one, two = await phacet.upload(), await phacet.upload()
    link = await _link(phacet, table, one["id"])
    parts = urlsplit(link["url"])
    given = {name: values[0] for name, values in parse_qs(parts.query).items()}
    path = parts.path
    broken: list[tuple[str, dict[str, str]]] = [(path.replace(one["id"], two["id"]), given)]
    later = {"expires": str(int(given["expires"]) + 60)}
    for change in (
        later,
        {"signature": "x"},
        {"signature": "é"},
        {"key": "x\x00"},
        {"key": "tc_a"},
    ):
        broken.append((path, given | change))
    broken += [(path, {k: v for k, v in given.items() if k != name}) for name in given]
    broken.append((path.replace(one["id"], UNKNOWN[1]), given))
    for place, query in broken:
        answer = await phacet.client.get(place, params=query)
        refused(answer, 403, "ForbiddenError", "The link is not valid")
    assert (await phacet.client.get(path, params=given)).status_code == 200


async def test_a_link_expires(phacet: Phacet, table: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    file = await phacet.upload()
    monkeypatch.setattr(files, "LIFETIME", timedelta(seconds=-1))
    link = await _link(phacet, table, file["id"])
    answer = await phacet.client.get(link["url"])
    refused(answer, 403, "ForbiddenError", "The link has expired")


async def test_a_link_ends_with_its_key(site: Site, phacet: Phacet, table: Shop) -> None:
    storage = site.gateway.storage
    made = await keys.create_key(site.viewer, storage, ApiKeyCreate("short", Role.EDITOR))
    async with site.client(made.secret) as client:
        file = await Phacet(client).upload()
        link = await _link(Phacet(client), table, file["id"])
    assert (await phacet.client.get(link["url"])).status_code == 200
    await keys.revoke_key(site.viewer, storage, made.key.id)
    answer = await phacet.client.get(link["url"])
    refused(answer, 403, "ForbiddenError", "The link is not valid")


async def test_a_link_reaches_no_further_than_its_key(site: Site, phacet: Phacet) -> None:
    table = await shop(Calls(site.shared))
    scope = Scope(frozenset(), frozenset([UUID(table.id)]))
    command = ApiKeyCreate("scoped", Role.EDITOR, None, scope)
    made = await keys.create_key(site.viewer, site.gateway.storage, command)
    other = await phacet.upload()
    row = await phacet.row(table, paper=other["id"])
    async with site.client(made.secret) as client:
        own = await Phacet(client).upload()
        link = await _link(Phacet(client), table, own["id"])
        assert (await phacet.client.get(link["url"])).status_code == 200
        place = f"/api/v2/tables/{table.id}/cells/{cell(row, 'paper')['id']}/download-file-url"
        refused(await client.get(place), 404, "NotFoundError", "File not found")


async def test_cells_without_a_file(phacet: Phacet, table: Shop, calls: Calls) -> None:
    file = await phacet.upload()
    row = await phacet.row(table, title="x", paper=file["id"])
    empty = await phacet.row(table)
    path = f"/api/v2/tables/{table.id}/cells"
    answer = await phacet.client.get(f"{path}/{cell(row, 'title')['id']}/download-file-url")
    refused(answer, 400, "BadRequestError", "The cell is not of a file column")
    answer = await phacet.client.get(f"{path}/{cell(empty, 'paper')['id']}/download-file-url")
    refused(answer, 404, "NotFoundError", "File not found")
    link = await phacet.get(
        f"/tables/{table.id}/cells/{cell(row, 'paper')['id']}/download-file-url"
    )
    await calls.client.delete(f"/api/uploads/{file['id']}")
    answer = await phacet.client.get(f"{path}/{cell(row, 'paper')['id']}/download-file-url")
    refused(answer, 404, "NotFoundError", "File not found")
    refused(await phacet.client.get(link["url"]), 404, "NotFoundError", "File not found")


async def test_links_follow_the_address_that_was_called(
    site: Site, phacet: Phacet, table: Shop
) -> None:
    file = await phacet.upload()
    row = await phacet.row(table, paper=file["id"])
    path = f"/api/v2/tables/{table.id}/cells/{cell(row, 'paper')['id']}/download-file-url"
    for host in ("tables.example", "[::1]:9000", "a b", "x/y?z", "é"):
        parts = urlsplit(site.url)
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        head = f"GET {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {site.key}\r\n"
        writer.write((head + "Connection: close\r\n\r\n").encode("latin-1"))
        answer = await reader.read()
        writer.close()
        assert b" 500 " not in answer.split(b"\r\n")[0], answer
        if host == "tables.example":
            assert f'"url":"http://tables.example/api/v2/files/{file["id"]}?'.encode() in answer
