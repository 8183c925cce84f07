"""Nothing of a rollback outlives its table."""

from datetime import timedelta
from uuid import uuid4

from domain import tables
from persistence import deleted_tables
from tests.history.running import queued
from tests.worlds import World


async def test_rollbacks_go_with_their_table(world: World) -> None:
    pool = world.database.pool
    gone, kept = await world.table("a"), await world.table("a")
    for table_id in (gone, kept):
        run = await queued(world, table_id)
        await pool.execute(
            "INSERT INTO rollback_conflict (run_id, row_id, revision, actor, reason)"
            " VALUES ($1, $2, 1, 'x', 'changed')",
            run.id,
            uuid4(),
        )
    await tables.delete_table(world.viewer, world.storage, gone)
    while await deleted_tables.drop_next(world.database, timedelta(0)):
        pass
    runs = await pool.fetch(
        "SELECT table_id FROM rollback_run r JOIN rollback_conflict c ON c.run_id = r.id"
        " WHERE table_id = ANY($1)",
        [gone, kept],
    )
    assert [run["table_id"] for run in runs] == [kept]
    left = "SELECT count(*) FROM rollback_run WHERE table_id = $1"
    assert await pool.fetchval(left, gone) == 0
