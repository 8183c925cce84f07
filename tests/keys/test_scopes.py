"""Keys that reach some projects or tables: nothing else exists for them."""

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID, uuid4

import pytest

from domain import column_editing, imports, keys, projects, rows, run_previews, runs, tables
from domain.access import OPERATIONS, SCOPED_OPERATIONS, Role, Scope, Viewer
from domain.columns import ColumnType, ComputedBy, NewColumn
from domain.entities import ProjectCreate, TableCreate, TableSearch, TableUpdate
from domain.errors import Forbidden, Invalid, NotFound, OutOfScope
from domain.keys import ApiKeyCreate
from domain.rows import NewRow, RowsAdd
from domain.run_previews import RunPreview
from domain.run_records import CellsRun, Selection
from domain.tool_records import LookupTool, Tool
from domain.tools import make_tool
from persistence.storage import PostgresStorage
from tests.domain.test_isolation import CALLS, EMPTY_FOR_OTHERS, NAMES_OTHERS, Owned, owned, world
from tests.rest.conftest import site
from tests.serving import Site
from tests.worlds import World

__all__ = ["owned", "site", "world"]

#: What a scoped key may do because it touches nothing that is there already.
_HARMLESS = {"upload_file", "begin_upload", "check_programs", "list_projects"}


def _scoped(world: World, *table_ids: UUID, project: UUID | None = None) -> Viewer:
    scope = Scope(frozenset([project] if project else []), frozenset(table_ids))
    return Viewer(world.viewer.organization_id, Role.EDITOR, uuid4(), scope=scope)


def test_every_scoped_operation_is_one() -> None:
    assert set(OPERATIONS) >= SCOPED_OPERATIONS


@pytest.mark.parametrize("name", sorted(set(CALLS) - _HARMLESS))
async def test_what_lies_outside_does_not_exist(world: World, owned: Owned, name: str) -> None:
    elsewhere = await world.table("name")
    viewer = _scoped(world, elsewhere)
    storage = world.storage.seen_by(viewer)
    call = CALLS[name](viewer, storage, owned)
    if name == "list_tables":
        assert [table.id for table in await call] == [elsewhere]
        return
    if name in NAMES_OTHERS:
        with pytest.raises(Invalid, match=NAMES_OTHERS[name]):
            await call
        return
    if name == "create_table":
        with pytest.raises(Invalid, match="Project not found"):
            await call
        return
    try:
        found = await call
    except (NotFound, Forbidden):
        return
    assert name in EMPTY_FOR_OTHERS
    assert found == []


async def test_a_project_covers_the_tables_that_come_later(world: World) -> None:
    mine = (await projects.create_project(world.viewer, world.storage, ProjectCreate("P"))).id
    viewer = _scoped(world, project=mine)
    storage = world.storage.seen_by(viewer)
    made = await tables.create_table(viewer, storage, TableCreate("T", project_id=mine))
    table_id = made.table.id
    await rows.add_rows(viewer, storage, RowsAdd(table_id, [NewRow({})]))
    assert [each.id for each in await projects.list_projects(viewer, storage)] == [mine]
    assert [each.id for each in await tables.list_tables(viewer, storage, TableSearch())] == [
        table_id
    ]
    with pytest.raises(Invalid, match="its own projects only"):
        await tables.create_table(viewer, storage, TableCreate("T"))
    with pytest.raises(Invalid, match="its own projects only"):
        await tables.update_table(viewer, storage, table_id, TableUpdate(project_id=None))
    # Moved out by somebody else, it is gone at once for the key, cached shapes or not.
    await tables.update_table(world.viewer, world.storage, table_id, TableUpdate(project_id=None))
    with pytest.raises(NotFound):
        await rows.add_rows(viewer, storage, RowsAdd(table_id, [NewRow({})]))


async def test_an_import_needs_a_file_of_the_key_itself(world: World, owned: Owned) -> None:
    viewer = _scoped(world, owned.table)
    storage: PostgresStorage = world.storage.seen_by(viewer)
    assert (await imports.get_import(viewer, storage, owned.run)).id == owned.run
    with pytest.raises(NotFound, match="File"):
        await imports.preview_import(viewer, storage, owned.table, owned.file)


async def test_scopes_are_checked_when_a_key_is_made(world: World, owned: Owned) -> None:
    async def make(scope: Scope, role: Role = Role.EDITOR) -> Any:
        command = ApiKeyCreate("K", role, scope=scope)
        return await keys.create_key(world.viewer, world.storage, command)

    nobody, empty = frozenset([uuid4()]), frozenset[UUID]()
    for scope, role, text in (
        (Scope(empty, frozenset([owned.table])), Role.ADMIN, "cannot be an admin"),
        (Scope(empty, empty), Role.EDITOR, "1 to 100"),
        (Scope(nobody, empty), Role.EDITOR, "Project not found"),
        (Scope(empty, nobody), Role.EDITOR, "Table not found"),
    ):
        with pytest.raises(Invalid, match=text):
            await make(scope, role)
    made = await make(Scope(frozenset([owned.project]), frozenset([owned.table])))
    [stored] = [k for k in await keys.list_keys(world.viewer, world.storage) if k.id == made.key.id]
    assert stored.scope == Scope(frozenset([owned.project]), frozenset([owned.table]))


@pytest.mark.parametrize("does", ["run", "preview", "estimate", "column"])
async def test_no_lookup_reaches_a_table_outside(world: World, does: str) -> None:
    inside, outside = await world.table("name", "found"), await world.table("name", "salary")
    [row_id] = await world.add(inside, {"name": "Ada"})
    await world.add(outside, {"name": "Ada", "salary": "a secret"})
    viewer = _scoped(world, inside)
    storage = world.storage.seen_by(viewer)
    lookup = make_tool(LookupTool(outside, "name", "name", "salary"))
    run = CellsRun(inside, ["found"], Selection(row_ids=[row_id]), tool=lookup)
    tools: Any = None  # none is asked
    calls: dict[str, Callable[[], Awaitable[Any]]] = {
        "run": lambda: runs.start_run(viewer, storage, run),
        "preview": lambda: run_previews.preview_run(
            viewer, storage, tools, RunPreview(inside, "found", lookup)
        ),
        "estimate": lambda: run_previews.estimate_run(viewer, storage, tools, run),
        "column": lambda: column_editing.add_column(
            viewer, storage, inside, _lookup_column(lookup)
        ),
    }
    with pytest.raises(Invalid, match="there is no table"):
        await calls[does]()


def _lookup_column(tool: Tool) -> NewColumn:
    return NewColumn("pay", "Pay", ColumnType.TEXT, computed_by=ComputedBy.TOOL, tool=tool)


async def test_other_operations_name_the_scope(world: World) -> None:
    viewer = _scoped(world, await world.table("a"))
    with pytest.raises(OutOfScope, match="projectCreate needs a key without a scope"):
        await projects.create_project(viewer, world.storage, ProjectCreate("P"))


async def test_over_graphql_and_rest(site: Site) -> None:
    make = """mutation($name: String!) { tableCreate(input: {name: $name, columns: [
      {key: "a", label: "A", type: TEXT}]}) { table { id columns { id } } } }"""
    inside = (await site.graphql(make, name="Inside"))["tableCreate"]["table"]
    outside = (await site.graphql(make, name="Outside"))["tableCreate"]["table"]
    key = """mutation($tables: [ID!]!) { apiKeyCreate(input: {
      name: "K", role: EDITOR, scope: {tableIds: $tables}}) {
      secret apiKey { scope { projectIds tableIds } } errors { message } } }"""
    made = (await site.graphql(key, tables=[inside["id"]]))["apiKeyCreate"]
    assert made["apiKey"]["scope"] == {"projectIds": [], "tableIds": [inside["id"]]}
    query = """query($in: ID!, $out: ID!, $column: ID!) {
      tables { name } in: table(id: $in) { name } out: table(id: $out) { name }
      node(id: $out) { id } column: node(id: $column) { id } }"""
    variables = {"in": inside["id"], "out": outside["id"], "column": outside["columns"][0]["id"]}
    async with site.client(made["secret"]) as client:
        answer = await client.post("/graphql", json={"query": query, "variables": variables})
        assert answer.json() == {
            "data": {
                "tables": [{"name": "Inside"}],
                "in": {"name": "Inside"},
                "out": None,
                "node": None,
                "column": None,
            }
        }
        assert [each["name"] for each in (await client.get("/api/tables")).json()] == ["Inside"]
        assert (await client.get(f"/api/tables/{inside['id']}/rows")).status_code == 200
        assert (await client.get(f"/api/tables/{outside['id']}/rows")).status_code == 404
        forbidden = await client.post("/graphql", json={"query": "{ apiKeys { id } }"})
        [error] = forbidden.json()["errors"]
        assert error["extensions"]["code"] == "FORBIDDEN"
