"""Writing rows as versions of them say: changing those that are there, making those that went.

A row that is made again has its old id, place, session and author, and counts versions on."""

from collections.abc import Sequence
from uuid import UUID

from domain.changes import ChangeKind
from domain.columns import TableShape
from persistence.cell_states import resolve_added, settle
from persistence.rollback_plans import Plan, RowState
from persistence.row_sql import image, record_definition, stored_columns
from persistence.row_update import remove_rows
from persistence.statements import statements
from persistence.unit_of_work import TableWrite

_VERSION_COLUMNS = (
    "table_id, row_id, version, revision, action, position, session_id,"
    " created_by, created_at, updated_at, data"
)

#: Rows with the image that they shall have. Parameters: ids, versions, images, moment, table,
#: revision.
_GIVEN = """
given AS (
  SELECT g.id, coalesce(g.image::jsonb, v.data) AS data
  FROM unnest($1::uuid[], $2::int[], $3::text[]) AS g(id, version, image)
  LEFT JOIN row_version v ON v.table_id = $5 AND v.row_id = g.id AND v.version = g.version
)"""


def _change_statement(shape: TableShape) -> str:
    columns = stored_columns(shape)
    cells = "".join(f"{c.sql_name} = r.{c.sql_name}, " for c in columns)
    return f"""
WITH {_GIVEN}, changed AS (
  UPDATE {shape.sql_name} AS t
  SET {cells}_extra = r._extra, version = t.version + 1, updated_at = $4
  FROM given AS g, jsonb_to_record(g.data) AS r({record_definition(columns)})
  WHERE t.id = g.id
  RETURNING new.id, new.version, new.position, new.session_id, new.created_by, new.created_at,
            {image("new")} AS data
)
INSERT INTO row_version ({_VERSION_COLUMNS})
SELECT $5, id, version, $6, 'update', position, session_id, created_by, created_at, $4, data
FROM changed
"""


def _restore_statement(shape: TableShape) -> str:
    columns = stored_columns(shape)
    names = "".join(f", {c.sql_name}" for c in columns)
    cells = "".join(f", r.{c.sql_name}" for c in columns)
    return f"""
WITH {_GIVEN}, last AS (
  SELECT g.id, l.*, g.data FROM given AS g
  CROSS JOIN LATERAL (
    SELECT v.version, v.position, v.session_id, v.created_by, v.created_at
    FROM row_version v WHERE v.table_id = $5 AND v.row_id = g.id ORDER BY v.version DESC LIMIT 1
  ) AS l
), restored AS (
  INSERT INTO {shape.sql_name} AS t
    (id, position, session_id, version, created_by, created_at, updated_at{names}, _extra)
  SELECT l.id, l.position, l.session_id, l.version + 1, l.created_by, l.created_at, $4{cells},
         r._extra
  FROM last AS l, jsonb_to_record(l.data) AS r({record_definition(columns)})
  RETURNING new.id, new.version, new.position, new.session_id, new.created_by, new.created_at,
            {image("new")} AS data
), counted AS (
  UPDATE table_clock SET row_count = row_count + (SELECT count(*) FROM restored)
  WHERE table_id = $5
)
INSERT INTO row_version ({_VERSION_COLUMNS})
SELECT $5, id, version, $6, 'create', position, session_id, created_by, created_at, $4, data
FROM restored
"""


async def carry_out(write: TableWrite, plan: Plan) -> None:
    """Write all that the plan says: deletions, changes and additions, each an entry of its own.

    The plan is not empty, and was made under the lock that `write` holds."""
    used = False
    if plan.deleted:
        await remove_rows(write, plan.deleted)
        used = True
    if plan.changed:
        if used:
            await write.next_revision()
        await change_rows(write, plan.changed)
        used = True
    if plan.restored:
        if used:
            await write.next_revision()
        await restore_rows(write, plan.restored)


async def change_rows(write: TableWrite, states: Sequence[RowState]) -> None:
    """Give rows that are there other data."""
    text = statements.get(write.shape, "rollback: past", lambda: _change_statement(write.shape))
    await _write(write, text, states)
    await settle(write, [state.row_id for state in states])
    await write.log(ChangeKind.ROWS_CHANGED, changed=len(states))


async def restore_rows(write: TableWrite, states: Sequence[RowState]) -> None:
    """Make rows again that were deleted."""
    text = statements.get(write.shape, "rollback: restore", lambda: _restore_statement(write.shape))
    await _write(write, text, states)
    await resolve_added(write)
    await write.log(ChangeKind.ROWS_ADDED, added=len(states))


async def _write(write: TableWrite, text: str, states: Sequence[RowState]) -> None:
    ids: list[UUID] = [state.row_id for state in states]
    await write.connection.execute(
        text,
        ids,
        [state.version for state in states],
        [state.image for state in states],
        write.at,
        write.shape.id,
        write.revision,
    )
