"""Models of providers as an engine: questions, answers, and what they would cost.

Importing this brings large libraries, and each provider that is asked its own: seconds, and up to
130 MB. `processing/ai_tools.py` does it when a model is asked for the first time."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import replace

from domain.provider_records import OpenProvider
from domain.tool_ports import AnswerStore, CallEstimate, ToolWork
from domain.tool_records import AiTool, Answer, ToolCall
from processing.outbound import Outbound
from processing.providers import estimates
from processing.providers.answering import FIRST_PAUSE, Answering
from processing.providers.clients import Client, Clients
from processing.providers.prompting import told
from processing.providers.questions import Question, question
from processing.providers.replies import Prompt, Told


class Models:
    """What is asked of providers. One for a process; close it."""

    def __init__(self, cache: AnswerStore, outbound: Outbound, pause: float | None = None) -> None:
        self._clients = Clients(outbound)
        self._pause = FIRST_PAUSE if pause is None else pause
        self._answering = Answering(cache, self._pause)

    async def aclose(self) -> None:
        """End what is under way, and close all connections."""
        await self._answering.aclose()
        await self._clients.aclose()

    async def answers(self, opened: OpenProvider, work: ToolWork) -> AsyncGenerator[Answer]:
        """An answer for each call, as they come. Raises `TryLater` behind those that came."""
        client = await self._clients.get(opened)
        questions = [(call, _question(work, client, call)) for call in work.calls]
        asked = self._answering.answers(client, work, questions)
        # Closed here and now: who stops listening must not have questions go on without him.
        async with client.used(), aclosing(asked) as answers:
            async for answer in answers:
                yield answer

    async def estimates(self, opened: OpenProvider, work: ToolWork) -> Sequence[CallEstimate]:
        """What each call would take. One that the cache answers takes nothing."""
        client = await self._clients.get(opened)
        questions = [_question(work, client, call) for call in work.calls]
        known = await self._answering.known(client, work, questions)
        return [
            CallEstimate() if each.hash in known else estimates.estimate(client.provider, each)
            for each in questions
        ]

    async def told(self, opened: OpenProvider, prompt: Prompt) -> Told:
        """What a model says to a prompt. Raises `Failed` and `TryLater`."""
        client = await self._clients.get(opened)
        async with client.used():
            return await told(client, prompt, self._pause)


def _question(work: ToolWork, client: Client, call: ToolCall) -> Question:
    settings = work.tool.settings
    assert isinstance(settings, AiTool)
    asked = question(settings, work.column, call.inputs, client.provider)
    return replace(asked, blank_is_nothing=work.blank_is_nothing)
