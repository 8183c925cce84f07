"""Rows of runs as records, and the counts that every step of a run moves."""

from dataclasses import fields
from decimal import Decimal
from typing import Any
from uuid import UUID

import asyncpg
import orjson

from domain import numbers
from domain.run_records import ACTIVE, Budget, NewRun, Run, RunMode, RunStatus
from domain.run_rules import selection_json
from domain.tools import tool_json, tool_of
from persistence.engine import Connection, Pool
from persistence.json_text import dumps

_PLAIN = [each.name for each in fields(Run) if each.name not in ("origin", "budget")]
#: What `run_of` reads.
FIELDS = ", ".join([*_PLAIN, "cause", "budget_cost", "budget_tokens", "budget_rows"])
ACTIVE_SQL = ", ".join(f"'{status}'" for status in sorted(ACTIVE))

_INSERT = f"""
INSERT INTO cell_run (id, organization_id, table_id, name, status, mode, columns, tool, selection,
                      cause, budget_cost, budget_tokens, budget_rows, use_cache, batch_rows,
                      prepared, after_position, next_batch, over_budget, unpriced, created_by)
VALUES ($1, $2, $3, $4, '{RunStatus.QUEUED}', $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, FALSE,
        -1, 1, FALSE, FALSE, $15)
RETURNING {FIELDS}
"""


async def insert_run(
    connection: Connection, organization_id: UUID, table_id: UUID, actor: str, new: NewRun
) -> Run:
    """Store a run that has no cells yet."""
    made = await connection.fetchrow(
        _INSERT,
        new.id,
        organization_id,
        table_id,
        new.name,
        new.mode.value,
        list(new.columns),
        dumps(tool_json(new.tool)) if new.tool else None,
        dumps(selection_json(new.selection)),
        dumps(new.origin.as_json()),
        new.budget.cost,
        new.budget.tokens,
        new.budget.rows,
        new.use_cache,
        new.batch_rows,
        actor,
    )
    assert made is not None  # an INSERT gives its row
    return run_of(made)


async def read_run(source: "Connection | Pool", condition: str, *values: Any) -> Run | None:
    """The run of a condition."""
    row = await source.fetchrow(f"SELECT {FIELDS} FROM cell_run WHERE {condition}", *values)
    return run_of(row) if row else None


def run_of(row: asyncpg.Record) -> Run:
    """The run of a record of `FIELDS`."""
    told = dict(row)
    told.pop("next_batch", None)
    budget = Budget(told.pop("budget_cost"), told.pop("budget_tokens"), told.pop("budget_rows"))
    told |= {
        "status": RunStatus(told["status"]),
        "mode": RunMode(told["mode"]),
        "tool": tool_of(numbers.loads(told["tool"])) if told["tool"] else None,
        "selection": numbers.loads(told["selection"]),
        "origin": orjson.loads(told.pop("cause")),
        "cost": Decimal(told["cost"]),
    }
    return Run(**told, budget=budget)


async def count(connection: "Connection | Pool", run_id: UUID, **more: Any) -> None:
    """Add to columns of a run; `revision` is set, when it is later, and what holds or not stays so
    once it holds."""
    parts, values = ["updated_at = clock_timestamp()"], [run_id]
    for name, value in more.items():
        values.append(value)
        place = f"${len(values)}"
        if name == "revision":
            parts.append(f"revision = greatest(revision, {place})")
        elif name == "error":
            parts.append(f"error = CASE WHEN status IN ({ACTIVE_SQL}) THEN {place} ELSE error END")
        elif name in ("over_budget", "unpriced"):
            parts.append(f"{name} = {name} OR {place}")
        else:
            parts.append(f"{name} = {name} + {place}")
    await connection.execute(f"UPDATE cell_run SET {', '.join(parts)} WHERE id = $1", *values)
