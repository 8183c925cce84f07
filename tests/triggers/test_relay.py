"""The relay: every change fires once, whatever dies and whoever relays beside it."""

from domain.trigger_records import FiringStatus
from tests.triggers.automation import ADDED, Automation


async def test_a_bulk_of_a_thousand_rows_fires_a_thousand_times(automation: Automation) -> None:
    """nocodb#12697: a bulk fired for its first row only."""
    world = automation.world
    table_id = await world.table("name")
    trigger = await automation.trigger(table_id, ADDED)
    row_ids = await world.add(table_id, *({"name": str(number)} for number in range(1000)))
    async with automation.worker():
        fired = await automation.settled(trigger)
    assert [each.row_id for each in fired] == list(row_ids)
    assert {each.status for each in fired} == {FiringStatus.SUCCEEDED}
    assert (await automation.get(trigger)).fire_count == 1000
    made = await automation.count(
        "SELECT count(DISTINCT firing_id) FROM task WHERE organization_id = $1",
        world.viewer.organization_id,
    )
    assert made == 1000
