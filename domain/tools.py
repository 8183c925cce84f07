"""The rules of tools: what a definition may say, and which columns it reads.

A tool reads the columns that its texts name: `{{key}}` in prompts, URLs and bodies, `row["key"]` in
Python. More can be declared, such as columns that a program reads by a computed name."""

import re
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import asdict, fields
from typing import Any
from uuid import UUID

from pydantic import TypeAdapter, ValidationError

from domain import checks
from domain.columns import ColumnType
from domain.errors import ErrorCode, Problem
from domain.rejections import Rejected, show
from domain.tool_code import Program, read_program
from domain.tool_records import (
    AiStep,
    AiTool,
    HttpTool,
    LookupTool,
    PythonTool,
    Tool,
    ToolKind,
    ToolSettings,
)

MAX_PROMPT = 20_000
MAX_INPUTS = 100
MAX_URL = 2_048
MAX_BODY = 65_536
MAX_HEADERS = 50
MAX_OUTPUT_TOKENS = 100_000
MAX_STEPS = 20
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
#: Columns of these types are filled by formulas, links and uploads, not by tools.
_NOT_FOR_TOOLS = (ColumnType.COMPUTED, ColumnType.RELATION, ColumnType.FILE)

_PLACEHOLDER = re.compile(r"\{\{\s*([^{}]{1,200}?)\s*\}\}")
_POINTER = re.compile(r"(?:/(?:[^~/]|~[01])*)*")
_OF_SECRETS = "secret."
#: What prompts call the answer to the question before, and to any earlier one.
PREVIOUS, OF_STEPS = "previous", "stepOutputs."
_ROW = "row."


def placeholders(text: str) -> Iterator[str]:
    """What stands between the braces of each placeholder, without the optional `row.`."""
    for match in _PLACEHOLDER.finditer(text):
        yield match.group(1).removeprefix(_ROW)


def answers_named(text: str) -> Iterator[str]:
    """The answers to earlier questions that a prompt names, as it names them."""
    yield from (name for name in _PLACEHOLDER.findall(text) if is_answer(name))


def is_answer(name: str) -> bool:
    """Whether a prompt means by this what an earlier question gave. A column of such a name is
    called `row.<key>`."""
    return name == PREVIOUS or name.startswith(OF_STEPS)


def fill_placeholders(text: str, written: Mapping[str, str]) -> str:
    """The text with each placeholder replaced; those that name nothing in `written` stay."""

    def found(match: "re.Match[str]") -> str:
        return written.get(match.group(1).removeprefix(_ROW), match.group(0))

    return _PLACEHOLDER.sub(found, text)


def make_tool(settings: ToolSettings, declared: Sequence[str] = ()) -> Tool:
    """The tool with all its inputs: those that its texts name, then those that are declared."""
    return Tool(settings, tuple(dict.fromkeys((*_named(settings), *declared))))


def tool_problems(
    tool: Tool, key: str, type_: ColumnType, known: Container[str], *path: str
) -> list[Problem]:
    """What is wrong with a tool for the column `key` of a table that has the columns `known`, but
    for circles and for what stands in other tables."""
    if type_ in _NOT_FOR_TOOLS:
        message = f"a column of type {type_} cannot have a tool"
        return [Problem(ErrorCode.INVALID, message, path)]
    problems = [
        Problem(ErrorCode.INVALID, message, (*path, name))
        for name, message in _settings_faults(tool.settings)
    ]
    if problems:
        return problems
    inputs = tool.inputs
    if len(inputs) > MAX_INPUTS:
        message = f"a tool reads at most {MAX_INPUTS} columns"
        problems.append(Problem(ErrorCode.TOO_MANY, message, (*path, "inputs")))
    for each in inputs[:MAX_INPUTS]:
        if each == key:
            message = f"the tool reads its own column {show(each)}"
            problems.append(Problem(ErrorCode.INVALID, message, (*path, "inputs")))
        elif each not in known:
            message = f"the tool reads {show(each)}, which is no column of this table"
            problems.append(Problem(ErrorCode.UNKNOWN_COLUMN, message, (*path, "inputs")))
    if not inputs:
        message = "the tool reads no column: name one in its text, or list it in inputs"
        problems.append(Problem(ErrorCode.REQUIRED, message, (*path, "inputs")))
    return problems


def secrets_of(tool: HttpTool) -> tuple[str, ...]:
    """The names of the secrets in a tool's headers."""
    found = (name for text in tool.headers.values() for name in placeholders(text))
    return tuple(name.removeprefix(_OF_SECRETS) for name in found if name.startswith(_OF_SECRETS))


def tool_json(tool: Tool) -> dict[str, Any]:
    """The stored form of a tool, also that of templates."""
    settings = {
        name: value for name, value in asdict(tool.settings).items() if value not in (None, ())
    }
    if isinstance(tool.settings, LookupTool):
        settings["table_id"] = str(tool.settings.table_id)
    return {"kind": tool.kind.value, "inputs": list(tool.inputs), **settings}


def tool_of(stored: Mapping[str, Any]) -> Tool:
    """The tool of its stored form."""
    settings = {name: value for name, value in stored.items() if name not in ("kind", "inputs")}
    if "table_id" in settings:
        settings["table_id"] = UUID(settings["table_id"])
    if "steps" in settings:
        settings["steps"] = tuple(AiStep(**step) for step in settings["steps"])
    return Tool(_SETTINGS[ToolKind(stored["kind"])](**settings), tuple(stored["inputs"]))


def read_tool(told: Any) -> Tool:
    """A tool from a document that somebody wrote. Raises `Rejected` when it has not the form of
    one; its rules are `tool_problems`."""
    if not isinstance(told, Mapping) or told.get("kind") not in list(ToolKind):
        raise Rejected(ErrorCode.INVALID, "is no tool: kind must be " + ", ".join(ToolKind))
    inputs = told.get("inputs", [])
    if not isinstance(inputs, list) or not all(isinstance(each, str) for each in inputs):
        raise Rejected(ErrorCode.INVALID, "inputs must be a list of column keys")
    settings = {name: value for name, value in told.items() if name not in ("kind", "inputs")}
    unknown = settings.keys() - {each.name for each in fields(_SETTINGS[ToolKind(told["kind"])])}
    if unknown:
        raise Rejected(ErrorCode.INVALID, f"has no setting {show(min(unknown))}")
    try:
        read = _READERS[ToolKind(told["kind"])].validate_python(settings)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise Rejected(ErrorCode.INVALID, f"{where}: {first['msg']}") from None
    return make_tool(read, inputs)


_SETTINGS: Mapping[ToolKind, type[ToolSettings]] = {
    ToolKind.AI: AiTool,
    ToolKind.PYTHON: PythonTool,
    ToolKind.HTTP: HttpTool,
    ToolKind.LOOKUP: LookupTool,
}
_READERS: Mapping[ToolKind, TypeAdapter[Any]] = {
    kind: TypeAdapter(type_) for kind, type_ in _SETTINGS.items()
}


def _named(settings: ToolSettings) -> Iterator[str]:
    """The columns that a tool's own texts name."""
    match settings:
        case AiTool(prompt=prompt, steps=steps):
            for text in (*(step.prompt for step in steps), prompt):
                text = _PLACEHOLDER.sub(_without_answer, text) if steps else text
                yield from placeholders(text)
        case PythonTool(code=code):
            program = read_program(code)
            yield from program.reads if isinstance(program, Program) else ()
        case HttpTool():
            texts = (settings.url, settings.body or "", *settings.headers.values())
            names = (name for text in texts for name in placeholders(text))
            yield from (name for name in names if not name.startswith(_OF_SECRETS))
        case LookupTool(match=match_key):
            yield match_key


def _without_answer(match: "re.Match[str]") -> str:
    return "" if is_answer(match.group(1)) else match.group(0)


def _settings_faults(settings: ToolSettings) -> Iterator[tuple[str, str]]:
    """Each fault with the name of the setting."""
    match settings:
        case AiTool():
            yield from _ai_faults(settings)
        case PythonTool(code=code):
            if isinstance(found := read_program(code), str):
                yield "code", found
        case HttpTool():
            yield from _http_faults(settings)
        case LookupTool():
            for name in ("match", "against", "take"):
                yield from _text_faults(name, getattr(settings, name), 64)


def _ai_faults(settings: AiTool) -> Iterator[tuple[str, str]]:
    yield from _text_faults("prompt", settings.prompt, MAX_PROMPT)
    if len(settings.steps) > MAX_STEPS:
        yield "steps", f"there are more than {MAX_STEPS} steps"
    for step in settings.steps[:MAX_STEPS]:
        for _, fault in (
            *_text_faults("id", step.id, 64),
            *_text_faults("prompt", step.prompt, MAX_PROMPT),
        ):
            yield "steps", f"steps: {fault}"
    for name, most in (("provider", 64), ("model", 200), ("agent_profile", 128)):
        value = getattr(settings, name)
        if value is not None:
            yield from _text_faults(name, value, most)
    if settings.temperature is not None and not 0 <= settings.temperature <= 2:
        yield "temperature", "temperature is from 0 to 2"
    tokens = settings.max_output_tokens
    if tokens is not None and not 1 <= tokens <= MAX_OUTPUT_TOKENS:
        yield "max_output_tokens", f"max output tokens are from 1 to {MAX_OUTPUT_TOKENS}"


def _http_faults(settings: HttpTool) -> Iterator[tuple[str, str]]:
    yield from _text_faults("url", settings.url, MAX_URL)
    scheme, _, rest = settings.url.partition("://")
    if scheme.lower() not in ("http", "https"):
        yield "url", "url must begin with http:// or https://"
    elif "{{" in re.split(r"[/?#]", rest, maxsplit=1)[0]:
        yield "url", "url must not take its host from a column"
    if settings.method not in METHODS:
        yield "method", f"method must be one of {', '.join(METHODS)}"
    if len(settings.headers) > MAX_HEADERS:
        yield "headers", f"there are more than {MAX_HEADERS} headers"
    for text in (settings.url, settings.body or ""):
        if any(name.startswith(_OF_SECRETS) for name in placeholders(text)):
            yield "headers", "secrets may stand in headers alone"
    if settings.body is not None and len(settings.body) > MAX_BODY:
        yield "body", f"body is longer than {MAX_BODY} characters"
    if not _POINTER.fullmatch(settings.pointer):
        yield "pointer", "pointer is no JSON Pointer: empty, or parts that begin with /"


def _text_faults(name: str, value: str, most: int) -> Iterator[tuple[str, str]]:
    for problem in checks.required_text_problems(name, value, most):
        yield name, problem.message
