"""The access log tells of requests, and gives no right away."""

import pytest
from starlette.types import Message, Receive, Scope, Send
from structlog.testing import capture_logs

from domain.upload_links import PATH
from server.middleware import RequestMiddleware


async def _refusing(scope: Scope, receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 503, "headers": []})


@pytest.mark.parametrize(("path", "told"), [(f"{PATH}secret", f"{PATH}…"), ("/files", "/files")])
async def test_links_are_not_logged(path: str, told: str) -> None:
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        raise AssertionError("nobody reads the body")

    scope = {"type": "http", "method": "PUT", "path": path, "headers": []}
    with capture_logs() as lines:
        await RequestMiddleware(_refusing)(scope, receive, send)
    assert [line["path"] for line in lines] == [told]
    assert sent[0]["status"] == 503
