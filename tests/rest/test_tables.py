"""Endpoints 1 to 5: tables."""

import json
import re
from typing import Any

import pytest

from domain.access import Role
from tests.rest.calls import UNKNOWN, Calls, column, fields, refused
from tests.serving import Site

ITEM_KEYS = [
    "id",
    "name",
    "description",
    "projectId",
    "projectName",
    "source",
    "templateId",
    "columnSchema",
    "columnCount",
    "rowCount",
    "createdAt",
    "updatedAt",
]
COLUMN_KEYS = [
    "id",
    "tableId",
    "name",
    "displayName",
    "dataType",
    "position",
    "required",
    "defaultValue",
    "config",
    "createdAt",
    "updatedAt",
]
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")

PROJECT = "mutation($n: String!) { projectCreate(input: {name: $n}) { project { id } } }"


async def new_project(site: Site, name: str) -> str:
    return str((await site.graphql(PROJECT, n=name))["projectCreate"]["project"]["id"])


async def test_a_new_table_is_shown_whole(calls: Calls) -> None:
    made = await calls.table(
        column("title", required=True, defaultValue="none"),
        column("state", "select", config={"options": ["a", "b"]}),
        name="Cafés of 東京",
        description="where to sit",
        source="agent",
    )
    assert list(made) == [*ITEM_KEYS, "columns"]
    assert MOMENT.fullmatch(made["createdAt"])
    assert made["createdAt"] == made["updatedAt"]
    expected = {
        "name": "Cafés of 東京",
        "description": "where to sit",
        "projectId": None,
        "projectName": None,
        "source": "agent",
        "templateId": None,
        "columnCount": 2,
        "rowCount": 0,
    }
    assert {key: made[key] for key in expected} == expected
    first, second = made["columns"]
    assert [list(each) for each in made["columns"]] == [COLUMN_KEYS, COLUMN_KEYS]
    assert first["tableId"] == made["id"]
    shown = [{key: each[key] for key in COLUMN_KEYS[2:9]} for each in (first, second)]
    assert shown == [
        {
            "name": "title",
            "displayName": "Title",
            "dataType": "text",
            "position": 0,
            "required": True,
            "defaultValue": "none",
            "config": None,
        },
        {
            "name": "state",
            "displayName": "State",
            "dataType": "select",
            "position": 1,
            "required": False,
            "defaultValue": None,
            "config": {"options": ["a", "b"]},
        },
    ]
    assert json.loads(made["columnSchema"]) == shown
    answer = await calls.client.get(f"/api/tables/{made['id']}")
    assert (answer.status_code, answer.json()) == (200, made)
    assert list(answer.json()) == list(made)
    assert answer.headers["content-type"] == "application/json"


async def test_the_least_body_gives_the_defaults(calls: Calls) -> None:
    answer = await calls.client.post("/api/tables", json={"name": "x", "unknown": {"key": 1}})
    made = answer.json()
    assert answer.status_code == 201
    assert (made["source"], made["description"], made["columns"]) == ("manual", None, [])
    assert (made["columnCount"], made["columnSchema"]) == (0, "[]")


async def test_all_types_are_taken_and_datetime_is_shown_as_date(calls: Calls) -> None:
    types = ["text", "number", "boolean", "date", "datetime", "select", "url", "email"]
    types += ["relation", "computed"]
    made = await calls.table(*(column(f"c_{each}", each) for each in types))
    shown = [each["dataType"] for each in made["columns"]]
    assert shown == ["date" if each == "datetime" else each for each in types]


async def test_columns_stand_by_position(calls: Calls) -> None:
    made = await calls.table(
        column("last", position=7), column("first", position=2), column("middle", position=5)
    )
    assert [each["name"] for each in made["columns"]] == ["first", "middle", "last"]
    assert [each["position"] for each in made["columns"]] == [2, 5, 7]


async def test_templates_are_not_there_yet(calls: Calls) -> None:
    answer = await calls.client.post("/api/tables", json={"templateId": "t-1", "name": "Copy"})
    refused(answer, 404, "Template not found")
    answer = await calls.client.post("/api/tables", json={"templateId": "t-1"})
    assert answer.status_code == 400
    assert list(answer.json()["error"]["fieldErrors"]) == ["name"]


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        ({}, {"name"}),
        ({"name": ""}, {"name"}),
        ({"name": "  "}, {"name"}),
        ({"name": "x" * 257}, {"name"}),
        ({"name": 5}, {"name"}),
        ({"name": None}, {"name"}),
        ({"name": "a\0b"}, {"name"}),
        ({"name": "x", "description": "x" * 1025}, {"description"}),
        ({"name": "x", "description": 1}, {"description"}),
        ({"name": "x", "source": "elsewhere"}, {"source"}),
        ({"name": "x", "projectId": 5}, {"projectId"}),
        ({"name": "x", "columns": "a"}, {"columns"}),
        ({"name": "x", "columns": [{}]}, {"columns"}),
        ({"name": "x", "columns": [column("")]}, {"columns"}),
        ({"name": "x", "columns": [column("c" * 65)]}, {"columns"}),
        ({"name": "x", "columns": [column("a", displayName="c" * 129)]}, {"columns"}),
        ({"name": "x", "columns": [column("a", displayName="")]}, {"columns"}),
        ({"name": "x", "columns": [column("a", "colour")]}, {"columns"}),
        ({"name": "x", "columns": [column("a", position=-1)]}, {"columns"}),
        ({"name": "x", "columns": [column("a", position=1.5)]}, {"columns"}),
        ({"name": "x", "columns": [column("a", required="yes")]}, {"columns"}),
        ({"name": "x", "columns": [column("a", defaultValue=5)]}, {"columns"}),
        ({"name": "x", "columns": [column("a", config="text")]}, {"columns"}),
        ({"name": "x", "columns": [column("a", "number", defaultValue="five")]}, {"columns"}),
        ({"name": "x", "columns": [column("a"), column("a")]}, {"columns"}),
        ({"source": 1, "columns": [column("a", "colour")]}, {"name", "source", "columns"}),
    ],
)
async def test_bad_tables_are_refused_by_field(
    calls: Calls, body: dict[str, Any], wrong: set[str]
) -> None:
    before = (await calls.client.get("/api/tables")).json()
    answer = await calls.client.post("/api/tables", json=body)
    assert answer.status_code == 400, answer.text
    error = answer.json()["error"]
    assert list(error) == ["formErrors", "fieldErrors"]
    assert (error["formErrors"], set(error["fieldErrors"])) == ([], wrong)
    assert all(isinstance(text, str) for texts in error["fieldErrors"].values() for text in texts)
    assert (await calls.client.get("/api/tables")).json() == before


async def test_a_duplicate_name_says_so(calls: Calls) -> None:
    body = {"name": "x", "columns": [column("a"), column("b"), column("a")]}
    answer = await calls.client.post("/api/tables", json=body)
    told = 'columns[2].name: A column named "a" exists already'
    refused(answer, 400, fields(columns=[told]))


@pytest.mark.parametrize("body", [b"", b"{", b"{'a': 1}", b"\xff", b'{"name": NaN}', b'["a",]'])
async def test_what_is_no_json_is_told(calls: Calls, body: bytes) -> None:
    made = await calls.table()
    refused(await calls.client.post("/api/tables", content=body), 400, "Invalid JSON body")
    answer = await calls.client.patch(f"/api/tables/{made['id']}", content=body)
    refused(answer, 400, "Invalid JSON body")


@pytest.mark.parametrize("body", ["null", "[]", "5", '"name"', "true"])
async def test_a_body_that_is_no_object_is_an_error_of_the_form(calls: Calls, body: str) -> None:
    answer = await calls.client.post("/api/tables", content=body)
    assert answer.status_code == 400
    error = answer.json()["error"]
    assert (len(error["formErrors"]), error["fieldErrors"]) == (1, {})


async def test_the_list_is_filtered_and_ordered(site: Site, calls: Calls) -> None:
    project = await new_project(site, "Harbour")
    a = await calls.table(name="Ships 100%_sure", projectId=project, source="imported")
    b = await calls.table(name="Crew", description="of the SHIPS", projectId=project)
    c = await calls.table(column("x"), name="Ships 100 sure", source="imported")

    async def listed(**query: str) -> list[str]:
        answer = await calls.client.get("/api/tables", params=query)
        assert answer.status_code == 200
        mine = {a["id"], b["id"], c["id"]}
        return [each["id"] for each in answer.json() if each["id"] in mine]

    assert await listed() == [c["id"], b["id"], a["id"]]
    assert await listed(projectId=project) == [b["id"], a["id"]]
    assert await listed(source="imported") == [c["id"], a["id"]]
    assert await listed(source="elsewhere") == []
    assert await listed(search="ships") == [c["id"], b["id"], a["id"]]
    assert await listed(search="%_") == [a["id"]]
    assert await listed(search="SHIPS", source="imported", projectId=project) == [a["id"]]
    assert await listed(search="", source="", projectId="") == [c["id"], b["id"], a["id"]]
    for nobody in UNKNOWN:
        assert await listed(projectId=nobody) == []
    await calls.client.patch(f"/api/tables/{a['id']}", json={"description": "first again"})
    assert await listed() == [a["id"], c["id"], b["id"]]
    await calls.add(b["id"], {"any": 1})
    answer = await calls.client.get("/api/tables", params={"projectId": project})
    item = next(each for each in answer.json() if each["id"] == b["id"])
    assert list(item) == ITEM_KEYS
    assert (item["projectName"], item["rowCount"]) == ("Harbour", 1)


async def test_patch_changes_what_it_names(site: Site, calls: Calls) -> None:
    project = await new_project(site, "Ferry")
    made = await calls.table(column("a"), name="Old", description="kept")
    path = f"/api/tables/{made['id']}"
    answer = await calls.client.patch(path, json={"name": "New", "projectId": project})
    changed = answer.json()
    assert answer.status_code == 200
    assert list(changed) == [*ITEM_KEYS, "columns"]
    same = ("id", "description", "source", "createdAt", "columns", "columnSchema")
    assert {key: changed[key] for key in same} == {key: made[key] for key in same}
    assert (changed["name"], changed["projectName"]) == ("New", "Ferry")
    assert changed["updatedAt"] >= made["updatedAt"]
    unlinked = await calls.client.patch(path, json={"projectId": None, "description": None})
    assert unlinked.json()["projectId"] is None
    assert unlinked.json()["description"] is None
    assert unlinked.json()["name"] == "New"
    assert (await calls.client.get(path)).json() == unlinked.json()


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        ({"name": None}, "name"),
        ({"name": ""}, "name"),
        ({"name": "x" * 257}, "name"),
        ({"description": "x" * 1025}, "description"),
        ({"projectId": 1}, "projectId"),
        *[({"projectId": each}, "projectId") for each in UNKNOWN],
    ],
)
async def test_bad_changes_change_nothing(calls: Calls, body: dict[str, Any], wrong: str) -> None:
    made = await calls.table(name="Stays")
    answer = await calls.client.patch(f"/api/tables/{made['id']}", json=body)
    assert answer.status_code == 400
    assert list(answer.json()["error"]["fieldErrors"]) == [wrong]
    assert (await calls.client.get(f"/api/tables/{made['id']}")).json() == made


async def test_an_unknown_project_is_told_at_its_field(calls: Calls) -> None:
    answer = await calls.client.post("/api/tables", json={"name": "x", "projectId": UNKNOWN[0]})
    refused(answer, 400, fields(projectId=["Project not found"]))


@pytest.mark.parametrize("unknown", UNKNOWN)
async def test_an_unknown_table_is_told_before_all_else(calls: Calls, unknown: str) -> None:
    path = f"/api/tables/{unknown}"
    requests: list[tuple[str, str, bytes]] = [
        ("GET", path, b""),
        ("PATCH", path, b'{"name": "x"}'),
        ("PATCH", path, b'{"name": ""}'),
        ("PATCH", path, b"{"),
        ("DELETE", path, b""),
        ("GET", f"{path}/rows?limit=0", b""),
        ("GET", f"{path}/rows?filters=[", b""),
        ("POST", f"{path}/rows", b"{"),
        ("POST", f"{path}/rows", b'{"rows": []}'),
        ("POST", f"{path}/columns", b"nonsense"),
        ("PATCH", f"{path}/columns", b"{}"),
        ("POST", f"{path}/import", b"{"),
        ("POST", f"{path}/import", b"{}"),
    ]
    for method, address, body in requests:
        answer = await calls.client.request(method, address, content=body)
        refused(answer, 404, "Table not found")


async def test_a_deleted_table_is_gone(calls: Calls) -> None:
    made = await calls.table(column("a"))
    [row] = await calls.add(made["id"], {"a": 1})
    path = f"/api/tables/{made['id']}"
    answer = await calls.client.delete(path)
    assert (answer.status_code, answer.content) == (204, b"")
    refused(await calls.client.get(path), 404, "Table not found")
    refused(await calls.client.delete(path), 404, "Table not found")
    answer = await calls.client.patch(f"{path}/rows/{row['id']}", json={"data": {}})
    refused(answer, 404, "Row not found")
    assert (await calls.client.delete(f"{path}/rows/{row['id']}")).status_code == 204
    listed = (await calls.client.get("/api/tables")).json()
    assert made["id"] not in [each["id"] for each in listed]


async def test_other_paths_and_methods(calls: Calls) -> None:
    made = await calls.table()
    path = f"/api/tables/{made['id']}"
    for unknown in (f"{path}/x", f"{path}/charts/x/y", f"{path}/x/y", "/api/uploads/a/b"):
        refused(await calls.client.get(unknown), 404, "Not found")
    answer = await calls.client.put(path, json={})
    refused(answer, 405, "Method not allowed")
    assert answer.headers["allow"] == "DELETE, GET, HEAD, OPTIONS, PATCH"
    answer = await calls.client.head(path)
    assert (answer.status_code, answer.content) == (200, b"")
    answer = await calls.client.options(path)
    assert (answer.status_code, answer.headers["allow"]) == (
        204,
        "DELETE, GET, HEAD, OPTIONS, PATCH",
    )


async def every_request(calls: Calls) -> list[tuple[str, str, dict[str, Any], bool]]:
    """A good request for each endpoint, and whether a viewer may send it; deletes come last."""
    made = await calls.table(column("a"))
    [row] = await calls.add(made["id"], {"a": 1})
    file = await calls.upload(b"a\n1\n")
    path = f"/api/tables/{made['id']}"
    body = {"json": {"name": "x"}}
    return [
        ("GET", "/api/tables", {}, True),
        ("GET", path, {}, True),
        ("GET", f"{path}/rows", {}, True),
        ("GET", f"/api/uploads/{file['id']}", {}, True),
        ("POST", "/api/tables", body, False),
        ("PATCH", path, body, False),
        ("POST", f"{path}/rows", {"json": {"rows": [{"data": {}}]}}, False),
        ("PATCH", f"{path}/rows/{row['id']}", {"json": {"data": {}}}, False),
        ("PATCH", f"{path}/columns", {"json": {"columnIds": [made["columns"][0]["id"]]}}, False),
        ("POST", f"{path}/columns", {"json": column("b")}, False),
        ("POST", f"{path}/import", {"json": {"documentId": file["id"]}}, False),
        ("POST", "/api/uploads", {"files": {"file": ("a.csv", b"a\n1\n")}}, False),
        ("DELETE", f"{path}/rows/{row['id']}", {}, False),
        ("DELETE", f"/api/uploads/{file['id']}", {}, False),
        ("DELETE", path, {}, False),
    ]


async def test_keys_and_roles(site: Site, calls: Calls) -> None:
    requests = await every_request(calls)
    viewer_key = await site.new_key(Role.VIEWER)
    async with site.client("") as stranger, site.client("tc_wrong") as wrong:
        for client in (stranger, wrong):
            for method, path, arguments, _ in requests:
                answer = await client.request(method, path, **arguments)
                refused(answer, 401, "Unauthorized")
                assert answer.headers["www-authenticate"] == "Bearer"
        refused(
            await stranger.patch(f"/api/tables/{UNKNOWN[0]}", content=b"{"), 401, "Unauthorized"
        )
    async with site.client(viewer_key) as viewer:
        for method, path, arguments, may in requests:
            answer = await viewer.request(method, path, **arguments)
            if may:
                assert answer.status_code == 200, (method, path)
            else:
                refused(answer, 403, "Forbidden")
        refused(await viewer.patch(f"/api/tables/{UNKNOWN[0]}", content=b"{"), 403, "Forbidden")


async def test_editors_may_do_all_of_it(site: Site, calls: Calls) -> None:
    async with site.client(await site.new_key(Role.EDITOR)) as editor:
        for method, path, arguments, _ in await every_request(calls):
            answer = await editor.request(method, path, **arguments)
            expected = {"POST": 200 if "import" in path else 201, "DELETE": 204}
            assert answer.status_code == expected.get(method, 200), (method, path, answer.text)
