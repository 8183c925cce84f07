"""Thousands of flights, uploaded and imported over HTTP, read back by GraphQL's cursors."""

import asyncio
import csv
import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache
from typing import Any

from persistence import jobs
from persistence.imports import JOB
from processing.imports import handler
from tests.imports.importing import TEXTS, expected_flights, flights
from tests.rest.calls import Calls, condition
from tests.serving import Site

FLIGHTS = 8_000
PAGE = 1_000

ROWS = """query($id: ID!, $after: String) { table(id: $id) { rowCount
  rows(first: %d, after: $after) { nodes { data } pageInfo { hasNextPage endCursor } } } }"""


@cache
def content() -> bytes:
    return flights(FLIGHTS)


@cache
def expected() -> list[dict[str, Any]]:
    """The rows of the file, moments as this API writes them."""
    return [
        row | {"time_hour": row["time_hour"].replace("+00:00", ".000Z")}
        for row in expected_flights(content())
    ]


def mapping() -> list[dict[str, str]]:
    """The types of the columns: the head of the file has flights of one day only."""
    header = next(csv.reader(io.StringIO(flights(0).decode())))
    return [
        {"name": name, "displayName": name, "dataType": "text" if name in TEXTS else "number"}
        for name in header
        if name != "time_hour"
    ]


@asynccontextmanager
async def worker(site: Site, postgres_url: str) -> AsyncIterator[None]:
    """A worker of the application's own storage."""
    stopping = asyncio.Event()
    work = {JOB: handler(site.gateway.storage, stopping)}
    running = asyncio.create_task(jobs.run(postgres_url, work, stopping))
    try:
        yield
    finally:
        stopping.set()
        await running


async def test_every_cell_comes_through(site: Site, calls: Calls, postgres_url: str) -> None:
    file = await calls.upload(content(), "flights.csv")
    table_id = (await calls.table(name="Flights"))["id"]
    seen = await calls.import_(table_id, file["id"], preview=True)
    assert (len(seen["headers"]), seen["totalRows"]) == (19, FLIGHTS)
    async with worker(site, postgres_url):
        told = await calls.import_(table_id, file["id"], columnMapping=mapping())
    assert (told["rowsImported"], told["rowsSkipped"], told["errors"]) == (FLIGHTS, 0, [])
    types = {each["name"]: each["dataType"] for each in told["columns"]}
    assert types.pop("time_hour") == "date"
    assert types == {each["name"]: each["dataType"] for each in mapping()}

    found: list[dict[str, Any]] = []
    after = None
    while True:
        table = (await site.graphql(ROWS % PAGE, id=table_id, after=after))["table"]
        found += [node["data"] for node in table["rows"]["nodes"]]
        if not table["rows"]["pageInfo"]["hasNextPage"]:
            break
        after = table["rows"]["pageInfo"]["endCursor"]
    assert table["rowCount"] == FLIGHTS
    assert found == expected()
    await check_queries(calls, table_id)


async def check_queries(calls: Calls, table_id: str) -> None:
    """Filtered and sorted pages have what the file has."""
    rows = expected()

    async def count(*conditions: dict[str, Any]) -> int:
        answer = await calls.page(table_id, filters=[*conditions], limit=1)
        return int(answer.headers["x-total-count"])

    late = [row for row in rows if (row["dep_delay"] or 0) > 60]
    assert await count(condition("dep_delay", "gt", 60)) == len(late) > 0
    from_jfk = [row for row in late if row["origin"] == "JFK" and row["carrier"] in ("AA", "B6")]
    given = (
        condition("dep_delay", "gt", 60),
        condition("origin", "eq", "JFK"),
        condition("carrier", "in", ["AA", "B6"]),
    )
    assert await count(*given) == len(from_jfk) > 0
    assert await count(condition("arr_time", "is_empty")) == sum(
        row["arr_time"] is None for row in rows
    )
    on_day = [row for row in rows if row["time_hour"] < "2013-01-02"]
    day = condition("time_hour", "lt", "2013-01-02T00:00:00Z")
    assert await count(day) == len(on_day) > 0

    sorts = [
        {"column": "dep_delay", "direction": "desc"},
        {"column": "tailnum", "direction": "asc"},
    ]
    page = await calls.rows(table_id, filters=list(given), sorts=sorts, limit=1000)
    from_jfk.sort(key=lambda row: (row["tailnum"] is not None, row["tailnum"] or ""))
    from_jfk.sort(key=lambda row: -row["dep_delay"])
    assert [row["data"] for row in page] == from_jfk[:1000]
    tail = await calls.rows(table_id, sorts=sorts[:1], limit=1000, offset=FLIGHTS - 20)
    never = [row for row in rows if row["dep_delay"] is None][-20:]
    assert [row["data"] for row in tail] == never
