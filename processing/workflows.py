"""Doing runs of workflows: one job for each run, one step after the other.

Where a run stands, and what its steps gave, is stored after each step. So a run whose worker is
lost goes on with the step that it was in."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import structlog

from domain.workflow_definitions import Step, steps_of
from domain.workflow_records import Attempt, StepResult, StepStatus, WorkflowRun
from persistence.jobs import TryAgain, out_of_reach
from persistence.storage import PostgresStorage
from processing.workflow_doing import Doing, Means, StepFault
from processing.workflow_steps import do_step

#: A step that takes its worker down with it is not done for ever.
MOST_LOST = 5
#: Seconds between two looks for workflows that are due.
PAUSE = 5.0

_log = structlog.get_logger()


def handler(
    means: Means, stopping: asyncio.Event
) -> Callable[[Mapping[str, Any]], Awaitable[None]]:
    """The handler of jobs of runs. After `stopping` it gives a run back between two steps."""

    async def work(payload: Mapping[str, Any]) -> None:
        run_id = UUID(payload["runId"])
        try:
            await do_run(means, run_id, stopping)
        except TryAgain:
            raise
        except Exception as error:
            if out_of_reach(error):
                raise
            # The job ends here, so the run must: nobody else would take it up.
            _log.exception("a run of a workflow failed", run_id=str(run_id))
            await means.storage.workflow_steps.give_up(run_id, "An internal error ended the run")

    return work


async def do_run(means: Means, run_id: UUID, stopping: asyncio.Event) -> None:
    """Bring a run to its end, or to where it is cancelled.

    Raises `TryAgain` when it is to go on later or elsewhere."""
    storage = means.storage
    run = await storage.workflow_steps.begin(run_id)
    if run is None:
        return
    steps = steps_of(run.definition)
    given = await storage.workflow_steps.outputs(run.id)
    outputs = {steps[position].id: output for position, output in given.items()}
    while run.position < len(steps):
        if stopping.is_set():
            raise TryAgain("the worker stops", seconds=0)
        step = steps[run.position]
        attempt = await storage.workflow_steps.begin_step(run, step)
        if attempt is None:
            return
        doing = Doing(means, run, attempt.position, attempt.failed)
        result = await _result(doing, step, attempt, _scope(run, outputs))
        last = attempt.position + 1 == len(steps)
        moved = await storage.workflow_steps.finish_step(run, attempt, result, last=last)
        if moved is None:
            return
        if result.again:
            raise TryAgain("the step is tried again", step.retries.pause(attempt.failed + 1))
        if result.status is StepStatus.FAILED:
            return
        run, outputs[step.id] = moved, result.output


async def _result(
    doing: Doing, step: Step, attempt: Attempt, scope: Mapping[str, Any]
) -> StepResult:
    if attempt.interrupted >= MOST_LOST:
        message = f"The worker was lost {attempt.interrupted} times in this step"
        return StepResult(StepStatus.FAILED, error=message)
    try:
        return StepResult(StepStatus.COMPLETED, await do_step(doing, step, scope))
    except StepFault as fault:
        again = not fault.lasting and attempt.failed + 1 < step.retries.attempts
        return StepResult(StepStatus.FAILED, fault.output, str(fault), again)
    except Exception as error:
        if out_of_reach(error):
            raise
        _log.exception("a step of a workflow failed", run_id=str(doing.run.id), step=step.id)
        return StepResult(StepStatus.FAILED, error="An internal error ended the step")


def _scope(run: WorkflowRun, outputs: Mapping[str, Any]) -> dict[str, Any]:
    """What bindings can name."""
    created = run.created_at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    of_run = {
        "id": str(run.id),
        "number": run.number,
        "workflowId": str(run.workflow_id),
        "createdAt": created,
    }
    return {"input": run.input, "run": of_run, "steps": outputs}


async def keep_schedules(
    storage: PostgresStorage, stopping: asyncio.Event, pause: float = PAUSE
) -> None:
    """Start what is due until `stopping` is set. A database that is away is tried again at the next
    look; several workers may look at once."""
    while not stopping.is_set():
        try:
            await start_due(storage, datetime.now(UTC))
        except Exception:
            _log.warning("starting workflows by schedule failed; it is tried again", exc_info=True)
        with suppress(TimeoutError):
            await asyncio.wait_for(stopping.wait(), pause)


async def start_due(storage: PostgresStorage, now: datetime) -> int:
    """Start every workflow whose time has come; how many times came."""
    count = 0
    while await storage.workflow_runs.start_due(now):
        count += 1
    return count
