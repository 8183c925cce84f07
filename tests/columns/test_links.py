"""Relations in GraphQL: forwards, backwards, in circles, and with rows that are gone."""

from typing import Any
from uuid import UUID

import pytest

from domain import links
from domain.columns import ColumnType, NewColumn
from domain.paging import page_request
from domain.selection import RowsQuery
from persistence.filter_sql import Params
from persistence.links import links_statement
from tests.gql.documents import ERRORS, add, ask, codes, new_table
from tests.serving import Site
from tests.worlds import World, open_world

FORWARD = """query($t: ID!, $first: Int, $after: String) { table(id: $t) { rows {
  nodes { data cell(column: "to") { linkedRows(first: $first, after: $after) {
    nodes { id row { id data } } totalCount
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } } } } } }"""
BACKWARD = """query($id: ID!, $t: ID!, $first: Int, $after: String) { row(id: $id) {
  linkedFrom(tableId: $t, column: "to", first: $first, after: $after) {
    nodes { id data } totalCount revision
    pageInfo { hasNextPage hasPreviousPage endCursor } } } }"""
UPDATE = f"""mutation($t: ID!, $rows: [RowUpdateInput!]!) {{
  rowsUpdate(input: {{tableId: $t, rows: $rows}}) {{ {ERRORS} }} }}"""


async def two_tables(site: Site, **config: Any) -> tuple[str, str]:
    """Cities, and people with a relation to them."""
    cities = await new_table(site, "name", name="Cities")
    relation = {"key": "to", "type": "RELATION", "config": {"targetTableId": cities, **config}}
    return cities, await new_table(site, "name", relation, name="People")


async def linked(site: Site, table: str, **arguments: Any) -> list[dict[str, Any]]:
    """The linked rows of each row."""
    found = await site.graphql(FORWARD, t=table, **arguments)
    return [row["cell"]["linkedRows"] for row in found["table"]["rows"]["nodes"]]


@pytest.mark.parametrize("config", [{}, {"targetTableId": None}, {"multiple": True}])
async def test_linked_rows_come_in_the_order_of_the_ids_and_the_gone_keep_their_place(
    site: Site, config: dict[str, Any]
) -> None:
    cities, people = await two_tables(site, **config)
    paris, rome, oslo = await add(site, cities, *({"name": n} for n in ("Paris", "Rome", "Oslo")))
    await add(site, people, {"to": [oslo, paris, rome]}, {"to": paris}, {"to": None})
    delete = "mutation($t: ID!, $r: [ID!]!) { rowsDelete(input: {tableId: $t, rowIds: $r}) { %s } }"
    await site.graphql(delete % ERRORS, t=cities, r=[rome])
    several, one, none = await linked(site, people)
    rows: dict[str, Any] = {paris: {"name": "Paris"}, oslo: {"name": "Oslo"}}
    assert several["nodes"] == [
        {"id": row_id, "row": rows.get(row_id) and {"id": row_id, "data": rows[row_id]}}
        for row_id in (oslo, paris, rome)
    ]
    assert (several["totalCount"], one["totalCount"], none["totalCount"]) == (3, 1, 0)
    assert [each["row"]["data"]["name"] for each in one["nodes"]] == ["Paris"]
    assert none["nodes"] == []
    assert none["pageInfo"]["endCursor"] is None


async def test_pages_of_linked_rows_go_on_where_the_ids_went(site: Site) -> None:
    cities, people = await two_tables(site)
    ids = await add(site, cities, *({"name": str(n)} for n in range(5)))
    [row] = await add(site, people, {"to": ids})
    [first] = await linked(site, people, first=2)
    assert [each["id"] for each in first["nodes"]] == ids[:2]
    info = first["pageInfo"]
    assert (info["hasNextPage"], info["hasPreviousPage"]) == (True, False)
    # The cursor's own id goes: what stood behind it comes next.
    await site.graphql(UPDATE, t=people, rows=[{"id": row, "data": {"to": [ids[0], *ids[2:]]}}])
    [second] = await linked(site, people, first=2, after=info["endCursor"])
    assert [each["id"] for each in second["nodes"]] == ids[2:4]
    [last] = await linked(site, people, first=2, after=second["pageInfo"]["endCursor"])
    assert [each["id"] for each in last["nodes"]] == ids[4:]
    assert last["pageInfo"]["hasNextPage"] is False
    for junk in ("x", "é", "MTo", "A" * 200):
        body = await ask(site, FORWARD, {"t": people, "after": junk})
        assert codes(body) == ["BAD_USER_INPUT"], junk


async def test_rows_say_which_rows_lead_to_them(site: Site) -> None:
    cities, people = await two_tables(site)
    paris, rome = await add(site, cities, {"name": "Paris"}, {"name": "Rome"})
    ids = await add(
        site,
        people,
        *({"name": str(n), "to": [paris, rome] if n % 2 else [paris]} for n in range(4)),
        {"name": "nobody"},
    )
    found = (await site.graphql(BACKWARD, id=rome, t=people))["row"]["linkedFrom"]
    assert [each["id"] for each in found["nodes"]] == [ids[1], ids[3]]
    assert (found["totalCount"], found["revision"]) == (2, 2)
    seen: list[str] = []
    cursor, more = None, True
    while more:
        answer = await site.graphql(BACKWARD, id=paris, t=people, first=3, after=cursor)
        found = answer["row"]["linkedFrom"]
        seen += [each["id"] for each in found["nodes"]]
        cursor, more = found["pageInfo"]["endCursor"], found["pageInfo"]["hasNextPage"]
    assert seen == ids[:4]


async def test_linked_from_refuses_what_is_no_relation(site: Site, stranger: Site) -> None:
    cities, people = await two_tables(site)
    [paris] = await add(site, cities, {"name": "Paris"})
    theirs = await new_table(stranger, {"key": "to", "type": "RELATION"})
    query = "query($id: ID!, $t: ID!, $c: String!) { row(id: $id) { linkedFrom(tableId: $t, %s"
    query %= "column: $c) { totalCount } } }"
    for table, column in ((people, "name"), (people, "none")):
        body = await ask(site, query, {"id": paris, "t": table, "c": column})
        assert codes(body) == ["BAD_USER_INPUT"]
    for table in (theirs, "junk"):
        found = await site.graphql(query, id=paris, t=table, c="to")
        assert found["row"]["linkedFrom"] is None


async def test_other_columns_have_no_linked_rows_and_strangers_see_nothing(
    site: Site, stranger: Site
) -> None:
    cities = await new_table(site, "name")
    [paris] = await add(site, cities, {"name": "Paris"})
    theirs = await new_table(stranger, "name", {"key": "to", "type": "RELATION"})
    await add(stranger, theirs, {"name": "x", "to": paris})
    assert [each["nodes"] for each in await linked(stranger, theirs)] == [
        [{"id": paris, "row": None}]
    ]
    query = """query($t: ID!) { table(id: $t) { rows { nodes { cell(column: "name") {
      linkedRows { totalCount } } } } } }"""
    found = await stranger.graphql(query, t=theirs)
    assert found["table"]["rows"]["nodes"] == [{"cell": {"linkedRows": None}}]


async def test_a_table_may_lead_to_itself_and_circles_cost_what_they_multiply(site: Site) -> None:
    table = await new_table(site, "name")
    add_column = f"""mutation($t: ID!, $c: ColumnInput!) {{
      columnAdd(input: {{tableId: $t, column: $c}}) {{ {ERRORS} }} }}"""
    relation = {"key": "to", "type": "RELATION", "config": {"targetTableId": table}}
    await site.graphql(add_column, t=table, c=relation)
    [one] = await add(site, table, {"name": "1"})
    [two] = await add(site, table, {"name": "2", "to": one})
    await site.graphql(UPDATE, t=table, rows=[{"id": one, "data": {"to": two}}])
    query = """query($id: ID!) { row(id: $id) { cell(column: "to") { linkedRows(first: 2) { nodes {
      row { id cell(column: "to") { linkedRows(first: 2) { nodes { row { data } } } } } } } }
      linkedFrom(tableId: "%s", column: "to") { nodes { id __typename
        linkedFrom(tableId: "%s", column: "to") { nodes { id } } } } } }"""
    row = (await site.graphql(query % (table, table), id=one))["row"]
    [node] = row["cell"]["linkedRows"]["nodes"]
    assert node["row"]["id"] == two
    [back] = node["row"]["cell"]["linkedRows"]["nodes"]
    assert back["row"]["data"] == {"name": "1", "to": two}
    assert row["linkedFrom"]["nodes"] == [
        {"id": two, "__typename": "Row", "linkedFrom": {"nodes": [{"id": one}]}}
    ]
    deep = "id"
    for _ in range(4):
        deep = f'cell(column: "to") {{ linkedRows {{ nodes {{ row {{ {deep} }} }} }} }}'
    body = await ask(site, f'{{ row(id: "{one}") {{ {deep} }} }}')
    assert codes(body) == ["LIMIT_EXCEEDED"]


@pytest.mark.parametrize(
    ("config", "path"),
    [({"targetTableId": "tbl-1"}, ["columns", "0", "config"]), ({"multiple": 1}, None)],
)
async def test_a_relation_leads_to_a_table_of_the_organisation(
    site: Site, stranger: Site, config: dict[str, Any], path: list[str] | None
) -> None:
    create = f"""mutation($c: [ColumnInput!]!) {{
      tableCreate(input: {{name: "T", columns: $c}}) {{ {ERRORS} }} }}"""
    theirs = await new_table(stranger, "name")
    column = {"key": "to", "type": "RELATION"}
    for each in (config, {"targetTableId": theirs}):
        made = await site.graphql(create, c=[column | {"config": each}])
        [error] = made["tableCreate"]["errors"]
        assert error["path"] == (path or ["columns", "0", "config"])
    table = await new_table(site, column)
    shown = await site.graphql("query($t: ID!) { table(id: $t) { columns { id } } }", t=table)
    update = f"""mutation($t: ID!, $c: ID!, $g: JSON) {{
      columnUpdate(input: {{tableId: $t, columnId: $c, config: $g}}) {{ {ERRORS} }} }}"""
    changed = await site.graphql(
        update, t=table, c=shown["table"]["columns"][0]["id"], g={"targetTableId": theirs}
    )
    [error] = changed["columnUpdate"]["errors"]
    assert (error["code"], error["path"]) == ("NOT_FOUND", ["config"])


async def _linked_tables(world: World, count: int) -> tuple[UUID, UUID]:
    """A table of `count` targets and one of as many rows that lead to one of them each."""
    targets = await world.table("name")
    config = {"targetTableId": str(targets)}
    sources = await world.table("name", NewColumn("to", "To", ColumnType.RELATION, config=config))
    target, source = await world.shape(targets), await world.shape(sources)
    statement = """INSERT INTO {} (id, position, session_id, version, created_by, created_at,
      updated_at{}) SELECT {}, n, $1, 1, 'test', now(), now(){} FROM generate_series(1, $2) n"""
    number = "lpad(to_hex(n), 32, '0')::uuid"
    pool = world.database.pool
    text = statement.format(target.sql_name, "", number, "")
    await pool.execute(text, target.first_session_id, count)
    column = source.columns_by_key["to"].sql_name
    text = statement.format(source.sql_name, f", {column}", "uuidv7()", f", ARRAY[{number}]")
    await pool.execute(text, source.first_session_id, count)
    await pool.execute(f"VACUUM ANALYZE {source.sql_name}")
    return targets, sources


async def test_the_way_back_goes_through_the_index_that_every_relation_has(
    postgres_url: str,
) -> None:
    async with open_world(postgres_url) as world:
        _, sources = await _linked_tables(world, 20_000)
        shape = await world.shape(sources)
        column = shape.columns_by_key["to"]
        query = RowsQuery(selection=None, page=page_request(first=10, maximum=1000))
        asked = [UUID(int=n) for n in (5, 70_000, 6)]
        params = Params(shape.id, shape.organization_id, shape.columns_version)
        text = links_statement(shape, column, asked, query, params)
        plan = await world.database.pool.fetch(f"EXPLAIN {text}", *params.values)
        assert f"ix_t{shape.number}_{column.sql_name}" in "\n".join(line[0] for line in plan)
        pages = await links.read_linked_from(
            world.viewer, world.storage, sources, "to", asked, lambda _: query
        )
        assert [len(page.rows) for page in pages] == [1, 0, 1]
        # Asked for again, the index that is there is told of; nothing is built.
        index = await world.storage.columns.create_index(shape, column)
        assert index.status == "ready"
