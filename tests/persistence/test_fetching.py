"""What reading tells when PostgreSQL cannot answer."""

import asyncpg
import pytest

from domain.errors import StructureMoved, TooLarge
from persistence.fetching import fetch
from persistence.urls import asyncpg_dsn


async def test_a_statement_that_takes_too_long_is_told_as_such(postgres_url: str) -> None:
    settings = {"transaction_timeout": "100ms"}
    async with asyncpg.create_pool(
        asyncpg_dsn(postgres_url), min_size=1, max_size=1, server_settings=settings
    ) as pool:
        with pytest.raises(TooLarge, match="in five seconds"):
            await fetch(pool, "SELECT pg_sleep(20)", [])
        assert await pool.fetchval("SELECT 1") == 1
        with pytest.raises(StructureMoved):
            await fetch(pool, "SELECT * FROM no_such_table", [])
