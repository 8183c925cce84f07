"""A revoked key ends what it has open, whatever was known of it and whatever is away."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Any, cast
from uuid import UUID

import pytest

from domain import keys
from domain.access import Role, Viewer
from domain.addresses import Allowed
from domain.keys import ApiKeyCreate, CreatedKey
from domain.tool_ports import Engines
from gql.feeds import Feed
from gql.limits import Limits
from gql.transports.service import Authenticate, Service
from gql.transports.socket_guard import KeyGuard
from gql.transports.socket_operations import _renderer
from processing.engines import open_engines
from processing.outbound import Outbound
from realtime.bus import open_bus
from realtime.hub import Hub
from realtime.log import Topic, Unavailable
from server.auth import Authenticator
from server.live import LogAdapter
from tests.worlds import World, open_world

_BOUND = 2.0


@dataclass
class Guarded:
    """A key that was just believed, and what guards a socket needs."""

    world: World
    hub: Hub
    engines: Engines
    authenticator: Authenticator
    made: CreatedKey

    def guard(self, viewer: Viewer, authenticate: Authenticate | None = None) -> KeyGuard:
        """A guard of a socket of the key."""
        service = Service(
            self.world.storage,
            self.hub,
            self.engines,
            authenticate or self.authenticator.viewer,
            Limits(),
            lambda: None,
        )
        return KeyGuard(viewer, self.made.secret, service)

    async def revoke(self) -> None:
        """End the key. Nobody is woken: the log comes by poll, as without Redis."""
        await keys.revoke_key(self.world.viewer, self.world.storage, self.made.key.id)


@pytest.fixture
async def guarded(postgres_url: str) -> AsyncIterator[Guarded]:
    async with open_world(postgres_url) as world, _hub(world) as hub, _engines(world) as engines:
        authenticator = Authenticator(world.storage.keys)
        made = await keys.create_key(
            world.viewer, world.storage, ApiKeyCreate("guarded", Role.VIEWER)
        )
        yield Guarded(world, hub, engines, authenticator, made)
        await authenticator.aclose()


def _engines(world: World) -> AbstractAsyncContextManager[Engines]:
    return open_engines(world.storage, Outbound(Allowed()))


@asynccontextmanager
async def _hub(world: World) -> AsyncIterator[Hub]:
    async with Hub(open_bus("memory://"), LogAdapter(world.storage.log)) as hub:
        yield hub


async def test_a_key_that_was_just_believed_ends_within_two_seconds(guarded: Guarded) -> None:
    viewer = await guarded.authenticator.viewer(guarded.made.secret)
    watching = asyncio.Event()

    async def noticed(token: str | None) -> Viewer:
        watching.set()
        return await guarded.authenticator.viewer(token)

    guard = asyncio.create_task(guarded.guard(viewer, noticed).until_invalid())
    await watching.wait()
    await guarded.authenticator.viewer(guarded.made.secret)
    revoked = time.monotonic()
    await guarded.revoke()
    await asyncio.wait_for(guard, _BOUND)
    assert time.monotonic() - revoked < _BOUND


async def test_a_key_revoked_before_its_guard_began_ends_too(guarded: Guarded) -> None:
    viewer = await guarded.authenticator.viewer(guarded.made.secret)
    await guarded.revoke()
    await asyncio.wait_for(guarded.guard(viewer).until_invalid(), _BOUND)


async def test_a_guard_outlives_a_database_that_is_away(guarded: Guarded) -> None:
    asked: list[str | None] = []

    async def away_at_first(token: str | None) -> Viewer:
        asked.append(token)
        if len(asked) == 1:
            raise ConnectionRefusedError
        return await guarded.authenticator.viewer(token)

    viewer = await guarded.authenticator.viewer(guarded.made.secret)
    await guarded.revoke()
    await asyncio.wait_for(guarded.guard(viewer, away_at_first).until_invalid(), 2 * _BOUND)
    assert len(asked) > 1


async def test_a_render_waits_for_a_database_that_is_away() -> None:
    async def refused(entries: Sequence[Any]) -> list[Any]:
        raise ConnectionRefusedError

    async def broken(entries: Sequence[Any]) -> list[Any]:
        raise ValueError

    def render(events: Any) -> Any:
        topic = Topic("table", UUID(int=1))
        return _renderer(cast(Any, None), Feed(topic, None, cast(Any, None), events))

    with pytest.raises(Unavailable):
        await render(refused)([])
    with pytest.raises(ValueError, match=r"^$"):
        await render(broken)([])
