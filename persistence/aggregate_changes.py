"""What changes did to groups, read from the row versions in the log.

A change takes rows out of the groups that they were in before and puts them into those that they
are in after it. The filter and the keys are judged on the images, by the same text as on the table.
"""

import asyncpg

from domain.aggregation import AggregateQuery, Delta, Metric
from domain.columns import TableShape
from persistence.aggregate_sql import json_sql, key_sql, measured
from persistence.filter_sql import Params, compile_filter
from persistence.row_images import image_of

#: Names the statement in the memory of statements.
DELTAS = "aggregate deltas"


def deltas_statement(shape: TableShape, query: AggregateQuery) -> str:
    """The deltas of the revisions $2 of the table $1. The query has one column to measure at most;
    the values of its filter are bound twice, for rows that went and for rows that came."""
    params = Params(shape.id, None)
    went = _side(query, "b", "-1")
    came = _side(query, "a", "CASE v.action WHEN 'delete' THEN -1 ELSE 1 END")
    keys = [f"k{place}" for place in range(len(query.keys))]
    shown = ", ".join(
        json_sql(key.family, name) for key, name in zip(query.keys, keys, strict=True)
    )
    by = ", ".join(["revision", *keys])
    return f"""
WITH moved AS (
  SELECT v.revision{went}
  FROM row_version v
  JOIN row_version p
    ON p.table_id = v.table_id AND p.row_id = v.row_id AND p.version = v.version - 1
  CROSS JOIN LATERAL {image_of(shape.columns, "p")} AS b
  WHERE v.table_id = $1 AND v.revision = ANY($2::bigint[]) AND v.action = 'update'
    AND {_condition(query, params, "b")}
  UNION ALL
  SELECT v.revision{came}
  FROM row_version v
  CROSS JOIN LATERAL {image_of(shape.columns, "v")} AS a
  WHERE v.table_id = $1 AND v.revision = ANY($2::bigint[])
    AND {_condition(query, params, "a")}
)
SELECT revision, ARRAY[{shown}]::text[] AS keys, sum(side) AS rows,
       coalesce(sum(side) FILTER (WHERE y IS NOT NULL), 0) AS count,
       coalesce(sum(side * y), 0) AS total,
       min(y) FILTER (WHERE side > 0) AS least, max(y) FILTER (WHERE side > 0) AS most,
       min(y) FILTER (WHERE side < 0) AS lost_least, max(y) FILTER (WHERE side < 0) AS lost_most
FROM moved GROUP BY {by} ORDER BY revision
"""


def _side(query: AggregateQuery, alias: str, sign: str) -> str:
    """The select list of one side. A deletion has the last image of its row, which went."""
    measure = _measure(query)
    value = measured(measure, alias) if measure is not None else "NULL::numeric"
    keys = [f"{key_sql(key, alias, None)} AS k{place}" for place, key in enumerate(query.keys)]
    return "".join(f", {each}" for each in [f"{sign} AS side", *keys, f"{value} AS y"])


def _measure(query: AggregateQuery) -> Metric | None:
    return next((metric for metric in query.metrics if not metric.counts_rows), None)


def _condition(query: AggregateQuery, params: Params, alias: str) -> str:
    return compile_filter(query.filter, params, alias) if query.filter is not None else "TRUE"


def delta_of(record: asyncpg.Record) -> Delta:
    """A row of the statement."""
    return Delta(
        revision=record["revision"],
        keys=tuple(record["keys"]),
        rows=int(record["rows"]),
        count=int(record["count"]),
        total=record["total"],
        least=record["least"],
        most=record["most"],
        lost_least=record["lost_least"],
        lost_most=record["lost_most"],
    )
