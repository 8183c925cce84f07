"""One organisation with many slow endpoints holds up no other one."""

import asyncio
from collections.abc import Mapping

import pytest

from processing import deliveries
from processing.deliveries import Deliverer
from processing.webhook_requests import Answer
from tests.webhooks.hooks import URL, Hooks
from tests.worlds import open_world

_OTHER = "https://other.example/in"


class _Slow:
    """Answers only the other organisation before it is told to go on."""

    def __init__(self) -> None:
        self.go_on = asyncio.Event()
        self.other = asyncio.Event()
        self.at_once = self.most_at_once = 0

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        if url == _OTHER:
            self.other.set()
            return Answer(200)
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        await self.go_on.wait()
        self.at_once -= 1
        return Answer(200)


async def test_slow_endpoints_of_one_organisation_leave_room(
    hooks: Hooks, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deliveries, "AT_ONCE_IN_ALL", 4)
    monkeypatch.setattr(deliveries, "AT_ONCE_OF_ONE", 3)
    table_id = await hooks.world.table("name")
    for _ in range(4):
        await hooks.create("row.created", url=URL)
    await hooks.world.add(table_id, *({"name": f"n{n}"} for n in range(3)))
    await hooks.relayed()
    async with open_world(postgres_url, "Other") as world:
        other = Hooks(world, postgres_url, hooks.clock, hooks.inbox)
        await other.create("row.created", url=_OTHER)
        await world.add(await world.table("name"), {"name": "n"})
        await other.relayed()
        slow = _Slow()
        deliverer = Deliverer(hooks.world.storage, slow, clock=hooks.clock)
        settled = asyncio.create_task(deliverer.settle())
        async with asyncio.timeout(30):
            await slow.other.wait()
        slow.go_on.set()
        await settled
    assert slow.most_at_once == 3
    waiting = "SELECT count(*) FROM webhook_delivery WHERE status = 'pending'"
    assert await hooks.world.database.pool.fetchval(waiting) == 0
