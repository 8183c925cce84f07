"""The rules of runs: which columns are filled in what order, when a value counts as made from the
same inputs, what a budget still allows, and how a run ends."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from decimal import Decimal
from typing import Any

from domain.columns import Column, TableShape
from domain.filters import RawAll, RawAny, RawCell, RawCondition, RawNot, RawWhere
from domain.plain_json import json_text
from domain.provider_records import Provider
from domain.run_records import Reserved, Run, RunReason, RunStatus, Selection
from domain.tool_ports import CallEstimate
from domain.tool_records import AiTool, Tool, ToolKind
from domain.tools import tool_json

#: Rows of a batch. Calls of models and of servers take long: less is lost with a worker.
BATCH_ROWS = 500
CALLING_BATCH_ROWS = 64
_CALLING = frozenset({ToolKind.AI, ToolKind.HTTP})
#: What the price of a call is when nobody knows it: more than any budget.
_UNKNOWN = Decimal("Infinity")


def tool_for(column: Column, own: Tool | None) -> Tool | None:
    """What fills a column in a run, which may bring its own tool."""
    return own or column.tool


def batch_rows(tools: Sequence[Tool]) -> int:
    """How many rows of a run go into a batch."""
    calls = any(tool.kind in _CALLING for tool in tools)
    return CALLING_BATCH_ROWS if calls else BATCH_ROWS


def levels(shape: TableShape, numbers: Sequence[int]) -> list[list[int]]:
    """The columns in groups: those of a group do not read each other, but may read those of the
    groups before. Columns that are gone are left out."""
    graph = shape.tool_graph
    wanted = [number for number in numbers if number in shape.columns_by_number]
    ordered = sorted(wanted, key=lambda number: _place(graph.order, number))
    depth: dict[int, int] = {}
    for number in ordered:
        before = [depth[each] for each in graph.inputs.get(number, ()) if each in depth]
        depth[number] = max(before, default=-1) + 1
    return [
        [number for number in ordered if depth[number] == level]
        for level in range(max(depth.values(), default=-1) + 1)
    ]


def _place(order: Sequence[int], number: int) -> int:
    return order.index(number) if number in order else -1


class InputsHash:
    """SHA-256 of everything that a cell's value is made from: the tool, what the column takes, who
    answers, and the values of the inputs as JSON texts. A file is its id and name: but for
    the minutes in which an announced one may be put again, its bytes do not change."""

    def __init__(self, column: Column, tool: Tool, answered_by: str = "") -> None:
        asked = [tool_json(tool), column.type.value, column.config, column.required]
        asked += [answered_by] if answered_by else []
        self._head = hashlib.sha256(json_text(asked).encode())
        self._inputs = tool.inputs

    def of(self, inputs: Mapping[str, str | None]) -> str:
        """The hash for a row's inputs by key."""
        digest = self._head.copy()
        for key in self._inputs:
            text = inputs.get(key)
            digest.update(b"\0" if text is None else b"\1" + text.encode())
        return digest.hexdigest()


def answered_by(tool: Tool, providers: Sequence[Provider]) -> str:
    """Which model answers a tool as things stand, and how: another one would answer otherwise.
    Empty for tools that no model answers."""
    asked = tool.settings
    if not isinstance(asked, AiTool):
        return ""
    name = asked.provider
    found = next(
        (each for each in providers if (each.is_default if name is None else each.name == name)),
        None,
    )
    if found is None:
        return ""
    own = found.settings
    temperature = own.temperature if asked.temperature is None else asked.temperature
    most = asked.max_output_tokens or own.max_output_tokens
    model = asked.model or found.model
    return json_text([found.name, found.kind.value, found.base_url, model, temperature, most])


def keeps(tool: Tool) -> bool:
    """Whether the same inputs stand for the same value. What a lookup finds depends on another
    table, and costs nothing to find again."""
    return tool.kind is not ToolKind.LOOKUP


def affordable(
    tokens: int | None, cost: Decimal | None, calls: Sequence[CallEstimate]
) -> list[Reserved | None]:
    """What to set aside for each call out of what is left, None for those that do not fit any more.
    None is without bound."""
    found: list[Reserved | None] = []
    for call in calls:
        price = _UNKNOWN if call.cost_high is None else call.cost_high
        fits = (tokens is None or call.tokens_high <= tokens) and (cost is None or price <= cost)
        if not fits:
            found.append(None)
            continue
        tokens = None if tokens is None else tokens - call.tokens_high
        cost = None if cost is None else cost - price
        found.append(Reserved(call.tokens_high, Decimal(0) if cost is None else price))
    return found


def ending(run: Run, gone: int) -> tuple[RunStatus, str | None]:
    """How a run ends whose cells are all done with, and the sentence that says why. `gone` of its
    cells are with others, or with rows that were deleted: when all are, it has completed nothing.
    """
    reasons = run.reasons
    if gone and gone == run.cells_total:
        return RunStatus.CANCELLED, f"{_cells(gone)} taken over by others, or gone with their rows"
    if not reasons:
        return RunStatus.COMPLETED, None
    told = {
        RunReason.ERRORS: f"{_cells(run.cells_failed)} failed",
        RunReason.BUDGET: _over_budget(run),
        RunReason.STALE: f"{_cells(run.cells_stale)} stale: an input changed meanwhile",
    }
    error = "; ".join(told[reason] for reason in reasons)
    nothing = run.cells_resolved == 0 and reasons == [RunReason.ERRORS]
    return (RunStatus.FAILED if nothing else RunStatus.PARTIAL), error


def _over_budget(run: Run) -> str:
    if run.cells_left:
        return f"budget: {_cells(run.cells_left)} not begun"
    return f"budget: no more than {run.budget.rows} rows"


def _cells(count: int) -> str:
    return "1 cell" if count == 1 else f"{count:,} cells"


def selection_json(selection: Selection) -> dict[str, Any]:
    """The stored form of a selection."""
    told: dict[str, Any] = {}
    if selection.filter is not None:
        told["filter"] = condition_json(selection.filter)
    if selection.row_ids is not None:
        told["rows"] = len(selection.row_ids)
    if selection.failed_of is not None:
        told["failedOf"] = str(selection.failed_of)
    return told


def condition_json(raw: RawCondition) -> Any:
    """A filter as JSON, which `condition_of` reads."""
    if isinstance(raw, RawAll | RawAny):
        name = "all" if isinstance(raw, RawAll) else "any"
        return {name: [condition_json(part) for part in raw.parts]}
    if isinstance(raw, RawNot):
        return {"not": condition_json(raw.part)}
    return {"cell" if isinstance(raw, RawCell) else "where": asdict(raw)}


def condition_of(told: Mapping[str, Any]) -> RawCondition:
    """What `condition_json` told."""
    [(name, value)] = told.items()
    match name:
        case "all":
            return RawAll([condition_of(part) for part in value])
        case "any":
            return RawAny([condition_of(part) for part in value])
        case "not":
            return RawNot(condition_of(value))
    return RawCell(**value) if name == "cell" else RawWhere(**value)
