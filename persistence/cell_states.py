"""Stored states of cells that follow from writes: who wrote a cell himself, and what goes stale.

Each function is one statement, whatever the number of rows. What changed is read from the versions
that the same revision has written, so no writer has to tell."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict
from functools import partial
from typing import Any
from uuid import UUID

from domain.cells import CellStatus
from domain.columns import Column, ComputedBy, TableShape
from domain.tool_records import Citation, Producer, ProducerKind, ToolKind
from persistence.json_text import dumps
from persistence.row_images import image_of
from persistence.row_sql import stored_columns
from persistence.statements import statements
from persistence.status_sql import (
    INITIALIZED,
    RESOLVED,
    status_sql,
    virtual_status_sql,
    written_status_sql,
)
from persistence.unit_of_work import TableWrite

__all__ = [
    "FORGOTTEN",
    "citation_json",
    "outdate_cells",
    "outdate_dependents",
    "outdated_meanwhile",
    "producer_json",
    "resolve_added",
    "settle",
    "stateful_values",
    "status_sql",
]

STALE = f"'{CellStatus.STALE}'"
UNDER_WAY = f"('{CellStatus.QUEUED}', '{CellStatus.CALCULATING}')"

#: What a cell_state forgets when its value comes from elsewhere than before.
FORGOTTEN = (
    "error = NULL, progress = NULL, run_id = NULL, previous = NULL, before = NULL, attempt = 0,"
    " outdated = FALSE, inputs_hash = NULL, confidence = NULL, citations = NULL, raw = NULL,"
    " input_tokens = NULL, output_tokens = NULL, cost = NULL"
)

#: Cells that writes may move: from `touched (row_id, number, outside, written, was, now)`, where
#: `was` and `now` are the statuses that follow from the values before and after.
#: Parameters: table, revision, rows, moment, producer.
_MOVE = f"""known AS (
  SELECT c.*, s.status AS stored,
         CASE WHEN c.outside THEN coalesce(s.status, {INITIALIZED})
              ELSE coalesce({written_status_sql("s.status")}, c.was) END AS previous
  FROM touched c
  LEFT JOIN cell_state s
    ON s.table_id = $1 AND s.row_id = c.row_id AND s.column_number = c.number
), moved AS (
  SELECT k.*, CASE WHEN k.written THEN k.now
                   WHEN k.previous = {RESOLVED} THEN {STALE}
                   ELSE coalesce({written_status_sql("k.stored")}, k.now) END AS status
  FROM known k
), resolved AS (
  INSERT INTO cell_state (table_id, row_id, column_number, status, producer, updated_at)
  SELECT $1, row_id, number, status, CASE WHEN NOT outside THEN $5::jsonb END, $4
  FROM moved WHERE written AND (outside OR status = {RESOLVED})
  ON CONFLICT (table_id, row_id, column_number)
  DO UPDATE SET status = excluded.status, producer = excluded.producer,
                updated_at = excluded.updated_at, {FORGOTTEN}
), emptied AS (
  DELETE FROM cell_state s USING moved m
  WHERE s.table_id = $1 AND s.row_id = m.row_id AND s.column_number = m.number
    AND m.written AND NOT m.outside AND m.status <> {RESOLVED}
), outdated AS (
  INSERT INTO cell_state (table_id, row_id, column_number, status, updated_at)
  SELECT $1, row_id, number, status, $4
  FROM moved WHERE NOT written AND status = {STALE} AND previous <> status
  ON CONFLICT (table_id, row_id, column_number)
  DO UPDATE SET status = excluded.status, updated_at = excluded.updated_at
), held AS (
  -- A run that lets go of a cell must not give back a status that is true no more.
  UPDATE cell_state s
  SET outdated = TRUE,
      previous = CASE WHEN coalesce({written_status_sql("s.previous")}, m.was) = {RESOLVED}
                      THEN {STALE} ELSE s.previous END
  FROM moved m
  WHERE s.table_id = $1 AND s.row_id = m.row_id AND s.column_number = m.number
    AND NOT m.written AND s.status IN {UNDER_WAY}
)
INSERT INTO cell_change (table_id, row_id, column_number, revision, previous, status, at)
SELECT $1, row_id, number, $2, previous, status, $4 FROM moved WHERE previous <> status
-- A cell that moves twice in a revision has moved once.
ON CONFLICT (table_id, row_id, column_number, revision)
DO UPDATE SET status = excluded.status, error = NULL, progress = NULL
"""

#: Cells whose columns or inputs differ between the versions of a revision and those before.
_TOUCHED = """
WITH touched AS (
  SELECT v.row_id, x.number, x.outside, x.written, x.was, x.now
  FROM row_version v
  JOIN row_version p
    ON p.table_id = v.table_id AND p.row_id = v.row_id AND p.version = v.version - 1
  CROSS JOIN LATERAL {after} AS a
  CROSS JOIN LATERAL {before} AS b
  CROSS JOIN LATERAL (VALUES {cells}) AS x(number, outside, written, outdated, was, now)
  WHERE v.table_id = $1 AND v.revision = $2 AND v.row_id = ANY($3) AND (x.written OR x.outdated)
), """

#: Cells of rows as they stand, whatever changed.
_STANDING = """
WITH touched AS (
  SELECT t.id AS row_id, x.number, FALSE AS outside, FALSE AS written, x.now AS was, x.now
  FROM {table} AS t CROSS JOIN LATERAL (VALUES {cells}) AS x(number, now)
  WHERE t.id = ANY($3)
), """


_MEANWHILE = """
SELECT row_id, column_number FROM cell_state
WHERE table_id = $1 AND row_id = ANY($2) AND column_number = ANY($3) AND outdated
"""


def producer_json(producer: Producer) -> str:
    """The stored form of a producer: what is known of it, by the names of the record's fields."""
    return dumps({name: value for name, value in asdict(producer).items() if value})


def citation_json(citation: Citation) -> dict[str, Any]:
    """The stored form of a citation: of a document it says the page and the place on it, in points
    from the left and the top."""
    told: dict[str, Any] = {
        "column": citation.column,
        "text": citation.text,
        "start": citation.start,
        "end": citation.end,
    }
    if citation.file_id is not None:
        told |= {"fileId": str(citation.file_id), "page": citation.page}
        told["box"] = None if citation.box is None else [round(each, 1) for each in citation.box]
    return told


def _person(write: TableWrite) -> str:
    return producer_json(Producer(ProducerKind.PERSON, write.actor))


async def settle(write: TableWrite, row_ids: Sequence[UUID]) -> None:
    """Bring the states of changed rows up to date, after their versions were written in
    `write.revision`.

    A cell whose own value changed is resolved by who wrote it, or has no state when it was emptied.
    A tool's cell with a changed input is stale when it was resolved."""
    watched = [(column, _sources(write.shape, column)) for column in write.shape.stateful_columns]
    if watched:
        text = statements.get(write.shape, "settle", lambda: _changes(write.shape, watched, ()))
        await _apply(write, row_ids, text)


async def outdate_dependents(
    write: TableWrite, row_ids: Sequence[UUID], numbers: Collection[int]
) -> None:
    """What the writer of the columns `numbers`, who keeps their states himself, owes to the cells
    that depend on them: where values changed in `write.revision`, they are stale when they were
    resolved."""
    wanted = frozenset(numbers)
    watched = [
        (column, [each for each in _sources(write.shape, column) if each.number in wanted])
        for column in write.shape.stateful_columns
        if column.number not in wanted
    ]
    watched = [(column, sources) for column, sources in watched if sources]
    if watched:
        purpose = ("outdate", wanted)
        build = partial(_changes, write.shape, watched, wanted)
        await _apply(write, row_ids, statements.get(write.shape, purpose, build))


async def outdate_cells(write: TableWrite, row_ids: Sequence[UUID], numbers: Iterable[int]) -> int:
    """Make the cells of the tool columns `numbers` in these rows stale, where they are resolved;
    what depends on them is for the caller to name. How many cells moved."""
    columns = write.shape.columns_by_number
    watched = [columns[number] for number in sorted(set(numbers)) if number in columns]
    if not watched:
        return 0
    # Not remembered: a change of columns comes here with a shape that nobody has seen yet.
    return await _apply(write, row_ids, _standing(write.shape, watched))


async def outdated_meanwhile(
    write: TableWrite, row_ids: Sequence[UUID]
) -> Collection[tuple[UUID, int]]:
    """Cells of lookups that calculate while what they look up changed: only the other table knows,
    so no hash of inputs tells. By row and column."""
    numbers = [
        column.number
        for column in write.shape.columns
        if column.tool is not None and column.tool.kind is ToolKind.LOOKUP
    ]
    if not numbers:
        return ()
    records = await write.connection.fetch(_MEANWHILE, write.shape.id, list(row_ids), numbers)
    return {(r["row_id"], r["column_number"]) for r in records}


async def resolve_added(write: TableWrite) -> None:
    """Cells that rows were given when they were made in `write.revision` are resolved."""
    if write.shape.stateful_columns:
        text = statements.get(write.shape, "resolve added", lambda: _added(write.shape))
        shape = write.shape
        await write.connection.execute(text, shape.id, write.revision, _person(write))


def stateful_values(shape: TableShape) -> str:
    """The columns whose cells have states, as a VALUES list of (number, name in images, whether an
    outside worker fills it)."""
    rows = (
        f"({column.number}, '{column.sql_name}', {_is_outside(column)})"
        for column in shape.stateful_columns
    )
    return f"(VALUES {', '.join(rows)})"


async def _apply(write: TableWrite, row_ids: Sequence[UUID], text: str) -> int:
    """Run a statement that moves cells; how many moved."""
    done = await write.connection.execute(
        text,
        write.shape.id,
        write.revision,
        list(row_ids),
        write.at,
        _person(write),
    )
    return int(done.rsplit(" ", 1)[1])


def _sources(shape: TableShape, column: Column) -> list[Column]:
    """The stored columns whose change makes cells of a column stale, directly or through others."""
    dependents = shape.tool_graph.dependents
    return [
        each
        for each in stored_columns(shape)
        if column.number in dependents.get(each.number, ()) and each.number != column.number
    ]


def _changes(
    shape: TableShape, watched: Sequence[tuple[Column, Sequence[Column]]], apart: Collection[int]
) -> str:
    """The statement over what a revision changed, for columns with those that they depend on. The
    cells of columns `apart` are kept by somebody else, and so are those of the others that somebody
    wrote."""
    cells = ", ".join(
        f"({column.number}, {_is_outside(column)},"
        f" {'FALSE' if apart else _differs([column])}, {_differs(sources)},"
        f" {virtual_status_sql(shape, column, 'b')}, {virtual_status_sql(shape, column, 'a')})"
        for column, sources in watched
    )
    columns = _read_by(shape, watched)
    after, before = image_of(columns, "v"), image_of(columns, "p")
    return _TOUCHED.format(after=after, before=before, cells=cells) + _MOVE


def _standing(shape: TableShape, watched: Sequence[Column]) -> str:
    cells = ", ".join(
        f"({column.number}, {virtual_status_sql(shape, column, 't')})" for column in watched
    )
    return _STANDING.format(table=shape.sql_name, cells=cells) + _MOVE


def _differs(columns: Sequence[Column]) -> str:
    """Whether any of the columns changed, as its type compares."""
    return (
        " OR ".join(f"a.{each.sql_name} IS DISTINCT FROM b.{each.sql_name}" for each in columns)
        or "FALSE"
    )


def _read_by(shape: TableShape, watched: Sequence[tuple[Column, Sequence[Column]]]) -> list[Column]:
    """The stored columns that the statement over these columns reads."""
    numbers = {column.number for column, _ in watched}
    for column, sources in watched:
        numbers |= {each.number for each in sources}
        numbers |= shape.tool_graph.inputs.get(column.number, frozenset())
    return [column for column in stored_columns(shape) if column.number in numbers]


def _is_outside(column: Column) -> str:
    return "TRUE" if column.computed_by is ComputedBy.EXTERNAL else "FALSE"


def _added(shape: TableShape) -> str:
    """Parameters: table, revision, producer."""
    return f"""
WITH given AS (
  SELECT v.row_id, x.number, x.outside, v.updated_at
  FROM row_version AS v, {stateful_values(shape)} AS x(number, name, outside)
  WHERE v.table_id = $1 AND v.revision = $2 AND v.action = 'create' AND v.data->>x.name IS NOT NULL
), states AS (
  INSERT INTO cell_state (table_id, row_id, column_number, status, producer, updated_at)
  SELECT $1, row_id, number, {RESOLVED}, CASE WHEN NOT outside THEN $3::jsonb END, updated_at
  FROM given
)
INSERT INTO cell_change (table_id, row_id, column_number, revision, previous, status, at)
SELECT $1, row_id, number, $2, {INITIALIZED}, {RESOLVED}, updated_at FROM given
"""
