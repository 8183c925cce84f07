"""Projects with their tables."""

from collections.abc import Sequence

from starlette.responses import Response

from domain import projects
from domain.entities import Project
from rest_compat.endpoints import Call
from rest_compat.phacet import shapes, tables
from rest_compat.wire import json_response


async def list_projects(call: Call) -> Response:
    """All of them, oldest first: four statements, however many there are."""
    found = await projects.list_projects(call.viewer, call.storage)
    return json_response(await _shown(call, found))


async def get_project(call: Call) -> Response:
    """One project."""
    project_id = call.id("projectId", "Project")
    found = await projects.get_project(call.viewer, call.storage, project_id)
    [shown] = await _shown(call, [found])
    return json_response(shown)


async def _shown(call: Call, found: Sequence[Project]) -> list[dict[str, object]]:
    of_projects = await call.storage.tables.of_projects(
        call.viewer.organization_id, [project.id for project in found]
    )
    listed = [table for tables in of_projects.values() for table in tables]
    by_id = {table["id"]: table for table in await tables.shown(call, listed)}
    return [
        shapes.project(
            project,
            [
                by_id[str(table.id)]
                for table in sorted(of_projects.get(project.id, []), key=tables.by_age)
            ],
        )
        for project in found
    ]
