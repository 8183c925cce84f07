"""Rows by where their cells stand: the same as looking at each cell, wherever filters work."""

from typing import Any
from urllib.parse import quote
from uuid import UUID

import orjson
import pytest

from tests.cells.test_reads import COLUMNS, store_state
from tests.charts.drawing import points_of
from tests.gql.documents import add, ask, new_table
from tests.serving import Site

STATUSES = ("initialized", "ready", "queued", "calculating", "resolved", "error", "stale")
CELLS = "cells { column { key } status confidence error }"


@pytest.fixture(scope="module")
async def table_id(site: Site) -> str:
    """Each stored status of a cell with and without a value and an input, and cells without one."""
    made = await new_table(site, *COLUMNS)
    for place, status in enumerate((None, *STATUSES)):
        data: list[dict[str, Any]] = [{}, {"a": "x"}, {"t": "5"}, {"a": "x", "t": "6", "w": "w"}]
        for row_id in await add(site, made, *data):
            await _forget(site, made, row_id)
            if status is not None:
                more: dict[str, Any] = {"confidence": place / 7} if place % 2 else {}
                if status == "error":
                    more["error"] = "It is 100% BROKEN"
                await store_state(site, made, row_id, 2, status=status, **more)
                await store_state(site, made, row_id, 5, status=status)
    return made


async def _forget(site: Site, table_id: str, row_id: str) -> None:
    await site.gateway.database.pool.execute(
        "DELETE FROM cell_state WHERE table_id = $1 AND row_id = $2", UUID(table_id), UUID(row_id)
    )


async def _all(site: Site, table_id: str) -> dict[str, dict[str, dict[str, Any]]]:
    """Every cell by row and column."""
    query = f"query($t: ID!) {{ table(id: $t) {{ rows {{ nodes {{ id {CELLS} }} }} }} }}"
    nodes = (await site.graphql(query, t=table_id))["table"]["rows"]["nodes"]
    return {node["id"]: {cell["column"]["key"]: cell for cell in node["cells"]} for node in nodes}


def _matches(cell: dict[str, Any], given: dict[str, Any]) -> bool:
    sure = cell["confidence"]
    return (
        ("status" not in given or cell["status"] in given["status"])
        and (
            "confidenceBelow" not in given or (sure is not None and sure < given["confidenceBelow"])
        )
        and (
            "confidenceAtLeast" not in given
            or (sure is not None and sure >= given["confidenceAtLeast"])
        )
        and (
            "errorContains" not in given
            or given["errorContains"].lower() in (cell["error"] or "").lower()
        )
    )


CONDITIONS: list[dict[str, Any]] = [
    *({"status": [status.upper()]} for status in STATUSES),
    {"status": []},
    {"status": ["STALE", "ERROR"]},
    {"status": ["STALE", "READY"]},
    {"status": [status.upper() for status in STATUSES]},
    {"confidenceBelow": 0.5},
    {"confidenceAtLeast": 0.5},
    {"confidenceAtLeast": 0, "confidenceBelow": 1},
    {"status": ["RESOLVED", "READY"], "confidenceAtLeast": 0.2},
    {"errorContains": "100% broken"},
    {"errorContains": "1__%"},
    {"status": ["ERROR"], "errorContains": "it", "confidenceBelow": 1},
]


@pytest.mark.parametrize("given", CONDITIONS)
async def test_a_condition_is_what_one_sees(
    site: Site, table_id: str, given: dict[str, Any]
) -> None:
    cells = await _all(site, table_id)
    query = """query($t: ID!, $f: RowFilter!) { table(id: $t) {
      rows(filter: $f) { nodes { id } totalCount }
      aggregate(metrics: [{function: COUNT}], filter: $f) { groups { values } } } }"""
    for column in ("a", "t", "u", "w"):
        condition = {"cell": {"column": column, **given}}
        expected = [row for row, of in cells.items() if _matches(of[column], given)]
        found = (await site.graphql(query, t=table_id, f=condition))["table"]
        assert [node["id"] for node in found["rows"]["nodes"]] == expected
        assert found["rows"]["totalCount"] == len(expected)
        assert found["aggregate"]["groups"][0]["values"] == {"count": len(expected)}
        both = {"all": [{"not": condition}, {"where": {"column": "a", "operator": "IS_NOT_EMPTY"}}]}
        found = (await site.graphql(query, t=table_id, f=both))["table"]
        kept = [
            row
            for row, of in cells.items()
            if row not in expected and of["a"]["status"] == "RESOLVED"
        ]
        assert [node["id"] for node in found["rows"]["nodes"]] == kept


async def test_counts_are_what_one_sees(site: Site, table_id: str) -> None:
    cells = await _all(site, table_id)
    query = """query($t: ID!, $c: [String!]) { table(id: $t) {
      cellCounts(columns: $c) { column status count } } }"""
    for asked, told in ((None, ["t", "u", "w"]), (["u", "a", "a"], ["u", "a"]), ([], [])):
        found = (await site.graphql(query, t=table_id, c=asked))["table"]["cellCounts"]
        expected = []
        for column in told:
            seen = [of[column]["status"] for of in cells.values()]
            for status in STATUSES:
                if count := seen.count(status.upper()):
                    expected.append({"column": column, "status": status.upper(), "count": count})
        assert found == expected
    body = await ask(site, query, {"t": table_id, "c": ["a", "nope"]})
    assert body["errors"][0]["message"] == "Unknown column: nope"


async def test_an_export_and_a_chart_take_such_a_filter(site: Site, table_id: str) -> None:
    cells = await _all(site, table_id)
    stale = [row for row, of in cells.items() if of["t"]["status"] == "STALE"]
    condition = {"cell": {"column": "t", "status": ["STALE"]}}
    points = await points_of(site, table_id, "a", "BAR", filter=condition)
    assert sum(y for _, y in points) == len(stale)
    query = """query($t: ID!, $f: RowFilter!) { table(id: $t) {
      exportUrl(format: JSONL, filter: $f) } }"""
    url = (await site.graphql(query, t=table_id, f=condition))["table"]["exportUrl"]
    direct = f"/export/{table_id}?format=jsonl&filter={quote(orjson.dumps(condition).decode())}"
    for address in (url, direct):
        answer = await site.shared.get(address)
        assert len(answer.text.splitlines()) == len(stale), answer.text


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"column": "nope", "status": ["STALE"]}, "Unknown column: nope"),
        ({"column": "t"}, "name a status, a confidence or a text of the error"),
        ({"column": "t", "confidenceBelow": 1.5}, "a confidence is from 0 to 1"),
        ({"column": "t", "errorContains": "x" * 1001}, "is at most 1,000 characters long"),
    ],
)
async def test_conditions_that_cannot_be(
    site: Site, table_id: str, given: dict[str, Any], message: str
) -> None:
    query = "query($t: ID!, $f: RowFilter!) { table(id: $t) { rows(filter: $f) { totalCount } } }"
    body = await ask(site, query, {"t": table_id, "f": {"cell": given}})
    assert message in body["errors"][0]["message"]


async def test_what_is_judged_by_images_refuses_them(site: Site, table_id: str) -> None:
    condition = {"cell": {"column": "t", "status": ["STALE"]}}
    past = """query($t: ID!, $f: RowFilter!) { table(id: $t) {
      rows(filter: $f, asOf: {revision: 2}) { totalCount } } }"""
    trigger = """mutation($t: ID!, $f: RowFilter!) { triggerCreate(input: {tableId: $t, name: "T",
      event: ROW_UPDATED, condition: $f, action: {createTask: {}}}) {
      errors { message } } }"""
    body = await ask(site, past, {"t": table_id, "f": condition})
    assert "rows as they are now" in body["errors"][0]["message"]
    body = await ask(site, trigger, {"t": table_id, "f": condition})
    assert "rows as they are now" in body["data"]["triggerCreate"]["errors"][0]["message"]
    async with site.socket() as socket:
        document = """subscription($t: ID!, $f: RowFilter!) {
          tableChanged(tableId: $t, filter: $f) { __typename } }"""
        await socket.send(
            {
                "id": "1",
                "type": "subscribe",
                "payload": {"query": document, "variables": {"t": table_id, "f": condition}},
            }
        )
        message = await socket.receive()
        assert "rows as they are now" in str(message), message
