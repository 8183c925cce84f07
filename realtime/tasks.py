"""Ending background tasks for certain."""

import asyncio
from collections.abc import Collection

PATIENCE_SECONDS = 0.1


async def end_all(tasks: Collection[asyncio.Task[None]]) -> None:
    """Cancel the tasks and wait until they are over; what they raise is dropped.

    Asks more than once: a cancellation that arrives in the middle of a command is sometimes
    swallowed by the client library below, and its task would go on as if nothing had happened.
    """
    pending = {task for task in tasks if not task.done()}
    while pending:
        for task in pending:
            task.cancel()
        _, pending = await asyncio.wait(pending, timeout=PATIENCE_SECONDS)
    await asyncio.gather(*tasks, return_exceptions=True)
