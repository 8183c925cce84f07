"""Answers of enrichment as types."""

from typing import Any

from pydantic import Field

from rest_compat.stagent.answers import MOMENT, Answer


class EnrichmentStep(Answer):
    """A question of a plan."""

    id: str = Field(description="`final` is the one for the cell.")
    name: str = Field(description="What people call it.")
    purpose: str = Field(description="What it is for.")
    prompt: str = Field(description="The question.")
    agentProfile: str = Field(description="Who the model is told that it is.")


class EnrichmentTarget(Answer):
    """The column that a plan is for."""

    columnName: str = Field(description="Its name.")
    columnLabel: str = Field(description="What people see.")
    dataType: str = Field(description="Its type.")
    allowedOptions: list[str] = Field(default=[], description="Of a select only.")


class EnrichmentPlan(Answer):
    """How a column would be filled."""

    promptMode: str = Field(description="auto or custom.")
    strategy: str = Field(
        description="single-pass-classify, single-pass-lookup or research-and-synthesize."
    )
    agentProfile: str = Field(description="Who the model is told that it is.")
    reasoning: str = Field(description="Why it is so.")
    steps: list[EnrichmentStep] = Field(description="The questions, in order.")
    targetContract: EnrichmentTarget = Field(description="The column.")
    eligibleRowCount: int = Field(description="Rows that match and are empty there.")
    sampleBindings: list[dict[str, Any]] = Field(description="The first two of them.")


class EnrichmentStarted(Answer):
    """What was begun."""

    workflowId: str = Field(description="Opaque.")
    rowsQueued: int = Field(description="Rows that are being filled.")
    rowCount: int = Field(description="The same.")


class EnrichmentRun(Answer):
    """An enrichment that was begun."""

    workflowId: str = Field(description="Opaque.")
    name: str = Field(description="What people call it.")
    status: str = Field(description="draft, active, paused, completed or failed.")
    targetColumn: str = Field(description="The name of the column.")
    targetColumnLabel: str = Field(description="What people see.")
    strategy: str = Field(description="How a value is come by.")
    promptMode: str = Field(description="auto or custom.")
    rowsQueued: int = Field(description="Rows to be filled.")
    rowCount: int = Field(description="The same.")
    rowsCompleted: int = Field(description="Rows that it has been through.")
    createdAt: str = Field(pattern=MOMENT, description="ISO 8601, UTC, milliseconds.")
    updatedAt: str = Field(pattern=MOMENT, description="ISO 8601, UTC, milliseconds.")
