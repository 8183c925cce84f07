"""Runs of workflows in storage: finding, starting and ending them."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import asyncpg

from domain import ids
from domain.errors import Conflict, NotFound
from domain.rejections import Rejected
from domain.workflow_records import (
    NewRun,
    RunCause,
    RunCauseKind,
    RunPage,
    RunStatus,
    Schedule,
    StepStatus,
    WorkflowRun,
    WorkflowStatus,
    WorkflowStep,
)
from persistence import jobs
from persistence.claims import writing
from persistence.engine import Connection, Database
from persistence.json_text import dumps
from persistence.schedules import next_time
from persistence.unit_of_work import Wake
from persistence.workflow_log import (
    LOCK,
    RUN_FIELDS,
    UNENDED,
    RunWrite,
    Superseded,
    found_run,
    json_value,
    run_record,
    write_runs,
)

#: The job that does a run; its payload is `{"runId"}`.
JOB = "workflow"
#: A change of a thousand rows may start a thousand runs: people's jobs do not wait for them.
_TRIGGERED_PRIORITY = -1

_START = f"""
INSERT INTO workflow_run (id, organization_id, workflow_id, number, status, cause, depth, input,
                          definition, position, firing_id, replay_of, created_by, created_at,
                          updated_at)
VALUES ($1, $2, $3, $4, '{RunStatus.QUEUED}', $5, $6, $7, $8, 0, $9, $10, $11, $12, $12)
ON CONFLICT DO NOTHING
RETURNING {RUN_FIELDS}
"""
_END = f"""
UPDATE workflow_run SET status = $2, updated_at = $3, finished_at = $3
WHERE id = $1 AND {UNENDED} RETURNING {RUN_FIELDS}
"""
_BY_IDS = f"""
SELECT {RUN_FIELDS} FROM workflow_run AS r
WHERE organization_id = $1 AND id = ANY($2)
  AND EXISTS (SELECT FROM workflow AS w WHERE w.id = r.workflow_id AND w.deleted_at IS NULL)
"""
_PAGE = f"""
SELECT {RUN_FIELDS} FROM workflow_run
WHERE workflow_id = $1 AND organization_id = $2 AND ($3::int IS NULL OR number < $3)
ORDER BY number DESC LIMIT $4
"""
_STEPS = """
SELECT s.run_id, s.position, s.attempt, s.name, s.kind, s.status, s.output, s.error, s.started_at,
       s.finished_at
FROM workflow_step AS s JOIN workflow_run AS r ON r.id = s.run_id
WHERE s.run_id = ANY($1) AND r.organization_id = $2 ORDER BY s.run_id, s.position, s.attempt
"""
_DUE = """
SELECT id, status, schedule, time_zone, next_run_at FROM workflow
WHERE next_run_at <= $1 AND deleted_at IS NULL
ORDER BY next_run_at LIMIT 1 FOR UPDATE SKIP LOCKED
"""
_BUSY = f"""
SELECT EXISTS (SELECT FROM workflow_run
               WHERE workflow_id = $1 AND {UNENDED}
                 AND cause->>'kind' = '{RunCauseKind.SCHEDULE}')
"""
_NEXT = f"""
UPDATE workflow
SET next_run_at = $2,
    status = CASE WHEN $2::timestamptz IS NULL THEN '{WorkflowStatus.FAILED}' ELSE status END
WHERE id = $1
"""


class WorkflowRuns:
    """The `WorkflowRunStore` port, and what starts by schedule."""

    def __init__(self, database: Database, wake: Wake) -> None:
        self._pool = database.pool
        self._wake = wake

    async def get(self, organization_id: UUID, run_id: UUID) -> WorkflowRun | None:
        return (await self.by_ids(organization_id, [run_id])).get(run_id)

    async def by_ids(self, organization_id: UUID, ids_: Sequence[UUID]) -> dict[UUID, WorkflowRun]:
        """The runs among these ids, by id; none of a deleted workflow."""
        rows = await self._pool.fetch(_BY_IDS, organization_id, list(ids_))
        return {row["id"]: run_record(row) for row in rows}

    async def page(
        self, organization_id: UUID, workflow_id: UUID, before: int | None, limit: int
    ) -> RunPage:
        rows = await self._pool.fetch(_PAGE, workflow_id, organization_id, before, limit + 1)
        return RunPage([run_record(row) for row in rows[:limit]], len(rows) > limit)

    async def steps(self, organization_id: UUID, run_id: UUID) -> list[WorkflowStep]:
        return (await self.steps_of(organization_id, [run_id])).get(run_id, [])

    async def steps_of(
        self, organization_id: UUID, run_ids: Sequence[UUID]
    ) -> dict[UUID, list[WorkflowStep]]:
        """The attempts at the steps of these runs, in order, by run."""
        found: dict[UUID, list[WorkflowStep]] = defaultdict(list)
        for row in await self._pool.fetch(_STEPS, list(run_ids), organization_id):
            found[row["run_id"]].append(_step(row))
        return found

    async def start(self, organization_id: UUID, new: NewRun) -> WorkflowRun:
        status = ""
        try:
            async with write_runs(self._pool, self._wake, new.workflow_id) as write:
                if write.found["organization_id"] != organization_id:
                    raise NotFound("Workflow")
                status = write.found["status"]
                if status != WorkflowStatus.ACTIVE:
                    raise Superseded
                return await _insert(write, new)
        except Superseded:
            return await self._started(organization_id, new, status)

    async def cancel(self, organization_id: UUID, run_id: UUID) -> WorkflowRun | None:
        run = await self.get(organization_id, run_id)
        if run is None:
            return None
        try:
            async with write_runs(self._pool, self._wake, run.workflow_id) as write:
                row = await write.connection.fetchrow(_END, run_id, RunStatus.CANCELLED, write.at)
                ended = found_run(row)
                await write.log(ended)
        except (Superseded, NotFound):
            return None
        return ended

    async def start_due(self, now: datetime) -> bool:
        """Start the workflow whose time came first, and set its next time behind `now`; False when
        none is due. Times that were missed meanwhile are one run. No run is started while an
        earlier one of the schedule has not ended, or while the workflow is not active."""
        async with writing(self._pool) as connection:
            due = await connection.fetchrow(_DUE, now)
            if due is None:
                return False
            try:
                following = next_time(Schedule(due["schedule"], due["time_zone"] or "UTC"), now)
            except Rejected:  # the zone is gone from the system's list
                following = None
            await connection.execute(_NEXT, due["id"], following)
            revision = await _start_scheduled(connection, due)
        if revision is not None:
            self._wake("workflow", due["id"], revision)
        return True

    async def _started(self, organization_id: UUID, new: NewRun, status: str) -> WorkflowRun:
        """The run that the same firing started before. Raises `Conflict` without one."""
        if new.firing_id is not None:
            row = await self._pool.fetchrow(
                f"SELECT {RUN_FIELDS} FROM workflow_run"
                " WHERE firing_id = $1 AND organization_id = $2",
                new.firing_id,
                organization_id,
            )
            if row is not None:
                return run_record(row)
        raise Conflict(f"The workflow is {status}; only an active one is started")


async def _insert(write: RunWrite, new: NewRun) -> WorkflowRun:
    """Store a run with its job. Raises `Superseded` when its firing has one already."""
    number = write.found["run_number"] + 1
    row = await write.connection.fetchrow(
        _START,
        ids.new_id(ids.Kind.WORKFLOW_RUN),
        write.found["organization_id"],
        new.workflow_id,
        number,
        dumps(new.cause.as_json()),
        new.depth,
        dumps(new.input),
        write.found["definition"],
        new.firing_id,
        new.replay_of,
        new.actor,
        write.at,
    )
    run = found_run(row)
    await write.connection.execute(
        "UPDATE workflow SET run_number = $2 WHERE id = $1", new.workflow_id, number
    )
    await write.log(run)
    priority = _TRIGGERED_PRIORITY if new.cause.kind is RunCauseKind.TRIGGER else 0
    await jobs.enqueue_all(write.connection, JOB, [{"runId": str(run.id)}], priority=priority)
    return run


async def _start_scheduled(connection: Connection, due: asyncpg.Record) -> int | None:
    """The workflow's revision with the run that was started; None when there is none to start."""
    if due["status"] != WorkflowStatus.ACTIVE or await connection.fetchval(_BUSY, due["id"]):
        return None
    found = await connection.fetchrow(LOCK, due["id"])
    if found is None:
        return None
    moment = due["next_run_at"].isoformat(timespec="milliseconds").replace("+00:00", "Z")
    cause = RunCause(RunCauseKind.SCHEDULE)
    new = NewRun(due["id"], {"scheduledFor": moment}, f"workflow:{due['id']}", cause)
    await _insert(RunWrite(connection, due["id"], found), new)
    revision: int = found["revision"]
    return revision


def _step(row: asyncpg.Record) -> WorkflowStep:
    fields = dict(row) | {"status": StepStatus(row["status"]), "output": json_value(row["output"])}
    return WorkflowStep(**fields)
