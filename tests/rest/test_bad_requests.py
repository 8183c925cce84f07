"""Bad requests by the hundred: no 5xx, no half-written row, always an error of the dialect."""

import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote
from uuid import UUID

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rest_compat.stagent.routes import ENDPOINTS
from tests.examples import examples
from tests.rest.calls import Calls, column, condition
from tests.serving import Site

_BAD = examples(20)

TEXTS = st.one_of(
    st.sampled_from(
        ["", " ", "a\0b", "\ud800", "n", "N", "s", "A", "__proto__", "1e400", "NaN", "é", "'; --"]
    ),
    st.text(max_size=20),
    st.integers(1, 5000).map(lambda length: "x" * length),
)
_SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.sampled_from([2**31, 2**63, -(2**63) - 1, 10**400, 0.1, -0.0, 1e308]),
    st.floats(allow_nan=False, allow_infinity=False),
    TEXTS,
)
JSON_VALUES = st.recursive(
    _SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(TEXTS, inner, max_size=4)),
    max_leaves=12,
)
RAW_BODIES = st.one_of(
    st.binary(max_size=60),
    st.sampled_from(
        [
            b"",
            b"{",
            b"nul",
            b"[1,]",
            b'{"a":NaN}',
            b"[" * 5000,
            b"[" * 5000 + b"]" * 5000,
            b'{"rows":' * 300 + b"1" + b"}" * 300,
            b'{"name":1e999999999}',
            b'{"name":"\\ud800"}',
            b'"\xff"',
            b"1" * 5000,
            b"\xef\xbb\xbf",
        ]
    ),
)

_COLUMN = column("extra", "number", position=0, config={"options": ["A"]}, defaultValue="1")
_TRIGGER = {
    "name": "Good",
    "triggerEvent": "row_added",
    "condition": {"column": "n", "operator": "gte", "value": 1},
    "actionType": "create_task",
    "actionConfig": {"title": "Look", "description": "d", "projectId": None},
}
_CHART = {
    "type": "bar",
    "title": "Chart",
    "xColumn": "s",
    "yColumn": "n",
    "aggregation": "sum",
}
_ENRICH = {
    "targetColumn": "s",
    "promptMode": "auto",
    "prompt": "{{row.n}}",
    "filter": {"column": "n", "operator": "eq", "value": 5},
    "agentProfile": "general",
    "agentProfileOverride": "writer",
    "batchSize": 3,
    "itemVariable": "row",
}
_GOOD: dict[str, dict[str, Any]] = {
    "POST /api/tables": {
        "name": "Made",
        "description": "d",
        "projectId": None,
        "source": "manual",
        "columns": [_COLUMN],
    },
    "PATCH /api/tables/{id}": {"name": "Renamed", "description": "d", "projectId": None},
    "POST /api/tables/{id}/rows": {"rows": [{"data": {"n": 1, "s": "A"}, "createdBy": "me"}]},
    "PATCH /api/tables/{id}/rows/{rowId}": {"data": {"n": 1, "s": "A"}},
    "POST /api/tables/{id}/columns": _COLUMN,
    "PATCH /api/tables/{id}/columns": {"columnIds": ["@s", "@must", "@n"]},
    "POST /api/tables/{id}/import": {
        "documentId": "@file",
        "preview": True,
        "columnMapping": [{"name": "a", "displayName": "A", "dataType": "text", "skip": False}],
    },
    "POST /api/tables/templates": {
        "tableId": "@table",
        "name": "Saved",
        "description": "d",
        "category": "pm",
        "includeSampleData": True,
    },
    "POST /api/tables/{id}/triggers": _TRIGGER,
    "PATCH /api/tables/{id}/triggers/{triggerId}": _TRIGGER | {"status": "paused"},
    "POST /api/tables/{id}/charts": _CHART,
    "PATCH /api/tables/{id}/charts/{chartId}": _CHART,
    "POST /api/tables/{id}/rows/{rowId}/history": {"historyEntryId": "@entry"},
    "POST /api/tables/{id}/enrich/plan": _ENRICH,
    "POST /api/tables/{id}/enrich": _ENRICH
    | {
        "projectId": None,
        "workflowName": "W",
        "plan": {
            "promptMode": "auto",
            "strategy": "single-pass-classify",
            "agentProfile": "data-analyst",
            "reasoning": "r",
            "steps": [{"id": "final", "name": "n", "purpose": "p", "prompt": "Choose"}],
            "targetContract": {
                "columnName": "s",
                "columnLabel": "S",
                "dataType": "select",
                "allowedOptions": ["A", "B"],
            },
            "eligibleRowCount": 0,
            "sampleBindings": [],
        },
    },
}
#: What these make is taken away again: a table has room for so many.
_MADE = {
    "POST /api/tables": "/api/tables",
    "POST /api/tables/{id}/triggers": "/api/tables/{id}/triggers",
    "POST /api/tables/{id}/charts": "/api/tables/{id}/charts",
}


@st.composite
def bodies(draw: st.DrawFn, good: Any) -> bytes:
    """Junk, JSON of any form, or a good body with one place of it replaced."""
    form = draw(st.sampled_from(["raw", "json", "spoilt", "spoilt", "spoilt"]))
    if form == "raw":
        return draw(RAW_BODIES)
    if form == "json":
        return json.dumps(draw(JSON_VALUES)).encode()
    spoilt = json.loads(json.dumps(good))
    place = spoilt
    while True:
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))
        key = draw(st.sampled_from(keys))
        inner = place[key]
        if isinstance(inner, dict | list) and inner and draw(st.booleans()):
            place = inner
            continue
        place[key] = draw(JSON_VALUES)
        return json.dumps(spoilt).encode()


@dataclass(frozen=True)
class Target:
    """A table with one row. `names` are the ids that stand for those in good bodies."""

    site: Site
    table_id: str
    row_id: str
    sql_name: str
    names: dict[str, str]

    @property
    def calls(self) -> Calls:
        """The API."""
        return Calls(self.site.shared)

    async def look(self) -> dict[str, Any]:
        """All that a refused request must leave alone: rows, structure, clocks, log, files."""
        pool = self.site.gateway.database.pool
        organization_id = self.site.viewer.organization_id
        [found] = await pool.fetch(_STATE.format(rows=self.sql_name), organization_id)
        return dict(found)


_STATE = """
WITH own AS (SELECT id FROM user_table WHERE organization_id = $1)
SELECT (SELECT string_agg(each::text, '|' ORDER BY id) FROM {rows} AS each) AS rows,
  (SELECT string_agg(each::text, '|' ORDER BY id) FROM user_table AS each
    WHERE organization_id = $1) AS tables,
  (SELECT string_agg(each::text, '|' ORDER BY id) FROM table_column AS each
    WHERE table_id IN (TABLE own)) AS columns,
  (SELECT string_agg(each::text, '|' ORDER BY table_id) FROM table_clock AS each
    WHERE table_id IN (TABLE own)) AS clocks,
  (SELECT revision FROM organization_clock WHERE organization_id = $1) AS revision,
  (SELECT count(*) FROM organization_change WHERE organization_id = $1) AS announced,
  (SELECT count(*) FROM change WHERE table_id IN (TABLE own)) AS changes,
  (SELECT count(*) FROM row_version WHERE table_id IN (TABLE own)) AS versions,
  (SELECT count(*) FROM import_run WHERE organization_id = $1) AS imports,
  (SELECT count(*) FROM file WHERE organization_id = $1) AS files,
  (SELECT string_agg(each::text, '|' ORDER BY id) FROM trigger AS each
    WHERE organization_id = $1) AS triggers,
  (SELECT string_agg(each::text, '|' ORDER BY id) FROM chart AS each
    WHERE organization_id = $1) AS charts,
  (SELECT count(*) FROM enrichment WHERE organization_id = $1) AS enrichments,
  (SELECT count(*) FROM cell_run WHERE organization_id = $1) AS runs,
  (SELECT count(*) FROM template WHERE organization_id = $1) AS templates
"""


@pytest.fixture(scope="module")
async def target(site: Site) -> Target:
    """The table that all requests are about."""
    calls = Calls(site.shared)
    made = await calls.table(
        column("n", "number"),
        column("s", "select", config={"options": ["A", "B"]}),
        column("must", required=True, defaultValue="given"),
    )
    [row] = await calls.add(made["id"], {"n": 1, "s": "A"})
    file = await calls.upload(b"A,n\nx,1\ny,2\n")
    names = {f"@{each['name']}": each["id"] for each in made["columns"]}
    shape = await site.gateway.storage.tables.shape(site.viewer.organization_id, UUID(made["id"]))
    assert shape is not None
    names |= {"@file": file["id"], "@table": made["id"], "@entry": f"{row['id']}.v1"}
    for noun, body in (("trigger", _TRIGGER), ("chart", _CHART)):
        answer = await calls.client.post(f"/api/tables/{made['id']}/{noun}s", json=body)
        names[f"@{noun}"] = answer.json()["id"]
    return Target(site, made["id"], row["id"], shape.sql_name, names)


def _refused(response: httpx2.Response) -> bool:
    """Whether the request was refused, and not by an error of ours."""
    request = response.request
    assert response.status_code < 500, (request.method, request.url, response.text)
    return response.status_code >= 400


#: The dialect reads JSON whatever a body is said to be.
_KINDS = st.sampled_from(
    ["application/json", "text/plain", "multipart/form-data", "", "a/b; c=\xe9"]
)


def _path(pattern: str, target: Target) -> str:
    for name, place in (
        ("{id}", target.table_id),
        ("{rowId}", target.row_id),
        ("{triggerId}", target.names["@trigger"]),
        ("{chartId}", target.names["@chart"]),
    ):
        pattern = pattern.replace(name, place)
    return pattern


def _bad_bodies(family: str) -> Any:
    # A test for each family: drawing inside of an async test would end its event loop.
    method, pattern = family.split()

    @_BAD
    @given(body=bodies(_GOOD[family]), kind=_KINDS)
    async def attempt(target: Target, body: bytes, kind: str) -> None:
        path = _path(pattern, target)
        for name, id_ in target.names.items():
            body = body.replace(f'"{name}"'.encode(), f'"{id_}"'.encode())
        before = await target.look()
        response = await target.calls.client.request(
            method, path, content=body, headers={b"content-type": kind.encode("latin-1")}
        )
        after = await target.look()
        if _refused(response):
            assert after == before, body
        elif family == "POST /api/tables/{id}/rows":
            made = response.json()
            assert (await target.calls.rows(target.table_id))[-len(made) :] == made
            assert after["versions"] == before["versions"] + len(made)
            assert after["changes"] == before["changes"] + 1
            for row in made:
                _refused(await target.calls.client.delete(f"{path}/{row['id']}"))
        elif family in _MADE:
            made_at = _path(_MADE[family], target)
            _refused(await target.calls.client.delete(f"{made_at}/{response.json()['id']}"))

    return attempt


test_table_create = _bad_bodies("POST /api/tables")
test_table_update = _bad_bodies("PATCH /api/tables/{id}")
test_rows_add = _bad_bodies("POST /api/tables/{id}/rows")
test_row_replace = _bad_bodies("PATCH /api/tables/{id}/rows/{rowId}")
test_column_add = _bad_bodies("POST /api/tables/{id}/columns")
test_columns_reorder = _bad_bodies("PATCH /api/tables/{id}/columns")
test_template_save = _bad_bodies("POST /api/tables/templates")
test_trigger_create = _bad_bodies("POST /api/tables/{id}/triggers")
test_trigger_update = _bad_bodies("PATCH /api/tables/{id}/triggers/{triggerId}")
test_chart_create = _bad_bodies("POST /api/tables/{id}/charts")
test_chart_update = _bad_bodies("PATCH /api/tables/{id}/charts/{chartId}")
test_rollback = _bad_bodies("POST /api/tables/{id}/rows/{rowId}/history")
test_import = _bad_bodies("POST /api/tables/{id}/import")
test_enrichment_plan = _bad_bodies("POST /api/tables/{id}/enrich/plan")
test_enrichment_start = _bad_bodies("POST /api/tables/{id}/enrich")


def test_every_family_with_a_body_is_tried() -> None:
    assert {f"{each.method} {each.path}" for each in ENDPOINTS if each.body is not None} == {*_GOOD}


def _listed(good: list[Any]) -> st.SearchStrategy[str]:
    return bodies(good).map(lambda body: body.decode("utf-8", "replace"))


_QUERIES = st.fixed_dictionaries(
    {},
    optional={
        "limit": st.one_of(TEXTS, st.integers().map(str)),
        "offset": st.one_of(TEXTS, st.integers().map(str)),
        "filters": _listed([condition("n", "eq", 1), condition("s", "in", ["A"])]),
        "sorts": _listed([{"column": "n", "direction": "asc"}]),
        "search": TEXTS,
        "page": TEXTS,
    },
)


@_BAD
@given(query=_QUERIES)
async def test_rows_query(target: Target, query: dict[str, str]) -> None:
    params = {name: text.encode("utf-8", "replace").decode() for name, text in query.items()}
    path = f"/api/tables/{target.table_id}/rows"
    _refused(await target.calls.client.get(path, params=params))


@_BAD
@given(query=st.dictionaries(st.sampled_from(["search", "source", "projectId"]), TEXTS))
async def test_tables_query(target: Target, query: dict[str, str]) -> None:
    params = {name: text.encode("utf-8", "replace").decode() for name, text in query.items()}
    _refused(await target.calls.client.get("/api/tables", params=params))


@_BAD
@given(body=RAW_BODIES, kind=st.sampled_from(["", "text/plain", "multipart/form-data", "boundary"]))
async def test_file_upload(target: Target, body: bytes, kind: str) -> None:
    content_type = "multipart/form-data; boundary=b" if kind == "boundary" else kind
    response = await target.calls.client.post(
        "/api/uploads",
        content=b"--b\r\n" + body + b"\r\n--b--\r\n",
        headers={"content-type": content_type},
    )
    assert _refused(response), response.text


@_BAD
@given(first=TEXTS, second=TEXTS, method=st.sampled_from(["GET", "PATCH", "DELETE", "POST"]))
async def test_paths(target: Target, first: str, second: str, method: str) -> None:
    parts = [quote(part, safe="", errors="replace") or "-" for part in (first[:500], second[:500])]
    for path in (
        f"/api/tables/{parts[0]}",
        f"/api/uploads/{parts[0]}",
        f"/api/tables/{'/rows/'.join(parts)}",
    ):
        response = await target.calls.client.request(method, path, content=b"{}")
        assert _refused(response) or response.status_code == 204, response.text


@pytest.mark.parametrize(
    "query",
    ["%FF", "limit", "limit=%00", "&&&=", "limit=1&limit=x", "filters=%5B%5B", "sorts=%FF%FE"],
)
async def test_broken_query_strings(target: Target, query: str) -> None:
    before = await target.look()
    for path in ("/api/tables", f"/api/tables/{target.table_id}/rows"):
        _refused(await target.calls.client.get(f"{path}?{query}"))
    assert await target.look() == before
