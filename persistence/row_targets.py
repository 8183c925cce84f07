"""Single rows and cells that go back to a version, whatever came later."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import asyncpg

from domain import numbers
from domain.columns import TableShape
from domain.errors import Conflict, NotFound
from domain.rollback_records import RowTarget
from persistence.engine import Connection
from persistence.json_text import dumps
from persistence.rollback_plans import Plan, RowState

_VERSIONS = """
SELECT g.n, v.version, v.data, l.version AS last, l.action, l.data AS current
FROM unnest($2::uuid[], $3::int[]) WITH ORDINALITY AS g(row_id, version, n)
CROSS JOIN LATERAL (
  SELECT x.version, x.action, x.data FROM row_version x
  WHERE x.table_id = $1 AND x.row_id = g.row_id ORDER BY x.version DESC LIMIT 1
) AS l
JOIN row_version v ON v.table_id = $1 AND v.row_id = g.row_id
  AND v.version = coalesce(g.version, l.version)
"""


async def plan_targets(
    connection: Connection, shape: TableShape, targets: Sequence[RowTarget]
) -> Plan:
    """What has to be written, under the clock's lock. A deletion counts as the state before it.

    Raises `NotFound` for a version that is not there, and `Conflict` for a cell of a deleted row
    and for a row that is to be restored but was not deleted."""
    records = await connection.fetch(
        _VERSIONS,
        shape.id,
        [target.row_id for target in targets],
        [target.version for target in targets],
    )
    found = {targets[record["n"] - 1].row_id: record for record in records}
    plan = Plan(seen=len(targets))
    for target in targets:
        _plan(shape, target, found, plan)
    return plan


def _plan(
    shape: TableShape, target: RowTarget, found: Mapping[UUID, asyncpg.Record], plan: Plan
) -> None:
    record = found.get(target.row_id)
    if record is None:
        raise NotFound("Row" if target.version is None else "History entry")
    exists = record["action"] != "delete"
    if target.version is None and exists:
        raise Conflict("The row was not deleted")
    if target.column is not None:
        if not exists:
            raise Conflict("The row was deleted; restore it first")
        plan.changed.append(_cell(shape, target, record))
    else:
        state = RowState(target.row_id, record["version"])
        (plan.changed if exists else plan.restored).append(state)


def _cell(shape: TableShape, target: RowTarget, record: asyncpg.Record) -> RowState:
    """The row as it is, but for one cell."""
    name = shape.columns_by_number[target.column or 0].sql_name
    current: dict[str, Any] = numbers.loads(record["current"])
    current[name] = numbers.loads(record["data"]).get(name)
    return RowState(target.row_id, None, dumps(current))
