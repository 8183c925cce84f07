"""How a worker moves a run on, step by step. It does so only from where it believes the run to be:
a run that was cancelled, or that another worker took over, is left alone."""

from contextlib import suppress
from typing import Any
from uuid import UUID

from domain.errors import NotFound
from domain.workflow_definitions import Step
from domain.workflow_records import (
    Attempt,
    RunStatus,
    StepResult,
    StepStatus,
    WorkflowRun,
)
from persistence.engine import Database
from persistence.unit_of_work import Wake
from persistence.workflow_log import (
    RUN_FIELDS,
    UNENDED,
    RunWrite,
    Superseded,
    found_run,
    json_text,
    json_value,
    run_record,
    write_runs,
)

_BEGIN = f"""
UPDATE workflow_run
SET status = '{RunStatus.RUNNING}', updated_at = $2, started_at = coalesce(started_at, $2)
WHERE id = $1 AND {UNENDED} RETURNING {RUN_FIELDS}
"""
_STEP_BEGINS = f"""
INSERT INTO workflow_step (run_id, position, attempt, name, kind, status, started_at)
SELECT r.id, r.position, $3, $4, $5, '{StepStatus.RUNNING}', $6
FROM workflow_run AS r
WHERE r.id = $1 AND r.position = $2 AND r.status = '{RunStatus.RUNNING}'
RETURNING attempt
"""
_STEP_ENDS = f"""
UPDATE workflow_step SET status = $4, output = $5, error = $6, finished_at = $7
WHERE run_id = $1 AND position = $2 AND attempt = $3 AND status = '{StepStatus.RUNNING}'
RETURNING attempt
"""
_LOST = f"""
UPDATE workflow_step
SET status = '{StepStatus.INTERRUPTED}', finished_at = clock_timestamp(),
    error = 'The worker was lost'
WHERE run_id = $1 AND status = '{StepStatus.RUNNING}'
"""
_FAIL = f"""
UPDATE workflow_run
SET status = '{RunStatus.FAILED}', error = $2, updated_at = $3, finished_at = $3
WHERE id = $1 AND {UNENDED} RETURNING {RUN_FIELDS}
"""
_MOVE = f"""
UPDATE workflow_run
SET position = $3, status = $4, outcome = $5, error = $6, updated_at = $7, finished_at = $8
WHERE id = $1 AND position = $2 AND status = '{RunStatus.RUNNING}' RETURNING {RUN_FIELDS}
"""


class WorkflowSteps:
    """What the worker does with runs, each method one transaction."""

    def __init__(self, database: Database, wake: Wake) -> None:
        self._pool = database.pool
        self._wake = wake

    async def begin(self, run_id: UUID) -> WorkflowRun | None:
        """Take up a queued or interrupted run; None for one that has ended."""
        workflow_id = await self._pool.fetchval(
            "SELECT workflow_id FROM workflow_run WHERE id = $1", run_id
        )
        try:
            async with write_runs(self._pool, self._wake, workflow_id) as write:
                run = found_run(await write.connection.fetchrow(_BEGIN, run_id, write.at))
                await write.log(run)
        except (Superseded, NotFound):
            # It was cancelled after its worker was lost: the step did not go on either.
            await self._pool.execute(_LOST, run_id)
            return None
        return run

    async def outputs(self, run_id: UUID) -> dict[int, Any]:
        """What the completed steps of a run gave, by position."""
        rows = await self._pool.fetch(
            "SELECT position, output FROM workflow_step WHERE run_id = $1 AND status = $2",
            run_id,
            StepStatus.COMPLETED,
        )
        return {row["position"]: json_value(row["output"]) for row in rows}

    async def begin_step(self, run: WorkflowRun, step: Step) -> Attempt | None:
        """Begin the next attempt at the step where the run stands, and give up the one that a lost
        worker left. None when the run was cancelled or goes on elsewhere."""
        try:
            async with write_runs(self._pool, self._wake, run.workflow_id) as write:
                connection, where = write.connection, (run.id, run.position)
                await connection.execute(_LOST, run.id)
                rows = await connection.fetch(
                    "SELECT status FROM workflow_step WHERE run_id = $1 AND position = $2", *where
                )
                number, earlier = len(rows) + 1, [row["status"] for row in rows]
                begun = await connection.fetchval(
                    _STEP_BEGINS, *where, number, step.name, step.kind, write.at
                )
                if begun is None:
                    raise Superseded
                await write.log(run, StepStatus.RUNNING)
        except (Superseded, NotFound):
            return None
        failed = earlier.count(StepStatus.FAILED)
        return Attempt(run.position, number, failed, earlier.count(StepStatus.INTERRUPTED))

    async def finish_step(
        self, run: WorkflowRun, attempt: Attempt, result: StepResult, *, last: bool
    ) -> WorkflowRun | None:
        """Store how an attempt ended and move the run: to the next step, to its end, or nowhere
        when the step is tried again. None when it was cancelled or goes on elsewhere."""
        try:
            async with write_runs(self._pool, self._wake, run.workflow_id) as write:
                ended = await write.connection.fetchval(
                    _STEP_ENDS,
                    run.id,
                    attempt.position,
                    attempt.number,
                    result.status,
                    json_text(result.output),
                    result.error,
                    write.at,
                )
                if ended is None:
                    raise Superseded
                moved = await _move(write, run, result, _status_behind(result, last))
                await write.log(moved or await _now(write, run), result.status, result.error)
        except (Superseded, NotFound):
            return None
        return moved

    async def give_up(self, run_id: UUID, error: str) -> None:
        """End a run as failed, with the attempt that is under way."""
        workflow_id = await self._pool.fetchval(
            "SELECT workflow_id FROM workflow_run WHERE id = $1", run_id
        )
        with suppress(Superseded, NotFound):
            async with write_runs(self._pool, self._wake, workflow_id) as write:
                row = await write.connection.fetchrow(_FAIL, run_id, error, write.at)
                await write.connection.execute(_LOST, run_id)
                await write.log(found_run(row), error=error)


def _status_behind(result: StepResult, last: bool) -> RunStatus:
    if result.status is StepStatus.COMPLETED:
        return RunStatus.COMPLETED if last else RunStatus.RUNNING
    return RunStatus.RUNNING if result.again else RunStatus.FAILED


async def _move(
    write: RunWrite, run: WorkflowRun, result: StepResult, status: RunStatus
) -> WorkflowRun | None:
    """None when the run was cancelled during its step."""
    completed = result.status is StepStatus.COMPLETED
    row = await write.connection.fetchrow(
        _MOVE,
        run.id,
        run.position,
        run.position + completed,
        status,
        json_text(result.output) if completed else None,
        result.error if status is RunStatus.FAILED else None,
        write.at,
        None if status is RunStatus.RUNNING else write.at,
    )
    return run_record(row) if row is not None else None


async def _now(write: RunWrite, run: WorkflowRun) -> WorkflowRun:
    row = await write.connection.fetchrow(
        f"SELECT {RUN_FIELDS} FROM workflow_run WHERE id = $1", run.id
    )
    return found_run(row)
