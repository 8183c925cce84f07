"""Runs over GraphQL, with the real engines and a worker."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from persistence import jobs
from processing import cell_runs
from tests.serving import Site, serve

_RUN = """
  id status mode name reasons rows prepared error cost inputTokens outputTokens rate secondsLeft
  columns budget { cost tokens rows } table { name }
  cells { total waiting resolved cached failed stale left dropped skipped }
  failedCells { cellId rowId column error row { id position data } }
"""
_START = f"""
mutation($input: CellsRunInput!) {{
  cellsRun(input: $input) {{ run {{ {_RUN} }} errors {{ code message path }} }}
}}"""
_PROGRESS = """
subscription($id: ID!) {
  runProgress(runId: $id) { revision run { status error cells { total resolved waiting } } }
}"""
_TABLE = """
mutation($input: TableCreateInput!) {
  tableCreate(input: $input) { table { id } errors { message } }
}"""
_CODE = "def run(row):\n    return row['name'].upper()"
_SUM = "def run(row):\n    return 1 / row['n']"


@pytest.fixture
async def site(postgres_url: str, redis_url: str, tmp_path: Path) -> AsyncIterator[Site]:
    async with serve(postgres_url, redis_url, tmp_path) as opened:
        yield opened


@asynccontextmanager
async def _worker(site: Site, url: str) -> AsyncIterator[None]:
    stopping = asyncio.Event()
    gateway = site.gateway
    storage = gateway.storage
    handlers = {
        **cell_runs.handlers(storage, stopping),
        **cell_runs.batch_handlers(storage, gateway.engines.tools, stopping),
    }
    task = asyncio.create_task(jobs.run(url, handlers, stopping))
    try:
        yield
    finally:
        stopping.set()
        await task


async def _table(site: Site, rows: list[dict[str, Any]]) -> str:
    made = await site.graphql(
        _TABLE,
        input={
            "name": "T",
            "columns": [
                {"key": "name", "label": "Name", "type": "TEXT"},
                {"key": "n", "label": "N", "type": "NUMBER"},
                _python("loud", "TEXT", _CODE),
                _python("part", "NUMBER", _SUM),
            ],
        },
    )
    assert made["tableCreate"]["errors"] == []
    table_id: str = made["tableCreate"]["table"]["id"]
    added = await site.graphql(
        "mutation($input: RowsAddInput!) { rowsAdd(input: $input) { errors { message } } }",
        input={"tableId": table_id, "rows": [{"data": row} for row in rows]},
    )
    assert added["rowsAdd"]["errors"] == []
    return table_id


def _python(key: str, type_: str, code: str) -> dict[str, Any]:
    tool = {"run": {"python": {"code": code}}}
    return {"key": key, "label": key, "type": type_, "computedBy": "TOOL", "tool": tool}


async def test_a_run_from_start_to_end(site: Site, postgres_url: str) -> None:
    table_id = await _table(site, [{"name": "a", "n": 2}, {"name": "b", "n": 0}])
    started = await site.graphql(_START, input={"tableId": table_id, "name": "first"})
    assert started["cellsRun"]["errors"] == []
    run = started["cellsRun"]["run"]
    assert (run["status"], run["columns"]) == ("QUEUED", ["loud", "part"])
    assert run["cells"]["total"] == 4
    async with site.socket() as socket:
        await socket.subscribe("p", _PROGRESS, id=run["id"])
        first = await socket.event("p")
        assert first["run"]["status"] == "QUEUED"
        async with _worker(site, postgres_url):
            events = await socket.events_until("p", lambda e: e["run"]["status"] == "PARTIAL")
        assert (await socket.next("p"))["type"] == "complete"
        assert events[-1]["run"]["cells"] == {"total": 4, "resolved": 3, "waiting": 0}
        await socket.subscribe("again", _PROGRESS, id=run["id"])
        assert (await socket.event("again"))["run"]["status"] == "PARTIAL"
        assert (await socket.next("again"))["type"] == "complete"
    found = await site.graphql(
        f"query($id: ID!, $table: ID!) {{ run(id: $id) {{ {_RUN} }} table(id: $table) {{"
        " runs { id } rows { nodes { data } } } }",
        id=run["id"],
        table=table_id,
    )
    assert found["run"]["reasons"] == ["ERRORS"]
    assert found["run"]["error"] == "1 cell failed"
    assert found["run"]["secondsLeft"] == 0
    [failed] = found["run"]["failedCells"]
    assert failed["column"] == "part"
    assert (failed["row"]["id"], failed["row"]["position"]) == (failed["rowId"], 1)
    assert failed["row"]["data"]["name"] == "b"
    assert found["run"]["rate"] == float(f"{found['run']['rate']:.3g}")
    assert "ZeroDivisionError" in failed["error"]
    assert [each["id"] for each in found["table"]["runs"]] == [run["id"]]
    data = [row["data"] for row in found["table"]["rows"]["nodes"]]
    assert [row["loud"] for row in data] == ["A", "B"]
    assert [row["part"] for row in data] == [0.5, None]


_STATUSES = """
subscription($id: ID!) {
  cellStatusChanged(tableId: $id, columns: ["loud"]) {
    __typename ... on CellStatusesChanged { revision cells { column previousStatus status } } }
}"""


async def test_statuses_are_told_while_a_run_goes_on(site: Site, postgres_url: str) -> None:
    table_id = await _table(site, [{"name": "a", "n": 1}, {"name": "b", "n": 1}])
    async with site.socket() as socket, _worker(site, postgres_url):
        await socket.subscribe("s", _STATUSES, id=table_id)
        assert (await socket.event("s"))["__typename"] == "StreamStarted"
        await site.graphql(_START, input={"tableId": table_id, "columns": ["loud"]})
        moves: list[list[tuple[str, str]]] = []
        while sum(len(each) for each in moves) < 6:
            event = await socket.event("s")
            moves.append([(c["previousStatus"], c["status"]) for c in event["cells"]])
    # All moves of one revision are one event.
    assert moves == [
        [("READY", "QUEUED")] * 2,
        [("QUEUED", "CALCULATING")] * 2,
        [("CALCULATING", "RESOLVED")] * 2,
    ]


async def test_progress_is_told_four_times_a_second_at_most(site: Site, postgres_url: str) -> None:
    table_id = await _table(site, [{"name": str(n), "n": 1} for n in range(900)])
    started = await site.graphql(_START, input={"tableId": table_id, "columns": ["loud", "part"]})
    run_id = started["cellsRun"]["run"]["id"]
    loop, times = asyncio.get_running_loop(), []
    async with site.socket() as socket:
        await socket.subscribe("p", _PROGRESS, id=run_id)
        while True:
            event = await socket.event("p")
            times.append(loop.time())
            if len(times) == 1:
                stack = AsyncExitStack()
                await stack.enter_async_context(_worker(site, postgres_url))
            if event["run"]["status"] == "COMPLETED":
                break
        await stack.aclose()
    # Nine steps at least: taking, two groups and their columns, for each of two batches.
    assert len(times) >= 3
    assert all(later - before > 0.2 for before, later in pairwise(times))


async def test_looking_before_a_run_writes_nothing(site: Site) -> None:
    table_id = await _table(site, [{"name": "a", "n": 2}, {"name": "b", "n": 0}, {"name": "c"}])
    preview = await site.graphql(
        "mutation($input: RunPreviewInput!) { runPreview(input: $input) { cells { rowId inputs"
        " value error producer { kind } cost } errors { message } } }",
        input={"tableId": table_id, "column": "part", "sample": 2},
    )
    [good, bad] = preview["runPreview"]["cells"]
    assert (good["value"], good["inputs"], good["producer"]) == (0.5, {"n": 2}, {"kind": "PYTHON"})
    assert bad["value"] is None
    assert "ZeroDivisionError" in bad["error"]
    tried = await site.graphql(
        "mutation($input: RunPreviewInput!) { runPreview(input: $input) { cells { value } } }",
        input={
            "tableId": table_id,
            "column": "n",
            "tool": {"run": {"python": {"code": "def run(row):\n    return len(row['name'])"}}},
        },
    )
    assert [cell["value"] for cell in tried["runPreview"]["cells"]] == [1, 1, 1]
    told = await site.graphql(
        'query($id: ID!) { runEstimate(tableId: $id, columns: ["loud"]) { rows cells tokensLow'
        " tokensHigh costLow costHigh } table(id: $id) { revision rows { nodes { data } } } }",
        id=table_id,
    )
    assert told["runEstimate"] == {
        "rows": 3,
        "cells": 3,
        "tokensLow": 0,
        "tokensHigh": 0,
        "costLow": 0,
        "costHigh": 0,
    }
    assert all(row["data"]["part"] is None for row in told["table"]["rows"]["nodes"])


async def test_a_run_can_be_stopped_retried_and_undone(site: Site, postgres_url: str) -> None:
    table_id = await _table(site, [{"name": "a", "n": 0}])
    started = await site.graphql(
        _START,
        input={"tableId": table_id, "budget": {"cost": 1.5, "tokens": 10, "rows": 7}},
    )
    run = started["cellsRun"]["run"]
    assert run["budget"] == {"cost": 1.5, "tokens": 10, "rows": 7}
    for name, status in (
        ("runPause", "PAUSED"),
        ("runResume", "RUNNING"),
        ("runCancel", "CANCELLED"),
    ):
        answer = await site.graphql(_one(name), input={"runId": run["id"]})
        assert answer[name]["run"]["status"] == status, answer
    answer = await site.graphql(_one("runPause"), input={"runId": run["id"]})
    assert answer["runPause"]["errors"][0]["code"] == "CONFLICT"
    async with _worker(site, postgres_url):
        second = (await site.graphql(_START, input={"tableId": table_id}))["cellsRun"]["run"]
        assert (await _over(site, second["id"]))["status"] == "PARTIAL"
        retried = (await site.graphql(_one("runRetry"), input={"runId": second["id"]}))["runRetry"]
        assert (await _over(site, retried["run"]["id"]))["status"] == "FAILED"
    undone = await site.graphql(
        "mutation($input: RunUndoInput!) { runUndo(input: $input) { rowsChanged conflictCount"
        " errors { message } } }",
        input={"runId": second["id"]},
    )
    assert undone["runUndo"] == {"rowsChanged": 1, "conflictCount": 0, "errors": []}
    found = await site.graphql(
        "query($id: ID!, $run: ID!) { table(id: $id) { rows { nodes { data } } }"
        " run(id: $run) { undoneBy undoneAt } nothing: run(id: $id) { id } }",
        id=table_id,
        run=second["id"],
    )
    assert found["table"]["rows"]["nodes"][0]["data"]["loud"] is None
    assert found["run"]["undoneAt"] is not None
    assert found["nothing"] is None


async def test_bad_commands_are_told_with_their_places(site: Site) -> None:
    table_id = await _table(site, [{"name": "a"}])
    for given, path in (
        ({"columns": ["name"]}, ["columns"]),
        ({"budget": {"cost": "much"}}, ["budget", "cost"]),
        ({"rows": []}, ["rows"]),
    ):
        answer = await site.graphql(_START, input={"tableId": table_id, **given})
        assert answer["cellsRun"]["run"] is None
        assert answer["cellsRun"]["errors"][0]["path"] == path


def _one(name: str) -> str:
    fields = "run { id status } errors { code message }"
    return f"mutation($input: RunInput!) {{ {name}(input: $input) {{ {fields} }} }}"


async def _over(site: Site, run_id: str) -> dict[str, Any]:
    async with site.socket() as socket:
        await socket.subscribe("p", _PROGRESS, id=run_id)
        over = {"COMPLETED", "PARTIAL", "FAILED", "CANCELLED"}
        events = await socket.events_until("p", lambda event: event["run"]["status"] in over)
        run: dict[str, Any] = events[-1]["run"]
        return run
