"""AI tools: good answers, and every way in which a model can misbehave."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from domain.columns import ColumnType
from domain.provider_records import ProviderKind
from domain.tool_records import ProducerKind, Usage
from tests.models import replies
from tests.models.replies import Reply, text, value
from tests.providers.asking import KEY, Asking, column

PRICES: dict[str, Any] = {"input_price": Decimal(1), "output_price": Decimal(2)}


async def test_a_good_answer_says_where_it_comes_from(asking: Asking) -> None:
    await asking.provider(**PRICES)
    asking.models.answer = lambda call: value(call.inputs["name"].upper(), 0.75, usage=(100, 50))
    answer = await asking.answer("ann")
    assert (answer.value, answer.error, answer.confidence) == ("ANN", None, 0.75)
    assert answer.usage == Usage(100, 50, Decimal("0.0002"))
    producer = answer.producer
    assert (producer.kind, producer.actor, producer.cached) == (ProducerKind.MODEL, "tester", False)
    assert (producer.provider, producer.model) == ("local", "test-model")
    assert producer.version == "test-model-0001"
    assert answer.raw == '{"value": "ANN", "confidence": 0.75}'
    [call] = asking.models.calls
    assert call.key == KEY
    assert call.task == "What is {{name}}?"
    other = await asking.answer("bob")
    assert other.producer.prompt_hash == producer.prompt_hash is not None


@pytest.mark.parametrize(
    ("kind", "url"),
    [
        (ProviderKind.OPENAI, "url"),
        (ProviderKind.ANTHROPIC, "anthropic_url"),
        (ProviderKind.GOOGLE, "google_url"),
    ],
)
async def test_each_kind_is_asked_in_its_protocol(
    asking: Asking, kind: ProviderKind, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("OPENAI", "ANTHROPIC", "GOOGLE", "GEMINI"):
        monkeypatch.setenv(f"{name}_API_KEY", "leaked")
    for name in ("OPENAI_ORG_ID", "OPENAI_PROJECT_ID", "ANTHROPIC_AUTH_TOKEN"):
        monkeypatch.setenv(name, "leaked")
    for name in ("OPENAI_CUSTOM_HEADERS", "ANTHROPIC_CUSTOM_HEADERS"):
        monkeypatch.setenv(name, "x-extra: leaked")
    await asking.provider(
        kind=kind, base_url=getattr(asking.models, url), temperature=0.2, max_output_tokens=77
    )
    await asking.provider("keyless", kind=kind, base_url=getattr(asking.models, url), api_key=None)
    asking.models.answer = lambda call: value(call.protocol, 1, usage=(7, 3))
    answer = await asking.answer()
    assert (answer.value, answer.error) == (kind.value, None)
    assert (answer.usage.input_tokens, answer.usage.output_tokens) == (7, 3)
    assert (await asking.answer(provider="keyless")).value == kind.value
    first, second = asking.models.calls
    assert (first.key, first.most_tokens, second.key) == (KEY, 77, "")
    assert "value: a text" in first.system
    assert "untrusted" in first.system
    sent = str([first.body, dict(first.headers), second.body, dict(second.headers)])
    assert "0.2" in sent
    assert "leaked" not in sent
    assert '"confidence"' in sent.replace("'", '"')  # the schema


@pytest.mark.parametrize(
    ("type_", "config", "said", "found"),
    [
        (ColumnType.TEXT, {}, "plain", "plain"),
        (ColumnType.NUMBER, {}, 12.5, 12.5),
        (ColumnType.NUMBER, {}, "12.50", 12.5),
        (ColumnType.BOOLEAN, {}, True, True),
        (ColumnType.BOOLEAN, {}, "False", False),
        (ColumnType.DATE, {}, "2026-01-31", "2026-01-31"),
        (ColumnType.URL, {}, " https://a.test/ ", "https://a.test/"),
        (ColumnType.EMAIL, {}, "a@b.test", "a@b.test"),
        (ColumnType.SELECT, {"options": ["Red", "Blue"]}, " rEd ", "Red"),
        (ColumnType.MULTI_SELECT, {"options": ["A", "B"]}, ["b", "a", "B"], ["B", "A"]),
        (ColumnType.JSON, {}, {"a": [1, None]}, {"a": [1, None]}),
        (ColumnType.MEASUREMENT, {"unit": "kg"}, 3, 3),
        (ColumnType.TEXT, {}, None, None),
        (ColumnType.TEXT, {}, "not_found", None),
        (ColumnType.NUMBER, {}, "NOT_FOUND", None),
        (ColumnType.MULTI_SELECT, {"options": ["A"]}, [], None),
    ],
)
async def test_values_come_in_the_form_of_the_column(
    asking: Asking, type_: ColumnType, config: dict[str, Any], said: Any, found: Any
) -> None:
    await asking.provider()
    asking.models.answer = lambda _call: value(said)
    answer = await asking.answer(to=column(type_, **config))
    assert (answer.value, answer.error) == (found, None)
    assert answer.nothing is (found is None)
    assert asking.models.count == 1


@pytest.mark.parametrize(
    ("type_", "said", "found"),
    [
        (ColumnType.TEXT, "Paris", "Paris"),
        (ColumnType.TEXT, '"Paris"', "Paris"),
        (ColumnType.TEXT, '```json\n{"value": "Paris"}\n```', "Paris"),
        (ColumnType.NUMBER, " 42 ", 42),
        (ColumnType.BOOLEAN, "true", True),
        (ColumnType.TEXT, "NOT_FOUND", None),
    ],
)
async def test_bare_values_are_taken_where_no_talk_can_be_mistaken_for_them(
    asking: Asking, type_: ColumnType, said: str, found: Any
) -> None:
    await asking.provider()
    asking.models.answer = lambda _call: text(said)
    answer = await asking.answer(to=column(type_))
    assert (answer.value, answer.error) == (found, None)


BAD = {
    "prose": (replies.prose(), ColumnType.TEXT, "prose instead of a value"),
    "blank": (text(" \n"), ColumnType.NUMBER, "the answer is empty"),
    "blank value": (value("  "), ColumnType.SELECT, "the value is an empty text"),
    "prose for a number": (text("It is about twelve."), ColumnType.NUMBER, "does not fit"),
    "prose around": (text('Here: {"value": "x"}'), ColumnType.TEXT, "text around the JSON"),
    "prose behind": (text('{"value": "x"} as asked'), ColumnType.TEXT, "text behind the JSON"),
    "lines": (text("- a\n- b"), ColumnType.TEXT, "prose instead of a value"),
    "broken": (replies.wrong_json(), ColumnType.TEXT, "broken JSON"),
    "other": (replies.other_json(), ColumnType.TEXT, 'no "value"'),
    "twice": (replies.duplicates(), ColumnType.TEXT, "more than one answer"),
    "two keys": (text('{"value": 1, "value": 2}'), ColumnType.NUMBER, 'more than one "value"'),
    "a list": (value(["a", "b"]), ColumnType.TEXT, "exactly one value"),
    "a bare list": (text('["a", "b"]'), ColumnType.TEXT, "exactly one value"),
    "several": (text('"a" "b"'), ColumnType.TEXT, "more than one value"),
    "no number": (value("many"), ColumnType.NUMBER, "does not fit"),
    "NaN": (text('{"value": NaN}'), ColumnType.NUMBER, "broken JSON"),
    "an object": (value({"a": 1}), ColumnType.TEXT, "does not fit"),
    "a count": (value(1), ColumnType.BOOLEAN, "neither true nor false"),
    "no option": (value("Green"), ColumnType.SELECT, "does not fit"),
    "no date": (value("soon"), ColumnType.DATE, "does not fit"),
}


@pytest.mark.parametrize("name", BAD)
async def test_what_is_no_value_never_becomes_one(asking: Asking, name: str) -> None:
    """The model is told what was wrong, twice; then the cell is."""
    reply, type_, message = BAD[name]
    options: dict[str, Any] = {"options": ["Red", "Blue"]} if type_ is ColumnType.SELECT else {}
    await asking.provider(**PRICES)
    asking.models.answer = lambda _call: replace(reply, usage=(10, 5))
    answer = await asking.answer(to=column(type_, **options))
    assert answer.value is None
    assert answer.error is not None
    assert message in answer.error
    assert answer.error.startswith("The model gave no value: ")
    assert asking.models.count == 3
    assert answer.usage == Usage(30, 15, Decimal("0.00006"))
    first, *others = asking.models.calls
    assert "could not be used" not in first.user
    assert all("could not be used" in call.user for call in others)


async def test_a_model_that_is_told_may_do_better(asking: Asking) -> None:
    await asking.provider()
    asking.models.next(replies.prose(), replies.duplicates())
    asking.models.answer = lambda _call: "Paris"
    answer = await asking.answer()
    assert (answer.value, asking.models.count) == ("Paris", 3)
    assert answer.usage.output_tokens > 20


@pytest.mark.parametrize(
    ("reply", "message"),
    [
        (replies.truncated(), "cut off after 4,096 tokens"),
        (replies.truncated('{"value": "whole"}'), "cut off"),
        (replies.refuses(), "refused"),
        (replies.filtered(), "filter"),
        (replies.failing(400), "refuses the question with status 400: the server is on fire"),
        (replies.failing(401), "refuses its key"),
        (replies.failing(403), "refuses its key"),
        (replies.failing(404), "knows no model test-model"),
        (replies.huge(), "larger than 4 MB"),
        (Reply("x", 302, {"location": "/v1/x"}), "wants to be asked elsewhere"),
    ],
)
async def test_what_would_fail_again_is_not_asked_again(
    asking: Asking, reply: Reply, message: str
) -> None:
    await asking.provider()
    asking.models.answer = lambda _call: reply
    answer = await asking.answer()
    assert answer.value is None
    assert answer.error is not None
    assert message in answer.error
    assert asking.models.count == (2 if reply.status == 400 else 1)  # once without a schema


@pytest.mark.parametrize(
    ("reply", "message"),
    [
        (replies.failing(500), "answered with status 500"),
        (replies.failing(503), "answered with status 503"),
        (replies.closes(), "connection to the provider local broke"),
        (replies.hangs(), "did not answer within 0.2 seconds"),
        (Reply("late").after(5), "did not answer within 0.2 seconds"),
    ],
)
async def test_what_may_pass_is_asked_three_times(
    asking: Asking, reply: Reply, message: str
) -> None:
    await asking.provider(timeout_seconds=0.2)
    asking.models.next(reply, reply)
    assert (await asking.answer("one")).value == "ok"
    asking.models.answer = lambda _call: reply
    answer = await asking.answer("two")
    assert answer.value is None
    assert answer.error is not None
    assert message in answer.error
    assert asking.models.count == 6


async def test_one_bad_row_never_stops_the_others(asking: Asking) -> None:
    await asking.provider()
    bad = {"b": replies.truncated(), "d": replies.failing(404), "e": replies.prose()}
    asking.models.answer = lambda call: bad.get(call.inputs["name"], call.inputs["name"])
    answers = await asking.answers(asking.work(*"abcdef"))
    assert [answer.value for answer in answers] == ["a", None, "c", None, None, "f"]
    assert [bool(answer.error) for answer in answers] == [False, True, False, True, True, False]


async def test_a_server_without_schemas_is_asked_in_words(asking: Asking) -> None:
    await asking.provider()
    asking.models.answer = lambda call: (
        replies.failing(400) if "response_format" in call.body else value("fine")
    )
    answers = await asking.answers(asking.work("a"))
    answers += await asking.answers(asking.work("b", "c"))
    assert [answer.value for answer in answers] == ["fine"] * 3
    assert asking.models.count == 4


async def test_the_key_is_in_no_answer(asking: Asking) -> None:
    await asking.provider()
    told = Reply(f"Incorrect API key provided: {KEY}", status=400)
    asking.models.answer = lambda _call: told
    answer = await asking.answer()
    assert answer.error is not None
    assert "Incorrect API key provided" in answer.error
    assert KEY not in repr(answer)
    asking.models.answer = lambda _call: text(f"{{ {KEY}")
    assert KEY not in repr(await asking.answer("other"))
