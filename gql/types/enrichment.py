"""Enrichments, their plans and where they stand."""

from datetime import datetime
from enum import Enum

import strawberry

from domain import enrichment_records as records
from gql.context import Info
from gql.scalars import JSON
from gql.types.runs import Run
from gql.types.tables import Table


@strawberry.enum(description="Who words the questions of an enrichment.")
class PromptMode(Enum):
    AUTO = strawberry.enum_value("auto", description="They are made from the column.")
    CUSTOM = strawberry.enum_value("custom", description="The prompt is the only question.")


@strawberry.enum(description="How an enrichment comes by a value.")
class EnrichmentStrategy(Enum):
    SINGLE_PASS_CLASSIFY = strawberry.enum_value(
        "single-pass-classify", description="One question with a closed set of answers."
    )
    SINGLE_PASS_LOOKUP = strawberry.enum_value(
        "single-pass-lookup", description="One question for one short value."
    )
    RESEARCH_AND_SYNTHESIZE = strawberry.enum_value(
        "research-and-synthesize", description="Gather first, write then."
    )


@strawberry.enum(description="Where an enrichment stands. It follows from its run.")
class EnrichmentStatus(Enum):
    DRAFT = strawberry.enum_value("draft", description="Its run has not begun.")
    ACTIVE = strawberry.enum_value("active", description="Rows are being filled.")
    PAUSED = strawberry.enum_value("paused", description="Its run is paused.")
    COMPLETED = strawberry.enum_value(
        "completed", description="It has been through all rows; some cells may have failed."
    )
    FAILED = strawberry.enum_value(
        "failed", description="Its run was cancelled, or no cell could be filled."
    )


@strawberry.type(description="A question of a plan.")
class EnrichmentStep:
    id: str = strawberry.field(
        description="Names its answer for later questions: `{{stepOutputs.<id>}}`."
    )
    name: str = strawberry.field(description="What people call it.")
    purpose: str = strawberry.field(description="What it is for.")
    prompt: str = strawberry.field(
        description="The question: `{{row.<key>}}` stands for a column, `{{previous}}` for the "
        "answer before."
    )
    agent_profile: str = strawberry.field(description="Who the model is told that it is.")


@strawberry.type(description="How a column is filled where it is empty.")
class EnrichmentPlan:
    prompt_mode: PromptMode = strawberry.field(description="Who words the questions.")
    strategy: EnrichmentStrategy = strawberry.field(description="How a value is come by.")
    agent_profile: str = strawberry.field(description="Who the model is told that it is.")
    reasoning: str = strawberry.field(description="Why it is so.")
    steps: list[EnrichmentStep] = strawberry.field(
        description="The questions; the last one is for the cell."
    )
    target_column: str = strawberry.field(description="The key of the column.")
    target_label: str = strawberry.field(description="Its label.")
    target_type: str = strawberry.field(description="Its type, in small letters.")
    allowed_options: list[str] | None = strawberry.field(
        description="The options of a select; null for other types."
    )
    eligible_row_count: int = strawberry.field(
        description="Rows that match and were empty when the plan was made."
    )
    sample_bindings: list[JSON] = strawberry.field(
        description="The first two of them: `id`, and values by key. Not kept with an enrichment."
    )

    @classmethod
    def of(cls, plan: records.Plan) -> "EnrichmentPlan":
        target = plan.target
        return cls(
            prompt_mode=PromptMode(plan.prompt_mode.value),
            strategy=EnrichmentStrategy(plan.strategy.value),
            agent_profile=plan.agent_profile,
            reasoning=plan.reasoning,
            steps=[
                EnrichmentStep(
                    id=step.id,
                    name=step.name,
                    purpose=step.purpose,
                    prompt=step.prompt,
                    agent_profile=step.agent_profile or plan.agent_profile,
                )
                for step in plan.steps
            ],
            target_column=target.column,
            target_label=target.label,
            target_type=target.data_type,
            allowed_options=(
                None if target.allowed_options is None else list(target.allowed_options)
            ),
            eligible_row_count=plan.eligible_rows,
            sample_bindings=[JSON(dict(each)) for each in plan.sample_bindings],
        )


@strawberry.type(description="A column that is filled, or was, where it was empty.")
class Enrichment:
    record: strawberry.Private[records.Enrichment]
    id: strawberry.ID = strawberry.field(
        description="The id; the Tables API calls it a workflow's."
    )
    name: str = strawberry.field(description="What people call it.")
    status: EnrichmentStatus = strawberry.field(description="Where it stands.")
    plan: EnrichmentPlan = strawberry.field(description="What it asks.")
    rows_queued: int = strawberry.field(description="Rows that it fills.")
    rows_completed: int = strawberry.field(
        description="Rows that it has been through, whatever came of them."
    )
    run: Run | None = strawberry.field(
        description="The run that carries it out; follow it with `runProgress`."
    )
    project_id: strawberry.ID | None = strawberry.field(description="The project it belongs to.")
    created_by: str = strawberry.field(description="Who began it: the id of an API key.")
    created_at: datetime = strawberry.field(description="When it was begun.")
    updated_at: datetime = strawberry.field(description="When it last moved.")

    @strawberry.field(description="The table; null when that was deleted.")
    async def table(self, info: Info) -> Table | None:
        table = await info.context.loaders.tables.load(self.record.table_id)
        return Table.of(table) if table else None

    @classmethod
    def of(cls, record: records.Enrichment) -> "Enrichment":
        run, project = record.run, record.project_id
        return cls(
            record=record,
            id=strawberry.ID(str(record.id)),
            name=record.name,
            status=EnrichmentStatus(record.status.value),
            plan=EnrichmentPlan.of(record.plan),
            rows_queued=record.rows_queued,
            rows_completed=record.rows_completed,
            run=Run.of(run) if run else None,
            project_id=strawberry.ID(str(project)) if project else None,
            created_by=record.created_by,
            created_at=record.created_at,
            updated_at=record.moved_at,
        )
