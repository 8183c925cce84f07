"""History, the past, differences and rollbacks through GraphQL, and what subscribers hear."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.gql.documents import ERRORS, UPDATE, add, ask, new_table
from tests.live.test_streams import CHANGED, apply, page
from tests.serving import Site, serve

ENTRY = "id rowId version revision action change changed data previousData actorName cause { kind }"
HISTORY = f"""query($t: ID!, $first: Int! = 50, $after: String, $row: ID, $action: HistoryAction,
    $actor: String, $since: DateTime, $until: DateTime) {{
  table(id: $t) {{ history(first: $first, after: $after, rowId: $row, action: $action,
      actor: $actor, since: $since, until: $until) {{
    nodes {{ {ENTRY} createdAt actor }} edges {{ cursor node {{ id }} }}
    pageInfo {{ hasNextPage hasPreviousPage endCursor }} }} }} }}"""
PAST = """query($t: ID!, $at: AsOfInput!, $first: Int, $after: String, $filter: RowFilter) {
  table(id: $t) { revision rowCount
    rows(asOf: $at, first: $first, after: $after, filter: $filter, sort: {column: "n"}) {
      revision totalCount nodes { id version data cell(column: "worker") { status } }
      pageInfo { hasNextPage endCursor } } } }"""
DIFF = """query($t: ID!, $from: AsOfInput!, $to: AsOfInput) {
  table(id: $t) { diff(from: $from, to: $to) { fromRevision toRevision
    nodes { rowId kind before after cells { column before after } }
    edges { cursor } pageInfo { hasNextPage } } } }"""
DELETE = """mutation($t: ID!, $ids: [ID!]!) {
  rowsDelete(input: {tableId: $t, rowIds: $ids}) { revision errors { message } } }"""
ROW = f"revision row {{ id version data }} {ERRORS}"
ROW_BACK = f"mutation($i: RowRollbackInput!) {{ rowRollback(input: $i) {{ {ROW} }} }}"
CELL_BACK = f"mutation($i: CellRollbackInput!) {{ cellRollback(input: $i) {{ {ROW} }} }}"
RESTORE = f"mutation($i: RowRestoreInput!) {{ rowRestore(input: $i) {{ {ROW} }} }}"
DONE = f"""revision rowsDeleted rowsChanged rowsRestored conflictCount
  conflicts {{ rowId revision actor reason }} rollback {{ id }} {ERRORS}"""
ROWS_BACK = f"mutation($i: RowsRollbackInput!) {{ rowsRollback(input: $i) {{ {DONE} }} }}"
ACTOR_BACK = f"mutation($i: ActorRollbackInput!) {{ actorRollback(input: $i) {{ {DONE} }} }}"


@pytest.fixture(scope="module")
async def site(
    postgres_url: str, redis_url: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Site]:
    async with serve(postgres_url, redis_url, tmp_path_factory.mktemp("data")) as opened:
        yield opened


async def _table(site: Site) -> str:
    worker = {"key": "worker", "type": "TEXT", "computedBy": "EXTERNAL"}
    return await new_table(site, "title", {"key": "n", "type": "NUMBER"}, worker)


async def _update(site: Site, table_id: str, *rows: dict[str, Any]) -> int:
    done = (await site.graphql(UPDATE, t=table_id, rows=list(rows)))["rowsUpdate"]
    assert done["errors"] == []
    revision: int = done["revision"]
    return revision


async def _one(site: Site, text: str, **given: Any) -> dict[str, Any]:
    """The payload of a mutation that must succeed."""
    [payload] = (await site.graphql(text, i=given)).values()
    assert payload["errors"] == []
    found: dict[str, Any] = payload
    return found


async def test_history_is_paged_and_filtered(site: Site) -> None:
    table_id = await _table(site)
    first, second = await add(site, table_id, {"n": 1}, {"n": 2})
    for number in (3, 4):
        await _update(site, table_id, {"id": first, "data": {"n": number}})
    await site.graphql(DELETE, t=table_id, ids=[second])

    async def read(**given: Any) -> Any:
        return (await site.graphql(HISTORY, t=table_id, **given))["table"]["history"]

    whole = await read()
    shown = [(entry["rowId"], entry["version"], entry["action"]) for entry in whole["nodes"]]
    assert shown == [
        (second, 2, "DELETE"),
        (first, 3, "UPDATE"),
        (first, 2, "UPDATE"),
        (second, 1, "CREATE"),
        (first, 1, "CREATE"),
    ]
    seen: list[str] = []
    cursor = None
    while True:
        part = await read(first=2, after=cursor)
        seen += [entry["id"] for entry in part["nodes"]]
        assert part["pageInfo"]["hasPreviousPage"] is (cursor is not None)
        cursor = part["pageInfo"]["endCursor"]
        if not part["pageInfo"]["hasNextPage"]:
            break
    assert seen == [entry["id"] for entry in whole["nodes"]]
    assert len((await read(row=first))["nodes"]) == 3
    assert [e["version"] for e in (await read(action="UPDATE"))["nodes"]] == [3, 2]
    assert len((await read(actor=whole["nodes"][0]["actor"]))["nodes"]) == 5
    assert (await read(actor="nobody"))["nodes"] == []
    middle = whole["nodes"][2]["createdAt"]
    later = [e["id"] for e in whole["nodes"] if e["createdAt"] >= middle]
    assert [e["id"] for e in (await read(since=middle))["nodes"]] == later
    earlier = [e["id"] for e in whole["nodes"] if e["createdAt"] <= middle]
    assert [e["id"] for e in (await read(until=middle))["nodes"]] == earlier
    entry = whole["nodes"][1]
    assert (entry["changed"], entry["actorName"], entry["cause"]) == (
        ["n"],
        "admin",
        {"kind": "MUTATION"},
    )
    row = f'{{ row(id: "{first}") {{ history(first: 1) {{ nodes {{ id }} }} }} }}'
    [node] = (await site.graphql(row))["row"]["history"]["nodes"]
    assert node["id"] == entry["id"]
    for bad in ("x", "W10", "bnVsbA", "WzEsMl0"):
        body = await ask(site, HISTORY, {"t": table_id, "after": bad})
        assert "not a cursor" in body["errors"][0]["message"]


async def test_the_past_is_read_like_the_present(site: Site) -> None:
    table_id = await _table(site)
    ids = await add(site, table_id, *({"n": n, "title": "old"} for n in range(5)))
    await _update(site, table_id, *({"id": each, "data": {"title": "new"}} for each in ids[:2]))
    await site.graphql(DELETE, t=table_id, ids=ids[3:])

    async def read(**given: Any) -> Any:
        return (await site.graphql(PAST, t=table_id, **given))["table"]

    table = await read(at={"revision": 2}, first=3)
    assert (table["revision"], table["rowCount"]) == (2, 5)
    part = table["rows"]
    assert (part["revision"], part["totalCount"]) == (2, 5)
    assert [row["data"]["title"] for row in part["nodes"]] == ["old"] * 3
    rest = (await read(at={"revision": 2}, after=part["pageInfo"]["endCursor"]))["rows"]
    assert [row["id"] for row in [*part["nodes"], *rest["nodes"]]] == ids
    condition = {"where": {"column": "title", "operator": "EQ", "value": "new"}}
    for revision, count in ((2, 0), (3, 2), (4, 2)):
        table = await read(at={"revision": revision}, filter=condition)
        assert table["rows"]["totalCount"] == count
    now = await read(at={"at": "9999-01-01T00:00:00Z"})
    assert (now["revision"], now["rowCount"]) == (4, 3)
    for at, code in (({"revision": 99}, "OUT_OF_RANGE"), ({}, "INVALID")):
        body = await ask(site, PAST, {"t": table_id, "at": at})
        assert body["errors"][0]["extensions"]["problems"][0]["code"] == code


async def test_a_difference_names_rows_and_cells(site: Site) -> None:
    table_id = await _table(site)
    [kept, gone] = await add(site, table_id, {"n": 1}, {"n": 2})
    await _update(site, table_id, {"id": kept, "data": {"n": 7, "free": [1]}})
    await site.graphql(DELETE, t=table_id, ids=[gone])
    [new] = await add(site, table_id, {"n": 3})
    diff = (await site.graphql(DIFF, t=table_id, **{"from": {"revision": 2}}))["table"]["diff"]
    assert (diff["fromRevision"], diff["toRevision"]) == (2, 5)
    assert [(row["rowId"], row["kind"]) for row in diff["nodes"]] == [
        (kept, "CHANGED"),
        (gone, "REMOVED"),
        (new, "ADDED"),
    ]
    assert diff["nodes"][0]["cells"] == [
        {"column": "n", "before": 1, "after": 7},
        {"column": "free", "before": None, "after": [1]},
    ]
    assert diff["nodes"][1]["after"] is None
    assert diff["nodes"][2]["before"] is None


async def test_subscribers_follow_every_rollback(site: Site) -> None:
    """Old state and events make the new state: deletions, changes and additions one by one."""
    table_id = await _table(site)
    ids = await add(site, table_id, *({"n": n, "worker": "w"} for n in range(4)))
    await _update(site, table_id, {"id": ids[0], "data": {"n": 9, "worker": None, "x": 1}})
    await site.graphql(DELETE, t=table_id, ids=[ids[1]])
    await add(site, table_id, {"n": 5})
    revision, state = await page(site, table_id)
    entry = f"{ids[0]}.v1"
    steps: list[tuple[str, dict[str, Any], int]] = [
        (ROW_BACK, {"historyEntryId": entry}, 1),
        (ROW_BACK, {"rowId": ids[0], "version": 2}, 1),
        (CELL_BACK, {"rowId": ids[0], "column": "n", "version": 1}, 1),
        (RESTORE, {"rowId": ids[1]}, 1),
        (ROWS_BACK, {"tableId": table_id, "toRevision": revision}, 2),
        (ROWS_BACK, {"tableId": table_id, "toRevision": 2}, 3),
        (ACTOR_BACK, {"tableId": table_id, "actor": "nobody", "since": "2020-01-01"}, 0),
    ]
    async with site.socket() as socket:
        await socket.subscribe("1", CHANGED, t=table_id, after=revision)
        assert (await socket.event("1"))["state"] == "RESUMED"
        for text, given, events in steps:
            if "since" in given:
                given["since"] += "T00:00:00Z"
            payload = await _one(site, text, **given)
            for _ in range(events):
                event = await socket.event("1")
                apply(state, event)
            assert (payload["revision"], state) == await page(site, table_id), given
            assert payload["revision"] == event["revision"]


async def test_refusals_come_as_errors(site: Site) -> None:
    table_id = await _table(site)
    [row_id] = await add(site, table_id, {"n": 1})
    for text, given, code in (
        (ROW_BACK, {"rowId": row_id}, "INVALID"),
        (ROW_BACK, {}, "INVALID"),
        (ROW_BACK, {"rowId": row_id, "version": 1, "historyEntryId": "x"}, "INVALID"),
        (RESTORE, {"rowId": row_id}, "CONFLICT"),
        (CELL_BACK, {"rowId": row_id, "column": "no", "version": 1}, "UNKNOWN_COLUMN"),
        (ROWS_BACK, {"tableId": table_id, "toRevision": 9}, "OUT_OF_RANGE"),
        (ROWS_BACK, {"tableId": table_id, "toRevision": 1, "rowIds": []}, "OUT_OF_RANGE"),
        (
            ROWS_BACK,
            {"tableId": table_id, "toRevision": 2, "seenRevision": 1},
            "LOG_PRUNED",
        ),
    ):
        [payload] = (await site.graphql(text, i=given)).values()
        assert [error["code"] for error in payload["errors"]] == [code], given
    for given in ({"historyEntryId": "x"}, {"rowId": row_id, "version": 7}):
        body = await ask(site, ROW_BACK, {"i": given})
        assert body["errors"][0]["extensions"]["code"] == "NOT_FOUND"
