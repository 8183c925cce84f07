"""One running application for each module of tests, and short ways to call the Phacet API."""

from collections.abc import AsyncIterator

import pytest

from tests.phacet.calls import Phacet
from tests.rest.calls import Calls
from tests.rest.document import Judge, check
from tests.serving import Site, serve


@pytest.fixture(scope="module")
async def site(
    postgres_url: str, redis_url: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Site]:
    """The application with an organisation of its own. What its client is answered must be as the
    OpenAPI documents say."""
    async with serve(postgres_url, redis_url, tmp_path_factory.mktemp("data")) as opened:
        opened.shared.event_hooks["response"] += [check, Judge("phacet").check]
        yield opened


@pytest.fixture
def calls(site: Site) -> Calls:
    """The Tables API, which makes the tables."""
    return Calls(site.shared)


@pytest.fixture
def phacet(site: Site) -> Phacet:
    """The Phacet API with the admin key."""
    return Phacet(site.shared)
