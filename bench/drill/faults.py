"""What is done to the processes, in which order, and how long each needed to come back."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from bench.drill.site import WEBS, Site
from bench.drill.subscribers import Subscriber


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that was done. `at` is in seconds from the start of the drill; `back` is how long
    it took until the process was ready again, None where nothing was away."""

    at: float
    what: str
    back: float | None


class Faults:
    """Does things and writes them down."""

    def __init__(self, site: Site, subscribers: Sequence[Subscriber], begun: float) -> None:
        self.done: list[Fault] = []
        self._site = site
        self._subscribers = subscribers
        self._begun = begun
        self._chance = random.Random(2013)

    async def round(self, pause: float) -> None:
        """Every process once, in a new order each time, and the connections between them."""
        acts: list[Callable[[], Awaitable[None]]] = [
            lambda: self._kill("web A"),
            lambda: self._kill("web B"),
            lambda: self._kill("worker"),
            lambda: self._kill("postgres"),
            lambda: self._kill("valkey"),
            self._cut_listeners,
            self._cut_clients,
        ]
        self._chance.shuffle(acts)
        for act in acts:
            await act()
            await asyncio.sleep(pause * self._chance.uniform(0.5, 1.5))

    async def pairs(self, pause: float) -> None:
        """Two at once: both webs, both stores, and a freeze instead of a death."""
        await self._kill(*WEBS)
        await asyncio.sleep(pause)
        await self._kill("postgres", "valkey")
        await asyncio.sleep(pause)
        await self._freeze("valkey", 4)
        await asyncio.sleep(pause)
        await self._freeze(self._chance.choice(WEBS), 7)
        await asyncio.sleep(pause)
        await self._freeze("postgres", 3)
        await asyncio.sleep(pause)

    def note(self, what: str, begun: float, back: float | None) -> None:
        """Write down what was done by somebody else."""
        self.done.append(Fault(begun - self._begun, what, back))

    async def _kill(self, *names: str) -> None:
        begun = time.monotonic()
        await self._site.kill(*names)
        # Nobody can ask the worker whether it is ready: what tells is that its work gets done.
        back = None if names == ("worker",) else time.monotonic() - begun
        self.note(f"kill -9 {' and '.join(names)}", begun, back)

    async def _freeze(self, name: str, seconds: float) -> None:
        begun = time.monotonic()
        await self._site.freeze(name, seconds)
        self.note(f"freeze {name} for {seconds:.0f} s (SIGSTOP, SIGCONT)", begun, None)

    async def _cut_listeners(self) -> None:
        begun = time.monotonic()
        cut = await asyncio.to_thread(self._site.cut_listeners)
        self.note(f"cut the {cut} connections that listen to Valkey (CLIENT KILL)", begun, None)

    async def _cut_clients(self) -> None:
        begun = time.monotonic()
        chosen = self._chance.sample(list(self._subscribers), len(self._subscribers) // 3)
        for subscriber in chosen:
            subscriber.cut()
        self.note(f"cut the sockets of {len(chosen)} subscribers", begun, None)
