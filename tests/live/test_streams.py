"""Streams over real sockets: order, resuming, filters, and no change lost between a page and its
stream."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.serving import Site, serve

TABLE = """mutation { tableCreate(input: {name: "Live", columns: [
  {key: "title", label: "Title", type: TEXT}, {key: "n", label: "N", type: NUMBER},
  {key: "worker", label: "Worker", type: TEXT, computedBy: EXTERNAL}]}) {
  table { id } errors { message } } }"""

ADD = """mutation($t: ID!, $rows: [RowAddInput!]!) {
  rowsAdd(input: {tableId: $t, rows: $rows}) { rowIds revision errors { message } } }"""

UPDATE = """mutation($t: ID!, $rows: [RowUpdateInput!]!) {
  rowsUpdate(input: {tableId: $t, rows: $rows}) { revision errors { message } } }"""

DELETE = """mutation($t: ID!, $ids: [ID!]!) {
  rowsDelete(input: {tableId: $t, rowIds: $ids}) { revision errors { message } } }"""

CHANGED = """subscription($t: ID!, $after: Int, $filter: RowFilter) {
  tableChanged(tableId: $t, after: $after, filter: $filter) {
    __typename
    ... on StreamStarted { revision state resetReason }
    ... on ChangeEvent { revision }
    ... on RowsAdded { rows { id version data } }
    ... on RowsChanged { rows { id version data } columns entered { id version data } left }
    ... on RowsEntered { rows { id version data } }
    ... on RowsLeft { rowIds reason }
    ... on RowsDeleted { rowIds }
    ... on CellsChanged { cells { rowId column previousStatus status value } rows { id version data
    } } ... on BulkChanged { rowsAdded rowsChanged rowsDeleted }
  } }"""

PAGE = """query($t: ID!) { table(id: $t) { revision rowCount
  rows(first: 1000) { nodes { id version data } } } }"""


@pytest.fixture
async def site(postgres_url: str, redis_url: str, tmp_path: Path) -> AsyncIterator[Site]:
    async with serve(postgres_url, redis_url, tmp_path) as opened:
        yield opened


async def new_table(site: Site) -> str:
    return str((await site.graphql(TABLE))["tableCreate"]["table"]["id"])


def apply(state: dict[str, Any], event: dict[str, Any]) -> None:
    """What a client does with an event."""
    for row in [*event.get("rows", ()), *event.get("entered", ())]:
        state[row["id"]] = {"version": row["version"], "data": row["data"]}
    for gone in [*event.get("rowIds", ()), *event.get("left", ())]:
        state.pop(gone, None)


async def page(site: Site, table_id: str) -> tuple[int, dict[str, Any]]:
    table = (await site.graphql(PAGE, t=table_id))["table"]
    nodes = table["rows"]["nodes"]
    assert table["rowCount"] == len(nodes)
    return table["revision"], {
        node["id"]: {"version": node["version"], "data": node["data"]} for node in nodes
    }


async def test_old_state_and_events_make_the_new_state(site: Site) -> None:
    table_id = await new_table(site)
    first = await site.graphql(ADD, t=table_id, rows=[{"data": {"n": i}} for i in range(5)])
    ids = first["rowsAdd"]["rowIds"]
    revision, state = await page(site, table_id)
    mutations: list[tuple[str, dict[str, Any]]] = [
        (ADD, {"rows": [{"data": {"title": "new", "extra": [1, None]}}]}),
        (UPDATE, {"rows": [{"id": ids[0], "data": {"title": "x", "n": None}}]}),
        (UPDATE, {"rows": [{"id": each, "data": {"n": 7.25}} for each in ids]}),
        (DELETE, {"ids": ids[1:3]}),
        (_REPLACE, {"rows": [{"id": ids[0], "data": {"title": "only"}}]}),
        (_report("QUEUED"), {"id": ids[0]}),
        (_report("CALCULATING"), {"id": ids[0]}),
        (_report('RESOLVED value: "done"'), {"id": ids[0]}),
        (ADD, {"rows": [{"data": {"worker": "by hand", "n": 10**17 + 1}}]}),
    ]
    async with site.socket() as socket:
        await socket.subscribe("1", CHANGED, t=table_id, after=revision)
        assert (await socket.event("1"))["state"] == "RESUMED"
        for text, variables in mutations:
            [payload] = (await site.graphql(text, t=table_id, **variables)).values()
            assert payload["errors"] == []
            event = await socket.event("1")
            apply(state, event)
            assert (event["revision"], state) == await page(site, table_id), text


_REPLACE = UPDATE.replace("rows: $rows", "mode: REPLACE, rows: $rows")


def _report(move: str) -> str:
    return (
        "mutation($t: ID!, $id: ID!) { cellsReport(input: {tableId: $t, cells: [{rowId: $id,"
        f' column: "worker", status: {move}}}]}}) {{ errors {{ message }} }} }}'
    )


async def test_a_filtered_stream_keeps_a_filtered_page(site: Site) -> None:
    table_id = await new_table(site)
    condition = {"where": {"column": "n", "operator": "GTE", "value": 4}}
    async with site.socket() as socket:
        await socket.subscribe("1", CHANGED, t=table_id, filter=condition)
        assert (await socket.event("1"))["state"] == "SNAPSHOT"
        added = await site.graphql(ADD, t=table_id, rows=[{"data": {"n": n}} for n in (1, 5, 9)])
        low, five, nine = added["rowsAdd"]["rowIds"]

        event = await socket.event("1")
        assert (event["__typename"], [row["id"] for row in event["rows"]]) == (
            "RowsAdded",
            [five, nine],
        )
        await site.graphql(UPDATE, t=table_id, rows=[{"id": low, "data": {"n": 2}}])
        await site.graphql(UPDATE, t=table_id, rows=[{"id": low, "data": {"n": 4}}])
        event = await socket.event("1")  # nothing was said of 1 → 2
        assert event["__typename"] == "RowsEntered"
        assert event["rows"] == [
            {"id": low, "version": 3, "data": {"title": None, "n": 4, "worker": None}}
        ]
        mixed = [{"id": five, "data": {"n": 6}}, {"id": low, "data": {"n": 0}}]
        await site.graphql(UPDATE, t=table_id, rows=mixed)
        event = await socket.event("1")
        assert event["__typename"] == "RowsChanged"
        assert ([row["id"] for row in event["rows"]], event["left"]) == ([five], [low])
        assert event["columns"] == ["n"]
        await site.graphql(UPDATE, t=table_id, rows=[{"id": five, "data": {"n": None}}])
        event = await socket.event("1")
        assert (event["__typename"], event["rowIds"], event["reason"]) == (
            "RowsLeft",
            [five],
            "CHANGED",
        )
        await site.graphql(DELETE, t=table_id, ids=[low, nine])
        event = await socket.event("1")
        assert (event["rowIds"], event["reason"]) == ([nine], "DELETED")


@pytest.mark.parametrize(
    ("readers", "turns"), [(10, 10), pytest.param(20, 50, marks=pytest.mark.long)]
)
async def test_a_page_and_its_stream_meet_under_a_writer(
    site: Site, readers: int, turns: int
) -> None:
    """supabase-js#1599: writes between "subscribed" and the first event were lost."""
    table_id = await new_table(site)
    done = asyncio.Event()

    async def writer() -> None:
        number = 0
        ids: list[str] = []
        while not done.is_set():
            number += 1
            if ids and number % 3 == 0:
                await site.graphql(DELETE, t=table_id, ids=[ids.pop(0)])
            elif ids and number % 3 == 1:
                await site.graphql(UPDATE, t=table_id, rows=[{"id": ids[0], "data": {"n": number}}])
            else:
                rows = [{"data": {"n": number}}]
                ids += (await site.graphql(ADD, t=table_id, rows=rows))["rowsAdd"]["rowIds"]

    async def reader() -> None:
        async with site.socket() as socket:
            for turn in range(turns):
                id_ = str(turn)
                revision, state = await page(site, table_id)
                await socket.subscribe(id_, CHANGED, t=table_id, after=revision)
                assert (await socket.event(id_))["state"] == "RESUMED"
                for expected in range(revision + 1, revision + 4):
                    event = await socket.event(id_)
                    assert event["revision"] == expected
                    apply(state, event)
                await socket.send({"id": id_, "type": "complete"})
                assert len(state) <= 1000

    writing = asyncio.create_task(writer())
    await asyncio.gather(*(reader() for _ in range(readers)))
    done.set()
    await writing


async def test_a_revoked_key_ends_its_streams(site: Site) -> None:
    made = await site.graphql(
        'mutation { apiKeyCreate(input: {name: "soon gone", role: VIEWER})'
        " { secret apiKey { id } } }"
    )
    table_id = await new_table(site)
    async with site.socket(made["apiKeyCreate"]["secret"]) as socket:
        await socket.subscribe("1", CHANGED, t=table_id)
        await socket.event("1")
        gone = made["apiKeyCreate"]["apiKey"]["id"]
        await site.graphql(
            "mutation($id: ID!) { apiKeyRevoke(input: {apiKeyId: $id}) { errors { message } } }",
            id=gone,
        )
        async with asyncio.timeout(2):
            await socket.plain.wait_closed()
    assert socket.plain.close_code == 4403


async def test_every_field_of_every_event_can_be_asked_for_at_once(site: Site) -> None:
    """Fields of the same name have the same type in all events of a union."""
    introspection = "{ __type(name: %s) { possibleTypes { name fields { name type { %s } } } } }"
    deep = "kind name ofType { kind name ofType { kind name ofType { kind name } } }"
    for union in ("TableEvent", "CellStatusEvent", "OrganizationEvent"):
        found = await site.graphql(introspection % (f'"{union}"', deep))
        types: dict[str, Any] = {}
        for member in found["__type"]["possibleTypes"]:
            for field in member["fields"]:
                assert types.setdefault(field["name"], field["type"]) == field["type"], field


async def test_a_stream_cannot_begin_before_the_beginning(site: Site) -> None:
    table_id = await new_table(site)
    async with site.socket() as socket:
        await socket.subscribe("1", CHANGED, t=table_id, after=-1)
        message = await socket.next("1")
    assert message["type"] == "error"
    [error] = message["payload"]
    assert error["extensions"]["code"] == "BAD_USER_INPUT"
    assert error["message"] == "after must not be negative"
