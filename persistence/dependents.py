"""The relay's consumer for what depends on other rows: it makes the cells of tools stale whose
inputs lie in rows that changed, in another table or in the same.

What follows from a few entries may be many cells. They are written in batches, each a revision of
its own in a transaction of its own, and `relay_cursor.place` says how far that has come. So each
cell is made stale once, whenever a worker is killed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from domain.changes import MAX_DEPTH, Cause, CauseKind, ChangeKind
from domain.columns import TableShape
from domain.dependents import Affects, Reader, changed_sources, outdated_by_columns, readers_of
from domain.numbers import loads
from persistence.cell_states import outdate_cells
from persistence.dependents_sql import affected_statement, facts_statement
from persistence.engine import Connection, run_sql
from persistence.json_text import dumps
from persistence.relay import Cursor, Done, Entry, LogKind, Slice, move, next_slice
from persistence.shapes import Shapes
from persistence.unit_of_work import TableWrite

#: The name under which the relay reads logs here.
CONSUMER = "dependents"
#: Rows of a revision that makes cells stale, and changed rows of one step.
BATCH = 1_000

#: A log is followed from the moment at which a column with a tool that may depend on it comes into
#: being: its cells cannot have been resolved before. No tool is stored as JSON's null.
_FOLLOW = f"""
INSERT INTO relay_cursor (consumer, table_id, organization_id, revision)
SELECT '{CONSUMER}', k.table_id, k.organization_id, k.revision FROM table_clock k
WHERE k.organization_id = :organization AND k.table_id::text IN (
  SELECT CAST(CAST(:table AS uuid) AS text)
  UNION SELECT lower(c.config ->> 'targetTableId') FROM table_column c
        WHERE c.table_id = CAST(:table AS uuid) AND c.deleted_at IS NULL AND c.type = 'relation'
  UNION SELECT lower(c.tool ->> 'table_id') FROM table_column c
        WHERE c.table_id = CAST(:table AS uuid) AND c.deleted_at IS NULL
) AND EXISTS (
  SELECT 1 FROM table_column c
  WHERE c.table_id = CAST(:table AS uuid) AND c.deleted_at IS NULL
    AND jsonb_typeof(c.tool) = 'object'
)
ON CONFLICT DO NOTHING
"""
_TARGETS = """
SELECT k.table_id, k.columns_version FROM table_clock k
JOIN user_table t ON t.id = k.table_id AND t.deleted_at IS NULL
WHERE k.organization_id = $1 AND k.table_id IN (
  SELECT c.table_id FROM table_column c
  WHERE c.organization_id = $1 AND c.deleted_at IS NULL
    AND (c.table_id = $2 OR lower(c.tool ->> 'table_id') = $2::uuid::text
         OR (c.type = 'relation' AND lower(c.config ->> 'targetTableId') = $2::uuid::text))
) AND EXISTS (
  SELECT 1 FROM table_column c
  WHERE c.table_id = k.table_id AND c.deleted_at IS NULL AND jsonb_typeof(c.tool) = 'object'
)
ORDER BY k.table_id
"""
_PLACE = "SELECT place FROM relay_cursor WHERE consumer = $1 AND table_id = $2"
_SET_PLACE = "UPDATE relay_cursor SET place = $3 WHERE consumer = $1 AND table_id = $2"
_LOCK = """
SELECT revision + 1 AS revision, greatest(clock_timestamp()::timestamptz(3), last_at) AS at
FROM table_clock WHERE table_id = $1 AND columns_version = $2 FOR UPDATE
"""
_TAKE_REVISION = "UPDATE table_clock SET revision = $2, last_at = $3 WHERE table_id = $1"


async def follow_sources(session: AsyncSession, organization_id: UUID, table_id: UUID) -> None:
    """Have the logs followed that the tools of a table depend on, inside the transaction that
    changed its columns."""
    await run_sql(session, _FOLLOW, organization=organization_id, table=table_id)


@dataclass(frozen=True, slots=True)
class _Facts:
    """What a slice did to the source: the changed rows with their columns, None for rows that came
    or went; the columns of which any value may be another; and tools that are others."""

    rows: Mapping[UUID, frozenset[int] | None] = field(default_factory=dict)
    sources: frozenset[int] = frozenset()
    tools: frozenset[int] = frozenset()

    def of(self, reader: Reader) -> list[UUID]:
        """The changed rows that concern a reader."""
        return [
            row_id
            for row_id, columns in self.rows.items()
            if columns is None or columns & reader.sources
        ]


class Dependents:
    """Makes cells stale that depend on other rows."""

    name = CONSUMER
    reads_deleted = False

    def __init__(self, shapes: Shapes) -> None:
        self._shapes = shapes

    async def advance(self, connection: Connection, cursor: Cursor, budget: int) -> Done:
        """One batch of cells that follow from the next entries, or the cursor moves on.

        A step that wrote takes the whole budget: its transaction holds the clock of one table."""
        part, place = await self._part(connection, cursor, min(BATCH, budget))
        if part.entries:
            assert cursor.columns_version is not None, "dependents follow tables only"
            source = await self._shapes.for_log(cursor.log_id, cursor.columns_version)
            size = min(BATCH, budget, place["size"] if place else BATCH)
            targets = await self._targets(connection, source)
            facts = await _facts(connection, source, targets, part)
            for shape, readers in targets:
                if place is not None and str(shape.id) < place["table"]:
                    continue
                after = UUID(place["row"]) if place and str(shape.id) == place["table"] else None
                written = await self._outdate(
                    connection, _Step(cursor, size, part, source, shape, after), readers, facts
                )
                if written is not None:
                    return Done(written.made, budget, written.wakes)
        await connection.execute(_SET_PLACE, CONSUMER, cursor.log_id, None)
        await move(connection, cursor, part.revision, part.last_row)
        return Done(0, 1 + part.rows)

    async def _part(
        self, connection: Connection, cursor: Cursor, size: int
    ) -> tuple[Slice, Mapping[str, Any] | None]:
        """The next entries, or those of which a batch was made before: never more, for what further
        ones bring about may lie before the place that was reached."""
        stored = await connection.fetchval(_PLACE, CONSUMER, cursor.log_id)
        place = loads(stored) if stored else None
        if place is not None:
            size = min(size, place["size"])
        part = await next_slice(connection, cursor, size, _concerns)
        if place is not None:
            entries = [each for each in part.entries if each.revision <= place["until"]]
            until = min(part.revision, place["until"])
            part = replace(part, entries=entries, revision=until)
        return part, place

    async def _targets(
        self, connection: Connection, source: TableShape
    ) -> list[tuple[TableShape, Sequence[Reader]]]:
        """The tables whose tools may read the source, in the order of their ids."""
        records = await connection.fetch(_TARGETS, source.organization_id, source.id)
        shapes = [await self._shapes.for_log(r["table_id"], r["columns_version"]) for r in records]
        found = [(shape, readers_of(shape, source)) for shape in shapes]
        return sorted(
            ((shape, readers) for shape, readers in found if readers or shape.id == source.id),
            key=lambda each: str(each[0].id),
        )

    async def _outdate(
        self, connection: Connection, step: "_Step", readers: Sequence[Reader], facts: _Facts
    ) -> Done | None:
        """Make the next batch of a table's cells stale; None when there is nothing left in it."""
        affected = _affected(step, readers, facts)
        if not affected:
            return None
        text, values = affected_statement(step.shape, step.source, affected, step.part, step.after)
        records = await connection.fetch(text, *values, BATCH)
        if not records:
            return None
        rows: dict[frozenset[int], list[UUID]] = {}
        for record in records:
            columns = frozenset().union(*(affected[n].reader.columns for n in record["readers"]))
            rows.setdefault(columns, []).append(record["id"])
        place = {
            "size": step.size,
            "until": step.part.revision if step.part.last_row is None else step.entry.revision,
            "table": str(step.shape.id),
            "row": str(records[-1]["id"]),
        }
        await connection.execute(_SET_PLACE, CONSUMER, step.cursor.log_id, dumps(place))
        return await _write(connection, step, rows)


@dataclass(frozen=True, slots=True)
class _Step:
    """A part of a log, of at most `size` rows, and the table in which cells go stale, behind the
    row `after`."""

    cursor: Cursor
    size: int
    part: Slice
    source: TableShape
    shape: TableShape
    after: UUID | None

    @property
    def entry(self) -> Entry:
        """The one that is named as the cause."""
        return self.part.entries[-1]


def _concerns(entry: Entry) -> bool:
    kinds = (ChangeKind.CELLS_CHANGED, ChangeKind.COLUMNS_CHANGED)
    return (entry.rows > 0 or entry.kind in kinds) and entry.depth < MAX_DEPTH


async def _facts(
    connection: Connection,
    source: TableShape,
    targets: Sequence[tuple[TableShape, Sequence[Reader]]],
    part: Slice,
) -> _Facts:
    structure = [each for each in part.entries if each.kind == ChangeKind.COLUMNS_CHANGED]
    about_rows = [each.revision for each in part.entries if each not in structure]
    readers = [reader for _, found in targets for reader in found]
    rows: dict[UUID, frozenset[int] | None] = {}
    if readers and about_rows:
        numbers = frozenset().union(*(reader.sources for reader in readers))
        records = await connection.fetch(
            facts_statement(source, numbers),
            source.id,
            about_rows,
            part.after_row,
            part.last_row,
        )
        for record in records:
            known = rows.get(record["row_id"], frozenset())
            if record["whole"] or known is None:
                rows[record["row_id"]] = None
            else:
                rows[record["row_id"]] = known.union(record["numbers"])
    sources = (changed_sources(source, each.details) for each in structure)
    tools = (outdated_by_columns(source, each.details) for each in structure)
    return _Facts(rows, frozenset().union(*sources), frozenset().union(*tools))


def _affected(step: _Step, readers: Sequence[Reader], facts: _Facts) -> list[Affects]:
    found = []
    for reader in readers:
        everywhere = bool(reader.sources & facts.sources)
        row_ids = facts.of(reader)
        reads_all = reader.relation is None and reader.match is None
        if everywhere or (row_ids and reads_all):
            found.append(Affects(reader, None))
        elif row_ids:
            found.append(Affects(reader, row_ids))
    if step.shape.id == step.source.id and facts.tools:
        found.append(Affects(Reader(facts.tools, frozenset()), None))
    return found


async def _write(
    connection: Connection, step: _Step, rows: Mapping[frozenset[int], Sequence[UUID]]
) -> Done:
    """The revision of a batch; none is used when all cells were with a run, which learns of it."""
    shape = step.shape
    await connection.execute(f"LOCK TABLE {shape.sql_name} IN ROW EXCLUSIVE MODE")
    clock = await connection.fetchrow(_LOCK, shape.id, shape.columns_version)
    if clock is None:
        raise RuntimeError("the columns moved under a consumer; it takes the step again")
    cause = Cause(
        CauseKind.DEPENDENT,
        depth=step.entry.depth + 1,
        table_id=str(step.source.id),
        revision=step.entry.revision,
    )
    write = TableWrite(connection, shape, step.entry.actor, cause, clock["revision"], clock["at"])
    moved = 0
    for columns, row_ids in rows.items():
        moved += await outdate_cells(write, row_ids, columns)
    if not moved:
        return Done(0, 0)
    await connection.execute(_TAKE_REVISION, shape.id, write.revision, write.at)
    await write.log(ChangeKind.CELLS_CHANGED, details={"cells": moved})
    wakes: list[tuple[LogKind, UUID, int]] = [("table", shape.id, write.revision)]
    return Done(moved, 0, wakes)
