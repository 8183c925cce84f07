"""Rows as finished JSON from one statement, and rows as records with resolvers, are the same bytes:
fields, aliases, fragments, directives, order of keys and all."""

import re
from dataclasses import dataclass, field
from typing import Any

import pytest
from graphql import GraphQLObjectType, get_named_type, is_leaf_type
from hypothesis import given
from hypothesis import strategies as st

from gql.schema import core_schema
from tests.examples import examples
from tests.gql.documents import new_table
from tests.serving import Site

COLUMNS: list[dict[str, Any]] = [
    {"key": "t", "label": 'Te"xt', "defaultValue": 'd"\\'},
    {"key": "n", "type": "NUMBER"},
    {"key": "b", "type": "BOOLEAN", "required": True},
    {"key": "d", "type": "DATE"},
    {"key": "m", "type": "DATETIME"},
    {"key": "s", "type": "SELECT", "config": {"options": ["ä", "b"], "x": [10**30, 0.5, None]}},
    {"key": "r", "type": "RELATION", "config": {"multiple": True}},
    {"key": 'k"\\', "type": "COMPUTED"},
    {"key": "w", "type": "NUMBER", "computedBy": "EXTERNAL"},
]
ROWS: list[dict[str, Any]] = [
    {"b": True},
    {
        "b": False,
        "t": '"quoted" \\ ü \u2028 \x01 </script>',
        "n": 10**40,
        "extra": {"a": [1, None]},
    },
    {"b": 1, "n": -0.1, "d": "2026-01-31", "m": "2026-01-31T09:30:00.1+02:00", "s": "ä", "w": 7},
    {"b": True, "t": "", "n": 1e-7, "": "empty key", "id": "not the id", "r": []},
]
#: Forces the list to be made of records: what is around it must not change.
FALLBACK = "zz: table { id }"
_FALLEN_BACK = re.compile(r',?"zz":\{"id":"[^"]+"\}')


def _leaves(name: str) -> list[str]:
    found = core_schema.get_type(name)
    assert isinstance(found, GraphQLObjectType)
    leaves = [key for key, each in found.fields.items() if is_leaf_type(get_named_type(each.type))]
    return [*leaves, "__typename"]


LEAVES = {name: _leaves(name) for name in ("Row", "Cell", "Column")}
NESTED = {"Row": [("cells", "Cell"), ("cell", "Cell")], "Cell": [("column", "Column")]}
DIRECTIVES = [
    *[""] * 6,
    *(f"@{name}(if: ${flag})" for name in ("skip", "include") for flag in "yn"),
]


@dataclass
class Sample:
    """A selection of rows and the fragments that it spreads."""

    text: str = ""
    fragments: list[str] = field(default_factory=list)
    aliases: int = 0


@st.composite
def samples(draw: st.DrawFn) -> Sample:
    sample = Sample()
    sample.text = _selection(draw, sample, "Row")
    return sample


def _selection(draw: st.DrawFn, sample: Sample, kind: str, depth: int = 0) -> str:
    least = 0 if depth < 4 else 4  # from there on plain fields
    places = draw(st.lists(st.integers(least, 9), min_size=1, max_size=5))
    return " ".join(_part(draw, sample, kind, place, depth + 1) for place in places)


def _part(draw: st.DrawFn, sample: Sample, kind: str, place: int, depth: int) -> str:
    directive = draw(st.sampled_from(DIRECTIVES))
    if place == 0:
        on = draw(st.sampled_from(["", f"on {kind}", "on Node"]))
        inner = draw(st.sampled_from(["id", "__typename"]))
        if on != "on Node":
            inner = _selection(draw, sample, kind, depth)
        return f"... {on} {directive} {{ {inner} }}"
    if place == 1:
        text = _selection(draw, sample, kind, depth)
        name = f"f{len(sample.fragments)}"
        sample.fragments.append(f"fragment {name} on {kind} {{ {text} }}")
        return f"...{name} {directive}" + f" ...{name}" * draw(st.integers(0, 1))
    if place in (2, 3) and kind in NESTED:
        name, of = draw(st.sampled_from(NESTED[kind]))
        inner = _selection(draw, sample, of, depth)
        if name == "cell":
            key = draw(st.sampled_from(["t", "n", "w", 'k\\"\\\\', "none"]))
            return f'{_alias(sample)}cell(column: "{key}") {directive} {{ {inner} }}'
        return f"{name} {directive} {{ {inner} }}"
    name = draw(st.sampled_from(LEAVES[kind]))
    prefix = _alias(sample) if draw(st.booleans()) else ""
    return f"{prefix}{name} {directive}"


def _alias(sample: Sample) -> str:
    sample.aliases += 1
    return f"a{sample.aliases}: "


@pytest.fixture(scope="module")
async def table_id(site: Site) -> str:
    """A table with a value of each kind, and a cell that an outside worker is at."""
    made = await new_table(site, *COLUMNS)
    given_rows = [{"data": row} for row in ROWS]
    add = """mutation($t: ID!, $rows: [RowAddInput!]!) {
      rowsAdd(input: {tableId: $t, rows: $rows}) { rowIds errors { message } } }"""
    added = (await site.graphql(add, t=made, rows=given_rows))["rowsAdd"]
    assert added["errors"] == []
    report = """mutation($t: ID!, $cells: [CellReportInput!]!) {
      cellsReport(input: {tableId: $t, cells: $cells}) { errors { message } } }"""
    for status in ("QUEUED", "CALCULATING", "ERROR"):
        details: dict[str, Any] = {"error": 'it "broke" \\'} if status == "ERROR" else {}
        if status == "CALCULATING":
            details = {"progress": 0.25}
        ids = added["rowIds"][: 1 if status == "ERROR" else 2]
        cells = [{"rowId": each, "column": "w", "status": status} | details for each in ids]
        done = await site.graphql(report, t=made, cells=cells)
        assert done["cellsReport"]["errors"] == []
    relate = """mutation($t: ID!, $id: ID!, $ids: JSON!) { rowsUpdate(input: {tableId: $t,
      rows: [{id: $id, data: {r: $ids}}]}) { errors { message } } }"""
    related = await site.graphql(relate, t=made, id=added["rowIds"][0], ids=added["rowIds"][1:3])
    assert related["rowsUpdate"]["errors"] == []
    return made


async def _texts(site: Site, document: str, variables: dict[str, Any]) -> tuple[str, str]:
    """The list as it comes, and as it comes from records."""
    texts = []
    for forced in ("", FALLBACK):
        query = document.replace("FALLBACK", forced)
        answer = await site.shared.post("/graphql", json={"query": query, "variables": variables})
        assert "errors" not in answer.json(), (query, answer.text[:500])
        texts.append(_FALLEN_BACK.sub("", answer.text))
    return texts[0], texts[1]


def _document(sample: Sample, around: str) -> str:
    flags = "__typename @skip(if: $y) @include(if: $n)"
    rows = around.replace("ROW", f"{sample.text} FALLBACK")
    head = "query($t: ID!, $id: ID!, $y: Boolean!, $n: Boolean!)"
    used = f"{flags} row(id: $id) {{ id }}" if "$id" not in around else flags
    return f"{head} {{ {used} {rows} }} {' '.join(sample.fragments)}"


AROUND = [
    "table(id: $t) { rows { nodes { ROW } } }",
    'table(id: $t) { rows(sort: [{column: "n"}]) { edges { c: cursor __typename n: node { ROW }'
    " cursor } } }",
    "row(id: $id) { ROW } table(id: $t) { id }",
]


@examples(30)
@given(sample=samples(), around=st.sampled_from(AROUND))
async def test_finished_rows_equal_rows_of_records(
    site: Site, table_id: str, sample: Sample, around: str
) -> None:
    ids = await site.graphql(
        "query($t: ID!) { table(id: $t) { rows(first: 1) { nodes { id } } } }", t=table_id
    )
    row_id = ids["table"]["rows"]["nodes"][0]["id"]
    variables = {"t": table_id, "id": row_id, "y": True, "n": False}
    finished, recorded = await _texts(site, _document(sample, around), variables)
    assert finished == recorded


EVERYTHING = " ".join(LEAVES["Row"])
CELL = f"{' '.join(LEAVES['Cell'])} column {{ {' '.join(LEAVES['Column'])} }}"


@pytest.mark.parametrize("around", AROUND)
async def test_every_field_at_once(site: Site, table_id: str, around: str) -> None:
    sample = Sample(f'{EVERYTHING} cells {{ {CELL} }} w: cell(column: "w") {{ {CELL} }}')
    ids = await site.graphql(
        "query($t: ID!) { table(id: $t) { rows { nodes { id } } } }", t=table_id
    )
    for node in ids["table"]["rows"]["nodes"]:
        variables = {"t": table_id, "id": node["id"], "y": True, "n": False}
        finished, recorded = await _texts(site, _document(sample, around), variables)
        assert finished == recorded


async def test_answers_of_writes_and_both_lists_at_once(site: Site, table_id: str) -> None:
    update = """mutation($t: ID!, $id: ID!) { rowsUpdate(input: {tableId: $t,
      rows: [{id: $id, data: {extra: [1, {a: 2}]}}]}) { rows {
        id data cells { column { key } value status } FALLBACK } } }"""
    query = (
        "query($t: ID!) { table(id: $t) { rows { nodes { id data } edges { node { data } } } } }"
    )
    both = (await site.graphql(query, t=table_id))["table"]["rows"]
    assert [edge["node"]["data"] for edge in both["edges"]] == [
        node["data"] for node in both["nodes"]
    ]
    variables = {"t": table_id, "id": both["nodes"][2]["id"]}
    finished, recorded = await _texts(site, update, variables)
    assert finished == recorded
    assert '"extra":[1,{"a":2}]' in finished.replace(" ", "")
