"""An organisation with a worker that may send requests to this machine."""

from collections.abc import AsyncIterator

import pytest

from tests.workflows.running import Automation, automation
from tests.worlds import open_world


@pytest.fixture
async def auto(postgres_url: str) -> AsyncIterator[Automation]:
    """An organisation of its own."""
    async with open_world(postgres_url) as world:
        yield automation(world, postgres_url)
