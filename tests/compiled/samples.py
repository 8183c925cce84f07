"""A table with every kind of column, and rows that try to break texts built by hand."""

import json
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from tests.serving import Site

COLUMNS = """[
  {key: "text", label: "It's \\"text\\" \\\\ %s"}
  {key: "number", type: NUMBER, required: false, defaultValue: "7"}
  {key: "boolean", type: BOOLEAN}
  {key: "date", type: DATE}
  {key: "datetime", type: DATETIME}
  {key: "select", type: SELECT, config: {options: ["a", "b"], weight: 123456789012345678.125}}
  {key: "url", type: URL}
  {key: "email", type: EMAIL}
  {key: "one", type: RELATION}
  {key: "many", type: RELATION, config: {multiple: true}}
  {key: "computed", type: COMPUTED,
   config: {formulaType: "arithmetic", formula: "{number} * 2", dependencies: ["number"]}}
  {key: "worker", computedBy: EXTERNAL}
  {key: "count", type: NUMBER, computedBy: EXTERNAL}
  {key: "ключ \\" '\\\\", type: TEXT}
]"""

ROWS = """[
  {data: {}}
  {data: {text: "a\\"b\\\\c\\u0007d\\ne 😀 </script> %s $1 '", number: 0.1, boolean: true,
    date: "2024-02-29", datetime: "2024-02-29T23:59:59.999Z", select: "a",
    url: "https://example.org/?q=1&b=[]", email: "a@example.org", worker: "by hand",
    one: "00000000-0000-8000-8000-000000000001", many: ["00000000-0000-8000-8000-000000000001",
    "00000000-0000-8000-8000-000000000002"], unknown: {deep: [1, {a: null}], n: 1.50}}}
  {data: {text: "", number: 123456789012345678901234567890.125, boolean: false,
    date: "0001-01-01", datetime: "9999-12-31T00:00:00+02:00", select: "b", text2: "\\u2028"}}
  {data: {number: -1e-30, many: "00000000-0000-8000-8000-000000000001", count: 1e20}}
]"""


@dataclass(frozen=True)
class Sample:
    """The table and its rows."""

    table_id: str
    row_ids: list[str]


async def make_sample(site: Site) -> Sample:
    """Make the table, its rows, and cells in several states."""
    made = await site.graphql(
        f'mutation {{ tableCreate(input: {{name: "Sample", columns: {COLUMNS}}})'
        " { table { id } errors { message path } } }"
    )
    assert made["tableCreate"]["errors"] == []
    table_id = made["tableCreate"]["table"]["id"]
    added = await site.graphql(
        f"mutation($t: ID!) {{ rowsAdd(input: {{tableId: $t, rows: {ROWS}}})"
        " { rowIds errors { message path } } }",
        t=table_id,
    )
    assert added["rowsAdd"]["errors"] == []
    row_ids = added["rowsAdd"]["rowIds"]
    first, _, third, fourth = row_ids
    await _report(site, table_id, first, "QUEUED")
    await _report(site, table_id, third, "QUEUED")
    await _report(site, table_id, third, "CALCULATING progress: 0.25")
    await _report(site, table_id, third, 'ERROR error: "no \\"luck\\"" progress: 1')
    await _report(site, table_id, fourth, "RESOLVED value: null")
    return Sample(table_id, row_ids)


async def _report(site: Site, table_id: str, row_id: str, move: str) -> None:
    answer = await site.graphql(
        "mutation($t: ID!, $r: ID!) { cellsReport(input: {tableId: $t, cells:"
        f' [{{rowId: $r, column: "worker", status: {move}}}]}}) {{ errors {{ message }} }} }}',
        t=table_id,
        r=row_id,
    )
    assert answer["cellsReport"]["errors"] == []


def exactly(text: str) -> Any:
    """JSON with the order of members and every digit: lists of pairs in place of objects."""
    return json.loads(text, object_pairs_hook=list, parse_float=Decimal)
