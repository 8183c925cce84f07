"""What the dialects share on the wire: the bearer token, bounded bodies, JSON in and out."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Literal, TypeVar

import orjson
from pydantic import TypeAdapter, ValidationError
from starlette.requests import Request
from starlette.responses import Response

from domain import numbers
from domain.access import Viewer
from domain.errors import DomainError, ErrorCode, Invalid, Problem, TooLarge

Parsed = TypeVar("Parsed")

#: Turns the token of a request, or None, into a viewer. Raises `Unauthenticated`.
Authenticate = Callable[[str | None], Awaitable[Viewer]]

#: Draws a Vega-Lite specification.
Draw = Callable[[Mapping[str, Any], Literal["svg", "png"]], Awaitable[bytes]]

_CODES = {"missing": ErrorCode.REQUIRED, "literal_error": ErrorCode.NOT_AN_OPTION}


@dataclass(frozen=True, slots=True)
class Limits:
    """The largest bodies in bytes: of JSON, and of an uploaded file."""

    body_bytes: int = 10_000_000
    upload_bytes: int = 50_000_000


@dataclass(eq=False)
class Refused(DomainError):
    """A request that is answered with one text, because the dialect prescribes it word for word."""

    status: int
    text: str

    def __str__(self) -> str:
        return self.text


def token_of(request: Request) -> str | None:
    """The token of `Authorization: Bearer …`; None without that header or with another scheme."""
    scheme, _, token = request.headers.get("authorization", "").strip().partition(" ")
    return token.strip() or None if scheme.lower() == "bearer" else None


async def bounded(request: Request, most: int) -> AsyncGenerator[bytes, None]:
    """The body in chunks. Raises `TooLarge` as soon as it is over `most` bytes."""
    refusal = TooLarge(f"The body is larger than {most} bytes")
    declared = request.headers.get("content-length", "")
    if declared.isascii() and declared.isdigit() and int(declared[:19]) > most:
        raise refusal
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > most:
            raise refusal
        yield chunk


async def read_body(request: Request, most: int) -> Any:
    """The body as JSON with exact numbers, whatever its type is said to be.

    Raises `TooLarge`, and `InvalidJson` from `domain.numbers`, which each dialect words its own
    way."""
    return numbers.loads(b"".join([chunk async for chunk in bounded(request, most)]))


def parse(adapter: TypeAdapter[Parsed], value: Any, *path: str) -> Parsed:
    """The value as the adapter's type. Raises `Invalid` with every problem; paths begin with
    `path`."""
    try:
        return adapter.validate_python(value)
    except ValidationError as error:
        faults = error.errors(include_url=False, include_context=False, include_input=False)
        raise Invalid(
            [
                Problem(
                    _CODES.get(fault["type"], ErrorCode.INVALID),
                    fault["msg"],
                    (*path, *(str(step) for step in fault["loc"])),
                )
                for fault in faults
            ]
        ) from None


def dumps(value: Any) -> bytes:
    """JSON text; Decimals are written digit by digit."""
    return orjson.dumps(value, default=_exact)


def json_response(
    value: Any, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """An answer in JSON."""
    return _json(dumps(value), status, headers)


def json_text_response(text: str) -> Response:
    """An answer that is JSON text already."""
    return _json(text.encode(), 200, None)


def json_array_response(
    items: Iterable[str], status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """A JSON array of items that are JSON texts already."""
    return _json(f"[{','.join(items)}]".encode(), status, headers)


def _json(body: bytes, status: int, headers: Mapping[str, str] | None) -> Response:
    return Response(body, status, headers, media_type="application/json")


def _exact(value: Any) -> orjson.Fragment:
    if isinstance(value, Decimal):
        return orjson.Fragment(numbers.text(value))
    raise TypeError(f"{type(value).__name__} is not JSON")


def moment(at: datetime | None) -> str | None:
    """`2026-04-03T10:00:00.000Z`."""
    if at is None:
        return None
    utc = at.astimezone(UTC)
    return f"{utc:%Y-%m-%dT%H:%M:%S}.{utc.microsecond // 1000:03d}Z"


def printable(text: str) -> str:
    """The text with unpaired surrogates replaced: JSON may bring them in, UTF-8 cannot carry
    them."""
    return text.encode("utf-8", "replace").decode()
