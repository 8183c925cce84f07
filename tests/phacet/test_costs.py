"""What requests cost, and what a repeat does."""

from uuid import uuid4

import pytest

from domain import projects
from domain.entities import ProjectCreate
from tests.phacet.calls import Phacet, Shop, shop
from tests.rest.calls import Calls, column
from tests.rest.test_costs import metadata_statements, row_statements
from tests.serving import Site


async def test_projects_take_four_statements_whatever_they_hold(
    site: Site, phacet: Phacet, calls: Calls
) -> None:
    costs = []
    for count in (1, 3):
        for _ in range(count):
            command = ProjectCreate("P")
            made = await projects.create_project(site.viewer, site.gateway.storage, command)
            for _ in range(count):
                await calls.table(column("a"), projectId=str(made.id))
        with metadata_statements(site.gateway.database) as seen:
            found = await phacet.get("/projects")
        costs.append((sum(len(each["tables"]) for each in found), len(seen)))
    assert costs == [(1, 4), (10, 4)]


@pytest.mark.parametrize(("names", "statements"), [(("price",), 3), (("price", "empty"), 6)])
async def test_a_page_of_rows_is_one_statement(
    site: Site, phacet: Phacet, calls: Calls, names: tuple[str, ...], statements: int
) -> None:
    """And one more for empty cells of a table without tools: were its tools started?"""
    made = await calls.table(*(column(name, "number") for name in names))
    table = Shop(made["id"], {})
    await calls.add(table.id, *({"price": n} for n in range(150)))
    await phacet.get(f"/tables/{table.id}/rows")
    database = site.gateway.database
    with metadata_statements(database) as metadata:
        async with row_statements(database) as seen:
            page = await phacet.get(f"/tables/{table.id}/rows", take=100)
            await phacet.get(f"/tables/{table.id}/rows/{page['rows'][0]['id']}")
            await phacet.get(f"/tables/{table.id}/cells/{page['rows'][0]['cells'][0]['id']}")
    assert (len(seen), metadata) == (statements, [])


async def test_a_repeat_makes_no_second_row(phacet: Phacet, calls: Calls) -> None:
    table = await shop(calls)
    path, headers = f"/api/v2/tables/{table.id}/rows", {"idempotency-key": str(uuid4())}
    body = {"cells": table.cells(title="once")}
    first = await phacet.client.post(path, json=body, headers=headers)
    again = await phacet.client.post(path, json=body, headers=headers)
    assert (again.status_code, again.content) == (first.status_code, first.content)
    assert again.headers["idempotent-replayed"] == "true"
    assert len((await phacet.get(f"/tables/{table.id}/rows"))["rows"]) == 1
    other = {"cells": table.cells(title="other")}
    answer = await phacet.client.post(path, json=other, headers=headers)
    assert (answer.status_code, answer.json()["errorKey"]) == (409, "ConflictError")


async def test_a_repeat_does_not_tell_a_secret_again(phacet: Phacet) -> None:
    path, headers = "/api/v2/webhooks/endpoints", {"idempotency-key": str(uuid4())}
    body = {"url": "https://hooks.example.com/in", "eventTypes": ["row.created"]}
    first = await phacet.client.post(path, json=body, headers=headers)
    assert first.status_code == 201
    again = await phacet.client.post(path, json=body, headers=headers)
    assert (again.status_code, again.json()["errorKey"]) == (409, "ConflictError")
    assert first.json()["secret"] not in again.text
