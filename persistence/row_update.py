"""Updating and deleting rows: the clock first, then one statement for rows and versions, then the
log entry."""

from collections.abc import Sequence
from uuid import UUID

from domain.changes import ChangeKind
from domain.columns import Column, TableShape
from domain.errors import Conflict, ErrorCode, Invalid, Problem, VersionConflict
from domain.row_writes import PreparedRow, Written
from persistence.cell_states import settle
from persistence.row_sql import image, record_definition, rows_json, stored_columns
from persistence.statements import statements
from persistence.unit_of_work import NothingWritten, TableWrite

_VERSION_COLUMNS = (
    "table_id, row_id, version, revision, action, position, session_id,"
    " created_by, created_at, updated_at, data"
)


def update_statement(shape: TableShape, columns: Sequence[Column], assignments: str) -> str:
    """Rows by id from a JSON array, and their versions. Parameters: rows, moment, table, revision.

    Previous values are not copied: they stand in the version before."""
    return f"""
WITH changed AS (
  UPDATE {shape.sql_name} AS t
  SET {assignments}, version = t.version + 1, updated_at = $2
  FROM jsonb_array_elements($1::jsonb) AS e(v),
       jsonb_to_record(e.v) AS g(id uuid, _version int, {record_definition(columns)})
  WHERE t.id = g.id AND (g._version IS NULL OR g._version = t.version)
  RETURNING new.id, new.version, new.position, new.session_id, new.created_by, new.created_at,
            {image("new")} AS data
), versions AS (
  INSERT INTO row_version ({_VERSION_COLUMNS})
  SELECT $3, id, version, $4, 'update', position, session_id, created_by, created_at, $2, data
  FROM changed
)
SELECT id FROM changed
"""


def merge_assignments(columns: Sequence[Column]) -> str:
    """Only the cells that a row names change."""
    kept = [
        f"{c.sql_name} = CASE WHEN e.v ? '{c.sql_name}' THEN g.{c.sql_name} ELSE t.{c.sql_name} END"
        for c in columns
    ]
    # A key without a column that is given as null goes away; nulls inside its value stay.
    extra = (
        "CASE WHEN g._extra IS NULL THEN t._extra ELSE (coalesce(t._extra, '{}') || g._extra)"
        " - ARRAY(SELECT x.key FROM jsonb_each(g._extra) x WHERE x.value = 'null') END"
    )
    return ", ".join([*kept, f"_extra = {extra}"])


def _replace_assignments(columns: Sequence[Column]) -> str:
    return ", ".join([*(f"{c.sql_name} = g.{c.sql_name}" for c in columns), "_extra = g._extra"])


async def merge_rows(write: TableWrite, rows: Sequence[PreparedRow]) -> Written:
    """Change the given cells of each row. Raises `Invalid` for unknown rows and `Conflict` for old
    versions."""
    numbers = frozenset(number for row in rows for number in row.values.values)
    columns = [column for column in stored_columns(write.shape) if column.number in numbers]
    text = statements.get(
        write.shape,
        ("merge", numbers),
        lambda: update_statement(write.shape, columns, merge_assignments(columns)),
    )
    return await _update(write, rows, text)


async def replace_rows(write: TableWrite, rows: Sequence[PreparedRow]) -> Written:
    """Give each row exactly these cells; all others become empty. Raises like `merge_rows`."""
    columns = stored_columns(write.shape)
    text = statements.get(
        write.shape,
        "replace",
        lambda: update_statement(write.shape, columns, _replace_assignments(columns)),
    )
    return await _update(write, rows, text)


async def _update(write: TableWrite, rows: Sequence[PreparedRow], text: str) -> Written:
    found = await write.connection.fetch(
        text, rows_json(rows), write.at, write.shape.id, write.revision
    )
    if len(found) < len(rows):
        await _refuse(write, rows, {record["id"] for record in found})
    row_ids = [row.id for row in rows]
    await settle(write, row_ids)
    await write.log(ChangeKind.ROWS_CHANGED, changed=len(rows))
    return Written(write.revision, write.at, row_ids)


async def _refuse(write: TableWrite, rows: Sequence[PreparedRow], done: set[UUID]) -> None:
    left = {row.id: (index, row) for index, row in enumerate(rows) if row.id not in done}
    records = await write.connection.fetch(
        f"SELECT id, version FROM {write.shape.sql_name} WHERE id = ANY($1)", list(left)
    )
    actual: dict[UUID, int] = {record["id"]: record["version"] for record in records}
    unknown = [
        Problem(ErrorCode.NOT_FOUND, "Row not found", ("rows", str(index), "id"), index)
        for row_id, (index, _) in left.items()
        if row_id not in actual
    ]
    if unknown:
        raise Invalid(unknown)
    conflicts = [
        VersionConflict(index, str(row_id), row.version or 0, actual[row_id])
        for row_id, (index, row) in left.items()
    ]
    named = "; ".join(
        f"rows[{c.row_index}]: you saw version {c.expected}, it is now {c.actual}"
        for c in conflicts
    )
    raise Conflict(f"Rows were changed by someone else: {named}", conflicts)


def delete_statement(shape: TableShape) -> str:
    """Rows by id, with their last images as versions. Parameters: ids, moment, table, revision."""
    return f"""
WITH gone AS (
  DELETE FROM {shape.sql_name} AS t WHERE t.id = ANY($1)
  RETURNING old.id, old.version, old.position, old.session_id, old.created_by, old.created_at,
            {image("old")} AS data
), versions AS (
  INSERT INTO row_version ({_VERSION_COLUMNS})
  SELECT $3, id, version + 1, $4, 'delete', position, session_id, created_by, created_at, $2, data
  FROM gone
), counted AS (
  UPDATE table_clock SET row_count = row_count - (SELECT count(*) FROM gone) WHERE table_id = $3
), states AS (
  DELETE FROM cell_state s USING gone WHERE s.table_id = $3 AND s.row_id = gone.id
)
SELECT id FROM gone
"""


async def remove_rows(write: TableWrite, row_ids: Sequence[UUID]) -> Written:
    """Delete the rows that are there; the answer names them in the order asked for. Raises
    `NothingWritten`."""
    text = statements.get(write.shape, "delete", lambda: delete_statement(write.shape))
    gone = {
        record["id"]
        for record in await write.connection.fetch(
            text, list(row_ids), write.at, write.shape.id, write.revision
        )
    }
    if not gone:
        raise NothingWritten(write.revision - 1, write.at)
    await write.log(ChangeKind.ROWS_DELETED, deleted=len(gone))
    deleted = [row_id for row_id in dict.fromkeys(row_ids) if row_id in gone]
    return Written(write.revision, write.at, deleted)
