"""An organisation with a worker that may send requests to this machine."""

from collections.abc import AsyncIterator

import pytest

from domain.addresses import Allowed
from processing.engines import open_engines
from processing.outbound import Outbound
from tests.workflows.running import Automation, automation
from tests.worlds import open_world


@pytest.fixture
async def auto(postgres_url: str) -> AsyncIterator[Automation]:
    """An organisation of its own."""
    outbound = Outbound(Allowed.parse("127.0.0.1"))
    async with (
        open_world(postgres_url) as world,
        open_engines(world.storage, outbound) as engines,
    ):
        yield automation(world, postgres_url, engines, outbound)
