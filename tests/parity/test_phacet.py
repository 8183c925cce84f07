"""Each read of the Phacet API has its equal in GraphQL."""

from typing import Any

import pytest

from domain import projects
from domain.entities import ProjectCreate
from rest_compat.phacet.routes import ENDPOINTS
from tests.phacet.calls import Phacet, Shop, shop
from tests.rest.calls import Calls
from tests.serving import Site

#: Each read, and what compares it.
COMPARED = {
    "/api/v2/projects": "test_projects",
    "/api/v2/projects/{projectId}": "test_projects",
    "/api/v2/tables/{tableId}": "test_projects",
    "/api/v2/tables/{tableId}/rows": "test_rows",
    "/api/v2/tables/{tableId}/rows/{rowId}": "test_rows",
    "/api/v2/tables/{tableId}/cells/{cellId}": "test_rows",
    "/api/v2/tables/{tableId}/cells/{cellId}/download-file-url": "test_rows, the file; no link",
    "/api/v2/files/{fileId}": "the bytes of a file, which GraphQL does not carry",
}

PROJECTS = """{ projects { id name description createdAt updatedAt tables {
  id name description createdAt updatedAt
  columns { id label type position config computedBy } sessions { id name createdAt } } } }"""
ROWS = """query($id: ID!) { table(id: $id) { rows(first: 100) { nodes {
  id session { id } createdAt updatedAt cells { id rowId columnId value status error updatedAt }
  } } } }"""
CELL = """query($id: ID!) { cell(id: $id) { id rowId columnId value status error updatedAt } }"""
ADD = """mutation($id: ID!) { columnAdd(input: {tableId: $id, column: {
  key: "twice", label: "twice", type: NUMBER,
  tool: {run: {python: {code: "def run(row):\\n    return 1"}}, inputs: ["price"]}}}) {
  errors { message } } }"""
_TYPES = {"SELECT": "single_select", "MULTI_SELECT": "multi_select"}


def test_every_read_is_compared() -> None:
    reads = {endpoint.path for endpoint in ENDPOINTS if endpoint.method == "GET"}
    assert {path for path in reads if path.startswith("/api/v2")} == set(COMPARED)
    # Version 1 has the same endpoints under other names; one lists what projects hold.
    old = {path for path in reads if path.startswith("/api/v1")}
    new = {path.replace("/api/v1/phacets", "/api/v2/tables") for path in old}
    new = {path.replace("file-download-url", "download-file-url") for path in new}
    assert new - set(COMPARED) == {"/api/v2/tables"}


@pytest.fixture(scope="module")
async def table(site: Site) -> Shop:
    """A table in a project with rows of all kinds."""
    storage = site.gateway.storage
    project = await projects.create_project(site.viewer, storage, ProjectCreate("P", "d"))
    made = await shop(Calls(site.shared), projectId=str(project.id))
    await site.graphql(ADD, id=made.id)
    columns = (await Phacet(site.shared).get(f"/tables/{made.id}"))["columns"]
    made.columns["twice"] = columns[-1]["id"]
    phacet = Phacet(site.shared)
    file = await phacet.upload()
    session = await phacet.post(f"/tables/{made.id}/sessions", {"name": "Second"})
    cells = made.cells(title="é", price="0.1", state="open", tags=["red"], data=[1], paper=file)
    await phacet.post(f"/tables/{made.id}/rows", {"cells": cells})
    await phacet.post(f"/tables/{made.id}/rows", {"sessionId": session["id"]})
    return made


async def test_projects(site: Site, table: Shop) -> None:
    phacet = Phacet(site.shared)
    shown = await phacet.get("/projects")
    found = (await site.graphql(PROJECTS))["projects"]
    expected = [
        {
            **project,
            "tables": [_table(each, project["id"]) for each in project["tables"]],
        }
        for project in found
    ]
    assert shown == expected
    for project in expected:
        assert await phacet.get(f"/projects/{project['id']}") == project
    [one] = [each for project in expected for each in project["tables"] if each["id"] == table.id]
    assert await phacet.get(f"/tables/{table.id}") == one


def _table(found: dict[str, Any], project_id: str) -> dict[str, Any]:
    return found | {
        "projectId": project_id,
        "columns": [_column(each) for each in found["columns"]],
    }


def _column(found: dict[str, Any]) -> dict[str, Any]:
    options = (found["config"] or {}).get("options")
    return {
        "id": found["id"],
        "columnName": found["label"],
        "name": found["label"],
        "dataType": _TYPES.get(found["type"], found["type"].lower()),
        "position": found["position"],
        **({"options": options} if found["type"] in _TYPES else {}),
        "isComputed": found["computedBy"] is not None or found["type"] == "COMPUTED",
    }


async def test_rows(site: Site, table: Shop) -> None:
    phacet = Phacet(site.shared)
    names = {id_: name for name, id_ in table.columns.items()}
    nodes = (await site.graphql(ROWS, id=table.id))["table"]["rows"]["nodes"]
    expected = [
        {key: node[key] for key in ("id", "createdAt", "updatedAt")}
        | {"tableId": table.id, "sessionId": node["session"]["id"]}
        | {"cells": [_cell(each, names) for each in node["cells"]]}
        for node in nodes
    ]
    assert [row["cells"][-1]["status"] for row in expected] == ["ready", "initialized"]
    page = await phacet.get(f"/tables/{table.id}/rows")
    assert page == {"rows": expected, "hasMore": False, "nextCursor": None}
    for row in expected:
        assert await phacet.get(f"/tables/{table.id}/rows/{row['id']}") == row
        for cell in row["cells"]:
            found = (await site.graphql(CELL, id=cell["id"]))["cell"]
            shown = await phacet.get(f"/tables/{table.id}/cells/{cell['id']}")
            assert shown == _cell(found, names) == cell


def _cell(found: dict[str, Any], names: dict[str, str]) -> dict[str, Any]:
    shown = {key: found[key] for key in ("id", "rowId", "columnId", "value", "updatedAt")}
    return shown | {
        "columnName": names[found["columnId"]],
        "status": found["status"].lower(),
        "lastError": found["error"],
    }
