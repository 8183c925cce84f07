"""What a claim guarantees when answers are lost and when a repeat takes a slow request's place."""

import asyncio
from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import pytest

from domain.columns import ColumnType, NewColumn
from domain.errors import Conflict
from domain.idempotency import WORKING_SECONDS, Answer, KeyedRequest, once
from persistence.idempotency import Idempotency
from tests.worlds import World, open_world


@pytest.fixture
async def world(postgres_url: str) -> AsyncIterator[World]:
    async with open_world(postgres_url) as opened:
        yield opened


def _request(world: World, digest: str = "d") -> KeyedRequest:
    return KeyedRequest(world.viewer.organization_id, "someone", str(uuid4()), digest)


async def _count(world: World, table_id: UUID) -> int:
    table = await world.storage.tables.get(world.viewer.organization_id, table_id)
    assert table is not None
    return table.row_count


async def test_a_lost_answer_is_told_and_nothing_is_written_again(world: World) -> None:
    table_id, request = await world.table("a"), _request(world)

    async def lost() -> Answer:
        await world.add(table_id, {"a": "x"})
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        await once(world.storage.idempotency, request, lost)
    with pytest.raises(Conflict, match="was carried out"):
        await once(world.storage.idempotency, request, lost)
    assert await _count(world, table_id) == 1


async def test_what_is_rolled_back_is_not_marked(world: World) -> None:
    table_id, request = await world.table("a"), _request(world)

    async def fails() -> Answer:
        async with world.database.transaction():
            raise ConnectionResetError

    async def works() -> Answer:
        await world.add(table_id, {"a": "x"})
        return Answer("done")

    with pytest.raises(ConnectionResetError):
        await once(world.storage.idempotency, request, fails)
    assert await once(world.storage.idempotency, request, works) == Answer("done")
    assert await once(world.storage.idempotency, request, works) == Answer("done", replayed=True)
    assert await _count(world, table_id) == 1


@pytest.mark.parametrize("kind", ["rows", "columns"])
async def test_who_was_replaced_writes_nothing(world: World, kind: str) -> None:
    table_id, request = await world.table("a"), _request(world)
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def write() -> None:
        if kind == "rows":
            await world.add(table_id, {"a": "x"})
        else:
            await world.table(NewColumn("made", "Made", ColumnType.TEXT))

    async def slow() -> Answer:
        begun.set()
        await go_on.wait()
        await write()
        return Answer("slow")

    async def quick() -> Answer:
        await world.add(table_id, {"a": "quick"})
        return Answer("quick")

    first = asyncio.create_task(once(world.storage.idempotency, request, slow))
    await begun.wait()
    with pytest.raises(Conflict, match="try again"):
        await once(world.storage.idempotency, request, quick)
    await world.database.pool.execute(
        f"UPDATE idempotency SET created_at = created_at - interval '{WORKING_SECONDS + 1} seconds'"
    )
    assert await once(world.storage.idempotency, request, quick) == Answer("quick")
    go_on.set()
    with pytest.raises(Conflict, match="took its place"):
        await first
    assert await _count(world, table_id) == 1
    assert (await once(world.storage.idempotency, request, slow)).body == "quick"


async def test_old_answers_are_forgotten(world: World) -> None:
    table_id, request = await world.table("a"), _request(world)

    async def works() -> Answer:
        await world.add(table_id, {"a": "x"})
        return Answer("done")

    await once(world.storage.idempotency, request, works)
    store = Idempotency(world.database.pool)
    await store.forget()
    assert (await once(world.storage.idempotency, request, works)).replayed
    await world.database.pool.execute(
        "UPDATE idempotency SET created_at = created_at - interval '25 hours'"
    )
    await store.forget()
    assert await world.database.pool.fetchval("SELECT count(*) FROM idempotency") == 0
