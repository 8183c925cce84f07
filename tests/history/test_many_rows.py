"""Rollbacks of many rows as jobs, beside other writers, and what they cost in statements."""

import asyncio
import random
from contextlib import AsyncExitStack
from typing import Any
from uuid import UUID

import pytest

from domain import column_editing, rollbacks, rows
from domain.columns import ColumnType, NewColumn
from domain.errors import Conflict
from domain.rollback_records import RollbackKind, RollbackStatus, Undo
from domain.rollbacks import RowsRollback
from domain.rows import RowChange, RowsUpdate
from persistence import rollbacks as stored
from persistence.jobs import TryAgain
from processing.rollbacks import run_rollback
from tests.gql.test_statements import DRIVERS_OWN
from tests.history.running import queued
from tests.history.test_rollbacks import check_log
from tests.worlds import World

WRITERS = 32


async def _count(world: World, table_id: UUID) -> int:
    table = await world.storage.tables.get(world.viewer.organization_id, table_id)
    assert table is not None
    return table.row_count


async def _merge(world: World, table_id: UUID, row_ids: Any, **data: Any) -> None:
    changes = [RowChange(row_id, data) for row_id in row_ids]
    await rows.update_rows(world.viewer, world.storage, RowsUpdate(table_id, changes, "merge"))


async def test_more_rows_than_one_transaction_become_a_job(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rollbacks, "INLINE_ROWS", 50)
    monkeypatch.setattr(stored, "CHUNK_ROWS", 20)
    table_id = await world.table("name", NewColumn("n", "N", ColumnType.NUMBER))
    row_ids = list(await world.add(table_id, *({"n": n} for n in range(60))))
    await _merge(world, table_id, row_ids[:30], name="changed")
    await rows.delete_rows(world.viewer, world.storage, table_id, row_ids[50:])
    await world.add(table_id, {"n": 60})
    outcome = await rollbacks.roll_back_rows(world.viewer, world.storage, RowsRollback(table_id, 2))
    assert outcome.done is not None  # 41 rows were touched
    assert (outcome.done.rows_changed, outcome.done.rows_restored) == (30, 10)
    assert outcome.done.rows_deleted == 1
    await check_log(world, table_id)

    command = RowsRollback(table_id, 1)
    outcome = await rollbacks.roll_back_rows(world.viewer, world.storage, command)
    assert outcome.run is not None
    assert (outcome.run.rows_total, outcome.run.status) == (61, RollbackStatus.QUEUED)
    await _merge(world, table_id, row_ids[:1], n=77)  # after it was asked for
    stopping = asyncio.Event()
    stopping.set()
    with pytest.raises(TryAgain):
        await run_rollback(world.storage, outcome.run.id, stopping)
    await run_rollback(world.storage, outcome.run.id, asyncio.Event())
    run = await rollbacks.get_rollback(world.viewer, world.storage, outcome.run.id)
    assert (run.status, run.rows_seen, run.rows_deleted) == (RollbackStatus.COMPLETED, 61, 59)
    assert run.conflict_count == 1
    [conflict] = await rollbacks.rollback_conflicts(world.viewer, world.storage, run.id, None, 10)
    assert conflict.row_id == row_ids[0]
    assert await _count(world, table_id) == 1
    await run_rollback(world.storage, run.id, asyncio.Event())  # a job may come twice
    await check_log(world, table_id)


async def test_two_workers_do_not_do_it_twice(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stored, "CHUNK_ROWS", 5)
    table_id = await world.table("name")
    row_ids = await world.add(table_id, *({"name": str(n)} for n in range(40)))
    await _merge(world, table_id, row_ids, name="x")
    run = await queued(world, table_id, Undo(RollbackKind.REVISION, 2, 3))
    await asyncio.gather(*(run_rollback(world.storage, run.id, asyncio.Event()) for _ in range(4)))
    done = await rollbacks.get_rollback(world.viewer, world.storage, run.id)
    assert (done.status, done.rows_changed) == (RollbackStatus.COMPLETED, 40)
    versions = await world.database.pool.fetchval(
        "SELECT max(version) FROM row_version WHERE table_id = $1", table_id
    )
    assert versions == 3
    await check_log(world, table_id)


async def test_a_rollback_of_a_deleted_table_ends(world: World) -> None:
    table_id = await world.table("name")
    run = await queued(world, table_id)
    await world.storage.tables.delete(world.viewer.organization_id, "test", table_id)
    await run_rollback(world.storage, run.id, asyncio.Event())
    done = await rollbacks.get_rollback(world.viewer, world.storage, run.id)
    assert (done.status, done.error) == (RollbackStatus.FAILED, "Table not found")


async def test_rollbacks_beside_other_writers(world: World) -> None:
    """No deadlock, no hole, and every row is what its last version says."""
    table_id = await world.table("name", NewColumn("n", "N", ColumnType.NUMBER))
    row_ids = list(await world.add(table_id, *({"n": n} for n in range(20))))
    chance = random.Random(3)
    viewer, storage = world.viewer, world.storage

    async def back(number: int) -> None:
        match number % 4:
            case 0:
                await rollbacks.roll_back_rows(viewer, storage, RowsRollback(table_id, 2))
            case 1:
                await rollbacks.roll_back_row(viewer, storage, chance.choice(row_ids), 1)
            case 2:
                try:
                    await rollbacks.roll_back_cell(viewer, storage, row_ids[number % 20], "n", 1)
                except Conflict:
                    return
            case _:
                await rows.delete_rows(viewer, storage, table_id, chance.sample(row_ids, 3))

    async def forward(number: int) -> None:
        await world.add(table_id, {"n": number})
        if number == 0:  # once: writer 0 in its first turn
            new = NewColumn("late", "Late", ColumnType.TEXT)
            await column_editing.add_column(viewer, storage, table_id, new)

    async def writer(number: int) -> None:
        for turn in range(4):
            await (back(number + turn) if number % 2 else forward(number + turn))

    await asyncio.gather(*(writer(number) for number in range(WRITERS)))
    await check_log(world, table_id)
    count = await world.database.pool.fetchval(
        f"SELECT count(*) FROM {(await world.shape(table_id)).sql_name}"
    )
    assert await _count(world, table_id) == count


async def test_statements_do_not_grow_with_the_rows(world: World) -> None:
    pool = world.database.pool
    sent: list[str] = []
    async with AsyncExitStack() as stack:
        for _ in range(pool.get_max_size()):
            connection = await stack.enter_async_context(pool.acquire())
            connection.add_query_logger(lambda query: sent.append(query.query))
    counts = []
    for size in (3, 60):
        table_id = await world.table("name")
        row_ids = list(await world.add(table_id, *({"name": "a"} for _ in range(size))))
        await _merge(world, table_id, row_ids, name="b")
        await rows.delete_rows(world.viewer, world.storage, table_id, row_ids[: size // 3])
        await world.add(table_id, {"name": "new"})
        await world.shape(table_id)
        sent.clear()
        outcome = await rollbacks.roll_back_rows(
            world.viewer, world.storage, RowsRollback(table_id, 2)
        )
        assert outcome.done is not None
        assert outcome.done.seen == size + 1
        counts.append(len([text for text in sent if not any(word in text for word in DRIVERS_OWN)]))
    # Two looks before, the transaction with its lock and plan, and what three entries need.
    assert counts[0] == counts[1] <= 16
