"""What the settings of each action must look like, and which of them are shown to nobody."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from domain.errors import ErrorCode, Problem
from domain.plain_json import clean_json
from domain.rejections import Rejected, clean_text
from domain.run_records import RunMode
from domain.trigger_records import ActionType, TriggerEvent

MAX_TITLE = 200
MAX_DESCRIPTION = 10_000
MAX_URL = 2_048
MAX_HEADERS = 20
MAX_CONFIG_BYTES = 50_000
MAX_COLUMNS = 500
WEBHOOK_METHODS = ("POST", "PUT", "PATCH")
DEFAULT_TITLE = "Triggered Task"

#: Stands in place of the values of headers, which may be secrets. Given back, it leaves the value.
HIDDEN = "********"

#: Under which of these names a workflow is given; the first one that is there counts.
WORKFLOW_KEYS = ("workflowId", "targetId", "blueprintId")

_PATH = "actionConfig"
_SERVER = re.compile(r"[a-z]+://[^/?#]*")


def config_problems(action: ActionType, config: Mapping[str, Any]) -> list[Problem]:
    """What is wrong with the settings of an action. Whether a workflow exists is seen when it is
    run; unknown keys are kept."""
    try:
        clean_json(config, most_bytes=MAX_CONFIG_BYTES)
    except Rejected as error:
        return [Problem(error.code, error.message, (_PATH,))]
    return _CHECKS[action](config)


def shown_config(config: Mapping[str, Any]) -> dict[str, Any]:
    """The settings as clients see them: without the values of headers, whatever the action. Those
    of a webhook stay behind when it becomes another action."""
    headers = config.get("headers")
    if not isinstance(headers, Mapping):
        return dict(config)
    return {**config, "headers": dict.fromkeys(headers, HIDDEN)}


def with_hidden(given: Mapping[str, Any], stored: Mapping[str, Any]) -> dict[str, Any]:
    """The given settings; headers that still show `HIDDEN` keep what is stored."""
    headers, known = given.get("headers"), stored.get("headers")
    if not isinstance(headers, Mapping) or not isinstance(known, Mapping):
        return dict(given)
    kept = {
        name: known.get(name, value) if value == HIDDEN else value
        for name, value in headers.items()
    }
    return {**given, "headers": kept}


def hidden_problems(
    given: Mapping[str, Any], stored: Mapping[str, Any], *path: str
) -> list[Problem]:
    """A problem when headers that are kept hidden would go to another server than before: whoever
    may write settings could have them sent to himself."""
    headers = given.get("headers")
    if not isinstance(headers, Mapping) or HIDDEN not in headers.values():
        return []
    if not isinstance(stored.get("headers"), Mapping) or _server(given) == _server(stored):
        return []
    message = "The url leads to another server: give the values of the headers again"
    return [Problem(ErrorCode.REQUIRED, message, (*path, "headers"))]


def _server(config: Mapping[str, Any]) -> str | None:
    """Scheme, host and port as they are written, bindings too."""
    url = config.get("url")
    found = _SERVER.match(url) if isinstance(url, str) else None
    return found[0] if found is not None else None


def workflow_id(config: Mapping[str, Any]) -> str | None:
    """The workflow that `run_workflow` names."""
    found = (config.get(key) for key in WORKFLOW_KEYS)
    return next((each for each in found if isinstance(each, str) and each), None)


def _workflow(config: Mapping[str, Any]) -> list[Problem]:
    if workflow_id(config) is not None:
        return []
    message = "run_workflow needs the workflowId of a workflow"
    return [Problem(ErrorCode.REQUIRED, message, (_PATH, WORKFLOW_KEYS[0]))]


def _task(config: Mapping[str, Any]) -> list[Problem]:
    problems = []
    for name, most in (("title", MAX_TITLE), ("description", MAX_DESCRIPTION), ("projectId", 100)):
        problems += _text(config.get(name), name, most)
    return problems


def _webhook(config: Mapping[str, Any]) -> list[Problem]:
    problems = _text(config.get("url"), "url", MAX_URL)
    url = config.get("url")
    if not problems and not (isinstance(url, str) and url.startswith(("http://", "https://"))):
        message = "call_webhook needs a url that begins with http:// or https://"
        problems.append(Problem(ErrorCode.REQUIRED, message, (_PATH, "url")))
    if config.get("method", "POST") not in WEBHOOK_METHODS:
        message = f"method must be one of {', '.join(WEBHOOK_METHODS)}"
        problems.append(Problem(ErrorCode.NOT_AN_OPTION, message, (_PATH, "method")))
    headers = config.get("headers")
    if headers is None:
        return problems
    if not isinstance(headers, Mapping) or not all(
        isinstance(value, str) for value in headers.values()
    ):
        message = "headers must be an object of texts"
        problems.append(Problem(ErrorCode.INVALID_TYPE, message, (_PATH, "headers")))
    elif len(headers) > MAX_HEADERS:
        message = f"headers has at most {MAX_HEADERS} entries"
        problems.append(Problem(ErrorCode.TOO_MANY, message, (_PATH, "headers")))
    return problems


def _cells(config: Mapping[str, Any]) -> list[Problem]:
    problems = []
    columns = config.get("columns")
    if columns is not None and not (
        isinstance(columns, list)
        and 1 <= len(columns) <= MAX_COLUMNS
        and all(isinstance(each, str) for each in columns)
    ):
        message = f"columns must be a list of 1 to {MAX_COLUMNS} column keys"
        problems.append(Problem(ErrorCode.INVALID_TYPE, message, (_PATH, "columns")))
    if config.get("mode", RunMode.MISSING) not in list(RunMode):
        message = f"mode must be one of {', '.join(RunMode)}"
        problems.append(Problem(ErrorCode.NOT_AN_OPTION, message, (_PATH, "mode")))
    return problems


def event_problems(action: ActionType, event: TriggerEvent) -> list[Problem]:
    """Why an action cannot follow an event."""
    if action is not ActionType.RUN_CELLS or event is not TriggerEvent.ROW_DELETED:
        return []
    message = "run_cells needs a row; that of row_deleted is gone"
    return [Problem(ErrorCode.INVALID, message, (_PATH,))]


def _text(value: Any, name: str, most: int) -> list[Problem]:
    """What is wrong with a text that may be missing."""
    if value is None:
        return []
    if not isinstance(value, str):
        return [Problem(ErrorCode.INVALID_TYPE, f"{name} must be a text", (_PATH, name))]
    try:
        clean_text(value)
    except Rejected as error:
        return [Problem(error.code, error.message, (_PATH, name))]
    if len(value) > most:
        message = f"{name} is longer than {most} characters"
        return [Problem(ErrorCode.TOO_LONG, message, (_PATH, name))]
    return []


_CHECKS: dict[ActionType, Callable[[Mapping[str, Any]], list[Problem]]] = {
    ActionType.RUN_WORKFLOW: _workflow,
    ActionType.CREATE_TASK: _task,
    ActionType.CALL_WEBHOOK: _webhook,
    ActionType.RUN_CELLS: _cells,
}
