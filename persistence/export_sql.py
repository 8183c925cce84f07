"""The statements that an export is read with."""

from functools import cached_property
from typing import Any

from domain.columns import TableShape
from domain.export_records import ExportQuery
from domain.fields import family_of
from domain.values import Family
from persistence.filter_sql import Params, compile_filter, operand
from persistence.keyset_sql import order_by
from persistence.past_rows import VERSION_COLUMNS, rows_as_of
from persistence.read_sql import value_json
from persistence.row_sql import column_names, record_definition, stored_columns

#: A chunk takes no further row once its values have this many bytes.
MOST_BYTES = 4_000_000
#: Rows of a sorted export. Sorting this many takes one to four seconds, of the five that a
#: statement has.
MOST_SORTED = 1_000_000

_SMALL = frozenset({Family.NUMBER, Family.BOOLEAN, Family.DATE, Family.DATETIME})


class Opening:
    """The statement that begins an export: the clock, what the bounds say, and the sorted list."""

    def __init__(self, shape: TableShape, query: ExportQuery) -> None:
        self.params = Params(shape.id, shape.organization_id, shape.columns_version)
        self._shape, self._query = shape, query
        self.text = (
            f"SELECT c.revision, c.pruned_to, {self._too_many()} AS too_many,"
            f" {self._too_long()} AS too_long, {self._listed()} AS listed FROM table_clock c"
            " WHERE c.table_id = $1 AND c.organization_id = $2 AND c.columns_version = $3"
        )

    @cached_property
    def _rows(self) -> str:
        """The rows of the export, from FROM on. Asked for only where it is used: parameters that a
        statement does not name are an error."""
        shape, query = self._shape, self._query
        past = None if query.as_of is None else self.params.add(query.as_of, "bigint")
        source = shape.sql_name if past is None else rows_as_of(shape, past)
        rows = f"FROM {source} AS t WHERE {_condition(query, self.params, 't')}"
        if query.limit is None:
            return rows
        names = ", ".join(column_names(shape, "t"))
        order = order_by(query.sorts)
        return f"FROM (SELECT {names} {rows} ORDER BY {order} LIMIT {query.limit}) AS t WHERE TRUE"

    def _too_many(self) -> str:
        query = self._query
        most = query.bounds.rows if query.bounds else None
        if query.sorts:
            most = min(most or MOST_SORTED, MOST_SORTED)
        if most is None or (query.limit is not None and query.limit <= most):
            return "FALSE"
        if query.as_of is None and not selects(query):
            return f"c.row_count > {most}"
        return f"EXISTS (SELECT 1 {self._rows} OFFSET {most})"

    def _too_long(self) -> str:
        """The label of a column whose values would not fit."""
        bounds = self._query.bounds
        lengths = [
            (column, f"length({operand(column, 't')})")
            for column in self._query.columns
            if family_of(column) is Family.TEXT and column.stored
        ]
        if bounds is None or not lengths:
            return "NULL::text"
        cases = " ".join(
            f"WHEN {length} > {bounds.characters} THEN {self.params.add(column.label, 'text')}"
            for column, length in lengths
        )
        longest = ", ".join(length for _, length in lengths)
        return (
            f"(SELECT CASE {cases} END {self._rows}"
            f" AND greatest({longest}) > {bounds.characters} LIMIT 1)"
        )

    def _listed(self) -> str:
        if not self._query.sorts:
            return "NULL::bytea"
        order = order_by(self._query.sorts)
        return (
            "(SELECT string_agg(uuid_send(s.id) || int4send(s.version), ''::bytea)"
            f" FROM (SELECT t.id, t.version {self._rows} ORDER BY {order}) s)"
        )


def selects(query: ExportQuery) -> bool:
    return query.filter is not None or query.session_id is not None


def _condition(query: ExportQuery, params: Params, alias: str) -> str:
    parts = []
    if query.filter is not None:
        parts.append(f"({compile_filter(query.filter, params, alias)})")
    if query.session_id is not None:
        parts.append(f"{alias}.session_id = {params.add(query.session_id, 'uuid')}")
    return " AND ".join(parts) or "TRUE"


def _values(query: ExportQuery, alias: str) -> str:
    values = ", ".join(value_json(column, alias) for column in query.columns)
    return f"ARRAY[{values}]::text[]"


def _extra(query: ExportQuery, alias: str) -> str:
    return f"{alias}._extra::text AS extra" if query.extra else "NULL::text AS extra"


def _image(shape: TableShape, version: str) -> str:
    """A row version under the names of the users' table, to be joined laterally."""
    stored = stored_columns(shape)
    cells = "".join(f", r.{column.sql_name}" for column in stored)
    return (
        f"(SELECT {VERSION_COLUMNS.format(v=version)}{cells}, r._extra"
        f" FROM jsonb_to_record({version}.data) AS r({record_definition(stored)}))"
    )


def _size(query: ExportQuery, alias: str) -> str:
    """About the bytes of a row's values, without reading those that are stored apart."""
    sizes = ["100"]
    for column in query.columns:
        if column.stored and family_of(column) not in _SMALL:
            measure = "octet_length" if family_of(column) is Family.TEXT else "pg_column_size"
            sizes.append(f"coalesce({measure}({operand(column, alias)}), 0)")
    return " + ".join(sizes)


class _Statement:
    """A statement with parameters of its own behind those that change from chunk to chunk: the
    table, the revision, the place after which to read, and how many rows.

    It gives the rows behind the place, without values where they do not match, up to `MOST_BYTES`.
    `seen` tells of how many rows these are the first."""

    CHANGING = (None, None, None, None, None)

    def __init__(self, query: ExportQuery, alias: str) -> None:
        params = Params(*self.CHANGING)
        self.condition = _condition(query, params, alias)
        self.values = _values(query, alias)
        self._own = params.values[len(self.CHANGING) :]

    def bound(self, *changing: Any) -> list[Any]:
        """All parameters."""
        return [*changing, *self._own]


_WEIGHED = (
    "count(*) OVER () AS seen, sum(r.weight) OVER (ORDER BY {order} ROWS UNBOUNDED PRECEDING)"
    " - r.weight AS before"
)


class LiveRows(_Statement):
    """Rows of the users' table, if the clock still shows the revision. No record: it does not."""

    def __init__(self, shape: TableShape, query: ExportQuery) -> None:
        super().__init__(query, "t")
        weight = f"CASE WHEN {self.condition} THEN {_size(query, 't')} ELSE 0 END"
        self.text = f"""
SELECT p.position, p.id, p.vals, p.extra, p.seen
FROM table_clock c LEFT JOIN LATERAL (
  SELECT t.position, t.id, t.seen, CASE WHEN {self.condition} THEN {self.values} END AS vals,
         {_extra(query, "t")}
  FROM (
    SELECT {", ".join(column_names(shape, "r"))},
           {_WEIGHED.format(order="r.position, r.id")}
    FROM (SELECT {", ".join(column_names(shape, "t"))}, {weight} AS weight
          FROM {shape.sql_name} AS t WHERE (t.position, t.id) > ($3::bigint, $4::uuid)
          ORDER BY t.position, t.id LIMIT $5::bigint) AS r
  ) AS t
  WHERE t.before < {MOST_BYTES} ORDER BY t.position, t.id
) p ON TRUE
WHERE c.table_id = $1 AND c.revision = $2"""


class PastRows(_Statement):
    """Rows as they were after the revision. No record: the table was deleted.

    What is live or was deleted since is all that can have been there then. A row that was deleted
    and restored may be found at two places; its version says at which it stood."""

    def __init__(self, shape: TableShape, query: ExportQuery) -> None:
        super().__init__(query, "a")
        self.text = f"""
SELECT p.place AS position, p.row_id AS id, p.vals, p.extra, p.seen
FROM user_table u LEFT JOIN LATERAL (
  SELECT v.place, v.row_id, v.seen, m.vals, m.extra
  FROM (
    SELECT r.place, r.row_id, {_version("r")}, {_WEIGHED.format(order="r.place, r.row_id")}
    FROM (
      SELECT k.position AS place, k.id AS row_id, {_version("x")},
             100 + coalesce(pg_column_size(x.data), 0) AS weight
      FROM ({_candidates(shape)}) AS k LEFT JOIN LATERAL (
        SELECT {_version("y")} FROM row_version y
        WHERE y.table_id = $1 AND y.row_id = k.id AND y.revision <= $2
        ORDER BY y.version DESC LIMIT 1
      ) x ON TRUE
    ) AS r
  ) AS v
  LEFT JOIN LATERAL (
    SELECT {self.values} AS vals, {_extra(query, "a")} FROM {_image(shape, "v")} AS a
    WHERE v.action <> 'delete' AND v.position = v.place AND {self.condition}
  ) m ON TRUE
  WHERE v.before < {MOST_BYTES} ORDER BY v.place, v.row_id
) p ON TRUE
WHERE u.id = $1 AND u.deleted_at IS NULL"""


def _version(alias: str) -> str:
    names = ("action", "position", "session_id", "version", "created_by", "created_at")
    return ", ".join(f"{alias}.{name}" for name in (*names, "updated_at", "data"))


def _candidates(shape: TableShape) -> str:
    """The next rows that are live or were deleted after the revision, by place."""
    return f"""
(SELECT w.position, w.id FROM {shape.sql_name} AS w
 WHERE (w.position, w.id) > ($3::bigint, $4::uuid)
 ORDER BY w.position, w.id LIMIT $5::bigint)
UNION
(SELECT DISTINCT d.position, d.row_id FROM row_version d
 WHERE d.table_id = $1 AND d.action = 'delete' AND d.revision > $2
   AND (d.position, d.row_id) > ($3::bigint, $4::uuid)
 ORDER BY d.position, d.row_id LIMIT $5::bigint)
ORDER BY position, id LIMIT $5::bigint"""


def listed_rows(shape: TableShape, query: ExportQuery) -> str:
    """Rows by id and version, `$2` and `$3`, in their order and up to `MOST_BYTES`."""
    return f"""
SELECT v.place, {_values(query, "a")} AS vals, {_extra(query, "a")}
FROM (
  SELECT r.place, r.row_id, {_version("r")}, {_WEIGHED.format(order="r.place")}
  FROM (
    SELECT e.place, x.row_id, {_version("x")}, 100 + pg_column_size(x.data) AS weight
    FROM unnest($2::uuid[], $3::int[]) WITH ORDINALITY AS e(id, version, place)
    JOIN user_table u ON u.id = $1 AND u.deleted_at IS NULL
    JOIN row_version x ON x.table_id = $1 AND x.row_id = e.id AND x.version = e.version
  ) AS r
) AS v CROSS JOIN LATERAL {_image(shape, "v")} AS a
WHERE v.before < {MOST_BYTES} ORDER BY v.place"""
