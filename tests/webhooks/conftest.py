"""A world with webhooks."""

from collections.abc import AsyncIterator

import pytest

from tests.webhooks.hooks import FakeClock, Hooks, Inbox
from tests.worlds import open_world


@pytest.fixture
async def hooks(postgres_url: str) -> AsyncIterator[Hooks]:
    """An organisation of its own."""
    clock = FakeClock()
    async with open_world(postgres_url) as world:
        yield Hooks(world, postgres_url, clock, Inbox(clock))
