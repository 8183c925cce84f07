"""What is left of a deleted table: nothing but its entry in the organisation's log."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from domain import tables
from persistence import deleted_tables
from tests.worlds import World, open_world


@pytest.fixture
async def world(postgres_url: str) -> AsyncIterator[World]:
    async with open_world(postgres_url) as opened:
        yield opened


async def test_data_goes_after_the_grace_time(world: World) -> None:
    table_id = await world.table("name")
    shape = await world.shape(table_id)
    await world.add(table_id, *({"name": f"row {i}"} for i in range(50)))
    await tables.delete_table(world.viewer, world.storage, table_id)

    while await deleted_tables.drop_next(world.database):
        pass
    assert await world.database.pool.fetchval("SELECT to_regclass($1)", shape.sql_name)

    while await deleted_tables.drop_next(world.database, timedelta(0)):
        pass
    assert await world.database.pool.fetchval("SELECT to_regclass($1)", shape.sql_name) is None
    for log in ("row_version", "change", "table_clock", "table_column", "table_session"):
        count = f"SELECT count(*) FROM {log} WHERE table_id = $1"
        assert await world.database.pool.fetchval(count, table_id) == 0, log
    kept = await world.database.pool.fetchval(
        "SELECT kind FROM organization_change WHERE subject_id = $1 ORDER BY revision DESC LIMIT 1",
        table_id,
    )
    assert kept == "table_deleted"
