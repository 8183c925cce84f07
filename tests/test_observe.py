"""Logs are one JSON object a line, with the id of the request they belong to."""

import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from server import observe


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def test_our_lines_and_those_of_libraries_carry_the_request_id(
    capsys: pytest.CaptureFixture[str],
) -> None:
    observe.configure("info", "json")
    token = observe.request_id.set("r-1")
    structlog.get_logger("ours").info("rows added", rows=3)
    try:
        raise ValueError("broken")
    except ValueError:
        logging.getLogger("theirs").exception("it failed")
    observe.request_id.reset(token)
    logging.getLogger("theirs").warning("later")
    ours, theirs, later = map(json.loads, capsys.readouterr().err.splitlines())
    assert (ours["event"], ours["rows"], ours["level"], ours["request_id"]) == (
        "rows added",
        3,
        "info",
        "r-1",
    )
    assert theirs["request_id"] == "r-1"
    assert "ValueError: broken" in theirs["exception"]
    assert "request_id" not in later


def test_lines_under_the_level_and_greetings_of_libraries_are_not_written(
    capsys: pytest.CaptureFixture[str],
) -> None:
    observe.configure("info", "json")
    structlog.get_logger("ours").debug("detail")
    logging.getLogger("uvicorn.error").info("Started server process")
    logging.getLogger("uvicorn.error").warning("trouble")
    (line,) = capsys.readouterr().err.splitlines()
    assert json.loads(line)["event"] == "trouble"
