"""Any order of writing, waking, polling, failing, pruning, reading and leaving gives exactly the
log, or says where it does not."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st

from realtime.bus import MemoryBackend
from realtime.events import Frame, Limits, Started
from realtime.hub import Hub
from tests.realtime.listlog import TABLE, ListEntry, ListLog, until

TIGHT = Limits(
    slice_entries=3,
    recent_entries=5,
    queue_frames=4,
    replay_entries=25,
    poll_seconds=0.001,
    first_retry_seconds=0.0001,
    last_retry_seconds=0.0005,
)


def frames_of(revision: int) -> int:
    """Some revisions are filtered out, some make several frames."""
    return (1, 0, 2, 1, 3)[revision % 5]


async def uneven(entries: Sequence[ListEntry]) -> list[Frame]:
    await asyncio.sleep(0)
    return [
        Frame(entry.revision, bytes([part]))
        for entry in entries
        for part in range(frames_of(entry.revision))
    ]


@dataclass
class Client:
    """What one client has been told, checked against the rule with each item."""

    position: int | None = None
    expected: list[tuple[int, int]] = field(default_factory=list)

    def take(self, item: object, head: int) -> None:
        if isinstance(item, Started):
            if item.state == "RESUMED":
                assert item.revision == self.position
            elif self.position is not None:
                assert item.reason in ("TOO_FAR", "LOG_PRUNED")
            assert item.revision <= head
            self.position = item.revision
            self.expected = []
            return
        assert isinstance(item, Frame), item
        assert self.position is not None
        while not self.expected:
            self.position += 1
            self.expected = [(self.position, part) for part in range(frames_of(self.position))]
        assert (item.revision, item.payload[0]) == self.expected.pop(0)

    def has_all(self, head: int) -> bool:
        if self.position is None or self.expected:
            return False
        return not any(frames_of(revision) for revision in range(self.position + 1, head + 1))


@dataclass
class World:
    hub: Hub
    log: ListLog
    clients: list[Client] = field(default_factory=list)
    tasks: list[asyncio.Task[None]] = field(default_factory=list)

    async def consume(self, client: Client, pace: int) -> None:
        async with self.hub.subscribe(TABLE, pace % 2, uneven, client.position) as subscription:
            async for item in subscription:
                client.take(item, self.head)
                for _ in range(pace):
                    await asyncio.sleep(0)

    async def step(self, action: str, amount: int) -> None:
        if action == "write":
            for _ in range(amount):
                revision = self.log.append()
            if amount % 3:
                await self.hub.notify(TABLE, revision)
        elif action == "fail":
            self.log.down = not self.log.down
        elif action == "prune":
            self.log.prune(max(self.head - amount, self.log.pruned.get(TABLE, 0)))
        elif action == "join":
            self.clients.append(Client(None if amount > 20 else min(amount, self.head)))
            self.start(self.clients[-1], amount % 7)
        elif action == "leave" and self.clients:
            index = amount % len(self.clients)
            client = self.clients[index]
            if client.position is not None and not client.expected:
                await self.leave(index)
                self.start(client, amount % 7)
        for _ in range(amount):
            await asyncio.sleep(0)

    @property
    def head(self) -> int:
        entries = self.log.logs[TABLE]
        return entries[-1].revision if entries else self.log.pruned.get(TABLE, 0)

    def start(self, client: Client, pace: int) -> None:
        task = asyncio.create_task(self.consume(client, pace))
        self.tasks.append(task)

    async def leave(self, index: int) -> None:
        self.tasks[index].cancel()
        await asyncio.gather(self.tasks.pop(index), return_exceptions=True)
        self.clients.append(self.clients.pop(index))


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["write", "write", "join", "leave", "fail", "prune", "run"]),
        st.integers(1, 24),
    ),
    max_size=40,
)


@given(steps=STEPS)
def test_every_client_gets_exactly_the_log(steps: list[tuple[str, int]]) -> None:
    asyncio.run(_run(steps))


async def _run(steps: list[tuple[str, int]]) -> None:
    log = ListLog({TABLE: []})
    async with Hub(MemoryBackend("memory://"), log, TIGHT) as hub:
        world = World(hub, log)
        for action, amount in steps:
            await world.step(action, amount)
        log.down = False

        def settled() -> bool:
            broken = any(task.done() for task in world.tasks)
            return broken or all(client.has_all(world.head) for client in world.clients)

        await until(settled)
        for task in world.tasks:
            if task.done():
                await task  # raises what the client found wrong
            task.cancel()
        await asyncio.gather(*world.tasks, return_exceptions=True)
