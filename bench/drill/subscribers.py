"""The subscribers: each keeps every event it gets and comes back with its last revision."""

import asyncio
import random
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import orjson
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from bench.drill.wire import LOST, subscription

_FIRST_PAUSE, _LAST_PAUSE = 0.05, 1.0


@dataclass(frozen=True, slots=True)
class Wish:
    """What a subscriber follows: the subscription's field and its arguments without `after`.
    `name` is for people."""

    name: str
    field: str
    document: str
    variables: Mapping[str, Any]


@dataclass(slots=True)
class Story:
    """What a subscriber lived through. `messages` are the texts of all events with the moment of
    their arrival, in order, from all connections; texts are shared between subscribers."""

    messages: list[tuple[str, float]] = field(default_factory=list)
    connections: int = 0
    lost: int = 0
    resets: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    first_revision: int | None = None
    last_revision: int | None = None


class Subscriber:
    """One client of one subscription. `texts` is shared by all, so that the same frame is kept
    once."""

    def __init__(
        self, number: int, ports: list[int], key: str, wish: Wish, texts: dict[str, str]
    ) -> None:
        self.wish = wish
        self.story = Story()
        self.arrived = asyncio.Event()  # set with every message
        self.started = asyncio.Event()
        self._ports = ports
        self._key = key
        self._texts = texts
        self._chance = random.Random(1000 + number)
        self._socket: ClientConnection | None = None
        self._port = ports[number % len(ports)]

    async def run(self) -> None:
        """Follow until cancelled."""
        pause = _FIRST_PAUSE
        while True:
            try:
                told_wrong = len(self.story.errors)
                await self._follow()
                pause = _FIRST_PAUSE if told_wrong == len(self.story.errors) else _LAST_PAUSE
            except ConnectionClosed as closed:
                pause = _FIRST_PAUSE
                if closed.rcvd is not None and 4400 <= closed.rcvd.code < 4500:
                    self.story.errors.append(f"closed with {closed.rcvd.code}")
                self.story.lost += 1
            except LOST:
                self.story.lost += 1
                pause = min(pause * 2, _LAST_PAUSE)
            # The other process, most times: a client behind a load balancer lands anywhere.
            self._port = self._chance.choice(self._ports)
            await asyncio.sleep(pause * self._chance.uniform(0.5, 1.0))

    def cut(self) -> None:
        """Cut the connection without a word."""
        if self._socket is not None:
            with suppress(RuntimeError):
                self._socket.transport.abort()

    async def _follow(self) -> None:
        variables = {**self.wish.variables, "after": self.story.last_revision}
        async with subscription(
            self._port, self._key, self.wish.document, variables
        ) as self._socket:
            self.story.connections += 1
            async for text in self._socket:
                assert isinstance(text, str)
                if not self.take(text):
                    return

    def take(self, text: str) -> bool:
        """Keep a message. False when the stream has ended."""
        arrived = time.time()
        message = orjson.loads(text)
        kind = message["type"]
        if kind == "next":
            self._keep(text, arrived, message["payload"])
            return True
        if kind in ("ping", "pong"):
            return True
        if kind != "complete":
            self.story.errors.append(text[:300])
        return False

    def _keep(self, text: str, arrived: float, payload: Mapping[str, Any]) -> None:
        if payload.get("errors"):
            self.story.errors.append(text[:300])
            return
        event = payload["data"][self.wish.field]
        self.story.messages.append((self._texts.setdefault(text, text), arrived))
        if self.story.first_revision is None:
            self.story.first_revision = event["revision"]
        if event.get("state") == "RESET":
            self.story.resets.append(f"reset to revision {event['revision']}")
        self.story.last_revision = event["revision"]
        self.started.set()
        self.arrived.set()
