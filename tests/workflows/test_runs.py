"""Runs from their start to their end, done by a real worker."""

import asyncio
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from domain import ids, tasks, workflow_runs, workflows
from domain.columns import ColumnType, NewColumn
from domain.errors import Conflict, NotFound
from domain.ids import Kind
from domain.task_records import TaskSearch
from domain.workflow_definitions import steps_of
from domain.workflow_records import NewRun, RunCause, RunCauseKind, RunStatus
from processing.workflow_doing import Doing
from processing.workflow_steps import do_step
from processing.workflows import do_run
from tests.outbound.targets import Target, reply, target
from tests.workflows.running import Automation, a_task, worker_process


def add(table_id: object, **data: Any) -> dict[str, Any]:
    return {"kind": "row_add", "tableId": str(table_id), "data": data}


async def test_a_run_passes_values_from_step_to_step(auto: Automation) -> None:
    number = NewColumn("size", "Size", ColumnType.NUMBER)
    table_id = await auto.world.table("name", number)
    answer = reply("200 OK", b'{"found": [{"size": 12.5}]}', "Content-Type: application/json")
    async with target(answer) as inner:
        run = await auto.finished(
            {
                "kind": "http_request",
                "method": "POST",
                "url": inner.url(path="/find?name={{input.row.name}}"),
                "headers": {"X-Run": "{{run.number}}"},
                "body": {"row": "{{input.row}}", "text": "is {{input.row.size}}"},
            },
            add(table_id, name="{{input.row.name}}", size="{{steps.s0.body.found.0.size}}"),
            {
                "kind": "row_update",
                "tableId": str(table_id),
                "rowId": "{{steps.s1.rowId}}",
                "data": {"name": "{{input.row.name}} of {{steps.s0.status}}"},
            },
            a_task("Look at {{input.row.name}}", description="{{steps.s0.body}}", priority=0),
            row={"name": "Ann", "size": 3},
        )
    assert (run.status, run.error, run.position) == (RunStatus.COMPLETED, None, 4)
    assert await auto.rows(table_id) == [{"name": "Ann of 200", "size": Decimal("12.5")}]
    [head, body] = inner.requests[0].split("\r\n\r\n")
    assert head.startswith("POST /find?name=Ann HTTP/1.1")
    assert "x-run: 1" in head.lower()
    assert f"idempotency-key: {run.id}.0" in head.lower()
    assert body == '{"row":{"name":"Ann","size":3},"text":"is 3"}'
    page = await tasks.list_tasks(
        auto.world.viewer, auto.world.storage, TaskSearch(workflow_run_id=run.id), None, 10
    )
    [task] = page.tasks
    assert (task.title, task.description, task.priority) == (
        "Look at Ann",
        '{"found":[{"size":12.5}]}',
        0,
    )
    assert run.outcome == {"taskId": str(task.id)}
    assert task.created_by == f"workflow:{run.workflow_id}"
    assert run.duration_ms is not None
    assert run.duration_ms > 0


async def test_writes_tell_the_log_where_they_come_from(auto: Automation) -> None:
    table_id = await auto.world.table("name")
    workflow = await auto.make(add(table_id, name="x"))
    new = NewRun(workflow.id, {}, "someone", RunCause(RunCauseKind.TRIGGER, "t"), depth=3)
    run = await auto.world.storage.workflow_runs.start(auto.world.viewer.organization_id, new)
    async with auto.worker():
        await auto.ended(run)
    [entry] = await auto.world.storage.log.table_entries(table_id, 1, 10)
    assert entry.change.actor == f"workflow:{workflow.id}"
    assert entry.change.cause == {"kind": "workflow", "id": str(run.id), "depth": 3}


async def test_a_failing_step_is_tried_again_and_then_fails_the_run(auto: Automation) -> None:
    async with target(reply("500 Oops", b"broken")) as inner:
        retries = {"attempts": 3, "seconds": 0}
        call = {"kind": "http_request", "url": inner.url(), "retries": retries}
        run = await auto.finished(a_task(), call, a_task("never"))
    error = "The server answered with status 500"
    assert (run.status, run.error, run.position) == (RunStatus.FAILED, error, 1)
    assert await auto.log(run) == [
        (0, 1, "completed"),
        (1, 1, "failed"),
        (1, 2, "failed"),
        (1, 3, "failed"),
    ]
    last = (await auto.steps(run))[-1]
    assert (last.error, last.output) == (
        error,
        {"status": 500, "body": "broken", "truncated": False},
    )
    assert len(inner.requests) == 3


async def test_a_step_that_succeeds_in_the_end_lets_the_run_go_on(auto: Automation) -> None:
    table_id = await auto.world.table("name")
    async with target(reply("503 Busy")) as inner:
        call = {
            "kind": "http_request",
            "url": inner.url(),
            "expectStatus": [200, 503],
            "retries": {"attempts": 2},
        }
        run = await auto.finished(call, add(table_id, name="{{steps.s0.status}}"))
    assert run.status is RunStatus.COMPLETED
    assert await auto.rows(table_id) == [{"name": "503"}]


@pytest.mark.parametrize(
    ("step", "error"),
    [
        (add(ids.new_id(Kind.TABLE), name="x"), "Table not found"),
        (add("{{input.none}}", name="x"), "tableId is null"),
        (add("{{input.list}}", name="x"), "Table not found"),
        (add("{{input.table}}", size="x"), "Table not found"),
        (a_task("{{input.none}}"), "title is null"),
        (a_task("{{input.long}}"), "title is longer than 200 characters"),
        (a_task(priority="{{input.list}}"), "priority must be 0 to 3"),
        (a_task(projectId="nowhere"), "Project not found"),
        (
            {"kind": "http_request", "url": "http://169.254.169.254/latest/meta-data"},
            "The URL leads to an address that is not public",
        ),
        (
            {"kind": "http_request", "url": "{{input.table}}"},
            "url must begin with http:// or https://",
        ),
    ],
)
async def test_what_cannot_succeed_is_tried_once(
    auto: Automation, step: dict[str, Any], error: str
) -> None:
    run = await auto.finished(
        {**step, "retries": {"attempts": 5}}, list=[1], table="x", long="x" * 201
    )
    assert (run.status, run.error) == (RunStatus.FAILED, error)
    assert await auto.log(run) == [(0, 1, "failed")]


async def test_bindings_cannot_blow_up_a_step(auto: Automation) -> None:
    run = await auto.finished(a_task(description="{{input.text}}" * 40), text="x" * 50_000)
    assert run.error == "The bindings of the step bring more than 1000000 characters"


async def test_a_cancelled_run_stops_behind_its_step(auto: Automation) -> None:
    arrived, go_on = asyncio.Event(), asyncio.Event()

    async def held(writer: asyncio.StreamWriter) -> None:
        arrived.set()
        await go_on.wait()
        await reply()(writer)

    async with target(held) as inner:
        workflow = await auto.make({"kind": "http_request", "url": inner.url()}, a_task("never"))
        run = await auto.start(workflow)
        async with auto.worker():
            await arrived.wait()
            cancelled = await workflow_runs.cancel_run(
                auto.world.viewer, auto.world.storage, run.id
            )
            assert cancelled.status is RunStatus.CANCELLED
            go_on.set()
    assert await auto.get(run.id) == cancelled
    assert await auto.log(run) == [(0, 1, "completed")]
    again = await workflow_runs.cancel_run(auto.world.viewer, auto.world.storage, run.id)
    assert again == cancelled


async def test_a_queued_run_can_be_cancelled(auto: Automation) -> None:
    run = await auto.start(await auto.make(a_task()))
    await workflow_runs.cancel_run(auto.world.viewer, auto.world.storage, run.id)
    await do_run(auto.means, run.id, asyncio.Event())
    assert (await auto.get(run.id)).status is RunStatus.CANCELLED
    assert await auto.log(run) == []


async def test_a_replay_has_the_same_input_and_the_present_definition(auto: Automation) -> None:
    viewer, storage = auto.world.viewer, auto.world.storage
    workflow = await auto.make(a_task("{{input.name}}"))
    run = await auto.start(workflow, name="Ann")
    with pytest.raises(Conflict, match="The run has not ended yet"):
        await workflow_runs.replay_run(viewer, storage, run.id)
    async with auto.worker():
        await auto.ended(run)
        again = await auto.ended(await workflow_runs.replay_run(viewer, storage, run.id))
    assert (again.number, again.replay_of, again.input) == (2, run.id, {"name": "Ann"})
    assert await tasks.count_tasks(viewer, storage, TaskSearch()) == 2


async def test_a_paused_workflow_starts_nothing(auto: Automation) -> None:
    viewer, storage = auto.world.viewer, auto.world.storage
    workflow = await auto.make(a_task())
    run = await auto.start(workflow)
    await workflows.pause_workflow(viewer, storage, workflow.id)
    with pytest.raises(Conflict, match="The workflow is paused; only an active one is started"):
        await auto.start(workflow)
    async with auto.worker():
        assert (await auto.ended(run)).status is RunStatus.COMPLETED
    await workflows.resume_workflow(viewer, storage, workflow.id)
    assert (await auto.start(workflow)).number == 2


async def test_a_firing_starts_one_run(auto: Automation) -> None:
    organization, store = auto.world.viewer.organization_id, auto.world.storage.workflow_runs
    workflow = await auto.make(a_task())
    new = NewRun(workflow.id, {}, "someone", firing_id=ids.new_id(Kind.FIRING))
    first, second = await asyncio.gather(
        store.start(organization, new), store.start(organization, new)
    )
    assert first == second
    await workflows.pause_workflow(auto.world.viewer, auto.world.storage, workflow.id)
    assert await store.start(organization, new) == first
    with pytest.raises(NotFound, match="Workflow not found"):
        await store.start(organization, NewRun(ids.new_id(Kind.WORKFLOW), {}, "someone"))


async def test_a_deleted_workflow_takes_its_runs_along(auto: Automation) -> None:
    viewer, storage = auto.world.viewer, auto.world.storage
    workflow = await auto.make(a_task())
    run = await auto.start(workflow)
    await workflows.delete_workflow(viewer, storage, workflow.id)
    await do_run(auto.means, run.id, asyncio.Event())
    assert await tasks.count_tasks(viewer, storage, TaskSearch()) == 0
    with pytest.raises(NotFound, match="Run not found"):
        await auto.get(run.id)


async def test_a_row_that_a_lost_worker_added_is_not_added_again(auto: Automation) -> None:
    table_id = await auto.world.table("name")
    run = await auto.start(await auto.make(add(table_id, name="once"), a_task()))
    store = auto.world.storage.workflow_steps
    begun = await store.begin(run.id)
    assert begun is not None
    for position, step in enumerate(steps_of(run.definition)):
        await do_step(Doing(auto.means, run, position), step, {})
    assert await store.begin_step(begun, steps_of(run.definition)[0]) is not None
    # The worker is lost here: both steps are done, neither is noted.
    await do_run(auto.means, run.id, asyncio.Event())
    assert (await auto.get(run.id)).status is RunStatus.COMPLETED
    assert await auto.log(run) == [
        (0, 1, "interrupted"),
        (0, 2, "completed"),
        (1, 1, "completed"),
    ]
    assert await auto.rows(table_id) == [{"name": "once"}]
    assert await tasks.count_tasks(auto.world.viewer, auto.world.storage, TaskSearch()) == 1


async def test_a_step_that_loses_its_workers_is_given_up(auto: Automation) -> None:
    run = await auto.start(await auto.make(a_task()))
    store = auto.world.storage.workflow_steps
    for _ in range(6):
        begun = await store.begin(run.id)
        assert begun is not None
        await store.begin_step(begun, steps_of(run.definition)[0])
    await do_run(auto.means, run.id, asyncio.Event())
    assert (await auto.get(run.id)).error == "The worker was lost 6 times in this step"


async def test_a_run_that_cannot_be_read_ends_with_a_sentence(auto: Automation) -> None:
    run = await auto.start(await auto.make(a_task()))
    await auto.world.database.pool.execute(
        "UPDATE workflow_run SET definition = '{}' WHERE id = $1", run.id
    )
    async with auto.worker():
        done = await auto.ended(run)
    assert (done.status, done.error) == (RunStatus.FAILED, "An internal error ended the run")


async def test_a_worker_that_is_taken_for_lost_cannot_move_the_run(auto: Automation) -> None:
    """Two workers at one run: what the first one stores after the second has begun is refused."""
    arrived, go_on = asyncio.Event(), asyncio.Event()
    calls: list[int] = []

    async def held(writer: asyncio.StreamWriter) -> None:
        calls.append(1)
        if len(calls) == 1:
            arrived.set()
            await go_on.wait()
        await reply()(writer)

    async with target(held) as inner:
        run = await auto.start(await auto.make({"kind": "http_request", "url": inner.url()}))
        slow = asyncio.create_task(do_run(auto.means, run.id, asyncio.Event()))
        await arrived.wait()
        await do_run(auto.means, run.id, asyncio.Event())
        done = await auto.get(run.id)
        go_on.set()
        await slow
    assert await auto.get(run.id) == done
    assert await auto.log(run) == [(0, 1, "interrupted"), (0, 2, "completed")]


async def test_a_killed_worker_s_run_goes_on_at_its_step(
    auto: Automation, redis_url: str, tmp_path: Path
) -> None:
    arrived, go_on = asyncio.Event(), asyncio.Event()

    async def held(writer: asyncio.StreamWriter) -> None:
        arrived.set()
        await go_on.wait()
        await reply()(writer)

    def second(inner: Target) -> bool:
        return len(inner.requests) == 2

    table_id = await auto.world.table("name")
    async with target(held) as inner:
        call = {"kind": "http_request", "url": inner.url()}
        workflow = await auto.make(add(table_id, name="one"), call, add(table_id, name="two"))
        run = await auto.start(workflow)
        worker = worker_process(auto.url, redis_url, tmp_path)
        try:
            await asyncio.wait_for(arrived.wait(), 120)
        finally:
            worker.kill()
        go_on.set()
        worker = worker_process(auto.url, redis_url, tmp_path)
        try:
            done = await auto.ended(run)
        finally:
            code = await asyncio.to_thread(worker.stop)
        assert second(inner)
    assert code == 0
    assert done.status is RunStatus.COMPLETED
    assert await auto.log(run) == [
        (0, 1, "completed"),
        (1, 1, "interrupted"),
        (1, 2, "completed"),
        (2, 1, "completed"),
    ]
    assert await auto.rows(table_id) == [{"name": "one"}, {"name": "two"}]
