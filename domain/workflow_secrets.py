"""Headers of requests in definitions: they may hold keys, so clients write them and never read
them."""

from collections.abc import Mapping
from typing import Any

from domain.errors import Problem
from domain.trigger_actions import HIDDEN, hidden_problems


def shown_definition(definition: Mapping[str, Any]) -> dict[str, Any]:
    """A checked definition as clients see it: without the values of headers."""
    return {**definition, "steps": [_shown(step) for step in definition["steps"]]}


def with_hidden(given: Mapping[str, Any], stored: Mapping[str, Any]) -> dict[str, Any]:
    """A checked definition in which headers that are still hidden keep what is stored, step by step
    under the same id."""
    known = {step["id"]: step.get("headers") for step in stored["steps"]}
    return {**given, "steps": [_restored(step, known.get(step["id"])) for step in given["steps"]]}


def secret_problems(
    given: Mapping[str, Any], stored: Mapping[str, Any], *path: str
) -> list[Problem]:
    """A problem for each step of a checked definition that would send hidden headers elsewhere."""
    known = {step["id"]: step for step in stored["steps"]}
    return [
        problem
        for index, step in enumerate(given["steps"])
        for problem in hidden_problems(step, known.get(step["id"], {}), *path, "steps", str(index))
    ]


def _shown(step: Mapping[str, Any]) -> dict[str, Any]:
    headers = step.get("headers")
    if not isinstance(headers, Mapping):
        return dict(step)
    return {**step, "headers": dict.fromkeys(headers, HIDDEN)}


def _restored(step: Mapping[str, Any], known: Any) -> dict[str, Any]:
    headers = step.get("headers")
    if not isinstance(headers, Mapping) or not isinstance(known, Mapping):
        return dict(step)
    kept = {
        name: known.get(name, value) if value == HIDDEN else value
        for name, value in headers.items()
    }
    return {**step, "headers": kept}
