"""What may be connected to, and the connections themselves.

A name is resolved when a connection is made, all its addresses are checked, and the connection
goes to a checked one, so that a name cannot mean one thing to the check and another to the
connection."""

import asyncio
import ipaddress
import re
import select
import socket
import ssl
from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpcore2
import httpx2

from domain.addresses import Address, Allowed

MAX_URL = 2_048
#: How long one of a name's addresses may take to answer before the next one is tried.
CONNECT_SECONDS = 5.0

#: What a request is told that would carry a key for all to read.
PLAIN = "Plain http goes only where the operator allows it; use https"

_MOST_ADDRESSES = 4
_IDLE_SECONDS = 20.0
_HOST = re.compile(r"[A-Za-z0-9._:-]{1,253}")

#: The addresses of a name, as texts.
Resolver = Callable[[str, int], Awaitable[Sequence[str]]]


class OutboundRefused(Exception):
    """The request was not sent, and will not be. The text is for the user who asked for it."""


class OutboundFailed(Exception):
    """The request failed on its way; it may have arrived. The text is for the user."""


class OutboundTooLarge(OutboundFailed):
    """The answer has more bytes than are read. Asking again would bring as many."""


#: Threads of its own: a name whose servers do not answer keeps one for ten seconds and more, and
#: the loop has four, which connections to the database need too.
_LOOKING_UP = ThreadPoolExecutor(64, "names")
_looked_up: dict[tuple[str, int], Future[Sequence[str]]] = {}


async def system_resolver(host: str, port: int) -> Sequence[str]:
    """The addresses of a name as this machine sees it, none when it knows none. Who asks for the
    same name at the same time waits for the same answer."""
    key = host, port
    found = _looked_up.get(key)
    if found is None:
        found = _looked_up[key] = _LOOKING_UP.submit(_look_up, host, port)
        found.add_done_callback(lambda _: _looked_up.pop(key, None))
    return await asyncio.shield(asyncio.wrap_future(found))


def _look_up(host: str, port: int) -> Sequence[str]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return []
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


@dataclass(frozen=True, slots=True)
class Guard:
    """Tells where a name leads, if it may be reached: `lets` decides, `refusal` is told."""

    lets: Callable[[str, Address], bool]
    refusal: str = "The URL leads to an address that is not public"
    resolver: Resolver = system_resolver

    async def addresses(self, host: str, port: int) -> list[Address]:
        """At most 4 addresses to try, in order. Raises `OutboundRefused` and `OutboundFailed`."""
        try:
            texts = await self.resolver(host, port)
            found = [ipaddress.ip_address(text) for text in texts]
        except (OSError, ValueError):
            found = []
        if not found:
            raise OutboundFailed("The host name of the URL cannot be resolved")
        # One address that may not be reached spoils the name: who owns it plays with us.
        if not all(self.lets(host, address) for address in found):
            raise OutboundRefused(self.refusal)
        return found[:_MOST_ADDRESSES]


def checked_url(text: str) -> httpx2.URL:
    """A URL that may be asked for as far as its text tells. Raises `OutboundRefused`."""
    if len(text) > MAX_URL:
        raise OutboundRefused(f"The URL is longer than {MAX_URL} characters")
    try:
        url = httpx2.URL(text.strip())
        host = url.raw_host.decode("ascii")
    except (httpx2.InvalidURL, ValueError):
        raise OutboundRefused("The URL is not a URL") from None
    if url.scheme not in ("http", "https"):
        raise OutboundRefused("The URL must begin with http:// or https://")
    if not _HOST.fullmatch(host):
        raise OutboundRefused("The URL names no host")
    if url.port is not None and not 1 <= url.port <= 65_535:
        raise OutboundRefused("The URL names no port that exists")
    if url.userinfo:
        raise OutboundRefused("The URL must not hold a user name or password; use a header")
    return url


class GuardedTransport(httpx2.AsyncBaseTransport):
    """A transport for clients that talk to one server again and again. Connections are kept: they
    belong to scheme, host and port, and each was checked when it was made.

    Plain http goes only to what the operator allows, because such a client sends keys. No redirect
    is followed unless the client does, and then it is checked as any other request. Bodies are
    limited, and none comes packed."""

    def __init__(
        self,
        allowed: Allowed,
        *,
        tls: ssl.SSLContext,
        connections: int,
        most_bytes: int,
        resolver: Resolver = system_resolver,
    ) -> None:
        def pool(guard: Guard) -> httpcore2.AsyncConnectionPool:
            return httpcore2.AsyncConnectionPool(
                ssl_context=tls,
                max_connections=connections,
                max_keepalive_connections=connections,
                keepalive_expiry=_IDLE_SECONDS,
                network_backend=_Network(guard),
            )

        self._pools = {
            "https": pool(Guard(allowed.lets, resolver=resolver)),
            "http": pool(Guard(allowed.names, PLAIN, resolver)),
        }
        self._most_bytes = most_bytes

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Raises `OutboundRefused`, `OutboundFailed` and the errors of httpx2."""
        url = checked_url(str(request.url))
        request.headers["accept-encoding"] = "identity"
        assert isinstance(request.stream, httpx2.AsyncByteStream)
        sent = httpcore2.Request(
            method=request.method,
            url=httpcore2.URL(
                scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path
            ),
            headers=request.headers.raw,
            content=request.stream,
            extensions=request.extensions,
        )
        with _translated():
            response = await self._pools[url.scheme].handle_async_request(sent)
        headers = httpx2.Headers(response.headers)
        body = _Body(response, self._most_bytes)
        if headers.get("content-encoding", "identity").strip().lower() not in ("", "identity"):
            await body.aclose()
            raise OutboundFailed("The answer is packed although it was asked not to be")
        return httpx2.Response(
            response.status, headers=headers, stream=body, extensions=response.extensions
        )

    async def aclose(self) -> None:
        """Close all connections."""
        for pool in self._pools.values():
            await pool.aclose()


class _Network(httpcore2.AsyncNetworkBackend):
    """Connects to checked addresses."""

    def __init__(self, guard: Guard) -> None:
        self._guard = guard
        self._backend = httpcore2.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        addresses = await self._guard.addresses(host, port)
        seconds = min(timeout or CONNECT_SECONDS, CONNECT_SECONDS)
        for address in addresses[:-1]:
            try:
                return await self._connect(address, port, seconds)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout):
                continue
        return await self._connect(addresses[-1], port, seconds)

    async def _connect(
        self, address: Address, port: int, seconds: float
    ) -> httpcore2.AsyncNetworkStream:
        return _Stream(await self._backend.connect_tcp(str(address), port, timeout=seconds))

    async def sleep(self, seconds: float) -> None:
        await self._backend.sleep(seconds)


class _Stream(httpcore2.AsyncNetworkStream):
    """A connection that is quick to say whether its server has closed it. A pool asks all of its
    connections for each request, which took a sixth of the time of a call."""

    def __init__(self, stream: httpcore2.AsyncNetworkStream) -> None:
        self._stream = stream
        self._socket = stream.get_extra_info("socket")
        self._poll = select.poll()
        if self._socket.fileno() >= 0:
            self._poll.register(self._socket.fileno(), select.POLLIN)

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return await self._stream.read(max_bytes, timeout)

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        await self._stream.write(buffer, timeout)

    async def aclose(self) -> None:
        await self._stream.aclose()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        return _Stream(await self._stream.start_tls(ssl_context, server_hostname, timeout))

    def get_extra_info(self, info: str) -> Any:
        if info == "is_readable":
            return self._socket.fileno() < 0 or bool(self._poll.poll(0))
        return self._stream.get_extra_info(info)


class _Body(httpx2.AsyncByteStream):
    """A body that ends the request when it is too large."""

    def __init__(self, response: httpcore2.Response, most_bytes: int) -> None:
        self._response = response
        self._most_bytes = most_bytes

    async def __aiter__(self) -> AsyncIterator[bytes]:
        left = self._most_bytes
        with _translated():
            async for part in self._response.aiter_stream():
                left -= len(part)
                if left < 0:
                    raise OutboundTooLarge(
                        f"The answer is larger than {self._most_bytes // 1_000_000} MB"
                    )
                yield part

    async def aclose(self) -> None:
        await self._response.aclose()


#: The first that fits counts.
_ERRORS: Mapping[type[Exception], type[httpx2.TransportError]] = {
    httpcore2.ConnectTimeout: httpx2.ConnectTimeout,
    httpcore2.ReadTimeout: httpx2.ReadTimeout,
    httpcore2.WriteTimeout: httpx2.WriteTimeout,
    httpcore2.PoolTimeout: httpx2.PoolTimeout,
    httpcore2.ConnectError: httpx2.ConnectError,
    httpcore2.ReadError: httpx2.ReadError,
    httpcore2.WriteError: httpx2.WriteError,
    httpcore2.RemoteProtocolError: httpx2.RemoteProtocolError,
    httpcore2.LocalProtocolError: httpx2.LocalProtocolError,
    httpcore2.ProtocolError: httpx2.ProtocolError,
    httpcore2.TimeoutException: httpx2.TimeoutException,
    httpcore2.NetworkError: httpx2.NetworkError,
    httpcore2.UnsupportedProtocol: httpx2.UnsupportedProtocol,
}


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except tuple(_ERRORS) as error:
        kind = next(ours for theirs, ours in _ERRORS.items() if isinstance(error, theirs))
        raise kind(str(error)) from error
