"""A world with a store for files, and short ways to upload and import."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from persistence.blobs import Blobs
from persistence.storage import PostgresStorage
from tests.imports.importing import Importer
from tests.worlds import open_world


@pytest.fixture
async def importer(postgres_url: str, tmp_path: Path) -> AsyncIterator[Importer]:
    """An organisation of its own with files in a temporary folder."""
    async with open_world(postgres_url) as world:
        folder = tmp_path / "files"

        def wake(kind: str, subject: object, revision: int) -> None:
            world.woken.append((kind, subject, revision))  # type: ignore[arg-type]

        world.storage = PostgresStorage(world.database, wake, Blobs.open(folder))
        yield Importer(world, postgres_url, folder)
