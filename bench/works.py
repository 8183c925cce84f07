"""The works over HTTP: what is sent to tablecast, and what to the limit for the same."""

import json
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import urlencode

from bench.data import MOST_SCORE, Data, row
from bench.http_load import Load

Side = Literal["tablecast", "limit"]

_PAGE = """query Page($table: ID!, $first: Int!, $score: JSON!) {
  table(id: $table) {
    rows(
      first: $first
      filter: { all: [
        { where: { column: "score", operator: GTE, value: $score } }
        { where: { column: "active", operator: EQ, value: true } }
      ] }
      sort: [{ column: "score" }]
    ) { nodes { id version data } }
  }
}"""
_ROW = "query Row($row: ID!) { row(id: $row) { id version data } }"
_ADD = (
    "mutation Add($input: RowsAddInput!) { rowsAdd(input: $input) { rowIds errors { message } } }"
)

#: Different requests of a work; none is sent twice before all were.
_VARIETY = 2000


@dataclass(frozen=True, slots=True)
class Work:
    """One row of the report. `rows` finds the list of rows in an answer, so that the answers of
    both sides can be compared before anything is measured; None where they differ by nature."""

    name: str
    text: str
    requests: Mapping[Side, list[str]]
    begins: Mapping[Side, str]
    rows: Mapping[Side, Callable[[Any], Any]] | None
    connections: int = 8
    seconds: float = 2.0
    most: int = 1_000_000

    def load(self, side: Side, port: int) -> Load:
        """What the load generator is told."""
        return Load(
            port=port,
            connections=self.connections,
            seconds=self.seconds,
            most=self.most,
            requests=self.requests[side],
            begins=self.begins[side],
        )


def http_works(data: Data, key: str, seconds: float) -> list[Work]:
    """Q1, Q2, Q4, the same page through REST, and W1."""
    chance = random.Random(2)
    scores = [chance.randrange(MOST_SCORE * 85 // 100) for _ in range(_VARIETY)]
    ids = [str(chance.choice(data.row_ids)) for _ in range(_VARIETY)]
    pages = ['{"data":{"table":{"rows":{"nodes":[', "["]
    page_rows = (lambda answer: answer["data"]["table"]["rows"]["nodes"], lambda answer: answer)

    def graphql(query: str, variables: list[dict[str, Any]]) -> list[str]:
        bodies = [json.dumps({"query": query, "variables": each}) for each in variables]
        return [_post("/graphql", body, key) for body in bodies]

    def page(name: str, text: str, first: int) -> Work:
        table = str(data.read)
        asked = [{"table": table, "first": first, "score": score} for score in scores]
        limit = [_get("/rows", {"score": score, "first": first}) for score in scores]
        return _work(name, text, (graphql(_PAGE, asked), limit), pages, page_rows, seconds)

    row_limit = [_get("/row", {"id": each}) for each in ids]
    rest_limit = [_get("/rows", {"score": score, "first": 50}) for score in scores]
    rest = [_get(f"/api/tables/{data.read}/rows", _rest_page(score), key) for score in scores]
    return [
        page("Q1", "50 rows filtered and sorted, 10 cells each", 50),
        page("Q2", "1,000 rows filtered and sorted, 10 cells each", 1000),
        _work(
            "Q4",
            "one row by its id",
            (graphql(_ROW, [{"row": each} for each in ids]), row_limit),
            ['{"data":{"row":{', '{"id"'],
            (lambda answer: [answer["data"]["row"]], lambda answer: [answer]),
            seconds,
        ),
        _work(
            "REST 6",
            "50 rows filtered and sorted, with their count, by the REST dialect",
            (rest, rest_limit),
            ["[", "["],
            None,
            seconds,
        ),
        _adding(data, key, seconds),
    ]


def _adding(data: Data, key: str, seconds: float) -> Work:
    chance = random.Random(3)
    ours, limit = [], []
    for _ in range(20):
        rows = [row(chance) for _ in range(1000)]
        added = {"tableId": str(data.written), "rows": [{"data": each} for each in rows]}
        body = json.dumps({"query": _ADD, "variables": {"input": added}})
        ours.append(_post("/graphql", body, key))
        limit.append(_post("/rows", json.dumps(rows)))
    return Work(
        name="W1",
        text="1,000 rows of 10 cells added in one request with history, one at a time, fsync on",
        requests={"tablecast": ours, "limit": limit},
        begins={"tablecast": '{"data":{"rowsAdd":{"rowIds":["', "limit": '["'},
        rows=None,
        connections=1,
        seconds=2 * seconds,
        most=40,
    )


def _work(
    name: str,
    text: str,
    requests: tuple[list[str], list[str]],
    begins: list[str],
    rows: tuple[Callable[[Any], Any], Callable[[Any], Any]] | None,
    seconds: float,
) -> Work:
    return Work(
        name=name,
        text=text,
        requests={"tablecast": requests[0], "limit": requests[1]},
        begins={"tablecast": begins[0], "limit": begins[1]},
        rows={"tablecast": rows[0], "limit": rows[1]} if rows else None,
        seconds=seconds,
    )


def _rest_page(score: int) -> dict[str, Any]:
    filters = [
        {"column": "score", "operator": "gte", "value": score},
        # Some 100 rows, because the dialect counts all rows that match.
        {"column": "score", "operator": "lt", "value": score + MOST_SCORE // 500},
        {"column": "active", "operator": "eq", "value": True},
    ]
    sorts = [{"column": "score", "direction": "asc"}]
    return {"limit": 50, "filters": json.dumps(filters), "sorts": json.dumps(sorts)}


def _get(path: str, query: Mapping[str, Any], key: str = "") -> str:
    return f"GET {path}?{urlencode(query)} HTTP/1.1\r\nHost: 127.0.0.1\r\n{_authority(key)}\r\n"


def _post(path: str, body: str, key: str = "") -> str:
    return (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{_authority(key)}"
        "Content-Type: application/json\r\n"
        f"Content-Length: {len(body.encode())}\r\n\r\n{body}"
    )


def _authority(key: str) -> str:
    return f"Authorization: Bearer {key}\r\n" if key else ""
