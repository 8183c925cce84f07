"""Many writers at once: the log stays dense, images stay right, nobody deadlocks.

Cases: hasura/graphql-engine#8632, baserow#3545."""

import asyncio
import random
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from uuid import UUID

import orjson
import pytest

from domain import column_editing, rows
from domain.changes import Cause, ChangeKind
from domain.columns import ColumnType, NewColumn
from domain.errors import Conflict
from domain.rows import RowChange, RowsUpdate
from persistence.unit_of_work import write_tables
from tests.worlds import World, open_world

HOT_ROWS = 30


@pytest.fixture(params=[16, pytest.param(32, marks=pytest.mark.long)])
def writers(request: pytest.FixtureRequest) -> int:
    """How many write at once."""
    return int(request.param)


@pytest.fixture
async def world(postgres_url: str) -> AsyncIterator[World]:
    async with open_world(postgres_url) as opened:
        yield opened


async def _counter_table(world: World) -> tuple[UUID, list[UUID]]:
    table_id = await world.table("name", NewColumn("n", "N", ColumnType.NUMBER))
    ids = await world.add(table_id, *({"name": f"row {i}", "n": 0} for i in range(HOT_ROWS)))
    return table_id, list(ids)


async def _check_log(world: World, table_id: UUID) -> int:
    """Revisions are dense, versions of a row are dense and ordered by revision, clocks agree."""
    pool = world.database.pool
    revisions = [
        record["revision"]
        for record in await pool.fetch(
            "SELECT revision FROM change WHERE table_id = $1 ORDER BY revision", table_id
        )
    ]
    clock = await pool.fetchrow("SELECT * FROM table_clock WHERE table_id = $1", table_id)
    assert clock is not None
    assert revisions == list(range(1, clock["revision"] + 1))
    holes = await pool.fetchval(
        """
        SELECT count(*) FROM (
          SELECT version, revision,
                 row_number() OVER by_version AS expected,
                 lag(revision) OVER by_version AS previous_revision,
                 updated_at, lag(updated_at) OVER by_version AS previous_at
          FROM row_version WHERE table_id = $1
          WINDOW by_version AS (PARTITION BY row_id ORDER BY version)
        ) v WHERE version <> expected OR previous_revision >= revision OR previous_at > updated_at
        """,
        table_id,
    )
    assert holes == 0
    return int(clock["revision"])


async def _check_last_images(world: World, table_id: UUID) -> None:
    """The last version of each row is the row."""
    shape = await world.shape(table_id)
    number = shape.columns_by_key["n"].sql_name
    wrong = await world.database.pool.fetchval(
        f"""
        SELECT count(*) FROM {shape.sql_name} t
        LEFT JOIN row_version v
          ON v.table_id = $1 AND v.row_id = t.id AND v.version = t.version
        WHERE (v.data->>'{number}')::numeric IS DISTINCT FROM t.{number}
        """,
        table_id,
    )
    assert wrong == 0


async def _increment(world: World, table_id: UUID, row_id: UUID) -> None:
    """Read, add one, write back with the version that was seen, until nobody was quicker."""
    while True:
        [record] = await rows.read_rows_by_id(
            world.viewer, world.storage, table_id, [row_id], lambda _: None
        )
        assert record is not None
        assert not isinstance(record, str)
        data = {"n": orjson.loads(record.values[1] or "0") + 1}
        try:
            change = RowChange(row_id, data, record.version)
            await rows.update_rows(
                world.viewer, world.storage, RowsUpdate(table_id, [change], "merge")
            )
            return
        except Conflict:
            continue


async def test_hot_rows_lose_no_update(world: World, writers: int) -> None:
    table_id, ids = await _counter_table(world)
    chance = random.Random(7)

    async def writer() -> None:
        for _ in range(8):
            await _increment(world, table_id, chance.choice(ids))

    await asyncio.gather(*(writer() for _ in range(writers)))

    await _check_log(world, table_id)
    await _check_last_images(world, table_id)
    shape = await world.shape(table_id)
    name = shape.columns_by_key["n"].sql_name
    total = await world.database.pool.fetchval(f"SELECT sum({name}) FROM {shape.sql_name}")
    assert total == writers * 8


async def test_every_shape_of_write_at_once(world: World, writers: int) -> None:
    table_id, ids = await _counter_table(world)
    chance = random.Random(11)

    async def merging() -> None:
        for turn in range(10):
            some = chance.sample(ids, 5)
            changes = [RowChange(row_id, {"n": turn}) for row_id in some]
            command = RowsUpdate(table_id, changes, "merge")
            await rows.update_rows(world.viewer, world.storage, command)

    async def replacing() -> None:
        for turn in range(10):
            some = chance.sample(ids, 5)
            changes = [RowChange(row_id, {"name": "new", "n": turn}) for row_id in some]
            command = RowsUpdate(table_id, changes, "replace")
            await rows.update_rows(world.viewer, world.storage, command)

    async def adding() -> None:
        for turn in range(10):
            added = await world.add(table_id, {"n": turn}, {"n": turn})
            await rows.delete_rows(world.viewer, world.storage, table_id, added[:1])

    shapes = [merging, replacing, adding, adding]
    await asyncio.gather(*(shapes[number % 4]() for number in range(writers)))

    revision = await _check_log(world, table_id)
    assert revision == 2 + writers // 4 * 10 * 2 + writers // 2 * 10 * 2
    await _check_last_images(world, table_id)
    table = await world.storage.tables.get(world.viewer.organization_id, table_id)
    assert table is not None
    assert table.row_count == HOT_ROWS + writers // 2 * 10


async def test_two_tables_in_opposite_orders(world: World, writers: int) -> None:
    first, _ = await _counter_table(world)
    second, _ = await _counter_table(world)
    shapes = [await world.shape(first), await world.shape(second)]

    async def writer(number: int) -> None:
        given = shapes if number % 2 else shapes[::-1]
        for _ in range(10):
            async with write_tables(
                world.database.pool, given, "test", Cause(), lambda *_: None
            ) as writes:
                for shape in given:
                    await writes[shape.id].connection.execute(
                        f"UPDATE {shape.sql_name} SET created_by = 'x' WHERE position = 0"
                    )
                    await writes[shape.id].log(ChangeKind.ROWS_CHANGED)

    await asyncio.gather(*(writer(number) for number in range(writers)))

    assert await _check_log(world, first) == 2 + writers * 10
    assert await _check_log(world, second) == 2 + writers * 10


async def test_columns_are_added_under_writers_and_an_open_reader(
    world: World, writers: int
) -> None:
    """Without a lock timeout one open reader and an ALTER made everybody wait for seconds."""
    table_id, ids = await _counter_table(world)
    shape = await world.shape(table_id)
    done = asyncio.Event()
    slowest = 0.0
    writes = 0

    async def writer(number: int) -> None:
        nonlocal slowest, writes
        while not done.is_set():
            started = time.monotonic()
            if number % 2:
                await world.add(table_id, {"n": number})
            else:
                change = RowChange(ids[number % HOT_ROWS], {"n": number})
                command = RowsUpdate(table_id, [change], "merge")
                await rows.update_rows(world.viewer, world.storage, command)
            slowest = max(slowest, time.monotonic() - started)
            writes += 1

    async def reader() -> None:
        """Holds a transaction open most of the time, as a long report would."""
        async with world.database.pool.acquire() as connection:
            while not done.is_set():
                async with connection.transaction(isolation="repeatable_read"):
                    await connection.fetchval(f"SELECT count(*) FROM {shape.sql_name}")
                    with suppress(TimeoutError):
                        await asyncio.wait_for(done.wait(), 0.1)

    running = [asyncio.create_task(writer(number)) for number in range(writers)]
    running.append(asyncio.create_task(reader()))
    try:
        for number in range(6 if writers < 32 else 20):
            new = NewColumn(f"added_{number}", "Added", ColumnType.NUMBER)
            await column_editing.add_column(world.viewer, world.storage, table_id, new)
    finally:
        done.set()
        await asyncio.gather(*running)

    await _check_log(world, table_id)
    await _check_last_images(world, table_id)
    print(f"{writes} writes, the slowest took {slowest * 1000:.0f} ms")
