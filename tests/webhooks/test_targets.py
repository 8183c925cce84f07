"""Where webhooks may lead: every spelling of a private address is refused when it is given, and
again when something is sent."""

import asyncio

import httpx2
import pytest

from domain.addresses import Allowed
from domain.errors import Invalid
from domain.webhook_targets import url_problems
from persistence.storage import PostgresStorage
from processing.deliveries import Deliverer
from processing.guard import GuardedTransport, OutboundFailed, OutboundRefused
from processing.webhook_requests import HttpReceiver
from tests.outbound.targets import reply, target, trusting_tls
from tests.outbound.test_outbound import Names
from tests.webhooks.hooks import Hooks

#: All of them mean an address of this machine or of a private network.
SPELLINGS = [
    "127.0.0.1",
    "127.0.0.1.",
    "127.1",
    "127.0.1",
    "2130706433",
    "0x7f000001",
    "0x7f.0.0.1",
    "0X7F.1",
    "0177.0.0.1",
    "017700000001",
    "0x7f.0x0.0x0.0x1",
    "127.000.000.001",
    "0",
    "0.0.0.0",
    "[::1]",
    "[::]",
    "[0:0:0:0:0:0:0:1]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[::127.0.0.1]",
    "[::ffff:0:127.0.0.1]",
    "[2002:7f00:1::]",
    "[64:ff9b::127.0.0.1]",
    "[64:ff9b:1::7f00:1]",
    "[2001:0:7f00:1::]",
    "[fe80::1]",
    "[fc00::1]",
    "[fd00:ec2::254]",
    "[ff02::1]",
    "10.0.0.1",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "2852039166",
    "100.64.0.1",
    "224.0.0.1",
    "255.255.255.255",
    "localhost",
    "LOCALHOST",
    "localhost.",
    "foo.localhost",
    "foo.localhost.",
    "ip6-localhost",
    "localhost.localdomain",
    "".join(chr(ord(each) + 0xFEE0) for each in "127.0.0.1"),
    "127。0。0。1",
    "①②⑦.⓪.⓪.①",
    "ⓛocalhost",
]
#: What getaddrinfo of this machine makes of a name is up to it, so these are tried as names too.
NAMES = ["127.0.0.1", "::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "10.1.2.3"]


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_no_spelling_is_taken(spelling: str, scheme: str) -> None:
    [problem] = url_problems(f"{scheme}://{spelling}:8080/x", Allowed())
    assert problem.message == "The url leads to an address that is not public"


@pytest.mark.parametrize(
    "url",
    [
        "ftp://example.com/",
        "//example.com/",
        "example.com",
        "https://",
        "https://:443/",
        "https://user@example.com/",
        "https://user:pass@example.com/",
        "https://example.com:0/",
        "https://example.com:65536/",
        "https://exa mple.com/",
        "https://example.com\\@127.0.0.1/",
        "https://[::1/",
        "javascript:alert(1)",
        "https://example.com/" + "x" * 2048,
        "",
        "http://example.com/",
    ],
)
def test_what_is_no_url_of_ours_is_refused(url: str) -> None:
    assert url_problems(url, Allowed())


@pytest.mark.parametrize(
    ("url", "allow"),
    [
        ("https://example.com/hooks?x=1", ""),
        ("https://1.1.1.1/", ""),
        ("https://[2606:4700::1111]/", ""),
        ("https://bücher.example/", ""),
        ("http://127.0.0.1:9/", "127.0.0.0/8"),
        ("http://2130706433:9/", "127.0.0.1"),
        ("http://localhost:9/", "127.0.0.1"),
        ("http://intern.example/", "intern.example"),
        ("http://intern.example/", "10.0.0.0/8"),
    ],
)
def test_what_may_be_given(url: str, allow: str) -> None:
    assert url_problems(url, Allowed.parse(allow)) == []


async def test_creation_and_update_refuse(hooks: Hooks) -> None:
    with pytest.raises(Invalid, match="not public"):
        await hooks.create("row.created", url="https://0x7f.1/")
    webhook = await hooks.create("row.created")
    with pytest.raises(Invalid, match="not public"):
        await hooks.update(webhook, url="https://169.254.169.254/latest/meta-data")


@pytest.mark.parametrize("spelling", SPELLINGS)
async def test_nothing_is_sent_there_either(spelling: str) -> None:
    """Over a real socket: whoever gets a URL into the database does not get a request out."""
    async with target(reply()) as inner:
        receiver = _receiver(Allowed())
        for scheme in ("http", "https"):
            with pytest.raises((OutboundRefused, OutboundFailed)):
                await receiver.post(f"{scheme}://{spelling}:{inner.port}/", {}, b"{}")
        await receiver.aclose()
        assert inner.requests == []


@pytest.mark.parametrize("address", NAMES)
async def test_a_name_that_leads_inside_is_refused_at_each_delivery(address: str) -> None:
    """DNS rebinding: the name was public when the webhook was made."""
    async with target(reply()) as inner:
        receiver = _receiver(Allowed(), address)
        with pytest.raises(OutboundRefused):
            await receiver.post(f"https://rebind.test:{inner.port}/", {}, b"{}")
        await receiver.aclose()
        assert inner.requests == []


async def test_no_redirect_is_followed(hooks: Hooks) -> None:
    async with target(reply()) as inner:
        away = reply("302 Found", b"", f"Location: {inner.url()}")
        async with target(away) as outer:
            receiver = _receiver(Allowed.parse("127.0.0.1"))
            answer = await receiver.post(outer.url(), {}, b"{}")
            await receiver.aclose()
    assert answer.status == 302
    assert inner.requests == []


async def test_plain_http_goes_only_where_the_operator_allows() -> None:
    receiver = _receiver(Allowed(), "1.1.1.1")
    with pytest.raises(OutboundRefused, match="use https"):
        await receiver.post("http://public.test/", {}, b"{}")
    await receiver.aclose()


async def test_a_delivery_arrives_over_a_socket_and_a_refused_one_says_why(hooks: Hooks) -> None:
    world = hooks.world
    allowed = Allowed.parse("127.0.0.1")
    world.storage.egress = allowed
    table_id = await world.table("name")
    async with target(reply("200 OK", b"x" * 10_000)) as inner:
        webhook = await hooks.create("row.created", url=inner.url("127.0.0.1", "/in"))
        await world.add(table_id, {"name": "a"}, {"name": "b"})
        await hooks.relayed()
        receiver = _receiver(allowed)
        await Deliverer(world.storage, receiver, clock=hooks.clock).settle()
        await receiver.aclose()
    assert len(inner.requests) == 2
    assert all(request.startswith("POST /in HTTP/1.1\r\n") for request in inner.requests)
    deliveries = await hooks.deliveries(webhook)
    assert [each.attempt for each in deliveries] == [1, 1]
    [made] = await hooks.attempts(deliveries[0])
    assert (made.status_code, made.response_body) == (200, "x" * 4_000)
    await world.add(table_id, {"name": "c"})
    await hooks.relayed()
    receiver = _receiver(Allowed())
    await Deliverer(world.storage, receiver, clock=hooks.clock).settle()
    await receiver.aclose()
    *_, refused = await hooks.deliveries(webhook)
    assert refused.error == "Plain http goes only where the operator allows it; use https"
    assert isinstance(world.storage, PostgresStorage)


async def test_an_answer_that_never_ends_is_cut_off() -> None:
    async def endless(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            writer.write(b"1000\r\n" + b"x" * 4096 + b"\r\n")
            await writer.drain()

    async with target(endless) as inner:
        receiver = _receiver(Allowed.parse("127.0.0.1"))
        answer = await receiver.post(inner.url(), {}, b"{}")
        await receiver.aclose()
    assert (answer.status, len(answer.body)) == (200, 4_000)


def _receiver(allowed: Allowed, *addresses: str) -> HttpReceiver:
    more = {"resolver": Names(*([each] for each in addresses))} if addresses else {}
    transport: httpx2.AsyncBaseTransport = GuardedTransport(
        allowed, tls=trusting_tls(), connections=4, most_bytes=1_000_000, **more
    )
    return HttpReceiver(transport)
