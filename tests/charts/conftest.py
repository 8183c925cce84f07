"""One running application for each module of tests."""

from collections.abc import AsyncIterator

import pytest

from tests.rest.calls import Calls
from tests.rest.document import check
from tests.serving import Site, serve


@pytest.fixture(scope="module")
async def site(
    postgres_url: str, redis_url: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Site]:
    """The application with an organisation of its own. What its client is answered must be as the
    OpenAPI documents say."""
    async with serve(postgres_url, redis_url, tmp_path_factory.mktemp("charts")) as opened:
        opened.shared.event_hooks["response"].append(check)
        yield opened


@pytest.fixture
def calls(site: Site) -> Calls:
    """The Tables API as a client with the admin key."""
    return Calls(site.shared)
