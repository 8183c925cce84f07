"""GraphQL over websockets by the protocol text of `graphql-transport-ws`.

A fault of an operation is told in an `error` message and the socket lives on; a fault of the
protocol closes it with the code that the text gives."""

import asyncio
from typing import Any

import structlog
from starlette.websockets import WebSocket

from domain.errors import Unauthenticated
from gql.transports.http import token_of
from gql.transports.service import BadRequest, Request, Service, read_json, read_request
from gql.transports.socket_guard import KeyGuard
from gql.transports.socket_operations import run_operation
from gql.transports.socket_writer import Closing, SocketWriter

SUBPROTOCOL = "graphql-transport-ws"

_log = structlog.get_logger(__name__)


class WebSocketEndpoint:
    """The handler of `/graphql` for websockets."""

    def __init__(self, service: Service) -> None:
        self._service = service

    async def __call__(self, websocket: WebSocket) -> None:
        origins = self._service.limits.origins
        origin = websocket.headers.get("origin")
        if origins is not None and origin is not None and origin not in origins:
            await websocket.close(4403, "Origin not allowed")
            return
        offered = websocket.scope.get("subprotocols") or []
        await websocket.accept(SUBPROTOCOL if SUBPROTOCOL in offered else None)
        writer = SocketWriter(websocket)
        if SUBPROTOCOL not in offered:
            await writer.close(4406, "Subprotocol not acceptable")
            return
        await _Connection(self._service, websocket, writer).run()


class _Connection:
    """One socket: its key, its operations, and the messages between."""

    def __init__(self, service: Service, websocket: WebSocket, writer: SocketWriter) -> None:
        self._service = service
        self._websocket = websocket
        self._writer = writer
        self._guard: KeyGuard | None = None
        self._greeted = False
        self._operations: dict[str, asyncio.Task[None]] = {}
        self._background: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Serve until either side closes; nothing is left running."""
        self._start(self._close_unless_greeted())
        try:
            while (text := await self._receive()) is not None:
                await self._handle(text)
        except Closing as closing:
            await self._writer.close(closing.code, closing.reason)
        except Exception:
            _log.exception("a websocket failed")
            await self._writer.close(4500, "Internal server error")
        finally:
            running = [*self._operations.values(), *self._background]
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)

    async def _receive(self) -> str | None:
        message = await self._websocket.receive()
        if message["type"] == "websocket.disconnect":
            return None
        text = message.get("text")
        if text is None:
            raise Closing(4400, "Messages are text")
        if len(text) > self._service.limits.socket_message_bytes:
            raise Closing(4400, "The message is too long")
        return str(text)

    async def _handle(self, text: str) -> None:
        try:
            message: Any = read_json(text)
        except BadRequest:
            raise Closing(4400, "Invalid message: it is not JSON") from None
        kind = message.get("type") if isinstance(message, dict) else None
        match kind:
            case "connection_init":
                await self._greet(message)
            case "ping":
                await self._writer.send({"type": "pong"} | _payload(message))
            case "pong":
                _payload(message)
            case "subscribe":
                self._subscribe(message)
            case "complete":
                task = self._operations.pop(_id(message), None)
                if task is not None:
                    task.cancel()
            case _:
                raise Closing(4400, "Invalid message: unknown type")

    async def _greet(self, message: dict[str, Any]) -> None:
        if self._greeted:
            raise Closing(4429, "Too many initialisation requests")
        self._greeted = True
        token = _token(_payload(message).get("payload"))
        if token is None:
            token = token_of(self._websocket.headers.get("authorization"))
        try:
            viewer = await self._service.authenticate(token)
        except Unauthenticated:
            raise Closing(4403, "Forbidden") from None
        guard = KeyGuard(viewer, token, self._service)
        self._start(self._close_when_revoked(guard))
        self._guard = guard
        await self._writer.send({"type": "connection_ack"})

    def _subscribe(self, message: dict[str, Any]) -> None:
        if self._guard is None:
            raise Closing(4401, "Unauthorized")
        id_ = _id(message)
        if id_ in self._operations:
            raise Closing(4409, f"Subscriber for {id_} already exists")
        if len(self._operations) >= self._service.limits.socket_operations:
            raise Closing(4429, "Too many operations on one socket")
        request = _request(message)
        context = self._service.context(self._guard.viewer)
        task = asyncio.create_task(
            run_operation(self._service, self._writer, context, id_, request)
        )
        self._operations[id_] = task
        task.add_done_callback(lambda done: self._forget(id_, done))

    def _forget(self, id_: str, task: asyncio.Task[None]) -> None:
        if self._operations.get(id_) is task:
            del self._operations[id_]
        if not task.cancelled() and task.exception() is not None:
            _log.error("an operation failed", exc_info=task.exception())

    def _start(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._background.add(task)
        task.add_done_callback(self._background.discard)

    async def _close_unless_greeted(self) -> None:
        await asyncio.sleep(self._service.limits.init_seconds)
        if not self._greeted:
            await self._writer.close(4408, "Connection initialisation timeout")

    async def _close_when_revoked(self, guard: KeyGuard) -> None:
        await guard.until_invalid()
        await self._writer.close(4403, "Forbidden")


def _payload(message: dict[str, Any]) -> dict[str, Any]:
    """The optional payload, which is an object, null or absent."""
    if "payload" not in message:
        return {}
    payload = message["payload"]
    if payload is not None and not isinstance(payload, dict):
        raise Closing(4400, "Invalid message: payload must be an object")
    return {"payload": payload}


def _id(message: dict[str, Any]) -> str:
    id_ = message.get("id")
    if not isinstance(id_, str) or not id_:
        raise Closing(4400, "Invalid message: id must be a non-empty string")
    return id_


def _request(message: dict[str, Any]) -> Request:
    try:
        return read_request(_payload(message).get("payload"))
    except BadRequest as error:
        raise Closing(4400, f"Invalid message: {error}") from None


def _token(payload: Any) -> str | None:
    """The key in the payload of `connection_init`, under any of the names that clients use."""
    for name, value in (payload or {}).items():
        if not isinstance(value, str):
            continue
        if name.lower() == "authorization":
            return token_of(value) or value.strip() or None
        if name.lower() in ("apikey", "api_key", "token"):
            return value.strip() or None
    return None
