"""The compiled form of rows says the same as the resolvers, for any selection."""

from itertools import count
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.compiled.samples import Sample, exactly
from tests.serving import Site

ROW = ["id", "version", "position", "data", "createdBy", "createdAt", "updatedAt", "__typename"]
CELL = [
    "id",
    "rowId",
    "columnId",
    "status",
    "value",
    "error",
    "progress",
    "updatedAt",
    "__typename",
]
COLUMN = [
    *["id", "key", "label", "type", "position", "required", "defaultValue", "config"],
    *["computedBy", "createdAt", "updatedAt", "__typename"],
]
KEYS = ["text", "number", "datetime", "one", "many", "computed", "worker", "count", "nothing"]
DIRECTIVES = [
    "",
    "",
    "",
    "@include(if: $yes)",
    "@include(if: $no)",
    "@skip(if: $no)",
    "@skip(if: true)",
]


class Writer:
    """Draws a selection as text. Every alias is new, so that no two fields clash."""

    def __init__(self, draw: Any) -> None:
        self._draw = draw
        self._numbers = count()
        self.fragments: list[str] = []

    def _one(self, options: list[str]) -> str:
        return str(self._draw(st.sampled_from(options)))

    def _several(self, options: list[str]) -> list[str]:
        return list(self._draw(st.lists(st.sampled_from(options), min_size=1, max_size=5)))

    def _leaf(self, name: str) -> str:
        alias = f"a{next(self._numbers)}: " if self._draw(st.booleans()) else ""
        return f"{alias}{name} {self._one(DIRECTIVES)}"

    def _named(self, name: str, arguments: str, selection: str) -> str:
        return (
            f"b{next(self._numbers)}: {name}{arguments} {self._one(DIRECTIVES)} {{ {selection} }}"
        )

    def column(self) -> str:
        return " ".join(self._leaf(name) for name in self._several(COLUMN))

    def cell(self) -> str:
        parts = [self._leaf(name) for name in self._several(CELL)]
        if self._draw(st.booleans()):
            parts.append(self._named("column", "", self.column()))
        if self._draw(st.integers(0, 9)) == 0:
            parts.append(self._named("row", "", "id version"))
        return " ".join(parts)

    def row(self, depth: int = 0) -> str:
        parts = [self._leaf(name) for name in self._several(ROW)]
        for kind in self._several(["cells", "cell", "inline", "spread", "node", "rare", "none"]):
            parts.append(self._part(kind, depth))
        return " ".join(parts)

    def _part(self, kind: str, depth: int) -> str:
        match kind:
            case "cells":
                return self._named("cells", "", self.cell())
            case "cell":
                return self._named("cell", f'(column: "{self._one(KEYS)}")', self.cell())
            case "inline" if depth < 2:
                return f"... on Row {self._one(DIRECTIVES)} {{ {self.row(depth + 1)} }}"
            case "spread" if depth < 2:
                name = f"F{next(self._numbers)}"
                self.fragments.append(f"fragment {name} on Row {{ {self.row(depth + 1)} }}")
                return f"...{name} {self._one(DIRECTIVES)}"
            case "node":
                return "... on Node { id }"
            case "rare":
                return self._named(self._one(["table", "session"]), "", "id name")
        return ""


QUERY = """query($t: ID!, $r: ID!, $rs: [ID!]!, $yes: Boolean!, $no: Boolean!) {
  table(id: $t) {
    a: rows { nodes { %(row)s } }
    b: rows { nodes { ...All } edges { cursor node { ...All } } }
    c: rows { edges { %(edge)s } }
    d: rows { nodes { id version ...Some @include(if: $yes) } }
  }
  row(id: $r) { ...All }
  nodes(ids: $rs) { ... on Row { ...All } }
  ...Used
}
fragment All on Row { %(row)s }
fragment Some on Row { ... on Row { data } }
fragment Used on Query { a: __typename @include(if: $yes) b: __typename @skip(if: $no) } """


EDGES = ["cursor node { %s }", "node { %s } cursor", "n: node { %s } __typename cursor"]


@st.composite
def queries(draw: Any) -> str:
    """A query that asks for the same in every way there is."""
    writer = Writer(draw)
    row = writer.row()
    edge = draw(st.sampled_from(EDGES)) % "...All"
    return QUERY % {"row": row, "edge": edge} + " ".join(writer.fragments)


@settings(max_examples=50)
@given(queries())
async def test_both_ways_give_the_same_answer(site: Site, sample: Sample, query: str) -> None:
    variables = {
        "t": sample.table_id,
        "r": sample.row_ids[1],
        "rs": sample.row_ids,
        "yes": True,
        "no": False,
    }
    answer = await site.shared.post("/graphql", json={"query": query, "variables": variables})
    [[name, told]] = exactly(answer.text)
    assert name == "data", answer.text
    found = dict(told)
    table = dict(found["table"])
    compiled = dict(table["a"])["nodes"]
    resolved = dict(table["b"])
    assert len(compiled) == len(sample.row_ids)
    assert compiled == resolved["nodes"]
    assert compiled == found["nodes"]
    assert compiled[1] == found["row"]
    assert dict(table["d"])["nodes"][2][0] == ("id", sample.row_ids[2])
    for edge_, other in zip(dict(table["c"])["edges"], resolved["edges"], strict=True):
        assert dict(edge_)["cursor"] == dict(other)["cursor"]
        assert dict(edge_).get("node", dict(edge_).get("n")) == dict(other)["node"]
