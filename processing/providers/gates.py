"""When a provider asks for a rest, all calls of the process to it rest."""

import asyncio
from time import monotonic

from domain.tool_ports import TryLater

#: Longer rests are not waited for: the worker does something else meanwhile.
LONGEST_REST = 20.0

_FIRST_REST = 1.0
_MOST_REST = 60.0


class Gate:
    """For one provider of one organisation: how many calls at a time, and from when on."""

    def __init__(self, concurrency: int) -> None:
        self.slots = asyncio.Semaphore(concurrency)
        self._closed_until = 0.0
        self._refusals = 0

    async def opened(self) -> None:
        """Wait until calls may be made. Raises `TryLater` when that is too long to wait for."""
        while (left := self._closed_until - monotonic()) > 0:
            if left > LONGEST_REST:
                raise TryLater("the provider asks for a rest", left)
            await asyncio.sleep(left)

    def close(self, seconds: float | None) -> float:
        """Let no call through for so long, or, when nobody says how long, longer each time. How
        long that is. Calls that are refused together make one rest."""
        now = monotonic()
        if self._closed_until <= now:
            self._refusals += 1
        if seconds is None:
            seconds = min(_FIRST_REST * 2 ** (self._refusals - 1), _MOST_REST)
        self._closed_until = max(self._closed_until, now + seconds)
        return self._closed_until - now

    def succeeded(self) -> None:
        """A call went through."""
        self._refusals = 0
