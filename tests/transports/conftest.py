"""One running application for the tests of a module; each test makes its own tables."""

from collections.abc import AsyncIterator

import pytest

from tests.serving import Site, serve


@pytest.fixture(scope="module")
async def site(
    postgres_url: str, redis_url: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Site]:
    folder = tmp_path_factory.mktemp("site")
    async with serve(postgres_url, redis_url, folder, max_body_bytes=100_000) as opened:
        yield opened
