"""Reading history: entries from the versions of rows and the log, and what the log covers."""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

import asyncpg
import orjson
from sqlmodel import col, select

from domain import numbers
from domain.changes import CauseKind
from domain.columns import Column, TableShape
from domain.errors import StructureMoved
from domain.history_records import (
    DiffPage,
    DiffPlace,
    HistoryAction,
    HistoryEntry,
    HistoryPage,
    HistoryPlace,
    HistoryQuery,
)
from persistence.column_rows import entity
from persistence.engine import Database
from persistence.fetching import fetch
from persistence.filter_sql import Params
from persistence.models import ColumnRow
from persistence.row_diffs import read_diff
from persistence.row_images import changed_keys, data_text, image_of, shown_names, values_of
from persistence.statements import statements

_MOST_SHAPES = 1000

_COVERED = """
SELECT revision, pruned_to FROM table_clock
WHERE table_id = $1 AND organization_id = $2 AND columns_version = $3
"""

# Moments never run against revisions and revisions have no holes, so halving finds the place in
# twenty looks where an index on moments would cost every write.
_REVISION_AT = """
WITH RECURSIVE span(low, high) AS (
  SELECT pruned_to, revision FROM table_clock WHERE table_id = $1
  UNION ALL
  SELECT CASE WHEN h.at {before} $2 THEN m.mid ELSE m.low END,
         CASE WHEN h.at {before} $2 THEN m.high ELSE m.mid - 1 END
  FROM (SELECT low, high, (low + high + 1) / 2 AS mid FROM span WHERE low < high) AS m
  JOIN change h ON h.table_id = $1 AND h.revision = m.mid
)
SELECT s.low, c.pruned_to FROM span s, table_clock c WHERE s.low = s.high AND c.table_id = $1
"""
_LAST_BY = _REVISION_AT.format(before="<=")
_LAST_BEFORE = _REVISION_AT.format(before="<")


class History:
    """The `HistoryStore` port."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._pool = database.pool
        self._columns: OrderedDict[tuple[UUID, int], tuple[Column, ...]] = OrderedDict()

    async def entries(
        self, shape: TableShape, query: HistoryQuery, after: HistoryPlace | None
    ) -> HistoryPage:
        """Entries, newest first. Values of deleted columns stand under the keys that they had.

        Raises `StructureMoved`, also for a table that was deleted."""
        await self.covered(shape)
        columns = await self.columns(shape)
        params = Params(shape.id, query.limit + 1)
        text = _entries_statement(shape, columns, await self._where(shape, query, after, params))
        records = await fetch(self._pool, text, params.values)
        names = shown_names(shape, columns)
        return HistoryPage(
            [_entry(shape, names, record) for record in records[: query.limit]],
            len(records) > query.limit,
        )

    async def covered(self, shape: TableShape) -> tuple[int, int]:
        """The revision behind which the log begins, and the last one. Raises `StructureMoved`."""
        clock = await self._pool.fetchrow(
            _COVERED, shape.id, shape.organization_id, shape.columns_version
        )
        if clock is None:
            raise StructureMoved
        return clock["pruned_to"], clock["revision"]

    async def revision_at(self, shape: TableShape, at: datetime) -> int | None:
        """The last revision that was committed by then; 0 before the first, None when the log does
        not reach back that far."""
        return await self._last(_LAST_BY, shape, at)

    async def revision_before(self, shape: TableShape, at: datetime) -> int | None:
        """The last revision that was committed before a moment; like `revision_at`."""
        return await self._last(_LAST_BEFORE, shape, at)

    async def _last(self, text: str, shape: TableShape, at: datetime) -> int | None:
        found = await self._pool.fetchrow(text, shape.id, at)
        if found is None:
            raise StructureMoved
        pruned_to: int = found["pruned_to"]
        revision: int = found["low"]
        # The first entry that is kept is later: when the pruned ones were made, nobody knows.
        return None if pruned_to and revision == pruned_to else revision

    async def diff(
        self, shape: TableShape, between: tuple[int, int], limit: int, after: DiffPlace | None
    ) -> DiffPage:
        """Rows that differ between two revisions, in the order of the table."""
        return await read_diff(self._pool, shape, between, limit, after)

    async def columns(self, shape: TableShape) -> tuple[Column, ...]:
        """The live columns, then the stored ones that were deleted."""
        key = (shape.id, shape.columns_version)
        known = self._columns.get(key)
        if known is None:
            statement = (
                select(ColumnRow)
                .where(ColumnRow.table_id == shape.id, col(ColumnRow.deleted_at).is_not(None))
                .order_by(col(ColumnRow.number))
            )
            async with self._database.read() as session:
                gone = [entity(row) for row in await session.exec(statement)]
            known = (*shape.columns, *(column for column in gone if column.stored))
            self._columns[key] = known
            if len(self._columns) > _MOST_SHAPES:
                self._columns.popitem(last=False)
        return known

    async def _where(
        self, shape: TableShape, query: HistoryQuery, after: HistoryPlace | None, params: Params
    ) -> str:
        parts = ["v.table_id = $1"]
        if query.row_id is not None:
            parts.append(f"v.row_id = {params.add(query.row_id, 'uuid')}")
        if query.actor is not None:
            parts.append(f"h.actor = {params.add(query.actor, 'text')}")
        if query.action is not None:
            parts.append(_acted(query.action))
        if query.since is not None:
            # Bounds of moments become bounds of revisions: those have an index.
            first = await self._pool.fetchval(_LAST_BEFORE, shape.id, query.since)
            parts.append(f"v.revision > {params.add(first or 0, 'bigint')}")
        if query.until is not None:
            last = await self._pool.fetchval(_LAST_BY, shape.id, query.until)
            parts.append(f"v.revision <= {params.add(last or 0, 'bigint')}")
        if after is not None:
            revision, row = params.add(after.revision, "bigint"), params.add(after.row_id, "uuid")
            parts.append(f"(v.revision, v.row_id) < ({revision}, {row})")
        return " AND ".join(parts)


def _acted(action: HistoryAction) -> str:
    rollback = f"h.cause->>'kind' = '{CauseKind.ROLLBACK.value}'"
    if action is HistoryAction.ROLLBACK:
        return rollback
    return f"v.action = '{action.value}' AND NOT {rollback}"


def _entries_statement(shape: TableShape, columns: Sequence[Column], where: str) -> str:
    purpose = ("history", where)
    return statements.get(shape, purpose, lambda: _build_entries(columns, where))


def _build_entries(columns: Sequence[Column], where: str) -> str:
    """The page first, the images of its rows then. Parameters: table, limit, those of `where`."""
    return f"""
SELECT v.row_id, v.version, v.revision, v.action, v.created_by, h.actor, h.cause, h.at, k.name,
       {values_of(columns, "a")} AS vals, a._extra::text AS extra,
       CASE WHEN p.row_id IS NOT NULL THEN {values_of(columns, "b")} END AS before,
       b._extra::text AS extra_before
FROM (
  SELECT v.* FROM row_version v
  JOIN change h ON h.table_id = v.table_id AND h.revision = v.revision
  WHERE {where} ORDER BY v.revision DESC, v.row_id DESC LIMIT $2::bigint
) AS v
JOIN change h ON h.table_id = v.table_id AND h.revision = v.revision
LEFT JOIN api_key k ON k.organization_id = h.organization_id AND k.id::text = h.actor
LEFT JOIN row_version p ON p.table_id = v.table_id AND p.row_id = v.row_id
  AND p.version = v.version - 1 AND v.action = 'update'
CROSS JOIN LATERAL {image_of(columns, "v")} AS a
LEFT JOIN LATERAL {image_of(columns, "p")} AS b ON TRUE
ORDER BY v.revision DESC, v.row_id DESC"""


def _entry(shape: TableShape, names: Sequence[str], r: asyncpg.Record) -> HistoryEntry:
    live = len(shape.columns)
    cause = orjson.loads(r["cause"])
    rolled_back = cause.get("kind") == CauseKind.ROLLBACK
    data = data_text(names, live, r["vals"], r["extra"])
    previous: str | None = data if r["action"] == "delete" else None
    if r["before"] is not None:
        previous = data_text(names, live, r["before"], r["extra_before"])
    return HistoryEntry(
        row_id=r["row_id"],
        table_id=shape.id,
        version=r["version"],
        revision=r["revision"],
        change=r["action"],
        action=HistoryAction.ROLLBACK if rolled_back else HistoryAction(r["action"]),
        data=data,
        previous=previous,
        changed=_changed(names, r),
        actor=r["actor"],
        actor_name=r["name"],
        author=r["created_by"],
        cause=cause,
        at=r["at"],
    )


def _changed(names: Sequence[str], r: asyncpg.Record) -> list[str]:
    """Keys whose values differ from those before; of a deletion or creation all that held one."""
    before: Sequence[str | None] = r["before"] or [None] * len(names)
    changed = [
        name for name, value, old in zip(names, r["vals"], before, strict=True) if value != old
    ]
    new: Mapping[str, object] = numbers.loads(r["extra"] or "{}")
    old_extra: Mapping[str, object] = numbers.loads(r["extra_before"] or "{}")
    return changed + changed_keys(old_extra, new)
