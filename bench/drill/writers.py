"""The writers: rows and cell reports over GraphQL and REST, on both web processes."""

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from bench.drill import documents, work_table
from bench.drill.wire import Http, NotSent, Refused, Unknown

#: Rows that writers know of at most; older ones are left alone.
_KNOWN_ROWS = 400
_PAUSE_AFTER_FAILURE = 0.2


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """A write that was answered with success. `revision` is None over REST, which tells none;
    `tokens` are the values by which it is found again."""

    revision: int | None
    tokens: tuple[str, ...]
    deleted: tuple[str, ...] = ()


@dataclass(slots=True)
class Journal:
    """What the writers know of their writes. `unknown` are the tokens of
    writes without an answer; `sent` counts all tokens."""

    acknowledged: list[Acknowledged] = field(default_factory=list)
    outcomes: Counter[str] = field(default_factory=Counter)
    refusals: Counter[str] = field(default_factory=Counter)
    unknown: list[str] = field(default_factory=list)
    sent: int = 0


class Writer:
    """One client that writes until it is told to stop. Its rows are its own; `shared` rows belong
    to all writers."""

    def __init__(
        self, number: int, ports: list[int], http: Http, table_id: str, shared: list[str]
    ) -> None:
        self.journal = Journal()
        self._number = number
        self._ports = ports
        self._http = http
        self._table_id = table_id
        self._chance = random.Random(number)
        self._count = 0
        self._shared = shared
        self._reported: dict[str, str] = {}  # status of `grade` in own rows
        self._tokens: list[str] = []
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        """End after the write that is under way."""
        self._stopping.set()

    async def run(self, per_second: float) -> None:
        """Write at this rate, less while nothing answers."""
        actions: list[tuple[Callable[[], Awaitable[Acknowledged | None]], int]] = [
            (self._add, 28),
            (self._update, 32),
            (self._delete, 8),
            (self._report, 20),
            (self._rest_add, 5),
            (self._rest_replace, 5),
            (self._rest_delete, 2),
        ]
        choices, weights = zip(*actions, strict=True)
        while not self._stopping.is_set():
            await self._once(self._chance.choices(choices, weights)[0])
            await self._rest(self._chance.uniform(0.5, 1.5) / per_second)

    async def _once(self, action: Callable[[], Awaitable[Acknowledged | None]]) -> None:
        journal = self.journal
        self._tokens = []
        try:
            done = await action()
        except NotSent:
            journal.outcomes["reached no server"] += 1
            await self._rest(_PAUSE_AFTER_FAILURE)
        except Unknown:
            journal.outcomes["no answer"] += 1
            journal.unknown += self._tokens
            await self._rest(_PAUSE_AFTER_FAILURE)
        except Refused as refused:
            journal.outcomes["refused"] += 1
            journal.refusals.update(refused.codes)
        else:
            if done is not None:
                journal.outcomes["acknowledged"] += 1
                journal.acknowledged.append(done)

    async def _rest(self, seconds: float) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), seconds)

    def _token(self) -> str:
        self._count += 1
        self.journal.sent += 1
        self._tokens.append(f"{self._number}-{self._count}")
        return self._tokens[-1]

    def _port(self) -> int:
        return self._chance.choice(self._ports)

    def _new_rows(self) -> list[dict[str, Any]]:
        count = self._chance.randint(1, 3)
        return [work_table.values(self._chance, self._token()) for _ in range(count)]

    def _some(self, most: int) -> list[str]:
        count = min(self._chance.randint(1, most), len(self._shared))
        return self._chance.sample(self._shared, count)

    def _know(self, row_ids: list[str]) -> None:
        self._shared.extend(row_ids)
        del self._shared[:-_KNOWN_ROWS]
        self._reported.update(dict.fromkeys(row_ids, "INITIALIZED"))

    async def _write(self, document: str, **given: Any) -> Any:
        return await self._http.graphql(
            self._port(), document, {"input": {"tableId": self._table_id, **given}}
        )

    async def _add(self) -> Acknowledged | None:
        rows = [{"data": values} for values in self._new_rows()]
        told = await self._write(documents.ROWS_ADD, rows=rows)
        self._know(told["rowIds"])
        return Acknowledged(told["revision"], tuple(self._tokens))

    async def _update(self) -> Acknowledged | None:
        rows = [
            {"id": row_id, "data": work_table.changed_values(self._chance, self._token())}
            for row_id in self._some(4)
        ]
        if not rows:
            return None
        told = await self._write(documents.ROWS_UPDATE, rows=rows)
        return Acknowledged(told["revision"], tuple(self._tokens))

    async def _delete(self) -> Acknowledged | None:
        chosen = self._some(2)
        if not chosen:
            return None
        self._forget(chosen)
        told = await self._write(documents.ROWS_DELETE, rowIds=chosen)
        deleted = tuple(told["deletedIds"])
        return Acknowledged(told["revision"] if deleted else None, (), deleted)

    def _forget(self, row_ids: list[str]) -> None:
        for row_id in row_ids:
            self._reported.pop(row_id, None)
            with suppress(ValueError):
                self._shared.remove(row_id)

    async def _report(self) -> Acknowledged | None:
        chosen = self._chance.sample(list(self._reported), min(2, len(self._reported)))
        if not chosen:
            return None
        # A report without an answer may have moved the cells or not: leave these cells alone then.
        held = {row_id: self._reported.pop(row_id) for row_id in chosen}
        cells = [self._next_report(row_id, status) for row_id, status in held.items()]
        told = await self._write(documents.CELLS_REPORT, cells=cells)
        self._reported.update({cell["rowId"]: cell["status"] for cell in cells})
        return Acknowledged(told["revision"], ())

    def _next_report(self, row_id: str, status: str) -> dict[str, Any]:
        status = self._chance.choice(_NEXT[status])
        report: dict[str, Any] = {"rowId": row_id, "column": "grade", "status": status}
        if status == "CALCULATING":
            report["progress"] = self._chance.randrange(5) / 4
        elif status == "RESOLVED":
            report["value"] = self._chance.randrange(100)
        elif status == "ERROR":
            report["error"] = "the model said no"
        return report

    async def _rest_add(self) -> Acknowledged | None:
        body = {"rows": [{"data": values} for values in self._new_rows()]}
        made = await self._http.rest("POST", self._port(), f"{self._path}/rows", json=body)
        self._know([row["id"] for row in made])
        return Acknowledged(None, tuple(self._tokens))

    async def _rest_replace(self) -> Acknowledged | None:
        for row_id in self._some(1):
            body = {"data": work_table.values(self._chance, self._token())}
            path = f"{self._path}/rows/{row_id}"
            await self._http.rest("PATCH", self._port(), path, json=body)
            return Acknowledged(None, tuple(self._tokens))
        return None

    async def _rest_delete(self) -> Acknowledged | None:
        for row_id in self._some(1):
            self._forget([row_id])
            await self._http.rest("DELETE", self._port(), f"{self._path}/rows/{row_id}")
            return Acknowledged(None, (), (row_id,))
        return None

    @property
    def _path(self) -> str:
        return f"/api/tables/{self._table_id}"


#: Where a report may move the cell next, seldom to an error.
_NEXT = {
    "INITIALIZED": ("QUEUED", "RESOLVED"),
    "QUEUED": ("CALCULATING",),
    "CALCULATING": ("CALCULATING", "RESOLVED", "RESOLVED", "ERROR"),
    "RESOLVED": ("QUEUED",),
    "ERROR": ("QUEUED",),
}
