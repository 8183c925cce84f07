"""The parsed files are millions of objects, which would make every later test slower."""

from collections.abc import Iterator

import pytest

from tests.rules.source import sources_of


@pytest.fixture(scope="package", autouse=True)
def forgotten() -> Iterator[None]:
    """Forget them after the last rule."""
    yield
    sources_of.cache_clear()
