"""One application for all tests of a module, each with an organisation that is shared too."""

from collections.abc import AsyncIterator

import pytest

from tests.serving import Site, serve


@pytest.fixture(scope="module")
async def site(
    postgres_url: str, redis_url: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Site]:
    """The running application."""
    async with serve(postgres_url, redis_url, tmp_path_factory.mktemp("site")) as opened:
        yield opened


@pytest.fixture(scope="module")
async def stranger(
    site: Site, redis_url: str, postgres_url: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Site]:
    """The same database through an application and a key of another organisation."""
    folder = tmp_path_factory.mktemp("stranger")
    async with serve(postgres_url, redis_url, folder) as opened:
        yield opened
