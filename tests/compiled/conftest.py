"""One running application, and a table with every kind of column and of value."""

from collections.abc import AsyncIterator

import pytest

from tests.compiled.samples import Sample, make_sample
from tests.serving import Site, serve


@pytest.fixture(scope="module")
async def site(
    postgres_url: str, redis_url: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Site]:
    async with serve(postgres_url, redis_url, tmp_path_factory.mktemp("site")) as opened:
        yield opened


@pytest.fixture(scope="module")
async def sample(site: Site) -> Sample:
    return await make_sample(site)
