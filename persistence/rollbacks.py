"""Rollbacks: each is one transaction under the table's clock; many rows go in steps, as a job.

A step moves the run in the transaction of its rows, on the condition that it stands where the step
began: a worker that was killed loses nothing, and two workers cannot undo a row twice."""

from collections.abc import Sequence
from uuid import UUID

import asyncpg
import orjson

from domain.changes import Cause, CauseKind, ChangeKind
from domain.columns import TableShape
from domain.rollback_records import (
    CHUNK_ROWS,
    INLINE_ROWS,
    ConflictReason,
    RollbackRun,
    RollbackStatus,
    RolledBack,
    RowConflict,
    RowTarget,
    Undo,
)
from domain.row_writes import Written
from persistence import jobs
from persistence.claims import writing
from persistence.engine import Database
from persistence.json_text import dumps
from persistence.rollback_plans import Plan, count_rows, make_plan
from persistence.row_restore import carry_out
from persistence.row_targets import plan_targets
from persistence.run_undo import SavedCell, last_row, restore_states, saved_cells
from persistence.unit_of_work import NothingWritten, TableWrite, Wake, write_table

#: The job that carries a run out; its payload is `{"rollbackId"}`.
JOB = "rollback"

_FIELDS = (
    "id, organization_id, table_id, undo, force, status, rows_total, rows_seen, rows_deleted,"
    " rows_changed, rows_restored, conflict_count, after_row, revision, error, created_by,"
    " created_at, updated_at, finished_at"
)
_INSERT = f"""
INSERT INTO rollback_run
  (id, organization_id, table_id, undo, force, status, rows_total, created_by)
VALUES ($1, $2, $3, $4, $5, '{RollbackStatus.QUEUED}', $6, $7)
RETURNING {_FIELDS}
"""
_BEGIN = f"""
UPDATE rollback_run SET status = '{RollbackStatus.RUNNING}', updated_at = clock_timestamp()
WHERE id = $1 AND status IN ('{RollbackStatus.QUEUED}', '{RollbackStatus.RUNNING}')
RETURNING {_FIELDS}
"""
_ADVANCE = f"""
UPDATE rollback_run
SET after_row = coalesce($3, after_row), rows_seen = rows_seen + $4,
    rows_deleted = rows_deleted + $5, rows_changed = rows_changed + $6,
    rows_restored = rows_restored + $7, conflict_count = conflict_count + $8,
    revision = greatest(revision, $9), status = $10::text, updated_at = clock_timestamp(),
    finished_at = CASE WHEN $10::text = '{RollbackStatus.COMPLETED}' THEN clock_timestamp() END
WHERE id = $1 AND status = '{RollbackStatus.RUNNING}' AND after_row IS NOT DISTINCT FROM $2
RETURNING {_FIELDS}
"""
_FAIL = f"""
UPDATE rollback_run
SET status = '{RollbackStatus.FAILED}', error = $2, updated_at = clock_timestamp(),
    finished_at = clock_timestamp()
WHERE id = $1 AND status IN ('{RollbackStatus.QUEUED}', '{RollbackStatus.RUNNING}')
"""


class _Superseded(Exception):
    """The run is not where this transaction believed it; it is rolled back."""


class Rollbacks:
    """The `RollbackStore` port."""

    def __init__(self, database: Database, wake: Wake) -> None:
        self._database = database
        self._pool = database.pool
        self._wake = wake

    async def set_rows(
        self, shape: TableShape, actor: str, cause: Cause, targets: Sequence[RowTarget]
    ) -> Written:
        """Give each row the data of a version of it, or one cell its value, as one change more."""
        async with write_table(self._pool, shape, actor, cause, self._wake) as write:
            plan = await plan_targets(write.connection, shape, targets)
            await carry_out(write, plan)
            return Written(write.revision, write.at, [target.row_id for target in targets])

    async def count(self, shape: TableShape, undo: Undo) -> int:
        """How many rows the changes to undo touched."""
        return await count_rows(self._pool, shape, undo)

    async def undo(self, shape: TableShape, actor: str, undo: Undo, force: bool) -> RolledBack:
        """Undo the changes in at most `INLINE_ROWS` rows, in one transaction."""
        plan = Plan()
        try:
            async with write_table(self._pool, shape, actor, _cause(undo), self._wake) as write:
                plan = await make_plan(write.connection, shape, undo, force, None, INLINE_ROWS)
                if not await _carry_out(write, undo, plan, None, None):
                    raise NothingWritten(write.revision - 1, write.at)
                return _done(plan, write.revision)
        except NothingWritten as nothing:
            return _done(plan, nothing.revision)

    async def queue(self, new: RollbackRun) -> RollbackRun:
        """Store a run with the job that carries it out."""
        async with writing(self._pool) as connection:
            made = await connection.fetchrow(
                _INSERT,
                new.id,
                new.organization_id,
                new.table_id,
                dumps(new.undo.as_json()),
                new.force,
                new.rows_total,
                new.created_by,
            )
            await jobs.enqueue(connection, JOB, {"rollbackId": str(new.id)})
        assert made is not None  # an INSERT gives its row
        return _run(made)

    async def get(self, organization_id: UUID, run_id: UUID) -> RollbackRun | None:
        """A run with its progress."""
        found = await self._pool.fetchrow(
            f"SELECT {_FIELDS} FROM rollback_run WHERE id = $1 AND organization_id = $2",
            run_id,
            organization_id,
        )
        return _run(found) if found else None

    async def begin(self, run_id: UUID) -> RollbackRun | None:
        """Take up a queued or interrupted run; None for one that has ended."""
        found = await self._pool.fetchrow(_BEGIN, run_id)
        return _run(found) if found else None

    async def step(self, shape: TableShape, run: RollbackRun) -> RollbackRun | None:
        """Undo the changes in the next rows; None when somebody else goes on with the run.

        Its last step has nothing left to look at: it tells the end in the table's log, so that
        whoever follows the table hears of it."""
        try:
            async with write_table(
                self._pool, shape, run.created_by, _cause(run.undo), self._wake
            ) as write:
                upto = await _edge(write, run)
                plan = await make_plan(
                    write.connection, shape, run.undo, run.force, run.after_row, CHUNK_ROWS, upto
                )
                return await _step(write, run, plan, upto)
        except _Superseded:
            return None

    async def fail(self, run: RollbackRun, error: str) -> None:
        """End the run with an error; rows that went back stay so."""
        await self._pool.execute(_FAIL, run.id, error)

    async def conflicts(
        self, organization_id: UUID, run_id: UUID, after: UUID | None, limit: int
    ) -> list[RowConflict]:
        """Rows that a run left alone, by id, behind `after`."""
        found = await self._pool.fetch(
            "SELECT c.row_id, c.revision, c.actor, c.reason FROM rollback_conflict c"
            " JOIN rollback_run r ON r.id = c.run_id"
            " WHERE r.id = $1 AND r.organization_id = $2 AND ($3::uuid IS NULL OR c.row_id > $3)"
            " ORDER BY c.row_id LIMIT $4",
            run_id,
            organization_id,
            after,
            limit,
        )
        return [
            RowConflict(r["row_id"], r["revision"], r["actor"], ConflictReason(r["reason"]))
            for r in found
        ]


async def _edge(write: TableWrite, run: RollbackRun) -> UUID | None:
    """The last row by id that a step looks at; None for any."""
    run_id = run.undo.run_id
    if run_id is None:
        return None
    return await last_row(write.connection, write.shape, run_id, run.after_row)


async def _carry_out(
    write: TableWrite, undo: Undo, plan: Plan, after: UUID | None, upto: UUID | None
) -> bool:
    """Do what the plan says; the cells of a run get their states back too. Whether there was
    anything to do."""
    cells: list[SavedCell] = []
    if undo.run_id is not None:
        apart = [conflict.row_id for conflict in plan.conflicts]
        cells = await saved_cells(write.connection, write.shape, undo.run_id, after, upto, apart)
    if not plan.is_empty:
        await carry_out(write, plan)
        if cells:
            await write.next_revision()
    if cells:
        await restore_states(write, cells)
    return bool(cells) or not plan.is_empty


async def _step(write: TableWrite, run: RollbackRun, plan: Plan, upto: UUID | None) -> RollbackRun:
    full = plan.seen == CHUNK_ROWS
    over = not full and upto is None
    last = plan.last if full or over else upto
    if not await _carry_out(write, run.undo, plan, run.after_row, last if not over else None):
        await write.log(ChangeKind.TABLE_CHANGED, details={"rollbackRows": run.rows_seen})
    advanced = await write.connection.fetchrow(
        _ADVANCE,
        run.id,
        run.after_row,
        last,
        plan.seen,
        len(plan.deleted),
        len(plan.changed),
        len(plan.restored),
        len(plan.conflicts),
        write.revision,
        RollbackStatus.COMPLETED if over else RollbackStatus.RUNNING,
    )
    if advanced is None:
        raise _Superseded
    await write.connection.copy_records_to_table(
        "rollback_conflict",
        columns=("run_id", "row_id", "revision", "actor", "reason"),
        records=[(run.id, c.row_id, c.revision, c.actor, c.reason) for c in plan.conflicts],
    )
    return _run(advanced)


def _cause(undo: Undo) -> Cause:
    return Cause(CauseKind.ROLLBACK, undo.subject)


def _done(plan: Plan, revision: int) -> RolledBack:
    return RolledBack(
        revision,
        len(plan.deleted),
        len(plan.changed),
        len(plan.restored),
        plan.conflicts,
        plan.seen,
        plan.last,
    )


def _run(row: asyncpg.Record) -> RollbackRun:
    fields = dict(row) | {
        "undo": Undo.from_json(orjson.loads(row["undo"])),
        "status": RollbackStatus(row["status"]),
    }
    return RollbackRun(**fields)
