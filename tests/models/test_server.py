"""The model server of the tests does what its tests rely on."""

import asyncio
from typing import Any

import httpx2
import pytest

from tests.models.replies import closes, failing, hangs, huge, text, too_many, truncated, value
from tests.models.server import model_server


def _ask(words: str) -> dict[str, Any]:
    return {"model": "m", "messages": [{"role": "user", "content": words}]}


async def test_it_answers_counts_and_misbehaves_in_order() -> None:
    async with model_server() as models, httpx2.AsyncClient(base_url=models.url) as client:
        models.answer = lambda call: call.inputs["name"].upper()
        models.next(too_many(7), failing(503), truncated("x"), text("plain"), value(1, 0.5))
        row = '<task>\nUpper\n</task>\n<untrusted_data>\n{"name": "ann"}\n</untrusted_data>'
        answers = [await client.post("/chat/completions", json=_ask(row)) for _ in range(6)]
        assert [each.status_code for each in answers] == [429, 503, 200, 200, 200, 200]
        assert answers[0].headers["retry-after"] == "7"
        choices = [each.json()["choices"][0] for each in answers[2:]]
        assert [each["finish_reason"] for each in choices] == ["length", "stop", "stop", "stop"]
        assert [each["message"]["content"] for each in choices[1:]] == [
            "plain",
            '{"value": 1, "confidence": 0.5}',
            '{"value": "ANN"}',
        ]
        assert models.count == 6
        assert models.calls[0].task == "Upper"
        assert models.connections == models.most_at_once == 1


async def test_it_hangs_closes_and_floods() -> None:
    async with model_server() as models, httpx2.AsyncClient(base_url=models.url) as client:
        models.next(closes(), huge(3_000_000), hangs())
        with pytest.raises(httpx2.HTTPError):
            await client.post("/chat/completions", json=_ask("x"))
        answer = await client.post("/chat/completions", json=_ask("x"))
        assert len(answer.content) > 3_000_000
        asking = asyncio.create_task(client.post("/chat/completions", json=_ask("x")))
        await models.arrived(3)
        assert not asking.done()
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)


async def test_it_holds_calls_until_they_are_released() -> None:
    async with model_server() as models, httpx2.AsyncClient(base_url=models.url) as client:
        models.hold()
        asking = [
            asyncio.create_task(client.post("/chat/completions", json=_ask("x"))) for _ in range(3)
        ]
        await models.arrived(3)
        assert models.open == models.most_at_once == 3
        models.release()
        assert [each.status_code for each in await asyncio.gather(*asking)] == [200] * 3


async def test_it_speaks_three_protocols() -> None:
    async with model_server() as models, httpx2.AsyncClient() as client:
        models.answer = lambda call: call.protocol
        claude = await client.post(
            f"{models.anthropic_url}/v1/messages",
            headers={"x-api-key": "a"},
            json={**_ask("hello"), "system": "be kind"},
        )
        gemini = await client.post(
            f"{models.google_url}/v1beta/models/gem:generateContent",
            headers={"x-goog-api-key": "g"},
            json={"contents": [{"role": "user", "parts": [{"text": "hello"}]}]},
        )
        assert claude.json()["content"][0]["text"] == '{"value": "anthropic"}'
        part = gemini.json()["candidates"][0]["content"]["parts"][0]
        assert part["text"] == '{"value": "google"}'
        assert [(each.key, each.user) for each in models.calls] == [("a", "hello"), ("g", "hello")]
        assert models.calls[0].system == "be kind"
        assert models.calls[1].model == "gem"
