"""Waiting for what other processes and tasks do, where nothing tells that it is done."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

#: Between two looks: those who are waited for need the processor.
_PAUSE = 0.01


async def eventually(condition: Callable[[], Awaitable[bool]], seconds: float = 60) -> None:
    """Return as soon as the condition holds. Raises `TimeoutError`."""
    async with asyncio.timeout(seconds):
        while not await condition():
            await between_looks()


async def between_looks() -> None:
    """Let others go on before the next look."""
    with suppress(TimeoutError):
        async with asyncio.timeout(_PAUSE):
            await asyncio.Event().wait()
