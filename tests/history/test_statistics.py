"""Tables that PostgreSQL has no statistics of yet: what was made a moment ago."""

from uuid import UUID

from domain import history, rollbacks
from domain.history_records import AsOf
from domain.rollbacks import RowsRollback
from tests.worlds import World

THOUSANDS = 9
LOGS = ("row_version", "change", "cell_change", "cell_state")


async def _add_thousands(world: World, count: int) -> UUID:
    table_id = await world.table("name")
    for _ in range(count):
        await world.add(table_id, *({"name": str(n)} for n in range(1_000)))
    return table_id


async def test_a_table_unknown_to_statistics_is_not_taken_for_empty(world: World) -> None:
    await _add_thousands(world, THOUSANDS)
    pool = world.database.pool
    for log in LOGS:
        await pool.execute(f"ANALYZE {log}")
    known = "SELECT tablename FROM pg_stats WHERE attname = 'table_id' AND tablename = ANY($1)"
    assert await pool.fetch(known, list(LOGS)) == []


async def test_what_was_added_a_moment_ago_is_read_and_undone(world: World) -> None:
    # With statistics of other tables only, this ran into the five seconds of a transaction.
    await _add_thousands(world, THOUSANDS)
    await world.database.pool.execute("ANALYZE row_version, change")
    table_id = await _add_thousands(world, THOUSANDS)
    end = AsOf(THOUSANDS + 1)
    page = await history.diff_rows(
        world.viewer, world.storage, table_id, AsOf(THOUSANDS), end, 500, None
    )
    assert len(page.rows) == 500
    outcome = await rollbacks.roll_back_rows(world.viewer, world.storage, RowsRollback(table_id, 1))
    assert outcome.done is not None
    assert outcome.done.rows_deleted == THOUSANDS * 1_000
