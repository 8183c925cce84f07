"""One PostgreSQL and one Valkey for each test run; an empty database for each test process."""

import asyncio
from typing import Any

import asyncpg
import pytest
from hypothesis import settings

from tests.services import Services

_services: list[Services] = []

settings.register_profile("ci", max_examples=50, deadline=None, derandomize=True)
settings.load_profile("ci")


def _start() -> dict[str, str]:
    services = Services()
    _services.append(services)
    return services.start()


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


async def _create_database(maintenance_url: str, name: str) -> None:
    connection = await asyncpg.connect(maintenance_url)
    try:
        await connection.execute(f'CREATE DATABASE "{name}" TEMPLATE template0')
    finally:
        await connection.close()


@pytest.fixture(scope="session")
def postgres_url(service_urls: dict[str, str], worker_id: str) -> str:
    """A database of this test process; empty at first."""
    name = f"test_{worker_id}"
    asyncio.run(_create_database(service_urls["postgres"], name))
    return service_urls["postgres"].replace("/postgres?", f"/{name}?")


@pytest.fixture(scope="session")
def redis_url(service_urls: dict[str, str]) -> str:
    """The Valkey of this run; channels and keys are shared with the other test processes."""
    return service_urls["redis"]
