"""Workflows that start by themselves. The clock is a parameter; nobody waits for it."""

import asyncio
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain import workflow_runs, workflows
from domain.errors import Invalid
from domain.rejections import Rejected
from domain.workflow_records import (
    RunCauseKind,
    Schedule,
    Workflow,
    WorkflowCreate,
    WorkflowRun,
    WorkflowStatus,
    WorkflowUpdate,
)
from persistence.schedules import next_time
from processing.workflows import do_run, keep_schedules, start_due
from tests.workflows.running import Automation, a_task, sequence

HOURLY = Schedule("0 * * * *")


async def _runs(auto: Automation, workflow: Workflow) -> list[WorkflowRun]:
    viewer, storage = auto.world.viewer, auto.world.storage
    return list((await workflow_runs.list_runs(viewer, storage, workflow.id, None, 100)).runs)


async def _due(auto: Automation, workflow: Workflow) -> datetime:
    viewer, storage = auto.world.viewer, auto.world.storage
    due = (await workflows.get_workflow(viewer, storage, workflow.id)).next_run_at
    assert due is not None
    return due


async def _only(auto: Automation) -> None:
    """Let other organisations in this database have no schedules."""
    await auto.world.database.pool.execute(
        "UPDATE workflow SET next_run_at = NULL WHERE organization_id <> $1",
        auto.world.viewer.organization_id,
    )


async def test_a_due_workflow_runs_once(auto: Automation) -> None:
    await _only(auto)
    workflow = await auto.make(a_task(), schedule=HOURLY)
    due = await _due(auto, workflow)
    assert await start_due(auto.world.storage, due - timedelta(milliseconds=1)) == 0
    assert await start_due(auto.world.storage, due) == 1
    assert await start_due(auto.world.storage, due) == 0
    [run] = await _runs(auto, workflow)
    assert run.cause.kind is RunCauseKind.SCHEDULE
    assert run.created_by == f"workflow:{workflow.id}"
    assert run.input == {"scheduledFor": due.strftime("%Y-%m-%dT%H:%M:%S.000Z")}
    assert await _due(auto, workflow) == due + timedelta(hours=1)


async def test_times_that_were_missed_are_one_run(auto: Automation) -> None:
    await _only(auto)
    workflow = await auto.make(a_task(), schedule=HOURLY)
    due = await _due(auto, workflow)
    later = due + timedelta(days=3, minutes=5)
    assert await start_due(auto.world.storage, later) == 1
    assert len(await _runs(auto, workflow)) == 1
    assert await _due(auto, workflow) == due + timedelta(days=3, hours=1)


async def test_workers_that_look_at_once_start_it_once(auto: Automation) -> None:
    await _only(auto)
    made = [await auto.make(a_task(), schedule=HOURLY) for _ in range(5)]
    due = max([await _due(auto, workflow) for workflow in made])
    counts = await asyncio.gather(*[start_due(auto.world.storage, due) for _ in range(8)])
    assert sum(counts) == 5
    assert [len(await _runs(auto, workflow)) for workflow in made] == [1] * 5


async def test_a_time_passes_while_the_workflow_is_paused_or_still_runs(auto: Automation) -> None:
    await _only(auto)
    viewer, storage = auto.world.viewer, auto.world.storage
    workflow = await auto.make(a_task(), schedule=HOURLY)
    due = await _due(auto, workflow)
    await workflows.pause_workflow(viewer, storage, workflow.id)
    assert await start_due(storage, due) == 1
    assert await _runs(auto, workflow) == []
    assert await _due(auto, workflow) == due + timedelta(hours=1)
    await workflows.resume_workflow(viewer, storage, workflow.id)
    assert await start_due(storage, due + timedelta(hours=1)) == 1
    [run] = await _runs(auto, workflow)
    assert await start_due(storage, due + timedelta(hours=2)) == 1
    assert len(await _runs(auto, workflow)) == 1, "the first one has not ended"
    await do_run(auto.means, run.id, asyncio.Event())
    assert await start_due(storage, due + timedelta(hours=3)) == 1
    assert len(await _runs(auto, workflow)) == 2


async def test_the_worker_looks_by_itself(auto: Automation) -> None:
    workflow = await auto.make(a_task(), schedule=HOURLY)
    await auto.world.database.pool.execute(
        "UPDATE workflow SET next_run_at = now() - interval '1 day' WHERE id = $1", workflow.id
    )
    stopping = asyncio.Event()
    looking = asyncio.create_task(keep_schedules(auto.world.storage, stopping, pause=0.01))
    async with asyncio.timeout(20):
        while not await _runs(auto, workflow):
            pass
    stopping.set()
    await looking


async def test_a_schedule_is_changed_and_taken_away(auto: Automation) -> None:
    viewer, storage = auto.world.viewer, auto.world.storage
    workflow = await auto.make(a_task(), schedule=HOURLY)
    daily = Schedule("30 6 * * *", "Europe/Berlin")
    changed = await workflows.update_workflow(
        viewer, storage, workflow.id, WorkflowUpdate(schedule=daily)
    )
    assert changed.schedule == daily
    assert changed.next_run_at is not None
    assert changed.next_run_at.minute == 30
    none = await workflows.update_workflow(
        viewer, storage, workflow.id, WorkflowUpdate(schedule=None)
    )
    assert (none.schedule, none.next_run_at) == (None, None)


async def test_a_zone_that_is_gone_fails_the_workflow_and_not_the_loop(auto: Automation) -> None:
    await _only(auto)
    workflow = await auto.make(a_task(), schedule=HOURLY)
    other = await auto.make(a_task(), schedule=HOURLY)
    await auto.world.database.pool.execute(
        "UPDATE workflow SET time_zone = 'Atlantis/Capital' WHERE id = $1", workflow.id
    )
    assert await start_due(auto.world.storage, await _due(auto, other)) == 2
    found = await workflows.get_workflow(auto.world.viewer, auto.world.storage, workflow.id)
    assert (found.status, found.next_run_at) == (WorkflowStatus.FAILED, None)
    assert len(await _runs(auto, other)) == 1


@pytest.mark.parametrize(
    ("schedule", "message"),
    [
        (Schedule("x"), "five fields"),
        (Schedule("* * * * * *"), "five fields"),
        (Schedule("@daily"), "five fields"),
        (Schedule("61 * * * *"), "schedule: bad minute"),
        (Schedule("0 0 30 2 *"), "schedule: bad day-of-month"),
        (Schedule("* * * * *", "Mars/Olympus"), '"Mars/Olympus" is not a time zone'),
        (Schedule("* * * * *", "../../etc/passwd"), "is not a time zone"),
        (Schedule("* * * * *", ""), "is not a time zone"),
    ],
)
async def test_bad_schedules_are_refused(
    auto: Automation, schedule: Schedule, message: str
) -> None:
    command = WorkflowCreate("Bad", sequence(a_task()), schedule=schedule)
    with pytest.raises(Invalid, match=message) as caught:
        await workflows.create_workflow(auto.world.viewer, auto.world.storage, command)
    assert [each.path for each in caught.value.problems] == [("schedule",)]


def test_times_follow_the_clocks_of_the_zone() -> None:
    """02:30 does not exist on 29 March 2026 in Berlin, and comes twice on 25 October."""
    schedule, found = Schedule("30 2 * * *", "Europe/Berlin"), []
    after = datetime(2026, 3, 28, 0, tzinfo=UTC)
    for _ in range(3):
        after = next_time(schedule, after)
        found.append(after.strftime("%d %H:%M"))
    assert found == ["28 01:30", "29 01:00", "30 00:30"]
    after, found = datetime(2026, 10, 24, 12, tzinfo=UTC), []
    for _ in range(2):
        after = next_time(schedule, after)
        found.append(after.strftime("%d %H:%M"))
    assert found == ["25 00:30", "26 01:30"]


@given(
    cron=st.text(st.sampled_from("0123456789*/,-? LWMONFRIJAN#@\0é\ud800"), max_size=30),
    zone=st.one_of(st.just("UTC"), st.text(max_size=20)),
)
def test_no_text_is_worse_than_refused(cron: str, zone: str) -> None:
    now = datetime(2026, 1, 31, tzinfo=UTC)
    with suppress(Rejected):
        assert next_time(Schedule(cron, zone), now) > now
