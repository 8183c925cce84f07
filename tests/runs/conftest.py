"""An organisation with tools that count, on a migrated database with queues."""

from collections.abc import AsyncIterator

import pytest

from tests.runs.running import Running
from tests.worlds import open_world


@pytest.fixture
async def running(postgres_url: str) -> AsyncIterator[Running]:
    async with open_world(postgres_url) as world:
        yield Running(world, postgres_url)
