"""The embedded PostgreSQL and the servers of the test run."""

import asyncpg


async def test_the_database_of_a_test_process_is_version_18_and_sorts_by_code_point(
    postgres_url: str, redis_url: str
) -> None:
    connection = await asyncpg.connect(postgres_url)
    try:
        assert (
            await connection.fetchval("SELECT current_setting('server_version_num')::int") >= 180000
        )
        query = (
            "SELECT datlocale, pg_encoding_to_char(encoding) FROM pg_database WHERE datname = $1"
        )
        name = await connection.fetchval("SELECT current_database()")
        assert tuple(await connection.fetchrow(query, name) or ()) == ("C.UTF-8", "UTF8")
    finally:
        await connection.close()
    assert redis_url.startswith("unix://")
