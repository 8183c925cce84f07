"""JSON logs. Every line written while a request is served carries its id."""

import logging
import sys
from contextvars import ContextVar

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

#: The id of the request being served; the middleware sets it from `X-Request-ID` or makes one.
request_id: ContextVar[str | None] = ContextVar("request_id", default=None)

_QUIET = ("uvicorn", "uvicorn.error", "uvicorn.access", "pgqueuer", "httpx2", "alembic")
#: At level debug they would write requests with their keys.
_TALKATIVE = ("anthropic", "google_genai", "httpcore2", "openai")


def _add_request_id(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    current = request_id.get()
    if current is not None:
        event["request_id"] = current
    return event


def configure(level: str, style: str) -> None:
    """Send our logs and those of the libraries to stderr.

    `level` is one of debug, info, warning, error; `style` is json or console. Libraries that greet
    at every start are heard from warning on.
    """
    shared: list[Processor] = [
        _add_request_id,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    last: list[Processor] = (
        # The default for tracebacks shows local variables, and keys among them.
        [structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)]
        if style == "console"
        else [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
    for name in (*_QUIET, *_TALKATIVE):
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))
