"""Mutations of enrichment."""

from typing import Annotated

import strawberry

from domain import enrichment as use_cases
from domain import enrichment_records as records
from domain.entities import UNSET
from domain.run_records import Budget
from gql.context import Info, given_id
from gql.mutations.runs import RunBudgetInput, budget_of
from gql.types.enrichment import Enrichment, EnrichmentPlan, EnrichmentStrategy, PromptMode
from gql.types.errors import EXPECTED, UserError, user_errors
from gql.types.filters import RowFilter, raw_filter

_PROFILE = "Who the model is told that it is, 1 to 128 characters."


@strawberry.input(description="A column to be filled where it is empty.")
class EnrichmentPlanInput:
    table_id: strawberry.ID = strawberry.field(description="The table.")
    target_column: str = strawberry.field(
        description="The key of a text, number, boolean, select, url or email column."
    )
    prompt_mode: PromptMode | None = strawberry.field(
        default=None, description="Who words the questions. Without it, a prompt makes it CUSTOM."
    )
    prompt: str | None = strawberry.field(
        default=None,
        description="The question, at most 8,192 characters, with `{{row.<key>}}` for columns; "
        "with AUTO, a hint.",
    )
    filter: RowFilter | None = strawberry.field(default=None, description="Only rows that match.")
    agent_profile: str | None = strawberry.field(default=None, description=_PROFILE)
    batch_size: int = strawberry.field(
        default=records.DEFAULT_BATCH, description="Rows of a batch, from 1; at most 200 are taken."
    )


@strawberry.input(description="A question of a given plan.")
class EnrichmentStepInput:
    id: str = strawberry.field(description="Unique in the plan, 1 to 64 characters.")
    prompt: str = strawberry.field(description="The question.")
    name: str | None = strawberry.field(default=None, description="What people call it.")
    purpose: str = strawberry.field(default="", description="What it is for.")
    agent_profile: str | None = strawberry.field(default=None, description=_PROFILE)


@strawberry.input(description="A plan to follow, perhaps changed by hand.")
class EnrichmentGivenPlanInput:
    steps: list[EnrichmentStepInput] = strawberry.field(
        description="The questions, the last one for the cell; with CUSTOM exactly one."
    )
    prompt_mode: PromptMode | None = strawberry.field(
        default=None, description="Who words the questions."
    )
    strategy: EnrichmentStrategy | None = strawberry.field(
        default=None, description="How a value is come by."
    )
    agent_profile: str | None = strawberry.field(default=None, description=_PROFILE)
    reasoning: str | None = strawberry.field(default=None, description="Why it is so.")


@strawberry.input(description="A column to be filled now.")
class EnrichmentStartInput(EnrichmentPlanInput):
    plan: EnrichmentGivenPlanInput | None = strawberry.field(
        default=None, description="A plan to follow; without it, the one that would be made."
    )
    name: str | None = strawberry.field(
        default=None, description="1 to 256 characters; else `Enrich <table> · <column>`."
    )
    project_id: strawberry.Maybe[strawberry.ID | None] = strawberry.field(
        description="The project that it belongs to; absent: the table's."
    )
    budget: RunBudgetInput | None = strawberry.field(
        default=None, description="What its run may take at most."
    )


@strawberry.type(description="The answer of `enrichmentPlan`.")
class EnrichmentPlanPayload:
    plan: EnrichmentPlan | None = strawberry.field(description="The plan.")
    errors: list[UserError] = strawberry.field(description="Why there is none.")


@strawberry.type(description="The answer of `enrichmentStart`.")
class EnrichmentStartPayload:
    enrichment: Enrichment | None = strawberry.field(description="The enrichment as it stands.")
    errors: list[UserError] = strawberry.field(description="Why nothing was begun.")


@strawberry.type
class EnrichmentMutations:
    @strawberry.mutation(
        description="How a column would be filled where it is empty. Writes nothing, asks nobody."
    )
    async def enrichment_plan(
        self,
        info: Info,
        input: Annotated[EnrichmentPlanInput, strawberry.argument(description="The column.")],
    ) -> EnrichmentPlanPayload | None:
        context = info.context
        try:
            made = await use_cases.plan_enrichment(context.viewer, context.storage, _request(input))
        except EXPECTED as error:
            return EnrichmentPlanPayload(plan=None, errors=user_errors(error))
        return EnrichmentPlanPayload(plan=EnrichmentPlan.of(made), errors=[])

    @strawberry.mutation(
        description="Fill a column in all rows that match and are empty there, in the background: "
        "follow `runProgress` of its run."
    )
    async def enrichment_start(
        self,
        info: Info,
        input: Annotated[EnrichmentStartInput, strawberry.argument(description="The column.")],
    ) -> EnrichmentStartPayload | None:
        context = info.context
        try:
            command = _command(input)
            begun = await use_cases.start_enrichment(context.viewer, context.storage, command)
        except EXPECTED as error:
            return EnrichmentStartPayload(enrichment=None, errors=user_errors(error))
        return EnrichmentStartPayload(enrichment=Enrichment.of(begun), errors=[])


def _request(given: EnrichmentPlanInput) -> records.EnrichmentRequest:
    return records.EnrichmentRequest(
        given_id(given.table_id),
        given.target_column,
        records.PromptMode(str(given.prompt_mode.value)) if given.prompt_mode else None,
        given.prompt,
        raw_filter(given.filter) if given.filter is not None else None,
        given.agent_profile,
        given.batch_size,
    )


def _command(given: EnrichmentStartInput) -> records.EnrichmentStart:
    project = given.project_id
    named = project.value if project is not None else None
    return records.EnrichmentStart(
        _request(given),
        _plan(given.plan) if given.plan is not None else None,
        given.name,
        UNSET if project is None else (given_id(named) if named is not None else None),
        budget_of(given.budget) if given.budget is not None else Budget(),
    )


def _plan(given: EnrichmentGivenPlanInput) -> records.GivenPlan:
    return records.GivenPlan(
        [
            records.PlanStep(
                step.id, step.name or step.id, step.purpose, step.prompt, step.agent_profile
            )
            for step in given.steps
        ],
        None,
        records.PromptMode(str(given.prompt_mode.value)) if given.prompt_mode else None,
        records.Strategy(str(given.strategy.value)) if given.strategy else None,
        given.agent_profile,
        given.reasoning,
    )
