"""Triggers over REST: the exact shapes and texts, and conditions that mean what filters mean."""

from typing import Any

import pytest

from tests.rest.calls import UNKNOWN, Calls, column, condition, fields, refused
from tests.serving import Site
from tests.triggers.automation import running_worker
from tests.waiting import eventually

REQUIRED = "name, triggerEvent, actionType, and actionConfig are required"
TASK = {
    "name": "Open",
    "triggerEvent": "row_added",
    "actionType": "create_task",
    "actionConfig": {"title": "Look"},
}


async def _create(calls: Calls, table_id: str, **more: Any) -> dict[str, Any]:
    answer = await calls.client.post(f"/api/tables/{table_id}/triggers", json=TASK | more)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def _list(calls: Calls, table_id: str) -> list[dict[str, Any]]:
    answer = await calls.client.get(f"/api/tables/{table_id}/triggers")
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()
    return found


async def _fired(calls: Calls, table_id: str, count: int) -> dict[str, Any]:
    """The only trigger of the table once it has fired so often."""

    async def has_fired() -> bool:
        return bool((await _list(calls, table_id))[0]["fireCount"] >= count)

    await eventually(has_fired)
    return (await _list(calls, table_id))[0]


async def test_the_life_of_a_trigger(site: Site, calls: Calls) -> None:
    table = await calls.table(column("rating", "number"))
    url = f"/api/tables/{table['id']}/triggers"
    assert await _list(calls, table["id"]) == []
    made = await _create(calls, table["id"])
    assert made == {
        "id": made["id"],
        "tableId": table["id"],
        "name": "Open",
        "triggerEvent": "row_added",
        "condition": None,
        "actionType": "create_task",
        "actionConfig": {"title": "Look"},
        "status": "active",
        "fireCount": 0,
        "lastFiredAt": None,
        "createdAt": made["createdAt"],
        "updatedAt": made["createdAt"],
    }
    assert await _list(calls, table["id"]) == [made]
    own = f"{url}/{made['id']}"
    async with running_worker(site.gateway.settings.database_url or "", site.gateway.database):
        await calls.add(table["id"], {"rating": 5})
        fired = await _fired(calls, table["id"], 1)
        assert fired | {"fireCount": 0, "lastFiredAt": None} == made
        assert fired["lastFiredAt"] >= made["createdAt"]
        paused = (await calls.client.patch(own, json={"status": "paused"})).json()
        assert (paused["status"], paused["fireCount"]) == ("paused", 1)
        await calls.add(table["id"], {"rating": 5})
        only = condition("rating", "gte", 4)
        body = {"status": "active", "condition": only}
        assert (await calls.client.patch(own, json=body)).json()["condition"] == only
        await calls.add(table["id"], {"rating": 3}, {"rating": 4})
        assert (await _fired(calls, table["id"], 2))["fireCount"] == 2
        answer = await calls.client.patch(own, json={"condition": None})
        assert answer.json()["condition"] is None
        await calls.add(table["id"], {"rating": 3})
        assert (await _fired(calls, table["id"], 3))["fireCount"] == 3
    assert (await calls.client.delete(own)).status_code == 204
    refused(await calls.client.delete(own), 404, "Trigger not found")
    assert await _list(calls, table["id"]) == []


async def test_triggers_are_listed_in_the_order_of_making(calls: Calls) -> None:
    table = await calls.table(column("rating", "number"))
    made = [await _create(calls, table["id"], name=name) for name in ("b", "a", "c")]
    changed = await calls.client.patch(
        f"/api/tables/{table['id']}/triggers/{made[0]['id']}",
        json={"name": "d", "triggerEvent": "row_deleted", "actionConfig": {}},
    )
    assert changed.json() == made[0] | {
        "name": "d",
        "triggerEvent": "row_deleted",
        "actionConfig": {},
        "updatedAt": changed.json()["updatedAt"],
    }
    assert await _list(calls, table["id"]) == [changed.json(), *made[1:]]


@pytest.mark.parametrize("name", ["name", "triggerEvent", "actionType", "actionConfig"])
@pytest.mark.parametrize("value", [None, "", 0, False])
async def test_what_is_required(calls: Calls, name: str, value: Any) -> None:
    table = await calls.table(column("rating", "number"))
    url = f"/api/tables/{table['id']}/triggers"
    refused(await calls.client.post(url, json=TASK | {name: value}), 400, REQUIRED)
    left = {key: each for key, each in TASK.items() if key != name}
    refused(await calls.client.post(url, json=left), 400, REQUIRED)
    refused(await calls.client.post(url, json=[TASK]), 400, REQUIRED)
    refused(await calls.client.post(url, content=b"{"), 400, "Invalid JSON body")
    assert await _list(calls, table["id"]) == []


@pytest.mark.parametrize("word", ["nonsense", 7, ["row_added"], {"a": 1}])
async def test_unknown_words(calls: Calls, word: Any) -> None:
    table = await calls.table(column("rating", "number"))
    url = f"/api/tables/{table['id']}/triggers"
    own = f"{url}/{(await _create(calls, table['id']))['id']}"
    for name in ("triggerEvent", "actionType"):
        refused(await calls.client.post(url, json=TASK | {name: word}), 400, f"Invalid {name}")
        refused(await calls.client.patch(own, json={name: word}), 400, f"Invalid {name}")
    refused(await calls.client.patch(own, json={"status": word}), 400, "Invalid status")


async def test_what_does_not_exist_comes_before_what_is_wrong(calls: Calls) -> None:
    table = await calls.table(column("rating", "number"))
    other = await calls.table(column("rating", "number"))
    made = await _create(calls, table["id"])
    for unknown in UNKNOWN:
        url = f"/api/tables/{unknown}/triggers"
        refused(await calls.client.get(url), 404, "Table not found")
        for given in (TASK, {}):
            refused(await calls.client.post(url, json=given), 404, "Table not found")
    for own in (
        *(f"/api/tables/{table['id']}/triggers/{unknown}" for unknown in UNKNOWN),
        f"/api/tables/{other['id']}/triggers/{made['id']}",
        f"/api/tables/{UNKNOWN[0]}/triggers/{made['id']}",
    ):
        bodies: tuple[dict[str, Any], ...] = ({}, {"status": "nonsense"}, {"name": None})
        for body in bodies:
            refused(await calls.client.patch(own, json=body), 404, "Trigger not found")
        refused(await calls.client.delete(own), 404, "Trigger not found")
    assert await _list(calls, table["id"]) == [made]


@pytest.mark.parametrize(
    ("given", "errors"),
    [
        ({"name": "x" * 257}, {"name": ["String should have at most 256 characters"]}),
        ({"name": " "}, {"name": ["name must not be empty"]}),
        ({"actionConfig": "x"}, {"actionConfig": ["Input should be a valid dictionary"]}),
        (
            {"condition": {"column": "nope", "operator": "eq", "value": 1}},
            {"condition": ["condition.column: Unknown column: nope"]},
        ),
        (
            {"condition": [{"column": "rating", "operator": "eq"}, 5]},
            {
                "condition": [
                    "condition[1]: A condition is an object of column, operator and value",
                ]
            },
        ),
        (
            {
                "condition": [
                    {"column": "rating", "operator": "eq"},
                    {"column": "rating", "operator": "gt", "value": "much"},
                    {"column": "rating", "operator": "is", "value": 1},
                ]
            },
            {
                "condition": [
                    "condition[0].value: eq needs a value",
                    'condition[1].value: rating: "much" is not a number',
                    "condition[2].operator: Unknown operator: is",
                ]
            },
        ),
        (
            {"actionType": "run_workflow", "actionConfig": {}},
            {
                "actionConfig": [
                    "actionConfig.workflowId: run_workflow needs the workflowId of a workflow"
                ]
            },
        ),
        (
            {"actionConfig": {"title": 5, "projectId": "x"}},
            {"actionConfig": ["actionConfig.title: title must be a text"]},
        ),
        (
            {"actionConfig": {"projectId": UNKNOWN[0]}},
            {"actionConfig": ["actionConfig.projectId: Project not found"]},
        ),
        (
            {"actionType": "call_webhook", "actionConfig": {"url": "ftp://x", "method": "GET"}},
            {
                "actionConfig": [
                    "actionConfig.url: call_webhook needs a url that begins with http:// or "
                    "https://",
                    "actionConfig.method: method must be one of POST, PUT, PATCH",
                ]
            },
        ),
    ],
)
async def test_every_problem_is_listed(
    calls: Calls, given: dict[str, Any], errors: dict[str, list[str]]
) -> None:
    table = await calls.table(column("rating", "number"))
    url = f"/api/tables/{table['id']}/triggers"
    refused(await calls.client.post(url, json=TASK | given), 400, fields(**errors))
    own = f"{url}/{(await _create(calls, table['id']))['id']}"
    refused(await calls.client.patch(own, json=given), 400, fields(**errors))


@pytest.mark.parametrize(
    ("synonym", "operator"),
    [
        ("equals", "eq"),
        ("not_equals", "neq"),
        ("greater_than", "gt"),
        ("less_than", "lt"),
    ],
)
async def test_what_clients_call_the_operators(calls: Calls, synonym: str, operator: str) -> None:
    table = await calls.table(column("rating", "number"))
    made = await _create(calls, table["id"], condition=condition("rating", synonym, 5))
    assert made["condition"] == condition("rating", operator, 5)


async def test_workflows_are_not_looked_up(calls: Calls) -> None:
    table = await calls.table(column("rating", "number"))
    for config in ({"workflowId": "nope"}, {"targetId": "x", "more": [1.50]}):
        made = await _create(calls, table["id"], actionType="run_workflow", actionConfig=config)
        assert made["actionConfig"] == config


async def test_values_of_headers_are_not_shown_and_can_be_kept(site: Site, calls: Calls) -> None:
    table = await calls.table(column("rating", "number"))
    config = {"url": "https://example.com/hook", "headers": {"Authorization": "secret", "X": "1"}}
    made = await _create(calls, table["id"], actionType="call_webhook", actionConfig=config)
    hidden = {"Authorization": "********", "X": "********"}
    assert made["actionConfig"] == config | {"headers": hidden}
    own = f"/api/tables/{table['id']}/triggers/{made['id']}"
    again = made["actionConfig"] | {"headers": hidden | {"X": "2"}}
    await calls.client.patch(own, json={"actionConfig": again})
    stored = await site.gateway.database.pool.fetchval(
        "SELECT action_config->>'headers' FROM trigger WHERE id = $1", made["id"]
    )
    assert stored == '{"X": "2", "Authorization": "secret"}'
