"""A world whose secrets are sealed."""

from collections.abc import AsyncIterator

import pytest

from tests.providers.asking import Asking, open_asking
from tests.worlds import World, open_world


@pytest.fixture
async def world(postgres_url: str) -> AsyncIterator[World]:
    async with open_world(postgres_url) as opened:
        yield opened


@pytest.fixture
async def asking(world: World) -> AsyncIterator[Asking]:
    async with open_asking(world) as opened:
        yield opened
