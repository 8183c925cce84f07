"""The log of a workflow: each change of one of its runs is one transaction, which takes a revision
and writes an entry.

The workflow's row is locked first, as the clock of a table is: so revisions have no holes, commit
order is their order, and no two transactions wait for each other in a circle."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from domain.errors import NotFound
from domain.numbers import loads
from domain.workflow_records import (
    RunCause,
    RunCauseKind,
    RunChange,
    RunStatus,
    StepStatus,
    WorkflowRun,
)
from persistence.claims import writing
from persistence.engine import Connection, Pool
from persistence.json_text import dumps
from persistence.unit_of_work import Wake

#: The columns of a run that make its record.
RUN_FIELDS = (
    "id, organization_id, workflow_id, number, status, cause, depth, input, definition, position,"
    " outcome, error, firing_id, replay_of, created_by, created_at, updated_at, started_at,"
    " finished_at"
)
UNENDED = f"status IN ('{RunStatus.QUEUED}', '{RunStatus.RUNNING}')"
LOCK = """
UPDATE workflow SET revision = revision + 1 WHERE id = $1 AND deleted_at IS NULL
RETURNING revision, organization_id, status, definition, run_number,
          clock_timestamp()::timestamptz(3) AS at
"""
_LOG = """
INSERT INTO workflow_change
  (workflow_id, revision, run_id, status, position, step_status, error, at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
"""
_ENTRIES = """
SELECT workflow_id, revision, run_id, status, position, step_status, error, at
FROM workflow_change WHERE workflow_id = $1 AND revision > $2 ORDER BY revision LIMIT $3
"""


class Superseded(Exception):
    """The run is not where a transaction believed it; the transaction is rolled back."""


@dataclass(slots=True)
class RunWrite:
    """A transaction that holds a workflow's row. `found` is what `LOCK` gave, with the revision of
    its one entry."""

    connection: Connection
    workflow_id: UUID
    found: asyncpg.Record

    @property
    def at(self) -> datetime:
        """The moment of the entry."""
        moment: datetime = self.found["at"]
        return moment

    async def log(
        self, run: WorkflowRun, step: StepStatus | None = None, error: str | None = None
    ) -> None:
        """Write the entry. Every write calls it once."""
        await self.connection.execute(
            _LOG,
            self.workflow_id,
            self.found["revision"],
            run.id,
            run.status,
            run.position,
            step,
            error,
            self.at,
        )


@asynccontextmanager
async def write_runs(pool: Pool, wake: Wake, workflow_id: UUID | None) -> AsyncIterator[RunWrite]:
    """Lock a workflow and take its next revision. Raises `NotFound` for one that is gone.

    Wakes the readers of the log after the commit."""
    async with writing(pool) as connection:
        found = await connection.fetchrow(LOCK, workflow_id)
        if found is None or workflow_id is None:
            raise NotFound("Workflow")
        yield RunWrite(connection, workflow_id, found)
    wake("workflow", workflow_id, found["revision"])


async def read_changes(
    pool: Pool, workflow_id: UUID, after: int, limit: int
) -> Sequence[RunChange]:
    """Entries of a workflow's log after a revision, in order."""
    return [_change(row) for row in await pool.fetch(_ENTRIES, workflow_id, after, limit)]


def json_text(value: Any) -> str | None:
    """A value for a jsonb column; nothing is SQL's null."""
    return None if value is None else dumps(value)


def json_value(text: str | None) -> Any:
    """A value from a jsonb column."""
    return None if text is None else loads(text)


def run_record(row: asyncpg.Record) -> WorkflowRun:
    """A run from `RUN_FIELDS`."""
    cause = loads(row["cause"])
    fields = dict(row) | {
        "status": RunStatus(row["status"]),
        "cause": RunCause(RunCauseKind(cause["kind"]), cause.get("id")),
        "input": loads(row["input"]),
        "definition": loads(row["definition"]),
        "outcome": json_value(row["outcome"]),
    }
    return WorkflowRun(**fields)


def found_run(row: asyncpg.Record | None) -> WorkflowRun:
    """A run that a statement changed. Raises `Superseded` when it changed none."""
    if row is None:
        raise Superseded
    return run_record(row)


def _change(row: asyncpg.Record) -> RunChange:
    step = row["step_status"]
    fields = dict(row) | {
        "status": RunStatus(row["status"]),
        "step_status": None if step is None else StepStatus(step),
    }
    return RunChange(**fields)
