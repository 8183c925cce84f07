"""The flights of 2013: the whole file in through the API, and back out, compared cell by cell."""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import orjson

from bench.drill import documents
from bench.drill.filters import matches, where
from bench.drill.flight_file import FlightFile
from bench.drill.site import WEBS, Site
from bench.drill.subscribers import Subscriber, Wish
from bench.drill.wire import Http

_PAGE = 1000
_MOST_SECONDS = 300
_SAMPLE_SECONDS = 0.05
_KILL_AT = 0.4

#: What is counted on both sides.
_COUNTS: tuple[dict[str, Any], ...] = (
    {"all": [where("carrier", "EQ", "UA"), where("dep_delay", "GT", 60)]},
    {"all": [where("dest", "IN", ["SFO", "LAX"]), where("arr_delay", "LTE", 0)]},
    {"any": [where("dep_time", "IS_EMPTY"), where("distance", "GTE", 4000)]},
    {"not": where("origin", "EQ", "JFK")},
    {"all": [where("tailnum", "STARTS_WITH", "n1"), where("month", "EQ", 12)]},
    where("time_hour", "LT", "2013-02-01T00:00:00.000Z"),
)
#: The orders in which everything is paged through; True is ascending.
_ORDERS: tuple[tuple[tuple[str, bool], ...], ...] = (
    (),
    (("carrier", True), ("dep_delay", False), ("tailnum", True)),
)


@dataclass(frozen=True, slots=True)
class Imported:
    """One import of the whole file. `peak` are the most resident bytes seen by process."""

    how: str
    rows: int
    seconds: float
    peak: Mapping[str, int]

    @property
    def rows_per_second(self) -> float:
        return self.rows / self.seconds


@dataclass(frozen=True, slots=True)
class Paged:
    """One way through all rows."""

    order: str
    rows: int
    pages: int
    seconds: float
    different: int


@dataclass(frozen=True, slots=True)
class Counted:
    """A filtered count on both sides."""

    filter: str
    told: int
    told_by_rest: int | None
    in_file: int
    milliseconds: float


@dataclass(slots=True)
class Flights:
    """What came of it."""

    bytes: int
    rows: int
    upload_seconds: float = 0
    imports: list[Imported] = field(default_factory=list)
    paged: list[Paged] = field(default_factory=list)
    counts: list[Counted] = field(default_factory=list)
    progress: list[int] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        """Whether every row came in once and out as it stands in the file."""
        return not self.faults


class FlightDrill:
    """The flights on a running site."""

    def __init__(self, site: Site, http: Http, count: int | None) -> None:
        self._site = site
        self._http = http
        self._file = FlightFile(count)
        self._port = site.ports[WEBS[0]]
        self.found = Flights(len(self._file.content), len(self._file.rows))

    async def run(self) -> Flights:
        """Import twice, once with a killed worker; page, count and compare."""
        found = self.found
        file_id = await self._upload()
        first = await self._table("Flights")
        second = await self._table("Flights again")
        found.imports.append(await self._import_by_rest(first, file_id))
        found.imports.append(await self._import_with_a_death(second, file_id))
        for table_id, order in zip((second, first), _ORDERS, strict=True):
            found.paged.append(await self._page_through(table_id, order))
        for filter in _COUNTS:
            found.counts.append(await self._count(first, filter))
        self._judge()
        return found

    def _judge(self) -> None:
        found = self.found
        for run in found.imports:
            if run.rows != found.rows:
                found.faults.append(f"{run.how}: {run.rows} rows instead of {found.rows}")
        for way in found.paged:
            if way.different or way.rows != found.rows:
                fault = f"{way.order}: {way.rows} rows came, {way.different} differ from the file"
                found.faults.append(fault)
        for count in found.counts:
            if {count.told, count.told_by_rest or count.told} != {count.in_file}:
                found.faults.append(f"{count.filter}: {count.told} instead of {count.in_file}")
        if found.progress != sorted(found.progress):
            found.faults.append("the progress of the import ran backwards")

    async def _upload(self) -> str:
        begun = time.monotonic()
        files = {"file": ("flights.csv", self._file.content, "text/csv")}
        made = await self._http.rest("POST", self._port, "/api/uploads", files=files)
        self.found.upload_seconds = time.monotonic() - begun
        return str(made["id"])

    async def _table(self, name: str) -> str:
        made = await self._http.graphql(
            self._port, documents.TABLE_CREATE, {"input": {"name": name}}
        )
        return str(made["table"]["id"])

    async def _import_by_rest(self, table_id: str, file_id: str) -> Imported:
        body = {"documentId": file_id, "columnMapping": self._file.mapping()}
        path = f"/api/tables/{table_id}/import"
        async with self._sampled() as peak:
            begun = time.monotonic()
            done = await self._http.rest("POST", self._port, path, json=body, timeout=_MOST_SECONDS)
            seconds = time.monotonic() - begun
        if done["rowsSkipped"]:
            self.found.faults.append(f"{done['rowsSkipped']} rows were rejected: {done['errors']}")
        return Imported("over REST", done["rowsImported"], seconds, peak)

    async def _import_with_a_death(self, table_id: str, file_id: str) -> Imported:
        given = {
            "tableId": table_id,
            "fileId": file_id,
            "columns": [_graphql_mapping(each) for each in self._file.mapping()],
            "importKey": "drill, flights",
        }
        async with self._sampled() as peak:
            begun = time.monotonic()
            started = await self._http.graphql(self._port, documents.IMPORT_START, {"input": given})
            rows = await self._follow_import(started["import"]["id"])
            seconds = time.monotonic() - begun
        return Imported("over GraphQL, the worker killed with -9 on the way", rows, seconds, peak)

    async def _follow_import(self, import_id: str) -> int:
        """Watch the progress to its end and kill the worker once; the rows imported."""
        wish = Wish("import", "importProgress", documents.IMPORT_PROGRESS, {"importId": import_id})
        watcher = Subscriber(0, list(self._site.ports.values()), self._site.api_key, wish, {})
        watching = asyncio.create_task(watcher.run())
        killed = False
        try:
            async with asyncio.timeout(_MOST_SECONDS):
                while True:
                    await watcher.arrived.wait()
                    watcher.arrived.clear()
                    told = orjson.loads(watcher.story.messages[-1][0])
                    progress = told["payload"]["data"]["importProgress"]["import"]
                    self.found.progress.append(progress["rowsImported"])
                    if progress["status"] not in ("QUEUED", "RUNNING"):
                        return int(progress["rowsImported"])
                    if not killed and progress["rowsImported"] > _KILL_AT * self.found.rows:
                        killed = True
                        await self._site.kill("worker")
        finally:
            watching.cancel()
            await asyncio.wait({watching})

    @asynccontextmanager
    async def _sampled(self) -> AsyncIterator[Mapping[str, int]]:
        """The most memory that each process had, as it grows."""
        peak: dict[str, int] = {}

        async def sample() -> None:
            while True:
                for name, size in self._site.memory().items():
                    peak[name] = max(peak.get(name, 0), size)
                await asyncio.sleep(_SAMPLE_SECONDS)

        task = asyncio.create_task(sample())
        try:
            yield peak
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def _page_through(self, table_id: str, order: Sequence[tuple[str, bool]]) -> Paged:
        keys = [{"column": key, "direction": "ASC" if up else "DESC"} for key, up in order]
        expected = self._file.sorted(order)
        columns, rows, pages, different = self._file.columns, 0, 0, 0
        cursor: str | None = None
        begun = time.monotonic()
        while True:
            given = {"id": table_id, "first": _PAGE, "after": cursor, "sort": keys}
            told = await self._http.graphql(self._port, documents.PAGE, given)
            pages += 1
            for node in told["rows"]["nodes"]:
                row = tuple(node["data"].get(key) for key in columns)
                different += rows >= len(expected) or row != expected[rows]
                rows += 1
            cursor = told["rows"]["pageInfo"]["endCursor"]
            if not told["rows"]["pageInfo"]["hasNextPage"]:
                name = ", ".join(f"{key} {'asc' if up else 'desc'}" for key, up in order)
                seconds = time.monotonic() - begun
                return Paged(name or "position", rows, pages, seconds, different)

    async def _count(self, table_id: str, filter: Mapping[str, Any]) -> Counted:
        begun = time.monotonic()
        told = await self._http.graphql(
            self._port, documents.COUNT, {"id": table_id, "filter": filter}
        )
        seconds = time.monotonic() - begun
        columns = self._file.columns
        in_file = sum(
            matches(filter, dict(zip(columns, row, strict=True))) for row in self._file.rows
        )
        by_rest = await self._count_by_rest(table_id, filter)
        text = orjson.dumps(filter).decode()
        return Counted(text, told["rows"]["totalCount"], by_rest, in_file, seconds * 1000)

    async def _count_by_rest(self, table_id: str, filter: Mapping[str, Any]) -> int | None:
        """The same count over REST, which has no `any` and no `not`."""
        parts = filter.get("all", [filter])
        if not all("where" in part for part in parts):
            return None
        conditions = [
            part["where"] | {"operator": part["where"]["operator"].lower()} for part in parts
        ]
        parameters = {"limit": "1", "filters": orjson.dumps(conditions).decode()}
        path = f"/api/tables/{table_id}/rows"
        answer = await self._http.send("GET", self._port, path, params=parameters)
        return int(answer.headers["X-Total-Count"])


def _graphql_mapping(each: Mapping[str, Any]) -> dict[str, Any]:
    return {"key": each["name"], "label": each["displayName"], "type": each["dataType"].upper()}
