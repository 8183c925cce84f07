"""The wire, byte for byte: one conversation with all endpoints, successes and refusals.

`wire.txt` holds it with ids, times, cursors and signatures replaced by names. What clients see
changes only when that file does."""

import json
import re
from pathlib import Path
from typing import Any

from domain import projects
from domain.access import Role
from domain.entities import ProjectCreate
from rest_compat.phacet.errors import KEYS, VALIDATION
from rest_compat.phacet.routes import ENDPOINTS
from tests.phacet.calls import PDF, Shop, cell, shop
from tests.rest.calls import Calls
from tests.rest.test_wire import Conversation
from tests.serving import Site

TRANSCRIPT = Path(__file__).with_name("wire.txt")

_NOWHERE = "tbl-6c1d-9e7f"
_MASKS = (
    (r"http://127\.0\.0\.1:\d+", "<host>"),
    (r"key=tc_\w+&expires=\d+&signature=[\w-]+", "<proof>"),
    (r'"nextCursor":"[\w-]+"', '"nextCursor":"<cursor>"'),
    (r"cursor=[\w-]{20,}", "cursor=<cursor>"),
    (r"whsec_[\w+/=]+", "<secret>"),
)
#: Statuses that only a broken or busy server gives; other tests make them.
_ELSEWHERE = {"PayloadTooLargeError", "TooManyRequestsError", "InternalServerError"}
_ELSEWHERE |= {"ServiceUnavailableError"}


class Talk(Conversation):
    """The conversation, with uploads and links in it."""

    async def send(self, path: str, name: str, content: bytes = PDF, part: str = "file") -> Any:
        """A form with a file."""
        answer = await self._client.post(path, files={part: (name, content)})
        self._lines += [f"POST {path}", f"> {part}: {name}, {len(content)} bytes"]
        kind = answer.headers["content-type"]
        self._lines += [f"{answer.status_code} {kind}", answer.text, ""]
        return answer.json()

    async def follow(self, url: str) -> None:
        """What a link leads to."""
        async with self._client.__class__() as stranger:
            answer = await stranger.get(url)
        self._lines += [f"GET {url}", f"{answer.status_code} {answer.headers['content-type']}"]
        shown = answer.headers.get("content-disposition", answer.text)
        self._lines += [shown, ""]

    def note(self, *lines: str) -> None:
        """Lines of another client's conversation."""
        self._lines += lines

    def text(self) -> str:
        """All of it, masked."""
        found = super().text()
        for pattern, name in _MASKS:
            found = re.sub(pattern, name, found)
        return found


async def test_the_wire(site: Site, calls: Calls) -> None:
    talk = Talk(site.shared)
    storage = site.gateway.storage
    project = await projects.create_project(site.viewer, storage, ProjectCreate("Wire", "d"))
    table = await shop(calls, projectId=str(project.id), name="Tea", description="hot")
    await _projects(talk, str(project.id), table)
    await _sessions(talk, table)
    row = await _rows(talk, table)
    await _changes(talk, table, row)
    await _files(talk, table, row)
    await _webhooks(talk, table)
    await _version_1(talk, table, row)
    await _elsewhere(site, talk, table)
    text = talk.text()
    assert text == TRANSCRIPT.read_text()
    for endpoint in ENDPOINTS:
        path = re.sub(r"\\\{\w+\\\}", r"[^/\\n]+", re.escape(endpoint.path))
        asked = re.findall(rf"^{endpoint.method} (?:<host>)?{path}(?=[ ?\n])", text, re.MULTILINE)
        assert asked, f"{endpoint.method} {endpoint.path}"
    for key in {*KEYS.values(), VALIDATION} - _ELSEWHERE - {"ConflictError"}:
        assert f'"errorKey":"{key}"' in text, key


async def _projects(talk: Talk, project: str, table: Shop) -> None:
    await talk.say("GET", "/api/v2/projects")
    await talk.say("GET", f"/api/v2/projects/{project}")
    await talk.say("GET", f"/api/v2/projects/{_NOWHERE}")
    await talk.say("GET", f"/api/v2/tables/{table.id}")
    await talk.say("GET", f"/api/v2/tables/{_NOWHERE}")


async def _sessions(talk: Talk, table: Shop) -> None:
    path = f"/api/v2/tables/{table.id}/sessions"
    await talk.say("POST", path, {"name": "Monday"})
    await talk.say("POST", path, b"")
    await talk.say("POST", path, {"name": ""})
    await talk.say("POST", path, b"{")
    await talk.say("POST", f"/api/v2/tables/{_NOWHERE}/sessions", {"name": "Monday"})


async def _rows(talk: Talk, table: Shop) -> Any:
    path = f"/api/v2/tables/{table.id}/rows"
    made = await talk.say("POST", path, {"cells": table.cells(title="Assam", price="4.20")})
    await talk.say("POST", path, {"sessionId": made["sessionId"], "triggerTasks": False})
    page = await talk.say("GET", path, take="1")
    await talk.say("GET", path, take="1", cursor=page["nextCursor"])
    await talk.say("GET", path, sessionId=_NOWHERE)
    await talk.say("GET", path, take="201")
    await talk.say("GET", path, cursor="here")
    await talk.say("GET", f"{path}/{made['id']}")
    await talk.say("GET", f"{path}/{_NOWHERE}")
    await talk.say("GET", f"/api/v2/tables/{_NOWHERE}/rows")
    await talk.say("GET", f"/api/v2/tables/{table.id}/cells/{made['cells'][1]['id']}")
    await talk.say("GET", f"/api/v2/tables/{table.id}/cells/{_NOWHERE}")
    return made


async def _changes(talk: Talk, table: Shop, row: Any) -> None:
    rows = f"/api/v2/tables/{table.id}/rows"
    path = f"{rows}/{row['id']}"
    good = table.cells(price="", state="done", tags="red", data="[1]")
    await talk.say("PUT", path, {"cells": good, "runRow": False})
    await talk.say("PUT", f"{rows}/{_NOWHERE}", {"cells": []})
    await talk.say("POST", rows, {"sessionId": _NOWHERE})
    for method, place in (("POST", rows), ("PUT", path)):
        for name, value in (
            ("price", "many"),
            ("state", "lost"),
            ("tags", ["green"]),
            ("title", {}),
            ("data", "{"),
            ("paper", "p"),
        ):
            await talk.say(method, place, {"cells": table.cells(**{name: value})})
        await talk.say(method, place, {"cells": [{"columnId": _NOWHERE, "value": 1}]})
        await talk.say(method, place, {"cells": [*good, *good[:1]]})
        await talk.say(method, place, {"cells": [{"columnId": good[0]["columnId"]}]})
        await talk.say(method, place, {"cells": {}, "triggerTasks": "yes"})
        await talk.say(method, place, b"{")


async def _files(talk: Talk, table: Shop, row: Any) -> None:
    path = "/api/v2/files"
    made = await talk.send(path, "assam.pdf")
    await talk.send(path, "assam.pdf", b"PK\x03\x04")
    await talk.send(path, "assam.pdf", part="document")
    await talk.say("POST", path, b"%PDF-")
    cells = table.cells(paper={"id": made["id"], "name": "other.pdf"})
    place = f"/api/v2/tables/{table.id}/rows/{row['id']}"
    changed = await talk.say("PUT", place, {"cells": cells, "runRow": False})
    place = f"/api/v2/tables/{table.id}/cells"
    link = await talk.say("GET", f"{place}/{cell(changed, 'paper')['id']}/download-file-url")
    await talk.say("GET", f"{place}/{cell(changed, 'title')['id']}/download-file-url")
    await talk.say("GET", f"{place}/{_NOWHERE}/download-file-url")
    await talk.follow(link["url"])
    await talk.follow(link["url"].split("?")[0])


async def _webhooks(talk: Talk, table: Shop) -> None:
    path = "/api/v2/webhooks/endpoints"
    body = {"url": "https://hooks.example.com/in", "eventTypes": ["row.created"]}
    made = await talk.say("POST", path, body | {"tableIds": [table.id], "description": "d"})
    await talk.say("DELETE", f"{path}/{made['endpointId']}")
    await talk.say("DELETE", f"{path}/{made['endpointId']}")
    await talk.say("POST", path, body | {"eventTypes": ["row.eaten"]})
    await talk.say("POST", path, body | {"eventTypes": []})
    await talk.say("POST", path, body | {"url": "http://127.0.0.1/in"})
    await talk.say("POST", path, body | {"url": "ftp://hooks.example.com"})
    await talk.say("POST", path, body | {"tableIds": [_NOWHERE]})
    await talk.say("POST", path, {})


async def _version_1(talk: Talk, table: Shop, row: Any) -> None:
    await talk.say("GET", "/api/v1/phacets")
    path = f"/api/v1/phacets/{table.id}"
    await talk.say("GET", path)
    await talk.say("POST", f"{path}/sessions", {"name": "Old"})
    await talk.say("GET", f"{path}/rows", take="1")
    await talk.say("POST", f"{path}/rows", {"cells": table.cells(title="Old")})
    await talk.say("GET", f"{path}/rows/{row['id']}")
    await talk.say("PUT", f"{path}/rows/{row['id']}", {"cells": [], "runRow": False})
    await talk.say("GET", f"{path}/cells/{row['cells'][0]['id']}")
    await talk.say("GET", f"{path}/cells/{row['id']}.6/file-download-url")
    await talk.send("/api/v1/files", "old.pdf")
    await talk.say("GET", f"/api/v1/phacets/{_NOWHERE}")


async def _elsewhere(site: Site, talk: Talk, table: Shop) -> None:
    await talk.say("GET", "/api/v2/nothing")
    await talk.say("DELETE", f"/api/v2/tables/{table.id}")
    path = f"/api/v2/tables/{table.id}/rows"
    for key in ("", await site.new_key(Role.VIEWER)):
        async with site.client(key) as client:
            answer = await client.post(path, content=json.dumps({}))
        talk.note(f"POST {path}", f"{answer.status_code} {answer.text}", "")
