"""The first start makes an organisation, a key and demo data; later starts keep them."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from domain import charts, projects, rows, tables
from domain.access import Role, Viewer
from domain.entities import TableSearch
from domain.errors import Unauthenticated
from domain.selection import OffsetPage, RowsQuery
from persistence.blobs import Blobs
from persistence.engine import Database
from persistence.storage import PostgresStorage
from server import bootstrap, keys
from server.auth import Authenticator
from server.settings import ConfigurationError, Settings
from tests import databases


@pytest.fixture
async def settings(postgres_url: str, tmp_path: Path) -> AsyncIterator[Settings]:
    """Settings with a database of their own: an installation has one default organisation."""
    async with databases.own(postgres_url) as url:
        yield Settings(data=tmp_path).model_copy(update={"database_url": url})


async def _viewer(settings: Settings, secret: str) -> Viewer:
    async with Database.connect(settings.database_url or "", pool_size=2) as database:
        auth = Authenticator(_storage(database, settings).keys)
        try:
            return await auth.viewer(secret)
        finally:
            await auth.aclose()


def _storage(database: Database, settings: Settings) -> PostgresStorage:
    blobs = Blobs.open(settings.blob_place)
    return PostgresStorage(database, lambda kind, subject, revision: None, blobs)


async def test_the_first_start_makes_a_key_that_works_and_later_ones_keep_it(
    settings: Settings,
) -> None:
    settings = settings.model_copy(update={"demo": False})
    made = await bootstrap.prepare(settings)
    assert made.api_key is not None
    assert (await _viewer(settings, made.api_key)).role is Role.ADMIN
    assert settings.key_file.read_text().strip() == made.api_key
    assert settings.key_file.stat().st_mode & 0o777 == 0o600
    assert await bootstrap.prepare(settings) == made


async def test_processes_that_start_at_once_make_one_organisation(settings: Settings) -> None:
    settings = settings.model_copy(update={"demo": False, "api_key": SecretStr("swordfish")})
    made = await asyncio.gather(*(bootstrap.prepare(settings) for _ in range(4)))
    assert len({each.organization.id for each in made}) == 1
    assert len(await keys.list_(settings)) == 1


async def test_the_key_of_the_environment_works_and_replaces_the_one_before(
    settings: Settings,
) -> None:
    for secret in ("swordfish", "opensesame"):
        update = {"demo": False, "api_key": SecretStr(secret)}
        made = await bootstrap.prepare(settings.model_copy(update=update))
        assert made.api_key == secret
        assert (await _viewer(settings, secret)).role is Role.ADMIN
    assert not settings.key_file.exists()
    with pytest.raises(Unauthenticated):
        await _viewer(settings, "swordfish")


async def test_a_revoked_first_key_is_not_made_again(settings: Settings) -> None:
    settings = settings.model_copy(update={"demo": False})
    made = await bootstrap.prepare(settings)
    assert made.api_key is not None
    await keys.create(settings, "mine", Role.ADMIN, None)
    said = await keys.revoke(settings, made.api_key[:11])
    assert "is revoked" in said
    assert (await bootstrap.prepare(settings)).api_key is None
    with pytest.raises(ConfigurationError):
        await keys.revoke(settings, "tc_unknown1")


async def test_the_demo_is_loaded_once_and_whole(settings: Settings) -> None:
    made = await bootstrap.prepare(settings)
    await bootstrap.prepare(settings)
    viewer = Viewer(made.organization.id, Role.VIEWER)
    async with Database.connect(settings.database_url or "", pool_size=2) as database:
        storage = _storage(database, settings)
        [project] = await projects.list_projects(viewer, storage)
        assert project.name == "Flights 2013"
        found = await tables.list_tables(viewer, storage, TableSearch(project_id=project.id))
        assert {table.name: table.row_count for table in found} == {
            "Airlines": 16,
            "Flights": 3000,
            "Planes": 1409,
        }
        flights = next(table for table in found if table.name == "Flights")
        query = RowsQuery(None, OffsetPage(1, 0))
        page = await rows.read_rows(viewer, storage, flights.id, lambda shape: query)
        shown = await charts.list_charts(viewer, storage, flights.id)
        assert [chart.name for chart in shown] == ["Flights by airline", "Delay by month"]
    assert page.row_count == 3000
    [first] = page.rows
    assert not isinstance(first, str)
    assert list(first.values)[1:4] == ['"AA"', "1141", '"N619AA"']
    assert list(first.values)[-2:] == ["-31", "408"]
