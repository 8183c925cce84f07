"""One running application for each module of tests, and short ways to call the LimAI API."""

from collections.abc import AsyncIterator

import pytest

from tests.limai.calls import Limai
from tests.rest.document import Judge
from tests.serving import Site, serve


@pytest.fixture(scope="module")
async def site(
    postgres_url: str, redis_url: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Site]:
    """The application with an organisation of its own and no worker. What its client is answered
    must be as the OpenAPI document says."""
    async with serve(postgres_url, redis_url, tmp_path_factory.mktemp("data")) as opened:
        opened.shared.event_hooks["response"] += [Judge("limai").check]
        yield opened


@pytest.fixture
def limai(site: Site) -> Limai:
    """The LimAI API with the admin key."""
    return Limai(site)
