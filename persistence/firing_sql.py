"""Which changes fire a trigger, as one statement over a slice of the log.

The condition is decided on the image of the row that the change left (for a deletion the last one),
by the compiler of row filters. The input of a firing is written down here, from the same image: a
firing never shows its row older or newer than the change."""

from domain.columns import TableShape
from domain.filters import Filter
from domain.trigger_records import FiringStatus, TriggerEvent
from persistence.filter_sql import Params, compile_filter
from persistence.read_sql import data_json
from persistence.row_images import image_of

#: What the log calls each event. A row that comes back is made anew.
_ACTIONS = {
    TriggerEvent.ROW_ADDED: "create",
    TriggerEvent.ROW_UPDATED: "update",
    TriggerEvent.ROW_DELETED: "delete",
}

#: Parameters that every statement begins with, in order.
PARAMETERS = (
    "table",
    "revisions",
    "depths",
    "first row",
    "last row",
    "organization",
    "trigger",
    "first id",
    "allowed",
    "over the limit",
)


def fire_statement(
    shape: TableShape, event: TriggerEvent, filter: Filter | None, params: Params
) -> str:
    """Insert the firings of one trigger. `params` hold the values of `PARAMETERS`.

    `revisions` are those of the slice that may fire, `depths` those of their causes. The two rows
    are the bounds of a slice inside one large entry: above the first, up to the last; null is
    without a bound. From `first id` on, ids are reserved. Beyond `allowed` firings (null: no limit)
    they are skipped, with the given text. Answers how many were matched, stored and queued."""
    condition = f"({compile_filter(filter, params, 'a')}) IS TRUE" if filter else "TRUE"
    before = ""
    told = f"'data', ({data_json(shape, 'a')})::jsonb"
    if event is TriggerEvent.ROW_UPDATED:
        before = f"""
  LEFT JOIN row_version p
    ON p.table_id = v.table_id AND p.row_id = v.row_id AND p.version = v.version - 1
  LEFT JOIN LATERAL {image_of(shape.columns, "p")} AS b ON TRUE"""
        told += f", 'previousData', ({data_json(shape, 'b')})::jsonb"
    queued, skipped = FiringStatus.QUEUED.value, FiringStatus.SKIPPED.value
    return f"""
WITH matched AS MATERIALIZED (
  SELECT v.revision, v.row_id, e.depth,
         row_number() OVER (ORDER BY v.revision, v.position, v.row_id) AS n,
         jsonb_build_object('event', '{event.value}', 'tableId', v.table_id, 'rowId', v.row_id,
           'revision', v.revision, 'version', v.version, {told}) AS input
  FROM unnest($2::bigint[], $3::int[]) AS e(revision, depth)
  JOIN row_version v ON v.table_id = $1 AND v.revision = e.revision
  CROSS JOIN LATERAL {image_of(shape.columns, "v")} AS a{before}
  WHERE v.action = '{_ACTIONS[event]}'
    AND ($4::uuid IS NULL OR v.row_id > $4) AND ($5::uuid IS NULL OR v.row_id <= $5)
    AND {condition}
), stored AS (
  INSERT INTO trigger_firing (id, organization_id, trigger_id, table_id, revision, row_id, status,
                              attempt, depth, input, error, finished_at)
  SELECT {nth_id("$8", "n - 1")}, $6::uuid, $7::uuid, $1, revision, row_id,
         CASE WHEN n > $9::bigint THEN '{skipped}' ELSE '{queued}' END, 0, depth, input,
         CASE WHEN n > $9::bigint THEN $10::text END,
         CASE WHEN n > $9::bigint THEN clock_timestamp() END
  FROM matched
  ON CONFLICT (trigger_id, revision, row_id) WHERE replay_of IS NULL DO NOTHING
  RETURNING status
)
SELECT (SELECT count(*) FROM matched) AS matched, count(*) AS stored,
       count(*) FILTER (WHERE status = '{queued}') AS queued
FROM stored
"""


def nth_id(first: str, n: str) -> str:
    """The id so many places behind `first`: ids that were reserved together differ in their last 38
    bits, which lie in the last ten digits."""
    low = f"('x' || right({first}::uuid::text, 10))::bit(40)::bigint"
    digits = f"lpad(to_hex({low} + {n}), 10, '0')"
    return f"(left({first}::uuid::text, 26) || {digits})::uuid"
