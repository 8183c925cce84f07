"""Tools of columns through GraphQL: saved, shown, changed, taken away, refused."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.gql.documents import ERRORS, new_table
from tests.serving import Site, serve

ADD = f"""mutation($input: ColumnAddInput!) {{ columnAdd(input: $input) {{
  column {{ id computedBy tool {{ kind inputs ai {{ prompt network }} python {{ code }}
    http {{ method headers {{ name value }} }} lookup {{ match }} }} }} {ERRORS} }} }}"""
UPDATE = f"""mutation($input: ColumnUpdateInput!) {{ columnUpdate(input: $input) {{
  column {{ computedBy tool {{ kind inputs }} }} {ERRORS} }} }}"""


@pytest.fixture(scope="module")
async def site(
    postgres_url: str, redis_url: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Site]:
    async with serve(postgres_url, redis_url, tmp_path_factory.mktemp("site")) as opened:
        yield opened


async def add(site: Site, table_id: str, **tool: Any) -> dict[str, Any]:
    """The payload of a new column `out` with this tool."""
    given = {"key": "out", "tool": {"run": tool}}
    asked = {"tableId": table_id, "column": given}
    payload: dict[str, Any] = (await site.graphql(ADD, input=asked))["columnAdd"]
    return payload


async def test_a_tool_is_saved_and_shown(site: Site) -> None:
    table_id = await new_table(site, "name", "price")
    made = await add(site, table_id, ai={"prompt": "What is {{name}}?"})
    assert made["errors"] == []
    assert made["column"]["computedBy"] == "TOOL"
    assert made["column"]["tool"] == {
        "kind": "AI",
        "inputs": ["name"],
        "ai": {"prompt": "What is {{name}}?", "network": False},
        "python": None,
        "http": None,
        "lookup": None,
    }
    code = 'def run(row):\n    return row["name"] + str(row["price"])'
    change = {"tableId": table_id, "columnId": made["column"]["id"]}
    tool = {"run": {"python": {"code": code}}}
    changed = (await site.graphql(UPDATE, input=change | {"tool": tool}))["columnUpdate"]
    assert changed["column"] == {
        "computedBy": "TOOL",
        "tool": {"kind": "PYTHON", "inputs": ["name", "price"]},
    }
    gone = (await site.graphql(UPDATE, input=change | {"tool": None}))["columnUpdate"]
    assert gone["column"] == {"computedBy": None, "tool": None}


async def test_the_tool_of_a_cell_is_shown_beside_its_rows(site: Site) -> None:
    table_id = await new_table(site, "name")
    await add(site, table_id, http={"url": "https://x.example/{{name}}", "headers": [
        {"name": "A", "value": "{{secret.key}}"}]})  # fmt: skip
    query = """mutation($t: ID!) { rowsAdd(input: {tableId: $t, rows: [{data: {name: "a"}}]}) {
      rows { cell(column: "out") {
        status column { tool { http { url headers { value } } } } } } } }"""
    [row] = (await site.graphql(query, t=table_id))["rowsAdd"]["rows"]
    http = {"url": "https://x.example/{{name}}", "headers": [{"value": "{{secret.key}}"}]}
    assert row["cell"] == {"status": "READY", "column": {"tool": {"http": http}}}


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("def run(row):\n    return", "reads no column"),
        ('import socket\ndef run(row):\n    return row["name"]', "socket"),
        ('def run(row):\n    yield row["name"]', "yield"),
        ('while True: pass\ndef run(row):\n    return row["name"]', "longer than"),
    ],
)
async def test_a_program_that_cannot_run_is_refused_when_it_is_saved(
    site: Site, code: str, said: str
) -> None:
    table_id = await new_table(site, "name")
    made = await add(site, table_id, python={"code": code})
    assert made["column"] is None
    [error] = made["errors"]
    assert said in error["message"]
    assert error["path"][:2] == ["column", "tool"]
