"""Rows as they were after a revision: a source that stands in for the users' table in a statement.

Most rows of a table are as they were: those come from the users' table, with its indexes. For the
others the log says which version was the last one before. So the past costs what was changed since,
and not what the table holds."""

from domain.columns import TableShape
from persistence.read_sql import STATES
from persistence.row_sql import column_names, record_definition, stored_columns

#: System columns of a row version `v` under the names and types of the users' table: with any other
#: type PostgreSQL does not look into the halves of a UNION, and sorts all rows for each page.
VERSION_COLUMNS = (
    "{v}.row_id AS id, {v}.position, {v}.session_id, {v}.version, {v}.created_by::text,"
    " {v}.created_at, {v}.updated_at"
)


def rows_as_of(shape: TableShape, revision: str) -> str:
    """A subquery with the columns of the users' table. The table's id is parameter 1; `revision`
    is a reference to another."""
    return "(" + " UNION ALL ".join(halves_as_of(shape, revision)) + ")"


def halves_as_of(shape: TableShape, revision: str) -> tuple[str, str]:
    """The rows that are as they were, and the others; each a query of its own.

    Versions of a row have no holes: the one before the first that came later is the one of then.
    Both halves look versions up by key, row by row. A join would let PostgreSQL choose, and it
    chose badly: it cannot know how many rows changed since."""
    cells = "".join(f", r.{column.sql_name}" for column in stored_columns(shape))
    definition = record_definition(stored_columns(shape))
    unchanged = f"""
SELECT {", ".join(column_names(shape, "l"))} FROM {shape.sql_name} AS l
WHERE coalesce((
  SELECT x.revision FROM row_version x
  WHERE x.table_id = $1 AND x.row_id = l.id AND x.version = l.version), 0) <= {revision}
"""
    changed = f"""
SELECT {VERSION_COLUMNS.format(v="v")}{cells}, r._extra
FROM (
  SELECT x.row_id, x.position, min(x.version) - 1 AS version
  FROM row_version x WHERE x.table_id = $1 AND x.revision > {revision}
  GROUP BY x.row_id, x.position
) AS d
CROSS JOIN LATERAL (
  SELECT o.* FROM row_version o
  WHERE o.table_id = $1 AND o.row_id = d.row_id AND o.version = d.version
    AND o.action <> 'delete' LIMIT 1
) AS v
CROSS JOIN LATERAL jsonb_to_record(v.data) AS r({definition})
"""
    return unchanged, changed


def count_as_of(revision: str) -> str:
    """How many rows the table of the clock `c` had."""
    return (
        "c.row_count - (SELECT coalesce(sum(h.rows_added - h.rows_deleted), 0) FROM change h"
        f" WHERE h.table_id = $1 AND h.revision > {revision})"
    )


def states_as_of(shape: TableShape, alias: str, revision: str) -> str:
    """A join that adds the states of a row's cells as they were, read from their moves.

    A row that was made anew began without any."""
    born = (
        f"SELECT max(b.revision) FROM row_version b WHERE b.table_id = '{shape.id}'"
        f" AND b.row_id = {alias}.id AND b.action = 'create' AND b.revision <= {revision}"
    )
    moves = (
        "SELECT DISTINCT ON (m.column_number) m.column_number, m.status, m.error, m.progress, m.at"
        f" FROM cell_change m WHERE m.table_id = '{shape.id}' AND m.row_id = {alias}.id"
        f" AND m.revision <= {revision} AND m.revision >= ({born})"
        " ORDER BY m.column_number, m.revision DESC"
    )
    state = (
        "jsonb_build_object('status', s.status, 'error', s.error, 'progress', s.progress,"
        " 'updated_at', s.at)"
    )
    return (
        f"LEFT JOIN LATERAL (SELECT jsonb_object_agg(s.column_number, {state}) AS {STATES}"
        f" FROM ({moves}) s) st ON TRUE"
    )
