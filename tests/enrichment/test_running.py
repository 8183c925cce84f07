"""Enrichments carried out: by rules, by models, in one question and in several."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from domain import enrichment, rows, runs
from domain.columns import ColumnType, NewColumn
from domain.enrichment_records import (
    Enrichment,
    EnrichmentRequest,
    EnrichmentStart,
    EnrichmentStatus,
    GivenPlan,
    PlanStep,
    PromptMode,
)
from domain.errors import Invalid
from domain.filters import RawWhere
from domain.run_records import RunStatus
from processing.step_tools import StepTools
from tests.models.replies import Call, text, value
from tests.providers.asking import Asking, open_asking
from tests.runs.running import Running

SELECT = NewColumn(
    "priority", "Priority", ColumnType.SELECT, config={"options": ["High", "Medium", "Low"]}
)
TICKETS = [
    {"note": "Priority: high. The server is down."},
    {"note": "priority: LOW, a typo on the page"},
    {"note": "priority medium, please"},
]


@pytest.fixture
async def asking(running: Running) -> AsyncIterator[Asking]:
    async with open_asking(running.world) as opened:
        yield opened


async def start(running: Running, table_id: UUID, target: str, **more: Any) -> Enrichment:
    """Begin an enrichment."""
    names = ("plan", "name", "project_id", "budget")
    outer = {name: more.pop(name) for name in names if name in more}
    command = EnrichmentStart(EnrichmentRequest(table_id, target, **more), **outer)
    return await enrichment.start_enrichment(running.world.viewer, running.world.storage, command)


async def done(running: Running, asking: Asking, begun: Enrichment) -> Enrichment:
    """The enrichment when its run has ended."""
    assert begun.run is not None
    async with running.worker(StepTools(asking.tools)):  # type: ignore[arg-type]
        await running.over(begun.run)
    world = running.world
    return await enrichment.get_enrichment(world.viewer, world.storage, begun.id)


async def test_without_a_provider_rules_classify(running: Running, asking: Asking) -> None:
    table_id = await running.world.table("note", SELECT)
    await running.world.add(table_id, *TICKETS, {"note": "x", "priority": "Low"})
    begun = await start(running, table_id, "priority")
    assert (begun.status, begun.rows_queued, begun.rows_completed) == (
        EnrichmentStatus.ACTIVE, 3, 0,
    )  # fmt: skip
    assert begun.name == "Enrich Test · Priority"
    ended = await done(running, asking, begun)
    assert (ended.status, ended.rows_queued, ended.rows_completed) == (
        EnrichmentStatus.COMPLETED, 3, 3,
    )  # fmt: skip
    assert await running.values(table_id, "priority") == ["High", "Low", "Medium", "Low"]
    states = await running.states(table_id, "priority")
    assert states[0] is not None
    assert states[0]["status"] == "resolved"
    assert states[0]["producer"]["kind"] == "rules"
    assert states[3] is None or states[3]["status"] == "resolved"
    again = await start(running, table_id, "priority")
    assert (again.status, again.rows_queued) == (EnrichmentStatus.COMPLETED, 0)
    listed = await enrichment.list_enrichments(
        running.world.viewer, running.world.storage, table_id, None, 5
    )
    assert [each.id for each in listed] == [again.id, ended.id]
    await running.check_log(table_id)


async def test_several_questions_hand_on_what_they_found(running: Running, asking: Asking) -> None:
    await asking.provider()
    table_id = await running.world.table("company", "previous", "pitch")
    await running.world.add(table_id, {"company": "Acme", "previous": "old"})

    def answer(call: Call) -> Any:
        return value("made of iron" if call.task.startswith("Research") else "Buy iron")

    asking.models.answer = answer
    mode = PromptMode.AUTO
    begun = await start(
        running,
        table_id,
        "pitch",
        prompt="Why {{row.company}}, {{row.previous}}?",
        prompt_mode=mode,
    )
    ended = await done(running, asking, begun)
    assert ended.status is EnrichmentStatus.COMPLETED
    assert await running.values(table_id, "pitch") == ["Buy iron"]
    research, final = asking.models.calls
    assert "{{company}}" in research.task
    assert research.inputs == {"company": "Acme", "row.previous": "old"}
    assert final.inputs == {
        "company": "Acme", "row.previous": "old", "previous": "made of iron",
    }  # fmt: skip
    assert "OUTPUT" not in final.task
    assert "data analyst" in final.system
    assert ended.run is not None
    assert ended.run.input_tokens > 0


async def test_steps_of_a_given_plan(running: Running, asking: Asking) -> None:
    await asking.provider()
    table_id = await running.world.table("company", "size")
    await running.world.add(table_id, {"company": "Acme"})
    asking.models.answer = lambda call: value(f"<{call.task}>")
    steps = [
        PlanStep("a", "A", "", "first"),
        PlanStep("b", "B", "", "second", "writer"),
        PlanStep("final", "F", "", "{{stepOutputs.a}} {{previous}} {{it.company}}"),
    ]
    plan = GivenPlan(steps, prompt_mode=PromptMode.AUTO)
    begun = await start(running, table_id, "size", plan=plan, variable="it", name="Mine")
    assert begun.name == "Mine"
    await done(running, asking, begun)
    one, two, last = asking.models.calls
    assert one.inputs == two.inputs == {"company": "Acme"}
    assert "editor" in two.system
    assert last.inputs == {
        "company": "Acme", "stepOutputs.a": "<first>", "previous": "<second>",
    }  # fmt: skip
    assert last.task == "{{stepOutputs.a}} {{previous}} {{company}}"


async def test_what_is_not_found_stays_and_what_is_invalid_is_told(
    running: Running, asking: Asking
) -> None:
    await asking.provider()
    mail = NewColumn("mail", "Mail", ColumnType.EMAIL)
    table_id = await running.world.table("name", mail)
    await running.world.add(table_id, *({"name": name} for name in ("a", "b", "c", "d")))
    told = {"a": value("a@b.test"), "b": text("not_found"), "c": value("  "), "d": value("nobody")}
    asking.models.answer = lambda call: told[call.inputs["name"]]
    ended = await done(running, asking, await start(running, table_id, "mail"))
    assert (ended.status, ended.rows_queued, ended.rows_completed) == (
        EnrichmentStatus.COMPLETED, 4, 4,
    )  # fmt: skip
    assert await running.values(table_id, "mail") == ["a@b.test", None, None, None]
    assert await running.statuses(table_id, "mail") == ["resolved", None, None, "error"]
    states = await running.states(table_id, "mail")
    assert states[3] is not None
    assert "does not fit" in states[3]["error"]
    assert ended.run is not None
    assert ended.run.status is RunStatus.PARTIAL
    assert (ended.run.cells_resolved, ended.run.cells_failed, ended.run.cells_dropped) == (1, 1, 2)
    again = await start(running, table_id, "mail")
    assert again.rows_queued == 3


async def test_a_question_that_fails_names_its_step(running: Running, asking: Asking) -> None:
    table_id = await running.world.table("company", "pitch")
    await running.world.add(table_id, {"company": "Acme"})
    prompt = "A summary"
    begun = await start(running, table_id, "pitch", prompt=prompt, prompt_mode=PromptMode.AUTO)
    ended = await done(running, asking, begun)
    assert ended.status is EnrichmentStatus.FAILED
    [state] = await running.states(table_id, "pitch")
    assert state is not None
    assert state["error"].startswith("research: no provider")


async def test_rows_that_another_run_is_at_are_passed_over(
    running: Running, asking: Asking
) -> None:
    table_id = await running.world.table("note", SELECT)
    await running.world.add(table_id, *TICKETS)
    only = RawWhere("note", "contains", "typo")
    first = await start(running, table_id, "priority", filter=only, batch_size=1)
    assert first.rows_queued == 1
    second = await start(running, table_id, "priority", batch_size=1)
    assert second.rows_queued == 2
    assert second.run is not None
    assert second.run.cells_skipped == 1
    batches = await running.world.database.pool.fetchval(
        "SELECT count(*) FROM cell_batch WHERE run_id = $1", second.run.id
    )
    assert batches == 2
    await done(running, asking, second)
    await done(running, asking, first)
    assert await running.values(table_id, "priority") == ["High", "Low", "Medium"]


async def test_paused_and_cancelled_runs_show_in_the_status(running: Running) -> None:
    world = running.world
    table_id = await world.table("note", SELECT)
    await world.add(table_id, *TICKETS)
    begun = await start(running, table_id, "priority", project_id=None)
    assert begun.run is not None
    await runs.pause_run(world.viewer, world.storage, begun.run.id)
    found = await enrichment.get_enrichment(world.viewer, world.storage, begun.id)
    assert found.status is EnrichmentStatus.PAUSED
    await runs.stop_run(world.viewer, world.storage, begun.run.id)
    found = await enrichment.get_enrichment(world.viewer, world.storage, begun.id)
    assert (found.status, found.rows_completed) == (EnrichmentStatus.FAILED, 0)
    assert await running.statuses(table_id, "priority") == [None, None, None]


async def test_bad_starts_leave_nothing(running: Running) -> None:
    world = running.world
    table_id = await world.table("note", SELECT)
    for more, path in (
        ({"project_id": UUID(int=7)}, ("projectId",)),
        ({"name": " "}, ("workflowName",)),
        ({"plan": GivenPlan([])}, ("plan", "steps")),
        ({"filter": RawWhere("priority", "like", 1)}, ("filter", "operator")),
    ):
        with pytest.raises(Invalid) as caught:
            await start(running, table_id, "priority", **more)
        assert [problem.path for problem in caught.value.problems] == [path]
    assert not await enrichment.list_enrichments(world.viewer, world.storage, table_id, None, 5)


async def test_a_persons_word_wins_over_the_run(running: Running, asking: Asking) -> None:
    world = running.world
    table_id = await world.table("note", SELECT)
    ids = await world.add(table_id, *TICKETS)
    begun = await start(running, table_id, "priority")
    change = rows.RowChange(ids[0], {"priority": "Low"})
    await rows.update_rows(
        world.viewer, world.storage, rows.RowsUpdate(table_id, [change], "merge")
    )
    ended = await done(running, asking, begun)
    assert await running.values(table_id, "priority") == ["Low", "Low", "Medium"]
    assert (ended.rows_queued, ended.rows_completed) == (3, 3)
    assert replace(ended, run=None).status is EnrichmentStatus.DRAFT
