"""Bad GraphQL requests by the hundred: never a 5xx, never INTERNAL, never a half-written row."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests.examples import examples
from tests.gql.documents import add, new_table
from tests.rest.test_bad_requests import JSON_VALUES, RAW_BODIES
from tests.serving import Site

_HUNDRED = examples(20)

_ADD = """mutation($t: ID!, $rows: [RowAddInput!]!) {
  rowsAdd(input: {tableId: $t, rows: $rows}) { revision errors { code message path } } }"""
_READ = """query($t: ID!, $first: Int, $filter: RowFilter, $sort: [RowSortInput!],
  $search: String) {
  table(id: $t) { rows(first: $first, filter: $filter, sort: $sort, search: $search) {
    nodes { id data } } } }"""


async def _send(site: Site, body: bytes) -> Any:
    headers = {"content-type": "application/json"}
    answer = await site.shared.post("/graphql", content=body, headers=headers)
    assert answer.status_code < 500, (body, answer.text)
    content = answer.json()
    for error in content.get("errors", ()):
        assert error["extensions"]["code"] != "INTERNAL", (body, error)
    return content


@given(body=st.one_of(RAW_BODIES, JSON_VALUES.map(json.dumps).map(lambda text: text.encode())))
@_HUNDRED
async def test_junk_bodies(site: Site, body: bytes) -> None:
    await _send(site, body)


@given(rows=JSON_VALUES, data=JSON_VALUES)
@_HUNDRED
async def test_rows_that_are_refused_leave_no_trace(site: Site, rows: Any, data: Any) -> None:
    table_id = await new_table(site, {"key": "n", "type": "NUMBER", "required": True})
    await add(site, table_id, {"n": 1})
    table = "query($t: ID!) { table(id: $t) { revision rowCount } }"
    before = (await site.graphql(table, t=table_id))["table"]
    for given_rows in (rows, [{"data": {"n": 2}}, {"data": data}], [{"data": {"n": data}}]):
        body = {"query": _ADD, "variables": {"t": table_id, "rows": given_rows}}
        content = await _send(site, json.dumps(body).encode())
        payload = (content.get("data") or {}).get("rowsAdd")
        after = (await site.graphql(table, t=table_id))["table"]
        if payload is None or payload["errors"]:
            assert after == before
        before = after


@given(first=JSON_VALUES, column=JSON_VALUES, value=JSON_VALUES, search=JSON_VALUES)
@_HUNDRED
async def test_bad_filters_sorts_and_sizes(
    site: Site, first: Any, column: Any, value: Any, search: Any
) -> None:
    table_id = await new_table(site, {"key": "n", "type": "NUMBER"})
    for operator in ("EQ", "IN", "CONTAINS"):
        where = {"column": column, "operator": operator, "value": value}
        variables = {"t": table_id, "filter": {"where": where}, "search": search}
        await _send(site, json.dumps({"query": _READ, "variables": variables}).encode())
    variables = {"t": table_id, "first": first, "sort": [{"column": column}]}
    await _send(site, json.dumps({"query": _READ, "variables": variables}).encode())
