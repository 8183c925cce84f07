"""Migrations and models say the same."""

from collections.abc import AsyncIterator

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import create_async_engine
from sqlmodel import SQLModel

from persistence import models
from persistence.migrate import upgrade_async
from persistence.urls import sqlalchemy_url
from tests import databases


@pytest.fixture
async def empty_url(postgres_url: str) -> AsyncIterator[str]:
    async with databases.own(postgres_url, databases.EMPTY) as url:
        yield url


async def test_models_equal_migrations(empty_url: str) -> None:
    await upgrade_async(empty_url)
    await upgrade_async(empty_url)  # again: nothing to do, no error
    engine = create_async_engine(sqlalchemy_url(empty_url))
    ours = set(SQLModel.metadata.tables)
    assert models.TableRow.__tablename__ in ours

    def differences(connection: Connection) -> list[object]:
        options = {"compare_server_default": False, "include_object": _is_ours}
        context = MigrationContext.configure(connection, opts=options)
        return list(compare_metadata(context, SQLModel.metadata))

    def _is_ours(_object: object, name: str, kind: str, *_: object) -> bool:
        return kind != "table" or name in ours

    async with engine.connect() as connection:
        found = await connection.run_sync(differences)
    await engine.dispose()
    assert found == []
