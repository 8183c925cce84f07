"""One PostgreSQL and one Valkey for each test run; a migrated database for each module of tests."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import settings

from tests import databases
from tests.services import Services

_services: list[Services] = []

settings.register_profile("ci", max_examples=50, deadline=None, derandomize=True)
settings.register_profile("long", max_examples=500, deadline=None, print_blob=True)
settings.load_profile("ci")


def _start() -> dict[str, str]:
    services = Services()
    _services.append(services)
    urls = services.start()
    asyncio.run(databases.prepare(urls["postgres"]))
    return urls


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """xdist: the controller owns the servers, so that no worker's end stops them for the others."""
    config = node.config
    if not hasattr(config, "tablecast_services"):
        config.tablecast_services = _start()
    node.workerinput["services"] = config.tablecast_services


def pytest_unconfigure() -> None:
    """Stop what this process started."""
    while _services:
        _services.pop().stop()


@pytest.fixture(scope="session")
def anyio_backend() -> tuple[str, dict[str, bool]]:
    """Plain asyncio."""
    return "asyncio", {"use_uvloop": False}


@pytest.fixture(scope="session")
def service_urls(request: pytest.FixtureRequest) -> dict[str, str]:
    """The addresses of this run's servers."""
    given: dict[str, dict[str, str]] = getattr(request.config, "workerinput", {})
    return given["services"] if "services" in given else _start()


@pytest.fixture(scope="module")
def postgres_url(service_urls: dict[str, str]) -> Iterator[str]:
    """A migrated database for the tests of one module: what others leave behind, jobs and messages
    that wait, is none of theirs, and the catalogue stays small."""
    url = asyncio.run(databases.create(service_urls["postgres"]))
    yield url
    asyncio.run(databases.drop(service_urls["postgres"], url))


@pytest.fixture(scope="session")
def redis_url(service_urls: dict[str, str]) -> str:
    """The Valkey of this run; channels and keys are shared with the other test processes."""
    return service_urls["redis"]
