"""Reading a table for an export: chunk by chunk, every row as it was at one revision.

Each chunk is one short statement, so no snapshot is held open while a client reads slowly. While
the clock stands still, live rows are what is wanted. Once it has moved, a chunk names its rows by
what is live and by what was deleted since, and takes their versions of the first revision out of
the log: its cost is that of its own rows, whatever was written meanwhile.

A sorted export begins with the list of its rows in order, 20 bytes each, made in one statement.
"""

import struct
from collections.abc import AsyncGenerator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from uuid import UUID

import asyncpg

from domain.columns import TableShape
from domain.errors import NotFound, StructureMoved, TooLarge
from domain.export_records import ExportQuery, ExportRow, OpenExport
from domain.history_records import refuse_revision
from persistence.engine import Database, Pool
from persistence.export_sql import (
    MOST_SORTED,
    LiveRows,
    Opening,
    PastRows,
    listed_rows,
    selects,
)

#: Rows of a chunk. With a filter that many are looked at, and perhaps few of them come out.
MOST_ROWS = 2_000
MOST_FILTERED = 10_000

#: Before the five seconds are over after which PostgreSQL closes the connection.
OPENING_SECONDS = 4.5

_ENTRY = struct.Struct(">16si")
_START = (-(2**63), UUID(int=0))
_GONE = (asyncpg.UndefinedTableError, asyncpg.UndefinedColumnError)


class Exports:
    """The `ExportStore` port."""

    def __init__(self, database: Database) -> None:
        self._pool = database.pool

    async def open(self, shape: TableShape, query: ExportQuery) -> OpenExport:
        opening = Opening(shape, query)
        try:
            record = await self._pool.fetchrow(
                opening.text, *opening.params.values, timeout=OPENING_SECONDS
            )
        except TimeoutError:
            raise TooLarge(
                "Sorting or checking so many rows takes too long; export csv or json without a"
                " sort, or with a filter"
            ) from None
        except (*_GONE, asyncpg.InvalidCachedStatementError):
            raise StructureMoved from None
        if record is None:
            raise StructureMoved
        if query.as_of is not None:
            refuse_revision(query.as_of, record["pruned_to"], record["revision"])
        if record["too_many"]:
            raise TooLarge(_too_many(query))
        if record["too_long"]:
            raise TooLarge(
                f"The column {record['too_long']} holds texts of more than"
                f" {query.bounds.characters if query.bounds else 0:,} characters, the most that a"
                " cell of this format takes; export as csv or json"
            )
        revision = record["revision"] if query.as_of is None else query.as_of
        if query.sorts:
            return _SortedExport(self._pool, shape, query, revision, record["listed"] or b"")
        live = revision == record["revision"]
        return _Export(self._pool, shape, query, revision, live)


def _too_many(query: ExportQuery) -> str:
    if query.bounds is not None and query.bounds.rows < MOST_SORTED:
        return f"This format holds at most {query.bounds.rows:,} rows; export as csv or json"
    if query.sorts:
        return f"At most {MOST_SORTED:,} rows are sorted; export without a sort, or with a filter"
    most = query.bounds.rows if query.bounds else 0
    return f"This format holds at most {most:,} rows; export as csv or json"


@dataclass(slots=True)
class _Export:
    """In the order of the table."""

    pool: Pool
    shape: TableShape
    query: ExportQuery
    revision: int
    #: Whether live rows are those of the revision, as far as is known.
    live: bool
    _statements: dict[type[LiveRows | PastRows], LiveRows | PastRows] = field(default_factory=dict)

    async def chunks(self) -> AsyncGenerator[Sequence[ExportRow], None]:
        most = MOST_FILTERED if selects(self.query) else MOST_ROWS
        left = self.query.limit
        place = _START
        while left is None or left > 0:
            records = await self._read(place, most)
            chunk = [ExportRow(r["vals"], r["extra"]) for r in records if r["vals"] is not None]
            chunk = chunk[:left]
            if chunk:
                yield chunk
            if not records or len(records) == records[0]["seen"] < most:
                return
            place = (records[-1]["position"], records[-1]["id"])
            left = None if left is None else left - len(chunk)

    async def _read(self, place: tuple[int, UUID], most: int) -> Sequence[asyncpg.Record]:
        """The rows behind a place, those that do not match without values."""
        records: Sequence[asyncpg.Record] = []
        if self.live:
            # Without a column that it names, the clock has moved too.
            with suppress(*_GONE):
                records = await self._fetch(LiveRows, place, most)
        if not records:
            self.live = False
            with suppress(asyncpg.UndefinedTableError):
                records = await self._fetch(PastRows, place, most)
        if not records:
            raise NotFound("Table")
        return [record for record in records if record["id"] is not None]

    async def _fetch(
        self, kind: type[LiveRows | PastRows], place: tuple[int, UUID], most: int
    ) -> Sequence[asyncpg.Record]:
        if kind not in self._statements:
            self._statements[kind] = kind(self.shape, self.query)
        statement = self._statements[kind]
        bound = statement.bound(self.shape.id, self.revision, *place, most)
        return await self.pool.fetch(statement.text, *bound)


@dataclass(slots=True)
class _SortedExport:
    """In an order that was listed when the export began: ids and versions."""

    pool: Pool
    shape: TableShape
    query: ExportQuery
    revision: int
    listed: bytes

    async def chunks(self) -> AsyncGenerator[Sequence[ExportRow], None]:
        text = listed_rows(self.shape, self.query)
        place = 0
        while place < len(self.listed):
            part = self.listed[place : place + MOST_ROWS * _ENTRY.size]
            ids, versions = zip(*_ENTRY.iter_unpack(part), strict=True)
            records = await self.pool.fetch(
                text, self.shape.id, [UUID(bytes=raw) for raw in ids], versions
            )
            if [record["place"] for record in records] != list(range(1, len(records) + 1)):
                records = []
            if not records:
                raise NotFound("Table")
            yield [ExportRow(record["vals"], record["extra"]) for record in records]
            place += len(records) * _ENTRY.size
