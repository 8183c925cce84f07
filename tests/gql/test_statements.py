"""How many statements a request costs: none for each row, cell or table of a list."""

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, contextmanager
from typing import Any

import pytest
from sqlalchemy import event

from tests.gql.documents import ADD, add, new_table
from tests.serving import Site, serve

POOL = 4
#: What the driver sends for itself: to become clean, and to learn of a type on a new connection.
DRIVERS_OWN = ("pg_advisory_unlock_all", "pg_catalog", "set_config")


class Statements:
    """What the application sends to PostgreSQL, its two pools together."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def of_pool(self, query: Any) -> None:
        """One statement of the pool for rows."""
        if not any(word in query.query for word in DRIVERS_OWN):
            self.texts.append(query.query)

    def of_engine(self, _connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        """One statement of the engine for metadata. Keys are looked up once a second, not for each
        request."""
        if "api_key" not in statement:
            self.texts.append(statement)

    @contextmanager
    def counted(self) -> Iterator[list[str]]:
        """The statements of a block."""
        found: list[str] = []
        start = len(self.texts)
        yield found
        found += self.texts[start:]


@pytest.fixture(scope="module")
async def small_site(
    postgres_url: str, redis_url: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Site]:
    """An application with few connections, so that a test can listen on each of them."""
    folder = tmp_path_factory.mktemp("statements")
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


async def wide_table(site: Site, columns: int, rows: int) -> str:
    table_id = await new_table(site, *(f"c{n}" for n in range(columns)))
    await add(site, table_id, *({f"c{n}": "x" for n in range(columns)} for _ in range(rows)))
    return table_id


PAGE = """query($t: ID!) { table(id: $t) { rowCount revision rows(first: 1000) {
  nodes { id data cells { id status value column { key label } } } totalCount } } }"""
RECORDS = """query($t: ID!) { table(id: $t) { rows(first: 1000) {
  nodes { id table { name } session { name } cells { value row { id } } } } } }"""


@pytest.mark.parametrize("query", [PAGE, RECORDS])
async def test_a_page_of_rows_is_one_statement(
    small_site: Site, statements: Statements, query: str
) -> None:
    counts = set()
    for columns, rows in ((1, 1), (3, 5), (30, 200)):
        table_id = await wide_table(small_site, columns, rows)
        with statements.counted() as found:
            await small_site.graphql(query, t=table_id)
        counts.add(len(found))
        of_rows = [text for text in found if "org_" in text]
        assert len(of_rows) == 1, of_rows
    # The table's record, its rows; for records also the sessions.
    assert counts == {2 if query is PAGE else 3}


async def test_the_total_is_counted_only_when_it_is_selected(
    small_site: Site, statements: Statements
) -> None:
    table_id = await wide_table(small_site, 1, 3)
    plain = 'query($t: ID!) { table(id: $t) { rows(search: "x") { nodes { id } %s } } }'
    for selected in ("", "revision", "totalCount", "total: totalCount"):
        with statements.counted() as found:
            await small_site.graphql(plain % selected, t=table_id)
        [of_rows] = [text for text in found if "org_" in text]
        assert ("count(*)" in of_rows.lower()) == ("totalCount" in selected)


async def test_lists_of_tables_cost_one_statement_a_level(
    small_site: Site, statements: Statements
) -> None:
    query = """query($p: ID!) { tables(projectId: $p) { name rowCount columns { key }
      sessions { name } project { name tables { id columns { key } } } } }"""
    create = """mutation($p: ID!) { tableCreate(input: {name: "T", projectId: $p,
      columns: [{key: "a"}, {key: "b"}]}) { table { id } } }"""
    project = """mutation { projectCreate(input: {name: "P"}) { project { id } } }"""
    counts = []
    for size in (5, 20):
        made = await small_site.graphql(project)
        project_id = made["projectCreate"]["project"]["id"]
        for _ in range(size):
            await small_site.graphql(create, p=project_id)
        with statements.counted() as found:
            tables = (await small_site.graphql(query, p=project_id))["tables"]
        assert [len(table["columns"]) for table in tables] == [2] * size
        counts.append(len(found))
    # Tables, their columns, sessions and projects, and the projects' tables.
    assert counts == [5, 5]


async def test_runs_with_their_steps_cost_one_statement_a_level(
    small_site: Site, statements: Statements
) -> None:
    create = """mutation { workflowCreate(input: {name: "W", definition: {pattern: "sequence",
      steps: [{id: "a", kind: "task_create", title: "T"}]}}) { workflow { id } } }"""
    start = "mutation($id: ID!) { workflowStart(input: {workflowId: $id}) { run { id } } }"
    query = """query($id: ID!) { workflow(id: $id) { project { name } runs { nodes {
      steps { name } workflow { name } } } } }"""
    workflow_id = (await small_site.graphql(create))["workflowCreate"]["workflow"]["id"]
    counts = []
    for size in (2, 6):
        for _ in range(size):
            await small_site.graphql(start, id=workflow_id)
        with statements.counted() as found:
            await small_site.graphql(query, id=workflow_id)
        counts.append(len(found))
    # The workflow, once more for the right to see its runs, the runs, their steps, their workflow.
    assert counts == [5, 5]


async def test_things_by_id_are_read_together(small_site: Site, statements: Statements) -> None:
    table_id = await wide_table(small_site, 3, 50)
    query = "query($t: ID!) { table(id: $t) { rows { nodes { id } } } }"
    rows = [
        node["id"]
        for node in (await small_site.graphql(query, t=table_id))["table"]["rows"]["nodes"]
    ]
    for document, variables, expected in (
        ("query($id: ID!) { row(id: $id) { data cells { value } } }", {"id": rows[0]}, 1),
        ("query($id: ID!) { node(id: $id) { id } }", {"id": rows[0]}, 1),
        ("query($id: ID!) { cell(id: $id) { value } }", {"id": f"{rows[0]}.1"}, 1),
        ("query($ids: [ID!]!) { nodes(ids: $ids) { id } }", {"ids": rows}, 1),
        (
            "query($ids: [ID!]!) { nodes(ids: $ids) { ... on Row { session { id } table { id }"
            " } } }",
            {"ids": rows},
            3,
        ),
    ):
        with statements.counted() as found:
            await small_site.graphql(document, **variables)
        assert len(found) == expected, (document, found)


async def test_a_write_costs_the_same_for_one_row_and_for_a_thousand(
    small_site: Site, statements: Statements
) -> None:
    table_id = await wide_table(small_site, 3, 1)
    update = """mutation($t: ID!, $rows: [RowUpdateInput!]!) {
      rowsUpdate(input: {tableId: $t, rows: $rows}) { revision errors { code } } }"""
    counts = []
    for size in (1, 1000):
        with statements.counted() as found:
            added = await small_site.graphql(ADD, t=table_id, rows=[{"data": {"c0": "a"}}] * size)
            changes = [{"id": id_, "data": {"c1": "b"}} for id_ in added["rowsAdd"]["rowIds"]]
            changed = await small_site.graphql(update, t=table_id, rows=changes)
        assert changed["rowsUpdate"]["errors"] == []
        counts.append(len(found))
    assert counts[0] == counts[1], found


async def test_a_subscriber_at_rest_costs_one_poll_for_all(
    small_site: Site, statements: Statements
) -> None:
    tables = [await wide_table(small_site, 1, 1) for _ in range(5)]
    hub = small_site.gateway.hub
    async with small_site.socket() as socket:
        for place, table_id in enumerate(tables * 4):
            await socket.subscribe(
                str(place),
                "subscription($t: ID!) { tableChanged(tableId: $t) { __typename } }",
                t=table_id,
            )
            assert (await socket.event(str(place)))["__typename"] == "StreamStarted"
        polls = hub.counters.clock_reads
        await next_poll(small_site, polls + 1)
        with statements.counted() as found:
            await next_poll(small_site, polls + 3)
        assert len(found) <= 3, found
        assert len(set(found)) == 1


async def next_poll(site: Site, count: int) -> None:
    """Until the hub has read its clocks this often; it is asked, because nothing tells of it."""
    while site.gateway.hub.counters.clock_reads < count:
        assert (await site.shared.get("/health/live")).status_code == 200
