"""Triggers and firings over GraphQL."""

from typing import Any

import pytest

from domain.access import Role
from tests.serving import Site
from tests.triggers.automation import running_worker
from tests.waiting import eventually

_TRIGGER = """id name event condition actionType actionConfig status firesPerMinute fireCount
  lastFiredAt error createdBy createdAt updatedAt table { id }"""
CREATE = f"""mutation($i: TriggerCreateInput!) {{ triggerCreate(input: $i) {{
  trigger {{ {_TRIGGER} }} errors {{ code message path }} }} }}"""
UPDATE = f"""mutation($i: TriggerUpdateInput!) {{ triggerUpdate(input: $i) {{
  trigger {{ {_TRIGGER} }} errors {{ code message path }} }} }}"""
DELETE = """mutation($id: ID!) { triggerDelete(input: {triggerId: $id}) {
  deletedId errors { message } } }"""
READ = f"""query($t: ID!, $id: ID!) {{ table(id: $t) {{ triggers {{ {_TRIGGER} }} }}
  trigger(id: $id) {{ {_TRIGGER} }} }}"""
FIRINGS = """query($id: ID!, $first: Int, $after: String, $status: FiringStatus) {
  trigger(id: $id) { firings(first: $first, after: $after, status: $status) {
    totalCount pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
    edges { cursor node { id } }
    nodes { id status revision rowId attempt depth input outcome error durationMs replayOf
      createdAt startedAt finishedAt trigger { id } } } } }"""
REPLAY = """mutation($id: ID!) { firingReplay(input: {firingId: $id}) {
  firing { id status replayOf input } errors { code message } } }"""
REPLAY_ALL = """mutation($id: ID!, $s: [FiringStatus!]!) {
  firingsReplay(input: {triggerId: $id, statuses: $s}) {
    count hasMore errors { code message path } } }"""
TABLE = """mutation { tableCreate(input: {name: "T", columns: [
  {key: "name", label: "Name", type: TEXT}, {key: "n", label: "N", type: NUMBER}]}) {
  table { id } } }"""
ADD = """mutation($t: ID!, $rows: [RowAddInput!]!) {
  rowsAdd(input: {tableId: $t, rows: $rows}) { rowIds } }"""


async def _table(site: Site) -> str:
    return str((await site.graphql(TABLE))["tableCreate"]["table"]["id"])


async def _create(site: Site, table_id: str, **more: Any) -> dict[str, Any]:
    given = {"tableId": table_id, "name": "T", "event": "ROW_ADDED", "action": {"createTask": {}}}
    made = (await site.graphql(CREATE, i=given | more))["triggerCreate"]
    assert made["errors"] == []
    trigger: dict[str, Any] = made["trigger"]
    return trigger


async def _update(site: Site, trigger: dict[str, Any], **changes: Any) -> dict[str, Any]:
    answer = await site.graphql(UPDATE, i={"triggerId": trigger["id"]} | changes)
    assert answer["triggerUpdate"]["errors"] == []
    changed: dict[str, Any] = answer["triggerUpdate"]["trigger"]
    return changed


async def _add(site: Site, table_id: str, *names: str) -> None:
    await site.graphql(ADD, t=table_id, rows=[{"data": {"name": name}} for name in names])


async def test_a_trigger_is_made_read_changed_and_deleted(site: Site) -> None:
    table_id = await _table(site)
    condition = {
        "all": [
            {"where": {"column": "n", "operator": "GTE", "value": 4}},
            {"not": {"where": {"column": "name", "operator": "IS_EMPTY"}}},
            {"any": [{"where": {"column": "name", "operator": "IN", "value": ["a", "b"]}}]},
        ]
    }
    made = await _create(site, table_id, condition=condition, firesPerMinute=10)
    assert made == {
        "id": made["id"],
        "name": "T",
        "event": "ROW_ADDED",
        "condition": condition,
        "actionType": "CREATE_TASK",
        "actionConfig": {},
        "status": "ACTIVE",
        "firesPerMinute": 10,
        "fireCount": 0,
        "lastFiredAt": None,
        "error": None,
        "createdBy": made["createdBy"],
        "createdAt": made["createdAt"],
        "updatedAt": made["createdAt"],
        "table": {"id": table_id},
    }
    read = await site.graphql(READ, t=table_id, id=made["id"])
    assert read == {"table": {"triggers": [made]}, "trigger": made}
    url = "https://example.com/hook"
    call = {"callWebhook": {"url": url, "headers": {"X": "secret"}}}
    changed = await _update(
        site, made, action=call, status="PAUSED", condition=None, firesPerMinute=None, name="N"
    )
    assert changed == made | {
        "name": "N",
        "condition": None,
        "actionType": "CALL_WEBHOOK",
        "actionConfig": {"url": url, "method": "POST", "headers": {"X": "********"}},
        "status": "PAUSED",
        "firesPerMinute": None,
        "updatedAt": changed["updatedAt"],
    }
    # What was read can be given back.
    again = await _update(site, made, condition=made["condition"], event="ROW_DELETED")
    assert (again["condition"], again["event"]) == (condition, "ROW_DELETED")
    deleted = (await site.graphql(DELETE, id=made["id"]))["triggerDelete"]
    assert deleted == {"deletedId": made["id"], "errors": []}
    read = await site.graphql(READ, t=table_id, id=made["id"])
    assert read == {"table": {"triggers": []}, "trigger": None}


async def test_every_problem_is_told_with_its_path(site: Site) -> None:
    table_id = await _table(site)
    given = {
        "tableId": table_id,
        "name": " ",
        "event": "ROW_ADDED",
        "firesPerMinute": 0,
        "action": {"callWebhook": {"url": "x", "method": "GET"}},
        "condition": {"any": [{"where": {"column": "nope", "operator": "EQ", "value": 1}}]},
    }
    answer = (await site.graphql(CREATE, i=given))["triggerCreate"]
    assert answer["trigger"] is None
    assert [(each["code"], each["path"]) for each in answer["errors"]] == [
        ("REQUIRED", ["name"]),
        ("OUT_OF_RANGE", ["firesPerMinute"]),
        ("REQUIRED", ["action", "url"]),
        ("NOT_AN_OPTION", ["action", "method"]),
        ("UNKNOWN_COLUMN", ["condition", "any", "0", "column"]),
    ]
    made = await _create(site, table_id)
    answer = await site.graphql(UPDATE, i={"triggerId": made["id"], "name": None})
    assert [each["path"] for each in answer["triggerUpdate"]["errors"]] == [["name"]]


async def test_firings_are_paged_filtered_and_replayed(site: Site) -> None:
    table_id = await _table(site)
    trigger = await _create(site, table_id, action={"runWorkflow": {"workflowId": "none"}})
    await _add(site, table_id, "a", "b", "c")
    url = site.gateway.settings.database_url or ""
    async with running_worker(url, site.gateway.database):
        await eventually(lambda: _has_ended(site, trigger["id"], 3))
        page = await _firings(site, trigger["id"], first=2)
        assert page["totalCount"] == 3
        assert [each["input"]["data"]["name"] for each in page["nodes"]] == ["c", "b"]
        first = page["nodes"][0]
        assert (first["status"], first["error"]) == ("FAILED", "Workflow not found")
        assert (first["revision"], first["attempt"], first["depth"]) == (2, 1, 0)
        assert first["input"]["rowId"] == first["rowId"]
        assert first["trigger"] == {"id": trigger["id"]}
        assert page["edges"] == [
            {"cursor": each["id"], "node": {"id": each["id"]}} for each in page["nodes"]
        ]
        info = page["pageInfo"]
        assert (info["hasNextPage"], info["hasPreviousPage"]) == (True, False)
        rest = await _firings(site, trigger["id"], after=info["endCursor"])
        assert [each["input"]["data"]["name"] for each in rest["nodes"]] == ["a"]
        assert (rest["pageInfo"]["hasNextPage"], rest["pageInfo"]["hasPreviousPage"]) == (
            False,
            True,
        )
        await _update(site, trigger, action={"createTask": {"title": "Look"}})
        again = (await site.graphql(REPLAY, id=first["id"]))["firingReplay"]
        assert again["errors"] == []
        assert again["firing"] == {
            "id": again["firing"]["id"],
            "status": "QUEUED",
            "replayOf": first["id"],
            "input": first["input"],
        }
        await eventually(lambda: _has_ended(site, trigger["id"], 4))
        [done] = (await _firings(site, trigger["id"], status="SUCCEEDED"))["nodes"]
        assert (done["id"], list(done["outcome"])) == (again["firing"]["id"], ["taskId"])
        all_ = (await site.graphql(REPLAY_ALL, id=trigger["id"], s=["FAILED"]))["firingsReplay"]
        assert all_ == {"count": 2, "hasMore": False, "errors": []}
        await eventually(lambda: _has_ended(site, trigger["id"], 6))
    assert (await _firings(site, trigger["id"], status="SUCCEEDED"))["totalCount"] == 3
    refused = await site.graphql(REPLAY_ALL, id=trigger["id"], s=["QUEUED"])
    assert refused["firingsReplay"]["errors"][0]["path"] == ["statuses"]
    read = await site.graphql(READ, t=table_id, id=trigger["id"])
    assert (read["trigger"]["fireCount"], read["trigger"]["lastFiredAt"] is None) == (3, False)


async def test_a_condition_that_lost_its_column_is_told(site: Site) -> None:
    table_id = await _table(site)
    condition = {"where": {"column": "n", "operator": "EQ", "value": 4}}
    trigger = await _create(site, table_id, condition=condition)
    columns = await site.graphql("query($t: ID!) { table(id: $t) { columns { id } } }", t=table_id)
    number = columns["table"]["columns"][1]["id"]
    drop = """mutation($t: ID!, $c: ID!) {
      columnDelete(input: {tableId: $t, columnId: $c}) { errors { message } } }"""
    await site.graphql(drop, t=table_id, c=number)
    await _add(site, table_id, "a")
    storage = site.gateway.storage
    while (await storage.relay.step()).more:
        pass
    read = await site.graphql(READ, t=table_id, id=trigger["id"])
    reason = "The condition cannot be decided: Unknown column: n"
    assert read["trigger"]["error"] == reason
    [failed] = (await _firings(site, trigger["id"]))["nodes"]
    assert (failed["error"], failed["rowId"], failed["input"]) == (reason, None, {})
    refused = (await site.graphql(REPLAY, id=failed["id"]))["firingReplay"]
    assert refused["errors"][0]["code"] == "CONFLICT"


@pytest.mark.parametrize("first", [-1, 101])
async def test_pages_are_bounded(site: Site, first: int) -> None:
    trigger = await _create(site, await _table(site))
    answer = await site.shared.post(
        "/graphql", json={"query": FIRINGS, "variables": {"id": trigger["id"], "first": first}}
    )
    [error] = answer.json()["errors"]
    assert error["extensions"]["code"] == "BAD_USER_INPUT"


async def test_viewers_read_and_do_not_write(site: Site) -> None:
    table_id = await _table(site)
    trigger = await _create(site, table_id)
    async with site.client(await site.new_key(Role.VIEWER)) as client:
        read = await client.post(
            "/graphql", json={"query": READ, "variables": {"t": table_id, "id": trigger["id"]}}
        )
        assert read.json()["data"]["trigger"] == trigger
        for query in (DELETE, REPLAY):
            answer = await client.post(
                "/graphql", json={"query": query, "variables": {"id": trigger["id"]}}
            )
            assert answer.json()["errors"][0]["extensions"]["code"] == "FORBIDDEN"


async def _firings(site: Site, trigger_id: str, **arguments: Any) -> dict[str, Any]:
    answer = await site.graphql(FIRINGS, id=trigger_id, **arguments)
    found: dict[str, Any] = answer["trigger"]["firings"]
    return found


async def _has_ended(site: Site, trigger_id: str, count: int) -> bool:
    """Whether so many firings have ended, well or not."""
    ended = [await _firings(site, trigger_id, status=each) for each in ("SUCCEEDED", "FAILED")]
    return bool(sum(each["totalCount"] for each in ended) == count)
