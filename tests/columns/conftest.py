"""One application for all tests of a module, with two organisations that are shared too."""

from collections.abc import AsyncIterator

import pytest

from tests.gql.documents import another_organization
from tests.serving import Site, serve


@pytest.fixture(scope="module")
async def site(
    postgres_url: str, redis_url: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Site]:
    """The running application."""
    async with serve(postgres_url, redis_url, tmp_path_factory.mktemp("site")) as opened:
        yield opened


@pytest.fixture(scope="module")
async def stranger(site: Site) -> AsyncIterator[Site]:
    """The same application with a key of another organisation."""
    async with another_organization(site) as opened:
        yield opened
