"""A world with a store for files, for each module of tests."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from persistence.blobs import Blobs
from persistence.storage import PostgresStorage
from tests.imports.importing import Importer
from tests.serving import Site, serve
from tests.worlds import World, open_world


class Quiet(Importer):
    """Examples that fail show their arguments: all that storage has told would be too much."""

    def __repr__(self) -> str:
        return "importer"


@pytest.fixture(scope="module")
async def importer(
    postgres_url: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Importer]:
    """An organisation of its own with files in a temporary folder."""
    folder: Path = tmp_path_factory.mktemp("files")
    async with open_world(postgres_url) as world:

        def wake(kind: str, subject: object, revision: int) -> None:
            world.woken.append((kind, subject, revision))  # type: ignore[arg-type]

        world.storage = PostgresStorage(world.database, wake, Blobs.open(folder))
        yield Quiet(world, postgres_url, folder)


@pytest.fixture(scope="module")
async def site(
    postgres_url: str, redis_url: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Site]:
    """The running application."""
    async with serve(postgres_url, redis_url, tmp_path_factory.mktemp("site")) as opened:
        yield opened


@pytest.fixture
def world(importer: Importer) -> World:
    """The same organisation."""
    return importer.world
