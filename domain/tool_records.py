"""Tools as records: what fills the cells of a column that nobody types in, and what it answers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID

from domain.documents import Box


class ToolKind(StrEnum):
    """The kinds of tools."""

    AI = "ai"
    PYTHON = "python"
    HTTP = "http"
    LOOKUP = "lookup"


@dataclass(frozen=True, slots=True)
class AiStep:
    """A question before the last one, which is answered with a text. `id` names it for those that
    follow."""

    id: str
    prompt: str
    agent_profile: str | None = None


@dataclass(frozen=True, slots=True)
class AiTool:
    """A question to a model. `prompt` holds `{{key}}` placeholders.

    `steps` are asked before it, in order. A later prompt takes what the one before it gave as
    `{{previous}}`, and what any earlier one gave as `{{stepOutputs.<id>}}`.

    Without `provider` the organisation's default one answers, or the rules engine when there is
    none; the provider `rules` always means the rules engine. `network` lets the model use the
    provider's own web search."""

    prompt: str
    provider: str | None = None
    model: str | None = None
    agent_profile: str | None = None
    temperature: float | None = None
    max_output_tokens: int | None = None
    network: bool = False
    steps: tuple[AiStep, ...] = ()


@dataclass(frozen=True, slots=True)
class PythonTool:
    """A program for the sandbox: `def run(row)` gets the inputs by key and returns the value."""

    code: str


@dataclass(frozen=True, slots=True)
class HttpTool:
    """A request for each row. `url`, `headers` and `body` hold `{{key}}` placeholders, headers also
    `{{secret.NAME}}`. `pointer` is a JSON Pointer (RFC 6901) into the answer; empty means all."""

    url: str
    method: str = "GET"
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str | None = None
    pointer: str = ""


@dataclass(frozen=True, slots=True)
class LookupTool:
    """The value of `take` in the first row of another table whose `against` equals this row's
    `match`. All three are column keys."""

    table_id: UUID
    match: str
    against: str
    take: str


ToolSettings = AiTool | PythonTool | HttpTool | LookupTool


@dataclass(frozen=True, slots=True)
class Tool:
    """A column's tool. `inputs` are the keys of the columns that it reads, in the order of their
    first mention."""

    settings: ToolSettings
    inputs: tuple[str, ...]

    @property
    def kind(self) -> ToolKind:
        return _KINDS[type(self.settings)]


_KINDS: Mapping[type, ToolKind] = {
    AiTool: ToolKind.AI,
    PythonTool: ToolKind.PYTHON,
    HttpTool: ToolKind.HTTP,
    LookupTool: ToolKind.LOOKUP,
}


class ProducerKind(StrEnum):
    """Who or what made a value."""

    PERSON = "person"
    MODEL = "model"
    RULES = "rules"
    PYTHON = "python"
    HTTP = "http"
    LOOKUP = "lookup"
    EXTERNAL = "external"


@dataclass(frozen=True, slots=True)
class Producer:
    """Where a cell's value comes from. `actor` is the key or trigger that started it. `version`
    says which edition of the engine or model answered; `prompt_hash` is SHA-256 of what it was
    asked apart from the row."""

    kind: ProducerKind
    actor: str | None = None
    provider: str | None = None
    model: str | None = None
    version: str | None = None
    prompt_hash: str | None = None
    cached: bool = False


@dataclass(frozen=True, slots=True)
class Usage:
    """What an answer cost. `cost` is in US dollars; None when no price is known."""

    input_tokens: int = 0
    output_tokens: int = 0
    cost: Decimal | None = Decimal(0)


@dataclass(frozen=True, slots=True)
class Citation:
    """Where in the inputs an answer was found: `text` stands in the column `column` from the
    character `start` to `end`.

    In a file column these count the characters of the document's text; `page` and `box` say where
    that is, in the file `file_id`."""

    column: str
    text: str
    start: int
    end: int
    file_id: UUID | None = None
    page: int | None = None
    box: Box | None = None


@dataclass(frozen=True, slots=True)
class ToolCall:
    """One cell to fill. `inputs` are the values of the tool's inputs by key, as plain JSON (numbers
    may be Decimal). `index` is its place in the batch."""

    index: int
    inputs: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Answer:
    """What a tool gave for one cell: a value that the column accepts, in its stored form; or, with
    `error`, a sentence for the people who look at the cell. `raw` is the text before it was read.

    `nothing` tells an answer of "there is none" from a value: the cell becomes empty."""

    index: int
    producer: Producer
    value: Any = None
    error: str | None = None
    usage: Usage = Usage()
    confidence: float | None = None
    citations: Sequence[Citation] = ()
    raw: str | None = None

    @property
    def nothing(self) -> bool:
        return self.error is None and self.value is None
