"""Questions become answers: from the cache, from the same question under way, or from the model,
patiently."""

import asyncio
import random
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any
from uuid import UUID

import structlog

from domain import values
from domain.rejections import Rejected
from domain.tool_ports import AnswerStore, ToolWork, TryLater
from domain.tool_records import Answer, Producer, ProducerKind, ToolCall, Usage
from processing.providers import contracts
from processing.providers.asking import ask
from processing.providers.clients import Client
from processing.providers.contracts import Reading, Unusable
from processing.providers.estimates import MOST_ATTEMPTS
from processing.providers.gates import LONGEST_REST
from processing.providers.prices import cost
from processing.providers.questions import MOST_CHARACTERS, Question
from processing.providers.replies import Asked, Busy, Failed, Reply

#: Seconds before a question is asked again after a failure; the next time four times as long.
FIRST_PAUSE = 0.5
#: What is kept of an answer's own text.
MOST_RAW = 10_000

#: A provider that refuses one call so often is left alone.
_MOST_REFUSALS = 5

_log = structlog.get_logger()

_Asked = tuple[ToolCall, Question]
_Key = tuple[UUID, str]


@dataclass
class _Flight:
    """A question under way, and how many wait for its answer."""

    task: "asyncio.Task[_Outcome]"
    waiting: int = 0


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What came of a question. `reading` is None with an `error`."""

    reading: Reading | None
    usage: Usage
    model: str | None = None
    raw: str | None = None
    error: str | None = None


class Answering:
    """For all providers of a process."""

    def __init__(self, cache: AnswerStore, pause: float = FIRST_PAUSE) -> None:
        self._cache = cache
        self._pause = pause
        self._flights: dict[_Key, _Flight] = {}

    async def aclose(self) -> None:
        """End what is under way."""
        flights = [flight.task for flight in self._flights.values()]
        for task in flights:
            task.cancel()
        await asyncio.gather(*flights, return_exceptions=True)

    async def known(
        self, client: Client, work: ToolWork, questions: Sequence[Question]
    ) -> Mapping[str, Mapping[str, Any]]:
        """Answers of the cache by hash; none when it shall not be used."""
        if not work.use_cache:
            return {}
        hashes = [each.hash for each in questions]
        return await self._cache.find(work.organization_id, hashes)

    async def answers(
        self, client: Client, work: ToolWork, questions: Sequence[_Asked]
    ) -> AsyncGenerator[Answer]:
        """An answer for each question, as they come. Raises `TryLater` behind the last one: what
        was paid for is not thrown away."""
        known = await self.known(client, work, [asked for _, asked in questions])
        waiting = []
        for call, asked in questions:
            found = _remembered(client, work, call, asked, known)
            if found is not None:
                yield found
            else:
                waiting.append((call, asked))
        tasks = [asyncio.create_task(self._answer(client, work, *each)) for each in waiting]
        later: TryLater | None = None
        try:
            for done in asyncio.as_completed(tasks):
                try:
                    answer = await done
                except TryLater as error:
                    later = error
                else:
                    yield answer
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        if later is not None:
            raise later

    async def _answer(
        self, client: Client, work: ToolWork, call: ToolCall, asked: Question
    ) -> Answer:
        producer = _producer(client, work, asked)
        if len(asked.data) > MOST_CHARACTERS:
            error = f"The inputs have more than {MOST_CHARACTERS:,} characters"
            return Answer(call.index, producer, error=error)
        key = (work.organization_id, asked.hash)
        try:
            if not work.use_cache:
                return _told(call, producer, await self._fly(client, key, asked))
            return await self._shared(client, key, asked, call, producer)
        except TryLater:
            raise
        except Exception:
            _log.exception("asking a model failed")
            return Answer(call.index, producer, error="Something went wrong here; it was logged")

    async def _shared(
        self, client: Client, key: _Key, asked: Question, call: ToolCall, producer: Producer
    ) -> Answer:
        """The answer of a question that others may be asking now. Only one of them pays; when
        nobody waits for it any more, it is given up."""
        flight = self._flights.get(key)
        first = flight is None
        if flight is None:
            flight = _Flight(asyncio.create_task(self._fly(client, key, asked)))
            self._flights[key] = flight
        flight.waiting += 1
        try:
            outcome = await asyncio.shield(flight.task)
        finally:
            flight.waiting -= 1
            if not flight.waiting:
                flight.task.cancel()
                if self._flights.get(key) is flight:
                    del self._flights[key]
        if not first:
            producer = replace(producer, cached=outcome.reading is not None)
            outcome = replace(outcome, usage=Usage())
        return _told(call, producer, outcome)

    async def _fly(self, client: Client, key: _Key, asked: Question) -> _Outcome:
        async with client.used():
            outcome = await _outcome(client, asked, self._pause)
        # Who takes a blank answer for nothing must not make it known as an answer to others.
        if outcome.reading is not None and not contracts.is_blank(outcome.raw or ""):
            await self._keep(key, outcome)
        return outcome

    async def _keep(self, key: _Key, outcome: _Outcome) -> None:
        assert outcome.reading is not None
        answer = {
            "value": outcome.reading.value,
            "confidence": outcome.reading.confidence,
            "model": outcome.model,
            "raw": outcome.raw,
        }
        try:
            await self._cache.keep(*key, answer)
        except Exception:
            # The answer is there; only the next one will be paid for again.
            _log.warning("an answer could not be kept", exc_info=True)


async def _outcome(client: Client, asked: Question, pause: float) -> _Outcome:
    """Ask until there is a value, or an error that asking again would not change. All attempts
    count as usage. Raises `TryLater`."""
    usage = Usage()
    problem, raw = "", None
    for attempt in range(MOST_ATTEMPTS):
        try:
            reply = await patiently(client, asked)
        except Failed as error:
            problem, raw = str(error), None
            if not error.again or attempt == MOST_ATTEMPTS - 1:
                break
            await asyncio.sleep(pause * 4**attempt * random.uniform(0.8, 1.2))  # noqa: S311
            continue
        usage, raw = plus(client, asked, usage, reply), _raw(client, reply)
        fault = _fault(asked, reply)
        if fault is not None:
            return _Outcome(None, usage, reply.model, raw, fault)
        try:
            if not asked.blank_is_nothing:
                contracts.refuse_blank(reply.text)
            reading = contracts.read(asked.column, reply.text)
            return _Outcome(reading, usage, reply.model, raw)
        except Unusable as error:
            problem = f"The model gave no value: {error}"
            asked = asked.again(str(error))
    return _Outcome(None, usage, None, raw, problem)


async def patiently(client: Client, asked: Asked) -> Reply:
    """One answer, however often the provider says that it has too much to do. Raises `Failed` and
    `TryLater`."""
    for refusal in range(_MOST_REFUSALS):
        async with client.gate.slots:
            await client.gate.opened()
            try:
                reply = await ask(client, asked)
            except Busy as busy:
                rest = client.gate.close(busy.seconds)
            else:
                client.gate.succeeded()
                return reply
        if rest > LONGEST_REST or refusal == _MOST_REFUSALS - 1:
            break
    raise TryLater(f"The provider {client.provider.name} has too much to do", max(rest, 1.0))


def _fault(asked: Question, reply: Reply) -> str | None:
    """Why an answer is none, whatever its text says, and would not become one."""
    if reply.finish == "length":
        return (
            f"The answer was cut off after {asked.most_tokens:,} tokens; let the tool have more"
            " output tokens, or ask for less"
        )
    if reply.finish == "content_filter":
        return "The model refused to answer, or its provider's filter took the answer away"
    return None


def plus(client: Client, asked: Asked, before: Usage, reply: Reply) -> Usage:
    """What was used before, and by this reply."""
    price = cost(client.provider, asked.model, reply.input_tokens, reply.output_tokens)
    total: Decimal | None = None
    if price is not None and before.cost is not None:
        total = before.cost + price
    return Usage(
        before.input_tokens + reply.input_tokens, before.output_tokens + reply.output_tokens, total
    )


def _raw(client: Client, reply: Reply) -> str:
    """The answer's text as it can be stored."""
    text = client.without_key(reply.text[: MOST_RAW + 1]).replace("\0", "\ufffd")
    text = text.encode("utf-8", "replace").decode()
    return text if len(text) <= MOST_RAW else text[:MOST_RAW] + "…"


def _producer(client: Client, work: ToolWork, asked: Question) -> Producer:
    return Producer(
        ProducerKind.MODEL,
        work.actor,
        client.provider.name,
        asked.model,
        prompt_hash=asked.prompt_hash(),
    )


def _told(call: ToolCall, producer: Producer, outcome: _Outcome) -> Answer:
    reading = outcome.reading or Reading()
    return Answer(
        call.index,
        replace(producer, version=outcome.model),
        value=reading.value,
        error=outcome.error,
        usage=outcome.usage,
        confidence=reading.confidence,
        raw=outcome.raw,
    )


def _remembered(
    client: Client,
    work: ToolWork,
    call: ToolCall,
    asked: Question,
    known: Mapping[str, Mapping[str, Any]],
) -> Answer | None:
    """The cached answer, unless the column no longer accepts it."""
    kept = known.get(asked.hash)
    if kept is None:
        return None
    try:
        value = values.accept(work.column, kept["value"])
    except Rejected:
        return None
    producer = replace(_producer(client, work, asked), version=kept["model"], cached=True)
    confidence = kept["confidence"]
    return Answer(
        call.index,
        producer,
        value=value,
        confidence=float(confidence) if confidence is not None else None,
        raw=kept["raw"],
    )
