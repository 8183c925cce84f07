"""What the rules engine is asked and what it answers, and its passages: the inputs as text."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from domain import numbers
from domain.columns import Column
from domain.tool_records import Citation

#: What the engine says of everything that takes more than rules.
NO_PROVIDER = "no provider: the rules engine cannot do this; configure a provider of a model"

#: Characters that are read of all inputs together; what stands behind them is not seen.
MOST_CHARACTERS = 200_000


@dataclass(frozen=True, slots=True)
class Input:
    """One value of the row, as plain JSON, and the column that it stands in."""

    column: Column
    value: Any


@dataclass(frozen=True, slots=True)
class Question:
    """One cell to fill. `prompt` may hold `{{key}}` placeholders; `inputs` are by key, in order."""

    prompt: str
    target: Column
    inputs: Mapping[str, Input]


@dataclass(frozen=True, slots=True)
class Finding:
    """An answer. `value` is in the stored form of the target column; None without `error` says that
    there is nothing to be found. `confidence` is from 0 to 1. `raw` is the value as it was written.
    """

    value: Any = None
    confidence: float = 0.0
    citations: Sequence[Citation] = ()
    error: str | None = None
    raw: str | None = None


NOTHING = Finding()
REFUSED = Finding(error=NO_PROVIDER)


@dataclass(frozen=True, slots=True)
class Passage:
    """One input as text. Citations count the characters of `text`."""

    key: str
    label: str
    text: str

    def cite(self, start: int, end: int) -> Citation:
        return Citation(self.key, self.text[start:end], start, end)

    def cite_all(self) -> Citation:
        return self.cite(0, len(self.text))


def passages(question: Question) -> list[Passage]:
    """The inputs that are not blank, as texts of `MOST_CHARACTERS` at most."""
    found, room = [], MOST_CHARACTERS
    for key, given in question.inputs.items():
        text = text_of(given.value)[:room]
        if text.strip():
            found.append(Passage(key, given.column.label or key, text))
            room -= len(text)
    return found


def text_of(value: Any) -> str:
    """A value as people write it: texts as they are, lists joined by commas, a measurement as its
    amount and unit, a file as its name, other objects as JSON."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float | Decimal):
        return _number_text(value)
    if isinstance(value, list | tuple):
        return ", ".join(text for text in map(text_of, value) if text)
    if isinstance(value, Mapping):
        return _object_text(value)
    return str(value)


def _number_text(value: int | float | Decimal) -> str:
    try:
        return numbers.text(value)
    except ValueError:
        return ""


def _object_text(value: Mapping[str, Any]) -> str:
    if "amount" in value:
        return f"{text_of(value['amount'])} {value.get('unit') or ''}".strip()
    if "id" in value and isinstance(value.get("name"), str):
        return str(value["name"])
    return json.dumps(value, ensure_ascii=False, default=str)
