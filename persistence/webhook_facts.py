"""What a slice of a table's log did to rows and cells, for those who tell others of it.

Values are those of the revision, read from its row versions: never newer, and never the nulls of a
row that was made a moment before its values."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal
from uuid import UUID

import asyncpg

from domain.cells import CellStatus
from domain.changes import CauseKind
from domain.columns import Column, TableShape
from domain.filters import Filter
from domain.numbers import loads
from domain.run_records import ACTIVE, RunStatus
from persistence.engine import Connection
from persistence.filter_sql import Params, compile_filter
from persistence.relay import Entry, Slice
from persistence.row_images import changed_keys, image_of, values_of

_ACTIVE = frozenset({CellStatus.QUEUED, CellStatus.CALCULATING})
_ENDED = tuple(each.value for each in RunStatus if each not in ACTIVE)

_MOVES = """
SELECT revision, row_id, column_number, previous, status, error FROM cell_change
WHERE table_id = $1 AND revision = ANY($2) AND column_number = ANY($5)
  AND ($3::uuid IS NULL OR row_id > $3) AND ($4::uuid IS NULL OR row_id <= $4)
ORDER BY revision, row_id, column_number
"""
#: The states of all cells of a row as they were after a revision, from the log of their moves.
_STATES = """
SELECT x.revision, x.row_id, s.previous, s.status, s.revision = x.revision AS moved
FROM unnest($2::bigint[], $3::uuid[]) AS x(revision, row_id)
CROSS JOIN LATERAL (
  SELECT DISTINCT ON (c.column_number) c.previous, c.status, c.revision FROM cell_change c
  WHERE c.table_id = $1 AND c.row_id = x.row_id AND c.revision <= x.revision
    AND c.column_number = ANY($4)
  ORDER BY c.column_number, c.revision DESC
) AS s
"""
_PLACES = """
SELECT x.revision, x.row_id, v.session_id, v.version, v.position
FROM unnest($2::bigint[], $3::uuid[]) AS x(revision, row_id)
CROSS JOIN LATERAL (
  SELECT session_id, version, position FROM row_version v
  WHERE v.table_id = $1 AND v.row_id = x.row_id AND v.revision <= x.revision
  ORDER BY v.version DESC LIMIT 1
) AS v
"""


_FIRST_SAID = f"""
SELECT min(revision) AS revision FROM change
WHERE table_id = $1 AND revision <= $2 AND cause->>'kind' = '{CauseKind.RUN}'
  AND cause->>'id' = ANY($3) AND details->>'runStatus' = ANY($4)
GROUP BY cause->>'id' ORDER BY 1
"""


@dataclass(frozen=True, slots=True)
class Move:
    """A cell that went to another status."""

    column: str
    previous: str
    status: str
    error: str | None


@dataclass(frozen=True, slots=True)
class Image:
    """The values of a row as JSON texts, in the order of the columns that were asked for, and its
    keys without a column as an object."""

    values: Sequence[str | None]
    extra: str | None


@dataclass(slots=True)
class RowFact:
    """What one revision did to one row. `action` is None when only cells moved. `before` is there
    for updates, `after` for all actions (for a deletion the last image), both only when values were
    asked for. `changed` are keys; None for unknown.

    `started` and `ended`: the first cell of the row began to wait for its tool, or the last one
    ceased to, well or not."""

    revision: int
    row_id: UUID
    session_id: UUID
    version: int
    position: int
    action: Literal["create", "update", "delete"] | None
    before: Image | None = None
    after: Image | None = None
    changed: Sequence[str] | None = None
    moves: list[Move] = field(default_factory=list)
    started: bool = False
    ended: Literal["completed", "failed"] | None = None


@dataclass(frozen=True, slots=True)
class RunFact:
    """A run over cells that ended with an entry."""

    revision: int
    run_id: str
    status: str


@dataclass(frozen=True, slots=True)
class Facts:
    """The facts of a slice in the order of the log, and the entries that they belong to."""

    shape: TableShape
    columns: Sequence[Column]
    entries: Mapping[int, Entry]
    rows: Sequence[RowFact]
    runs: Sequence[RunFact]


def told_columns(shape: TableShape) -> list[Column]:
    """The columns whose values can be told: what depends on time or on other rows has no value of a
    revision."""
    return [
        column
        for column in shape.columns
        if column.computation is None or not column.computation.volatile
    ]


async def read_facts(
    connection: Connection, shape: TableShape, part: Slice, *, values: bool
) -> Facts:
    """All facts of a slice. Without `values` only ids, statuses and actions are read."""
    columns = told_columns(shape)
    found = await _rows(connection, shape, columns if values else None, part)
    if shape.stateful_columns:
        await _add_moves(connection, shape, part, found)
    ordered = sorted(found.values(), key=lambda fact: (fact.revision, fact.position, fact.row_id))
    entries = {entry.revision: entry for entry in part.entries}
    return Facts(shape, columns, entries, ordered, await _ends(connection, shape, part))


async def _ends(connection: Connection, shape: TableShape, part: Slice) -> list[RunFact]:
    """Runs that ended with an entry of the slice: its first one that says so. Others follow while
    the run gives back its cells."""
    said = {
        entry.revision: RunFact(entry.revision, entry.cause["id"], entry.details["runStatus"])
        for entry in part.entries
        if entry.cause.get("kind") == CauseKind.RUN and entry.details.get("runStatus") in _ENDED
    }
    if not said or part.last_row is not None:
        return []
    run_ids = list({each.run_id for each in said.values()})
    firsts = await connection.fetch(_FIRST_SAID, shape.id, max(said), run_ids, list(_ENDED))
    return [said[r["revision"]] for r in firsts if r["revision"] in said]


async def matching(
    connection: Connection, shape: TableShape, filter: Filter, rows: Sequence[RowFact]
) -> set[tuple[int, UUID]]:
    """The facts whose rows match, as their revision left them (before it, for a deletion)."""
    params = Params(shape.id, [each.revision for each in rows], [each.row_id for each in rows])
    matched = compile_filter(filter, params, "a")
    text = f"""
SELECT x.revision, x.row_id
FROM unnest($2::bigint[], $3::uuid[]) AS x(revision, row_id)
CROSS JOIN LATERAL (
  SELECT * FROM row_version v
  WHERE v.table_id = $1 AND v.row_id = x.row_id AND v.revision <= x.revision
  ORDER BY v.version DESC LIMIT 1
) AS v
CROSS JOIN LATERAL {image_of(shape.columns, "v")} AS a
WHERE ({matched}) IS TRUE
"""
    return {(r["revision"], r["row_id"]) for r in await connection.fetch(text, *params.values)}


async def _rows(
    connection: Connection, shape: TableShape, columns: Sequence[Column] | None, part: Slice
) -> dict[tuple[int, UUID], RowFact]:
    revisions = [entry.revision for entry in part.entries if entry.rows]
    if not revisions:
        return {}
    records = await connection.fetch(
        _rows_statement(shape, columns), shape.id, revisions, part.after_row, part.last_row
    )
    return {(r["revision"], r["row_id"]): _fact(r, columns) for r in records}


def _rows_statement(shape: TableShape, columns: Sequence[Column] | None) -> str:
    read, images = "", ""
    if columns is not None:
        read = (
            f", {values_of(columns, 'a')} AS after, a._extra::text AS after_extra,"
            f" CASE WHEN p.row_id IS NOT NULL THEN {values_of(columns, 'b')} END AS before,"
            " b._extra::text AS before_extra"
        )
        images = f"""
LEFT JOIN row_version p ON v.action = 'update'
  AND p.table_id = v.table_id AND p.row_id = v.row_id AND p.version = v.version - 1
CROSS JOIN LATERAL {image_of(shape.columns, "v")} AS a
LEFT JOIN LATERAL {image_of(shape.columns, "p")} AS b ON TRUE"""
    return f"""
SELECT v.revision, v.row_id, v.action, v.version, v.session_id, v.position{read}
FROM row_version v{images}
WHERE v.table_id = $1 AND v.revision = ANY($2)
  AND ($3::uuid IS NULL OR v.row_id > $3) AND ($4::uuid IS NULL OR v.row_id <= $4)"""


def _fact(r: asyncpg.Record, columns: Sequence[Column] | None) -> RowFact:
    fact = RowFact(
        r["revision"], r["row_id"], r["session_id"], r["version"], r["position"], r["action"]
    )
    if columns is None:
        return fact
    fact.after = Image(r["after"], r["after_extra"])
    if r["before"] is not None:
        fact.before = Image(r["before"], r["before_extra"])
        fact.changed = _changed(columns, fact.before, fact.after)
    return fact


def _changed(columns: Sequence[Column], before: Image, after: Image) -> list[str]:
    keys = [
        column.key
        for column, old, new in zip(columns, before.values, after.values, strict=True)
        if old != new
    ]
    if before.extra != after.extra:
        keys += changed_keys(loads(before.extra or "{}"), loads(after.extra or "{}"))
    return keys


async def _add_moves(
    connection: Connection, shape: TableShape, part: Slice, found: dict[tuple[int, UUID], RowFact]
) -> None:
    """Moves of cells, also of rows that have no version in the revision."""
    numbers = [column.number for column in shape.stateful_columns]
    keys = {column.number: column.key for column in shape.stateful_columns}
    records = await connection.fetch(
        _MOVES,
        shape.id,
        [entry.revision for entry in part.entries],
        part.after_row,
        part.last_row,
        numbers,
    )
    moves: dict[tuple[int, UUID], list[Move]] = defaultdict(list)
    for r in records:
        move = Move(keys[r["column_number"]], r["previous"], r["status"], r["error"])
        moves[r["revision"], r["row_id"]].append(move)
    if not moves:
        return
    await _add_rows(connection, shape, [key for key in moves if key not in found], found)
    states = await _states(connection, shape, list(moves), numbers)
    for key, moved in moves.items():
        if (fact := found.get(key)) is not None:
            fact.moves = moved
            fact.started, fact.ended = _turn(states.get(key, []))


async def _add_rows(
    connection: Connection,
    shape: TableShape,
    missing: Sequence[tuple[int, UUID]],
    found: dict[tuple[int, UUID], RowFact],
) -> None:
    if not missing:
        return
    revisions, row_ids = [key[0] for key in missing], [key[1] for key in missing]
    for r in await connection.fetch(_PLACES, shape.id, revisions, row_ids):
        found[r["revision"], r["row_id"]] = RowFact(
            r["revision"], r["row_id"], r["session_id"], r["version"], r["position"], None
        )


async def _states(
    connection: Connection,
    shape: TableShape,
    touched: Sequence[tuple[int, UUID]],
    numbers: Sequence[int],
) -> Mapping[tuple[int, UUID], list[Any]]:
    states: dict[tuple[int, UUID], list[Any]] = defaultdict(list)
    revisions, row_ids = [key[0] for key in touched], [key[1] for key in touched]
    for r in await connection.fetch(_STATES, shape.id, revisions, row_ids, numbers):
        states[r["revision"], r["row_id"]].append(r)
    return states


def _turn(states: Sequence[Any]) -> tuple[bool, Literal["completed", "failed"] | None]:
    """Whether a row began to be worked on, and how the work ended. A run that lets go of its cells
    without a result ends in silence."""
    was_active = any((s["previous"] if s["moved"] else s["status"]) in _ACTIVE for s in states)
    is_active = any(s["status"] in _ACTIVE for s in states)
    if is_active:
        return not was_active, None
    if not was_active:
        return False, None
    if any(s["status"] == CellStatus.ERROR for s in states):
        return False, "failed"
    given = {CellStatus.RESOLVED, CellStatus.STALE}
    done = any(s["moved"] and s["previous"] in _ACTIVE and s["status"] in given for s in states)
    return False, "completed" if done else None
