"""A connection that is lost while more is sent than its server takes."""

import asyncio
from io import BytesIO

from persistence.claims import writing
from persistence.engine import Database
from persistence.jobs import out_of_reach
from tests.waiting import eventually

_WAITS = "SELECT pid FROM pg_locks WHERE NOT granted AND relation = 'copied'::regclass"
_LINE = b"x" * 1_000 + b"\n"


async def test_a_copy_ends_with_its_connection(postgres_url: str) -> None:
    async with Database.connect(postgres_url, pool_size=3) as database:
        pool = database.pool
        await pool.execute("CREATE TABLE copied (line text)")

        async def copy() -> None:
            async with writing(pool) as connection:
                await connection.copy_to_table("copied", source=BytesIO(_LINE * 20_000))

        async def waits() -> bool:
            return await pool.fetchval(_WAITS) is not None

        async with pool.acquire() as other, other.transaction():
            await other.execute("LOCK TABLE copied IN ACCESS EXCLUSIVE MODE")
            copying = asyncio.create_task(copy())
            await eventually(waits)
            await other.execute(f"SELECT pg_terminate_backend(pid) FROM ({_WAITS}) AS waiting")
            await asyncio.wait([copying], timeout=30)
        assert copying.done()
        error = copying.exception()
        assert error is not None
        assert out_of_reach(error)
