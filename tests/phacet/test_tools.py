"""Rows whose cells tools fill: what a client sees while they work, and what it is told."""

import asyncio
from typing import Any

import pytest

from tests.phacet.calls import Phacet, Shop, cell, shop, statuses, values
from tests.phacet.receiver import Receiver
from tests.phacet.test_flows import folder, inbox, site
from tests.rest.calls import Calls
from tests.serving import Site
from tests.tools.answering import Asked, Reply, answering
from tests.waiting import between_looks

__all__ = ["folder", "inbox", "site"]

_ADD = """mutation($table: ID!, $key: String!, $code: String!, $inputs: [String!]!) {
  columnAdd(input: {tableId: $table, column: {key: $key, label: $key, type: NUMBER,
    tool: {run: {python: {code: $code}}, inputs: $inputs}}}) {
    column { id } errors { message } } }"""
_TWICE = "def run(row):\n    return row['price'] * 2"
_WRONG = "def run(row):\n    return row['price'] / 0"


async def _tool(site: Site, table: Shop, key: str, code: str, *inputs: str) -> None:
    made = (await site.graphql(_ADD, table=table.id, key=key, code=code, inputs=[*inputs]))[
        "columnAdd"
    ]
    assert made["errors"] == [], made
    table.columns[key] = made["column"]["id"]


@pytest.fixture
async def table(site: Site) -> Shop:
    """A table with a chain of two tools."""
    made = await shop(Calls(site.shared))
    await _tool(site, made, "twice", _TWICE, "price")
    await _tool(site, made, "four", _TWICE.replace("price", "twice"), "twice")
    return made


async def _started(phacet: Phacet, table: Shop, **given: Any) -> dict[str, Any]:
    """A new row whose tools were started with it."""
    body = {"cells": table.cells(**given), "triggerTasks": True}
    made: dict[str, Any] = await phacet.post(f"/tables/{table.id}/rows", body)
    return made


async def _settled(phacet: Phacet, table: Shop, row_id: str) -> dict[str, Any]:
    """The row when none of its cells waits any more, as a client polls for it."""
    async with asyncio.timeout(60):
        while True:
            row: dict[str, Any] = await phacet.get(f"/tables/{table.id}/rows/{row_id}")
            if not {"queued", "calculating"} & set(statuses(row)):
                return row
            await between_looks()


async def test_a_row_is_polled_until_all_cells_are_resolved(phacet: Phacet, table: Shop) -> None:
    made = await _started(phacet, table, title="Tea", price="2.5")
    for name in ("title", "price"):
        assert cell(made, name)["status"] == "resolved"
    for name in ("twice", "four"):
        assert cell(made, name)["status"] in ("queued", "calculating")
        assert cell(made, name)["value"] is None
    assert cell(made, "state")["status"] == "initialized"
    row = await _settled(phacet, table, made["id"])
    # Empty cells too: the documented loop would never end otherwise.
    assert set(statuses(row)) == {"resolved"}
    assert (values(row)["twice"], values(row)["four"]) == (5, 10)
    assert values(row)["state"] is None
    [listed] = (await phacet.get(f"/tables/{table.id}/rows"))["rows"]
    assert listed == row
    for each in row["cells"]:
        assert await phacet.get(f"/tables/{table.id}/cells/{each['id']}") == each


async def test_a_tool_that_came_later_has_not_run(site: Site, phacet: Phacet, table: Shop) -> None:
    made = await _started(phacet, table, price=1)
    await _settled(phacet, table, made["id"])
    await _tool(site, table, "later", _TWICE, "price")
    await _tool(site, table, "named", _TWICE.replace("price", "title"), "title")
    row = await phacet.get(f"/tables/{table.id}/rows/{made['id']}")
    assert (cell(row, "later")["status"], cell(row, "named")["status"]) == ("ready", "initialized")
    assert set(statuses(row)) == {"resolved", "ready", "initialized"}
    assert cell(row, "state")["status"] == "resolved"


async def test_tools_start_when_they_are_asked(phacet: Phacet, table: Shop) -> None:
    path = f"/tables/{table.id}/rows"
    empty = await phacet.row(table, title="x")
    assert (cell(empty, "twice")["status"], cell(empty, "four")["status"]) == ("initialized",) * 2
    made = await phacet.row(table, price=1)
    assert (cell(made, "twice")["status"], cell(made, "four")["status"]) == ("ready", "initialized")
    path = f"{path}/{made['id']}"
    # A PUT starts them, also one that changes nothing.
    shown = await phacet.put(path, {"cells": []})
    assert cell(shown, "twice")["status"] in ("queued", "calculating", "resolved")
    assert values(await _settled(phacet, table, made["id"]))["four"] == 4
    # Without a run, what was made from the old value is stale.
    for switch in (
        {"runRow": False},
        {"triggerTasks": False},
        {"runRow": False, "triggerTasks": True},
    ):
        shown = await phacet.put(path, {"cells": table.cells(price=3), **switch})
        assert (cell(shown, "twice")["status"], cell(shown, "four")["status"]) == ("stale",) * 2
        assert values(shown)["four"] == 4
    shown = await phacet.put(path, {"cells": table.cells(price="10")})
    assert cell(shown, "twice")["status"] in ("queued", "calculating")
    row = await _settled(phacet, table, made["id"])
    assert (values(row)["four"], set(statuses(row))) == (40, {"resolved"})


async def test_a_tool_that_fails_says_why(
    site: Site, phacet: Phacet, table: Shop, inbox: Receiver
) -> None:
    await _tool(site, table, "wrong", _WRONG, "price")
    body = {"url": inbox.url, "eventTypes": ["row.calculation.failed"], "tableIds": [table.id]}
    await phacet.post("/webhooks/endpoints", body)
    made = await _started(phacet, table, price=1)
    row = await _settled(phacet, table, made["id"])
    wrong = cell(row, "wrong")
    assert (wrong["status"], wrong["value"]) == ("error", None)
    assert "zero" in wrong["lastError"]
    others = [each for each in row["cells"] if each["columnName"] != "wrong"]
    assert {(each["status"], each["lastError"]) for each in others} == {("resolved", None)}
    sent = await inbox.next()
    assert sent.json["eventType"] == "row.calculation.failed"
    assert sent.json["data"]["rowId"] == made["id"]


async def test_a_client_is_told_instead_of_polling(
    phacet: Phacet, table: Shop, inbox: Receiver
) -> None:
    events = ["row.created", "row.updated", "row.calculation.started", "row.calculation.completed"]
    body = {"url": inbox.url, "eventTypes": events, "tableIds": [table.id]}
    await phacet.post("/webhooks/endpoints", body)
    made = await _started(phacet, table, price=4)
    told = []
    while "row.calculation.completed" not in told or "row.updated" not in told:
        sent = await inbox.next()
        assert sent.json["data"]["rowId"] == made["id"]
        told.append(sent.json["eventType"])
    assert told[:2] == ["row.created", "row.calculation.started"]
    row = await phacet.get(f"/tables/{table.id}/rows/{made['id']}")
    assert (values(row)["four"], set(statuses(row))) == (16, {"resolved"})


async def test_an_edit_by_the_tables_api_makes_cells_stale(
    phacet: Phacet, calls: Calls, table: Shop, inbox: Receiver
) -> None:
    made = await _started(phacet, table, price=1)
    await _settled(phacet, table, made["id"])
    body = {"url": inbox.url, "eventTypes": ["row.updated"], "tableIds": [table.id]}
    await phacet.post("/webhooks/endpoints", body)
    path = f"/api/tables/{table.id}/rows/{made['id']}"
    data = {"price": 5, "twice": 2, "four": 4}
    assert (await calls.client.patch(path, json={"data": data | {"title": "S"}})).status_code == 200
    row = await phacet.get(f"/tables/{table.id}/rows/{made['id']}")
    assert values(row)["title"] == "S"
    assert (cell(row, "twice")["status"], cell(row, "four")["status"]) == ("stale",) * 2
    sent = await inbox.next()
    assert (sent.json["eventType"], sent.json["data"]["rowId"]) == ("row.updated", made["id"])


_ASK = """mutation($table: ID!, $url: String!) {
  columnAdd(input: {tableId: $table, column: {key: "asked", label: "asked", type: TEXT,
    tool: {run: {http: {url: $url}}}}}) { column { id } errors { message } } }"""


async def test_a_row_that_is_put_while_its_cells_are_made_ends_resolved(
    site: Site, phacet: Phacet, calls: Calls
) -> None:
    """Who puts a row and polls for it must see its end, whatever an earlier run is doing."""
    first, gate = asyncio.Event(), asyncio.Event()

    async def reply(asked: Asked) -> Reply:
        if asked.path.endswith("/old"):
            first.set()
            await gate.wait()
        return Reply(f'"{asked.path[1:]}"')

    async with answering(reply) as server:
        table = await shop(calls)
        url = server.url("/{{title}}")
        made = (await site.graphql(_ASK, table=table.id, url=url))["columnAdd"]
        assert made["errors"] == []
        table.columns["asked"] = made["column"]["id"]
        row = await _started(phacet, table, title="old")
        async with asyncio.timeout(60):
            await first.wait()
        path = f"/tables/{table.id}/rows/{row['id']}"
        shown = await phacet.put(path, {"cells": table.cells(title="new")})
        assert cell(shown, "asked")["status"] in ("queued", "calculating", "resolved")
        row = await _settled(phacet, table, row["id"])
        assert (values(row)["asked"], set(statuses(row))) == ("new", {"resolved"})
        # The answer to the old question comes too late, and changes nothing.
        gate.set()
        shown = await phacet.put(path, {"cells": table.cells(price=1), "runRow": False})
        assert (values(shown)["asked"], set(statuses(shown))) == ("new", {"resolved"})


async def test_a_table_without_tools_is_done_at_once(phacet: Phacet, calls: Calls) -> None:
    table = await shop(calls)
    plain = await phacet.row(table, title="plain")
    assert statuses(plain) == ["resolved"] + ["initialized"] * 5
    made = await _started(phacet, table, title="asked")
    assert set(statuses(made)) == {"resolved"}
    assert [each["value"] for each in made["cells"]] == ["asked", *[None] * 5]
    path = f"/tables/{table.id}/rows"
    assert await phacet.get(f"{path}/{made['id']}") == made
    [listed, again] = (await phacet.get(path))["rows"]
    assert (listed, again) == (plain, made)
    for each in made["cells"]:
        assert await phacet.get(f"/tables/{table.id}/cells/{each['id']}") == each
    bodies: list[dict[str, Any]] = [{"cells": table.cells(price=2)}, {"cells": []}]
    for body in bodies:
        plain = await phacet.row(table, title="plain")
        assert "initialized" in statuses(plain)
        shown = await phacet.put(f"{path}/{plain['id']}", {**body, "runRow": False})
        assert "initialized" in statuses(shown)
        shown = await phacet.put(f"{path}/{plain['id']}", body)
        assert set(statuses(shown)) == {"resolved"}
        assert await phacet.get(f"{path}/{plain['id']}") == shown


async def test_many_rows_at_once(phacet: Phacet, table: Shop) -> None:
    started = await asyncio.gather(*(_started(phacet, table, price=n) for n in range(10)))
    found = [values(await _settled(phacet, table, row["id"]))["four"] for row in started]
    assert found == [number * 4 for number in range(10)]
