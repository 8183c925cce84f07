"""`python -m bench.large`: a table of a million rows imported, read, grouped and exported, through
real processes. `--rows` for another size, `--write` to put the figures into docs/benchmarks.md."""

import argparse
import asyncio
import csv
import json
import os
import platform
import random
import re
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import httpx2

from bench.data import COLUMNS, MOST_SCORE, row
from bench.large.measures import Result, peaks, render, seconds
from bench.servers import Servers
from domain.ids import parse
from persistence.migrate import upgrade_async
from persistence.urls import asyncpg_dsn
from server import bootstrap

REPORT = Path(__file__).parents[2] / "docs" / "benchmarks.md"
EXPORTED = 100_000
_BEGIN, _END = "<!-- large begin -->", "<!-- large end -->"
_POLL = 0.2

_TABLE = """mutation($columns: [ColumnInput!]!) {
  tableCreate(input: {name: "Large", columns: $columns}) { table { id } errors { message } } }"""
_IMPORT = """mutation($table: ID!, $file: ID!) {
  importStart(input: {tableId: $table, fileId: $file}) { import { id } errors { message } } }"""
_PROGRESS = "query($id: ID!) { import(id: $id) { status rowsImported rowsSkipped error } }"
_PAGE = """query($id: ID!, $filter: RowFilter!, $sort: [RowSortInput!]!) {
  table(id: $id) { rows(first: 50, filter: $filter, sort: $sort) { nodes { id data } } } }"""
_GROUPS = """query($id: ID!) { table(id: $id) { aggregate(groupBy: [{column: "category"}],
  metrics: [{function: COUNT}, {function: AVG, column: "amount"}]) { groups { keys values } } } }"""


@dataclass(frozen=True, slots=True)
class Run:
    """What every step works with."""

    servers: Servers
    client: httpx2.AsyncClient
    plain: "asyncpg.Connection[asyncpg.Record]"
    rows: int

    async def graphql(self, query: str, **variables: Any) -> dict[str, Any]:
        """The data of an answer without errors."""
        answer = await self.client.post("/graphql", json={"query": query, "variables": variables})
        told: dict[str, Any] = answer.json()
        if "errors" in told:
            raise SystemExit(f"refused: {told['errors']}")
        data: dict[str, Any] = told["data"]
        return data


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.large", description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000, help="rows of the table")
    parser.add_argument("--write", action="store_true", help="put the figures into the docs")
    given = parser.parse_args()
    servers = Servers(max_upload_bytes=1_000_000_000)
    try:
        results = asyncio.run(_run(servers, given.rows))
    finally:
        servers.stop()
    machine = (
        f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores shared by all processes,"
        f" Python {platform.python_version()}, PostgreSQL 18 with fsync on"
    )
    text = render(results, given.rows, machine)
    print(text)
    if given.write:
        place = re.compile(f"{re.escape(_BEGIN)}.*{re.escape(_END)}", re.DOTALL)
        REPORT.write_text(place.sub(lambda _: f"{_BEGIN}\n{text}\n{_END}", REPORT.read_text()))


async def _run(servers: Servers, rows: int) -> list[Result]:
    await servers.start_stores()
    url = servers.settings.database_url or ""
    await upgrade_async(url)
    key = (await bootstrap.prepare(servers.settings)).api_key
    await servers.start_tablecast()
    servers.start_worker()
    plain = await asyncpg.connect(asyncpg_dsn(url))
    client = httpx2.AsyncClient(
        base_url=f"http://127.0.0.1:{servers.settings.port}",
        headers={"Authorization": f"Bearer {key}"},
        timeout=600,
    )
    results: list[Result] = []
    try:
        run = Run(servers, client, plain, rows)
        table_id = await _import(run, results)
        await _read(run, table_id, results)
        await _export(run, table_id, results)
    finally:
        await client.aclose()
        await plain.close()
    return results


def _file(run: Run) -> Path:
    """A CSV file of the table's rows."""
    chance = random.Random(7)
    path = run.servers.folder / "large.csv"
    with path.open("w", newline="", encoding="utf-8") as out:
        writer = csv.writer(out)
        writer.writerow(COLUMNS)
        for _ in range(run.rows):
            writer.writerow(row(chance).values())
    return path


async def _import(run: Run, results: list[Result]) -> str:
    columns = [{"key": key, "label": key, "type": kind.name} for key, kind in COLUMNS.items()]
    table_id: str = (await run.graphql(_TABLE, columns=columns))["tableCreate"]["table"]["id"]
    path = await asyncio.to_thread(_file, run)
    _progress(f"the file has {path.stat().st_size / 1e6:.0f} MB")
    with path.open("rb") as content:
        answer = await run.client.post("/api/uploads", files={"file": (path.name, content)})
    file_id = answer.json()["id"]
    async with peaks(run.servers, "tablecast", "worker") as peak:
        began = time.perf_counter()
        started = await run.graphql(_IMPORT, table=table_id, file=file_id)
        import_id = started["importStart"]["import"]["id"]
        while (state := await run.graphql(_PROGRESS, id=import_id))["import"]["status"] in (  # noqa: ASYNC110  as a client asks
            "QUEUED",
            "RUNNING",
        ):
            await asyncio.sleep(_POLL)
        taken = time.perf_counter() - began
    done = state["import"]
    if (done["status"], done["rowsImported"]) != ("COMPLETED", run.rows):
        raise SystemExit(f"the import did not end well: {done}")
    figure = f"{run.rows / taken:,.0f} rows a second"
    memory = f"web {peak.megabytes('tablecast')}, worker {peak.megabytes('worker')} at their peaks"
    results.append(Result("CSV import with history", figure, memory))
    _progress(figure)
    await run.plain.execute("VACUUM ANALYZE")
    return table_id


async def _read(run: Run, table_id: str, results: list[Result]) -> None:
    shape = await run.plain.fetchrow(
        "SELECT format('org_%s.t%s', o.number, t.number) AS name,"
        " json_object_agg(c.key, 'c' || c.number)::text AS columns FROM user_table t"
        " JOIN organization o ON o.id = t.organization_id JOIN table_column c ON c.table_id = t.id"
        " WHERE t.id = $1 GROUP BY o.number, t.number",
        parse(table_id),
    )
    assert shape is not None
    columns: dict[str, str] = json.loads(shape["columns"])
    score, active = columns["score"], columns["active"]
    category, amount = columns["category"], columns["amount"]
    given = {
        "id": table_id,
        "filter": {
            "all": [
                {"where": {"column": "score", "operator": "GTE", "value": MOST_SCORE // 2}},
                {"where": {"column": "active", "operator": "EQ", "value": True}},
            ]
        },
        "sort": [{"column": "score"}],
    }
    page = (
        f"SELECT * FROM {shape['name']} WHERE {score} >= {MOST_SCORE // 2} AND {active}"
        f" ORDER BY {score} LIMIT 50"
    )
    await _compare(
        results,
        "50 rows filtered and sorted, no index",
        lambda: run.graphql(_PAGE, **given),
        lambda: run.plain.fetch(page),
    )
    groups = f"SELECT {category}, count(*), avg({amount}) FROM {shape['name']} GROUP BY 1"
    await _compare(
        results,
        "count and average by category",
        lambda: run.graphql(_GROUPS, id=table_id),
        lambda: run.plain.fetch(groups),
    )


async def _compare(
    results: list[Result],
    work: str,
    ours: Callable[[], Awaitable[object]],
    plain: Callable[[], Awaitable[object]],
) -> None:
    here, there = await seconds(ours), await seconds(plain)
    figure = f"{here * 1000:.0f} ms"
    results.append(Result(work, figure, f"{here / there:.2f} times plain SQL"))
    _progress(f"{work}: {figure}")


async def _export(run: Run, table_id: str, results: list[Result]) -> None:
    part = f'{{"where":{{"column":"position","operator":"lt","value":{EXPORTED}}}}}'
    for name, rows, query in (
        (
            "XLSX export of 100,000 rows",
            min(EXPORTED, run.rows),
            {"format": "xlsx", "filter": part},
        ),
        ("CSV export of the whole table", run.rows, {"format": "csv"}),
    ):
        size = 0
        async with peaks(run.servers, "tablecast") as peak:
            began = time.perf_counter()
            async with run.client.stream("GET", f"/export/{table_id}", params=query) as answer:
                answer.raise_for_status()
                async for chunk in answer.aiter_bytes():
                    size += len(chunk)
            taken = time.perf_counter() - began
        figure = f"{taken:.1f} s, {rows / taken:,.0f} rows a second, {size / 1e6:.0f} MB"
        results.append(Result(name, figure, f"web {peak.megabytes('tablecast')} at its peak"))
        _progress(f"{name}: {figure}")


def _progress(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
