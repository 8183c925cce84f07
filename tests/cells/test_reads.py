"""Cells of tools as readers see them: finished JSON and records give the same bytes, and what
follows from values is seen everywhere."""

import re
from decimal import Decimal
from typing import Any
from uuid import UUID

import orjson

from tests.gql.documents import UPDATE, add, new_table
from tests.serving import Site

PYTHON: dict[str, Any] = {"run": {"python": {"code": 'def run(row):\n    return row["a"]'}}}
COLUMNS: list[Any] = [
    "a",
    {"key": "t", "computedBy": "TOOL", "tool": PYTHON},
    {"key": "f", "type": "COMPUTED", "config": {"formula": "{{t}} + '!'", "resultType": "number"}},
    {
        "key": "u",
        "computedBy": "TOOL",
        "tool": {"run": {"python": {"code": 'def run(row):\n    return row["f"]'}}},
    },
    {"key": "w", "computedBy": "EXTERNAL"},
]
CELL = """id rowId status value error progress attempt confidence runId inputTokens outputTokens
  cost raw updatedAt again: confidence
  producer { kind actor provider model version promptHash cached __typename }
  few: producer { who: actor } none: producer { __typename }
  citations { column text start end __typename } texts: citations { text }"""
ODD = 'it "broke" \\ ü \u2028 \x01 \x7f \n'
STATES: list[dict[str, Any]] = [
    {"status": "calculating", "progress": 1.0, "attempt": 2, "run_id": UUID(int=5)},
    {"status": "error", "error": ODD, "raw": ODD, "confidence": 0.0},
    {"status": "queued", "confidence": 1e-7, "cost": Decimal("0.0000012300")},
    {"status": "stale", "confidence": 0.00002, "cost": Decimal("1E+2"), "citations": []},
    {"status": "resolved", "confidence": 0.1234567890123456, "cost": Decimal("0")},
    {"status": "initialized", "producer": {"kind": "person", "actor": ODD}},
    {
        "status": "resolved",
        "progress": 0.25,
        "input_tokens": 10,
        "output_tokens": 0,
        "producer": {
            "kind": "model",
            "actor": "me",
            "provider": "p",
            "model": "m",
            "version": "1",
            "prompt_hash": "ff",
            "cached": True,
        },
        "citations": [
            {"column": "a", "text": ODD, "start": 0, "end": 5},
            {"column": "b", "text": "", "start": 7, "end": 7},
        ],
    },
]


async def store_state(site: Site, table_id: str, row_id: str, number: int, **state: Any) -> None:
    """Put a cell where a run would put it."""
    for name in ("producer", "citations"):
        if name in state:
            state[name] = orjson.dumps(state[name]).decode()
    names = ", ".join(state)
    places = ", ".join(f"${place}" for place in range(4, 4 + len(state)))
    await site.gateway.database.pool.execute(
        f"INSERT INTO cell_state (table_id, row_id, column_number, {names})"
        f" VALUES ($1, $2, $3, {places})",
        UUID(table_id),
        UUID(row_id),
        number,
        *state.values(),
    )


async def statuses(site: Site, table_id: str, arguments: str = "") -> list[list[str]]:
    """The statuses of all cells, row by row."""
    rows = f"rows{arguments} {{ nodes {{ cells {{ status }} }} }}"
    query = f"query($t: ID!) {{ table(id: $t) {{ {rows} }} }}"
    nodes = (await site.graphql(query, t=table_id))["table"]["rows"]["nodes"]
    return [[cell["status"] for cell in node["cells"]] for node in nodes]


async def test_finished_cells_equal_cells_of_records(site: Site) -> None:
    table_id = await new_table(site, *COLUMNS)
    row_ids = await add(site, table_id, *({"a": "x", "w": "y"} for _ in STATES), {"a": "z"}, {})
    for row_id, state in zip(row_ids, STATES, strict=False):
        await store_state(site, table_id, row_id, 2, **state)
        await store_state(site, table_id, row_id, 4, **state)
    query = "query($t: ID!) { table(id: $t) { rows { nodes { %s cells { %s } } } } }"
    texts = []
    for forced in ("", "zz: table { id }"):
        body = {"query": query % (forced, CELL), "variables": {"t": table_id}}
        answer = await site.shared.post("/graphql", json=body)
        assert "errors" not in answer.json(), answer.text[:500]
        texts.append(re.sub(r'"zz":\{"id":"[^"]+"\},', "", answer.text))
    assert texts[0] == texts[1]
    nodes = orjson.loads(texts[0])["data"]["table"]["rows"]["nodes"]
    full = nodes[len(STATES) - 1]["cells"][1]
    assert full["producer"]["promptHash"] == "ff"
    assert full["citations"][0]["text"] == ODD
    assert [node["cells"][1]["status"] for node in nodes[-3:]] == [
        "RESOLVED",
        "READY",
        "INITIALIZED",
    ]
    assert '"cost":0.00000123,' in texts[0]
    assert '"cost":100,' in texts[0]


async def test_what_follows_from_values_is_seen_at_once(site: Site) -> None:
    table_id = await new_table(site, *COLUMNS)
    (row_id,) = await add(site, table_id, {})
    seen = [(await statuses(site, table_id))[0]]
    for data in ({"a": "x"}, {"t": "7"}, {"a": "y"}, {"a": None}, {"t": None}):
        await site.graphql(UPDATE, t=table_id, rows=[{"id": row_id, "data": data}])
        seen.append((await statuses(site, table_id))[0])
    assert [each[1] for each in seen] == [
        "INITIALIZED",
        "READY",
        "RESOLVED",
        "STALE",
        "STALE",
        "INITIALIZED",
    ]
    assert [each[4] for each in seen] == ["INITIALIZED"] * 6


async def test_the_past_keeps_its_statuses(site: Site) -> None:
    table_id = await new_table(site, *COLUMNS)
    (row_id,) = await add(site, table_id, {"a": "x"})
    seen = [(await statuses(site, table_id))[0]]
    for data in ({"t": "7"}, {"a": "y"}, {"t": None}, {"a": None}, {"a": "z"}):
        await site.graphql(UPDATE, t=table_id, rows=[{"id": row_id, "data": data}])
        seen.append((await statuses(site, table_id))[0])
    for revision, then in enumerate(seen, 2):
        assert await statuses(site, table_id, f"(asOf: {{revision: {revision}}})") == [then]
