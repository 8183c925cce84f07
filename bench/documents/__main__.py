"""`python -m bench.documents`: a long document, and a folder of documents of which one of two
workers is killed, read by rules through real processes. `--write` puts the figures into
docs/benchmarks.md."""

import argparse
import asyncio
import os
import platform
import re
import sys
import time
from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import asyncpg
import httpx2

from bench.documents.papers import Paper, invoice, report
from bench.documents.site import Schema, Site
from bench.documents.watching import reading, watched
from bench.large.measures import Result
from bench.servers import Servers
from domain.ids import parse
from persistence.migrate import upgrade_async
from persistence.urls import asyncpg_dsn
from server import bootstrap

REPORT = Path(__file__).parents[2] / "docs" / "benchmarks.md"
PAGES = 500
FILES = 100
_WORKERS = ("worker", "other worker")
_BEGIN, _END = "<!-- documents begin -->", "<!-- documents end -->"
#: Connections of workers to the queue; and entries of the log about files that were read.
_WORKING = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'tablecast jobs'"
_TOLD = """SELECT subject_id, count(*) FROM organization_change
WHERE kind = 'document_extracted' GROUP BY subject_id"""


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.documents", description=__doc__)
    parser.add_argument("--pages", type=int, default=PAGES, help="pages of the long document")
    parser.add_argument("--files", type=int, default=FILES, help="documents of the folder")
    parser.add_argument("--write", action="store_true", help="put the figures into the docs")
    given = parser.parse_args()
    servers = Servers()
    try:
        results = asyncio.run(_run(servers, given.pages, given.files))
    finally:
        servers.stop()
    machine = (
        f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores shared by all processes,"
        f" Python {platform.python_version()}, PostgreSQL 18 with fsync on, one web process."
    )
    rows = (f"| {each.work} | {each.figure} | {each.beside} |" for each in results)
    table = ["| work | tablecast | beside it |", "|---|---|---|", *rows]
    text = "\n".join([machine, "", *table])
    print(text)
    if given.write:
        place = re.compile(f"{re.escape(_BEGIN)}.*{re.escape(_END)}", re.DOTALL)
        REPORT.write_text(place.sub(lambda _: f"{_BEGIN}\n{text}\n{_END}", REPORT.read_text()))


async def _run(servers: Servers, pages: int, files: int) -> list[Result]:
    await servers.start_stores()
    await upgrade_async(servers.settings.database_url or "")
    key = (await bootstrap.prepare(servers.settings)).api_key
    assert key is not None
    await servers.start_tablecast()
    servers.start_worker(_WORKERS[0])
    client = httpx2.AsyncClient(
        base_url=f"http://127.0.0.1:{servers.settings.port}",
        headers={"Authorization": f"Bearer {key}"},
        timeout=120,
    )
    plain = await asyncpg.connect(asyncpg_dsn(servers.settings.database_url or ""))
    try:
        async with client:
            site = Site(servers, client)
            long = await _long_document(site, pages)
            await _start_other(site, plain)
            return [long, await _folder(site, plain, files)]
    finally:
        await plain.close()


async def _long_document(site: Site, pages: int) -> Result:
    """One document, read by one worker."""
    # The worker has started and loaded its rules when it has read a page.
    first = await site.schema("First", "Invoice number")
    await site.start(first, [await site.upload(invoice(0))])
    await site.ended(first, 1)
    paper = report(pages)
    schema = await site.schema("Reports", "Report number")
    file_id = await site.upload(paper)
    async with watched(site.servers, _WORKERS[:1]) as use:
        began = time.perf_counter()
        await site.start(schema, [file_id])
        await site.ended(schema, 1)
        taken = time.perf_counter() - began
    [job] = await _checked(site, schema, {file_id: paper})
    if job["pages"] != pages:
        raise SystemExit(f"{job['pages']} of {pages} pages were read")
    opened = _seconds(job, 1, 2)
    work = f"a PDF of {pages:,} pages, 440 words and a ruled table on each"
    figure = f"{taken / pages * 1000:.0f} ms a page, {taken:.1f} s in all"
    beside = (
        f"{_rows({file_id: paper})}; opened and planned in {opened:.1f} s;"
        f" {use.seconds / pages * 1000:.0f} ms of processor time a page; {use.told()}"
    )
    return _told(Result(work, figure, beside))


async def _folder(site: Site, plain: "asyncpg.Connection[asyncpg.Record]", files: int) -> Result:
    """Documents in one request, read by two workers, of which one is killed behind a third."""
    schema = await site.schema("Invoices", "Invoice number")
    papers = {}
    for number in range(1, files + 1):
        paper = invoice(number)
        papers[await site.upload(paper)] = paper
    async with watched(site.servers, _WORKERS) as use:
        began = time.perf_counter()
        await site.start(schema, list(papers))
        await site.ended(schema, files // 3)
        lost = await _kill(site, schema, files)
        await site.ended(schema, files)
        taken = time.perf_counter() - began
    await _checked(site, schema, papers)
    told = {row[0]: row[1] for row in await plain.fetch(_TOLD)}
    if any(told.get(parse(file_id)) != 1 for file_id in papers):
        raise SystemExit("the log tells files never or twice")
    work = f"{files:,} invoices in one request, two workers, one killed with -9 midway"
    figure = f"{files / taken:.1f} documents a second, {taken:.1f} s in all"
    beside = f"{_rows(papers)}, each once; it was reading {lost} of them; {use.told()}"
    return _told(Result(work, figure, beside))


async def _kill(site: Site, schema: Schema, files: int) -> int:
    """Kill a worker while it reads files; how many."""
    while await site.count_ended(schema) < files:
        for name in _WORKERS:
            if count := len(list(reading(site.servers.process(name)))):
                site.servers.kill(name)
                return count
    raise SystemExit("all files were read before a worker could be killed")


async def _start_other(site: Site, plain: "asyncpg.Connection[asyncpg.Record]") -> None:
    """Start the second worker, and wait until it takes jobs as the first one does."""
    one = await plain.fetchval(_WORKING)
    site.servers.start_worker(_WORKERS[1])
    async with asyncio.timeout(60):
        while await plain.fetchval(_WORKING) < 2 * one:  # noqa: ASYNC110  it tells nobody
            await asyncio.sleep(0.1)


async def _checked(site: Site, schema: Schema, papers: Mapping[str, Paper]) -> list[dict[str, Any]]:
    """The jobs, one for each file. Ends the bench when a row is missing, twice there, or wrong."""
    jobs = await site.jobs(schema)
    wrong = [job for job in jobs if job["status"] != "COMPLETED"]
    if wrong or Counter(job["fileId"] for job in jobs) != dict.fromkeys(papers, 1):
        raise SystemExit(f"jobs did not end well: {wrong}")
    short = [job for job in jobs if job["rows"] != len(papers[job["fileId"]].lines) + 1]
    if short:
        raise SystemExit(f"jobs say that they wrote other numbers of rows: {short}")
    for table, expected in (
        (schema.papers, [(id_, each.number, each.total) for id_, each in papers.items()]),
        (schema.lines, [(id_, *line) for id_, each in papers.items() for line in each.lines]),
    ):
        found, wanted = Counter(await site.rows(table)), Counter(expected)
        if found != wanted:
            lost, more = list((wanted - found).items()), list((found - wanted).items())
            raise SystemExit(f"lost {len(lost)}: {lost[:3]}; too many {len(more)}: {more[:3]}")
    return jobs


def _rows(papers: Mapping[str, Paper]) -> str:
    count = sum(1 + len(paper.lines) for paper in papers.values())
    return f"all {count:,} rows right and `COMPLETED`"


def _seconds(job: Mapping[str, Any], first: int, last: int) -> float:
    """The time between two steps of a job."""
    began, ended = (datetime.fromisoformat(job["steps"][at]["at"]) for at in (first, last))
    return (ended - began).total_seconds()


def _told(result: Result) -> Result:
    print(f"{result.work}: {result.figure}; {result.beside}", file=sys.stderr, flush=True)
    return result


if __name__ == "__main__":
    main()
