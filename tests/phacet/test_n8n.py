"""Phacet's own node for n8n is not changed for us: each of its calls, byte for byte, and what it
reads of the answers. Versions 0.1 and 0.3 of the node, as n8n's HTTP helper sends them."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest

from domain import keys, projects
from domain.access import Role
from domain.entities import ProjectCreate
from domain.keys import ApiKeyCreate
from tests.phacet.calls import PDF, Shop, cell, shop, statuses, values
from tests.rest.calls import Calls
from tests.serving import Site

_ACCEPT = {"Accept": "application/json, text/plain, */*"}
_JSON = {"accept": "application/json", "content-type": "application/json"}
_BOUNDARY = "----formdata-n8n-0.d2f8a1c07be3"


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


@dataclass(frozen=True)
class Node:
    """The node's side of the wire: one connection, one request."""

    site: Site
    key: str

    async def call(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes | None = None
    ) -> Answer:
        """Send exactly these bytes. n8n adds the key, a name and, to a body, its length. After a
        401 it sends the whole request once more."""
        answer = await self._send(method, path, headers, body)
        if answer.status == 401:
            answer = await self._send(method, path, headers, body)
        return answer

    async def _send(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes | None
    ) -> Answer:
        parts = urlsplit(self.site.url)
        lines = [f"{method} {path} HTTP/1.1", f"Host: {parts.netloc}"]
        given = {**headers, "Authorization": f"Bearer {self.key}", "User-Agent": "axios/1.12.0"}
        if body is not None:
            given["Content-Length"] = str(len(body))
        lines += [f"{name}: {value}" for name, value in given.items()]
        lines += ["Accept-Encoding: gzip, compress, deflate, br", "Connection: close", "", ""]
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        try:
            writer.write("\r\n".join(lines).encode() + (body or b""))
            head, _, content = (await reader.read()).partition(b"\r\n\r\n")
        finally:
            writer.close()
        status, *told = head.decode("latin-1").split("\r\n")
        found = {name.lower(): value for name, value in (each.split(": ", 1) for each in told)}
        if found.get("transfer-encoding") == "chunked":
            content = _unchunked(content)
        return Answer(int(status.split()[1]), found, content)

    async def upload(self, path: str, name: str, content: bytes = PDF) -> Answer:
        """The form that the node makes by hand: the name stands in it as it is."""
        body = (
            f"--{_BOUNDARY}\r\n"
            f'Content-Disposition: form-data; name="file"; filename="{name}"\r\n'
            "Content-Type: application/pdf\r\n\r\n"
        ).encode() + content
        body += f"\r\n--{_BOUNDARY}--\r\n".encode()
        kind = {"Content-Type": f"multipart/form-data; boundary={_BOUNDARY}"}
        return await self.call("POST", path, _ACCEPT | kind, body)


def _unchunked(content: bytes) -> bytes:
    found = b""
    while content:
        size, _, content = content.partition(b"\r\n")
        length = int(size, 16)
        found, content = found + content[:length], content[length + 2 :]
    return found


def _compact(body: Any) -> bytes:
    return json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode()


@pytest.fixture
def node(site: Site) -> Node:
    """The node with the admin key."""
    return Node(site, site.key)


@pytest.fixture(scope="module")
async def table(site: Site) -> Shop:
    """A table in a project: the node lists only those."""
    storage = site.gateway.storage
    project = await projects.create_project(site.viewer, storage, ProjectCreate("Invoices"))
    return await shop(Calls(site.shared), projectId=str(project.id))


async def test_credentials_are_tested(site: Site, node: Node) -> None:
    assert (await node.call("GET", "/api/v1/phacets", _ACCEPT)).status == 200
    made = await keys.create_key(
        site.viewer, site.gateway.storage, ApiKeyCreate("gone", Role.EDITOR)
    )
    await keys.revoke_key(site.viewer, site.gateway.storage, made.key.id)
    refused = await Node(site, made.secret).call("GET", "/api/v1/phacets", _ACCEPT)
    assert (refused.status, refused.json) == (
        401,
        {"message": "Unauthorized", "errorKey": "UnauthorizedError"},
    )


async def _options(node: Node, table: Shop) -> tuple[str, dict[str, str]]:
    """What the node fills its lists with: the first session, and columns by name."""
    answer = await node.call("GET", "/api/v2/projects", {"accept": "application/json"})
    assert (answer.status, answer.headers["content-type"]) == (200, "application/json")
    assert isinstance(answer.json, list)
    listed = {each["id"]: each for project in answer.json for each in project["tables"]}
    assert listed[table.id]["name"] == "Test"
    [session] = listed[table.id]["sessions"]
    assert session["name"]
    plain = {**_ACCEPT, "Content-Type": "application/json"}
    answer = await node.call("GET", f"/api/v2/tables/{table.id}", plain)
    assert answer.status == 200
    return session["id"], {each["columnName"]: each["id"] for each in answer.json["columns"]}


async def test_version_0_3_rows(node: Node, table: Shop) -> None:
    session, columns = await _options(node, table)
    uploaded = await node.upload("/api/v2/files", 'Invoice "May" (1).pdf')
    assert (uploaded.status, uploaded.json["filename"]) == (201, 'Invoice "May" (1).pdf')
    texts = {"title": "Tea é", "price": "12.5", "state": "open", "tags": "red", "data": '{"a":1}'}
    given = [{"columnId": columns[name], "value": text} for name, text in texts.items()]
    given.append({"columnId": columns["paper"], "value": uploaded.json["id"]})
    body = _compact({"sessionId": session, "cells": given})
    path = f"/api/v2/tables/{table.id}/rows"
    plain = {**_ACCEPT, "Content-Type": "application/json"}
    answer = await node.call("POST", path, plain, body)
    assert answer.status == 201
    row = answer.json
    assert isinstance(row, dict)
    paper = {"id": uploaded.json["id"], "name": 'Invoice "May" (1).pdf'}
    stored = {"title": "Tea é", "price": 12.5, "state": "open", "tags": ["red"], "data": {"a": 1}}
    assert values(row) == stored | {"paper": paper}
    assert (row["sessionId"], set(statuses(row))) == (session, {"resolved"})
    # The node's own row, and the one that its trigger asks for.
    for headers in (_ACCEPT, plain):
        answer = await node.call("GET", f"{path}/{row['id']}", headers)
        assert (answer.status, answer.json) == (200, row)
    # An empty field is sent as an empty text.
    body = _compact({"cells": [{"columnId": columns["price"], "value": ""}], "runRow": False})
    answer = await node.call("PUT", f"{path}/{row['id']}", plain, body)
    assert (answer.status, values(answer.json)["price"]) == (200, None)
    body = _compact({"cells": [{"columnId": columns["price"], "value": "7"}]})
    answer = await node.call("PUT", f"{path}/{row['id']}", plain, body)
    assert (answer.status, values(answer.json)["price"]) == (200, 7)
    place = f"/api/v2/tables/{table.id}/cells/{cell(row, 'paper')['id']}/download-file-url"
    answer = await node.call("GET", place, _ACCEPT)
    assert answer.status == 200
    async with httpx2.AsyncClient() as stranger:
        assert (await stranger.get(answer.json["url"])).content == PDF


async def test_version_0_3_refusals(node: Node, table: Shop) -> None:
    session, columns = await _options(node, table)
    plain = {**_ACCEPT, "Content-Type": "application/json"}
    path = f"/api/v2/tables/{table.id}/rows"
    for name, text in (("price", "many"), ("state", "lost"), ("tags", "green"), ("data", "{a")):
        given = [{"columnId": columns[name], "value": text}]
        body = _compact({"sessionId": session, "cells": given})
        answer = await node.call("POST", path, plain, body)
        assert (answer.status, answer.json["errorKey"]) == (400, "ValidationError")
    answer = await node.upload("/api/v2/files", "image.pdf", b"\x89PNG\r\n\x1a\n")
    assert answer.status == 400
    for name in ('a"; name="x', '"""', 'a"b"; filename="c.pdf', "x\r\ny.pdf", "\\", 'a\\"b.pdf'):
        answer = await node.upload("/api/v2/files", name)
        assert answer.status in (201, 400), (name, answer.body)


@pytest.mark.parametrize("event", ["row.calculation.completed", "row.created"])
async def test_version_0_3_trigger(node: Node, table: Shop, event: str) -> None:
    body = _compact(
        {
            "url": "https://n8n.example.com/webhook/5d0c0a4e/webhook",
            "eventTypes": [event],
            "tableIds": [table.id],
            "description": "n8n workflow: My workflow",
        }
    )
    path = "/api/v2/webhooks/endpoints"
    answer = await node.call("POST", path, _JSON, body)
    assert answer.status == 201, answer.body
    made = answer.json
    assert made["endpointId"] == made["id"]
    assert made["secret"].startswith("whsec_")
    answer = await node.call("DELETE", f"{path}/{made['endpointId']}", _JSON)
    assert (answer.status, answer.body) == (204, b"")
    answer = await node.call("DELETE", f"{path}/{made['endpointId']}", _JSON)
    told = {"message": "Webhook endpoint not found", "errorKey": "NotFoundError"}
    assert (answer.status, answer.json) == (404, told)


async def test_version_0_1(node: Node, table: Shop) -> None:
    plain = {**_ACCEPT, "Content-Type": "application/json"}
    answer = await node.call("GET", "/api/v1/phacets", plain)
    [found] = [each for each in answer.json if each["id"] == table.id]
    session = found["sessions"][0]["id"]
    answer = await node.call("GET", f"/api/v1/phacets/{table.id}", plain)
    assert (answer.status, answer.json) == (200, found)
    columns = {each["columnName"]: each["id"] for each in found["columns"]}
    uploaded = await node.upload("/api/v1/files", "invoice.pdf")
    assert uploaded.status == 201
    # It spreads the upload's answer, so both must be there.
    assert (uploaded.json["filename"], bool(uploaded.json["id"])) == ("invoice.pdf", True)
    given = [
        {"columnId": columns["title"], "value": "Tea"},
        {"columnId": columns["paper"], "value": uploaded.json["id"]},
    ]
    body = _compact({"sessionId": session, "cells": given})
    answer = await node.call("POST", f"/api/v1/phacets/{table.id}/rows", plain, body)
    assert answer.status == 201
    assert values(answer.json)["paper"] == {"id": uploaded.json["id"], "name": "invoice.pdf"}
    path = f"/api/v1/phacets/{table.id}"
    row = answer.json
    for old, new in (
        (f"{path}/rows", f"/api/v2/tables/{table.id}/rows"),
        (f"{path}/rows/{row['id']}", f"/api/v2/tables/{table.id}/rows/{row['id']}"),
        (f"{path}/cells/{row['id']}.1", f"/api/v2/tables/{table.id}/cells/{row['id']}.1"),
    ):
        before, after = await node.call("GET", old, plain), await node.call("GET", new, plain)
        assert (before.status, before.body) == (200, after.body)
    answer = await node.call("GET", f"{path}/cells/{row['id']}.6/file-download-url", _ACCEPT)
    assert (answer.status, "/api/v2/files/" in answer.json["url"]) == (200, True)
    answer = await node.call("PUT", f"{path}/rows/{row['id']}", plain, b'{"cells":[]}')
    assert (answer.status, answer.json["id"]) == (200, row["id"])
