"""What holds for every question: no exception, values that the column takes, exact citations, the
same answer again, and work that grows with the length of the text."""

import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain import values
from domain.columns import ColumnType
from processing.rules import engine
from processing.rules.engine import Question, answer
from processing.rules.records import MOST_CHARACTERS, text_of
from tests.examples import examples
from tests.rules_engine.asking import ask, question
from tests.rules_engine.labelled_texts import INVOICE, RECHNUNG, TASKS

PROMPTS = [
    *sorted({task.prompt for task in TASKS}),
    "Normalise {{text}}", "Title case", "Sentiment", "Extract the latest date", "", "{{text}}",
    "Extract all links", "Slug", "Format the phone number, +49", "Extract the price in EUR",
    "Is it true?\ntrue: yes, ok\nfalse: no", "Extract the {{", "Classify: A (x, y), B (z)",
]  # fmt: skip
FRAGMENTS = st.sampled_from(
    [*INVOICE.splitlines(), *RECHNUNG.splitlines(), "not", "no", "$1,2", "a@b.co", "€", "-",
     "https://x.y/z)", "(((", "5 March", "12/11/10", "99%", "Total:", "\n", ";", "\x00", "\ud800",
     "ﬀ", "İ", "٣٤", "²", "\uff11\uff12", "n't", "but", "very good", "A", "B", "👍"]
)  # fmt: skip
TEXTS = st.one_of(
    st.text(max_size=200),
    st.lists(FRAGMENTS, max_size=12).map(" ".join),
    st.lists(FRAGMENTS, max_size=12).map("".join),
)
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.decimals(places=2), TEXTS
)
VALUES = st.one_of(
    SCALARS,
    st.lists(SCALARS, max_size=3),
    st.fixed_dictionaries({"amount": SCALARS, "unit": st.sampled_from(["kg", None])}),
    st.dictionaries(st.text(max_size=5), SCALARS, max_size=3),
)


@st.composite
def questions(draw: Callable[..., Any]) -> Question:
    type_ = draw(st.sampled_from(list(ColumnType)))
    options = draw(st.sampled_from([(), ("A", "B"), ("positive", "negative"), ("1-10", "11+")]))
    return question(
        draw(st.one_of(st.sampled_from(PROMPTS), TEXTS)),
        draw(st.dictionaries(st.sampled_from(["text", "note", "total"]), VALUES, max_size=3)),
        type_.value,
        label=draw(st.sampled_from(["Answer", "Total", "Due date", "Weight (kg)", "", "#", "\n"])),
        options=options if type_ in (ColumnType.SELECT, ColumnType.MULTI_SELECT) else (),
        unit="kg" if type_ is ColumnType.MEASUREMENT else None,
    )


@examples(100)
@given(questions())
def test_every_answer_can_be_stored_and_is_where_it_says(asked: Question) -> None:
    found = answer(asked)
    assert answer(asked) == found
    assert 0 <= found.confidence <= 1
    assert found.value is None or (found.error is None and found.confidence >= 0.5)
    if found.value is not None:
        assert values.accept(asked.target, found.value) == found.value
    else:
        assert not found.confidence
    for cite in found.citations:
        text = text_of(asked.inputs[cite.column].value)
        assert text[cite.start : cite.end] == cite.text
        assert cite.start < cite.end


NASTY = [
    "a" * 50, "1" * 50, "1 " * 25, "1." * 25, "1," * 25, "@" * 50, "a@" * 25, "a." * 25, "-" * 50,
    "a-" * 25, "http://" * 7, "https://a.b)" * 4, "www." * 12, "(" * 50, "()" * 25, "+(0" * 16,
    "Total: " * 7, "Total: 5\n" * 5, "not " * 12, "DE89 " * 10, "2024-01-01 " * 5,
    "$" * 50, "$1" * 25, "very good " * 5, "but good. " * 5, "\n" * 50, ": " * 25, "5 kg " * 10,
    "label label " * 4, "A=1;" * 12, "x1-" * 16, "I'm'm'" * 8, "of of 1 " * 6, " " * 50,
    ", " * 25, "1'2" * 16, "<a " * 16, "Jan " * 12, "5. " * 16, "5 of " * 10, "€ 1.234,5 " * 5,
    "01/02/2024," * 5, "\u00a0" * 50,
]  # fmt: skip
KINDS: list[tuple[str, str, dict[str, Any]]] = [
    ("Extract the total", "number", {"label": "Total"}),
    ("Extract the date", "date", {"label": "Due date"}),
    ("Extract the e-mail", "email", {}),
    ("Extract the link", "url", {}),
    ("Extract the phone number", "text", {"label": "Phone"}),
    ("Extract the IBAN", "text", {"label": "IBAN"}),
    ("Extract the invoice number", "text", {"label": "Invoice number"}),
    ("Extract the customer", "text", {"label": "Customer"}),
    ("Extract the postcode", "text", {"label": "Postcode"}),
    ("Classify", "select", {"options": ["Total", "Good label", "Other"]}),
    ("Sentiment", "select", {"options": ["positive", "negative", "neutral"]}),
    ('Mention "label label"?', "boolean", {}),
    ("Strip html tags, remove suffix, title case", "text", {}),
]


def _steps(work: Callable[[], object]) -> int:
    """Lines of our own code that run: a count of work that no clock disturbs."""
    count = 0

    def trace(frame: FrameType, event: str, _: object) -> Any:
        nonlocal count
        if "processing" not in frame.f_code.co_filename:
            return None
        count += event == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        work()
    finally:
        sys.settrace(before)
    return count


@pytest.mark.parametrize(("prompt", "type_", "rest"), KINDS)
def test_work_grows_with_the_length(prompt: str, type_: str, rest: dict[str, Any]) -> None:
    for piece in NASTY:
        short, long = piece * 20, piece * 80
        ask(prompt, short, type_, **rest)  # what is remembered is remembered now
        few = _steps(lambda text=short: ask(prompt, text, type_, **rest))  # type: ignore[misc]
        many = _steps(lambda text=long: ask(prompt, text, type_, **rest))  # type: ignore[misc]
        assert many <= 6 * few + 2_000, piece


def test_long_texts_are_read_to_their_bound() -> None:
    filler = "lorem ipsum " * (MOST_CHARACTERS // 12 + 1)
    inside = ask("Extract the e-mail", "a@b.com " + filler, "email")
    assert inside.value == "a@b.com"
    assert ask("Extract the e-mail", filler + "a@b.com", "email").value is None


@pytest.mark.parametrize(
    "piece",
    [
        pytest.param(piece, marks=pytest.mark.long if number % 6 else ())
        for number, piece in enumerate(NASTY)
    ],
)
def test_the_longest_texts_end(piece: str) -> None:
    text = piece * (MOST_CHARACTERS // len(piece))
    for prompt, type_, rest in KINDS[::3]:
        engine.answer(question(prompt, text, type_, **rest))


@pytest.mark.parametrize(
    "piece",
    ['"a" ', "Extract the ", "A: x, ", "otherwise A ", "{{", "(A ", "the the of of ", "mention a, ",
     "translate", "please and then ", "in the text from ", "A if b, ", "\ufffc", "- A: \n"],
)  # fmt: skip
def test_hostile_prompts_end(piece: str) -> None:
    """A prompt is read once for all rows, up to its bound."""
    for type_, options in (("number", ()), ("select", ("A", "B")), ("boolean", ()), ("text", ())):
        for prompt in (piece * (30_000 // len(piece)), "Extract " + piece * 2_000):
            found = ask(prompt, "A: 5 " * 2_000, type_, options=options)
            assert found.value is None or found.confidence >= 0.5
