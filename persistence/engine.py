"""Connections to PostgreSQL: SQLModel sessions for metadata, a plain asyncpg pool for rows.

Rows go past SQLAlchemy because its per-statement work (about 0.15 ms) would be most of the cost of
a small write."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, TypeAlias

import asyncpg
from sqlalchemy import CursorResult, text
from sqlalchemy.ext.asyncio import AsyncEngine, async_sessionmaker, create_async_engine
from sqlmodel.ext.asyncio.session import AsyncSession

from domain.numbers import loads
from persistence.claims import mark_session
from persistence.embedded import require_version
from persistence.json_text import dumps
from persistence.urls import asyncpg_dsn, sqlalchemy_url

#: Sent with every connection. No transaction outlives five seconds: a snapshot held open slows
#: every clock.
SESSION_SETTINGS = {
    "application_name": "tablecast",
    "TimeZone": "UTC",
    "jit": "off",
    "transaction_timeout": "5s",
    "idle_in_transaction_session_timeout": "5s",
}

Pool: TypeAlias = "asyncpg.Pool[asyncpg.Record]"
Connection: TypeAlias = (
    "asyncpg.pool.PoolConnectionProxy[asyncpg.Record] | asyncpg.Connection[asyncpg.Record]"
)


class Database:
    """Both ways to one database. Open it with `async with Database.connect(url)`."""

    def __init__(self, engine: AsyncEngine, pool: Pool) -> None:
        self.engine = engine
        self.pool = pool
        self._write = async_sessionmaker(engine, class_=AsyncSession, expire_on_commit=False)

    @classmethod
    @asynccontextmanager
    async def connect(cls, url: str, *, pool_size: int = 16) -> AsyncIterator["Database"]:
        """Open both pools and refuse a server older than PostgreSQL 18."""
        pool = await asyncpg.create_pool(
            asyncpg_dsn(url),
            min_size=1,
            max_size=pool_size,
            server_settings=SESSION_SETTINGS,
            statement_cache_size=500,
            max_inactive_connection_lifetime=0,
            reset=leave_session,
        )
        try:
            require_version(
                await pool.fetchval("SELECT current_setting('server_version_num')::int")
            )
            engine = create_async_engine(
                sqlalchemy_url(url),
                pool_size=max(4, pool_size // 2),
                max_overflow=4,
                pool_pre_ping=True,
                connect_args={"server_settings": SESSION_SETTINGS},
                # Settings of columns hold numbers of users: exact, like all others.
                json_serializer=dumps,
                json_deserializer=loads,
            )
            try:
                yield cls(engine, pool)
            finally:
                await engine.dispose()
        finally:
            await pool.close()

    async def answers(self, seconds: float) -> bool:
        """Whether the database answers within this time."""
        try:
            async with asyncio.timeout(seconds):
                return bool(await self.pool.fetchval("SELECT TRUE"))
        except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
            return False

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncSession]:
        """A session for reading metadata."""
        async with self._write() as session:
            yield session

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncSession]:
        """A session in a write transaction: committed at the end, rolled back on any error. It
        carries the mark of the running request."""
        async with self._write() as session, session.begin():
            await mark_session(session)
            yield session


async def leave_session(connection: Connection) -> None:
    """What a pool does with a connection that comes back: nothing but roll back what is open.

    asyncpg's own way asks the server to reset settings, locks and listeners each time, which is a
    second round trip for every statement. So whoever changes a session has to change it back; a
    `SET LOCAL` does that by itself."""


async def run_sql(session: AsyncSession, statement: str, **values: Any) -> CursorResult[Any]:
    """Run SQL text in the session's transaction, with named parameters."""
    connection = await session.connection()
    return await connection.execute(text(statement), values)
