"""Errors: always `{message, errorKey}`, for whatever reason, under every prefix of the dialect."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import httpx2
import pytest

from domain import keys, projects, tables
from domain.access import Role, Scope, Viewer
from domain.entities import ProjectCreate, TableCreate
from domain.errors import ErrorCode, Problem
from domain.keys import ApiKeyCreate
from persistence import organizations
from rest_compat.phacet.errors import KEYS, render_error, sentence
from rest_compat.phacet.routes import ENDPOINTS, PREFIXES
from rest_compat.wire import Refused
from tests.phacet.calls import Phacet, Shop, refused, shop
from tests.rest.calls import UNKNOWN, Calls, column
from tests.serving import Site, serve

_ASKED = [each for each in ENDPOINTS if not each.keyless]


def _path(pattern: str) -> str:
    return re.sub(r"\{\w+\}", UNKNOWN[0], pattern)


@pytest.fixture(scope="module")
async def table(site: Site) -> Shop:
    """A table for all."""
    return await shop(Calls(site.shared))


@pytest.mark.parametrize("endpoint", _ASKED, ids=lambda each: f"{each.method} {each.path}")
async def test_every_endpoint_asks_for_a_key(site: Site, endpoint: Any) -> None:
    made = await keys.create_key(
        site.viewer, site.gateway.storage, ApiKeyCreate("gone", Role.ADMIN)
    )
    await keys.revoke_key(site.viewer, site.gateway.storage, made.key.id)
    given = ["", "tc_aaaaaaaa_" + "x" * 43, made.secret, "x" * 5000]
    headers = [{"authorization": f"Bearer {each}"} if each else {} for each in given]
    headers += [{"authorization": f"Basic {site.key}"}, {"x-api-key": site.key}]
    async with site.client("") as stranger:
        for each in headers:
            answer = await stranger.request(endpoint.method, _path(endpoint.path), headers=each)
            refused(answer, 401, "UnauthorizedError", "Unauthorized")
            assert answer.headers["www-authenticate"] == "Bearer"


async def test_a_key_is_needed_even_where_none_is(
    postgres_url: str, redis_url: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("open")
    async with (
        serve(postgres_url, redis_url, folder, open=True) as site,
        site.client("") as stranger,
    ):
        assert (await stranger.get("/api/tables")).status_code == 200
        for endpoint in _ASKED:
            answer = await stranger.request(endpoint.method, _path(endpoint.path))
            refused(answer, 401, "UnauthorizedError", "Unauthorized")
        assert (await site.shared.get("/api/v2/projects")).status_code == 200


@pytest.mark.parametrize("role", [Role.VIEWER, Role.EDITOR])
async def test_roles(site: Site, role: Role) -> None:
    async with site.client(await site.new_key(role)) as client:
        for endpoint in _ASKED:
            answer = await client.request(endpoint.method, _path(endpoint.path))
            if endpoint.method == "GET" or role is Role.EDITOR:
                assert answer.status_code != 403, (endpoint.method, endpoint.path)
            else:
                needed = f"{endpoint.operation} needs the role editor"
                refused(answer, 403, "ForbiddenError", needed)


@pytest.mark.parametrize(
    "path",
    [
        *(f"{prefix}/nothing" for prefix in PREFIXES if prefix != "/api/v1/phacets"),
        "/api/v2/",
        "/api/v2/projects/",
        "/api/v2/tables",
        "/api/v2/tables/a/rows/b/c",
        "/api/v2/webhooks",
        "/api/v1/phacets/a/b",
        "/api/v1/phacets/",
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
async def test_paths_that_are_not_there(phacet: Phacet, path: str, method: str) -> None:
    answer = await phacet.client.request(method, path)
    refused(answer, 404, "NotFoundError", "Not found")


async def test_other_methods(phacet: Phacet) -> None:
    by_path: dict[str, set[str]] = {}
    for endpoint in ENDPOINTS:
        by_path.setdefault(endpoint.path, set()).add(endpoint.method)
    for pattern, methods in by_path.items():
        allowed = methods | {"OPTIONS"} | ({"HEAD"} if "GET" in methods else set())
        for method in {"GET", "POST", "PUT", "PATCH", "DELETE"} - methods:
            answer = await phacet.client.request(method, _path(pattern))
            refused(answer, 405, "MethodNotAllowedError", "Method not allowed")
            assert set(answer.headers["allow"].split(", ")) == allowed
        answer = await phacet.client.options(_path(pattern))
        assert (answer.status_code, answer.content) == (204, b"")


async def test_bodies_that_are_no_json(phacet: Phacet, table: Shop) -> None:
    path = f"/api/v2/tables/{table.id}/rows"
    for content in (b"", b"{", b"[1,]", b'{"a": NaN}', b"\xff", b"[" * 5000):
        answer = await phacet.client.post(path, content=content)
        refused(answer, 400, "BadRequestError", "The body is not JSON")


async def test_bodies_of_the_wrong_form(phacet: Phacet, table: Shop) -> None:
    path = f"/api/v2/tables/{table.id}/rows"
    row = await phacet.row(table, title="x")
    bodies: list[tuple[Any, str]] = [
        ([], "Input should be a valid dictionary or instance of RowBody"),
        ({"cells": 5}, "cells: Input should be a valid list"),
        ({"cells": [5]}, "cells[0]: Input should be a valid dictionary or instance of CellBody"),
        ({"cells": [{"value": 1}]}, "cells[0].columnId: Field required"),
        ({"cells": [{"columnId": "x"}]}, "cells[0].value: Field required"),
        ({"cells": [{"columnId": 5, "value": 1}]}, "cells[0].columnId: "),
        ({"sessionId": 5}, "sessionId: Input should be a valid string"),
        ({"triggerTasks": "yes"}, "triggerTasks: Input should be a valid boolean"),
        ({"triggerTasks": 1, "cells": 5}, "cells: Input should be a valid list; triggerTasks: "),
    ]
    for body, told in bodies:
        answer = await phacet.client.post(path, json=body)
        assert answer.status_code == 400, answer.text
        told_us = answer.json()
        assert told_us["errorKey"] == "ValidationError"
        assert told_us["message"].startswith(told), told_us
    for body, told in (({"runRow": "x"}, "runRow: "), ({"cells": 5, "runRow": 1}, "cells: ")):
        answer = await phacet.client.put(f"{path}/{row['id']}", json=body)
        assert answer.status_code == 400
        assert answer.json()["message"].startswith(told)


async def test_sessions(phacet: Phacet, table: Shop) -> None:
    path = f"/api/v2/tables/{table.id}/sessions"
    first = (await phacet.get(f"/tables/{table.id}"))["sessions"]
    assert len(first) == 1
    for content, name in ((b"", "Session 2"), (b" \n", "Session 3"), (b"{}", "Session 4")):
        answer = await phacet.client.post(path, content=content)
        assert (answer.status_code, answer.json()["name"]) == (201, name)
    made = await phacet.post(f"/tables/{table.id}/sessions", {"name": "é" * 256})
    assert made["tableId"] == table.id
    shown = (await phacet.get(f"/tables/{table.id}"))["sessions"]
    assert [each["name"] for each in shown][1:] == [f"Session {n}" for n in (2, 3, 4)] + ["é" * 256]
    assert shown[0] == first[0]
    bad: list[Any] = [{"name": ""}, {"name": "x" * 257}, {"name": 5}, {"name": "a\0b"}, [], "x"]
    for body in bad:
        answer = await phacet.client.post(path, json=body)
        assert (answer.status_code, answer.json()["errorKey"]) == (400, "ValidationError")
    answer = await phacet.client.post(path, content=b"{")
    refused(answer, 400, "BadRequestError", "The body is not JSON")


async def test_too_large_busy_and_our_own_faults(
    postgres_url: str, redis_url: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("narrow")
    async with serve(postgres_url, redis_url, folder, max_body_bytes=20_000) as site:
        calls, phacet = Calls(site.shared), Phacet(site.shared)
        table = await shop(calls)
        path = f"/api/v2/tables/{table.id}/rows"
        told = "The body is larger than 20000 bytes"
        for content in (b" " * 20_001, _chunks(40)):
            answer = await phacet.client.post(path, content=content)
            refused(answer, 413, "PayloadTooLargeError", told)
        assert (await phacet.get(f"/tables/{table.id}/rows"))["rows"] == []
        await _alter(site, table.id, "ALTER TABLE {table} ALTER version DROP DEFAULT")
        await _alter(site, table.id, "ALTER TABLE {table} ALTER version TYPE boolean USING true")
        answer = await phacet.client.post(path, json={})
        refused(answer, 500, "InternalServerError", "Internal server error")
        assert answer.headers["x-request-id"]
        await _alter(site, table.id, "DROP TABLE {table}")
        answer = await phacet.client.get(path)
        told = "The table is busy; nothing was changed, try again"
        refused(answer, 503, "ServiceUnavailableError", told)
        assert answer.headers["retry-after"] == "1"


async def _chunks(count: int) -> AsyncIterator[bytes]:
    for _ in range(count):
        yield b" " * 1000


async def _alter(site: Site, table_id: str, change: str) -> None:
    """Spoil the table behind the application's back."""
    shape = await site.gateway.storage.tables.shape(site.viewer.organization_id, UUID(table_id))
    assert shape is not None
    await site.gateway.database.pool.execute(change.format(table=shape.sql_name))


def test_an_error_without_an_endpoint_tells_nothing() -> None:
    answer = render_error(RuntimeError("a secret"), None)
    told = {"message": "Internal server error", "errorKey": "InternalServerError"}
    assert (answer.status_code, json.loads(bytes(answer.body))) == (500, told)


@pytest.mark.parametrize(("status", "key"), sorted(KEYS.items()))
def test_every_status_has_its_key(status: int, key: str) -> None:
    answer = render_error(Refused(status, "Not so fast"), None)
    told = {"message": "Not so fast", "errorKey": key}
    assert (answer.status_code, json.loads(bytes(answer.body))) == (status, told)


def test_very_many_problems_are_told_in_short() -> None:
    problems = [Problem(ErrorCode.INVALID, f"p{n}", ("cells", str(n))) for n in range(1000)]
    told = sentence(problems)
    assert told.startswith("cells[0]: p0; cells[1]: p1; ")
    assert told.endswith("; cells[19]: p19; and 980 more")


async def test_things_of_another_organisation_do_not_exist(site: Site, phacet: Phacet) -> None:
    storage = site.gateway.storage
    async with site.gateway.database.transaction() as session:
        other = await organizations.create(session, "Other")
    stranger = Viewer(other.id, Role.ADMIN)
    project = await projects.create_project(stranger, storage, ProjectCreate("Theirs"))
    made = await tables.create_table(
        stranger, storage, TableCreate("Theirs", project_id=project.id)
    )
    async with site.client(await site.new_key(Role.ADMIN, stranger)) as client:
        theirs = Phacet(client)
        row = await theirs.post(f"/tables/{made.table.id}/rows", {})
        file = await theirs.upload()
        [shown] = await theirs.get("/projects")
        assert [each["id"] for each in shown["tables"]] == [str(made.table.id)]
    answer = await phacet.client.get(f"/api/v2/projects/{project.id}")
    refused(answer, 404, "NotFoundError", "Project not found")
    for endpoint in _ASKED:
        if "{tableId}" in endpoint.path:
            path = endpoint.path.replace("{tableId}", str(made.table.id))
            path = path.replace("{rowId}", row["id"]).replace("{cellId}", f"{row['id']}.1")
            answer = await phacet.client.request(endpoint.method, path, json={})
            refused(answer, 404, "NotFoundError", "Table not found")
    table = await shop(Calls(site.shared))
    session = shown["tables"][0]["sessions"][0]["id"]
    path = f"/api/v2/tables/{table.id}/rows"
    answer = await phacet.client.post(path, json={"sessionId": session})
    refused(answer, 404, "NotFoundError", "Session not found")
    answer = await phacet.client.post(path, json={"cells": table.cells(paper=file["id"])})
    told = f'cells[0].value: paper: there is no file "{file["id"]}"'
    refused(answer, 400, "ValidationError", told)
    refused(await phacet.client.get(f"{path}/{row['id']}"), 404, "NotFoundError", "Row not found")


async def test_a_key_with_a_scope_sees_its_own_only(site: Site, phacet: Phacet) -> None:
    storage = site.gateway.storage
    mine = await projects.create_project(site.viewer, storage, ProjectCreate("Mine"))
    calls = Calls(site.shared)
    inside, outside = await shop(calls, projectId=str(mine.id)), await shop(calls)
    expires = datetime.now(UTC) + timedelta(days=365)
    scope = Scope(frozenset([mine.id]), frozenset())
    made = await keys.create_key(
        site.viewer, storage, ApiKeyCreate("scoped", Role.EDITOR, expires, scope)
    )
    row = await phacet.row(outside, title="x")
    async with site.client(made.secret) as client:
        own = Phacet(client)
        [project] = await own.get("/projects")
        assert project["id"] == str(mine.id)
        assert [each["id"] for each in project["tables"]] == [inside.id]
        listed = (await client.get("/api/v1/phacets")).json()
        assert [each["id"] for each in listed] == [inside.id]
        assert (await own.row(inside, title="y"))["tableId"] == inside.id
        for method, end in (("GET", ""), ("POST", "/rows"), ("PUT", f"/rows/{row['id']}")):
            path = f"/api/v2/tables/{outside.id}{end}"
            answer = await client.request(method, path, json={})
            refused(answer, 404, "NotFoundError", "Table not found")


async def test_a_table_of_no_project_is_reached_by_its_id(phacet: Phacet, calls: Calls) -> None:
    made = await calls.table(column("a"))
    shown = await phacet.get(f"/tables/{made['id']}")
    assert shown["projectId"] is None
    listed = (await phacet.client.get("/api/v1/phacets")).json()
    assert shown in listed
    in_projects = [each["id"] for one in await phacet.get("/projects") for each in one["tables"]]
    assert made["id"] not in in_projects


async def test_head_and_a_get_with_a_type_but_no_body(site: Site, table: Shop) -> None:
    parts = urlsplit(site.url)
    for head in ("Content-Type: application/json\r\n", "Content-Length: 0\r\n", ""):
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        writer.write(
            f"GET /api/v2/tables/{table.id} HTTP/1.1\r\nHost: x\r\n{head}"
            f"Authorization: bearer {site.key}\r\nConnection: close\r\n\r\n".encode()
        )
        answer = await reader.read()
        writer.close()
        assert answer.startswith(b"HTTP/1.1 200 OK\r\n"), answer
    head_only: httpx2.Response = await site.shared.head(f"/api/v2/tables/{table.id}")
    assert (head_only.status_code, head_only.content) == (200, b"")
