"""Enrichment over GraphQL, and the whole way of it over the Tables API with a worker beside."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from persistence import jobs
from processing import cell_runs
from tests.rest.calls import Calls, column
from tests.rest.conftest import site
from tests.serving import Site
from tests.waiting import between_looks

__all__ = ["site"]

PLAN = """mutation($input: EnrichmentPlanInput!) { enrichmentPlan(input: $input) {
  plan { promptMode strategy agentProfile reasoning targetColumn targetLabel targetType
    allowedOptions eligibleRowCount sampleBindings steps { id name purpose prompt agentProfile } }
  errors { code message path } } }"""
START = """mutation($input: EnrichmentStartInput!) { enrichmentStart(input: $input) {
  enrichment { id name status rowsQueued run { id budget { rows } } projectId table { id }
    plan { strategy } }
  errors { code message path } } }"""
ONE = """query($id: ID!) { enrichment(id: $id) {
  id status rowsQueued rowsCompleted createdBy plan { sampleBindings } } }"""
LIST = """query($id: ID!, $first: Int, $before: ID) {
  enrichmentRuns(tableId: $id, first: $first, before: $before) { id name } }"""
PROJECT = 'mutation { projectCreate(input: {name: "P"}) { project { id } } }'


@pytest.fixture
async def worker(site: Site, postgres_url: str) -> AsyncIterator[None]:
    """A worker that fills cells, inside this process."""
    stopping = asyncio.Event()
    gateway = site.gateway
    storage = gateway.storage
    handlers = {
        **cell_runs.handlers(storage, stopping),
        **cell_runs.batch_handlers(storage, gateway.engines.tools, stopping),
    }
    task = asyncio.create_task(jobs.run(postgres_url, handlers, stopping))
    yield
    stopping.set()
    await task


async def _table(calls: Calls) -> str:
    table = await calls.table(
        column("note"), column("mood", "select", config={"options": ["Positive", "Negative"]})
    )
    notes = ("I love it, wonderful work", "Terrible. I hate the noise.", "Great and friendly")
    await calls.add(table["id"], *({"note": note} for note in notes))
    table_id: str = table["id"]
    return table_id


async def test_plan_and_start(site: Site) -> None:
    table_id = await _table(Calls(site.shared))
    project = (await site.graphql(PROJECT))["projectCreate"]["project"]["id"]
    asked: dict[str, Any] = {"tableId": table_id, "targetColumn": "mood", "promptMode": "AUTO"}
    asked["filter"] = {"where": {"column": "note", "operator": "CONTAINS", "value": "e"}}
    told = (await site.graphql(PLAN, input=asked))["enrichmentPlan"]
    assert told["errors"] == []
    plan = told["plan"]
    assert (plan["strategy"], plan["agentProfile"]) == ("SINGLE_PASS_CLASSIFY", "data-analyst")
    assert plan["allowedOptions"] == ["Positive", "Negative"]
    assert (plan["eligibleRowCount"], len(plan["sampleBindings"])) == (3, 2)
    names = ("id", "name", "purpose", "prompt", "agentProfile")
    steps = [{name: step[name] for name in names} for step in plan["steps"]]
    given = {"strategy": plan["strategy"], "promptMode": plan["promptMode"], "steps": steps}
    begun = (
        await site.graphql(
            START,
            input={
                **asked,
                "plan": given,
                "projectId": project,
                "name": "M",
                "budget": {"rows": 10},
            },
        )
    )["enrichmentStart"]
    assert begun["errors"] == []
    made = begun["enrichment"]
    assert (made["status"], made["rowsQueued"], made["name"]) == ("ACTIVE", 3, "M")
    assert (made["projectId"], made["table"]) == (project, {"id": table_id})
    assert made["run"]["budget"] == {"rows": 10}
    again = (await site.graphql(START, input=asked))["enrichmentStart"]["enrichment"]
    assert (again["status"], again["rowsQueued"], again["projectId"]) == ("COMPLETED", 0, None)
    listed = (await site.graphql(LIST, id=table_id))["enrichmentRuns"]
    assert [each["id"] for each in listed] == [again["id"], made["id"]]
    older = (await site.graphql(LIST, id=table_id, before=again["id"]))["enrichmentRuns"]
    assert [each["name"] for each in older] == ["M"]
    one = (await site.graphql(ONE, id=made["id"]))["enrichment"]
    assert (one["rowsQueued"], one["rowsCompleted"]) == (3, 0)
    assert one["plan"]["sampleBindings"] == []
    assert (await site.graphql(ONE, id=table_id))["enrichment"] is None


async def test_errors_have_their_paths(site: Site) -> None:
    table_id = await _table(Calls(site.shared))
    for more, path in (
        ({"targetColumn": "nobody"}, ["targetColumn"]),
        ({"promptMode": "CUSTOM"}, ["prompt"]),
        ({"batchSize": 0}, ["batchSize"]),
        ({"plan": {"steps": []}}, ["plan", "steps"]),
        ({"plan": {"steps": [{"id": "a", "prompt": " "}]}}, ["plan", "steps", "0", "prompt"]),
        ({"projectId": "nobody"}, ["projectId"]),
    ):
        asked = {"tableId": table_id, "targetColumn": "mood", **more}
        told = (await site.graphql(START, input=asked))["enrichmentStart"]
        assert told["enrichment"] is None
        assert [each["path"] for each in told["errors"]] == [path]
    assert (await site.graphql(LIST, id=table_id))["enrichmentRuns"] == []


async def test_flow_8(site: Site, worker: None) -> None:
    calls = Calls(site.shared)
    table_id = await _table(calls)
    path = f"/api/tables/{table_id}/enrich"
    plan = (await calls.client.post(f"{path}/plan", json={"targetColumn": "mood"})).json()
    assert (plan["strategy"], plan["agentProfile"]) == ("single-pass-classify", "data-analyst")
    assert plan["targetContract"]["allowedOptions"] == ["Positive", "Negative"]
    one = {"column": "note", "operator": "contains", "value": "love"}
    sample = {
        "promptMode": "auto",
        "strategy": "single-pass-classify",
        "agentProfile": "data-analyst",
        "reasoning": "A closed set of values",
        "steps": [
            {
                "id": "classify",
                "name": "Classify",
                "purpose": "Choose a mood",
                "prompt": "Classify the sentiment of {{row.note}}",
            }
        ],
        "targetContract": {
            "columnName": "mood",
            "columnLabel": "Mood",
            "dataType": "select",
            "allowedOptions": ["Positive", "Negative"],
        },
        "eligibleRowCount": 3,
        "sampleBindings": [{"note": "I love it"}],
    }
    hint = {"promptMode": "auto", "prompt": "The sentiment of the note"}
    for body, queued in (
        ({"targetColumn": "mood", "plan": sample, "filter": one}, 1),
        ({"targetColumn": "mood", "plan": plan, **hint, "batchSize": 1}, None),
        ({"targetColumn": "mood", **hint}, None),
        ({"targetColumn": "mood", **hint}, 0),
    ):
        answer = await calls.client.post(path, json=body)
        assert answer.status_code == 202
        if queued is not None:
            assert (answer.json()["rowsQueued"], answer.json()["rowCount"]) == (queued, queued)
        ended = await _ended(calls, path, answer.json()["workflowId"])
        assert ended["status"] == "completed"
        assert ended["rowsCompleted"] == ended["rowsQueued"]
    rows = await calls.rows(table_id)
    assert [row["data"]["mood"] for row in rows] == ["Positive", "Negative", "Positive"]


async def _ended(calls: Calls, path: str, workflow_id: str) -> dict[str, Any]:
    async with asyncio.timeout(30):
        while True:
            listed = (await calls.client.get(f"{path}/runs")).json()
            [found] = [each for each in listed if each["workflowId"] == workflow_id]
            if found["status"] != "active":
                ended: dict[str, Any] = found
                return ended
            await between_looks()
