"""A world with triggers."""

from collections.abc import AsyncIterator

import pytest

from tests.triggers.automation import Automation
from tests.worlds import open_world


@pytest.fixture
async def automation(postgres_url: str) -> AsyncIterator[Automation]:
    """An organisation of its own."""
    async with open_world(postgres_url) as world:
        yield Automation(world, postgres_url)
