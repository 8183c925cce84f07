"""Concurrency, rests that a provider asks for, the cache, and questions asked twice at once."""

import asyncio
from decimal import Decimal
from time import monotonic
from typing import Any

import pytest

from domain import providers
from domain.columns import ColumnType
from domain.provider_records import ProviderUpdate
from domain.tool_ports import TryLater
from domain.tool_records import Answer, Usage
from tests.models import replies
from tests.models.replies import Call, soon, too_many, value
from tests.providers.asking import Asking, column


async def test_no_more_calls_at_a_time_than_the_provider_may_take(asking: Asking) -> None:
    await asking.provider(concurrency=3)
    asking.models.hold()
    both = asyncio.gather(
        asking.answers(asking.work(*"abcdefgh")), asking.answers(asking.work(*"ijklmnop"))
    )
    await asking.models.arrived(3)
    asking.models.release()
    first, second = await both
    assert len(first) == len(second) == 8
    assert asking.models.most_at_once == 3
    assert asking.models.connections == 3


async def test_a_rest_holds_all_calls_and_none_is_lost(asking: Asking) -> None:
    await asking.provider(concurrency=4)
    asking.models.next(soon(300))
    arrivals: list[float] = []

    def answer(call: Call) -> str:
        arrivals.append(monotonic())
        return str(call.inputs["name"])

    asking.models.answer = answer
    started = monotonic()
    answers = await asking.answers(asking.work(*"abcdefghij"))
    assert [answer.value for answer in answers] == list("abcdefghij")
    assert asking.models.count == 11
    # Three were on their way when the first was refused; all others waited.
    assert sum(1 for at in arrivals if at - started < 0.25) <= 4
    assert max(arrivals) - started >= 0.3


async def test_a_long_rest_is_left_to_the_worker(asking: Asking) -> None:
    await asking.provider(concurrency=1)
    asking.models.next(value("first"), too_many(120))
    got: list[Answer] = []

    async def collect() -> None:
        async for answer in asking.tools.answers(asking.work(*"abcd")):
            got.append(answer)

    with pytest.raises(TryLater) as caught:
        await collect()
    assert [answer.value for answer in got] == ["first"]
    assert 115 < caught.value.seconds <= 120
    assert asking.models.count == 2
    with pytest.raises(TryLater):  # the gate is still closed for other work
        await asking.answers(asking.work("e"))
    assert asking.models.count == 2


async def test_who_always_refuses_is_left_alone(asking: Asking) -> None:
    await asking.provider()
    asking.models.answer = lambda _call: soon(10)
    with pytest.raises(TryLater, match="too much to do"):
        await asking.answers(asking.work("a"))
    assert asking.models.count == 5


async def test_what_was_asked_is_not_asked_again(asking: Asking) -> None:
    await asking.provider(input_price=Decimal(1), output_price=Decimal(1))
    long = Decimal("12345678901234567890.123456789")
    asking.models.answer = lambda _call: replies.text(f'{{"value": {long}, "confidence": 0.5}}')
    to = column(ColumnType.NUMBER)
    first = await asking.answer("a", to=to)
    again = await asking.answer("a", to=to)
    assert first.value == again.value == long
    assert (first.producer.cached, again.producer.cached) == (False, True)
    assert again.usage == Usage(0, 0, Decimal(0))
    assert (again.confidence, again.raw) == (0.5, first.raw)
    assert again.producer.version == "test-model-0001"
    assert asking.models.count == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"prompt": "Who is {{name}}?"},
        {"model": "other"},
        {"temperature": 0.3},
        {"max_output_tokens": 5},
        {"agent_profile": "researcher"},
        {"to": column(ColumnType.SELECT, options=["ok"])},
        {"provider": "second"},
    ],
)
async def test_another_question_is_asked(asking: Asking, changes: dict[str, Any]) -> None:
    await asking.provider()
    await asking.provider("second", base_url=asking.models.url.replace("127.0.0.1", "localhost"))
    await asking.answer("a")
    assert not (await asking.answer("a", **changes)).producer.cached
    assert asking.models.count == 2 if "provider" not in changes else 1
    assert (await asking.answer("a")).producer.cached


async def test_the_cache_can_be_passed_by(asking: Asking) -> None:
    await asking.provider()
    await asking.answer("a")
    work = asking.work("a", "a")
    fresh = type(work)(
        **{name: getattr(work, name) for name in work.__slots__} | {"use_cache": False}
    )
    asking.models.answer = lambda _call: "new"
    assert [answer.value for answer in await asking.answers(fresh)] == ["new", "new"]
    assert asking.models.count == 3
    assert (await asking.answer("a")).value == "new"


async def test_errors_are_not_kept_and_nothing_is(asking: Asking) -> None:
    await asking.provider()
    asking.models.next(replies.truncated(), value(None))
    assert (await asking.answer("a")).error
    assert (await asking.answer("a")).nothing
    kept = await asking.answer("a")
    assert kept.nothing
    assert kept.producer.cached
    assert asking.models.count == 2


async def test_the_cache_belongs_to_its_organisation_and_ages(asking: Asking) -> None:
    await asking.provider()
    await asking.answer("a")
    async with asking.world.database.transaction() as session:
        connection = await session.connection()
        await connection.exec_driver_sql(
            "UPDATE tool_cache SET created_at = created_at - interval '31 days'"
        )
    await asking.cache.forget()
    assert not (await asking.answer("a")).producer.cached


async def test_the_same_question_at_once_is_asked_once(asking: Asking) -> None:
    await asking.provider(input_price=Decimal(1), output_price=Decimal(1))
    asking.models.hold()
    work = [asyncio.create_task(asking.answers(asking.work("a", "b", "a"))) for _ in range(3)]
    await asking.models.arrived(2)
    asking.models.release()
    answers = [answer for found in await asyncio.gather(*work) for answer in found]
    assert asking.models.count == 2
    paid = [answer for answer in answers if answer.usage.input_tokens]
    assert len(paid) == 2
    assert sum(answer.producer.cached for answer in answers) == 7


async def test_who_goes_away_takes_nothing_from_others(asking: Asking) -> None:
    await asking.provider()
    asking.models.hold()
    first = asyncio.create_task(asking.answers(asking.work("a")))
    await asking.models.arrived(1)
    second = asyncio.create_task(asking.answers(asking.work("a")))
    alone = asyncio.create_task(asking.answers(asking.work("b")))
    await asking.models.arrived(2)
    first.cancel()
    alone.cancel()
    await asyncio.gather(first, alone, return_exceptions=True)
    asking.models.release()
    assert [answer.value for answer in await second] == ["ok"]
    assert not (await asking.answer("b")).producer.cached
    assert asking.models.count == 3


async def test_a_changed_provider_is_used_at_once(asking: Asking) -> None:
    made = await asking.provider()
    assert (await asking.answer("a")).producer.model == "test-model"
    viewer, storage = asking.world.viewer, asking.world.storage
    change = ProviderUpdate(model="newer", api_key="k2", base_url=asking.models.url)
    await providers.update_provider(viewer, storage, made.id, change)
    assert (await asking.answer("a")).producer.model == "newer"
    assert asking.models.calls[-1].key == "k2"
    await providers.delete_provider(viewer, storage, made.id)
    gone = await asking.answer("a", provider="local")
    assert gone.error == "There is no provider local"
