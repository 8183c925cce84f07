"""A model server on this machine that answers as it is told, or misbehaves as it is told.

It speaks OpenAI's chat completions, Anthropic's messages and Google's generateContent:

    async with model_server() as models:
        models.url                            # base URL for a provider of the kind OPENAI
        models.anthropic_url, models.google_url
        models.answer = lambda call: value(call.inputs["name"].upper(), confidence=0.9)
        models.next(too_many(1), failing(500), prose())   # the next three calls, in order
        models.delay = 0.05                   # every answer takes 50 ms
        ...
        models.count                          # calls that arrived
        models.calls                          # the last 2,000 of them, as `replies.Call`
        models.most_at_once                   # the most that were open at a time
        await models.arrived(3)               # until the third call is there
        models.hold() / models.release()      # answers wait, for tests that stop in the middle

`tests.models.replies` has what it can answer. A function in `answer` may return a Reply, or any
value, which goes out as the contract wants it. Without one the answer is the text `ok`.

`python -m tests.models.server --port 9999 --delay 0.05` runs it alone: it classifies nothing, and
answers each question with the first of the row's values."""

import argparse
import asyncio
import json
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from typing import Any

from tests.models.replies import Call, Reply, answer_of, call_of, value

_KEPT = 2_000
_MOST_BODY = 16_000_000

Answering = Callable[[Call], Any]


class ModelServer:
    """See the top of this file."""

    def __init__(self) -> None:
        self.port = 0
        self.answer: Answering = lambda call: "ok"
        self.delay = 0.0
        self.count = 0
        self.calls: deque[Call] = deque(maxlen=_KEPT)
        self.connections = 0
        self.open = 0
        self.most_at_once = 0
        self._next: deque[Reply] = deque()
        self._arrival = asyncio.Condition()
        self._go_on = asyncio.Event()
        self._go_on.set()
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        """The base URL for OpenAI's protocol."""
        return f"http://127.0.0.1:{self.port}/v1"

    @property
    def anthropic_url(self) -> str:
        """The base URL for Anthropic's protocol."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def google_url(self) -> str:
        """The base URL for Google's protocol."""
        return f"http://127.0.0.1:{self.port}"

    def next(self, *replies: Reply) -> None:
        """What to answer to the next calls, before `answer` is asked again."""
        self._next.extend(replies)

    def hold(self) -> None:
        """Keep calls waiting until `release`."""
        self._go_on.clear()

    def release(self) -> None:
        """Answer the calls that wait."""
        self._go_on.set()

    async def arrived(self, count: int) -> None:
        """Wait until so many calls have arrived in all."""
        async with asyncio.timeout(20), self._arrival:
            await self._arrival.wait_for(lambda: self.count >= count)

    async def close(self) -> None:
        """End what still hangs."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection; requests on it come one after the other."""
        task = asyncio.create_task(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while await self._exchange(reader, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """One request and its answer; whether another may follow on this connection."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        path = head[0].split(" ")[1].split("?")[0]
        pairs = (line.split(":", 1) for line in head[1:] if ":" in line)
        headers = {name.strip().lower(): text.strip() for name, text in pairs}
        length = min(int(headers.get("content-length", 0)), _MOST_BODY)
        call = call_of(path, headers, json.loads(await reader.readexactly(length)))
        call = replace(call, headers=headers)
        self.open += 1
        self.most_at_once = max(self.most_at_once, self.open)
        try:
            return await self._answer(call, reader, writer)
        finally:
            self.open -= 1

    async def _answer(
        self, call: Call, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        async with self._arrival:
            self.count += 1
            self.calls.append(call)
            self._arrival.notify_all()
        reply = self._next.popleft() if self._next else self._reply(call)
        await self._go_on.wait()
        if reply.hangs:
            await reader.read(1)  # nothing comes any more, until the client goes away
            return False
        if self.delay or reply.seconds:
            done = asyncio.Event()
            asyncio.get_running_loop().call_later(self.delay + reply.seconds, done.set)
            await done.wait()
        if reply.closes:
            return False
        body = json.dumps(answer_of(call, reply)).encode()
        more = {"content-length": str(len(body) + reply.bytes), "content-type": "application/json"}
        writer.write(_head(reply.status, {**more, **reply.headers}) + body + b" " * reply.bytes)
        await writer.drain()
        return True

    def _reply(self, call: Call) -> Reply:
        answer = self.answer(call)
        return answer if isinstance(answer, Reply) else value(answer)


@asynccontextmanager
async def model_server(port: int = 0) -> AsyncIterator[ModelServer]:
    """A server on 127.0.0.1 for the time of the block."""
    models = ModelServer()
    server = await asyncio.start_server(models.handle, "127.0.0.1", port, limit=1 << 20)
    models.port = server.sockets[0].getsockname()[1]
    try:
        yield models
    finally:
        server.close()
        await models.close()


def _head(status: int, headers: Mapping[str, str]) -> bytes:
    lines = [f"HTTP/1.1 {status} -", *(f"{name}: {text}" for name, text in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode()


async def _alone(port: int, delay: float) -> None:
    async with model_server(port) as models:
        models.delay = delay
        models.answer = lambda call: next(iter(call.inputs.values()), "ok")
        print(f"base URL: {models.url}", flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="A model server for tests and benchmarks.")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--delay", type=float, default=0.0, help="seconds that each answer takes")
    given = parser.parse_args()
    with suppress(KeyboardInterrupt):
        asyncio.run(_alone(given.port, given.delay))
