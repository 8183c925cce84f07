"""Streams of keys with a scope, when their table leaves it."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from domain import keys, projects, tables
from domain.access import Role, Scope
from domain.entities import ProjectCreate, TableCreate, TableUpdate
from domain.keys import ApiKeyCreate
from tests.charts.drawing import CHANGED as CHART_CHANGED
from tests.charts.drawing import new_chart
from tests.live.test_streams import CHANGED
from tests.serving import Site, Socket, serve


@pytest.fixture
async def site(postgres_url: str, redis_url: str, tmp_path: Path) -> AsyncIterator[Site]:
    async with serve(postgres_url, redis_url, tmp_path) as opened:
        yield opened


async def _end(socket: Socket, operation: str) -> dict[str, Any]:
    """The message that ends a stream, behind its events."""
    while (message := await socket.next(operation))["type"] == "next":
        pass
    return message


async def test_streams_end_when_their_table_leaves_the_scope(site: Site) -> None:
    viewer, storage = site.viewer, site.gateway.storage
    project = await projects.create_project(viewer, storage, ProjectCreate("P"))
    made = await tables.create_table(viewer, storage, TableCreate("T", project_id=project.id))
    table_id = made.table.id
    chart_id = await new_chart(site, str(table_id), "createdBy")
    scope = Scope(frozenset([project.id]), frozenset())
    command = ApiKeyCreate("K", Role.VIEWER, scope=scope)
    secret = (await keys.create_key(viewer, storage, command)).secret
    cells = """subscription($t: ID!) { cellStatusChanged(tableId: $t) { __typename } }"""
    async with site.socket(secret) as socket:
        await socket.subscribe("table", CHANGED, t=str(table_id))
        await socket.subscribe("cells", cells, t=str(table_id))
        await socket.subscribe("chart", CHART_CHANGED, id=chart_id)
        for operation in ("table", "cells", "chart"):
            await socket.event(operation)
        await tables.update_table(viewer, storage, table_id, TableUpdate(project_id=None))
        for operation in ("table", "cells", "chart"):
            message = await _end(socket, operation)
            assert message["type"] == "error"
            assert message["payload"][0]["extensions"]["code"] == "NOT_FOUND"
