"""What figures and charts cost in statements, and what happens when they cost too much."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import asyncpg
import pytest
from sqlalchemy import event

from domain.errors import TooLarge
from persistence.fetching import fetch
from tests.charts.drawing import CHANGED, new_chart
from tests.gql.documents import add, new_table
from tests.gql.test_statements import POOL, Statements
from tests.serving import Site, serve


@pytest.fixture(scope="module")
async def small_site(
    postgres_url: str, redis_url: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Site]:
    """An application with few connections, so that a test can listen on each of them."""
    folder = tmp_path_factory.mktemp("costs")
    async with serve(postgres_url, redis_url, folder, pool_size=POOL) as opened:
        yield opened


@pytest.fixture(scope="module")
async def statements(small_site: Site) -> AsyncIterator[Statements]:
    database = small_site.gateway.database
    heard = Statements()
    async with AsyncExitStack() as stack:
        taken = [await stack.enter_async_context(database.pool.acquire()) for _ in range(POOL)]
        for connection in taken:
            connection.add_query_logger(heard.of_pool)
    event.listen(database.engine.sync_engine, "before_cursor_execute", heard.of_engine)
    yield heard
    event.remove(database.engine.sync_engine, "before_cursor_execute", heard.of_engine)


async def test_an_aggregate_is_one_statement(small_site: Site, statements: Statements) -> None:
    query = """query($t: ID!) { table(id: $t) { aggregate(groupBy: [{column: "x"}], first: 2,
      metrics: [{function: COUNT}, {function: COUNT_DISTINCT, column: "n"},
        {function: AVG, column: "n"}]) { groups { keys values } rest { values } } } }"""
    for size in (1, 500):
        table_id = await new_table(small_site, "x", {"key": "n", "type": "NUMBER"})
        await add(small_site, table_id, *({"x": f"x{n}", "n": n} for n in range(size)))
        with statements.counted() as found:
            await small_site.graphql(query, t=table_id)
        assert len([text for text in found if "org_" in text]) == 1
        assert len(found) == 2, found


async def test_charts_of_tables_are_one_statement(small_site: Site, statements: Statements) -> None:
    tables = [await new_table(small_site, "x", name="Charted") for _ in range(3)]
    for table_id in tables:
        for _ in range(2):
            await new_chart(small_site, table_id, "x", aggregation="COUNT")
    query = '{ tables(search: "Charted") { charts { id name config table { name } } } }'
    with statements.counted() as found:
        listed = (await small_site.graphql(query))["tables"]
    assert [len(table["charts"]) for table in listed] == [2, 2, 2]
    assert len(found) == 3, found


async def test_a_change_costs_followers_of_a_chart_one_statement_and_no_scan(
    small_site: Site, statements: Statements
) -> None:
    table_id = await new_table(small_site, "x", {"key": "n", "type": "NUMBER"})
    chart_id = await new_chart(small_site, table_id, "x", yColumn="n", aggregation="SUM")
    async with AsyncExitStack() as stack:
        sockets = [await stack.enter_async_context(small_site.socket()) for _ in range(5)]
        for socket in sockets:
            await socket.subscribe("1", CHANGED, id=chart_id)
            assert (await socket.event("1"))["__typename"] == "ChartSnapshot"
        with statements.counted() as found:
            await add(small_site, table_id, {"x": "a", "n": 1.5})
            for socket in sockets:
                assert (await socket.event("1"))["upserted"][0]["y"] == 1.5
        reading = [text for text in found if "org_" in text and "INSERT" not in text]
        assert reading == []
        assert len([text for text in found if "moved AS" in text]) == 1


async def test_what_takes_too_long_is_refused_with_a_sentence(postgres_url: str) -> None:
    settings = {"transaction_timeout": "20ms"}
    async with asyncpg.create_pool(
        postgres_url.replace("+asyncpg", ""), min_size=1, max_size=1, server_settings=settings
    ) as pool:
        with pytest.raises(TooLarge, match="too large to be read so"):
            await fetch(pool, "SELECT pg_sleep(5)", [])
