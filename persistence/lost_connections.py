"""Work that ends when its connection does.

asyncpg wakes whoever waits for an answer of a connection that is lost, but not whoever waits for
room to send: a COPY whose server died while the socket was full waited for ever, and its worker
with it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from persistence.engine import Connection


@asynccontextmanager
async def ended_with(connection: "Connection") -> AsyncIterator[None]:
    """Ends what is inside with `TimeoutError` when the connection is lost."""
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(None) as patience:

        def end(_: object) -> None:
            patience.reschedule(loop.time())

        connection.add_termination_listener(end)
        try:
            yield
        finally:
            connection.remove_termination_listener(end)
