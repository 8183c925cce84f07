"""Plans: what strategy, profile and questions a column gets, and which given plans fit it."""

from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from domain import enrichment
from domain.columns import Column, ColumnType, NewColumn
from domain.enrichment_plans import (
    follow_plan,
    given_problems,
    make_plan,
    output_contract,
    plan_json,
    plan_of,
    tool_of_plan,
)
from domain.enrichment_records import (
    EnrichmentRequest,
    GivenPlan,
    PlanStep,
    PromptMode,
    Strategy,
    TargetContract,
)
from domain.errors import Invalid, NotFound
from domain.filters import RawWhere
from domain.tool_records import AiTool
from tests.runs.running import Running

_TABLE = UUID(int=1)


def _column(type_: ColumnType, *options: str) -> Column:
    config = {"options": list(options)} if options else None
    return Column(UUID(int=2), 3, "target", "Target", type_, 2, config=config)


def _request(prompt: str | None = None, mode: PromptMode | None = None) -> EnrichmentRequest:
    return EnrichmentRequest(_TABLE, "target", mode, prompt)


CLASSIFY, LOOKUP, RESEARCH = Strategy.CLASSIFY, Strategy.LOOKUP, Strategy.RESEARCH
AUTO, CUSTOM = PromptMode.AUTO, PromptMode.CUSTOM
STRATEGIES = [
    (ColumnType.SELECT, None, AUTO, CLASSIFY, "data-analyst"),
    (ColumnType.SELECT, "Research it", AUTO, CLASSIFY, "data-analyst"),
    (ColumnType.BOOLEAN, None, AUTO, CLASSIFY, "data-analyst"),
    (ColumnType.NUMBER, None, AUTO, LOOKUP, "data-analyst"),
    (ColumnType.URL, "research", AUTO, LOOKUP, "sales-researcher"),
    (ColumnType.EMAIL, None, AUTO, LOOKUP, "sales-researcher"),
    (ColumnType.TEXT, None, AUTO, LOOKUP, "general"),
    (ColumnType.TEXT, "the name of the boss", AUTO, LOOKUP, "general"),
    (ColumnType.TEXT, "RESEARCH the market", AUTO, RESEARCH, "data-analyst"),
    (ColumnType.TEXT, "synthesize", AUTO, RESEARCH, "data-analyst"),
    (ColumnType.TEXT, "a Score", AUTO, RESEARCH, "data-analyst"),
    (ColumnType.TEXT, "one summary", AUTO, RESEARCH, "data-analyst"),
    (ColumnType.TEXT, "Why they buy", AUTO, RESEARCH, "data-analyst"),
    (ColumnType.TEXT, "whyever", AUTO, LOOKUP, "general"),
    (ColumnType.TEXT, "research", CUSTOM, LOOKUP, "general"),
    (ColumnType.SELECT, "choose", CUSTOM, CLASSIFY, "data-analyst"),
]


@pytest.mark.parametrize(("type_", "prompt", "mode", "strategy", "profile"), STRATEGIES)
def test_strategy_and_profile(
    type_: ColumnType, prompt: str | None, mode: PromptMode, strategy: Strategy, profile: str
) -> None:
    plan = make_plan(_request(prompt, mode), _column(type_, "A", "B"))
    assert (plan.strategy, plan.agent_profile, plan.prompt_mode) == (strategy, profile, mode)
    ids = [step.id for step in plan.steps]
    assert ids == (["research", "final"] if strategy is RESEARCH else ["final"])
    assert "{{previous}}" not in plan.steps[0].prompt
    assert ("{{previous}}" in plan.steps[-1].prompt) is (strategy is RESEARCH)
    assert plan.steps[-1].prompt.endswith(output_contract(_column(type_, "A", "B")))
    own = replace(_request(prompt, mode), agent_profile="writer")
    assert make_plan(own, _column(type_)).agent_profile == "writer"


def test_the_mode_follows_the_prompt_when_nobody_says() -> None:
    assert _request().mode is AUTO
    assert _request("Look").mode is CUSTOM
    assert _request("Look", AUTO).mode is AUTO


@pytest.mark.parametrize(
    ("type_", "said"),
    [
        (ColumnType.TEXT, "plain text"),
        (ColumnType.NUMBER, "one bare number"),
        (ColumnType.BOOLEAN, "true or false"),
        (ColumnType.URL, "one absolute URL"),
        (ColumnType.EMAIL, "one e-mail address"),
        (ColumnType.SELECT, 'exactly one of ["A", "Ö"]'),
    ],
)
def test_the_contract_of_each_type(type_: ColumnType, said: str) -> None:
    options = ("A", "Ö") if type_ is ColumnType.SELECT else ()
    told = output_contract(_column(type_, *options))
    assert said in told
    assert "NOT_FOUND" in told


def test_a_plan_becomes_a_tool() -> None:
    column = _column(ColumnType.TEXT)
    steps = [
        PlanStep("look", "Look", "", "About {{ item.city.name }} and {{item.name}}", "researcher"),
        PlanStep("final", "End", "", f"From {{{{previous}}}}\n\n{output_contract(column)}"),
    ]
    given = GivenPlan(steps, agent_profile="writer", prompt_mode=AUTO)
    plan = follow_plan(given, _request(), column)
    assert plan_of(plan_json(plan)) == plan
    tool = tool_of_plan(plan, column, ["a", "name", "target", "city"], "item")
    assert tool.inputs == ("city", "name", "a")
    settings = tool.settings
    assert isinstance(settings, AiTool)
    assert settings.prompt == "From {{previous}}"
    assert settings.agent_profile == "writer"
    [first] = settings.steps
    assert first.prompt == "About {{ city.name }} and {{name}}"
    assert (first.id, first.agent_profile) == ("look", "researcher")


def test_a_tool_reads_a_hundred_columns_and_those_named_first() -> None:
    column = _column(ColumnType.TEXT)
    plan = make_plan(_request("Of {{row.k150}}"), column)
    tool = tool_of_plan(plan, column, [f"k{n}" for n in range(200)], "row")
    assert len(tool.inputs) == 100
    assert tool.inputs[:2] == ("k150", "k0")


def test_a_paper_is_read_when_a_prompt_names_it() -> None:
    column = _column(ColumnType.TEXT)
    for prompt, inputs in (("Of {{row.a}}", ("a",)), ("Of {{row.b}}", ("b", "a"))):
        plan = make_plan(_request(prompt), column)
        assert tool_of_plan(plan, column, ["a", "b"], "row", {"b"}).inputs == inputs


def test_given_plans_that_do_not_fit() -> None:
    column, request = _column(ColumnType.SELECT, "A", "B"), _request()
    step = PlanStep("final", "", "", "Choose")

    def told(*steps: PlanStep, **more: Any) -> list[tuple[str, ...]]:
        found = given_problems(GivenPlan(list(steps), **more), request, column)
        return [problem.path for problem in found]

    assert told(step) == []
    assert told() == [("plan", "steps")]
    assert told(step, replace(step, id="b"), prompt_mode=CUSTOM) == [("plan", "steps")]
    assert told(step, step) == [("plan", "steps", "1", "id")]
    good = TargetContract("target", "Any", "select", ["A", "B"])
    assert told(step, target=good) == []
    assert told(step, target=replace(good, allowed_options=["B", "A"])) == []
    for change, name in (
        ({"column": "other"}, "columnName"),
        ({"data_type": "text"}, "dataType"),
        ({"allowed_options": ["B"]}, "allowedOptions"),
        ({"allowed_options": None}, "allowedOptions"),
    ):
        wrong: Any = replace(good, **change)
        assert told(step, target=wrong) == [("plan", "targetContract", name)]


async def test_a_plan_counts_the_rows_that_are_empty(running: Running) -> None:
    world = running.world
    flag = NewColumn("flag", "Flag", ColumnType.BOOLEAN)
    table_id = await world.table("name", "note", NewColumn("n", "N", ColumnType.NUMBER), flag)
    ids = await world.add(
        table_id,
        {"name": "a", "note": " \n\t", "flag": False, "n": 0},
        {"name": "b", "note": "x"},
        {"name": "c"},
        {"name": "d", "note": ""},
    )

    async def plan(target: str, **more: Any) -> Any:
        request = EnrichmentRequest(table_id, target, **more)
        return await enrichment.plan_enrichment(world.viewer, world.storage, request)

    found = await plan("note")
    assert found.eligible_rows == 3
    first, second = found.sample_bindings
    assert first["id"] == str(ids[0])
    assert (first["name"], first["note"], first["flag"]) == ("a", " \n\t", False)
    assert second["id"] == str(ids[2])
    assert (await plan("flag")).eligible_rows == 3
    assert (await plan("n")).eligible_rows == 3
    only = RawWhere("name", "in", ["c", "b"])
    assert (await plan("note", filter=only)).eligible_rows == 1


async def test_bad_requests_name_everything(running: Running) -> None:
    world = running.world
    day = NewColumn("day", "Day", ColumnType.DATE)
    table_id = await world.table("name", day)

    async def refused(target: str, **more: Any) -> Any:
        request = EnrichmentRequest(table_id, target, **more)
        with pytest.raises(Invalid) as caught:
            await enrichment.plan_enrichment(world.viewer, world.storage, request)
        return [(problem.path, problem.message) for problem in caught.value.problems]

    [(path, message)] = await refused("nobody")
    assert path == ("targetColumn",)
    assert message == f'Column "nobody" does not exist on table {table_id}'
    [(path, message)] = await refused("day")
    assert "unsupported data type" in message
    told = await refused("name", prompt_mode=CUSTOM, prompt="  ", batch_size=0, variable="")
    assert [path for path, _ in told] == [("itemVariable",), ("batchSize",), ("prompt",)]
    [(path, _)] = await refused("name", filter=RawWhere("nobody", "eq", 1))
    assert path == ("filter", "column")
    request = EnrichmentRequest(_TABLE, "name")
    with pytest.raises(NotFound):
        await enrichment.plan_enrichment(world.viewer, world.storage, request)
