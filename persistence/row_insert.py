"""Adding rows: one statement that moves the clock, stores rows and versions, and writes the log
entry."""

from collections.abc import Sequence
from uuid import UUID

import asyncpg

from domain.changes import Cause, ChangeKind
from domain.columns import TableShape
from domain.errors import Conflict, StructureMoved
from domain.idempotency import current_claim
from domain.row_writes import PreparedRow, Written
from persistence.cell_states import stateful_values
from persistence.claims import writing
from persistence.engine import Connection, Pool
from persistence.json_text import dumps
from persistence.row_sql import record_definition, rows_json, stored_columns
from persistence.statements import statements
from persistence.unit_of_work import Wake, too_long_for_index


def insert_statement(shape: TableShape) -> str:
    """The statement for one shape. Parameters: table, columns version, rows (JSON array), count,
    session, actor, organisation, cause.

    Every part selects from `clock`, so that an old columns version writes nothing at all."""
    names = "".join(f", {column.sql_name}" for column in stored_columns(shape))
    values = "".join(f", r.{column.sql_name}" for column in stored_columns(shape))
    definition = record_definition(stored_columns(shape))
    return f"""
WITH clock AS (
  UPDATE table_clock
  SET revision = revision + 1, row_count = row_count + $4, next_position = next_position + $4,
      last_at = greatest(clock_timestamp()::timestamptz(3), last_at)
  WHERE table_id = $1 AND organization_id = $7 AND columns_version = $2
  RETURNING revision, next_position - $4 AS start, last_at
), added AS (
  INSERT INTO {shape.sql_name}
    (id, position, session_id, version, created_by, created_at, updated_at{names}, _extra)
  SELECT r.id, clock.start + r.n - 1, $5, 1, coalesce(r._by, $6), clock.last_at, clock.last_at
         {values}, r._extra
  FROM clock, ROWS FROM (
    jsonb_to_recordset($3::jsonb) AS (id uuid, _by text{", " + definition})
  ) WITH ORDINALITY AS r(id, _by{names}, _extra, n)
), versions AS (
  INSERT INTO row_version (table_id, row_id, version, revision, action, position, session_id,
                           created_by, created_at, updated_at, data)
  SELECT $1, (e.v->>'id')::uuid, 1, clock.revision, 'create', clock.start + e.n - 1, $5,
         coalesce(e.v->>'_by', $6), clock.last_at, clock.last_at, e.v - '{{id,_by}}'::text[]
  FROM clock, jsonb_array_elements($3::jsonb) WITH ORDINALITY AS e(v, n)
), logged AS (
  INSERT INTO change (table_id, revision, organization_id, kind, actor, cause, at, rows_added,
                      rows_changed, rows_deleted)
  SELECT $1, clock.revision, $7, '{ChangeKind.ROWS_ADDED.value}', $6, $8::jsonb, clock.last_at,
         $4, 0, 0
  FROM clock
){_states(shape)}
SELECT revision, last_at FROM clock
"""


def _states(shape: TableShape) -> str:
    """A value in a column whose cells have states resolves its cell. Empty ones need no state."""
    if not shape.stateful_columns:
        return ""
    return f""", given AS (
  SELECT (e.v->>'id')::uuid AS row_id, x.number, x.outside, clock.revision, clock.last_at
  FROM clock, jsonb_array_elements($3::jsonb) AS e(v),
       {stateful_values(shape)} AS x(number, name, outside)
  WHERE e.v->>x.name IS NOT NULL
), states AS (
  INSERT INTO cell_state (table_id, row_id, column_number, status, producer, updated_at)
  SELECT $1, row_id, number, 'resolved',
         CASE WHEN NOT outside THEN jsonb_build_object('kind', 'person', 'actor', $6::text) END,
         last_at
  FROM given
), moves AS (
  INSERT INTO cell_change (table_id, row_id, column_number, revision, previous, status, at)
  SELECT $1, row_id, number, revision, 'initialized', 'resolved', last_at FROM given
)"""


async def insert_rows(
    connection: "Connection | Pool",
    shape: TableShape,
    actor: str,
    cause: Cause,
    session_id: UUID,
    rows: Sequence[PreparedRow],
) -> Written:
    """Store the rows in one revision.

    Raises `StructureMoved` when the shape is old, and `Conflict` for an id that was used before,
    also by a row that is deleted: its versions are still there."""
    try:
        clock = await connection.fetchrow(
            statements.get(shape, "insert", lambda: insert_statement(shape)),
            shape.id,
            shape.columns_version,
            rows_json(rows),
            len(rows),
            session_id,
            actor,
            shape.organization_id,
            dumps(cause.as_json()),
        )
    except (asyncpg.UndefinedColumnError, asyncpg.UndefinedTableError):
        raise StructureMoved from None
    except asyncpg.ProgramLimitExceededError:
        raise too_long_for_index() from None
    except asyncpg.UniqueViolationError:
        raise Conflict("A row with this id was added before") from None
    if clock is None:
        raise StructureMoved
    return Written(clock["revision"], clock["last_at"], [row.id for row in rows])


async def add_rows(
    pool: Pool,
    wake: Wake,
    shape: TableShape,
    actor: str,
    cause: Cause,
    session_id: UUID,
    rows: Sequence[PreparedRow],
) -> Written:
    """`insert_rows` as a transaction of its own, then a wake-up.

    Only a request with an idempotency key pays for a transaction around the one statement."""
    if current_claim() is None:
        written = await insert_rows(pool, shape, actor, cause, session_id, rows)
    else:
        async with writing(pool) as connection:
            written = await insert_rows(connection, shape, actor, cause, session_id, rows)
    wake("table", shape.id, written.revision)
    return written
