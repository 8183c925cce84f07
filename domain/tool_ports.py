"""What running tools needs from other rooms: engines that answer, wherever they run."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from domain.columns import Column
from domain.tool_records import Answer, Tool, ToolCall


@dataclass(frozen=True, slots=True)
class ToolWork:
    """Cells of one column that one tool shall fill.

    `inputs` are the tool's input columns by key. `actor` is who asked for it. With `use_cache`, an
    answer that was given to the same question before is taken again, and nobody pays for it."""

    organization_id: UUID
    table_id: UUID
    column: Column
    tool: Tool
    inputs: Mapping[str, Column]
    calls: Sequence[ToolCall]
    actor: str
    use_cache: bool = True


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
