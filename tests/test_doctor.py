"""`tablecast doctor`: a sound installation, and each thing that can be wrong with one."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from domain import named_secrets, providers
from domain.ids import table_number_of
from domain.provider_records import ProviderCreate, ProviderKind, SecretSet
from persistence.storage import PostgresStorage
from server.doctor import Finding, Verdict, examine
from server.settings import Settings
from tests import databases
from tests.worlds import World, open_world


@pytest.fixture
async def own_url(postgres_url: str) -> AsyncIterator[str]:
    """A database that no other test has broken on purpose."""
    async with databases.own(postgres_url) as url:
        yield url


@pytest.fixture
async def world(own_url: str) -> AsyncIterator[World]:
    async with open_world(own_url) as opened:
        yield opened


@pytest.fixture
def settings(own_url: str, redis_url: str, tmp_path: Path) -> Settings:
    return Settings(database_url=own_url, redis_url=redis_url, data=tmp_path)


async def _findings(settings: Settings) -> dict[str, Finding]:
    return {finding.check: finding for finding in await examine(settings, deep=True)}


async def test_a_sound_installation(world: World, settings: Settings) -> None:
    await world.add(await world.table("a"), {"a": "x"}, {"a": "y"})
    found = await _findings(settings)
    assert list(found) == [
        "PostgreSQL",
        "schema",
        "clock",
        "change log",
        "workers",
        "indexes",
        "secrets",
        "row counts",
        "Redis",
        "files",
        "disk",
    ]
    assert {check for check, each in found.items() if each.verdict is not Verdict.FINE} <= {
        "workers",
        "disk",
    }
    assert "run `tablecast worker`" in found["workers"].told


async def test_holes_and_wrong_counts_are_found(world: World, settings: Settings) -> None:
    holed, wrong = await world.table("a"), await world.table("a")
    for table_id in (holed, wrong):
        await world.add(table_id, {"a": "x"})
        [row] = await world.add(table_id, {"a": "y"})
    pool = world.database.pool
    await pool.execute("DELETE FROM change WHERE table_id = $1 AND revision = 2", holed)
    shape = await world.shape(wrong)
    assert table_number_of(row) == shape.number
    await pool.execute(f"DELETE FROM {shape.sql_name} WHERE id = $1", row)
    found = await _findings(settings)
    assert found["change log"].verdict is Verdict.FAILED
    assert str(holed) in found["change log"].told
    assert str(wrong) not in found["change log"].told
    assert f"{wrong} (2, really 1)" in found["row counts"].told
    await pool.execute(f"DROP TABLE {(await world.shape(holed)).sql_name}")
    found = await _findings(settings)
    assert f"{holed} (2, gone)" in found["row counts"].told
    await pool.execute("UPDATE alembic_version SET version_num = '0001'")
    found = await _findings(settings)
    assert "run `tablecast migrate`" in found["schema"].told
    assert "change log" not in found


async def test_secrets_that_cannot_be_opened_are_named(world: World, settings: Settings) -> None:
    assert (await _findings(settings))["secrets"].told == "all 0 can be opened"
    assert not settings.secret_key_file.exists()
    storage = PostgresStorage(world.database, lambda *_: None, secret_box=settings.secret_box())
    command = ProviderCreate("mine", ProviderKind.OPENAI, "m", api_key="k")
    await providers.create_provider(world.viewer, storage, command)
    await named_secrets.set_secret(world.viewer, storage, SecretSet("TOKEN", "x", ["a.test"]))
    assert (await _findings(settings))["secrets"].told == "all 2 can be opened"
    settings.secret_key_file.chmod(0o644)
    assert "chmod 600" in (await _findings(settings))["secrets"].told
    settings.secret_key_file.unlink()
    found = (await _findings(settings))["secrets"]
    assert found.verdict is Verdict.FAILED
    assert "provider mine, secret TOKEN" in found.told
    settings.secret_key_file.write_text("no key")
    assert "restore it from a backup" in (await _findings(settings))["secrets"].told


async def test_what_is_away_is_told(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "files").write_text("a file where a folder should be")
    away = settings.model_copy(
        update={
            "database_url": "postgresql://nobody@127.0.0.1:1/none",
            "redis_url": "redis://127.0.0.1:1",
        }
    )
    found = await _findings(away)
    assert {check: each.verdict for check, each in found.items() if check != "disk"} == {
        "PostgreSQL": Verdict.FAILED,
        "Redis": Verdict.FAILED,
        "files": Verdict.FAILED,
    }


async def test_the_command_ends_as_it_says(world: World, settings: Settings) -> None:
    # A thread of the file store that was still at work used to abort the process at its end.
    given = {
        "DATABASE_URL": settings.database_url or "",
        "REDIS_URL": settings.redis_url or "",
        "TABLECAST_DATA": str(settings.data),
    }
    for _ in range(2):
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", "from server.cli import main; main()", "doctor"),
            env=os.environ | given,
            stdout=asyncio.subprocess.PIPE,
        )
        told, _ = await process.communicate()
        assert b"files: can be stored and read" in told
        assert process.returncode == 0
