"""Good and bad by a list of words."""

from typing import Any

import pytest

from processing.rules.lexicon import PHRASES, WEIGHTS
from tests.rules_engine.asking import ask

MOODS = ["positive", "negative", "neutral"]

CASES: list[tuple[str, Any]] = [
    ("I love this phone.", "positive"),
    ("I don't love this phone.", "negative"),
    ("This is not good.", "negative"),
    ("This is not bad at all.", "positive"),
    ("It was not only cheap, it was also excellent.", "positive"),
    ("No problems so far, great support.", "positive"),
    ("Very, very disappointed with the quality.", "negative"),
    ("The best pizza in town!", "positive"),
    ("Worst pizza in town!", "negative"),
    ("It stopped working after a week.", "negative"),
    ("Waste of money.", "negative"),
    ("Works like a charm 👍", "positive"),
    ("Broken on arrival :(", "negative"),
    ("I would not recommend it.", "negative"),
    ("I can't recommend it enough!", "positive"),
    ("Could not be happier with my order.", "positive"),
    ("The design is nice but it is terrible to use and it broke.", "negative"),
    ("It looked awful at first, but it is absolutely fantastic.", "positive"),
    ("Superb camera, poor battery.", None),
    ("The meeting is at ten in the room on the left.", None),
    ("The food was okay.", "neutral"),
    ("Neither good nor bad, just average.", "neutral"),
    ("Not okay at all.", None),
    ("Le produit est horrible", "negative"),  # a word of both languages
    ("xyzzy", None),
    ("12345", None),
    ("Never disappointed.", "positive"),
    ("There is nothing good about it.", "negative"),
    ("Hardly worth it. Slow, buggy and expensive.", "negative"),
    ("Thank you so much, wonderful team!", "positive"),
    ("DISGUSTING FOOD!!!", "negative"),
]


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_reviews(text: str, expected: Any) -> None:
    found = ask("What is the sentiment of {{text}}?", text, "select", options=MOODS, label="Mood")
    assert found.value == expected
    assert found.error is None


def test_the_names_of_the_options_are_enough() -> None:
    options = ["Happy", "Unhappy"]
    assert ask("Classify", "I love it, great!", "select", options=options).value == "Happy"
    assert ask("Classify", "Terrible, I hate it.", "select", options=options).value == "Unhappy"


def test_strong_options() -> None:
    options = ["Very negative", "Negative", "Neutral", "Positive", "Very positive"]
    strong = "Absolutely amazing, brilliant, best purchase ever, I love it!"
    assert ask("Sentiment", strong, "select", options=options).value == "Very positive"
    assert (
        ask("Sentiment", "A good lamp, I am happy.", "select", options=options).value == "Positive"
    )


def test_mixed_where_there_is_such_an_option() -> None:
    options = ["positive", "negative", "mixed"]
    text = "Superb camera, terrible battery."
    assert ask("Sentiment", text, "select", options=options).value == "mixed"


def test_scores() -> None:
    good = ask("Sentiment score of {{text}}", "Wonderful, I love it", "number", label="Score")
    bad = ask("Sentiment score of {{text}}", "Awful, I hate it", "number", label="Score")
    flat = ask("Sentiment score of {{text}}", "It is on the table", "number", label="Score")
    assert 0.5 < good.value <= 1
    assert -1 <= bad.value < -0.5
    assert flat.value is None
    stars = ask("Rate the sentiment from 1 to 5", "Wonderful, I love it", "number", label="Stars")
    assert stars.value == 5


def test_as_text_and_with_its_words() -> None:
    found = ask("Sentiment of {{text}}", "The room was clean and the staff friendly.", "text")
    assert found.value == "positive"
    assert [cite.text for cite in found.citations] == ["clean", "friendly"]
    assert found.raw == "clean, friendly"


def test_more_one_sided_is_more_certain() -> None:
    one = ask("Sentiment", "great, love it, excellent", "text").confidence
    other = ask("Sentiment", "good, mostly great, but slow", "text").confidence
    assert one > other


def test_the_list_of_words_is_in_order() -> None:
    assert len(WEIGHTS) > 400
    assert all(-3 <= weight <= 3 and weight for weight in WEIGHTS.values())
    assert all(phrase == phrase.lower() for phrase in PHRASES)
