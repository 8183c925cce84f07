"""Moves of tools' cells as subscribers see them: one event a revision, and nothing else in it."""

from typing import Any

from tests.cells.test_reads import COLUMNS
from tests.gql.documents import UPDATE, add, new_table
from tests.serving import Site

MOVES = """subscription($t: ID!, $after: Int, $s: [CellStatus!], $c: [String!]) {
  cellStatusChanged(tableId: $t, after: $after, statuses: $s, columns: $c) { __typename
    ... on StreamStarted { revision }
    ... on CellStatusesChanged { revision cells { rowId column previousStatus status } } } }"""


async def _events(site: Site, count: int, **variables: Any) -> list[dict[str, Any]]:
    """The first events of a stream behind its beginning."""
    found: list[dict[str, Any]] = []
    async with site.socket() as socket:
        await socket.subscribe("1", MOVES, **variables)
        while len(found) <= count:
            message = await socket.receive()
            found.append(message["payload"]["data"]["cellStatusChanged"])
    return found[1:]


def _told(event: dict[str, Any]) -> list[tuple[str, str, str]]:
    return [(cell["column"], cell["previousStatus"], cell["status"]) for cell in event["cells"]]


async def test_every_move_once_and_one_event_a_revision(site: Site) -> None:
    table_id = await new_table(site, *COLUMNS)
    row_ids = await add(site, table_id, {"a": "x"}, {"a": "y", "t": "5"})
    for data in ({"t": "7"}, {"a": "z"}, {"t": None}):
        rows = [{"id": row_id, "data": data} for row_id in row_ids]
        await site.graphql(UPDATE, t=table_id, rows=rows)
    events = await _events(site, 4, t=table_id, after=1, c=["t", "u"])
    assert [event["revision"] for event in events] == [2, 3, 4, 5]
    told = [sorted(_told(event)) for event in events]
    assert told == [
        [("t", "INITIALIZED", "READY"), ("t", "INITIALIZED", "RESOLVED")],
        [("t", "READY", "RESOLVED")],
        [("t", "RESOLVED", "STALE")] * 2,
        [("t", "STALE", "READY")] * 2,
    ]
    resumed = await _events(site, 2, t=table_id, after=3, c=["t", "u"])
    assert resumed == events[2:]
    stale = await _events(site, 1, t=table_id, after=1, s=["STALE"])
    assert stale == [events[2]]
