"""What takes a model is refused in one sentence, and never half answered."""

from typing import Any

import pytest

from domain.columns import ColumnType
from processing.rules import engine
from processing.rules.engine import NO_PROVIDER, Question, answer
from tests.rules_engine.asking import ask, column

TEXT = (
    "Nordlys SAS from Lyon sells lamps. Founded in 1998, 250 employees. Contact: hello@nordlys.fr"
)

PROMPTS: list[tuple[str, str]] = [
    ("Summarise {{text}}", "text"),
    ("Please summarize the text in one sentence.", "text"),
    ("Give me a short summary of {{text}}", "text"),
    ("Translate {{text}} to French", "text"),
    ("Extract the city and translate it into German", "text"),
    ("Write a product description for {{text}}", "text"),
    ("Write a polite reply to {{text}}", "text"),
    ("Rewrite {{text}} in simpler words", "text"),
    ("Explain why {{text}} matters", "text"),
    ("Generate a slogan for {{text}}", "text"),
    ("Describe {{text}}", "text"),
    ("Who is the CEO of {{text}}?", "text"),
    ("What is the capital of {{text}}?", "text"),
    ("What does {{text}} sell?", "text"),
    ("Find competitors of {{text}}", "text"),
    ("Extract the names of all people in {{text}}", "text"),
    ("What is the population of {{text}}?", "number"),
    ("How many lamps does {{text}} sell a year?", "number"),
    ("Estimate the revenue of {{text}}", "number"),
    ("Calculate the average of {{text}}", "number"),
    ("Count the words in {{text}}", "number"),
    ("How many words are in {{text}}?", "number"),
    ("Predict next year's headcount from {{text}}", "number"),
    ("When was {{text}} last in the news?", "date"),
    ("Is {{text}} profitable?", "boolean"),
    ("Is {{text}} written by a native speaker?", "boolean"),
    ("Research {{text}} on the web and give the website", "url"),
    ("", "boolean"),
]


@pytest.mark.parametrize(("prompt", "type_"), PROMPTS)
def test_what_takes_a_model_is_refused(prompt: str, type_: str) -> None:
    found = ask(prompt, TEXT, type_, label="Answer")
    assert found.error == NO_PROVIDER
    assert found.value is None
    assert found.confidence == 0
    assert not found.citations


def test_the_sentence() -> None:
    assert NO_PROVIDER == (
        "no provider: the rules engine cannot do this; configure a provider of a model"
    )
    assert engine.VERSION == "2"


@pytest.mark.parametrize("type_", ["json", "relation", "file", "computed"])
def test_types_that_it_never_fills(type_: str) -> None:
    assert ask("Extract the value from {{text}}", "1", type_).error == NO_PROVIDER


def test_knowledge_is_not_a_keyword() -> None:
    options = ["Europe", "Asia", "Africa"]
    found = ask("Which continent is {{text}} on?", "France", "select", options=options)
    assert found.value is None
    assert found.error == NO_PROVIDER


def test_prompts_that_only_sound_like_a_model() -> None:
    """Placeholders, options, keywords and quotes are not what is asked for."""
    given: dict[str, Any] = {"summary": "Total: $5", "translate": "x"}
    assert ask("Extract the total from {{summary}}", given, "number", label="Total").value == 5
    options = ["Translate", "Explain"]
    assert ask("Classify", "translate this", "select", options=options).value == "Translate"
    quoted = ask('Does {{text}} mention "explain"?', "please explain", "boolean")
    assert quoted.value is True


def test_empty_rows_are_empty_answers() -> None:
    for inputs in ({"text": None}, {"text": "  \n"}, {"a": "", "b": None}):
        found = ask("Extract the date", inputs, "date")
        assert (found.value, found.error) == (None, None)
    assert answer(Question("Extract the date", column("date"), {})).error == NO_PROVIDER


@pytest.mark.parametrize("type_", list(ColumnType))
def test_an_empty_prompt_never_raises(type_: ColumnType) -> None:
    found = ask("", TEXT, type_.value)
    assert found.value is None or found.confidence >= 0.5
