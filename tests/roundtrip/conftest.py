"""The application that files make their round through."""

from collections.abc import AsyncIterator

import pytest

from tests.rest.calls import Calls
from tests.serving import Site, serve


@pytest.fixture(scope="module")
async def site(
    postgres_url: str, redis_url: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Site]:
    """The application with an organisation of its own."""
    async with serve(postgres_url, redis_url, tmp_path_factory.mktemp("data")) as opened:
        yield opened


@pytest.fixture
def calls(site: Site) -> Calls:
    """The Tables API as a client with the admin key."""
    return Calls(site.shared)
