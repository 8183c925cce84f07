"""Reads clocks: of all followed topics once a second, and between for those who ask. One statement
at a time, so a thousand clients that reconnect at once cost two or three."""

import asyncio
from collections.abc import Callable, Collection, Mapping
from itertools import chain

from realtime.log import Clock, Topic
from realtime.runtime import Closed, Runtime
from realtime.topics import FollowedTopic


class Clocks:
    def __init__(self, runtime: Runtime, followed: Callable[[], Collection[FollowedTopic]]) -> None:
        self._runtime = runtime
        self._followed = followed
        self._asked: dict[FollowedTopic, list[asyncio.Future[Clock | None]]] = {}
        self._answering: dict[FollowedTopic, list[asyncio.Future[Clock | None]]] = {}
        self._wake = asyncio.Event()
        self._all_due = False

    async def ask(self, topic: FollowedTopic) -> Clock | None:
        """A clock not older than this call; None if the topic does not exist.

        Waits as long as the log is unreachable. Raises `Closed` when the hub closes.
        """
        if self._runtime.closing:
            raise Closed
        answer: asyncio.Future[Clock | None] = asyncio.get_running_loop().create_future()
        self._asked.setdefault(topic, []).append(answer)
        self._wake.set()
        return await answer

    def poll_now(self) -> None:
        """Wake-ups may have been lost: look at all topics at once."""
        self._all_due = True
        self._wake.set()

    async def run(self) -> None:
        loop = asyncio.get_running_loop()
        poll_at = loop.time()
        try:
            while True:
                await self._sleep_until(poll_at)
                if self._all_due or loop.time() >= poll_at:
                    self._all_due = True
                    poll_at = loop.time() + self._runtime.limits.poll_seconds
                await self._look()
        finally:
            self._give_up()

    async def _sleep_until(self, when: float) -> None:
        try:
            async with asyncio.timeout_at(when):
                await self._wake.wait()
        except TimeoutError:
            return

    async def _look(self) -> None:
        """One statement for all that is due, tried until it succeeds."""
        self._wake.clear()
        followed = [topic for topic in self._followed() if topic.open] if self._all_due else []
        known = {topic: topic.revision for topic in {*self._asked, *followed}}
        if not known:
            self._all_due = False
            return
        self._all_due = False
        # Who asks during the statement may have seen more than it shows: the next one answers.
        self._answering, self._asked = self._asked, {}
        clocks = await self._runtime.retry(
            lambda: self._statement([topic.topic for topic in known]), "clocks"
        )
        asked, self._answering = self._answering, {}
        for topic, revision in known.items():
            clock = clocks.get(topic.topic)
            if topic.open:
                topic.note(clock, revision)
            for answer in asked.get(topic, ()):
                if not answer.done():
                    answer.set_result(clock)

    async def _statement(self, topics: list[Topic]) -> Mapping[Topic, Clock]:
        self._runtime.counters.clock_reads += 1
        async with asyncio.timeout(self._runtime.limits.read_seconds):
            return await self._runtime.log.clocks(topics)

    def _give_up(self) -> None:
        for answers in chain(self._asked.values(), self._answering.values()):
            for answer in answers:
                if not answer.done():
                    answer.set_exception(Closed())
        self._asked = {}
        self._answering = {}
