"""Workflows and tasks as clients see them: over a real socket, with a real worker."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random
from typing import Any

import pytest

from domain.access import Role
from domain.addresses import Allowed
from domain.ids import Kind, new_id
from persistence import jobs
from persistence.workflow_runs import JOB
from processing.outbound import Outbound
from processing.workflow_doing import Means
from processing.workflows import handler
from tests.outbound.targets import reply, target
from tests.serving import Site, Socket, serve
from tests.workflows.running import a_task, sequence

WORKFLOW = """{ id name status definition runNumber revision nextRunAt schedule { cron timeZone }
  project { name } createdBy }"""
CREATE = f"""mutation($input: WorkflowCreateInput!) {{ workflowCreate(input: $input) {{
  workflow {WORKFLOW} errors {{ code message path }} }} }}"""
UPDATE = f"""mutation($input: WorkflowUpdateInput!) {{ workflowUpdate(input: $input) {{
  workflow {WORKFLOW} errors {{ code message path }} }} }}"""
START = """mutation($id: ID!, $input: JSON) {
  workflowStart(input: {workflowId: $id, input: $input}) {
    run { id number status } errors { code message path } } }"""
RUN = """query($id: ID!) { workflowRun(id: $id) {
  number status cause { kind id } depth input outcome position error
  durationMs startedAt finishedAt workflow { name }
  steps { position attempt name kind status output error } } }"""
CHANGED = """subscription($id: ID!, $after: Int) {
  workflowRunChanged(workflowId: $id, after: $after) {
    __typename ... on StreamStarted { revision state }
    ... on WorkflowRunChanged { revision runId status position stepStatus error run { number } }
  } }"""


@pytest.fixture
async def site(postgres_url: str, redis_url: str, tmp_path: Path) -> AsyncIterator[Site]:
    async with serve(postgres_url, redis_url, tmp_path) as opened:
        yield opened


@asynccontextmanager
async def worker(site: Site, url: str) -> AsyncIterator[None]:
    """Takes the runs of this site."""
    stopping = asyncio.Event()
    outbound = Outbound(Allowed.parse("127.0.0.1"))
    means = Means(site.gateway.storage, outbound, site.gateway.engines.tools)
    handlers = {JOB: handler(means, stopping)}
    task = asyncio.create_task(jobs.run(url, handlers, stopping))
    try:
        yield
    finally:
        stopping.set()
        await task


async def make(site: Site, *steps: dict[str, Any], **more: Any) -> str:
    """The id of a new workflow."""
    given_ = {"name": "Greet", "definition": sequence(*steps), **more}
    answer = (await site.graphql(CREATE, input=given_))["workflowCreate"]
    assert answer["errors"] == []
    return str(answer["workflow"]["id"])


async def start(site: Site, workflow_id: str, **given_: Any) -> str:
    """The id of a new run."""
    answer = (await site.graphql(START, id=workflow_id, input=given_))["workflowStart"]
    assert answer["errors"] == []
    return str(answer["run"]["id"])


def ends(event: dict[str, Any]) -> bool:
    return event.get("status") in ("COMPLETED", "FAILED", "CANCELLED")


async def test_a_workflow_from_its_making_to_its_end(site: Site, postgres_url: str) -> None:
    async with target(reply("404 None", b"nothing")) as inner:
        call = {"kind": "http_request", "url": inner.url(), "headers": {"key": "secret"}}
        workflow_id = await make(
            site, a_task("Hello {{input.name}}", name="Greeting"), {**call, "retries": {}}
        )
        async with worker(site, postgres_url), site.socket() as socket:
            await socket.subscribe("1", CHANGED, id=workflow_id, after=0)
            run_id = await start(site, workflow_id, name="Ann")
            events = await socket.events_until("1", ends)
    run = (await site.graphql(RUN, id=run_id))["workflowRun"]
    assert run.pop("durationMs") > 0
    assert run.pop("startedAt") < run.pop("finishedAt")
    greeting, calling = run.pop("steps")
    error = "The server answered with status 404"
    assert run == {
        "number": 1,
        "status": "FAILED",
        "cause": {"kind": "MUTATION", "id": None},
        "depth": 0,
        "input": {"name": "Ann"},
        "outcome": None,
        "position": 1,
        "error": error,
        "workflow": {"name": "Greet"},
    }
    task_id = greeting.pop("output")["taskId"]
    assert greeting == {
        "position": 0,
        "attempt": 1,
        "name": "Greeting",
        "kind": "task_create",
        "status": "COMPLETED",
        "error": None,
    }
    assert calling["output"] == {"status": 404, "body": "nothing", "truncated": False}
    told = [(e["status"], e["position"], e["stepStatus"], e["error"]) for e in events[1:]]
    assert told == [
        ("QUEUED", 0, None, None),
        ("RUNNING", 0, None, None),
        ("RUNNING", 0, "RUNNING", None),
        ("RUNNING", 1, "COMPLETED", None),
        ("RUNNING", 1, "RUNNING", None),
        ("FAILED", 1, "FAILED", error),
    ]
    found = await site.graphql(
        """query($task: ID!, $run: ID!) {
          task(id: $task) { title status priority workflowRun { number } project { name } }
          tasks(workflowRunId: $run) { totalCount nodes { id } edges { cursor }
            pageInfo { hasNextPage endCursor } }
          workflows { totalCount nodes { runNumber definition runs(first: 1) {
            totalCount nodes { status } pageInfo { hasNextPage } } } } }""",
        task=task_id,
        run=run_id,
    )
    assert found["task"] == {
        "title": "Hello Ann",
        "status": "PLANNED",
        "priority": 2,
        "workflowRun": {"number": 1},
        "project": None,
    }
    assert (found["tasks"]["totalCount"], found["tasks"]["nodes"]) == (1, [{"id": task_id}])
    [listed] = found["workflows"]["nodes"]
    assert listed["runs"]["nodes"] == [{"status": "FAILED"}]
    assert listed["definition"]["steps"][1]["headers"] == {"key": "********"}


async def _follow(socket: Socket, operation: str, workflow_id: str, after: int | None) -> Any:
    await socket.subscribe(operation, CHANGED, id=workflow_id, after=after)
    return await socket.event(operation)


async def test_a_stream_goes_on_where_a_client_stopped(site: Site, postgres_url: str) -> None:
    workflow_id = await make(site, a_task(), a_task())
    async with worker(site, postgres_url):
        async with site.socket() as socket:
            begun = await _follow(socket, "1", workflow_id, None)
            assert (begun["revision"], begun["state"]) == (0, "SNAPSHOT")
            await start(site, workflow_id)
            first = await socket.events_until("1", ends)
        for _ in range(5):
            await start(site, workflow_id)
        async with site.socket() as socket:
            await _follow(socket, "1", workflow_id, None)
            last = await start(site, workflow_id)
            await socket.events_until("1", lambda event: ends(event) and event["runId"] == last)
    async with site.socket() as socket:
        begun = await _follow(socket, "1", workflow_id, 3)
        assert (begun["revision"], begun["state"]) == (3, "RESUMED")
        rest = [await socket.event("1") for _ in range(7 * len(first) - 3)]
        assert [event["revision"] for event in first] == list(range(1, len(first) + 1))
        assert [event["revision"] for event in rest] == list(range(4, 7 * len(first) + 1))
        assert rest[: len(first) - 3] == first[3:]
        assert {event["run"]["number"] for event in rest if ends(event)} == set(range(1, 8))
        await site.graphql(
            "mutation($id: ID!) { workflowDelete(input: {workflowId: $id}) { deletedId } }",
            id=workflow_id,
        )
        assert (await socket.next("1"))["type"] == "complete"


async def test_problems_of_a_workflow_are_data(site: Site) -> None:
    bad = {
        "name": "",
        "definition": sequence({"kind": "dance", "code": "1"}),
        "schedule": {"cron": "soon"},
        "projectId": str(new_id(Kind.PROJECT)),
    }
    answer = (await site.graphql(CREATE, input=bad))["workflowCreate"]
    assert answer["workflow"] is None
    assert [(each["code"], each["path"]) for each in answer["errors"]] == [
        ("REQUIRED", ["name"]),
        ("NOT_AN_OPTION", ["definition", "steps", "0", "kind"]),
        ("INVALID", ["schedule"]),
        ("NOT_FOUND", ["projectId"]),
    ]


async def test_a_workflow_is_changed_paused_and_resumed(site: Site) -> None:
    workflow_id = await make(site, a_task(), schedule={"cron": "0 9 * * MON"})
    changed = await site.graphql(
        UPDATE,
        input={
            "workflowId": workflow_id,
            "name": "New",
            "schedule": {"cron": "5 9 * * *", "timeZone": "Asia/Tokyo"},
        },
    )
    workflow = changed["workflowUpdate"]["workflow"]
    assert (workflow["name"], workflow["status"]) == ("New", "ACTIVE")
    assert workflow["schedule"] == {"cron": "5 9 * * *", "timeZone": "Asia/Tokyo"}
    assert workflow["nextRunAt"].endswith("T00:05:00.000Z")
    which = "mutation($id: ID!) { %s(input: {workflowId: $id}) { workflow { status } } }"
    paused = await site.graphql(which % "workflowPause", id=workflow_id)
    assert paused["workflowPause"]["workflow"] == {"status": "PAUSED"}
    refused = (await site.graphql(START, id=workflow_id))["workflowStart"]
    assert refused["errors"] == [
        {
            "code": "CONFLICT",
            "message": "The workflow is paused; only an active one is started",
            "path": [],
        }
    ]
    resumed = await site.graphql(which % "workflowResume", id=workflow_id)
    assert resumed["workflowResume"]["workflow"] == {"status": "ACTIVE"}
    run_id = await start(site, workflow_id)
    run = "mutation($id: ID!) { %s(input: {runId: $id}) { run { number status } } }"
    cancelled = await site.graphql(run % "workflowRunCancel", id=run_id)
    assert cancelled["workflowRunCancel"]["run"] == {"number": 1, "status": "CANCELLED"}
    again = await site.graphql(run % "workflowRunReplay", id=run_id)
    assert again["workflowRunReplay"]["run"] == {"number": 2, "status": "QUEUED"}


async def test_tasks_by_hand(site: Site) -> None:
    made = await site.graphql(
        """mutation { taskCreate(input: {title: "Call", priority: 0}) {
          task { id status priority } errors { message } } }"""
    )
    task = made["taskCreate"]["task"]
    assert (task["status"], task["priority"]) == ("PLANNED", 0)
    changed = await site.graphql(
        """mutation($id: ID!) { taskUpdate(input: {taskId: $id, status: COMPLETED, title: null}) {
          task { status } errors { path } } }""",
        id=task["id"],
    )
    assert changed["taskUpdate"] == {"task": None, "errors": [{"path": ["title"]}]}
    changed = await site.graphql(
        """mutation($id: ID!) { taskUpdate(input: {taskId: $id, status: COMPLETED}) {
          task { title status } } }""",
        id=task["id"],
    )
    assert changed["taskUpdate"]["task"] == {"title": "Call", "status": "COMPLETED"}
    page = "query($after: String) { tasks(status: COMPLETED, first: 1, after: $after) %s }"
    found = await site.graphql(page % "{ totalCount pageInfo { endCursor hasNextPage } }")
    assert found["tasks"]["totalCount"] == 1
    cursor = found["tasks"]["pageInfo"]["endCursor"]
    assert (await site.graphql(page % "{ nodes { id } }", after=cursor))["tasks"]["nodes"] == []


async def test_viewers_look_and_do_not_touch(site: Site) -> None:
    workflow_id = await make(site, a_task())
    key = await site.new_key(Role.VIEWER)
    async with site.client(key) as client:
        read = await client.post("/graphql", json={"query": "{ workflows { nodes { id } } }"})
        assert read.json()["data"]["workflows"]["nodes"] == [{"id": workflow_id}]
        body = {"query": START, "variables": {"id": workflow_id}}
        answer = (await client.post("/graphql", json=body)).json()
    assert answer["data"] == {"workflowStart": None}
    assert answer["errors"][0]["extensions"]["code"] == "FORBIDDEN"


JUNK: list[Any] = [None, True, -1, 1.5, 10**30, "", "x", "\0", "\ud800", "{{", "{{a}}", "ü", [], {}]
JUNK += [[[]], {"": {}}, "y" * 3_000, [1] * 60, {"steps": 1}]


def broken(definition: Any, random: Random) -> Any:
    """A copy with junk in place of something in it, or beside it."""
    if random.random() < 0.25 or not isinstance(definition, dict | list) or not definition:
        return random.choice(JUNK)
    if isinstance(definition, list):
        place = random.randrange(len(definition))
        worse = broken(definition[place], random)
        return [*definition[:place], worse, *definition[place + random.randrange(2) :]]
    key = random.choice(list(definition))
    name = random.choice([key, key, key, "x", "\0", ""])
    return {**definition, name: broken(definition[key], random)}


async def test_bad_definitions_are_never_our_fault(site: Site) -> None:
    random = Random(3)
    step = {
        "kind": "http_request",
        "url": "https://example.com/{{steps.s0.taskId}}",
        "headers": {"a": "b"},
        "body": {"x": ["{{input.y}}"]},
        "expectStatus": [200, 201],
        "retries": {"attempts": 2, "seconds": 0},
    }
    good = sequence(a_task(), step, {"kind": "row_add", "tableId": "t", "data": {"a": 1}})
    saved = 0
    for _ in range(300):
        definition = broken(good, random)
        body = {"query": CREATE, "variables": {"input": {"name": "x", "definition": definition}}}
        headers = {"content-type": "application/json"}  # as bytes: surrogates are sent as escapes
        answer = await site.shared.post("/graphql", content=json.dumps(body), headers=headers)
        assert answer.status_code < 500, definition
        assert '"INTERNAL"' not in answer.text, definition
        saved += '"workflow":{' in answer.text
    assert 0 < saved < 150
