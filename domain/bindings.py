"""Bindings in the settings of a step: `{{input.row.name}}` stands for what is there in the run.

A text that is one binding and nothing else becomes the value with its JSON type. In a longer text
the value is written: texts as they are, null as nothing, lists and objects as JSON. What is not
there is null."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from domain import numbers

_BINDING = re.compile(r"\{\{([^{}]*)\}\}")
_PATH = re.compile(r"[A-Za-z0-9_-]{1,100}(?:\.[A-Za-z0-9_-]{1,100}){0,20}")

Place = tuple[str, ...]


class TooMuch(Exception):
    """The filled settings are over their bound."""


def bindings_in(value: Any, place: Place = ()) -> Iterator[tuple[Place, str]]:
    """Every binding in a JSON value: where its text stands, and what it says between the braces."""
    if isinstance(value, str):
        yield from ((place, match.group(1).strip()) for match in _BINDING.finditer(value))
    elif isinstance(value, Mapping):
        for key, each in value.items():
            yield from bindings_in(each, (*place, key))
    elif isinstance(value, list):
        for index, each in enumerate(value):
            yield from bindings_in(each, (*place, str(index)))


def is_binding(value: Any) -> bool:
    """Whether a value is one binding and nothing else, so that its type shows in the run only."""
    return isinstance(value, str) and _BINDING.fullmatch(value.strip()) is not None


def segments(path: str) -> list[str] | None:
    """The parts of a path such as `steps.call.body.0.id`; None for what is no path."""
    return path.split(".") if _PATH.fullmatch(path) else None


def fill(value: Any, scope: Mapping[str, Any], *, most: int) -> Any:
    """A copy of a JSON value with its bindings filled in from `scope`.

    Raises `TooMuch` when the texts that come in have more than `most` characters: a few bindings
    could repeat a large answer a thousand times."""
    return _Filler(scope, most).copy(value)


class _Filler:
    def __init__(self, scope: Mapping[str, Any], most: int) -> None:
        self._scope = scope
        self._left = most

    def copy(self, value: Any) -> Any:
        if isinstance(value, str):
            return self._text(value)
        if isinstance(value, Mapping):
            return {key: self.copy(each) for key, each in value.items()}
        if isinstance(value, list):
            return [self.copy(each) for each in value]
        return value

    def _text(self, text: str) -> Any:
        whole = _BINDING.fullmatch(text.strip())
        if whole is not None:
            found = self._look_up(whole)
            self._spend(written(found))
            return found
        return _BINDING.sub(lambda match: self._spend(written(self._look_up(match))), text)

    def _look_up(self, match: "re.Match[str]") -> Any:
        found: Any = self._scope
        for part in segments(match.group(1).strip()) or [""]:
            if isinstance(found, Mapping):
                found = found.get(part)
            elif isinstance(found, list) and part.isdecimal() and int(part) < len(found):
                found = found[int(part)]
            else:
                return None
        return found

    def _spend(self, text: str) -> str:
        self._left -= len(text)
        if self._left < 0:
            raise TooMuch
        return text


def written(value: Any) -> str:
    """A value as it stands in a text."""
    if value is None:
        return ""
    return value if isinstance(value, str) else as_json(value)


def as_json(value: Any) -> str:
    """JSON text with every number exact."""
    if isinstance(value, Mapping):
        inner = (
            f"{json.dumps(key, ensure_ascii=False)}:{as_json(each)}" for key, each in value.items()
        )
        return "{" + ",".join(inner) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(map(as_json, value)) + "]"
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    return numbers.text(value)
