"""The one way out: where requests may go, and what an answer may cost."""

import asyncio
import ipaddress
import socket
from collections.abc import Sequence

import pytest

from domain.addresses import Allowed, is_public
from processing.outbound import Outbound, OutboundFailed, OutboundRefused, OutboundRequest
from tests.outbound.targets import reply, server_tls, target, trusting_tls

LOCAL = Allowed.parse("127.0.0.1")

NOT_PUBLIC = """
0.0.0.0 10.1.2.3 100.64.0.1 127.0.0.1 127.8.8.8 169.254.169.254 172.16.0.1 172.31.255.255
192.0.0.1 192.0.2.1 192.88.99.1 192.168.1.1 198.18.0.1 198.51.100.1 203.0.113.1 224.0.0.1
224.0.1.1 239.1.1.1 240.0.0.1 255.255.255.255
:: ::1 ::127.0.0.1 ::ffff:127.0.0.1 ::ffff:8.8.8.8 ::ffff:0:127.0.0.1 64:ff9b::7f00:1
64:ff9b::808:808 64:ff9b:1::1 100::1 2001::1 2001:0:4136:e378:8000:63bf:3fff:fdd2 2001:db8::1
2002:7f00:1::1 2002:808:808::1 3fff::1 5f00::1 fc00::1 fd12:3456::1 fe80::1 fe80::1%lo fec0::1
ff02::1 ff0e::1
"""
PUBLIC = "1.1.1.1 8.8.8.8 93.184.216.34 100.128.0.1 172.32.0.1 192.88.98.1 2606:4700::1111 2a00::1"


class Names:
    """A resolver that tells one list of addresses after the other, and counts."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self._answers = list(answers)
        self.asked: list[str] = []

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        self.asked.append(host)
        return self._answers.pop(0)


def get(url: str) -> OutboundRequest:
    return OutboundRequest("GET", url)


def test_only_public_addresses_are_public() -> None:
    assert [text for text in NOT_PUBLIC.split() if is_public(ipaddress.ip_address(text))] == []
    assert [text for text in PUBLIC.split() if not is_public(ipaddress.ip_address(text))] == []


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "2130706433",
        "0x7f.1",
        "127.1",
        "localhost",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[::127.0.0.1]",
        "[64:ff9b::7f00:1]",
        "169.254.169.254",
        "0",
    ],
)
async def test_no_way_of_writing_an_inner_address_gets_through(host: str) -> None:
    async with target(reply()) as inner:
        outbound = Outbound(Allowed())
        with pytest.raises((OutboundRefused, OutboundFailed)) as caught:
            await outbound.send(get(f"http://{host}:{inner.port}/"))
        assert caught.type is OutboundRefused or "resolved" in str(caught.value)
        assert "127" not in str(caught.value)
        assert inner.requests == []


async def test_an_allowed_address_is_reached_and_answers() -> None:
    async with target(reply("201 Made", b'{"a": 1}', "X-Two: b")) as inner:
        answer = await Outbound(LOCAL).send(
            OutboundRequest("POST", inner.url(path="/in?q=1#here"), {"X-One": "a"}, b"hello")
        )
    assert (answer.status, answer.body, answer.truncated) == (201, b'{"a": 1}', False)
    assert answer.headers["x-two"] == "b"
    head, body = inner.requests[0].split("\r\n\r\n")
    assert head.startswith("POST /in?q=1 HTTP/1.1\r\n")
    assert {f"host: 127.0.0.1:{inner.port}", "x-one: a", "accept-encoding: identity"} <= set(
        head.lower().split("\r\n")
    )
    assert body == "hello"


async def test_a_name_that_changes_its_mind_is_asked_once() -> None:
    """DNS rebinding: the address that was checked is the one that is connected to."""
    names = Names(["127.0.0.1"], ["10.0.0.1"])
    async with target(reply()) as inner:
        answer = await Outbound(LOCAL, resolver=names).send(get(inner.url("rebind.test")))
    assert answer.status == 200
    assert names.asked == ["rebind.test"]
    assert f"host: rebind.test:{inner.port}" in inner.requests[0].lower()


@pytest.mark.parametrize(
    "found", [["127.0.0.1"], ["8.8.8.8", "127.0.0.1"], ["::ffff:7f00:1"], ["fe80::1%lo"]]
)
async def test_one_inner_address_spoils_a_name(found: list[str]) -> None:
    async with target(reply()) as inner:
        with pytest.raises(OutboundRefused, match="not public"):
            await Outbound(Allowed(), resolver=Names(found)).send(get(inner.url("rebind.test")))
        assert inner.requests == []


async def test_a_host_can_be_allowed_by_name_or_network() -> None:
    async with target(reply()) as inner:
        for text in ("Intern.Test", "127.0.0.0/8", "::1, intern.test.", "127.0.0.1"):
            outbound = Outbound(Allowed.parse(text), resolver=Names(["127.0.0.1"]))
            assert (await outbound.send(get(inner.url("intern.test")))).status == 200
        other = Outbound(Allowed.parse("intern.test"), resolver=Names(["127.0.0.1"]))
        with pytest.raises(OutboundRefused):
            await other.send(get(inner.url("evil-intern.test")))


async def test_the_next_address_is_tried_when_one_does_not_answer() -> None:
    async with target(reply()) as inner:
        outbound = Outbound(
            Allowed.parse("127.0.0.0/8"), resolver=Names(["127.9.9.9", "127.0.0.1"])
        )
        assert (await outbound.send(get(inner.url("two.test")))).status == 200


async def test_redirects_are_answers() -> None:
    async with target(reply("302 Found", b"", "Location: http://127.0.0.1:1/")) as inner:
        answer = await Outbound(LOCAL).send(get(inner.url()))
    assert (answer.status, len(inner.requests)) == (302, 1)


async def test_cookies_and_proxies_are_nobodys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    async with target(reply("200 OK", b"", "Set-Cookie: a=b")) as inner:
        outbound = Outbound(LOCAL)
        await outbound.send(get(inner.url()))
        await outbound.send(get(inner.url()))
    assert len(inner.requests) == 2
    assert "cookie" not in "".join(inner.requests).lower()


async def test_a_huge_body_is_cut() -> None:
    written = asyncio.Event()

    async def endless(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        try:
            while True:
                writer.write(b"x" * 65_536)
                await writer.drain()
        finally:
            written.set()

    async with target(endless) as inner:
        answer = await Outbound(LOCAL).send(get(inner.url()))
        await asyncio.wait_for(written.wait(), 10)
    assert (len(answer.body), answer.truncated) == (256_000, True)


async def test_a_body_that_was_packed_stays_packed() -> None:
    packed = b"\x1f\x8b junk"
    async with target(reply("200 OK", packed, "Content-Encoding: gzip")) as inner:
        assert (await Outbound(LOCAL).send(get(inner.url()))).body == packed


async def test_slow_servers_run_out_of_time() -> None:
    async def silent(writer: asyncio.StreamWriter) -> None:
        await writer.wait_closed()

    async def dripping(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0)

    for answer in (silent, dripping):
        async with target(answer) as inner:
            slow = Outbound(LOCAL, seconds=0.3, most_bytes=10**9)
            with pytest.raises(OutboundFailed, match=r"No answer within 0\.3 seconds"):
                await slow.send(get(inner.url()))


async def test_broken_servers_fail_with_a_sentence() -> None:
    async def junk(writer: asyncio.StreamWriter) -> None:
        writer.write(b"SSH-2.0-OpenSSH_9.9\r\n\r\n")

    async def short(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc")

    for answer in (junk, short):
        async with target(answer) as inner:
            with pytest.raises(OutboundFailed, match="connection broke, or the answer is not HTTP"):
                await Outbound(LOCAL).send(get(inner.url()))
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    with pytest.raises(OutboundFailed, match="No connection could be made"):
        await Outbound(LOCAL).send(get(f"http://127.0.0.1:{port}/"))
    with pytest.raises(OutboundFailed, match="cannot be resolved"):
        await Outbound(LOCAL).send(get("http://no-such-name.invalid/"))


async def test_certificates_are_checked_against_the_name_of_the_url() -> None:
    async with target(reply(), server_tls()) as inner:
        trusting = Outbound(LOCAL, resolver=Names(["127.0.0.1"], ["127.0.0.1"]), tls=trusting_tls())
        assert (await trusting.send(get(inner.url("tablecast.test")))).status == 200
        with pytest.raises(OutboundFailed, match="certificate is not trusted"):
            await trusting.send(get(inner.url("other.test")))
        strict = Outbound(LOCAL, resolver=Names(["127.0.0.1"]))
        with pytest.raises(OutboundFailed, match="certificate is not trusted"):
            await strict.send(get(inner.url("tablecast.test")))
    async with target(reply()) as plain:
        with pytest.raises(OutboundFailed, match="does not speak TLS"):
            await Outbound(LOCAL).send(get(plain.url().replace("http", "https")))


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("ftp://example.com/", "must begin with http"),
        ("file:///etc/passwd", "must begin with http"),
        ("example.com", "must begin with http"),
        ("http://", "names no host"),
        ("http://user:secret@example.com/", "user name or password"),
        ("http://exa mple.com/", "names no host"),
        ("http://example.com:99999/", "names no port"),
        ("http://example.com:0/", "names no port"),
        ("http://" + "a" * 300 + ".com/", "names no host|is not a URL"),
        ("http://example.com/" + "a" * 2048, "longer than 2048"),
        ("http://[::1", "is not a URL"),
        ("http://\ud800/", "is not a URL"),
    ],
)
async def test_bad_urls_are_refused(url: str, message: str) -> None:
    with pytest.raises(OutboundRefused, match=message) as caught:
        await Outbound(LOCAL).send(get(url))
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("method", "headers", "message"),
    [
        ("CONNECT", {}, "must be one of GET"),
        ("get", {}, "must be one of GET"),
        ("GET", {"Host": "inner"}, "header Host cannot be set"),
        ("GET", {"transfer-encoding": "chunked"}, "cannot be set"),
        ("GET", {"X-A": "1\r\nX-B: 2"}, "HTTP does not allow"),
        ("GET", {"X A": "1"}, "HTTP does not allow"),
        ("GET", {"X-A": "ü"}, "HTTP does not allow"),
    ],
)
async def test_bad_requests_are_refused(method: str, headers: dict[str, str], message: str) -> None:
    async with target(reply()) as inner:
        with pytest.raises(OutboundRefused, match=message):
            await Outbound(LOCAL).send(OutboundRequest(method, inner.url(), headers))
        assert inner.requests == []
