"""The application for tests of exports, with the OpenAPI documents as judges."""

from collections.abc import AsyncIterator

import pytest

from tests.rest.calls import Calls
from tests.rest.document import check
from tests.serving import Site, serve
from tests.worlds import World, open_world


@pytest.fixture(scope="module")
async def site(
    postgres_url: str, redis_url: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Site]:
    """The application with an organisation of its own."""
    async with serve(postgres_url, redis_url, tmp_path_factory.mktemp("data")) as opened:
        opened.shared.event_hooks["response"].append(check)
        yield opened


@pytest.fixture
def calls(site: Site) -> Calls:
    """The Tables API as a client with the admin key."""
    return Calls(site.shared)


@pytest.fixture(scope="module")
async def world(postgres_url: str) -> AsyncIterator[World]:
    """Storage with an organisation of its own."""
    async with open_world(postgres_url) as opened:
        yield opened
