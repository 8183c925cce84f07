"""Tools that ask a server: one guarded request for each row, and a place in its answer."""

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import suppress
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Any
from uuid import UUID
from weakref import WeakValueDictionary

import httpx2

from domain import numbers, values
from domain.errors import Conflict, NotFound
from domain.numbers import InvalidJson
from domain.rejections import Rejected, show
from domain.tool_ports import ToolWork, TryLater
from domain.tool_records import Answer, HttpTool, Producer, ProducerKind, ToolCall
from domain.tools import secrets_of
from processing.http_requests import NotSendable, request_of, url_of
from processing.outbound import Outbound, OutboundFailed, OutboundRefused, OutboundResponse

#: Requests to one host at a time, of all columns together.
_TO_A_HOST = 8
#: Longer pauses that a server wants are not waited for: the cells are asked again later.
_MOST_PAUSE = 5.0
_ATTEMPTS = 3
#: When a server has too many requests and does not say for how long.
_REST = 30.0
_MOST_REST = 86_400.0

#: The value of an organisation's secret for a host. Raises `NotFound` or `Conflict`.
SecretReader = Callable[[UUID, str, str], Awaitable[str]]


class _Failed(Exception):
    """This row has no value. The text is for people."""


class HttpTools:
    """The engine of HTTP tools. One for a process."""

    def __init__(self, outbound: Outbound, read_secret: SecretReader) -> None:
        self._outbound = outbound
        self._read_secret = read_secret
        self._hosts: WeakValueDictionary[str, asyncio.Semaphore] = WeakValueDictionary()

    async def answers(self, work: ToolWork) -> AsyncIterator[Answer]:
        """An answer for each call, in the order in which they come. Raises `TryLater` when the
        server wants a long pause; requests that are under way are still answered."""
        asking = _Asking(self, work)
        tasks = {asyncio.create_task(asking.work_off()) for _ in range(_TO_A_HOST)}
        try:
            async for answer in asking.come(tasks):
                yield answer
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        if asking.later is not None:
            raise asking.later

    async def ask(self, work: ToolWork, call: ToolCall, secrets: dict[str, Any]) -> Any:
        """The value for one row, in the column's form. `secrets` remembers those of a host.
        Raises `_Failed` and `TryLater`."""
        tool = work.tool.settings
        assert isinstance(tool, HttpTool)
        try:
            url = url_of(tool.url, call.inputs)
            host = _host(url)
            if host not in secrets:
                secrets[host] = await self._secrets(work.organization_id, tool, host)
            request = request_of(tool, url, call.inputs, secrets[host])
            limit = self._hosts.setdefault(host, asyncio.Semaphore(_TO_A_HOST))
            for attempt in range(_ATTEMPTS):
                async with limit:
                    answer = await self._outbound.send(request)
                pause = _pause(answer)
                if pause is None:
                    break
                if pause > _MOST_PAUSE or attempt == _ATTEMPTS - 1:
                    message = f"The server answered with status {answer.status}"
                    raise TryLater(message, min(max(pause, 1.0), _MOST_REST))
                await asyncio.sleep(pause)
            return values.accept(work.column, _taken(answer, tool.pointer))
        except (NotSendable, OutboundRefused, OutboundFailed, NotFound, Conflict) as error:
            raise _Failed(str(error)) from None
        except Rejected as error:
            message = f"The answer is no value of this column: {error.message}"
            raise _Failed(message) from None

    async def _secrets(self, organization_id: UUID, tool: HttpTool, host: str) -> Mapping[str, str]:
        return {
            name: await self._read_secret(organization_id, name, host)
            for name in dict.fromkeys(secrets_of(tool))
        }


class _Asking:
    """The calls of one work: some are asked at a time, until none is left or the server wants a
    pause."""

    def __init__(self, tools: HttpTools, work: ToolWork) -> None:
        self.later: TryLater | None = None
        self._tools = tools
        self._work = work
        self._left = deque(work.calls)
        self._answers: asyncio.Queue[Answer | None] = asyncio.Queue()
        self._secrets: dict[str, Any] = {}
        self._producer = Producer(ProducerKind.HTTP, actor=work.actor)

    async def work_off(self) -> None:
        """Ask one call after the other."""
        try:
            while self._left and self.later is None:
                await self._ask(self._left.popleft())
        finally:
            self._answers.put_nowait(None)

    async def _ask(self, call: ToolCall) -> None:
        try:
            value = await self._tools.ask(self._work, call, self._secrets)
        except TryLater as error:
            self.later = error
        except _Failed as error:
            self._answers.put_nowait(Answer(call.index, self._producer, error=str(error)))
        else:
            self._answers.put_nowait(Answer(call.index, self._producer, value=value))

    async def come(self, tasks: set[asyncio.Task[None]]) -> AsyncIterator[Answer]:
        """The answers as they come, until all tasks are done. What they raise is raised."""
        ended = 0
        while ended < len(tasks):
            answer = await self._answers.get()
            if answer is None:
                ended += 1
            else:
                yield answer
        await asyncio.gather(*tasks)


def _host(url: str) -> str:
    """As secrets name it: names beyond ASCII in their form for the wire."""
    try:
        return httpx2.URL(url.strip()).raw_host.decode("ascii")
    except (httpx2.InvalidURL, ValueError):
        raise _Failed("The URL is not a URL") from None


def _pause(answer: OutboundResponse) -> float | None:
    """Seconds that the server wants to be left alone for; None when it does not."""
    told = answer.headers.get("retry-after")
    if answer.status == 429:
        return _REST if told is None else _seconds(told)
    if answer.status == 503 and told is not None:
        return _seconds(told)
    return None


def _seconds(told: str) -> float:
    """`Retry-After` as seconds, from seconds or a date."""
    if told.strip().isdigit():
        return float(told[:9])
    with suppress(ValueError):
        moment = parsedate_to_datetime(told)
        aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return max(0.0, aware.timestamp() - time.time())
    return _REST


def _taken(answer: OutboundResponse, pointer: str) -> Any:
    """What the pointer leads to in the answer's JSON; the answer's text when it is no JSON and all
    of it is wanted. Raises `_Failed`."""
    if not 200 <= answer.status < 300:
        raise _Failed(f"The server answered with status {answer.status}")
    if answer.truncated:
        raise _Failed(f"The answer is longer than {len(answer.body)} bytes")
    try:
        value = numbers.loads(answer.body)
    except InvalidJson as error:
        if pointer:
            raise _Failed(f"The answer is not JSON: {error}") from None
        text = answer.body.decode("utf-8", "replace").replace("\0", "\ufffd")
        return text or None
    return resolve(value, pointer)


def resolve(value: Any, pointer: str) -> Any:
    """What a JSON Pointer (RFC 6901) leads to. Raises `_Failed` when there is nothing."""
    found = value
    for part in pointer.split("/")[1:]:
        key = part.replace("~1", "/").replace("~0", "~")
        if isinstance(found, Mapping) and key in found:
            found = found[key]
        elif isinstance(found, list) and _is_index(key) and int(key) < len(found):
            found = found[int(key)]
        else:
            raise _Failed(f"The answer has nothing at {show(pointer)}")
    return found


def _is_index(key: str) -> bool:
    """Digits without leading zeros, as the standard wants it."""
    plain = key.isascii() and key.isdigit() and len(key) < 10
    return plain and (key == "0" or not key.startswith("0"))
