"""How many statements a query takes: never one per row, cell or parent."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from sqlalchemy import event

from tests.compiled.samples import Sample
from tests.serving import Site

CONNECTIONS = 12


#: Not part of a query: the driver's clean-up and its look at types on new connections, and keys,
#: which are believed for a second.
NOISE = ("pg_advisory_unlock_all", "current_setting(", "set_config(", "typeinfo", "api_key")


class Statements(list[str]):
    """The statements since the last `clear`."""

    def from_pool(self, record: Any) -> None:
        self._take(record.query)

    def from_engine(self, *arguments: Any) -> None:
        self._take(arguments[2])

    def _take(self, text: str) -> None:
        if not any(mark in text for mark in NOISE):
            self.append(text)


@asynccontextmanager
async def counted(site: Site) -> AsyncIterator[Statements]:
    """Listen on both ways to the database."""
    statements = Statements()
    database = site.gateway.database
    taken = [await database.pool.acquire() for _ in range(CONNECTIONS)]
    for connection in taken:
        connection.add_query_logger(statements.from_pool)
        await database.pool.release(connection)
    engine = database.engine.sync_engine
    event.listen(engine, "before_cursor_execute", statements.from_engine)
    try:
        yield statements
    finally:
        event.remove(engine, "before_cursor_execute", statements.from_engine)
        taken = [await database.pool.acquire() for _ in range(CONNECTIONS)]
        for connection in taken:
            connection.remove_query_logger(statements.from_pool)
            await database.pool.release(connection)


PAGE = """query($t: ID!) { table(id: $t) { rowCount revision
  rows(first: 1000, sort: {column: "number"}, filter: {not: {where: {column: "text", operator: EQ,
  value: "no"}}}) { %s } } }"""


@pytest.mark.parametrize(
    "selection",
    [
        "nodes { id data version }",
        "edges { cursor node { id cells { column { key } status value } } } pageInfo { endCursor }",
        'totalCount nodes { cell(column: "worker") { status value updatedAt } }',
        "nodes { id cells { value row { id } } }",
        "nodes { id table { name columns { key } sessions { name } } session { name } }",
    ],
)
async def test_a_page_is_one_statement(site: Site, sample: Sample, selection: str) -> None:
    await site.graphql(PAGE % selection, t=sample.table_id)
    async with counted(site) as statements:
        await site.graphql(PAGE % selection, t=sample.table_id)
    pages = [text for text in statements if "LATERAL" in text]
    assert len(pages) == 1, statements
    assert ("count(*)" in pages[0]) == ("totalCount" in selection)
    metadata = len(statements) - 1
    # The table; where rows lead back to it also the columns and the sessions, once for all rows.
    assert metadata == (3 if "session" in selection else 1), statements


async def test_levels_not_parents_decide(site: Site, sample: Sample) -> None:
    project = (
        await site.graphql('mutation { projectCreate(input: {name: "P"}) { project { id } } }')
    )["projectCreate"]["project"]["id"]
    tables = []
    for number in range(6):
        made = await site.graphql(
            "mutation($n: String!, $p: ID!) { tableCreate(input: {name: $n, projectId: $p,"
            ' columns: [{key: "a"}]}) { table { id } } }',
            n=f"T{number}",
            p=project,
        )
        tables.append(made["tableCreate"]["table"]["id"])
    query = """{ projects { tables { columns { key } sessions { name }
      project { name tables { id } } } } }"""
    async with counted(site) as statements:
        found = await site.graphql(query)
    assert len(found["projects"][0]["tables"]) == 6
    assert len(statements) == 5, statements
    await assert_aliases_share(site, tables)


async def assert_aliases_share(site: Site, tables: list[str]) -> None:
    body = "{ columns { key } rows(first: 10) { nodes { id data } } }"
    query = " ".join(f't{n}: table(id: "{id_}") {body}' for n, id_ in enumerate(tables))
    await site.graphql(f"{{ {query} }}")
    async with counted(site) as statements:
        await site.graphql(f"{{ {query} }}")
    assert len(statements) == 2 + len(tables), statements


async def test_rows_by_id_are_read_together(site: Site, sample: Sample) -> None:
    query = "query($ids: [ID!]!) { nodes(ids: $ids) { id ... on Row { data } } }"
    await site.graphql(query, ids=sample.row_ids)
    async with counted(site) as statements:
        await site.graphql(query, ids=[*sample.row_ids, *sample.row_ids])
        assert len(statements) == 1, statements
        statements.clear()
        await site.graphql(f'{{ row(id: "{sample.row_ids[0]}") {{ id cells {{ value }} }} }}')
        assert len(statements) == 1, statements


async def test_a_write_reads_back_only_what_is_selected(site: Site, sample: Sample) -> None:
    made = await site.graphql(
        'mutation { tableCreate(input: {name: "W", columns: [{key: "a"}]}) { table { id } } }'
    )
    table_id = made["tableCreate"]["table"]["id"]
    add = """mutation($t: ID!) { rowsAdd(input: {tableId: $t,
      rows: [{data: {a: 1}}, {data: {a: 2}}]}) { rowIds revision %s } }"""
    await site.graphql(add % "", t=table_id)
    async with counted(site) as statements:
        await site.graphql(add % "", t=table_id)
        alone = len(statements)
        statements.clear()
        answer = await site.graphql(add % "rows { data version }", t=table_id)
        assert len(statements) == alone + 1, statements
    assert [row["data"]["a"] for row in answer["rowsAdd"]["rows"]] == ["1", "2"]


async def test_two_pages_of_a_table_carry_their_own_revision(site: Site, sample: Sample) -> None:
    found = await site.graphql(
        """query($t: ID!) { table(id: $t) { revision rowCount
          a: rows(first: 1) { revision nodes { id } }
          b: rows(last: 1) { revision nodes { id } } } }""",
        t=sample.table_id,
    )
    table = found["table"]
    assert table["a"]["revision"] == table["b"]["revision"] == table["revision"]
    assert table["rowCount"] == len(sample.row_ids)


async def test_config_keeps_every_digit(site: Site, sample: Sample) -> None:
    query = f"""{{ table(id: "{sample.table_id}") {{ columns {{ key config }}
      rows(first: 1) {{ nodes {{ cell(column: "select") {{ column {{ config }} }} }} }} }} }}"""
    answer = await site.shared.post("/graphql", json={"query": query})
    assert answer.text.count("123456789012345678.125") == 2
