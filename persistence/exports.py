"""Reading a table for an export: chunk by chunk, every row as it was at one revision.

Each chunk is one short statement, so no snapshot is held open while a client reads slowly. While
the clock stands still, live rows are what is wanted. Once it has moved, a chunk names its rows by
what is live and by what was deleted since, and takes their versions of the first revision out of
the log: its cost is that of its own rows, whatever was written meanwhile.

A sorted export begins with the list of its rows in order, 20 bytes each, made in one statement.
"""

import struct
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from uuid import UUID

import asyncpg

from domain.columns import TableShape
from domain.errors import NotFound, StructureMoved, TooLarge
from domain.export_records import ExportQuery, ExportRow, OpenExport
from domain.fields import family_of
from domain.history_records import refuse_revision
from domain.values import Family
from persistence.engine import Database, Pool
from persistence.filter_sql import Params, compile_filter, operand
from persistence.keyset_sql import order_by
from persistence.past_rows import VERSION_COLUMNS, rows_as_of
from persistence.read_sql import value_json
from persistence.row_sql import column_names, record_definition, stored_columns

#: Rows of a chunk. With a filter that many are looked at, and perhaps few of them come out.
MOST_ROWS = 2_000
MOST_FILTERED = 10_000
FIRST_ROWS = 200
#: Chunks grow and shrink towards this size in bytes.
WANTED_BYTES = 4_000_000
#: Rows of a sorted export. Sorting this many takes two of the five seconds of a statement.
MOST_SORTED = 1_000_000

_ENTRY = struct.Struct(">16si")
_START = (-(2**63), UUID(int=0))
_GONE = (asyncpg.UndefinedTableError, asyncpg.UndefinedColumnError)


class Exports:
    """The `ExportStore` port."""

    def __init__(self, database: Database) -> None:
        self._pool = database.pool

    async def open(self, shape: TableShape, query: ExportQuery) -> OpenExport:
        opening = _Opening(shape, query)
        try:
            record = await self._pool.fetchrow(opening.text, *opening.params.values)
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


class _Opening:
    """The statement that begins an export: the clock, what the bounds say, and the sorted list."""

    def __init__(self, shape: TableShape, query: ExportQuery) -> None:
        self.params = Params(shape.id, shape.organization_id, shape.columns_version)
        self._shape, self._query = shape, query
        self.text = (
            f"SELECT c.revision, c.pruned_to, {self._too_many()} AS too_many,"
            f" {self._too_long()} AS too_long, {self._listed()} AS listed FROM table_clock c"
            " WHERE c.table_id = $1 AND c.organization_id = $2 AND c.columns_version = $3"
        )

    @cached_property
    def _rows(self) -> str:
        """The rows of the export, from FROM on. Asked for only where it is used: parameters that a
        statement does not name are an error."""
        shape, query = self._shape, self._query
        past = None if query.as_of is None else self.params.add(query.as_of, "bigint")
        source = shape.sql_name if past is None else rows_as_of(shape, past)
        rows = f"FROM {source} AS t WHERE {_condition(query, self.params, 't')}"
        if query.limit is None:
            return rows
        names = ", ".join(column_names(shape, "t"))
        order = order_by(query.sorts)
        return f"FROM (SELECT {names} {rows} ORDER BY {order} LIMIT {query.limit}) AS t WHERE TRUE"

    def _too_many(self) -> str:
        query = self._query
        most = query.bounds.rows if query.bounds else None
        if query.sorts:
            most = min(most or MOST_SORTED, MOST_SORTED)
        if most is None or (query.limit is not None and query.limit <= most):
            return "FALSE"
        if query.as_of is None and not _selects(query):
            return f"c.row_count > {most}"
        return f"EXISTS (SELECT 1 {self._rows} OFFSET {most})"

    def _too_long(self) -> str:
        """The label of a column whose values would not fit."""
        bounds = self._query.bounds
        lengths = [
            (column, f"length({operand(column, 't')})")
            for column in self._query.columns
            if family_of(column) is Family.TEXT and column.stored
        ]
        if bounds is None or not lengths:
            return "NULL::text"
        cases = " ".join(
            f"WHEN {length} > {bounds.characters} THEN {self.params.add(column.label, 'text')}"
            for column, length in lengths
        )
        longest = ", ".join(length for _, length in lengths)
        return (
            f"(SELECT CASE {cases} END {self._rows}"
            f" AND greatest({longest}) > {bounds.characters} LIMIT 1)"
        )

    def _listed(self) -> str:
        if not self._query.sorts:
            return "NULL::bytea"
        order = order_by(self._query.sorts)
        return (
            "(SELECT string_agg(uuid_send(s.id) || int4send(s.version), ''::bytea)"
            f" FROM (SELECT t.id, t.version {self._rows} ORDER BY {order}) s)"
        )


def _selects(query: ExportQuery) -> bool:
    return query.filter is not None or query.session_id is not None


def _condition(query: ExportQuery, params: Params, alias: str) -> str:
    parts = []
    if query.filter is not None:
        parts.append(f"({compile_filter(query.filter, params, alias)})")
    if query.session_id is not None:
        parts.append(f"{alias}.session_id = {params.add(query.session_id, 'uuid')}")
    return " AND ".join(parts) or "TRUE"


def _values(query: ExportQuery, alias: str) -> str:
    values = ", ".join(value_json(column, alias) for column in query.columns)
    return f"ARRAY[{values}]::text[]"


def _extra(query: ExportQuery, alias: str) -> str:
    return f"{alias}._extra::text AS extra" if query.extra else "NULL::text AS extra"


def _image(shape: TableShape, version: str) -> str:
    """A row version under the names of the users' table, to be joined laterally."""
    stored = stored_columns(shape)
    cells = "".join(f", r.{column.sql_name}" for column in stored)
    return (
        f"(SELECT {VERSION_COLUMNS.format(v=version)}{cells}, r._extra"
        f" FROM jsonb_to_record({version}.data) AS r({record_definition(stored)}))"
    )


@dataclass(slots=True)
class _Pace:
    """How many rows the next chunk takes: the sizes of the last one say what a row weighs."""

    most: int
    rows: int = FIRST_ROWS

    def learn(self, chunk: Sequence[ExportRow], taken: int) -> None:
        size = sum(
            sum(len(value) for value in row.values if value) + len(row.extra or "") for row in chunk
        )
        wanted = WANTED_BYTES * taken // max(size, 1)
        self.rows = max(1, min(wanted, 4 * self.rows, self.most))


class _Statement:
    """A statement with parameters of its own behind those that change from chunk to chunk: the
    table, the revision, the place after which to read, and how many rows."""

    CHANGING = (None, None, None, None, None)

    def __init__(self, query: ExportQuery, alias: str) -> None:
        params = Params(*self.CHANGING)
        self.condition = _condition(query, params, alias)
        self.values = _values(query, alias)
        self._own = params.values[len(self.CHANGING) :]

    def bound(self, *changing: Any) -> list[Any]:
        """All parameters."""
        return [*changing, *self._own]


class _Live(_Statement):
    """Rows of the users' table, if the clock still shows the revision. No record: it does not."""

    def __init__(self, shape: TableShape, query: ExportQuery) -> None:
        super().__init__(query, "t")
        self.text = f"""
SELECT p.position, p.id, p.vals, p.extra
FROM table_clock c LEFT JOIN LATERAL (
  SELECT t.position, t.id, CASE WHEN {self.condition} THEN {self.values} END AS vals,
         {_extra(query, "t")}
  FROM (SELECT {", ".join(column_names(shape, "w"))} FROM {shape.sql_name} AS w
        WHERE (w.position, w.id) > ($3::bigint, $4::uuid)
        ORDER BY w.position, w.id LIMIT $5::bigint) AS t
  ORDER BY t.position, t.id
) p ON TRUE
WHERE c.table_id = $1 AND c.revision = $2"""


class _Past(_Statement):
    """Rows as they were after the revision. No record: the table was deleted.

    What is live or was deleted since is all that can have been there then. A row that was deleted
    and restored may stand at two places; its version says at which it stood."""

    def __init__(self, shape: TableShape, query: ExportQuery) -> None:
        super().__init__(query, "a")
        self.text = f"""
SELECT p.position, p.id, p.vals, p.extra
FROM user_table u LEFT JOIN LATERAL (
  SELECT k.position, k.id, m.vals, m.extra
  FROM (
    (SELECT w.position, w.id FROM {shape.sql_name} AS w
     WHERE (w.position, w.id) > ($3::bigint, $4::uuid)
     ORDER BY w.position, w.id LIMIT $5::bigint)
    UNION
    (SELECT DISTINCT d.position, d.row_id FROM row_version d
     WHERE d.table_id = $1 AND d.action = 'delete' AND d.revision > $2
       AND (d.position, d.row_id) > ($3::bigint, $4::uuid)
     ORDER BY d.position, d.row_id LIMIT $5::bigint)
    ORDER BY position, id LIMIT $5::bigint
  ) AS k LEFT JOIN LATERAL (
    SELECT {self.values} AS vals, {_extra(query, "a")}
    FROM (SELECT * FROM row_version x
          WHERE x.table_id = $1 AND x.row_id = k.id AND x.revision <= $2
          ORDER BY x.version DESC LIMIT 1) AS v
    CROSS JOIN LATERAL {_image(shape, "v")} AS a
    WHERE v.action <> 'delete' AND v.position = k.position AND {self.condition}
  ) m ON TRUE
  ORDER BY k.position, k.id
) p ON TRUE
WHERE u.id = $1 AND u.deleted_at IS NULL"""


@dataclass(slots=True)
class _Export:
    """In the order of the table."""

    pool: Pool
    shape: TableShape
    query: ExportQuery
    revision: int
    #: Whether live rows are those of the revision, as far as is known.
    live: bool
    _statements: dict[type[_Statement], Any] = field(default_factory=dict)

    async def chunks(self) -> AsyncIterator[Sequence[ExportRow]]:
        pace = _Pace(MOST_FILTERED if _selects(self.query) else MOST_ROWS)
        left = self.query.limit
        place = _START
        while left is None or left > 0:
            records = await self._read(place, pace.rows)
            chunk = [ExportRow(r["vals"], r["extra"]) for r in records if r["vals"] is not None]
            chunk = chunk[:left]
            if chunk:
                yield chunk
            if len(records) < pace.rows:
                return
            place = (records[-1]["position"], records[-1]["id"])
            left = None if left is None else left - len(chunk)
            pace.learn(chunk, len(records))

    async def _read(self, place: tuple[int, UUID], limit: int) -> Sequence[asyncpg.Record]:
        """The rows behind a place, those that do not match without values."""
        if self.live:
            try:
                records = await self._fetch(_Live, place, limit)
            except _GONE:  # the columns moved, and so did the clock
                records = []
            if records:
                return [record for record in records if record["id"] is not None]
            self.live = False
        try:
            records = await self._fetch(_Past, place, limit)
        except asyncpg.UndefinedTableError:
            records = []
        if not records:
            raise NotFound("Table")
        return [record for record in records if record["id"] is not None]

    async def _fetch(
        self, kind: type[_Live] | type[_Past], place: tuple[int, UUID], limit: int
    ) -> Sequence[asyncpg.Record]:
        if kind not in self._statements:
            self._statements[kind] = kind(self.shape, self.query)
        statement = self._statements[kind]
        bound = statement.bound(self.shape.id, self.revision, *place, limit)
        return await self.pool.fetch(statement.text, *bound)


@dataclass(slots=True)
class _SortedExport:
    """In an order that was listed when the export began: ids and versions."""

    pool: Pool
    shape: TableShape
    query: ExportQuery
    revision: int
    listed: bytes

    async def chunks(self) -> AsyncIterator[Sequence[ExportRow]]:
        text = self._text()
        pace = _Pace(MOST_ROWS)
        place = 0
        while place < len(self.listed):
            part = self.listed[place : place + pace.rows * _ENTRY.size]
            place += len(part)
            entries = list(_ENTRY.iter_unpack(part))
            ids = [UUID(bytes=raw) for raw, _ in entries]
            records = await self.pool.fetch(text, self.shape.id, ids, [v for _, v in entries])
            if len(records) < len(entries):
                raise NotFound("Table")
            chunk = [ExportRow(record["vals"], record["extra"]) for record in records]
            yield chunk
            pace.learn(chunk, len(chunk))

    def _text(self) -> str:
        return f"""
SELECT {_values(self.query, "a")} AS vals, {_extra(self.query, "a")}
FROM unnest($2::uuid[], $3::int[]) WITH ORDINALITY AS e(id, version, place)
JOIN user_table u ON u.id = $1 AND u.deleted_at IS NULL
JOIN row_version v ON v.table_id = $1 AND v.row_id = e.id AND v.version = e.version
CROSS JOIN LATERAL {_image(self.shape, "v")} AS a
ORDER BY e.place"""
