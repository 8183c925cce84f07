"""Questions for the rules engine, made short."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from domain.columns import Column, ColumnType
from processing.rules.engine import Finding, Input, Question, answer


def column(
    type_: str = "text", label: str = "Answer", key: str | None = None, **config: Any
) -> Column:
    """A column that only the engine sees. `config` are the keys of its config."""
    return Column(
        id=UUID(int=7),
        number=7,
        key=key or label.lower().replace(" ", "_"),
        label=label,
        type=ColumnType(type_),
        position=7,
        config=config or None,
    )


def question(
    prompt: str,
    inputs: Any,
    type_: str = "text",
    label: str = "Answer",
    options: Sequence[str] = (),
    unit: str | None = None,
) -> Question:
    """A question about one text, or about several values by key."""
    given: Mapping[str, Any] = inputs if isinstance(inputs, dict) else {"text": inputs}
    config: dict[str, Any] = {"options": list(options)} if options else {}
    if unit is not None:
        config["unit"] = unit
    return Question(
        prompt=prompt,
        target=column(type_, label, **config),
        inputs={
            key: Input(column("text", key.replace("_", " ").capitalize(), key), value)
            for key, value in given.items()
        },
    )


def ask(prompt: str, inputs: Any, type_: str = "text", **rest: Any) -> Finding:
    """The engine's answer."""
    return answer(question(prompt, inputs, type_, **rest))
