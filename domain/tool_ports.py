"""What running tools needs from other rooms: engines that answer, wherever they run."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Protocol
from uuid import UUID

from domain.columns import Column
from domain.extraction_ports import DocumentClassifier, DocumentSource, Extractor
from domain.provider_records import ProviderTester
from domain.tool_records import Answer, Tool, ToolCall


@dataclass(frozen=True, slots=True)
class ToolWork:
    """Cells of one column that one tool shall fill.

    `inputs` are the tool's input columns by key. `actor` is who asked for it. With `use_cache`, an
    answer that was given to the same question before is taken again, and nobody pays for it. With
    `blank_is_nothing`, a model that writes nothing says that there is nothing, as it does by the
    words of the contract; else it has not answered."""

    organization_id: UUID
    table_id: UUID
    column: Column
    tool: Tool
    inputs: Mapping[str, Column]
    calls: Sequence[ToolCall]
    actor: str
    use_cache: bool = True
    blank_is_nothing: bool = False


class TryLater(Exception):
    """An engine wants to be left alone for a while: too many requests, or it is overloaded. Cells
    without an answer stay as they are, and are asked again after `seconds`."""

    def __init__(self, reason: str, seconds: float) -> None:
        super().__init__(reason)
        self.reason = reason
        self.seconds = seconds


class ToolRunner(Protocol):
    """Runs tools outside of any transaction. One bad row never stops the others: its answer has an
    `error`."""

    def answers(self, work: ToolWork) -> AsyncIterator[Answer]:
        """An answer for each call, in the order in which they come. Raises `TryLater`."""
        ...


class ProgramChecker(Protocol):
    """Reads programs where they would run."""

    async def check(self, code: str) -> str | None:
        """A sentence that says why a Python tool with this code could give no value for any row,
        None when nothing is known. What can be read without running it is `domain.tool_code`."""
        ...


@dataclass(frozen=True, slots=True)
class CallEstimate:
    """What one call will take: at least and at most, retries included. Costs are in US dollars;
    None when no price is known. A call that the cache answers, or that no model sees, takes
    nothing."""

    input_tokens_low: int = 0
    input_tokens_high: int = 0
    output_tokens_low: int = 0
    output_tokens_high: int = 0
    cost_low: Decimal | None = Decimal(0)
    cost_high: Decimal | None = Decimal(0)

    @property
    def tokens_low(self) -> int:
        return self.input_tokens_low + self.output_tokens_low

    @property
    def tokens_high(self) -> int:
        return self.input_tokens_high + self.output_tokens_high


class ToolEstimator(Protocol):
    """Tells what work would take, without doing it."""

    async def estimates(self, work: ToolWork) -> Sequence[CallEstimate]:
        """An estimate for each call of the work, in order. The high bounds are kept: who reserves
        their sum never spends more."""
        ...


class AnswerStore(Protocol):
    """Where answers that were paid for are kept, by the hash of what was asked."""

    async def find(
        self, organization_id: UUID, hashes: Sequence[str]
    ) -> Mapping[str, Mapping[str, Any]]: ...

    async def keep(self, organization_id: UUID, hash_: str, answer: Mapping[str, Any]) -> None: ...


class Toolbox(ToolRunner, ToolEstimator, ProgramChecker, Protocol):
    """All kinds of tools as one."""


@dataclass(frozen=True, slots=True)
class Engines:
    """What a process runs tools and reads documents with."""

    tools: Toolbox
    providers: ProviderTester
    extractor: Extractor
    classifier: DocumentClassifier
    documents: DocumentSource
