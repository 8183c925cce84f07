"""The live part: writers, subscribers and faults at once, then the comparison with the log."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from bench.drill import documents, revocation, truth, work_table
from bench.drill.faults import Fault, Faults
from bench.drill.revocation import Revoked
from bench.drill.site import Site
from bench.drill.subscribers import Subscriber, Wish
from bench.drill.truth import Truth
from bench.drill.verdict import Compared, Judge, Writes, judge_writes
from bench.drill.wire import Http, NotSent, Unknown
from bench.drill.writers import Writer

SUBSCRIBERS = 50
WRITERS = 4
WRITES_PER_SECOND = 8  # of each writer
OUTAGE_SECONDS = 20
_IMPORTED_ROWS = 12_000  # six chunks, each of them a bulk change
_CALM_SECONDS = 5
_PAUSE_SECONDS = 2.5
_SETTLE_SECONDS = 30
#: After everything has come: a doubled event would follow within this.
_AFTERWARDS_SECONDS = 2.5


@dataclass(slots=True)
class Live:
    """What came of it. Delays are seconds from commit to arrival at a subscriber."""

    seconds: float
    truth: Truth
    compared: list[Compared]
    writes: Writes
    faults: list[Fault]
    revoked: list[Revoked]
    calm_delays: list[float] = field(default_factory=list)
    all_delays: list[float] = field(default_factory=list)
    last_write_delays: list[float] = field(default_factory=list)
    events: int = 0
    connections: int = 0
    resets: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        """Whether nothing was lost, doubled, wrong or late."""
        return (
            all(each.passed for each in self.compared)
            and self.truth.dense
            and self.writes.passed
            and all(each.passed for each in self.revoked)
            and not self.resets
            and not self.errors
        )


def wishes(table_id: str) -> list[Wish]:
    """What the 50 follow: half the whole table, half of it filtered, statuses, the organisation."""
    table = {"tableId": table_id}
    whole = Wish("table", "tableChanged", documents.TABLE_CHANGED, table)
    filtered = [
        Wish(f"filter {number}", "tableChanged", documents.TABLE_CHANGED, table | {"filter": each})
        for number, each in enumerate(work_table.FILTERS, 1)
    ]
    statuses = [
        Wish("statuses", "cellStatusChanged", documents.STATUS_CHANGED, table),
        Wish(
            "some statuses",
            "cellStatusChanged",
            documents.STATUS_CHANGED,
            table | {"statuses": ["ERROR", "CALCULATING"]},
        ),
    ]
    organization = Wish("organization", "organizationChanged", documents.ORGANIZATION_CHANGED, {})
    found = [*filtered * 3, *statuses * 3, organization]
    return [*found, *[whole] * (SUBSCRIBERS - len(found))]


class LiveDrill:
    """The live part on a running site."""

    def __init__(self, site: Site, http: Http) -> None:
        self._site = site
        self._http = http
        self._ports = list(site.ports.values())
        self._table_id = ""
        self._subscribers: list[Subscriber] = []
        self._writers: list[Writer] = []
        self._revoked: list[Revoked] = []
        self._calm_revisions = 0

    async def run(self, rounds: int) -> Live:
        """Everything in order. `rounds` is how often each process is killed in turn."""
        self._table_id = await self._make_table()
        texts: dict[str, str] = {}
        self._subscribers = [
            Subscriber(number, self._ports, self._site.api_key, wish, texts)
            for number, wish in enumerate(wishes(self._table_id))
        ]
        begun = time.monotonic()
        faults = Faults(self._site, self._subscribers, begun)
        async with self._following(), asyncio.TaskGroup() as group:
            writing = self._start_writers(group)
            await asyncio.sleep(_CALM_SECONDS)
            self._calm_revisions = self._last_seen()
            importing = group.create_task(self._import())
            for number in range(rounds):
                await faults.round(_PAUSE_SECONDS)
                await self._organization_change(f"round {number}")
            await faults.pairs(_PAUSE_SECONDS)
            await importing
            await self._revoke("Valkey up")
            last = await self._outage(faults, writing)
            found = await self._settle()
        return self._judge(found, faults.done, time.monotonic() - begun, last)

    async def _make_table(self) -> str:
        given = {"name": "Drill", "columns": work_table.COLUMNS}
        made = await self._http.graphql(self._ports[0], documents.TABLE_CREATE, {"input": given})
        return str(made["table"]["id"])

    @asynccontextmanager
    async def _following(self) -> AsyncIterator[None]:
        """All subscribers at work, each past its first message. Every other one follows from the
        beginning, the rest from now."""
        for subscriber in self._subscribers[::2]:
            subscriber.story.last_revision = 0
        tasks = [asyncio.create_task(each.run()) for each in self._subscribers]
        try:
            async with asyncio.timeout(30):
                for subscriber in self._subscribers:
                    await subscriber.started.wait()
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)

    def _start_writers(self, group: asyncio.TaskGroup) -> list[asyncio.Task[None]]:
        shared: list[str] = []
        self._writers = [
            Writer(number, self._ports, self._http, self._table_id, shared)
            for number in range(WRITERS)
        ]
        return [group.create_task(each.run(WRITES_PER_SECOND)) for each in self._writers]

    def _last_seen(self) -> int:
        return max(
            each.story.last_revision or 0
            for each in self._subscribers
            if each.wish.field == "tableChanged"
        )

    async def _import(self) -> None:
        """A file for the worker, which is killed meanwhile: changes of 2,000 rows at once."""
        chance = random.Random(12)
        lines = [
            f"import-{number},{chance.choice(('red', 'green', 'blue'))},{number % 1000}"
            for number in range(_IMPORTED_ROWS)
        ]
        content = "\n".join(["token,kind,amount", *lines]).encode()
        files = {"file": ("import.csv", content, "text/csv")}
        made = await self._until_done(
            lambda port: self._http.rest("POST", port, "/api/uploads", files=files)
        )
        columns = [
            {"key": key, "label": key, "type": type_}
            for key, type_ in (("token", "TEXT"), ("kind", "SELECT"), ("amount", "NUMBER"))
        ]
        given = {"tableId": self._table_id, "fileId": made["id"], "columns": columns}
        given["importKey"] = "drill, under fire"  # which makes it safe to ask again
        started = await self._ask(documents.IMPORT_START, {"input": given})
        while True:
            run = await self._ask(documents.IMPORT, {"id": started["import"]["id"]})
            if run["status"] not in ("QUEUED", "RUNNING"):
                break
            await asyncio.sleep(0.2)
        if (run["status"], run["rowsImported"]) != ("COMPLETED", _IMPORTED_ROWS):
            raise SystemExit(f"The import under fire ended as {run}")

    async def _ask(self, document: str, variables: dict[str, Any]) -> Any:
        return await self._until_done(lambda port: self._http.graphql(port, document, variables))

    async def _until_done(self, request: Callable[[int], Awaitable[Any]]) -> Any:
        """A request that may be carried out twice, sent until it is answered."""
        while True:
            try:
                return await request(random.choice(self._ports))
            except (NotSent, Unknown):
                await asyncio.sleep(0.2)

    async def _organization_change(self, name: str) -> None:
        await self._ask(documents.PROJECT_CREATE, {"input": {"name": name}})

    async def _revoke(self, when: str) -> None:
        self._revoked.append(await revocation.revoke(self._site, self._http, self._table_id, when))

    async def _outage(self, faults: Faults, writing: Sequence[asyncio.Task[None]]) -> int:
        """Valkey is away for 20 s; the last write of all falls inside. Its revision."""
        begun = time.monotonic()
        await self._site.hold_down("valkey")
        await asyncio.sleep(OUTAGE_SECONDS / 3)
        for writer in self._writers:
            writer.stop()
        await asyncio.wait(writing)
        last = await self._last_write()
        await self._organization_change("inside the outage")
        await asyncio.sleep(_AFTERWARDS_SECONDS)
        await self._revoke("Valkey down")
        await asyncio.sleep(max(0.0, begun + OUTAGE_SECONDS - time.monotonic()))
        away = time.monotonic() - begun
        await self._site.raise_("valkey")
        faults.note(
            f"kill -9 valkey and keep it down for {away:.0f} s, the last write inside", begun, away
        )
        return last

    async def _last_write(self) -> int:
        """One row that every filter lets through but one for other kinds."""
        row = {"token": "last", "kind": "red", "amount": None, "note": "seven 7", "flag": True}
        given = {"tableId": self._table_id, "rows": [{"data": row | {"due": "2026-12-28"}}]}
        told = await self._http.graphql(self._ports[0], documents.ROWS_ADD, {"input": given})
        return int(told["revision"])

    async def _settle(self) -> Truth:
        """Wait until everybody was told the last thing that concerns him, or for long enough."""
        found = await truth.read(self._site.database_url, self._table_id)
        judge = Judge(found)
        deadline = time.monotonic() + _SETTLE_SECONDS
        for subscriber in self._subscribers:
            expected = max(judge.expected(subscriber.wish, 0), default=0)
            while (subscriber.story.last_revision or 0) < expected:
                if time.monotonic() > deadline:
                    break
                await asyncio.sleep(0.05)
        await asyncio.sleep(_AFTERWARDS_SECONDS)
        return found

    def _judge(self, found: Truth, faults: list[Fault], seconds: float, last: int) -> Live:
        judge = Judge(found)
        delays = judge.delays(self._subscribers)
        stories = [each.story for each in self._subscribers]
        return Live(
            seconds=seconds,
            truth=found,
            compared=[judge.compare(each) for each in self._subscribers],
            writes=judge_writes(found, [each.journal for each in self._writers]),
            faults=faults,
            revoked=self._revoked,
            calm_delays=_flat(delays, 0, self._calm_revisions),
            all_delays=_flat(delays, self._calm_revisions, last),
            last_write_delays=delays.get(last, []),
            events=sum(len(story.messages) for story in stories),
            connections=sum(story.connections for story in stories),
            resets=[reset for story in stories for reset in story.resets],
            errors=[error for story in stories for error in story.errors],
        )


def _flat(delays: dict[int, list[float]], after: int, upto: int) -> list[float]:
    return [
        delay for revision, some in delays.items() if after < revision <= upto for delay in some
    ]
