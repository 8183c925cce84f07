"""The sending side of a websocket."""

from typing import Any

from starlette.websockets import WebSocket, WebSocketDisconnect

from gql.answers import to_json

#: A close frame holds 125 bytes, two of them the code.
_LONGEST_REASON = 120


class Closing(Exception):
    """The protocol demands that the socket is closed."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class SocketWriter:
    """Sends messages, and nothing more once the socket is closed."""

    def __init__(self, websocket: WebSocket) -> None:
        self._websocket = websocket
        self._closed = False

    async def send(self, message: dict[str, Any]) -> None:
        """Send a message. Waits while the client does not read."""
        await self._send_text(to_json(message).decode())

    async def next(self, id_json: str, payload: bytes) -> None:
        """Send a `next` message around finished bytes; `id_json` is the id as JSON text."""
        await self._send_text(f'{{"id":{id_json},"type":"next","payload":{payload.decode()}}}')

    async def close(self, code: int, reason: str) -> None:
        """Close, unless that was done."""
        if self._closed:
            return
        self._closed = True
        short = reason.encode("utf-8", "replace")[:_LONGEST_REASON].decode(errors="ignore")
        try:
            await self._websocket.close(code, short)
        except (RuntimeError, WebSocketDisconnect):
            return  # the client was quicker

    async def _send_text(self, text: str) -> None:
        if self._closed:
            return
        try:
            await self._websocket.send_text(text)
        except (RuntimeError, WebSocketDisconnect):
            self._closed = True
