"""`python -m bench.cells`: cells filled by a Python tool and by a model that takes 50 ms, through
real processes, while subscribers follow their statuses. `--write` puts the figures into
docs/benchmarks.md."""

import argparse
import asyncio
import json
import os
import platform
import re
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2

from bench.cells.model import SECONDS
from bench.large.measures import Result, peaks
from bench.servers import Servers, free_port
from persistence.migrate import upgrade_async
from server import bootstrap

REPORT = Path(__file__).parents[2] / "docs" / "benchmarks.md"
PYTHON_ROWS = 100_000
MODEL_ROWS = 20_000
CONCURRENCY = 64
SUBSCRIBERS = 200
_BEGIN, _END = "<!-- cells begin -->", "<!-- cells end -->"
_POLL = 0.1
_MOST_SECONDS = 900

_TABLE = """mutation($columns: [ColumnInput!]!) {
  tableCreate(input: {name: "Cells", columns: $columns}) { table { id } errors { message } } }"""
_ADD = """mutation($table: ID!, $rows: [RowAddInput!]!) {
  rowsAdd(input: {tableId: $table, rows: $rows}) { revision errors { message } } }"""
_RUN = """mutation($table: ID!, $column: String!) {
  cellsRun(input: {tableId: $table, columns: [$column]}) { run { id } errors { message } } }"""
_STATE = """query($id: ID!) {
  run(id: $id) { status cells { resolved } error } }"""
_PROVIDER = """mutation($url: String!) {
  providerCreate(input: {name: "bench", kind: OPENAI, baseUrl: $url, apiKey: "none",
    model: "bench", concurrency: 64}) { provider { id } errors { message } } }"""


@dataclass(frozen=True, slots=True)
class Site:
    """What every step works with."""

    servers: Servers
    client: httpx2.AsyncClient
    key: str

    async def graphql(self, query: str, **variables: Any) -> dict[str, Any]:
        """The data of an answer without errors of any kind."""
        answer = await self.client.post("/graphql", json={"query": query, "variables": variables})
        told: dict[str, Any] = answer.json()
        if "errors" in told or any((each or {}).get("errors") for each in told["data"].values()):
            raise SystemExit(f"refused: {told}")
        data: dict[str, Any] = told["data"]
        return data


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.cells", description=__doc__)
    parser.add_argument("--python", type=int, default=PYTHON_ROWS, help="cells of the program")
    parser.add_argument("--model", type=int, default=MODEL_ROWS, help="cells of the model")
    parser.add_argument("--write", action="store_true", help="put the figures into the docs")
    given = parser.parse_args()
    servers = Servers(environment={"TABLECAST_EGRESS_ALLOW": "127.0.0.0/8"})
    try:
        results = asyncio.run(_run(servers, given.python, given.model))
    finally:
        servers.stop()
    machine = (
        f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores shared by all processes,"
        f" Python {platform.python_version()}, PostgreSQL 18 with fsync on, one web process, one"
        f" worker, {SUBSCRIBERS} subscribers of `cellStatusChanged`."
    )
    rows = (f"| {each.work} | {each.figure} | {each.beside} |" for each in results)
    table = ["| work | tablecast | beside it |", "|---|---|---|", *rows]
    text = "\n".join([machine, "", *table])
    print(text)
    if given.write:
        place = re.compile(f"{re.escape(_BEGIN)}.*{re.escape(_END)}", re.DOTALL)
        REPORT.write_text(place.sub(lambda _: f"{_BEGIN}\n{text}\n{_END}", REPORT.read_text()))


async def _run(servers: Servers, python_rows: int, model_rows: int) -> list[Result]:
    await servers.start_stores()
    await upgrade_async(servers.settings.database_url or "")
    key = (await bootstrap.prepare(servers.settings)).api_key
    assert key is not None
    await servers.start_tablecast()
    servers.start_worker()
    model = free_port()
    await servers.start_program("model", ["bench.cells.model", str(model)], model, "/calls")
    client = httpx2.AsyncClient(
        base_url=f"http://127.0.0.1:{servers.settings.port}",
        headers={"Authorization": f"Bearer {key}"},
        timeout=120,
    )
    async with client:
        site = Site(servers, client, key)
        await site.graphql(_PROVIDER, url=f"http://127.0.0.1:{model}/v1")
        code = 'def run(row):\n    return row["n"] * 2 + 1\n'
        python = {"python": {"code": code}}
        ask = {"ai": {"prompt": "Say fine about {{n}}.", "provider": "bench"}}
        results = [
            await _fill(site, "Python cells", python, "NUMBER", python_rows, None),
            await _fill(
                site,
                f"model cells, {SECONDS * 1000:.0f} ms each, concurrency {CONCURRENCY}",
                ask,
                "TEXT",
                model_rows,
                CONCURRENCY / SECONDS,
            ),
        ]
        calls = (await client.get(f"http://127.0.0.1:{model}/calls")).json()
        if calls != model_rows:
            raise SystemExit(f"the model was called {calls} times for {model_rows} cells")
    return results


async def _fill(
    site: Site, work: str, tool: dict[str, Any], type_: str, count: int, limit: float | None
) -> Result:
    """Fill a new table's cells; `limit` is the most cells a second that the model allows."""
    columns = [
        {"key": "n", "type": "NUMBER"},
        {"key": "out", "type": type_, "tool": {"run": tool}},
    ]
    table: str = (await site.graphql(_TABLE, columns=columns))["tableCreate"]["table"]["id"]
    for start in range(0, count, 1000):
        rows = [{"data": {"n": number}} for number in range(start, min(count, start + 1000))]
        await site.graphql(_ADD, table=table, rows=rows)
    watchers = _watch(site, table)
    try:
        async with peaks(site.servers, "tablecast", "worker") as peak:
            began = time.perf_counter()
            run_id = (await site.graphql(_RUN, table=table, column="out"))["cellsRun"]["run"]["id"]
            async with asyncio.timeout(_MOST_SECONDS):
                while (state := (await site.graphql(_STATE, id=run_id))["run"])["status"] in (  # noqa: ASYNC110  as a client asks
                    "QUEUED",
                    "RUNNING",
                ):
                    await asyncio.sleep(_POLL)
            taken = time.perf_counter() - began
            await asyncio.sleep(1)
        if (state["status"], state["cells"]["resolved"]) != ("COMPLETED", count):
            raise SystemExit(f"the run did not end well: {state}")
        frames, seconds = await asyncio.to_thread(_counted, watchers)
    finally:
        watchers.kill()
    figure = f"{count / taken:,.0f} cells a second"
    if limit:
        figure += f", {count / taken / limit:.2f} of what the model allows"
    seen = f"{frames:,} events to all subscribers, {frames / max(seconds, 0.001):,.0f} a second"
    memory = f"web {peak.megabytes('tablecast')}, worker {peak.megabytes('worker')} at their peaks"
    print(f"{work}: {figure}; {seen}", file=sys.stderr, flush=True)
    return Result(f"{count:,} {work}", figure, f"{seen}; {memory}")


def _watch(site: Site, table: str) -> "subprocess.Popen[str]":
    """Subscribers that have begun to follow."""
    port = str(site.servers.settings.port)
    line = [sys.executable, "-m", "bench.cells.watchers", port, site.key, table, str(SUBSCRIBERS)]
    process = subprocess.Popen(line, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    if process.stdout.readline() != "ready\n":
        raise SystemExit("the subscribers did not begin")
    return process


def _counted(watchers: "subprocess.Popen[str]") -> tuple[int, float]:
    told, _ = watchers.communicate(timeout=60)
    frames, seconds = json.loads(told.splitlines()[-1])
    return int(frames), float(seconds)


if __name__ == "__main__":
    main()
