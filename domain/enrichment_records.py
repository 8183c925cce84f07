"""Enrichments as records: a plan of questions to a model that fill one column of the rows where it
is empty, and the run that carries it out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from domain.columns import ColumnType
from domain.entities import UNSET, Unset
from domain.filters import RawCondition
from domain.run_records import Budget, Run, RunStatus

MAX_TARGET = 128
MAX_PROMPT = 8_192
MAX_PROFILE = 128
MAX_NAME = 256
MAX_VARIABLE = 64
#: Rows of a batch: by default, and at most. More is brought down to the most, never refused.
DEFAULT_BATCH, MAX_BATCH = 50, 200
DEFAULT_VARIABLE = "row"
DEFAULT_RUNS, MAX_RUNS = 5, 10


class PromptMode(StrEnum):
    """Who words the questions: `auto` makes them from the column, `custom` takes the client's."""

    AUTO = "auto"
    CUSTOM = "custom"


class Strategy(StrEnum):
    """How a value is come by: in one question, or by gathering first and deciding then."""

    CLASSIFY = "single-pass-classify"
    LOOKUP = "single-pass-lookup"
    RESEARCH = "research-and-synthesize"


class EnrichmentStatus(StrEnum):
    """Where an enrichment stands; it follows from its run. A draft has none yet."""

    DRAFT = "draft"
    ACTIVE = "active"
    PAUSED = "paused"
    COMPLETED = "completed"
    FAILED = "failed"


#: Cells that failed leave a run partial; the enrichment has gone through all rows nevertheless.
_STATUSES: Mapping[RunStatus, EnrichmentStatus] = {
    RunStatus.QUEUED: EnrichmentStatus.ACTIVE,
    RunStatus.RUNNING: EnrichmentStatus.ACTIVE,
    RunStatus.PAUSED: EnrichmentStatus.PAUSED,
    RunStatus.COMPLETED: EnrichmentStatus.COMPLETED,
    RunStatus.PARTIAL: EnrichmentStatus.COMPLETED,
    RunStatus.FAILED: EnrichmentStatus.FAILED,
    RunStatus.CANCELLED: EnrichmentStatus.FAILED,
}


@dataclass(frozen=True, slots=True)
class PlanStep:
    """One question. Its prompt names columns as `{{row.<key>}}`, the answer before as
    `{{previous}}`, and any earlier one as `{{stepOutputs.<id>}}`."""

    id: str
    name: str
    purpose: str
    prompt: str
    agent_profile: str | None = None


@dataclass(frozen=True, slots=True)
class TargetContract:
    """The column that a plan was made for. `data_type` is as the client's dialect calls it;
    `allowed_options` are those of a select."""

    column: str
    label: str
    data_type: str
    allowed_options: Sequence[str] | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """What an enrichment does. `sample_bindings` are the first eligible rows: their values by key,
    and `id`."""

    prompt_mode: PromptMode
    strategy: Strategy
    agent_profile: str
    reasoning: str
    steps: Sequence[PlanStep]
    target: TargetContract
    eligible_rows: int = 0
    sample_bindings: Sequence[Mapping[str, Any]] = ()


@dataclass(frozen=True, slots=True)
class GivenPlan:
    """A plan that a client brings, perhaps changed by hand. What it leaves out is as it would be
    made."""

    steps: Sequence[PlanStep]
    target: TargetContract | None = None
    prompt_mode: PromptMode | None = None
    strategy: Strategy | None = None
    agent_profile: str | None = None
    reasoning: str | None = None


@dataclass(frozen=True, slots=True)
class EnrichmentRequest:
    """What is to be filled. Without a mode, a prompt makes it `custom`. `variable` is the word that
    stands for the row in prompts."""

    table_id: UUID
    target: str
    prompt_mode: PromptMode | None = None
    prompt: str | None = None
    filter: RawCondition | None = None
    agent_profile: str | None = None
    batch_size: int = DEFAULT_BATCH
    variable: str = DEFAULT_VARIABLE

    @property
    def mode(self) -> PromptMode:
        """The mode that holds."""
        if self.prompt_mode is not None:
            return self.prompt_mode
        return PromptMode.CUSTOM if self.prompt else PromptMode.AUTO


@dataclass(frozen=True, slots=True)
class EnrichmentStart:
    """An enrichment to be carried out, by a plan of the client's or by the one that would be made.
    Without a project it belongs to the table's."""

    request: EnrichmentRequest
    plan: GivenPlan | None = None
    name: str | None = None
    project_id: UUID | Unset | None = UNSET
    budget: Budget = field(default_factory=Budget)


@dataclass(frozen=True, slots=True)
class NewEnrichment:
    """A checked enrichment on its way to storage, before its run."""

    id: UUID
    run_id: UUID
    project_id: UUID | None
    table_id: UUID
    column_number: int
    name: str
    plan: Mapping[str, Any]
    rows_queued: int


@dataclass(frozen=True, slots=True)
class Enrichment:
    """An enrichment with its run; None until that has begun. `plan` is the stored form."""

    id: UUID
    organization_id: UUID
    project_id: UUID | None
    table_id: UUID
    column_number: int
    name: str
    plan: Plan
    run: Run | None
    rows_counted: int
    created_by: str
    created_at: datetime
    updated_at: datetime

    @property
    def status(self) -> EnrichmentStatus:
        """Follows from the run."""
        return EnrichmentStatus.DRAFT if self.run is None else _STATUSES[self.run.status]

    @property
    def rows_queued(self) -> int:
        """Rows that it fills: counted when it began, until a large run knows what it took."""
        if self.run is None:
            return 0
        return self.run.rows_total if self.run.prepared else self.rows_counted

    @property
    def moved_at(self) -> datetime:
        """When it, or its run, last changed."""
        return max(self.updated_at, self.run.updated_at) if self.run else self.updated_at

    @property
    def rows_completed(self) -> int:
        """Rows that it has been through, whatever came of them."""
        return self.run.cells_done - self.run.cells_left if self.run else 0


#: Types of columns that can be enriched.
TARGET_TYPES = frozenset(
    {
        ColumnType.TEXT,
        ColumnType.NUMBER,
        ColumnType.BOOLEAN,
        ColumnType.SELECT,
        ColumnType.URL,
        ColumnType.EMAIL,
    }
)
