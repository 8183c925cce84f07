"""Two applications over one PostgreSQL and one Valkey: what is written through one is followed
through the other."""

import asyncio
import dataclasses
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from persistence import jobs
from persistence.imports import JOB
from processing.imports import handler
from tests.gql.documents import ADD, UPDATE, add, new_table
from tests.serving import Site, Socket, serve

EXTERNAL = {"key": "w", "computedBy": "EXTERNAL"}
NUMBER = {"key": "n", "type": "NUMBER"}

CHANGED = """subscription($t: ID!, $after: Int, $filter: RowFilter) {
  tableChanged(tableId: $t, after: $after, filter: $filter) {
    __typename
    ... on StreamStarted { revision state resetReason }
    ... on ChangeEvent { revision actor cause { kind id } }
    ... on RowsAdded { rows { id data } }
    ... on RowsChanged { rows { id data } columns }
    ... on RowsEntered { rows { id data } }
    ... on RowsDeleted { rowIds }
    ... on BulkChanged { rowsAdded rowsChanged rowsDeleted }
    ... on ColumnsChanged { currentColumns { key } }
    ... on TableDeleted { tableId }
  } }"""

STATUSES = """subscription($t: ID!, $after: Int, $statuses: [CellStatus!]) {
  cellStatusChanged(tableId: $t, after: $after, statuses: $statuses) {
    __typename
    ... on StreamStarted { state }
    ... on CellStatusesChanged { revision cells { column previousStatus status } }
  } }"""

ORGANIZATION = """subscription($after: Int) { organizationChanged(after: $after) {
  __typename
  ... on StreamStarted { revision state }
  ... on OrganizationChanged { revision kind subjectId } } }"""

PROGRESS = """subscription($id: ID!) { importProgress(importId: $id) {
  revision import { status rowsImported bytesRead bytesTotal } } }"""

START = """mutation($t: ID!, $f: ID!) { importStart(input: {tableId: $t, fileId: $f}) {
  import { id status } errors { message } } }"""


@dataclass
class Pair:
    """Two applications with the same organisation and key."""

    here: Site
    there: Site


@asynccontextmanager
async def pair_of(postgres_url: str, redis_url: str, folder: Path) -> AsyncIterator[Pair]:
    async with AsyncExitStack() as stack:
        # One folder: uploaded files are shared, as they are in production.
        here = await stack.enter_async_context(serve(postgres_url, redis_url, folder))
        other = await stack.enter_async_context(serve(postgres_url, redis_url, folder))
        there = dataclasses.replace(other, key=here.key, viewer=here.viewer)
        client = await stack.enter_async_context(there.client())
        yield Pair(here, dataclasses.replace(there, shared=client))


@pytest.fixture(scope="module")
async def pair(
    postgres_url: str, redis_url: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Pair]:
    async with pair_of(postgres_url, redis_url, tmp_path_factory.mktemp("pair")) as opened:
        yield opened


async def started(socket: Socket, id_: str, query: str, **variables: Any) -> dict[str, Any]:
    """Subscribe; the event that begins the stream."""
    await socket.subscribe(id_, query, **variables)
    return await socket.event(id_)


async def until(site: Site, subscribers: int) -> None:
    """Until the hub has so many subscribers. Nothing tells of it, so other work passes the time."""
    async with asyncio.timeout(20):
        while site.gateway.hub.subscribers != subscribers:
            assert (await site.shared.get("/health/live")).is_success


async def test_writes_through_one_are_seen_through_the_other_in_order(pair: Pair) -> None:
    table_id = await new_table(pair.here, NUMBER)
    async with pair.here.socket() as near, pair.there.socket() as far:
        high = {"where": {"column": "n", "operator": "GTE", "value": 1000}}
        for socket in (near, far):
            await started(socket, "all", CHANGED, t=table_id)
            await started(socket, "high", CHANGED, t=table_id, filter=high)

        async def write(site: Site, numbers: range) -> None:
            for number in numbers:
                await add(site, table_id, {"n": number})

        await asyncio.gather(
            write(pair.here, range(990, 1010)), write(pair.there, range(1990, 2000))
        )
        streams = [[await socket.event("all") for _ in range(30)] for socket in (near, far)]
        assert streams[0] == streams[1]
        assert [event["revision"] for event in streams[1]] == list(range(2, 32))
        numbers = [event["rows"][0]["data"]["n"] for event in streams[1]]
        assert sorted(numbers) == [*range(990, 1010), *range(1990, 2000)]
        for socket in (near, far):
            filtered = [await socket.event("high") for _ in range(20)]
            assert [event["rows"][0]["data"]["n"] for event in filtered] == [
                number for number in numbers if number >= 1000
            ]


async def test_structure_that_changes_elsewhere_is_used_at_once(pair: Pair) -> None:
    table_id = await new_table(pair.here, "a")
    [row_id] = await add(pair.there, table_id, {"a": "1"})
    node = "query($id: ID!) { row(id: $id) { data cells { value } } }"
    assert (await pair.there.graphql(node, id=row_id))["row"]["data"] == {"a": "1"}
    add_column = """mutation($t: ID!) { columnAdd(input: {tableId: $t,
      column: {key: "b", type: NUMBER}}) { column { id } errors { message } } }"""
    async with pair.there.socket() as socket:
        await started(socket, "1", CHANGED, t=table_id)
        await pair.here.graphql(add_column, t=table_id)
        event = await socket.event("1")
        assert [column["key"] for column in event["currentColumns"]] == ["a", "b"]
        await add(pair.there, table_id, {"a": "2", "b": 3})
        assert (await socket.event("1"))["rows"][0]["data"] == {"a": "2", "b": 3}
        delete = "mutation($t: ID!) { tableDelete(input: {tableId: $t}) { deletedId } }"
        await pair.here.graphql(delete, t=table_id)
        assert (await socket.event("1"))["tableId"] == table_id
        assert await socket.next("1") == {"id": "1", "type": "complete"}
    assert (await pair.there.graphql(node, id=row_id))["row"] is None
    async with pair.there.client() as client:
        request = {"query": ADD, "variables": {"t": table_id, "rows": [{"data": {}}]}}
        body = (await client.post("/graphql", json=request)).json()
    assert [error["extensions"]["code"] for error in body["errors"]] == ["NOT_FOUND"]


async def test_statuses_are_chosen(pair: Pair) -> None:
    table_id = await new_table(pair.here, "a", EXTERNAL)
    async with pair.there.socket() as socket:
        begun = await started(socket, "all", STATUSES, t=table_id)
        assert begun["state"] == "SNAPSHOT"
        await started(socket, "some", STATUSES, t=table_id, statuses=["RESOLVED", "ERROR"])
        await started(socket, "none", STATUSES, t=table_id, statuses=[])
        [row_id] = await add(pair.here, table_id, {"a": "x"})
        report = """mutation($t: ID!, $cells: [CellReportInput!]!) {
          cellsReport(input: {tableId: $t, cells: $cells}) { errors { message } } }"""
        for status in ("QUEUED", "CALCULATING", "ERROR"):
            cells = [{"rowId": row_id, "column": "w", "status": status}]
            await pair.here.graphql(report, t=table_id, cells=cells)
        for data in ({"a": "y"}, {"a": None}, {"w": "by hand"}):
            rows = [{"id": row_id, "data": data}]
            await pair.here.graphql(UPDATE, t=table_id, rows=rows)

        moves = [
            (2, "a", "INITIALIZED", "RESOLVED"),
            (3, "w", "INITIALIZED", "QUEUED"),
            (4, "w", "QUEUED", "CALCULATING"),
            (5, "w", "CALCULATING", "ERROR"),
            (7, "a", "RESOLVED", "INITIALIZED"),
            (8, "w", "ERROR", "RESOLVED"),
        ]
        for id_, expected in (
            ("all", moves),
            ("some", [move for move in moves if move[3] in ("RESOLVED", "ERROR")]),
        ):
            for move in expected:
                event = await socket.event(id_)
                [cell] = event["cells"]
                assert (event["revision"], *cell.values()) == move
        await started(socket, "later", STATUSES, t=table_id, after=5, statuses=["RESOLVED"])
        assert (await socket.event("later"))["revision"] == 8
        delete = "mutation($t: ID!) { tableDelete(input: {tableId: $t}) { deletedId } }"
        await pair.here.graphql(delete, t=table_id)
        assert (await socket.event("none"))["__typename"] == "TableDeleted"


async def test_the_organisation_is_followed_and_resumed(pair: Pair) -> None:
    async with pair.there.socket() as socket:
        begun = await started(socket, "1", ORGANIZATION)
        assert begun["state"] == "SNAPSHOT"
    await until(pair.there, 0)
    made = await pair.here.graphql(
        'mutation { projectCreate(input: {name: "P"}) { project { id } }'
        ' apiKeyCreate(input: {name: "k", role: VIEWER}) { secret apiKey { id } } }'
    )
    table_id = await new_table(pair.here, "a")
    async with pair.there.socket() as socket:
        again = await started(socket, "1", ORGANIZATION, after=begun["revision"])
        assert again == {**begun, "state": "RESUMED"}
        update = """mutation($t: ID!) { tableUpdate(input: {tableId: $t, name: "N"}) {
          table { id } } sessionCreate(input: {tableId: $t}) { session { id } } }"""
        await pair.here.graphql(update, t=table_id)
        events = [await socket.event("1") for _ in range(5)]
    assert [event["kind"] for event in events] == [
        "PROJECT_CREATED",
        "KEY_CREATED",
        "TABLE_CREATED",
        "TABLE_UPDATED",
        "SESSION_CREATED",
    ]
    assert [event["revision"] for event in events] == list(
        range(begun["revision"] + 1, begun["revision"] + 6)
    )
    assert events[0]["subjectId"] == made["projectCreate"]["project"]["id"]
    assert {event["subjectId"] for event in events[2:4]} == {table_id}


async def test_large_changes_come_in_figures(pair: Pair) -> None:
    table_id = await new_table(pair.here, "a", NUMBER)
    async with pair.there.socket() as socket:
        await started(socket, "1", CHANGED, t=table_id)
        content = "a,n\n" + "".join(f"x,{n}\n" for n in range(1_500))
        run = await start_import(pair.here, table_id, content)
        assert run["status"] == "COMPLETED"
        figures = await socket.events_until("1", lambda e: e["__typename"] == "BulkChanged")
        assert (figures[-1]["rowsAdded"], figures[-1]["cause"]["id"]) == (1_500, run["id"])

        # Rows of 1 kB: 200 of them are sent whole, 300 are over 256 kB.
        for count, kind in ((200, "RowsAdded"), (300, "BulkChanged")):
            await add(pair.here, table_id, *({"a": "y" * 1_000} for _ in range(count)))
            events = await socket.events_until("1", lambda e: "Table" not in e["__typename"])
            assert events[-1]["__typename"] == kind


async def start_import(site: Site, table_id: str, content: str) -> dict[str, Any]:
    """Upload a file and import it; the import as the mutation answers."""
    async with site.client() as client:
        sent = {"file": ("data.csv", content.encode(), "text/csv")}
        uploaded = await client.post("/api/uploads", files=sent)
    assert uploaded.is_success, uploaded.text
    done = await site.graphql(START, t=table_id, f=uploaded.json()["id"])
    assert done["importStart"]["errors"] == []
    run: dict[str, Any] = done["importStart"]["import"]
    return run


async def test_an_import_is_followed_to_its_end(pair: Pair, postgres_url: str) -> None:
    table_id = await new_table(pair.here, "a")
    long = "x" * 1_000
    run = await start_import(pair.here, table_id, "a\n" + f"{long}\n" * 4_500)
    assert run["status"] == "QUEUED"
    storage = pair.here.gateway.storage
    stopping = asyncio.Event()
    async with pair.there.socket() as socket:
        first = await started(socket, "1", PROGRESS, id=run["id"])
        assert first["import"]["status"] == "QUEUED"
        working = asyncio.create_task(
            jobs.run(postgres_url, {JOB: handler(storage, stopping)}, stopping)
        )
        steps = await socket.events_until(
            "1", lambda event: event["import"]["status"] == "COMPLETED"
        )
        assert await socket.next("1") == {"id": "1", "type": "complete"}
        stopping.set()
        await working
        rows = [step["import"]["rowsImported"] for step in steps]
        assert (rows, rows[-1], len(rows) > 2) == (sorted(rows), 4_500, True)
        assert steps[-1]["import"]["bytesRead"] == steps[-1]["import"]["bytesTotal"]
        # Who comes later is told how it ended, and that nothing follows.
        over = await started(socket, "2", PROGRESS, id=run["id"])
        assert over["import"] == steps[-1]["import"]
        assert await socket.next("2") == {"id": "2", "type": "complete"}
