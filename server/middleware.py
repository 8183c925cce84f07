"""What happens to every request: an id, a log line, a measurement."""

import re
import secrets
import time

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from domain.upload_links import PATH
from server import metrics
from server.observe import request_id

_log = structlog.get_logger("server.access")

_GIVEN_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")


class RequestMiddleware:
    """Gives each request an id (the caller's `X-Request-ID` when it is harmless), answers it in
    the same header, counts and times the request, and writes one access line at level debug, or
    warning from 500 on."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = Headers(scope=scope).get("x-request-id", "")
        id_ = given if _GIVEN_ID.fullmatch(given) else secrets.token_hex(8)
        token = request_id.set(id_)
        started = time.perf_counter()
        status = 500

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)["x-request-id"] = id_
            await send(message)

        try:
            await self._app(scope, receive, send_with_id)
        finally:
            seconds = time.perf_counter() - started
            face = metrics.face_of(scope["path"])
            metrics.REQUESTS.labels(face, scope["method"], status).inc()
            metrics.SECONDS.labels(face).observe(seconds)
            level = _log.warning if status >= 500 else _log.debug
            level(
                "request",
                method=scope["method"],
                path=_shown(scope["path"]),
                status=status,
                ms=round(seconds * 1000, 2),
            )
            request_id.reset(token)


def _shown(path: str) -> str:
    """The path as the log may have it. What stands in a link is the right to use it."""
    return f"{PATH}…" if path.startswith(PATH) else path
