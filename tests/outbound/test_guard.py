"""Connections that are kept, for clients of one server, are guarded as single requests are."""

import gzip

import httpx2
import pytest

from domain.addresses import Allowed
from processing.guard import GuardedTransport, OutboundFailed, OutboundRefused
from tests.models.replies import huge
from tests.models.server import model_server
from tests.outbound.targets import reply, server_tls, target, trusting_tls
from tests.outbound.test_outbound import LOCAL, Names


def transport(allowed: Allowed = LOCAL, *names: str, most: int = 100_000) -> GuardedTransport:
    resolver = Names(*([each] for each in names or ["127.0.0.1"] * 9))
    return GuardedTransport(
        allowed, tls=trusting_tls(), connections=4, most_bytes=most, resolver=resolver
    )


def client(given: GuardedTransport) -> httpx2.AsyncClient:
    return httpx2.AsyncClient(transport=given, trust_env=False)


async def test_a_connection_is_used_again_and_its_name_asked_once() -> None:
    async with model_server() as models, client(transport(LOCAL, "127.0.0.1")) as http:
        url = f"http://models.test:{models.port}/v1/chat/completions"
        for _ in range(3):
            body = {"model": "m", "messages": [{"role": "user", "content": "x"}]}
            assert (await http.post(url, json=body)).status_code == 200
        assert (models.count, models.connections) == (3, 1)


@pytest.mark.parametrize("found", ["127.0.0.1", "10.0.0.1", "::ffff:7f00:1", "169.254.169.254"])
async def test_a_name_that_leads_inside_is_refused(found: str) -> None:
    async with target(reply()) as inner:
        for scheme in ("http", "https"):
            async with client(transport(Allowed(), found)) as http:
                with pytest.raises(OutboundRefused):
                    await http.get(f"{scheme}://rebind.test:{inner.port}/")
        assert inner.requests == []


async def test_a_new_connection_asks_and_checks_again() -> None:
    """DNS rebinding between two connections of one client."""
    guarded = client(transport(LOCAL, "127.0.0.1", "10.0.0.1"))
    async with target(reply("200 OK", b"{}", "Connection: close")) as inner, guarded as http:
        assert (await http.get(inner.url("rebind.test"))).status_code == 200
        with pytest.raises(OutboundRefused, match="operator"):
            await http.get(inner.url("rebind.test"))


async def test_plain_http_goes_only_where_the_operator_allows() -> None:
    async with client(transport(Allowed(), "1.1.1.1")) as http:
        with pytest.raises(OutboundRefused, match="use https"):
            await http.get("http://public.test/")


async def test_tls_names_the_host_and_not_the_address() -> None:
    async with target(reply(), tls=server_tls()) as inner, client(transport()) as http:
        assert (await http.get(inner.url("tablecast.test"))).status_code == 200
        with pytest.raises(httpx2.ConnectError):
            await http.get(inner.url("other.test"))


async def test_a_large_or_packed_body_ends_the_request() -> None:
    async with model_server() as models, client(transport()) as http:
        models.next(huge(1_000_000))
        with pytest.raises(OutboundFailed, match="larger than"):
            await http.post(
                f"{models.url}/chat/completions",
                json={"model": "m", "messages": [{"role": "user", "content": "x"}]},
            )
    packed = gzip.compress(b"x" * 1_000_000)
    answer = reply("200 OK", packed, "Content-Encoding: gzip")
    async with target(answer) as inner, client(transport()) as http:
        with pytest.raises(OutboundFailed, match="packed"):
            await http.get(inner.url())
    assert "accept-encoding: identity" in inner.requests[0].lower()


async def test_redirects_and_proxies_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    answer = reply("302 Found", b"", "Location: http://127.0.0.1:1/")
    async with target(answer) as inner, client(transport()) as http:
        assert (await http.get(inner.url())).status_code == 302


@pytest.mark.parametrize("url", ["ftp://a.test/", "http://u:p@a.test/", "https://a.test:0/"])
async def test_urls_that_are_never_asked_for(url: str) -> None:
    async with client(transport()) as http:
        with pytest.raises((OutboundRefused, httpx2.UnsupportedProtocol)):
            await http.get(url)
