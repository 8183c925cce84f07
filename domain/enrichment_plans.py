"""Plans of enrichments: the strategy and the profile that fit a column, the questions, and the form
that an answer must have."""

import json
import re
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from domain import checks
from domain.columns import Column, ColumnType
from domain.enrichment_records import (
    EnrichmentRequest,
    GivenPlan,
    Plan,
    PlanStep,
    PromptMode,
    Strategy,
    TargetContract,
)
from domain.errors import ErrorCode, Problem
from domain.tool_records import AiStep, AiTool, Tool
from domain.tools import MAX_INPUTS

#: The id of the question whose answer goes into the cell.
FINAL, RESEARCH = "final", "research"
#: Words of a prompt that ask for more than one look.
_ASKS_FOR_RESEARCH = re.compile(r"research|synthesize|score|summary|why ", re.IGNORECASE)
MAX_STEP_ID, MAX_STEP_PROMPT = 64, 16_384
_CLOSED = frozenset({ColumnType.SELECT, ColumnType.BOOLEAN})
_CONTACT = frozenset({ColumnType.URL, ColumnType.EMAIL})
_BINDING = re.compile(r"\{\{\s*([^{}]{1,200}?)\s*\}\}")
_OF_ROW = "row."
_ROW_BINDING = re.compile(r"(\{\{\s*)row\.(?!previous\b|stepOutputs\.)")


def strategy_of(mode: PromptMode, type_: ColumnType, prompt: str | None) -> Strategy:
    """How values of a type are come by."""
    if type_ in _CLOSED:
        return Strategy.CLASSIFY
    deep = type_ is ColumnType.TEXT and _ASKS_FOR_RESEARCH.search(prompt or "")
    if mode is PromptMode.AUTO and deep:
        return Strategy.RESEARCH
    return Strategy.LOOKUP


def profile_of(strategy: Strategy, type_: ColumnType) -> str:
    """Who the model is told to be when nobody says."""
    if strategy is Strategy.RESEARCH:
        return "data-analyst"
    if type_ in _CONTACT:
        return "sales-researcher"
    return "general" if type_ is ColumnType.TEXT else "data-analyst"


def contract_of(column: Column) -> TargetContract:
    """What a plan says of its column."""
    options = list(column.options) if column.type is ColumnType.SELECT else None
    return TargetContract(column.key, column.label, column.type.value, options)


def make_plan(request: EnrichmentRequest, column: Column) -> Plan:
    """The plan for a request that has no problems."""
    mode, prompt = request.mode, (request.prompt or "").strip() or None
    strategy = strategy_of(mode, column.type, prompt)
    return Plan(
        mode,
        strategy,
        request.agent_profile or profile_of(strategy, column.type),
        _reasoning(mode, strategy, column),
        _steps(mode, strategy, column, prompt),
        contract_of(column),
    )


def follow_plan(given: GivenPlan, request: EnrichmentRequest, column: Column) -> Plan:
    """The plan that a client brings, with what it left out. It has no problems."""
    mode = given.prompt_mode or request.mode
    strategy = given.strategy or strategy_of(mode, column.type, request.prompt)
    profile = request.agent_profile or given.agent_profile or profile_of(strategy, column.type)
    reasoning = given.reasoning or "The plan was given."
    return Plan(mode, strategy, profile, reasoning, given.steps, contract_of(column))


def given_problems(given: GivenPlan, request: EnrichmentRequest, column: Column) -> list[Problem]:
    """Why a plan of a client's cannot be carried out over this column."""
    problems = []
    if not given.steps:
        problems.append(Problem(ErrorCode.REQUIRED, "a plan has at least one step", _at("steps")))
    if (given.prompt_mode or request.mode) is PromptMode.CUSTOM and len(given.steps) > 1:
        message = "a plan of the mode custom has exactly one step"
        problems.append(Problem(ErrorCode.INVALID, message, _at("steps")))
    seen: set[str] = set()
    for index, step in enumerate(given.steps):
        if step.id in seen:
            message = f"two steps have the id {step.id}"
            problems.append(Problem(ErrorCode.DUPLICATE, message, _at("steps", str(index), "id")))
        seen.add(step.id)
        for name, most in (("id", MAX_STEP_ID), ("prompt", MAX_STEP_PROMPT)):
            found = checks.required_text_problems(name, getattr(step, name), most)
            problems += [replace(each, path=_at("steps", str(index), name)) for each in found]
    return problems + _contract_problems(given.target, contract_of(column))


def _contract_problems(given: TargetContract | None, wanted: TargetContract) -> list[Problem]:
    if given is None:
        return []
    found = []
    if given.column != wanted.column:
        found.append(("columnName", f"the plan is for another column than {wanted.column}"))
    if given.data_type != wanted.data_type:
        found.append(("dataType", f"the column is of type {wanted.data_type}"))
    if set(given.allowed_options or ()) != set(wanted.allowed_options or ()):
        found.append(("allowedOptions", "the options are not those of the column"))
    return [
        Problem(ErrorCode.CONFLICT, message, _at("targetContract", name)) for name, message in found
    ]


def _at(*path: str) -> tuple[str, ...]:
    return ("plan", *path)


def output_contract(column: Column) -> str:
    """The end of the last question: what the answer must look like."""
    return (
        "OUTPUT\n"
        "Give the bare value and nothing else: no introduction, no explanation, no quotation marks,"
        " no code fence.\n"
        f"{_form(column)}\n"
        "When the value is not known, give the one word NOT_FOUND instead."
    )


def tool_of_plan(
    plan: Plan, column: Column, keys: Sequence[str], variable: str, files: Container[str] = ()
) -> Tool:
    """What carries the plan out. It reads the columns that its prompts name, and then as many of
    the others as a tool may: the row goes along as data. But the `files` among them do not: to read
    a document takes time, and one that cannot be read would fail a cell that needs none.

    The last prompt loses our contract. Whoever asks a model adds one of its own."""
    steps = [(step, _worded(step.prompt, variable)) for step in plan.steps]
    *before, (last, prompt) = steps
    prompt = prompt.removesuffix(output_contract(column))
    settings = AiTool(
        prompt=_by_key(prompt.rstrip()),
        agent_profile=last.agent_profile or plan.agent_profile,
        steps=tuple(
            AiStep(step.id, _by_key(text), step.agent_profile or plan.agent_profile)
            for step, text in before
        ),
    )
    named = [key for _, text in steps for key in _columns_in(text, keys) if key != column.key]
    others = [key for key in keys if key != column.key and key not in files]
    return Tool(settings, tuple(dict.fromkeys((*named, *others)))[:MAX_INPUTS])


def plan_json(plan: Plan) -> dict[str, Any]:
    """The stored form of a plan. Rows are not stored with it."""
    target = plan.target
    return {
        "promptMode": plan.prompt_mode.value,
        "strategy": plan.strategy.value,
        "agentProfile": plan.agent_profile,
        "reasoning": plan.reasoning,
        "steps": [
            {
                "id": step.id,
                "name": step.name,
                "purpose": step.purpose,
                "prompt": step.prompt,
                "agentProfile": step.agent_profile,
            }
            for step in plan.steps
        ],
        "target": {
            "column": target.column,
            "label": target.label,
            "dataType": target.data_type,
            "options": list(target.allowed_options) if target.allowed_options is not None else None,
        },
        "eligibleRows": plan.eligible_rows,
    }


def plan_of(stored: Mapping[str, Any]) -> Plan:
    """The plan of its stored form."""
    target = stored["target"]
    return Plan(
        PromptMode(stored["promptMode"]),
        Strategy(stored["strategy"]),
        stored["agentProfile"],
        stored["reasoning"],
        [
            PlanStep(
                step["id"], step["name"], step["purpose"], step["prompt"], step["agentProfile"]
            )
            for step in stored["steps"]
        ],
        TargetContract(target["column"], target["label"], target["dataType"], target["options"]),
        stored["eligibleRows"],
    )


def _worded(prompt: str, variable: str) -> str:
    """The prompt with `row` for the client's own word for it."""
    own = re.compile(rf"(\{{\{{\s*){re.escape(variable)}(?=\.)")
    return own.sub(r"\g<1>row", prompt.strip())


def _by_key(prompt: str) -> str:
    """The prompt as tools have them: columns by their keys alone, but for those that are called as
    answers are."""
    return _ROW_BINDING.sub(r"\g<1>", prompt)


def _columns_in(prompt: str, keys: Sequence[str]) -> Iterator[str]:
    """The columns that a prompt names, with or without what lies inside their values."""
    for match in _BINDING.finditer(prompt):
        said = match.group(1)
        if not said.startswith(_OF_ROW):
            continue
        path = said.removeprefix(_OF_ROW)
        yield from (key for key in keys if path == key or path.startswith(f"{key}."))


def _steps(
    mode: PromptMode, strategy: Strategy, column: Column, prompt: str | None
) -> list[PlanStep]:
    name = json.dumps(column.label, ensure_ascii=False)
    if mode is PromptMode.CUSTOM:
        purpose = f"Answer the given question for {name}"
        return [_final("Fill the column", purpose, prompt or "", column)]
    wish = f"\nWhat the user asks for: {prompt}" if prompt else ""
    if strategy is Strategy.CLASSIFY:
        question = f"Choose the value of {name} that the data of this row speaks for.{wish}"
        return [_final("Classify", f"Choose the value of {name}", question, column)]
    if strategy is Strategy.LOOKUP:
        question = f"Find {name} for this row.{wish}"
        return [_final("Look up", f"Find the value of {name}", question, column)]
    research = (
        f"Research what {name} needs to be written for this row.{wish}\n"
        "Give short notes: what the row says, what is known besides, and how sure each point is."
    )
    write = (
        f"Write {name} for this row from the notes: {{{{previous}}}}{wish}\n"
        "Say nothing that neither the notes nor the row support."
    )
    return [
        PlanStep(RESEARCH, "Research", f"Gather what {name} needs", research),
        _final("Synthesize", f"Write {name} from what was gathered", write, column),
    ]


def _final(name: str, purpose: str, question: str, column: Column) -> PlanStep:
    return PlanStep(FINAL, name, purpose, f"{question}\n\n{output_contract(column)}")


def _reasoning(mode: PromptMode, strategy: Strategy, column: Column) -> str:
    if mode is PromptMode.CUSTOM:
        return "The prompt is the client's own: it is asked once for each row."
    told = {
        Strategy.CLASSIFY: "has a closed set of values, so each row is classified in one question.",
        Strategy.LOOKUP: "takes one short value, so each row is looked up in one question.",
        Strategy.RESEARCH: "is asked for what must be gathered first, so each row"
        " is researched and then written up.",
    }
    return f"A column of type {column.type} {told[strategy]}"


def _form(column: Column) -> str:
    if column.type is ColumnType.SELECT and column.options:
        options = json.dumps(list(column.options), ensure_ascii=False)
        return f"The value is exactly one of {options}."
    return _FORMS[column.type]


_FORMS: Mapping[ColumnType, str] = {
    ColumnType.TEXT: "The value is plain text.",
    ColumnType.NUMBER: "The value is one bare number: digits, with a point for decimals; no unit"
    " and no separators.",
    ColumnType.BOOLEAN: "The value is true or false.",
    ColumnType.SELECT: "The value is one short text.",
    ColumnType.URL: "The value is one absolute URL that begins with http:// or https://.",
    ColumnType.EMAIL: "The value is one e-mail address.",
}
