"""No log says a key, however much is logged."""

import io
import logging
from collections.abc import Iterator

import pytest
import structlog

from server import observe
from tests.models.replies import failing
from tests.providers.asking import KEY, Asking


@pytest.fixture(params=["json", "console"])
def log(request: pytest.FixtureRequest) -> Iterator[io.StringIO]:
    root = logging.getLogger()
    before = root.handlers, root.level
    written = io.StringIO()
    observe.configure("debug", request.param)
    [handler] = root.handlers
    assert isinstance(handler, logging.StreamHandler)
    handler.setStream(written)
    yield written
    root.handlers, level = before
    root.setLevel(level)
    structlog.reset_defaults()


async def test_no_log_says_a_key(asking: Asking, log: io.StringIO) -> None:
    await asking.provider()
    asking.models.next(failing(500), failing(401))
    assert (await asking.answer()).error
    try:
        secret = KEY
        raise ValueError(f"about {len(secret)} characters")
    except ValueError:
        structlog.get_logger("test").exception("a fault near a key")
    told = log.getvalue()
    assert "a fault near a key" in told
    assert "ValueError: about" in told
    assert KEY not in told
