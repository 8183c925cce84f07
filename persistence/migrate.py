"""Bringing the database to the version of the code."""

import asyncio
from pathlib import Path

import asyncpg
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import create_async_engine

from persistence import jobs
from persistence.urls import asyncpg_dsn, sqlalchemy_url

#: Held while migrating: several processes may start at once.
_LOCK = 7_305_181_200


def upgrade(database_url: str) -> None:
    """Run what is missing. Does nothing on a database that is up to date; safe to call at every
    start."""
    asyncio.run(upgrade_async(database_url))


async def upgrade_async(database_url: str) -> None:
    """`upgrade` for callers that run in a loop."""
    engine = create_async_engine(sqlalchemy_url(database_url))
    try:
        async with engine.begin() as connection:
            await connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
            await connection.run_sync(_run)
    finally:
        await engine.dispose()
    plain = await asyncpg.connect(asyncpg_dsn(database_url))
    try:
        await jobs.install(plain)
    finally:
        await plain.close()


def configuration(connection: Connection) -> Config:
    """Alembic's settings for a connection."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    return config


def _run(connection: Connection) -> None:
    command.upgrade(configuration(connection), "head")
