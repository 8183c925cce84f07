"""Bad requests by the hundred: no 5xx, nothing half-written, always an error of the dialect."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import quote
from uuid import UUID

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rest_compat.phacet.errors import KEYS, VALIDATION
from rest_compat.phacet.routes import ENDPOINTS
from tests.examples import examples
from tests.phacet.calls import Phacet, Shop, shop
from tests.rest.calls import Calls
from tests.rest.test_bad_requests import RAW_BODIES, TEXTS, bodies
from tests.serving import Site

_BAD = examples(20)

_CELLS = [
    {"columnId": "@title", "value": "x"},
    {"columnId": "@price", "value": "1"},
    {"columnId": "@tags", "value": ["red"]},
    {"columnId": "@data", "value": '{"a": 1}'},
    {"columnId": "@paper", "value": {"id": "@file", "name": "n"}},
]
_ROW = {"sessionId": "@session", "cells": _CELLS, "triggerTasks": True}
_CHANGE = {"cells": _CELLS, "runRow": True, "triggerTasks": False}
_GOOD: dict[str, dict[str, Any]] = {
    "POST /api/v2/tables/{tableId}/sessions": {"name": "Made"},
    "POST /api/v2/tables/{tableId}/rows": _ROW,
    "PUT /api/v2/tables/{tableId}/rows/{rowId}": _CHANGE,
    "POST /api/v2/webhooks/endpoints": {
        "url": "https://hooks.example.com/in",
        "eventTypes": ["row.created", "row.updated"],
        "tableIds": ["@table"],
        "phacetIds": ["@table"],
        "description": "d",
    },
    "POST /api/v1/phacets/{tableId}/sessions": {"name": "Made"},
    "POST /api/v1/phacets/{tableId}/rows": _ROW,
    "PUT /api/v1/phacets/{tableId}/rows/{rowId}": _CHANGE,
}


@dataclass(frozen=True)
class Target:
    """A table with one row. `names` are the ids that stand for those in good bodies."""

    site: Site
    table: Shop
    row_id: str
    sql_name: str
    names: dict[str, str]

    @property
    def client(self) -> httpx2.AsyncClient:
        """The API."""
        return self.site.shared

    async def look(self) -> dict[str, Any]:
        """All that a refused request must leave alone: rows, sessions, clocks, log, files."""
        pool = self.site.gateway.database.pool
        organization_id = self.site.viewer.organization_id
        [found] = await pool.fetch(_STATE.format(rows=self.sql_name), organization_id)
        return dict(found)


_STATE = """
WITH own AS (SELECT id FROM user_table WHERE organization_id = $1)
SELECT (SELECT string_agg(each::text, '|' ORDER BY id) FROM {rows} AS each) AS rows,
  (SELECT string_agg(each::text, '|' ORDER BY id) FROM table_session AS each
    WHERE table_id IN (TABLE own)) AS sessions,
  (SELECT string_agg(each::text, '|' ORDER BY table_id) FROM table_clock AS each
    WHERE table_id IN (TABLE own)) AS clocks,
  (SELECT revision FROM organization_clock WHERE organization_id = $1) AS revision,
  (SELECT count(*) FROM change WHERE table_id IN (TABLE own)) AS changes,
  (SELECT count(*) FROM row_version WHERE table_id IN (TABLE own)) AS versions,
  (SELECT count(*) FROM webhook_endpoint WHERE organization_id = $1) AS webhooks,
  (SELECT count(*) FROM file WHERE organization_id = $1) AS files
"""


@pytest.fixture(scope="module")
async def target(site: Site) -> Target:
    """The table that all requests are about."""
    table, phacet = await shop(Calls(site.shared)), Phacet(site.shared)
    row, file = await phacet.row(table, title="x"), await phacet.upload()
    shape = await site.gateway.storage.tables.shape(site.viewer.organization_id, UUID(table.id))
    assert shape is not None
    names = {f"@{name}": id_ for name, id_ in table.columns.items()}
    names |= {"@file": file["id"], "@table": table.id, "@session": row["sessionId"]}
    return Target(site, table, row["id"], shape.sql_name, names)


def _refused(response: httpx2.Response) -> bool:
    """Whether the request was refused, in the words of the dialect."""
    request = response.request
    assert response.status_code < 500, (request.method, request.url, response.text)
    if response.status_code < 400:
        return False
    told = response.json()
    assert set(told) == {"message", "errorKey"}
    wanted = {KEYS[response.status_code]} | ({VALIDATION} if response.status_code == 400 else set())
    assert told["errorKey"] in wanted
    return True


#: The dialect reads JSON whatever a body is said to be.
_KINDS = st.sampled_from(
    ["application/json", "text/plain", "multipart/form-data", "", "a/b; c=\xe9"]
)


def _bad_bodies(family: str) -> Any:
    # A test for each family: drawing inside of an async test would end its event loop.
    method, pattern = family.split()

    @_BAD
    @given(body=bodies(_GOOD[family]), kind=_KINDS)
    async def attempt(target: Target, body: bytes, kind: str) -> None:
        path = pattern.replace("{tableId}", target.table.id).replace("{rowId}", target.row_id)
        for name, id_ in target.names.items():
            body = body.replace(f'"{name}"'.encode(), f'"{id_}"'.encode())
        before = await target.look()
        response = await target.client.request(
            method, path, content=body, headers={b"content-type": kind.encode("latin-1")}
        )
        after = await target.look()
        if _refused(response):
            assert after == before, body
        elif pattern.endswith("/rows"):
            made = response.json()
            assert after["versions"] == before["versions"] + 1
            shown = await target.client.get(f"{path}/{made['id']}")
            assert shown.json()["cells"] == made["cells"]
            deleted = f"/api/tables/{target.table.id}/rows/{made['id']}"
            assert (await target.client.delete(deleted)).status_code == 204
        elif pattern.endswith("/endpoints"):
            deleted = f"{path}/{response.json()['endpointId']}"
            assert (await target.client.delete(deleted)).status_code == 204

    return attempt


test_session_create = _bad_bodies("POST /api/v2/tables/{tableId}/sessions")
test_row_add = _bad_bodies("POST /api/v2/tables/{tableId}/rows")
test_row_update = _bad_bodies("PUT /api/v2/tables/{tableId}/rows/{rowId}")
test_webhook_create = _bad_bodies("POST /api/v2/webhooks/endpoints")
test_session_create_1 = _bad_bodies("POST /api/v1/phacets/{tableId}/sessions")
test_row_add_1 = _bad_bodies("POST /api/v1/phacets/{tableId}/rows")
test_row_update_1 = _bad_bodies("PUT /api/v1/phacets/{tableId}/rows/{rowId}")


def test_every_family_with_a_body_is_tried() -> None:
    assert {f"{each.method} {each.path}" for each in ENDPOINTS if each.body is not None} == {*_GOOD}


_QUERIES = st.dictionaries(
    st.sampled_from(["take", "cursor", "sessionId", "page"]),
    st.one_of(TEXTS, st.integers().map(str)),
)


@_BAD
@given(query=_QUERIES)
async def test_rows_query(target: Target, query: dict[str, str]) -> None:
    params = {name: text.encode("utf-8", "replace").decode() for name, text in query.items()}
    _refused(await target.client.get(f"/api/v2/tables/{target.table.id}/rows", params=params))


@_BAD
@given(query=st.dictionaries(st.sampled_from(["key", "expires", "signature"]), TEXTS))
async def test_link_query(target: Target, query: dict[str, str]) -> None:
    params = {name: text.encode("utf-8", "replace").decode() for name, text in query.items()}
    path = f"/api/v2/files/{target.names['@file']}"
    assert _refused(await target.client.get(path, params=params))


@_BAD
@given(body=RAW_BODIES, kind=st.sampled_from(["", "text/plain", "multipart/form-data", "boundary"]))
async def test_file_upload(target: Target, body: bytes, kind: str) -> None:
    content_type = "multipart/form-data; boundary=b" if kind == "boundary" else kind
    for path in ("/api/v2/files", "/api/v1/files"):
        before = await target.look()
        response = await target.client.post(
            path,
            content=b"--b\r\n" + body + b"\r\n--b--\r\n",
            headers={"content-type": content_type},
        )
        assert _refused(response), response.text
        assert await target.look() == before


_NAMES = st.one_of(st.binary(max_size=40), TEXTS.map(lambda text: text.encode("utf-8", "replace")))


@_BAD
@given(name=_NAMES)
async def test_file_names(target: Target, name: bytes) -> None:
    body = b'--b\r\nContent-Disposition: form-data; name="file"; filename="' + name + b'"\r\n\r\n'
    response = await target.client.post(
        "/api/v2/files",
        content=body + b"%PDF-1.7\r\n--b--\r\n",
        headers={"content-type": "multipart/form-data; boundary=b"},
    )
    _refused(response)


@_BAD
@given(first=TEXTS, second=TEXTS, method=st.sampled_from(["GET", "PUT", "DELETE", "POST"]))
async def test_paths(target: Target, first: str, second: str, method: str) -> None:
    parts = [quote(part, safe="", errors="replace") or "-" for part in (first[:500], second[:500])]
    for path in (
        f"/api/v2/{parts[0]}",
        f"/api/v2/projects/{parts[0]}",
        f"/api/v2/tables/{'/rows/'.join(parts)}",
        f"/api/v2/tables/{target.table.id}/rows/{parts[0]}",
        f"/api/v2/tables/{target.table.id}/cells/{parts[0]}",
        f"/api/v2/tables/{target.table.id}/cells/{target.row_id}.{parts[0]}/download-file-url",
        f"/api/v2/webhooks/endpoints/{parts[0]}",
        f"/api/v2/files/{parts[0]}",
        f"/api/v1/phacets/{'/'.join(parts)}",
    ):
        response = await target.client.request(method, path, content=b"{}")
        assert _refused(response) or response.status_code == 204, response.text


@pytest.mark.parametrize(
    "query", ["%FF", "take", "take=%00", "&&&=", "take=1&take=x", "cursor=%FF"]
)
async def test_broken_query_strings(target: Target, query: str) -> None:
    before = await target.look()
    _refused(await target.client.get(f"/api/v2/tables/{target.table.id}/rows?{query}"))
    assert await target.look() == before
