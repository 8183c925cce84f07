"""What requests cost: statements do not grow with tables or rows."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import asyncpg
from sqlalchemy import event

from persistence.engine import Database
from tests.rest.calls import Calls, column, condition
from tests.serving import Site


@contextmanager
def metadata_statements(database: Database) -> Iterator[list[str]]:
    """Statements about tables, columns and projects; the look-up of the key is left out."""
    seen: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if "api_key" not in statement:
            seen.append(statement)

    event.listen(database.engine.sync_engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(database.engine.sync_engine, "before_cursor_execute", note)


@asynccontextmanager
async def row_statements(database: Database) -> AsyncIterator[list[str]]:
    """Statements that read or write rows, whichever connection of the pool sends them."""
    seen: list[str] = []

    def note(record: Any) -> None:
        seen.append(record.query)

    held: list[Any] = [await database.pool.acquire() for _ in range(database.pool.get_size())]
    for connection in held:
        connection.add_query_logger(note)
    for connection in held:
        await database.pool.release(connection)
    try:
        yield seen
    finally:
        for connection in held:
            raw: asyncpg.Connection[Any] | None = connection._con
            if raw is not None:
                raw.remove_query_logger(note)


async def test_listing_tables_takes_three_statements(site: Site, calls: Calls) -> None:
    create = 'mutation { projectCreate(input: {name: "P"}) { project { id } } }'
    project = (await site.graphql(create))["projectCreate"]["project"]["id"]
    costs = []
    for count in (1, 4):
        for _ in range(count):
            await calls.table(column("a"), column("b"), projectId=project)
        with metadata_statements(site.gateway.database) as seen:
            answer = await calls.client.get("/api/tables", params={"projectId": project})
        costs.append((len(answer.json()), len(seen)))
    assert costs == [(1, 3), (5, 3)]


async def test_a_page_of_rows_is_one_statement_and_columns_are_cached(
    site: Site, calls: Calls
) -> None:
    made = await calls.table(column("a", "number"), column("b"))
    await calls.add(made["id"], *({"a": n, "b": "x"} for n in range(300)))
    await calls.rows(made["id"])
    filters = [condition("a", "gte", 100)]
    database = site.gateway.database
    with metadata_statements(database) as metadata:
        async with row_statements(database) as seen:
            assert len(await calls.rows(made["id"], limit=1000)) == 300
            assert len(await calls.rows(made["id"], filters=filters, limit=5)) == 5
    assert (len(seen), metadata) == (2, [])


async def test_adding_rows_costs_the_same_statements_for_any_number(
    site: Site, calls: Calls
) -> None:
    made = await calls.table(column("a", "number"))
    await calls.add(made["id"], {"a": 0})
    costs = []
    for count in (1, 500):
        async with row_statements(site.gateway.database) as seen:
            await calls.add(made["id"], *({"a": n} for n in range(count)))
        costs.append(len(seen))
    assert costs == [2, 2]
