"""An office for each test."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from persistence.blobs import Blobs
from persistence.secret_box import SecretBox
from persistence.storage import PostgresStorage
from tests.extraction_jobs.office import Office, open_office
from tests.worlds import open_world


@pytest.fixture
async def office(postgres_url: str, tmp_path: Path) -> AsyncIterator[Office]:
    async with open_world(postgres_url) as world:
        woken = world.woken

        def wake(kind: str, id_: object, revision: int) -> None:
            woken.append((kind, id_, revision))  # type: ignore[arg-type]

        box = SecretBox([bytes(32)])
        world.storage = PostgresStorage(world.database, wake, Blobs.open(tmp_path), box)
        yield await open_office(world)
