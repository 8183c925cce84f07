"""Tables: list, make, show, change, delete."""

from collections.abc import Sequence
from uuid import UUID

from pydantic import TypeAdapter
from starlette.responses import Response

from domain import checks, ids, tables
from domain.columns import ColumnType, NewColumn
from domain.entities import (
    UNSET,
    Table,
    TableCreate,
    TableSearch,
    TableSource,
    TableUpdate,
)
from rest_compat.endpoints import Call
from rest_compat.stagent import shapes, templates
from rest_compat.stagent.bodies import PlacedColumnBody, TableBody, TableChangeBody
from rest_compat.wire import json_response, parse, read_body

_TABLE = TypeAdapter(TableBody)
_CHANGE = TypeAdapter(TableChangeBody)

#: Stands for an id that cannot exist, so that it is refused together with all else that is wrong.
_NOTHING = UUID(int=0)
_MOST_SEARCHED = 1_000


async def exists(call: Call) -> None:
    """Raises `NotFound` unless the table in the path is there."""
    await tables.get_table(call.viewer, call.storage, call.id("id", "Table"))


async def list_tables(call: Call) -> Response:
    """Three statements, however many tables there are."""
    text = call.query("search")
    checks.refuse(checks.text_problems("search", text, 0, _MOST_SEARCHED))
    source, project = call.query("source"), call.query("projectId")
    project_id = _project_id(project)
    if source not in (None, *TableSource) or (project and project_id == _NOTHING):
        return json_response([])
    search = TableSearch(project_id, source, text)
    found = await tables.list_tables(call.viewer, call.storage, search)
    organization_id = call.viewer.organization_id
    columns = await call.storage.columns.of_tables(organization_id, [each.id for each in found])
    named = {each.project_id for each in found if each.project_id is not None}
    projects = await call.storage.projects.by_ids(organization_id, list(named)) if named else {}
    return json_response(
        [
            shapes.table_item(
                each,
                columns.get(each.id, []),
                projects.get(each.project_id) if each.project_id else None,
            )
            for each in found
        ]
    )


async def create_table(call: Call) -> Response:
    """A body with `templateId` asks for a copy of a template."""
    given = await read_body(call.request, call.limits.body_bytes)
    if isinstance(given, dict) and given.get("templateId") is not None:
        project = given.get("projectId")
        project_id = _project_id(project if isinstance(project, str) else None)
        cloned = await templates.clone_template(call, given, project_id)
        return await _shown(call, cloned.table, 201)
    body = parse(_TABLE, given)
    command = TableCreate(
        name=body.name,
        description=body.description,
        project_id=_project_id(body.projectId),
        source=TableSource(body.source),
        columns=_new_columns(body.columns),
    )
    made = await tables.create_table(call.viewer, call.storage, command)
    return await _shown(call, made.table, 201)


async def get_table(call: Call) -> Response:
    """The table with its columns."""
    table_id = call.id("id", "Table")
    return await _shown(call, await tables.get_table(call.viewer, call.storage, table_id))


async def update_table(call: Call) -> Response:
    """Only what the body names is changed."""
    table_id = call.id("id", "Table")
    body = parse(_CHANGE, await read_body(call.request, call.limits.body_bytes))
    given = body.model_fields_set
    command = TableUpdate(
        name=body.name if "name" in given else UNSET,
        description=body.description if "description" in given else UNSET,
        project_id=_project_id(body.projectId) if "projectId" in given else UNSET,
    )
    changed = await tables.update_table(call.viewer, call.storage, table_id, command)
    return await _shown(call, changed)


async def delete_table(call: Call) -> Response:
    """With all that belongs to it."""
    await tables.delete_table(call.viewer, call.storage, call.id("id", "Table"))
    return Response(status_code=204)


async def _shown(call: Call, table: Table, status: int = 200) -> Response:
    organization_id, project_id = call.viewer.organization_id, table.project_id
    columns = await call.storage.columns.of_tables(organization_id, [table.id])
    projects = {}
    if project_id is not None:
        projects = await call.storage.projects.by_ids(organization_id, [project_id])
    project = projects.get(project_id) if project_id is not None else None
    return json_response(shapes.table(table, columns.get(table.id, []), project), status)


def _new_columns(given: Sequence[PlacedColumnBody]) -> list[NewColumn]:
    return [
        NewColumn(
            key=each.name,
            label=each.displayName,
            type=ColumnType(each.dataType),
            position=place if each.position is None else each.position,
            required=each.required,
            default_value=each.defaultValue,
            config=each.config,
        )
        for place, each in enumerate(given)
    ]


def _project_id(text: str | None) -> UUID | None:
    return None if text is None else ids.parse(text) or _NOTHING
