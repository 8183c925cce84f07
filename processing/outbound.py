"""The one way out: every request to an address that a user gave goes through here.

Where it may lead says `processing/guard.py`. No redirect is followed, no proxy of the environment
is used, nothing is remembered between two requests."""

import asyncio
import re
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache

import httpx2

from domain.addresses import Address, Allowed
from processing.guard import (
    CONNECT_SECONDS,
    PLAIN,
    Guard,
    GuardedTransport,
    OutboundFailed,
    OutboundRefused,
    Resolver,
    checked_url,
    system_resolver,
)

__all__ = [
    "Outbound",
    "OutboundFailed",
    "OutboundRefused",
    "OutboundRequest",
    "OutboundResponse",
    "check_request",
]

#: A whole request, from the name to the last byte of the answer.
SECONDS = 15.0
#: What is kept of an answer's body.
MOST_BYTES = 256_000

_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,256}")
_HEADER_VALUE = re.compile(r"[\t\x20-\x7e]{0,8192}")
#: They say how the message is framed and where it goes, which is ours to say.
_OUR_HEADERS = frozenset(
    (
        "accept-encoding",
        "connection",
        "content-length",
        "expect",
        "host",
        "keep-alive",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    )
)

_NOT_CONNECTED = (httpx2.ConnectError, httpx2.ConnectTimeout)


@dataclass(frozen=True, slots=True)
class OutboundRequest:
    """What to send. `headers` cannot say anything about framing or the host. With a `secret` in
    them, plain http goes only where the operator allows it."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    secret: bool = False


@dataclass(frozen=True, slots=True)
class OutboundResponse:
    """What came back: any status, redirects too. `headers` have lower-case names. The body is as it
    was sent, cut after 256,000 bytes, which `truncated` says."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    truncated: bool


@cache
def _usual_tls() -> ssl.SSLContext:
    """The authorities that everybody trusts. Reading them takes 40 ms."""
    return httpx2.create_ssl_context()


class Outbound:
    """The guarded client. One for a process; it holds no connections."""

    def __init__(
        self,
        allowed: Allowed,
        *,
        resolver: Resolver = system_resolver,
        tls: ssl.SSLContext | None = None,
        seconds: float = SECONDS,
        most_bytes: int = MOST_BYTES,
    ) -> None:
        self._guard = Guard(allowed.lets, resolver=resolver)
        self._plain_guard = Guard(allowed.names, PLAIN, resolver)
        self._allowed = allowed
        self._resolver = resolver
        self._tls = tls or _usual_tls()
        self._seconds = seconds
        self._most_bytes = most_bytes

    def transport(self, *, connections: int, most_bytes: int) -> GuardedTransport:
        """A guarded transport for a client of one server, which keeps connections to it. Close
        it."""
        return GuardedTransport(
            self._allowed,
            tls=self._tls,
            connections=connections,
            most_bytes=most_bytes,
            resolver=self._resolver,
        )

    async def send(self, request: OutboundRequest) -> OutboundResponse:
        """Send one request and read its answer, whatever its status is.

        Raises `OutboundRefused` for what must not be sent, `OutboundFailed` for what did not get
        through or took longer than 15 seconds in all."""
        url = check_request(request)
        try:
            async with asyncio.timeout(self._seconds):
                readable = request.secret and url.scheme == "http"
                guard = self._plain_guard if readable else self._guard
                addresses = await guard.addresses(url.raw_host.decode("ascii"), _port(url))
                return await self._send_to_first(request, url, addresses)
        except TimeoutError:
            raise OutboundFailed(f"No answer within {self._seconds:g} seconds") from None

    async def _send_to_first(
        self, request: OutboundRequest, url: httpx2.URL, addresses: Sequence[Address]
    ) -> OutboundResponse:
        """Try one address after the other until a connection stands."""
        for address in addresses[:-1]:
            try:
                return await self._exchange(request, url, address)
            except _NOT_CONNECTED:
                continue
        try:
            return await self._exchange(request, url, addresses[-1])
        except _NOT_CONNECTED as error:
            raise OutboundFailed(_connect_fault(error)) from None

    async def _exchange(
        self, request: OutboundRequest, url: httpx2.URL, address: Address
    ) -> OutboundResponse:
        sent = httpx2.Request(
            request.method,
            url.copy_with(host=str(address), fragment=None),
            headers={"accept": "*/*", "user-agent": "tablecast", **_lower(request.headers)}
            | {"host": url.netloc.decode("ascii"), "accept-encoding": "identity"},
            content=request.body,
            extensions={
                "sni_hostname": url.raw_host.decode("ascii").rstrip("."),
                "timeout": {"connect": CONNECT_SECONDS},
            },
        )
        try:
            # A transport of its own for each request: a connection that was kept would belong to
            # an address, and another name with the same address would find it verified.
            async with httpx2.AsyncHTTPTransport(verify=self._tls, trust_env=False) as transport:
                response = await transport.handle_async_request(sent)
                try:
                    body, truncated = await self._read(response)
                finally:
                    await response.aclose()
        except _NOT_CONNECTED:
            raise
        except (httpx2.HTTPError, httpx2.StreamError, OSError):
            raise OutboundFailed("The connection broke, or the answer is not HTTP") from None
        headers = {name.lower(): value for name, value in response.headers.items()}
        return OutboundResponse(response.status_code, headers, body, truncated)

    async def _read(self, response: httpx2.Response) -> tuple[bytes, bool]:
        """The raw body: what a server packs although we asked it not to stays packed, so that a
        few bytes cannot become millions."""
        parts: list[bytes] = []
        left = self._most_bytes
        async for part in response.aiter_raw():
            parts.append(part[:left])
            left -= len(part)
            if left < 0:
                return b"".join(parts), True
        return b"".join(parts), False


def check_request(request: OutboundRequest) -> httpx2.URL:
    """The URL of a request that may be sent as far as its texts tell. Raises `OutboundRefused`."""
    if request.method not in _METHODS:
        raise OutboundRefused(f"The method must be one of {', '.join(_METHODS)}")
    for name, value in request.headers.items():
        if not _HEADER_NAME.fullmatch(name) or not _HEADER_VALUE.fullmatch(value):
            raise OutboundRefused("A header has a name or value that HTTP does not allow")
        if name.lower() in _OUR_HEADERS:
            raise OutboundRefused(f"The header {name} cannot be set")
    return checked_url(request.url)


def _port(url: httpx2.URL) -> int:
    return url.port or (443 if url.scheme == "https" else 80)


def _lower(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


def _connect_fault(error: BaseException) -> str:
    """Whether TLS is to blame; where the connection went is not told."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return "The server's certificate is not trusted"
        if isinstance(cause, ssl.SSLError):
            return "The server does not speak TLS as expected"
        cause = cause.__cause__ or cause.__context__
    return "No connection could be made to the server"
