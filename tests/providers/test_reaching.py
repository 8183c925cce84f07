"""Where providers may be, who answers without one, what an estimate says, and the test call."""

import hashlib
from dataclasses import replace
from decimal import Decimal

import pytest

from domain.addresses import Allowed
from domain.columns import ColumnType
from domain.provider_records import ProviderKind
from domain.tool_ports import CallEstimate
from domain.tool_records import ProducerKind
from persistence.secret_box import SecretBox
from persistence.storage import PostgresStorage
from processing.ai_tools import AiTools
from processing.outbound import Outbound
from processing.providers.prices import cost
from processing.rules import engine
from tests.models import replies
from tests.models.replies import value
from tests.providers.asking import Asking, column, open_asking
from tests.worlds import World


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("http://127.0.0.1:9/v1", "operator allows it"),
        ("https://127.0.0.1:9/v1", "not public"),
        ("https://[::ffff:127.0.0.1]/v1", "not public"),
        ("https://169.254.169.254/v1", "not public"),
        ("http://1.1.1.1/v1", "use https"),
        ("https://no-such-name.invalid/v1", "cannot be resolved"),
    ],
)
async def test_a_provider_inside_is_not_reached(world: World, url: str, message: str) -> None:
    async with open_asking(world, allowed="") as asking:
        for kind in ProviderKind:
            await asking.provider(kind.value, kind=kind, base_url=url)
            answer = await asking.answer(provider=kind.value)
            assert answer.error is not None
            assert message in answer.error


async def test_without_a_provider_the_rules_answer(asking: Asking) -> None:
    to = column(ColumnType.EMAIL)
    row = {"text": "Write to ann@example.com please"}
    rules = await asking.answer(row, to=to, prompt="Extract the e-mail from {{text}}")
    assert rules.value == "ann@example.com"
    producer = rules.producer
    assert (producer.kind, producer.provider) == (ProducerKind.RULES, "rules")
    assert producer.prompt_hash == hashlib.sha256(b"Extract the e-mail from {{text}}").hexdigest()
    assert (producer.version, producer.actor) == (engine.VERSION, "tester")
    assert rules.citations[0].text == "ann@example.com"
    assert rules.usage.cost == 0
    await asking.provider()
    named = await asking.answer(
        row, to=to, prompt="Extract the e-mail from {{text}}", provider="Rules"
    )
    assert named.value == "ann@example.com"
    assert asking.models.count == 0


async def test_the_rules_say_what_they_cannot_do(asking: Asking) -> None:
    answer = await asking.answer("x", prompt="Write a poem about {{name}}")
    assert answer.value is None
    assert answer.error is not None
    assert answer.error.startswith("no provider")


async def test_many_rows_by_rules(asking: Asking) -> None:
    rows = [{"text": f"mail a{index}@example.com"} for index in range(120)]
    work = asking.work(*rows, to=column(ColumnType.EMAIL), prompt="Extract the e-mail: {{text}}")
    answers = await asking.answers(work)
    assert [answer.value for answer in answers] == [f"a{n}@example.com" for n in range(120)]


async def test_an_unknown_provider_and_a_lost_key_are_errors(asking: Asking) -> None:
    assert (await asking.answer(provider="x")).error == "There is no provider x"
    await asking.provider()
    other = PostgresStorage(
        asking.world.database, lambda *_: None, secret_box=SecretBox([b"z" * 32])
    )
    tools = AiTools(other.providers, asking.cache, Outbound(Allowed()))
    [answer] = [answer async for answer in tools.answers(asking.work("a"))]
    assert answer.error is not None
    assert "give the secret again" in answer.error
    await tools.aclose()


async def test_an_estimate_bounds_what_is_spent(asking: Asking) -> None:
    await asking.provider(input_price=Decimal(3), output_price=Decimal(15), max_output_tokens=50)
    work = asking.work("short", "long " * 500)
    small, large = await asking.tools.estimates(work)
    assert 0 < small.input_tokens_low < large.input_tokens_low
    assert small.cost_low is not None
    assert small.cost_high is not None
    assert Decimal(0) < small.cost_low < small.cost_high
    assert large.output_tokens_high == 150
    # The worst model: every answer is wrong, and as long as it may be.
    asking.models.answer = lambda call: replace(
        replies.prose(), usage=(len(call.system + call.user), 50)
    )
    for answer, bound in zip(await asking.answers(work), (small, large), strict=True):
        assert bound.input_tokens_low <= answer.usage.input_tokens <= bound.input_tokens_high
        assert answer.usage.output_tokens == bound.output_tokens_high
        assert answer.usage.cost is not None
        assert bound.cost_high is not None
        assert answer.usage.cost <= bound.cost_high


async def test_what_is_known_or_ruled_costs_nothing(asking: Asking) -> None:
    [ruled] = await asking.tools.estimates(asking.work("a"))
    assert ruled.tokens_high == ruled.cost_high == 0
    await asking.provider()
    await asking.answer("a")
    known, unknown = await asking.tools.estimates(asking.work("a", "b"))
    assert known == CallEstimate()
    assert unknown.tokens_high > unknown.tokens_low > 0
    assert unknown.cost_high is None  # nobody knows what a server of one's own costs
    fresh = replace(asking.work("a"), use_cache=False)
    assert (await asking.tools.estimates(fresh))[0].tokens_high > 0


async def test_prices_are_those_of_the_provider_or_public_ones(asking: Asking) -> None:
    own = await asking.provider(input_price=Decimal("0.1"), output_price=Decimal("0.4"))
    assert cost(own, "any", 1_000_000, 500_000) == Decimal("0.3")
    server = await asking.provider("server")
    assert cost(server, "gpt-4o-mini", 1_000, 1_000) is None
    public = replace(server, base_url=None)
    assert cost(public, "gpt-4o-mini", 1_000_000, 0) == Decimal("0.15")
    assert cost(public, "a-model-nobody-knows", 1, 1) is None
    hosted = replace(server, base_url="https://api.openai.com/v1")
    assert cost(hosted, "gpt-4o-mini", 0, 1_000_000) == Decimal("0.6")


async def test_the_test_call(asking: Asking) -> None:
    await asking.provider()
    organization_id = asking.world.viewer.organization_id
    asking.models.answer = lambda call: value(call.inputs["word"].upper(), usage=(9, 4))
    check = await asking.tools.check(organization_id, "local")
    assert (check.error, check.model) == (None, "test-model-0001")
    assert (check.usage.input_tokens, check.usage.output_tokens) == (9, 4)
    asking.models.next(replies.failing(401), replies.too_many(300))
    refused = await asking.tools.check(organization_id, "local")
    assert refused.error == "The provider local refuses its key"
    later = await asking.tools.check(organization_id, "local")
    assert later.error is not None
    assert "too much to do" in later.error
