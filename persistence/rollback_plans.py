"""What a rollback has to do to which rows, read from the log under the clock's lock.

Rows whose undone changes are their last ones go back to the version before, whatever that holds:
PostgreSQL decides that. Rows that others changed since are merged in `domain.rollback_merge`."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import groupby
from operator import itemgetter
from typing import Any
from uuid import UUID

import asyncpg

from domain import numbers
from domain.changes import CauseKind, ChangeKind
from domain.columns import TableShape
from domain.rollback_merge import InTheWay, Merged, PastVersion, merge
from domain.rollback_records import ConflictReason, RollbackKind, RowConflict, Undo
from persistence.engine import Connection, Pool
from persistence.filter_sql import Params
from persistence.json_text import dumps
from persistence.row_images import canonical, same_image


@dataclass(frozen=True, slots=True)
class RowState:
    """What a row shall hold: the data of a version of it, or an image as JSON text."""

    row_id: UUID
    version: int | None
    image: str | None = None


@dataclass(slots=True)
class Plan:
    """Rows to delete, to change and to make again, and those that are left alone.

    `seen` counts the rows that were looked at, `last` is the last of them by id."""

    deleted: list[UUID] = field(default_factory=list)
    changed: list[RowState] = field(default_factory=list)
    restored: list[RowState] = field(default_factory=list)
    conflicts: list[RowConflict] = field(default_factory=list)
    seen: int = 0
    last: UUID | None = None

    @property
    def is_empty(self) -> bool:
        """Whether nothing is to be written."""
        return not (self.deleted or self.changed or self.restored)


def _undone(undo: Undo, params: Params) -> tuple[str, str]:
    """A CTE of revisions, and the condition for an undone version `x`.

    What a change of columns wrote into rows is never undone: the columns of before are gone."""
    after, until = params.add(undo.after, "bigint"), params.add(undo.until, "bigint")
    span = f"h.table_id = $1 AND h.revision > {after} AND h.revision <= {until}"
    columns = f"h.kind = '{ChangeKind.COLUMNS_CHANGED.value}'"
    if undo.kind is RollbackKind.REVISION:
        listed = f"u AS MATERIALIZED (SELECT h.revision FROM change h WHERE {span} AND {columns}), "
        within = f"x.revision > {after} AND x.revision <= {until}"
        return listed, f"{within} AND x.revision NOT IN (SELECT u.revision FROM u)"
    parts = [span, f"NOT {columns}"]
    if undo.actor is not None:
        parts.append(f"h.actor = {params.add(undo.actor, 'text')}")
    if undo.import_id is not None:
        parts.append(f"h.cause->>'kind' = '{CauseKind.IMPORT.value}'")
        parts.append(f"h.cause->>'id' = {params.add(str(undo.import_id), 'text')}")
    if undo.run_id is not None:
        parts.append(f"h.cause->>'kind' = '{CauseKind.RUN.value}'")
        parts.append(f"h.cause->>'id' = {params.add(str(undo.run_id), 'text')}")
    listed = f"u AS MATERIALIZED (SELECT h.revision FROM change h WHERE {' AND '.join(parts)}), "
    return listed, "x.revision IN (SELECT u.revision FROM u)"


def _touched(
    undo: Undo, condition: str, after: UUID | None, params: Params, upto: UUID | None = None
) -> str:
    """The rows with their first undone version."""
    parts = [f"x.table_id = $1 AND {condition}"]
    if undo.row_ids is not None:
        parts.append(f"x.row_id = ANY({params.add(list(undo.row_ids), 'uuid[]')})")
    if after is not None:
        parts.append(f"x.row_id > {params.add(after, 'uuid')}")
    if upto is not None:
        parts.append(f"x.row_id <= {params.add(upto, 'uuid')}")
    return (
        "SELECT x.row_id, min(x.version) AS first FROM row_version x"
        f" WHERE {' AND '.join(parts)} GROUP BY x.row_id"
    )


async def count_rows(pool: Pool, shape: TableShape, undo: Undo) -> int:
    """How many rows the changes to undo touched."""
    params = Params(shape.id)
    listed, condition = _undone(undo, params)
    touched = _touched(undo, condition, None, params)
    count: int = await pool.fetchval(
        f"WITH {listed}t AS ({touched}) SELECT count(*) FROM t", *params.values
    )
    return count


async def make_plan(
    connection: Connection,
    shape: TableShape,
    undo: Undo,
    force: bool,
    after: UUID | None,
    limit: int,
    upto: UUID | None = None,
) -> Plan:
    """The plan for the next rows by id, none beyond `upto`."""
    params = Params(shape.id)
    listed, condition = _undone(undo, params)
    touched = _touched(undo, condition, after, params, upto)
    most = params.add(limit, "bigint")
    text = f"""
WITH {listed}touched AS ({touched} ORDER BY x.row_id LIMIT {most}),
later AS (
  SELECT t.row_id, t.first, max(x.version) AS last, bool_or(NOT ({condition})) AS mixed
  FROM touched t
  JOIN row_version x ON x.table_id = $1 AND x.row_id = t.row_id AND x.version >= t.first
  GROUP BY t.row_id, t.first
)
SELECT l.row_id, l.first, l.mixed, p.action AS before, n.action AS now, n.revision, h.actor,
       p.action <> 'delete' AND n.action <> 'delete'
         AND {same_image(shape, "p", "n")} AS same
FROM later l
JOIN row_version n ON n.table_id = $1 AND n.row_id = l.row_id AND n.version = l.last
JOIN change h ON h.table_id = $1 AND h.revision = n.revision
LEFT JOIN row_version p ON p.table_id = $1 AND p.row_id = l.row_id AND p.version = l.first - 1
ORDER BY l.row_id"""
    records = await connection.fetch(text, *params.values)
    plan = Plan(seen=len(records), last=records[-1]["row_id"] if records else None)
    mixed = [r for r in records if not _plan_row(plan, r)]
    if mixed:
        await _plan_merges(connection, shape, undo, force, mixed, plan)
    return plan


def _plan_row(plan: Plan, r: asyncpg.Record) -> bool:
    """Plan a row whose undone changes are its last ones; False for one that has to be merged."""
    row_id, first = r["row_id"], r["first"]
    if first > 1 and r["before"] is None:
        plan.conflicts.append(
            RowConflict(row_id, r["revision"], r["actor"], ConflictReason.LOG_PRUNED)
        )
        return True
    if r["mixed"]:
        return False
    was, exists = r["before"] not in (None, "delete"), r["now"] != "delete"
    if exists and not was:
        plan.deleted.append(row_id)
    elif was and not exists:
        plan.restored.append(RowState(row_id, first - 1))
    elif was and not r["same"]:
        plan.changed.append(RowState(row_id, first - 1))
    return True


async def _plan_merges(
    connection: Connection,
    shape: TableShape,
    undo: Undo,
    force: bool,
    rows: Sequence[asyncpg.Record],
    plan: Plan,
) -> None:
    params = Params(shape.id, [r["row_id"] for r in rows], [r["first"] - 1 for r in rows])
    listed, condition = _undone(undo, params)
    records = await connection.fetch(
        f"""
WITH {listed}given AS (SELECT * FROM unnest($2::uuid[], $3::int[]) AS g(row_id, version))
SELECT x.row_id, x.version, x.revision, x.action, h.actor, {condition} AS undone,
       {canonical(shape, "x")} AS data
FROM given g
JOIN row_version x ON x.table_id = $1 AND x.row_id = g.row_id AND x.version >= g.version
JOIN change h ON h.table_id = $1 AND h.revision = x.revision
ORDER BY x.row_id, x.version""",
        *params.values,
    )
    firsts = {r["row_id"]: r["first"] for r in rows}
    for row_id, found in groupby(records, key=itemgetter("row_id")):
        versions = [_version(record) for record in found]
        before = versions.pop(0) if versions[0].version < firsts[row_id] else None
        _plan_merge(plan, row_id, versions[-1].exists, merge(before, versions, force=force))


def _version(r: asyncpg.Record) -> PastVersion:
    image: dict[str, Any] = numbers.loads(r["data"])
    exists = r["action"] != "delete"
    return PastVersion(r["version"], r["revision"], r["actor"], exists, r["undone"], image)


def _plan_merge(plan: Plan, row_id: UUID, exists: bool, outcome: Merged | InTheWay | None) -> None:
    if isinstance(outcome, InTheWay):
        way = outcome.version
        plan.conflicts.append(RowConflict(row_id, way.revision, way.actor, outcome.reason))
    elif outcome is not None and outcome.image is None:
        plan.deleted.append(row_id)
    elif outcome is not None:
        state = RowState(row_id, None, dumps(outcome.image))
        (plan.changed if exists else plan.restored).append(state)
