"""Bodies of requests to enrich a column."""

from typing import Any, Literal

from pydantic import Field

from domain.enrichment_records import (
    DEFAULT_BATCH,
    DEFAULT_VARIABLE,
    MAX_NAME,
    MAX_PROFILE,
    MAX_PROMPT,
    MAX_TARGET,
    MAX_VARIABLE,
)
from domain.tools import MAX_STEPS
from rest_compat.stagent.bodies import Body, Text
from rest_compat.stagent.rows import Condition

Mode = Literal["auto", "custom"]
_MODE = "`auto` words the questions itself, `custom` asks `prompt`."


class PlanRequestBody(Body):
    """A column to be filled where it is empty."""

    targetColumn: Text = Field(
        min_length=1,
        max_length=MAX_TARGET,
        description="The name of a column: text, number, boolean, select, url or email.",
    )
    promptMode: Mode | None = Field(
        None, description=f"{_MODE} Without it, a prompt makes it custom."
    )
    prompt: Text | None = Field(
        None,
        max_length=MAX_PROMPT,
        description="Required for `custom`. `{{row.<column>}}` stands for a value of the row.",
    )
    filter: Condition | None = Field(None, description="Only rows that match.")
    agentProfile: Text | None = Field(
        None, min_length=1, max_length=MAX_PROFILE, description="Who the model is told that it is."
    )
    agentProfileOverride: Text | None = Field(
        None, min_length=1, max_length=MAX_PROFILE, description="The same; it goes before."
    )
    batchSize: int = Field(
        DEFAULT_BATCH, ge=1, description="Rows of a batch; more than 200 are brought down to that."
    )
    itemVariable: Text = Field(
        DEFAULT_VARIABLE,
        min_length=1,
        max_length=MAX_VARIABLE,
        description="The word for the row in prompts.",
    )


class PlanStepBody(Body):
    """A question of a plan."""

    id: Text = Field(min_length=1, max_length=64, description="Unique in the plan.")
    name: Text = Field("", max_length=256, description="What people call it.")
    purpose: Text = Field("", max_length=MAX_PROMPT, description="What it is for.")
    prompt: Text = Field(min_length=1, max_length=16_384, description="The question.")
    agentProfile: Text | None = Field(
        None, min_length=1, max_length=MAX_PROFILE, description="Who the model is told that it is."
    )


class TargetContractBody(Body):
    """The column that a plan was made for."""

    columnName: Text = Field(description="Its name.")
    columnLabel: Text = Field("", description="What people see.")
    dataType: Text = Field(description="Its type.")
    allowedOptions: list[Text] | None = Field(None, description="The options of a select.")


class PlanBody(Body):
    """A plan as `enrich/plan` gives it, perhaps changed by hand."""

    promptMode: Mode | None = Field(None, description=_MODE)
    strategy: (
        Literal["single-pass-classify", "single-pass-lookup", "research-and-synthesize"] | None
    ) = Field(None, description="How a value is come by.")
    agentProfile: Text | None = Field(
        None, min_length=1, max_length=MAX_PROFILE, description="For steps that name none."
    )
    reasoning: Text | None = Field(None, max_length=MAX_PROMPT, description="Why it is so.")
    steps: list[PlanStepBody] = Field(
        max_length=MAX_STEPS + 1, description="The questions, the last one for the cell."
    )
    targetContract: TargetContractBody = Field(description="It must fit the column.")
    eligibleRowCount: Any = Field(None, description="Counted anew.")
    sampleBindings: Any = Field(None, description="Read anew.")


class EnrichBody(PlanRequestBody):
    """A column to be filled now."""

    projectId: str | None = Field(None, description="The project; the table's without it.")
    workflowName: Text | None = Field(
        None, min_length=1, max_length=MAX_NAME, description="`Enrich <table> · <column>` without."
    )
    plan: PlanBody | None = Field(None, description="A plan to follow.")
