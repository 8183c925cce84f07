"""Reading the logs: clocks, entries with their row images, and which images a filter matches."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import asyncpg
import orjson

from domain.changes import Change, ChangeKind, OrganizationChange, OrganizationChangeKind
from domain.columns import Column, TableShape
from domain.extraction_records import JobStep
from domain.filters import Filter
from domain.numbers import loads
from domain.selection import CellState, RowRecord
from domain.workflow_records import RunChange
from persistence.engine import Database
from persistence.extraction_job_rows import read_steps
from persistence.filter_sql import Params, compile_filter
from persistence.read_sql import state_of, value_json
from persistence.row_sql import record_definition, stored_columns
from persistence.shapes import Shapes
from persistence.statements import statements
from persistence.workflow_log import read_changes

#: Over these bounds an entry is told in figures only, and clients fetch again.
MOST_ROWS = 1000
MOST_BYTES = 256_000
MOST_CELLS = 5_000

TopicKind = Literal["table", "organization", "workflow", "extraction"]


@dataclass(frozen=True, slots=True)
class LoggedRow:
    """What one change did to a row. `record` is the image after it, or the last one for a deletion.

    `before` holds the values before the change as JSON texts, in the order of the shape's
    columns."""

    action: Literal["create", "update", "delete"]
    record: RowRecord
    before: Sequence[str | None] | None


@dataclass(frozen=True, slots=True)
class LoggedCell:
    """A move of one cell's status."""

    row_id: UUID
    column_number: int
    previous: str
    status: str
    error: str | None
    progress: float | None
    at: datetime


@dataclass(frozen=True, slots=True)
class TableEntry:
    """An entry of a table's log. `rows` is None when the change is over the bounds."""

    change: Change
    shape: TableShape
    rows: Sequence[LoggedRow] | None
    cells: Sequence[LoggedCell]

    @property
    def revision(self) -> int:
        return self.change.revision


@dataclass(frozen=True, slots=True)
class OrganizationEntry:
    """An entry of an organisation's log."""

    change: OrganizationChange

    @property
    def revision(self) -> int:
        return self.change.revision


_CLOCKS = """
SELECT 'table' AS kind, c.table_id AS id, c.revision, c.pruned_to
FROM table_clock c JOIN user_table t ON t.id = c.table_id AND t.deleted_at IS NULL
WHERE c.table_id = ANY($1)
UNION ALL
SELECT 'organization', organization_id, revision, pruned_to
FROM organization_clock WHERE organization_id = ANY($2)
UNION ALL
SELECT 'workflow', id, revision, 0
FROM workflow WHERE id = ANY($3) AND deleted_at IS NULL
UNION ALL
SELECT 'extraction', id, revision, 0 FROM extraction_job WHERE id = ANY($4)
"""

_ENTRIES = """
SELECT h.revision, h.kind, h.actor, h.cause, h.at, h.rows_added, h.rows_changed, h.rows_deleted,
       h.details, c.columns_version
FROM change h JOIN table_clock c ON c.table_id = h.table_id
WHERE h.table_id = $1 AND h.revision > $2 ORDER BY h.revision LIMIT $3
"""

_ORGANIZATION_ENTRIES = """
SELECT revision, kind, actor, at, subject_id, details FROM organization_change
WHERE organization_id = $1 AND revision > $2 ORDER BY revision LIMIT $3
"""

_CELLS = """
SELECT revision, row_id, column_number, previous, status, error, progress, at FROM cell_change
WHERE table_id = $1 AND revision = ANY($2) ORDER BY revision, row_id, column_number
"""

_STATES = """
SELECT row_id, column_number, to_jsonb(s)::text AS state FROM cell_state s
WHERE table_id = $1 AND row_id = ANY($2)
"""

_IMAGE_COLUMNS = (
    "{v}.row_id AS id, {v}.position, {v}.session_id, {v}.version, {v}.created_by,"
    " {v}.created_at, {v}.updated_at"
)


class ChangeLog:
    """Reads the logs of tables and organisations. Rights are the caller's business."""

    def __init__(self, database: Database, shapes: Shapes) -> None:
        self._pool = database.pool
        self._shapes = shapes

    async def clocks(
        self, topics: Sequence[tuple[TopicKind, UUID]]
    ) -> dict[tuple[TopicKind, UUID], tuple[int, int]]:
        """(revision, pruned to) of each log in one statement; a log that is gone is missing."""
        records = await self._pool.fetch(
            _CLOCKS,
            [id_ for kind, id_ in topics if kind == "table"],
            [id_ for kind, id_ in topics if kind == "organization"],
            [id_ for kind, id_ in topics if kind == "workflow"],
            [id_ for kind, id_ in topics if kind == "extraction"],
        )
        return {(r["kind"], r["id"]): (r["revision"], r["pruned_to"]) for r in records}

    async def organization_entries(
        self, organization_id: UUID, after: int, limit: int
    ) -> list[OrganizationEntry]:
        """Entries of an organisation's log after a revision, in order."""
        records = await self._pool.fetch(_ORGANIZATION_ENTRIES, organization_id, after, limit)
        return [
            OrganizationEntry(
                OrganizationChange(
                    organization_id=organization_id,
                    revision=r["revision"],
                    kind=OrganizationChangeKind(r["kind"]),
                    actor=r["actor"],
                    at=r["at"],
                    subject_id=r["subject_id"],
                    details=orjson.loads(r["details"] or "{}"),
                )
            )
            for r in records
        ]

    async def workflow_entries(
        self, workflow_id: UUID, after: int, limit: int
    ) -> Sequence[RunChange]:
        """Entries of a workflow's log after a revision, in order."""
        return await read_changes(self._pool, workflow_id, after, limit)

    async def extraction_entries(self, job_id: UUID, after: int, limit: int) -> Sequence[JobStep]:
        """Steps of an extraction job after a revision, in order."""
        return await read_steps(self._pool, job_id, after, limit)

    async def table_entries(self, table_id: UUID, after: int, limit: int) -> list[TableEntry]:
        """Entries of a table's log after a revision, in order, with the rows and cells they
        touched."""
        records = await self._pool.fetch(_ENTRIES, table_id, after, limit)
        if not records:
            return []
        shape = await self._shapes.for_log(table_id, records[0]["columns_version"])
        changes = [_change(table_id, record) for record in records]
        rows = await self._rows(shape, [c.revision for c in changes if _has_images(c)])
        cells = await self._cells(shape, [c.revision for c in changes if _count(c) <= MOST_ROWS])
        return [_entry(change, shape, rows, cells.get(change.revision, ())) for change in changes]

    async def match(
        self, shape: TableShape, filter: Filter, revisions: Sequence[int]
    ) -> dict[tuple[int, UUID], tuple[bool, bool]]:
        """Whether each row of these revisions matched before and after, by (revision, row id)."""
        params = Params(shape.id, list(revisions))
        before = compile_filter(filter, params, "b")
        after = compile_filter(filter, params, "a")
        text = f"""
SELECT v.revision, v.row_id,
       CASE v.action WHEN 'create' THEN FALSE WHEN 'delete' THEN ({after}) IS TRUE
            ELSE p.row_id IS NOT NULL AND ({before}) IS TRUE END AS matched_before,
       v.action <> 'delete' AND ({after}) IS TRUE AS matched_after
{_images(shape)}
"""
        records = await self._pool.fetch(text, *params.values)
        return {
            (r["revision"], r["row_id"]): (r["matched_before"], r["matched_after"]) for r in records
        }

    async def match_at(
        self, shape: TableShape, filter: Filter, keys: Sequence[tuple[int, UUID]]
    ) -> dict[tuple[int, UUID], bool]:
        """Whether rows matched at revisions that did not change them, by (revision, row id)."""
        if not keys:
            return {}
        params = Params(shape.id, [key[0] for key in keys], [key[1] for key in keys])
        matched = compile_filter(filter, params, "a")
        text = f"""
SELECT x.revision, x.row_id, ({matched}) IS TRUE AS matched
FROM unnest($2::bigint[], $3::uuid[]) AS x(revision, row_id)
CROSS JOIN LATERAL (
  SELECT * FROM row_version v
  WHERE v.table_id = $1 AND v.row_id = x.row_id AND v.revision <= x.revision
  ORDER BY v.version DESC LIMIT 1
) v
CROSS JOIN LATERAL {_image(shape, "v")} AS a
"""
        records = await self._pool.fetch(text, *params.values)
        return {(r["revision"], r["row_id"]): r["matched"] for r in records}

    async def _rows(
        self, shape: TableShape, revisions: Sequence[int]
    ) -> dict[int, list[LoggedRow]]:
        found: dict[int, list[LoggedRow]] = defaultdict(list)
        if not revisions:
            return found
        text = statements.get(shape, "images", lambda: _images_statement(shape))
        records = await self._pool.fetch(text, shape.id, list(revisions))
        states = await self._states(shape, records)
        for record in records:
            found[record["revision"]].append(_logged_row(shape, record, states))
        return found

    async def _states(
        self, shape: TableShape, records: Sequence[asyncpg.Record]
    ) -> Mapping[UUID, dict[int, CellState]]:
        found: dict[UUID, dict[int, CellState]] = defaultdict(dict)
        if not shape.stateful_columns:
            return found
        row_ids = list({record["id"] for record in records})
        for r in await self._pool.fetch(_STATES, shape.id, row_ids):
            found[r["row_id"]][r["column_number"]] = state_of(loads(r["state"]))
        return found

    async def _cells(
        self, shape: TableShape, revisions: Sequence[int]
    ) -> dict[int, list[LoggedCell]]:
        found: dict[int, list[LoggedCell]] = defaultdict(list)
        if not revisions or not shape.stateful_columns:
            return found
        for r in await self._pool.fetch(_CELLS, shape.id, list(revisions)):
            found[r["revision"]].append(
                LoggedCell(
                    r["row_id"],
                    r["column_number"],
                    r["previous"],
                    r["status"],
                    r["error"],
                    r["progress"],
                    r["at"],
                )
            )
        return found


def _change(table_id: UUID, record: asyncpg.Record) -> Change:
    return Change(
        table_id=table_id,
        revision=record["revision"],
        kind=ChangeKind(record["kind"]),
        actor=record["actor"],
        cause=orjson.loads(record["cause"]),
        at=record["at"],
        rows_added=record["rows_added"],
        rows_changed=record["rows_changed"],
        rows_deleted=record["rows_deleted"],
        details=orjson.loads(record["details"] or "{}"),
    )


def _count(change: Change) -> int:
    return change.rows_added + change.rows_changed + change.rows_deleted


def _has_images(change: Change) -> bool:
    return 0 < _count(change) <= MOST_ROWS


def _entry(
    change: Change,
    shape: TableShape,
    rows: Mapping[int, Sequence[LoggedRow]],
    cells: Sequence[LoggedCell],
) -> TableEntry:
    if len(cells) > MOST_CELLS:
        return TableEntry(change, shape, None, ())
    return TableEntry(change, shape, _bounded(change, rows), cells)


def _bounded(change: Change, rows: Mapping[int, Sequence[LoggedRow]]) -> Sequence[LoggedRow] | None:
    if _count(change) > MOST_ROWS:
        return None
    found = rows.get(change.revision, ())
    size = sum(
        len(value) for row in found for value in (*row.record.values, row.record.extra) if value
    )
    return None if size > MOST_BYTES else found


def _images(shape: TableShape) -> str:
    """Versions of the revisions $2 of the table $1: the row after (`a`) and before (`b`) each
    change."""
    return f"""
FROM row_version v
LEFT JOIN row_version p
  ON p.table_id = v.table_id AND p.row_id = v.row_id AND p.version = v.version - 1
CROSS JOIN LATERAL {_image(shape, "v")} AS a
LEFT JOIN LATERAL {_image(shape, "p")} AS b ON TRUE
WHERE v.table_id = $1 AND v.revision = ANY($2)
ORDER BY v.revision, v.position, v.row_id"""


def _image(shape: TableShape, version: str) -> str:
    """A row version as a row with the columns of the users' table."""
    definition = record_definition(stored_columns(shape))
    names = "".join(f", r.{column.sql_name}" for column in stored_columns(shape))
    system = _IMAGE_COLUMNS.format(v=version)
    source = f"jsonb_to_record({version}.data) AS r({definition})"
    return f"(SELECT {system}{names}, r._extra FROM {source})"


def _images_statement(shape: TableShape) -> str:
    after = ", ".join(_image_json(column, "a") for column in shape.columns)
    before = ", ".join(_image_json(column, "b") for column in shape.columns)
    return f"""
SELECT v.revision, v.action, a.id, a.position, a.session_id, a.version, a.created_by, a.created_at,
       a.updated_at, ARRAY[{after}]::text[] AS vals, a._extra::text AS extra,
       CASE WHEN p.row_id IS NOT NULL AND v.action <> 'create'
            THEN ARRAY[{before}]::text[] END AS before
{_images(shape)}"""


def _image_json(column: Column, alias: str) -> str:
    """The value of a cell in an image. What depends on time or on other rows is no part of it."""
    recomputed = column.computation is not None and column.computation.volatile
    return "NULL::text" if recomputed else value_json(column, alias)


def _logged_row(
    shape: TableShape, r: asyncpg.Record, states: Mapping[UUID, dict[int, CellState]]
) -> LoggedRow:
    record = RowRecord(
        id=r["id"],
        table_id=shape.id,
        session_id=r["session_id"],
        version=r["version"],
        position=r["position"],
        created_by=r["created_by"],
        created_at=r["created_at"],
        updated_at=r["updated_at"],
        values=r["vals"],
        extra=r["extra"],
        states=states.get(r["id"], {}),
    )
    before: Any = r["vals"] if r["action"] == "delete" else r["before"]
    return LoggedRow(r["action"], record, before)
