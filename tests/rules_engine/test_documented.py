"""The examples of the page on the rules engine are what the engine answers."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from processing.rules.engine import NO_PROVIDER, Finding
from tests.rules_engine.asking import ask

PAGE = Path(__file__).parents[2] / "docs" / "rules-engine.md"
_ROW = re.compile(
    r"^\| `([^`]+)` \| `([^`]+)` \| (\w+) `([^`]+)` \| `([^`]+)` \| ([0-9.]+) \|$", re.M
)

EXAMPLES = _ROW.findall(PAGE.read_text())


def asked(prompt: str, text: str, type_: str, named: str) -> Finding:
    """The answer to one example. `named` is the label with the options or the unit."""
    label, _, options = named.partition(": ")
    rest: dict[str, Any] = {"label": label}
    if options:
        rest["options"] = options.split(", ")
    if type_ == "measurement":
        label, _, unit = label.partition(" (")
        rest = {"label": label, "unit": unit.removesuffix(")")}
    return ask(prompt, text, type_, **rest)


def written(found: Finding) -> str:
    """An answer as it stands on the page."""
    return "refused" if found.error else json.dumps(found.value, ensure_ascii=False)


@pytest.mark.parametrize(("prompt", "text", "type_", "named", "value", "confidence"), EXAMPLES)
def test_an_example(
    prompt: str, text: str, type_: str, named: str, value: str, confidence: str
) -> None:
    found = asked(prompt, text, type_, named)
    assert (written(found), f"{found.confidence:g}") == (value, confidence)


def test_there_are_examples_and_the_sentence() -> None:
    assert len(EXAMPLES) > 30
    assert f"\n{NO_PROVIDER}\n" in PAGE.read_text()
