"""The truth: the logs as they stand in PostgreSQL, read without any code of ours."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import asyncpg
import orjson


@dataclass(frozen=True, slots=True)
class RowImage:
    """A row after a change, or before its deletion; values by column key, empty cells too."""

    row_id: str
    version: int
    action: str
    values: Mapping[str, Any]
    before: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class CellMove:
    row_id: str
    column: str
    previous: str
    status: str
    error: str | None
    progress: float | None


@dataclass(frozen=True, slots=True)
class LogEntry:
    """One revision. `rows` and `cells` are in the order of their ids; `at` in seconds of Unix
    time."""

    revision: int
    kind: str
    at: float
    added: int
    changed: int
    deleted: int
    rows: Sequence[RowImage]
    cells: Sequence[CellMove]

    @property
    def count(self) -> int:
        return self.added + self.changed + self.deleted


@dataclass(frozen=True, slots=True)
class OrganizationEntry:
    revision: int
    kind: str
    subject_id: str
    at: float


@dataclass(frozen=True, slots=True)
class Truth:
    """Both logs from their beginning to the present."""

    entries: Sequence[LogEntry]
    organization: Sequence[OrganizationEntry]

    @property
    def dense(self) -> bool:
        """Whether both logs count 1, 2, 3 … without a hole and time never runs backwards."""
        logs: tuple[Sequence[LogEntry | OrganizationEntry], ...] = (self.entries, self.organization)
        counted = all(
            [entry.revision for entry in log] == list(range(1, len(log) + 1)) for log in logs
        )
        orders = [[entry.at for entry in log] for log in logs]
        return counted and all(moments == sorted(moments) for moments in orders)


async def read(url: str, table_id: str) -> Truth:
    """Everything about one table and its organisation, in one snapshot."""
    connection = await asyncpg.connect(url)
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            columns = await connection.fetch(
                "SELECT number, key, type FROM table_column WHERE table_id = $1", table_id
            )
            changes = await connection.fetch(
                "SELECT * FROM change WHERE table_id = $1 ORDER BY revision", table_id
            )
            versions = await connection.fetch(
                "SELECT * FROM row_version WHERE table_id = $1 ORDER BY row_id, version", table_id
            )
            cells = await connection.fetch(
                "SELECT * FROM cell_change WHERE table_id = $1 ORDER BY row_id, column_number",
                table_id,
            )
            organization = await connection.fetch(
                "SELECT revision, kind, subject_id, at FROM organization_change ORDER BY revision"
            )
            clock = await connection.fetchval(
                "SELECT revision FROM table_clock WHERE table_id = $1", table_id
            )
    finally:
        await connection.close()
    entries = _entries(columns, changes, versions, cells)
    if entries and entries[-1].revision != clock:
        raise AssertionError(f"the clock says {clock}, the log ends at {entries[-1].revision}")
    return Truth(
        entries,
        [
            OrganizationEntry(r["revision"], r["kind"], str(r["subject_id"]), _seconds(r["at"]))
            for r in organization
        ],
    )


def _entries(
    columns: Sequence[asyncpg.Record],
    changes: Sequence[asyncpg.Record],
    versions: Sequence[asyncpg.Record],
    cells: Sequence[asyncpg.Record],
) -> list[LogEntry]:
    rows_of: dict[int, list[RowImage]] = defaultdict(list)
    before: Mapping[str, Any] | None = None
    former = None
    for r in versions:
        if r["row_id"] != former:
            former, before = r["row_id"], None
        values = _values(columns, orjson.loads(r["data"]))
        image = RowImage(str(r["row_id"]), r["version"], r["action"], values, before)
        rows_of[r["revision"]].append(image)
        before = values
    keys = {column["number"]: column["key"] for column in columns}
    cells_of: dict[int, list[CellMove]] = defaultdict(list)
    for r in cells:
        move = (r["previous"], r["status"], r["error"], r["progress"])
        cells_of[r["revision"]].append(CellMove(str(r["row_id"]), keys[r["column_number"]], *move))
    return [
        LogEntry(
            r["revision"],
            r["kind"],
            _seconds(r["at"]),
            r["rows_added"],
            r["rows_changed"],
            r["rows_deleted"],
            rows_of[r["revision"]],
            cells_of[r["revision"]],
        )
        for r in changes
    ]


def _values(columns: Sequence[asyncpg.Record], data: Mapping[str, Any]) -> dict[str, Any]:
    return {column["key"]: data.get(f"c{column['number']}") for column in columns}


def _seconds(moment: datetime) -> float:
    return moment.replace(tzinfo=moment.tzinfo or UTC).timestamp()
