"""Following relations costs a statement for each table of a level, whatever the number of rows."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest
from sqlalchemy import event

from tests.gql.documents import add, new_table
from tests.gql.test_statements import POOL, Statements
from tests.serving import Site, serve


@pytest.fixture(scope="module")
async def small_site(
    postgres_url: str, redis_url: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Site]:
    """An application with few connections, so that a test can listen on each of them."""
    folder = tmp_path_factory.mktemp("links")
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


async def family(site: Site, people: int, cities: int) -> tuple[str, str]:
    """`people` rows that lead to all of `cities` rows each."""
    target = await new_table(site, "name", name="Cities")
    to_cities = {"key": "to", "type": "RELATION", "config": {"targetTableId": target}}
    source = await new_table(site, "name", to_cities, {"key": "free", "type": "RELATION"})
    ids = await add(site, target, *({"name": str(n)} for n in range(cities)))
    for _ in range(people):
        await add(site, source, {"name": "x", "to": ids, "free": ids[:1]})
    return source, target


FORWARD = """query($t: ID!) { table(id: $t) { rows(first: 40) { nodes {
  cell(column: "to") { linkedRows(first: 1000) { nodes { id row { id } } totalCount } }
  other: cell(column: "free") { linkedRows(first: 5) { nodes { row { version } } } } } } } }"""
BACKWARD = """query($t: ID!, $s: ID!) { table(id: $t) { rows(first: 50) { nodes { id
  linkedFrom(tableId: $s, column: "to", first: 2) { nodes { id data } totalCount
    pageInfo { endCursor } } } } } }"""
RECORDS = """query($t: ID!) { table(id: $t) { rows(first: 40) { nodes {
  cell(column: "to") { linkedRows(first: 10) { nodes { row { id table { name } } }
    again: nodes { id } } } } } } }"""


async def test_35_000_linked_rows_are_one_statement(
    small_site: Site, statements: Statements
) -> None:
    """35,000 rows of a relation are what others refuse: their ids go into one parameter here."""
    for people, cities in ((1, 1), (35, 1000)):
        source, target = await family(small_site, people, cities)
        with statements.counted() as found:
            answer = await small_site.graphql(FORWARD, t=source)
        # Rows of the source; both cells of all rows, in a statement for each selection.
        assert len([text for text in found if "org_" in text]) == 3
        rows = answer["table"]["rows"]["nodes"]
        shown = [each for row in rows for each in row["cell"]["linkedRows"]["nodes"]]
        assert len(shown) == people * cities
        assert all(each["row"] == {"id": each["id"]} for each in shown)
        assert [row["other"]["linkedRows"]["nodes"] for row in rows] == [
            [{"row": {"version": 1}}] for _ in rows
        ]
        with statements.counted() as found:
            answer = await small_site.graphql(BACKWARD, t=target, s=source)
        assert len([text for text in found if "org_" in text]) == 2
        pages = [row["linkedFrom"] for row in answer["table"]["rows"]["nodes"]]
        assert {page["totalCount"] for page in pages} == {people}
        assert {len(page["nodes"]) for page in pages} == {min(people, 2)}


async def test_records_of_linked_rows_are_one_statement_too(
    small_site: Site, statements: Statements
) -> None:
    source, _ = await family(small_site, 5, 12)
    with statements.counted() as found:
        answer = await small_site.graphql(RECORDS, t=source)
    assert len([text for text in found if "org_" in text]) == 2
    for row in answer["table"]["rows"]["nodes"]:
        page = row["cell"]["linkedRows"]
        assert [each["row"]["table"]["name"] for each in page["nodes"]] == ["Cities"] * 10
        assert [each["row"]["id"] for each in page["nodes"]] == [e["id"] for e in page["again"]]
