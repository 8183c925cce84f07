"""How clients of the drill talk: GraphQL and REST over HTTP, subscriptions over a websocket."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Any

import httpx2
import orjson
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException
from websockets.typing import Subprotocol

_PROTOCOL = Subprotocol("graphql-transport-ws")
_HANDSHAKE_SECONDS = 5.0
#: A server that is frozen, or a connection that was cut without a word, is noticed within the sum.
_PING_SECONDS, _PONG_SECONDS = 2.0, 3.0

#: What a lost connection looks like.
LOST = (OSError, TimeoutError, EOFError, WebSocketException)


class NotSent(Exception):
    """The request reached no server: sending it again cannot double it."""


class Unknown(Exception):
    """There was no proper answer: the request was carried out or it was not."""


class Refused(Exception):
    """The server understood and said no. `codes` are those of the errors."""

    def __init__(self, codes: list[str], text: str) -> None:
        super().__init__(text)
        self.codes = codes


class Http:
    """One client over HTTP. Used as an async context manager."""

    def __init__(self, key: str, timeout: float = 30) -> None:
        headers = {"Authorization": f"Bearer {key}"}
        self._client = httpx2.AsyncClient(headers=headers, timeout=timeout, trust_env=False)

    async def __aenter__(self) -> "Http":
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._client.aclose()

    async def graphql(
        self, port: int, document: str, variables: Mapping[str, Any] | None = None
    ) -> Any:
        """The one field of the operation. Raises `NotSent`, `Unknown`, and `Refused` for errors of
        the request or in the payload."""
        body = {"query": document, "variables": variables or {}}
        answer = await self.send("POST", port, "/graphql", json=body)
        told = _json(answer)
        if told.get("errors"):
            codes = [each.get("extensions", {}).get("code", "") for each in told["errors"]]
            if "INTERNAL" in codes:
                # A connection that was lost may have been lost after the commit.
                raise Unknown(str(told["errors"]))
            raise Refused(codes, str(told["errors"]))
        (found,) = told["data"].values()
        if isinstance(found, dict) and found.get("errors"):
            raise Refused([each["code"] for each in found["errors"]], str(found["errors"]))
        return found

    async def rest(self, method: str, port: int, path: str, **request: Any) -> Any:
        """The body of a good answer, None without one. Raises as `graphql` does."""
        answer = await self.send(method, port, path, **request)
        if answer.status_code >= 400:
            raise Refused([str(answer.status_code)], answer.text)
        return orjson.loads(answer.content) if answer.content else None

    async def send(self, method: str, port: int, path: str, **request: Any) -> httpx2.Response:
        """Any answer below 500. Raises `NotSent` and `Unknown`."""
        url = f"http://127.0.0.1:{port}{path}"
        try:
            answer = await self._client.request(method, url, **request)
        except (httpx2.ConnectError, httpx2.ConnectTimeout) as error:
            raise NotSent(repr(error)) from None
        except httpx2.HTTPError as error:
            raise Unknown(repr(error)) from None
        if answer.status_code >= 500:
            raise Unknown(f"{answer.status_code} {answer.text[:500]}")
        return answer


def _json(answer: httpx2.Response) -> Any:
    try:
        return orjson.loads(answer.content)
    except orjson.JSONDecodeError:
        raise Unknown(f"{answer.status_code} {answer.text[:500]}") from None


@asynccontextmanager
async def subscription(
    port: int, key: str, document: str, variables: Mapping[str, Any]
) -> AsyncIterator[ClientConnection]:
    """A websocket with one subscription of the id `1`, its messages to be read from it.

    Raises one of `LOST`."""
    async with connect(
        f"ws://127.0.0.1:{port}/graphql",
        subprotocols=[_PROTOCOL],
        compression=None,
        max_size=None,
        proxy=None,
        open_timeout=_HANDSHAKE_SECONDS,
        ping_interval=_PING_SECONDS,
        ping_timeout=_PONG_SECONDS,
        close_timeout=1,
    ) as socket:
        await _send(socket, {"type": "connection_init", "payload": {"authorization": key}})
        async with asyncio.timeout(_HANDSHAKE_SECONDS):
            acknowledged = orjson.loads(await socket.recv())
        if acknowledged["type"] != "connection_ack":
            raise EOFError(str(acknowledged))
        payload = {"query": document, "variables": variables}
        await _send(socket, {"id": "1", "type": "subscribe", "payload": payload})
        yield socket


async def _send(socket: ClientConnection, message: Mapping[str, Any]) -> None:
    await socket.send(orjson.dumps(message).decode())
