"""What firings do, how they fail, how they are tried again, and what is told of them."""

import json
from typing import Any

import pytest

from domain import firings, ids
from domain.entities import ProjectCreate
from domain.errors import Conflict, Invalid, NotFound
from domain.projects import create_project
from domain.trigger_records import ActionType, FiringStatus, TriggerStatus
from tests.outbound.targets import Target, reply, target
from tests.triggers.automation import ADDED, DELETED, UPDATED, Automation

SUCCEEDED, FAILED = FiringStatus.SUCCEEDED, FiringStatus.FAILED


def webhook(server: Target, **more: Any) -> dict[str, Any]:
    """The settings of a trigger that calls this server."""
    return {"action": ActionType.CALL_WEBHOOK, "config": {"url": server.url(), **more}}


async def test_a_task_holds_the_row(automation: Automation) -> None:
    world = automation.world
    table_id = await world.table("name", "more")
    plain = await automation.trigger(table_id)
    project = await create_project(world.viewer, world.storage, ProjectCreate("P"))
    config = {"title": "Call", "description": "Soon", "projectId": str(project.id)}
    full = await automation.trigger(table_id, config=config)
    await world.add(table_id, {"name": "Ähre", "extra": 1.50})
    async with automation.worker():
        [first] = await automation.settled(plain)
        [second] = await automation.settled(full)
    tasks = {str(task.id): task for task in await automation.tasks()}
    assert first.outcome is not None
    assert second.outcome is not None
    task = tasks[first.outcome["taskId"]]
    assert (task.title, task.project_id, task.firing_id) == ("Triggered Task", None, first.id)
    assert task.description == (
        '{\n  "name": "Ähre",\n  "more": null,\n  "extra": 1.5\n}'
    ) or json.loads(task.description or "") == {"name": "Ähre", "more": None, "extra": 1.5}
    task = tasks[second.outcome["taskId"]]
    assert (task.title, task.project_id) == ("Call", project.id)
    assert (task.description or "").startswith("Soon\n\n{\n")
    assert (first.duration_ms or 0) > 0
    assert first.started_at is not None
    assert (first.finished_at or first.created_at) >= first.started_at


async def test_a_webhook_is_told_the_change(automation: Automation) -> None:
    world = automation.world
    table_id = await world.table("name")
    async with target(reply(body=b'{"ok":true}')) as server:
        headers = {"Authorization": "Bearer s3cret", "Idempotency-Key": "mine"}
        told = webhook(server, headers=headers, method="PUT")
        trigger = await automation.trigger(table_id, UPDATED, **told)
        [row_id] = await world.add(table_id, {"name": "a"})
        await automation.merge(table_id, row_id, name="b")
        async with automation.worker():
            [fired] = await automation.settled(trigger)
    [request] = server.requests
    head, _, body = request.partition("\r\n\r\n")
    lines = head.lower().split("\r\n")
    assert lines[0].startswith("put / http/1.1")
    assert "authorization: bearer s3cret" in lines
    assert [line for line in lines if line.startswith("idempotency-key")] == [
        f"idempotency-key: {fired.id}"
    ]
    assert json.loads(body) == {
        "event": "row_updated",
        "tableId": str(table_id),
        "rowId": str(row_id),
        "revision": 3,
        "version": 2,
        "data": {"name": "b"},
        "previousData": {"name": "a"},
        "firingId": str(fired.id),
    }
    assert (fired.status, fired.outcome) == (SUCCEEDED, {"status": 200, "body": '{"ok":true}'})
    counted = await automation.get(trigger)
    assert counted.fire_count == 1
    assert counted.last_fired_at is not None


@pytest.mark.parametrize(
    ("status", "attempts"),
    [("500 Oops", 3), ("429 Slow", 3), ("400 Bad", 1), ("302 Found", 1), ("404 Not Found", 1)],
)
async def test_a_failure_that_may_pass_is_tried_three_times(
    automation: Automation, status: str, attempts: int
) -> None:
    """directus#13737: a request that fails with no reason shown."""
    world = automation.world
    table_id = await world.table("name")
    async with target(reply(status, b"why", "Location: /x")) as server:
        trigger = await automation.trigger(table_id, **webhook(server))
        await world.add(table_id, {"name": "a"})
        async with automation.worker():
            [fired] = await automation.settled(trigger)
    assert len(server.requests) == fired.attempt == attempts
    assert len({request.split("idempotency-key: ")[1][:36] for request in server.requests}) == 1
    code = int(status[:3])
    assert fired.status is FAILED
    assert fired.error == f"The webhook answered with status {code}"
    assert fired.outcome == {"status": code, "body": "why"}
    assert ((await automation.get(trigger)).fire_count, fired.row_id is None) == (0, False)


async def test_a_dead_endpoint_and_a_forbidden_one(automation: Automation) -> None:
    world = automation.world
    table_id = await world.table("name")
    async with target(reply()) as server:
        pass
    dead = await automation.trigger(table_id, **webhook(server))
    private = await automation.trigger(
        table_id, action=ActionType.CALL_WEBHOOK, config={"url": "http://10.0.0.1/"}
    )
    await world.add(table_id, {"name": "a"})
    async with automation.worker():
        [one] = await automation.settled(dead)
        [other] = await automation.settled(private)
    assert (one.status, one.attempt) == (FAILED, 3)
    assert one.error == "No connection could be made to the server"
    assert (other.status, other.attempt) == (FAILED, 1)
    assert other.error == "The URL leads to an address that is not public"


async def test_a_dead_endpoint_is_left_alone_for_a_while(automation: Automation) -> None:
    """300 firings for a server that only fails cost far fewer than 900 calls."""
    world = automation.world
    table_id = await world.table("name")
    async with target(reply("503 Away")) as server:
        trigger = await automation.trigger(table_id, **webhook(server))
        await world.add(table_id, *({"name": "a"} for _ in range(300)))
        async with automation.worker():
            fired = await automation.settled(trigger)
    assert {(each.status, each.attempt) for each in fired} == {(FAILED, 3)}
    assert len(server.requests) <= 50
    assert "Not sent: the last 20 calls before it failed" in {each.error for each in fired}


async def test_a_workflow_that_is_not_there_is_a_failed_firing(automation: Automation) -> None:
    world = automation.world
    table_id = await world.table("name")
    names = ("nonsense", str(ids.new_id(ids.Kind.WORKFLOW)))
    made = [
        await automation.trigger(
            table_id, action=ActionType.RUN_WORKFLOW, config={"workflowId": name}
        )
        for name in names
    ]
    await world.add(table_id, {"name": "a"})
    async with automation.worker():
        for trigger in made:
            [fired] = await automation.settled(trigger)
            assert (fired.status, fired.error, fired.attempt) == (FAILED, "Workflow not found", 1)


async def test_a_failing_trigger_does_not_disturb_others(automation: Automation) -> None:
    world = automation.world
    table_id = await world.table("name")
    bad = await automation.trigger(
        table_id, action=ActionType.RUN_WORKFLOW, config={"workflowId": "x"}
    )
    good = await automation.trigger(table_id)
    await world.add(table_id, *({"name": "a"} for _ in range(10)))
    async with automation.worker():
        assert {each.status for each in await automation.settled(bad)} == {FAILED}
        assert {each.status for each in await automation.settled(good)} == {SUCCEEDED}


async def test_more_than_the_limit_is_skipped_and_told(automation: Automation) -> None:
    world = automation.world
    table_id = await world.table("name")
    trigger = await automation.trigger(table_id, fires_per_minute=5)
    for count in (3, 4, 1):
        await world.add(table_id, *({"name": "a"} for _ in range(count)))
        await automation.relayed()
    async with automation.worker():
        fired = await automation.settled(trigger)
    assert [each.status for each in fired] == [SUCCEEDED] * 5 + [FiringStatus.SKIPPED] * 3
    assert {each.error for each in fired[5:]} == {"Over the limit of 5 firings in a minute"}
    await automation.update(trigger, fires_per_minute=None)
    await world.add(table_id, *({"name": "a"} for _ in range(10)))
    again = await firings.replay_firings(
        world.viewer, world.storage, trigger.id, {FiringStatus.SKIPPED}
    )
    assert (again.count, again.has_more) == (3, False)
    async with automation.worker():
        fired = await automation.settled(trigger)
    assert len([each for each in fired if each.status is SUCCEEDED]) == 18


async def test_a_replay_does_the_same_again(automation: Automation) -> None:
    """nocodb#6223: a retry button."""
    world = automation.world
    viewer, storage = world.viewer, world.storage
    table_id = await world.table("name")
    async with target(reply("400 Bad")) as server:
        trigger = await automation.trigger(table_id, **webhook(server))
        [row_id] = await world.add(table_id, {"name": "then"})
        async with automation.worker():
            [first] = await automation.settled(trigger)
    await automation.merge(table_id, row_id, name="now")
    async with target(reply()) as server:
        await automation.update(
            trigger, action_config={"url": server.url()}, status=TriggerStatus.PAUSED
        )
        again = await firings.replay_firing(viewer, storage, first.id)
        with pytest.raises(Conflict):
            await firings.replay_firing(viewer, storage, again.id)
        async with automation.worker():
            _, second = await automation.settled(trigger)
    assert (second.id, second.status, second.replay_of) == (again.id, SUCCEEDED, first.id)
    assert second.input == first.input
    assert (second.revision, second.row_id) == (first.revision, row_id)
    assert json.loads(server.requests[0].split("\r\n\r\n")[1])["data"] == {"name": "then"}
    assert f"idempotency-key: {second.id}" in server.requests[0].lower()
    assert (await automation.get(trigger)).fire_count == 1


async def test_all_failed_firings_are_replayed_once(automation: Automation) -> None:
    world = automation.world
    viewer, storage = world.viewer, world.storage
    table_id = await world.table("name")
    config = {"workflowId": "x"}
    trigger = await automation.trigger(table_id, action=ActionType.RUN_WORKFLOW, config=config)
    await world.add(table_id, *({"name": str(n)} for n in range(12)))
    async with automation.worker():
        first = await automation.settled(trigger)
    await automation.update(trigger, action_type=ActionType.CREATE_TASK, action_config={})
    some = await storage.firings.replay_all(
        viewer.organization_id, trigger.id, [FiringStatus.FAILED], 5
    )
    assert (some.count, some.has_more) == (5, True)
    rest = await firings.replay_firings(viewer, storage, trigger.id, {FiringStatus.FAILED})
    assert (rest.count, rest.has_more) == (7, False)
    none = await firings.replay_firings(viewer, storage, trigger.id, {FiringStatus.FAILED})
    assert none.count == 0
    async with automation.worker():
        fired = await automation.settled(trigger)
    replays = [each for each in fired if each.replay_of]
    assert [each.replay_of for each in replays] == [each.id for each in first]
    assert {each.status for each in replays} == {SUCCEEDED}
    assert len(await automation.tasks()) == 12
    for statuses in (set[FiringStatus](), {FiringStatus.QUEUED}, {SUCCEEDED, FAILED}):
        with pytest.raises(Invalid):
            await firings.replay_firings(viewer, storage, trigger.id, statuses)


async def test_a_firing_without_a_row_cannot_be_replayed(automation: Automation) -> None:
    world = automation.world
    table_id = await world.table("name")
    trigger = await automation.trigger(table_id, ADDED)
    await world.database.pool.execute(
        """UPDATE trigger SET condition = '{"column":"gone","operator":"is_empty"}'"""
        " WHERE id = $1",
        trigger.id,
    )
    await world.add(table_id, {"name": "a"})
    await automation.relayed()
    [failed] = await automation.firings(trigger)
    with pytest.raises(Conflict):
        await firings.replay_firing(world.viewer, world.storage, failed.id)
    replayed = await firings.replay_firings(world.viewer, world.storage, trigger.id, {FAILED})
    assert replayed.count == 0


async def test_a_deleted_trigger_takes_its_firings_along(automation: Automation) -> None:
    world = automation.world
    table_id = await world.table("name")
    trigger = await automation.trigger(table_id, DELETED)
    other = await automation.trigger(table_id, ADDED)
    row_ids = await world.add(table_id, *({"name": "a"} for _ in range(5)))
    for row_id in row_ids:
        await automation.remove(table_id, row_id)
    await automation.relayed()
    [first, *_] = await automation.firings(trigger)
    await automation.delete(trigger)
    left = "SELECT count(*) FROM trigger_firing WHERE trigger_id = $1"
    async with automation.worker():
        await automation.settled(other)
        await automation.until(left, trigger.id, 0)
    assert len(await automation.firings(other)) == 5
    with pytest.raises(NotFound):
        await firings.get_firing(world.viewer, world.storage, first.id)
    with pytest.raises(NotFound):
        await automation.get(trigger)
