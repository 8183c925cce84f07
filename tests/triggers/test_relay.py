"""The relay: every change fires once, whatever dies and whoever relays beside it."""

import asyncio
from uuid import UUID

import asyncpg
import pytest

from domain import tables
from domain.changes import MAX_DEPTH, Cause, CauseKind
from domain.rows import NewRow, RowsAdd, add_rows, delete_rows
from domain.trigger_records import FiringStatus, Trigger, TriggerStatus
from persistence.relay import Relay
from persistence.shapes import Shapes
from persistence.trigger_relay import TriggerRelay
from processing.relay import relay
from realtime.bus import open_bus
from realtime.log import Topic
from tests.triggers.automation import ADDED, DELETED, UPDATED, Automation


async def test_a_bulk_of_a_thousand_rows_fires_a_thousand_times(automation: Automation) -> None:
    """nocodb#12697: a bulk fired for its first row only; nocodb#6068: others fired twice."""
    world = automation.world
    table_id = await world.table("name")
    trigger = await automation.trigger(table_id, ADDED)
    row_ids = await world.add(table_id, *({"name": str(number)} for number in range(1000)))
    async with automation.worker():
        fired = await automation.settled(trigger)
    assert [each.row_id for each in fired] == list(row_ids)
    assert [each.input["data"]["name"] for each in fired] == [str(n) for n in range(1000)]
    assert {(each.status, each.attempt) for each in fired} == {(FiringStatus.SUCCEEDED, 1)}
    assert (await automation.get(trigger)).fire_count == 1000
    made = await automation.count(
        "SELECT count(DISTINCT firing_id) FROM task WHERE organization_id = $1",
        world.viewer.organization_id,
    )
    assert made == 1000


async def test_each_event_fires_its_triggers_with_the_row_of_the_change(
    automation: Automation,
) -> None:
    """nocodb#10281: a payload older than the change; nocodb#11024: an insert full of nulls."""
    world = automation.world
    table_id = await world.table("name", "more")
    made = {event: await automation.trigger(table_id, event) for event in (ADDED, UPDATED, DELETED)}
    [row_id] = await world.add(table_id, {"name": "a", "more": "x"})
    for name in ("b", "c"):
        await automation.merge(table_id, row_id, name=name)
    await delete_rows(world.viewer, world.storage, table_id, [row_id])
    # Only now the relay looks, and each firing still shows the row as its change left it.
    await automation.relayed()
    common = {"tableId": str(table_id), "rowId": str(row_id)}
    row = {"name": "a", "more": "x"}
    [added] = await automation.firings(made[ADDED])
    assert added.input == common | {
        "event": "row_added",
        "revision": added.revision,
        "version": 1,
        "data": row,
    }
    first, second = await automation.firings(made[UPDATED])
    assert second.input == common | {
        "event": "row_updated",
        "revision": first.revision + 1,
        "version": 3,
        "data": row | {"name": "c"},
        "previousData": row | {"name": "b"},
    }
    assert first.input["previousData"] == row
    [deleted] = await automation.firings(made[DELETED])
    assert deleted.input == common | {
        "event": "row_deleted",
        "revision": second.revision + 1,
        "version": 4,
        "data": row | {"name": "c"},
    }


async def test_a_new_trigger_does_not_fire_for_what_was_before(automation: Automation) -> None:
    """Baserow #3811."""
    world = automation.world
    table_id = await world.table("name")
    await world.add(table_id, {"name": "before"})
    first = await automation.trigger(table_id)
    await world.add(table_id, {"name": "between"})
    second = await automation.trigger(table_id)
    await world.add(table_id, {"name": "after"})
    await automation.relayed()
    assert await _names(automation, first) == ["between", "after"]
    assert await _names(automation, second) == ["after"]


async def test_what_happens_in_a_pause_never_fires(automation: Automation) -> None:
    world = automation.world
    table_id = await world.table("name")
    trigger = await automation.trigger(table_id)
    await world.add(table_id, {"name": "before"})
    await automation.relayed()
    await automation.update(trigger, status=TriggerStatus.PAUSED)
    await world.add(table_id, {"name": "in the pause, seen in it"})
    await automation.relayed()
    await world.add(table_id, {"name": "in the pause, seen after it"})
    await automation.update(trigger, status=TriggerStatus.ACTIVE)
    await world.add(table_id, {"name": "after"})
    await automation.relayed()
    assert await _names(automation, trigger) == ["before", "after"]


async def test_resuming_an_active_trigger_loses_nothing(automation: Automation) -> None:
    world = automation.world
    table_id = await world.table("name")
    trigger = await automation.trigger(table_id)
    await world.add(table_id, {"name": "a"})
    await automation.update(trigger, status=TriggerStatus.ACTIVE, name="Other")
    await automation.relayed()
    assert await _names(automation, trigger) == ["a"]


async def test_a_pause_stops_firings_that_wait(automation: Automation) -> None:
    world = automation.world
    table_id = await world.table("name")
    trigger = await automation.trigger(table_id)
    await world.add(table_id, {"name": "a"})
    await automation.relayed()
    await automation.update(trigger, status=TriggerStatus.PAUSED)
    async with automation.worker():
        [fired] = await automation.settled(trigger)
    assert (fired.status, fired.error) == (
        FiringStatus.SKIPPED,
        "The trigger was paused before the turn of this firing",
    )
    assert (await automation.get(trigger)).fire_count == 0
    assert await automation.tasks() == []


async def test_a_writer_may_say_that_nothing_fires(automation: Automation) -> None:
    """Baserow #3085. The wish stays in the log."""
    world = automation.world
    table_id = await world.table("name")
    trigger = await automation.trigger(table_id)
    await _add(automation, table_id, Cause(CauseKind.IMPORT, "x", skip_triggers=True))
    await world.add(table_id, {"name": "loud"})
    await automation.relayed()
    assert await _names(automation, trigger) == ["loud"]
    causes = await world.database.pool.fetch(
        "SELECT cause->>'triggers' AS t FROM change WHERE table_id = $1 ORDER BY revision", table_id
    )
    assert [each["t"] for each in causes] == [None, "skip", None]


async def test_what_lies_too_deep_does_not_fire(automation: Automation) -> None:
    table_id = await automation.world.table("name")
    trigger = await automation.trigger(table_id)
    for depth in range(MAX_DEPTH + 2):
        await _add(automation, table_id, Cause(CauseKind.WORKFLOW, "x", depth))
    await automation.relayed()
    assert [each.depth for each in await automation.firings(trigger)] == list(range(MAX_DEPTH))


async def test_several_relays_at_once_fire_once(automation: Automation) -> None:
    world = automation.world
    triggers = []
    for number in range(6):
        table_id = await world.table("name")
        triggers.append(await automation.trigger(table_id, name=str(number)))

    async def write(table_id: UUID) -> None:
        for _ in range(10):
            await world.add(table_id, *({"name": "x"} for _ in range(20)))

    async def look() -> None:
        relay = _relay(automation, 50)
        while await automation.count(
            "SELECT count(*) FROM relay_cursor JOIN table_clock USING (table_id)"
            " WHERE relay_cursor.organization_id = $1 AND (table_clock.revision < 11"
            " OR table_clock.revision > relay_cursor.revision)",
            world.viewer.organization_id,
        ):
            await relay.step()

    async with asyncio.TaskGroup() as group:
        for trigger in triggers:
            group.create_task(write(trigger.table_id))
        for _ in range(4):
            group.create_task(look())
    for trigger in triggers:
        fired = await automation.firings(trigger)
        assert [each.revision for each in fired] == sorted(list(range(2, 12)) * 20)
        assert len({each.row_id for each in fired}) == 200


@pytest.mark.parametrize("rows_at_once", [1, 7, 30, 1000])
async def test_large_changes_are_taken_in_parts(automation: Automation, rows_at_once: int) -> None:
    world = automation.world
    table_id = await world.table("name")
    trigger = await automation.trigger(table_id)
    shape = await world.shape(table_id)
    rows = [NewRow({"name": str(number)}) for number in range(60)]
    row_ids = (await add_rows(world.viewer, world.storage, RowsAdd(table_id, rows))).row_ids
    await delete_rows(world.viewer, world.storage, table_id, row_ids[:40])
    again = await world.add(table_id, {"name": "last"})
    relay = _relay(automation, rows_at_once)
    steps = 0
    while (await relay.step()).more:
        steps += 1
    fired = await automation.firings(trigger)
    assert sorted(each.row_id or shape.id for each in fired) == sorted([*row_ids, *again])
    assert steps == 1 if rows_at_once == 1000 else steps > 3


async def test_a_step_that_fails_leaves_everything_as_it_was(automation: Automation) -> None:
    """The cursor, the firings and their jobs move together or not at all."""
    world = automation.world
    table_id = await world.table("name")
    trigger = await automation.trigger(table_id)
    await world.add(table_id, {"name": "a"})
    pool = world.database.pool
    for table, check in (("relay_cursor", "revision = 1"), ("pgqueuer", "false")):
        await pool.execute(f"ALTER TABLE {table} ADD CONSTRAINT broken CHECK ({check}) NOT VALID")
        try:
            step = await world.storage.relay.step()
        finally:
            await pool.execute(f"ALTER TABLE {table} DROP CONSTRAINT broken")
        assert (step.cursors, step.made, step.more) == (0, 0, False)
        assert await automation.firings(trigger) == []
    await automation.relayed()
    assert len(await automation.firings(trigger)) == 1


async def test_a_step_that_takes_too_long_is_followed_by_smaller_ones(
    automation: Automation,
) -> None:
    world = automation.world
    table_id = await world.table("name")
    trigger = await automation.trigger(table_id)
    await world.add(table_id, *({"name": "a"} for _ in range(400)))
    relay = _relay(automation, 400)
    holder = await asyncpg.connect(automation.url)
    try:
        async with holder.transaction():
            await holder.execute("LOCK TABLE trigger_firing IN SHARE MODE")
            # Five seconds are over.
            with pytest.raises(asyncpg.InterfaceError):
                await relay.step()
    finally:
        await holder.close()
    steps = [(await relay.step()).made for _ in range(4)]
    assert steps == [100, 126, 158, 16]
    assert len({each.row_id for each in await automation.firings(trigger)}) == 400


async def test_a_table_that_cannot_be_relayed_does_not_hold_up_others(
    automation: Automation,
) -> None:
    world = automation.world
    broken, whole = await world.table("name"), await world.table("name")
    first = await automation.trigger(broken)
    second = await automation.trigger(whole)
    await world.add(broken, {"name": "a"})
    await world.add(whole, {"name": "a"})
    pool = world.database.pool
    await pool.execute(
        f"ALTER TABLE relay_cursor ADD CONSTRAINT broken CHECK (table_id <> '{broken}'"
        " OR revision = 1) NOT VALID"
    )
    try:
        await automation.relayed()
        assert len(await automation.firings(second)) == 1
        assert await automation.firings(first) == []
    finally:
        await pool.execute("ALTER TABLE relay_cursor DROP CONSTRAINT broken")
    await automation.relayed()
    assert len(await automation.firings(first)) == 1


async def test_a_table_that_is_written_all_the_time_does_not_starve_others(
    automation: Automation,
) -> None:
    world = automation.world
    busy, quiet = await world.table("name"), await world.table("name")
    first = await automation.trigger(busy)
    second = await automation.trigger(quiet)
    relay = _relay(automation, 1)
    await world.add(quiet, {"name": "q"})
    for _ in range(3):
        await world.add(busy, *({"name": "b"} for _ in range(1000)))
        await relay.step()
    assert len(await automation.firings(second)) == 1
    assert len(await automation.firings(first)) < 3000


async def test_a_wake_up_is_enough(automation: Automation, redis_url: str) -> None:
    """The look at all tables comes in an hour only."""
    world = automation.world
    table_id = await world.table("name")
    trigger = await automation.trigger(table_id)
    stopping = asyncio.Event()
    bus = open_bus(redis_url)
    await bus.connect()
    running = asyncio.create_task(relay(world.storage.relay, bus, stopping, every=3600))
    try:
        await world.add(table_id, {"name": "a"})
        async with asyncio.timeout(30):
            while not await automation.firings(trigger):
                await bus.publish(Topic("table", table_id).channel, "2")
    finally:
        stopping.set()
        await running
        await bus.disconnect()


async def test_triggers_die_with_their_table(automation: Automation) -> None:
    world = automation.world
    table_id = await world.table("name")
    trigger = await automation.trigger(table_id)
    await world.add(table_id, {"name": "a"})
    await tables.delete_table(world.viewer, world.storage, table_id)
    await automation.relayed()
    left = "SELECT count(*) FROM trigger_firing WHERE trigger_id = $1"
    assert await automation.count(left, trigger.id) == 0


async def test_a_table_without_triggers_costs_the_relay_nothing(automation: Automation) -> None:
    world = automation.world
    table_id = await world.table("name")
    await world.add(table_id, {"name": "a"})
    assert table_id not in await world.storage.relay.followed()
    trigger = await automation.trigger(table_id)
    assert table_id in await world.storage.relay.followed()
    await automation.delete(trigger)
    assert table_id not in await world.storage.relay.followed()


def _relay(automation: Automation, rows_at_once: int) -> Relay:
    database = automation.world.database
    return Relay(database, [TriggerRelay(Shapes(database))], lambda *_: None, rows_at_once)


async def _names(automation: Automation, trigger: Trigger) -> list[str]:
    return [each.input["data"]["name"] for each in await automation.firings(trigger)]


async def _add(automation: Automation, table_id: UUID, cause: Cause) -> None:
    """One row by somebody with this cause."""
    world = automation.world
    shape = await world.shape(table_id)
    row = automation.prepared(shape)
    await world.storage.rows.insert(shape, "x", cause, shape.first_session_id, [row])
