"""Databases of tests: each is a copy of one that was migrated once in a run."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import asyncpg

from persistence.migrate import upgrade_async
from persistence.urls import asyncpg_dsn

MIGRATED = "migrated"
EMPTY = "template0"


async def prepare(server_url: str) -> None:
    """Make what others are copies of. `server_url` is that of any database of the server."""
    await _execute(server_url, f"CREATE DATABASE {MIGRATED} TEMPLATE {EMPTY}")
    await upgrade_async(_url_of(server_url, MIGRATED))


async def create(server_url: str, template: str = MIGRATED) -> str:
    """The address of a new database."""
    name = f"test_{uuid4().hex}"
    # Files are copied in a tenth of the time that pages through the log take.
    statement = f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy"
    await _execute(server_url, statement)
    return _url_of(server_url, name)


async def drop(server_url: str, url: str) -> None:
    """Take away a database, whoever is still connected. `server_url` is that of another one."""
    name = urlsplit(url).path.removeprefix("/")
    await _execute(server_url, f"DROP DATABASE {name} WITH (FORCE)")


@asynccontextmanager
async def own(server_url: str, template: str = MIGRATED) -> AsyncIterator[str]:
    """The address of a database for one test."""
    url = await create(server_url, template)
    try:
        yield url
    finally:
        await drop(server_url, url)


async def _execute(url: str, statement: str) -> None:
    connection = await asyncpg.connect(asyncpg_dsn(url))
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


def _url_of(server_url: str, name: str) -> str:
    return urlunsplit(urlsplit(server_url)._replace(path=f"/{name}"))
