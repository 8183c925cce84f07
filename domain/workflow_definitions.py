"""What a workflow does: a sequence of steps, checked once when it is saved.

`{"pattern": "sequence", "steps": [{"id": "a", "kind": "row_add", "tableId": "…", "data": {}}]}`"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum, StrEnum
from typing import Any

from domain import bindings
from domain.errors import ErrorCode, Problem
from domain.plain_json import clean_json
from domain.rejections import Rejected, show
from domain.tool_code import read_program
from domain.tools import MAX_OUTPUT_TOKENS, MAX_PROMPT
from domain.workflow_answers import form_fault

MAX_STEPS = 50
MAX_BYTES = 100_000
MAX_ATTEMPTS = 5
MAX_SECONDS = 3_600
DEFAULT_SECONDS = 10
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")

_ID = re.compile(r"[a-z][a-z0-9_]{0,63}")
_RUN_WORDS = ("id", "number", "workflowId", "createdAt")


class StepKind(StrEnum):
    """What a step can do."""

    ROW_ADD = "row_add"
    ROW_UPDATE = "row_update"
    TASK_CREATE = "task_create"
    HTTP_REQUEST = "http_request"
    PROMPT = "prompt"
    PYTHON = "python"


@dataclass(frozen=True, slots=True)
class Retries:
    """How often a step is tried in all, and how many seconds lie between the first two attempts.
    Each further pause is twice as long."""

    attempts: int = 1
    seconds: int = DEFAULT_SECONDS

    def pause(self, failed: int) -> int:
        """Seconds to wait after so many failed attempts; an hour at most."""
        return min(int(self.seconds * 2 ** (failed - 1)), MAX_SECONDS)


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a checked definition. `settings` are those of its kind, with bindings in them."""

    id: str
    name: str
    kind: StepKind
    retries: Retries
    settings: Mapping[str, Any]


#: Says what is wrong with a setting, or None.
Check = Callable[[Any], str | None]


class Bound(Enum):
    """What becomes of bindings in a setting: they are filled in; or they stay, and their values go
    along beside it, so that nothing from outside becomes part of it; or there are none."""

    FILLED = 1
    BESIDE = 2
    NEVER = 3


@dataclass(frozen=True, slots=True)
class Setting:
    """A setting of a kind of steps. `read` makes its form of what a binding brings."""

    check: Check
    required: bool = False
    read: Callable[[Any], Any] = lambda value: value
    bound: Bound = Bound.FILLED


def _text(most: int) -> Check:
    def check(value: Any) -> str | None:
        if not isinstance(value, str) or not value.strip():
            return "must be a text that is not empty"
        return f"is longer than {most} characters" if len(value) > most else None

    return check


def _long_text(value: Any) -> str | None:
    return None if value is None or isinstance(value, str) else "must be a text"


def _row_data(value: Any) -> str | None:
    return None if isinstance(value, Mapping) else "must be an object: values by column key"


def _priority(value: Any) -> str | None:
    return None if _is_integer(value, 0, 3) else "must be 0 to 3"


def _method(value: Any) -> str | None:
    return None if value in METHODS else f"must be one of {', '.join(METHODS)}"


def _url(value: Any) -> str | None:
    if not isinstance(value, str) or len(value) > 2_048:
        return "must be a text of at most 2048 characters"
    if value.startswith(("http://", "https://", "{{")):
        return None
    return "must begin with http:// or https://"


def _headers(value: Any) -> str | None:
    if not isinstance(value, Mapping) or not all(isinstance(each, str) for each in value.values()):
        return "must be an object of texts"
    return "has at most 20 entries" if len(value) > 20 else None


def _body(_value: Any) -> str | None:
    return None


def _statuses(value: Any) -> str | None:
    wanted = value if isinstance(value, list) else [value]
    if 1 <= len(wanted) <= 20 and all(_is_integer(each, 100, 599) for each in wanted):
        return None
    return "must be a status such as 200, or a list of up to 20"


def _as_text(value: Any) -> Any:
    return None if value is None else bindings.written(value)


def _as_texts(value: Any) -> Any:
    if not isinstance(value, Mapping):
        return value
    return {name: bindings.written(each) for name, each in value.items()}


def _temperature(value: Any) -> str | None:
    number = isinstance(value, int | float | Decimal) and not isinstance(value, bool)
    return None if number and 0 <= value <= 2 else "must be 0 to 2"


def _output_tokens(value: Any) -> str | None:
    most = MAX_OUTPUT_TOKENS
    return None if _is_integer(value, 1, most) else f"must be 1 to {most}"


def _flag(value: Any) -> str | None:
    return None if isinstance(value, bool) else "must be true or false"


def _code(value: Any) -> str | None:
    if not isinstance(value, str):
        return "must be a text"
    found = read_program(value)
    return found.removeprefix("code ") if isinstance(found, str) else None


def _input(value: Any) -> str | None:
    return None if isinstance(value, Mapping) else "must be an object: values by name"


def _is_integer(value: Any, least: int, most: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most


#: Every kind of steps with its settings.
KINDS: dict[StepKind, dict[str, Setting]] = {
    StepKind.ROW_ADD: {
        "tableId": Setting(_text(200), required=True, read=_as_text),
        "data": Setting(_row_data, required=True),
    },
    StepKind.ROW_UPDATE: {
        "tableId": Setting(_text(200), required=True, read=_as_text),
        "rowId": Setting(_text(200), required=True, read=_as_text),
        "data": Setting(_row_data, required=True),
    },
    StepKind.TASK_CREATE: {
        "title": Setting(_text(2_000), required=True, read=_as_text),
        "description": Setting(_long_text, read=_as_text),
        "priority": Setting(_priority),
        "projectId": Setting(_text(200), read=_as_text),
    },
    StepKind.HTTP_REQUEST: {
        "url": Setting(_url, required=True, read=_as_text),
        "method": Setting(_method),
        "headers": Setting(_headers, read=_as_texts),
        "body": Setting(_body),
        "expectStatus": Setting(_statuses),
    },
    StepKind.PROMPT: {
        "prompt": Setting(_text(MAX_PROMPT), required=True, bound=Bound.BESIDE),
        "provider": Setting(_text(64), read=_as_text),
        "model": Setting(_text(200), read=_as_text),
        "agentProfile": Setting(_text(128), read=_as_text),
        "temperature": Setting(_temperature),
        "maxOutputTokens": Setting(_output_tokens),
        "network": Setting(_flag),
        "output": Setting(form_fault),
    },
    StepKind.PYTHON: {
        "code": Setting(_code, required=True, bound=Bound.NEVER),
        "input": Setting(_input),
    },
}
_COMMON = ("id", "name", "kind", "retries")


def definition_problems(definition: Any, *path: str) -> list[Problem]:
    """Everything that is wrong with a definition, each with its way from the root."""
    if not isinstance(definition, Mapping):
        return [Problem(ErrorCode.INVALID_TYPE, "definition must be an object", path)]
    try:
        clean_json(definition, most_bytes=MAX_BYTES)
    except Rejected as error:
        return [Problem(error.code, f"definition: {error.message}", path)]
    problems = [_unknown(key, path) for key in definition if key not in ("pattern", "steps")]
    if definition.get("pattern") != "sequence":
        message = "pattern must be sequence"
        problems.append(Problem(ErrorCode.NOT_AN_OPTION, message, (*path, "pattern")))
    steps = definition.get("steps")
    if not isinstance(steps, list) or not 1 <= len(steps) <= MAX_STEPS:
        message = f"steps must be a list of 1 to {MAX_STEPS} steps"
        return [*problems, Problem(ErrorCode.OUT_OF_RANGE, message, (*path, "steps"))]
    earlier: set[str] = set()
    for index, step in enumerate(steps):
        problems += _step_problems(step, earlier, (*path, "steps", str(index)))
        if isinstance(step, Mapping) and isinstance(step.get("id"), str):
            earlier.add(step["id"])
    return problems


def steps_of(definition: Mapping[str, Any]) -> list[Step]:
    """The steps of a definition that has no problems."""
    return [
        Step(
            id=step["id"],
            name=step.get("name") or step["id"],
            kind=StepKind(step["kind"]),
            retries=Retries(**(step.get("retries") or {})),
            settings={key: value for key, value in step.items() if key not in _COMMON},
        )
        for step in definition["steps"]
    ]


def fill_step(step: Step, scope: Mapping[str, Any], *, most: int) -> dict[str, Any]:
    """The settings of a step with bindings filled in where they are to be. Raises
    `bindings.TooMuch`."""
    known = KINDS[step.kind]
    kept = {name for name, setting in known.items() if setting.bound is not Bound.FILLED}
    open_ = {name: value for name, value in step.settings.items() if name not in kept}
    filled: dict[str, Any] = bindings.fill(open_, scope, most=most)
    return filled | {name: value for name, value in step.settings.items() if name in kept}


def filled_settings(kind: StepKind, settings: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of a step, checked again now that bindings have brought their values.

    Raises `Rejected` for the first that cannot be used; those that are null are left out."""
    found = {}
    for name, setting in KINDS[kind].items():
        value = setting.read(settings.get(name))
        if value is None and not setting.required:
            continue
        fault = "is null" if value is None else setting.check(value)
        if fault is not None:
            raise Rejected(ErrorCode.INVALID, f"{name} {fault}")
        found[name] = value
    return found


def _step_problems(step: Any, earlier: set[str], path: tuple[str, ...]) -> list[Problem]:
    if not isinstance(step, Mapping):
        return [Problem(ErrorCode.INVALID_TYPE, "a step must be an object", path)]
    problems = _id_problems(step.get("id"), earlier, path)
    name = step.get("name")
    if name is not None and not (isinstance(name, str) and 1 <= len(name.strip()) <= 200):
        message = "name must be a text of 1 to 200 characters"
        problems.append(Problem(ErrorCode.INVALID, message, (*path, "name")))
    problems += _retries_problems(step.get("retries"), (*path, "retries"))
    kind = step.get("kind")
    if not isinstance(kind, str) or kind not in list(StepKind):
        return [*problems, _no_kind(kind, path)]
    problems += _settings_problems(step, KINDS[StepKind(kind)], path)
    return problems + _binding_problems(step, earlier, path)


def _id_problems(step_id: Any, earlier: set[str], path: tuple[str, ...]) -> list[Problem]:
    if not isinstance(step_id, str) or not _ID.fullmatch(step_id):
        message = "id must be lower-case letters, digits and _, and begin with a letter"
        return [Problem(ErrorCode.INVALID, message, (*path, "id"))]
    if step_id in earlier:
        message = f"Two steps have the id {step_id}"
        return [Problem(ErrorCode.DUPLICATE, message, (*path, "id"))]
    return []


def _no_kind(kind: Any, path: tuple[str, ...]) -> Problem:
    if kind is None:
        return Problem(ErrorCode.REQUIRED, "kind is missing", (*path, "kind"))
    message = f"There are no steps of kind {show(kind)}; there are {', '.join(StepKind)}"
    return Problem(ErrorCode.NOT_AN_OPTION, message, (*path, "kind"))


def _retries_problems(retries: Any, path: tuple[str, ...]) -> list[Problem]:
    if retries is None:
        return []
    if not isinstance(retries, Mapping):
        return [Problem(ErrorCode.INVALID_TYPE, "retries must be an object", path)]
    problems = [_unknown(key, path) for key in retries if key not in ("attempts", "seconds")]
    for name, least, most in (("attempts", 1, MAX_ATTEMPTS), ("seconds", 0, MAX_SECONDS)):
        if name in retries and not _is_integer(retries[name], least, most):
            message = f"{name} must be {least} to {most}"
            problems.append(Problem(ErrorCode.OUT_OF_RANGE, message, (*path, name)))
    return problems


def _settings_problems(
    step: Mapping[str, Any], known: Mapping[str, Setting], path: tuple[str, ...]
) -> list[Problem]:
    problems = [_unknown(key, path) for key in step if key not in known and key not in _COMMON]
    for name, setting in known.items():
        if step.get(name) is None:
            if setting.required:
                message = f"{name} is missing"
                problems.append(Problem(ErrorCode.REQUIRED, message, (*path, name)))
        # What one binding alone will bring is checked when the step is done.
        elif setting.bound is not Bound.FILLED or not bindings.is_binding(step[name]):
            fault = setting.check(step[name])
            if fault is not None:
                problems.append(Problem(ErrorCode.INVALID, f"{name} {fault}", (*path, name)))
    return problems


def _binding_problems(
    step: Mapping[str, Any], earlier: set[str], path: tuple[str, ...]
) -> list[Problem]:
    known = KINDS[StepKind(step["kind"])]
    settings = {
        key: value
        for key, value in step.items()
        if key not in _COMMON and not (key in known and known[key].bound is Bound.NEVER)
    }
    problems = []
    for place, text in bindings.bindings_in(settings):
        fault = _binding_fault(bindings.segments(text), earlier)
        if fault is not None:
            problems.append(Problem(ErrorCode.INVALID, f"{show(text)} {fault}", (*path, *place)))
    return problems


def _binding_fault(parts: Sequence[str] | None, earlier: set[str]) -> str | None:
    if parts is None or parts[0] not in ("input", "steps", "run"):
        return "is no binding: it must begin with input, steps or run, with dots between names"
    if parts[0] == "run" and (len(parts) != 2 or parts[1] not in _RUN_WORDS):
        return f"is not known of a run; there are {', '.join(_RUN_WORDS)}"
    if parts[0] == "steps" and (len(parts) < 2 or parts[1] not in earlier):
        return "does not name an earlier step"
    return None


def _unknown(key: Any, path: tuple[str, ...]) -> Problem:
    return Problem(ErrorCode.INVALID, f"There is no setting {show(key)}", (*path, str(key)))
