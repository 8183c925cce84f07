"""Running firings: a job takes its firings group by group, does what their triggers say, and stores
how each ended.

A firing runs at least once. What it makes has an id that follows from its own, and a webhook
carries it as `Idempotency-Key`, so that a second run makes nothing twice. A failure that may pass
is tried again, three times in all."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any
from uuid import UUID

import structlog

from domain.ports import Storage
from domain.trigger_records import (
    ActionType,
    FiringResult,
    FiringStatus,
    TakenFiring,
    TriggerStatus,
)
from persistence.engine import Database
from persistence.firings import drop_of
from persistence.jobs import TryAgain, out_of_reach
from persistence.trigger_relay import FIRINGS_PER_JOB
from processing.firing_actions import Actions, Done, Failed, Outcome, TryLater

#: Firings that are at work together, and stored together.
GROUP = 50
ATTEMPTS = 3
#: A job that lasts longer leaves its rest to another one, so that shorter jobs get their turn.
_PATIENCE_SECONDS = 5.0
_AGAIN_SECONDS = 30.0

_INTERNAL = "An internal error ended the firing; it can be replayed"
_PAUSED = "The trigger was paused before the turn of this firing"

_log = structlog.get_logger()


def handler(
    storage: Storage, actions: Actions, stopping: asyncio.Event
) -> Callable[[Mapping[str, Any]], Awaitable[None]]:
    """The handler of firings jobs. After `stopping` it leaves the rest to another worker."""

    async def work(payload: Mapping[str, Any]) -> None:
        first, last = UUID(payload["first"]), UUID(payload["last"])
        try:
            await run_firings(storage, actions, first, last, stopping)
        except Exception as error:
            if out_of_reach(error):
                raise
            # A job that fails is forgotten, and its firings would wait for ever.
            _log.exception("firings could not be run", first=str(first), last=str(last))
            raise TryAgain("an internal error", _AGAIN_SECONDS) from error

    return work


def drop_handler(database: Database) -> Callable[[Mapping[str, Any]], Awaitable[None]]:
    """The handler of the jobs that drop the firings of deleted triggers."""

    async def work(payload: Mapping[str, Any]) -> None:
        await drop_of(database.pool, UUID(payload["triggerId"]))

    return work


async def run_firings(
    storage: Storage, actions: Actions, first: UUID, last: UUID, stopping: asyncio.Event
) -> None:
    """Run the firings between two ids that have not ended."""
    begun = time.monotonic()
    while group := await _next(storage, first, last):
        await storage.firings.finish(await _run(actions, group))
        first = UUID(int=group[-1].firing.id.int + 1)
        if len(group) < GROUP:
            return
        if stopping.is_set() or time.monotonic() - begun > _PATIENCE_SECONDS:
            await storage.firings.leave(first, last)
            return


async def _next(storage: Storage, first: UUID, last: UUID) -> list[TakenFiring]:
    """The firings that are done together: a job's rest, when they become one run."""
    group = await storage.firings.take(first, last, GROUP)
    if len(group) == GROUP and all(_runs_cells(each) for each in group):
        behind = UUID(int=group[-1].firing.id.int + 1)
        group += await storage.firings.take(behind, last, FIRINGS_PER_JOB - GROUP)
    return group


def _runs_cells(taken: TakenFiring) -> bool:
    return taken.trigger.action_type is ActionType.RUN_CELLS


async def _run(actions: Actions, group: Sequence[TakenFiring]) -> list[FiringResult]:
    """All firings of a group at once; how they ended, in their order."""
    ready = [each for each in group if not _is_paused(each)]
    tasks = [each for each in ready if each.trigger.action_type is ActionType.CREATE_TASK]
    runs = [each for each in ready if _runs_cells(each)]
    alone = (ActionType.RUN_WORKFLOW, ActionType.CALL_WEBHOOK)
    others = [each for each in ready if each.trigger.action_type in alone]
    made, begun, done = await asyncio.gather(
        _timed_together(actions.make_tasks, tasks),
        _timed_together(actions.run_cells, runs),
        asyncio.gather(*[_timed(actions, each) for each in others]),
    )
    results = {each.firing.id: each for each in (*made, *begun, *done)}
    return [results.get(each.firing.id) or _skipped(each) for each in group]


def _is_paused(taken: TakenFiring) -> bool:
    """Somebody asked for a replay by name, so that pausing does not stop it."""
    return taken.trigger.status is TriggerStatus.PAUSED and taken.firing.replay_of is None


def _skipped(taken: TakenFiring) -> FiringResult:
    return FiringResult(taken.firing, FiringStatus.SKIPPED, 0.0, error=_PAUSED)


async def _timed_together(
    perform: Callable[[Sequence[TakenFiring]], Awaitable[list[Outcome]]],
    group: Sequence[TakenFiring],
) -> list[FiringResult]:
    """What is done for all at once: a firing's part of the time is what it took."""
    if not group:
        return []
    begun = time.monotonic()
    outcomes: Sequence[Outcome]
    try:
        outcomes = await perform(group)
    except Exception as error:
        if out_of_reach(error):
            raise
        _log.exception("firings failed", trigger_id=str(group[0].trigger.id))
        outcomes = [Failed(_INTERNAL)] * len(group)
    duration = (time.monotonic() - begun) * 1000 / len(group)
    return [
        _result(taken, outcome, duration) for taken, outcome in zip(group, outcomes, strict=True)
    ]


async def _timed(actions: Actions, taken: TakenFiring) -> FiringResult:
    begun = time.monotonic()
    try:
        outcome = await actions.perform(taken)
    except Exception as error:
        if out_of_reach(error):
            raise
        _log.exception("a firing failed", firing_id=str(taken.firing.id))
        outcome = Failed(_INTERNAL)
    return _result(taken, outcome, (time.monotonic() - begun) * 1000)


def _result(taken: TakenFiring, outcome: Outcome, duration_ms: float) -> FiringResult:
    firing = taken.firing
    match outcome:
        case Done():
            return FiringResult(firing, FiringStatus.SUCCEEDED, duration_ms, outcome.told)
        case Failed():
            told, error = outcome.told, outcome.reason
            return FiringResult(firing, FiringStatus.FAILED, duration_ms, told, error)
        case TryLater():
            again = firing.attempt < ATTEMPTS
            status = FiringStatus.QUEUED if again else FiringStatus.FAILED
            return FiringResult(firing, status, duration_ms, outcome.told, outcome.reason)
