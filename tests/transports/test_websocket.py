"""The websocket by the protocol text of graphql-transport-ws: every close code, and sockets that
outlive the faults of their operations."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import websockets

from domain import keys
from domain.access import Role
from domain.keys import ApiKeyCreate
from gql.limits import Limits
from gql.transports.app import graphql_routes
from tests.serving import SUBPROTOCOL, Site, Socket

INIT = {"type": "connection_init"}


@asynccontextmanager
async def plain_socket(
    site: Site, *protocols: str, **headers: str
) -> AsyncIterator[websockets.ClientConnection]:
    """A socket that was not greeted."""
    address = site.url.replace("http", "ws", 1) + "/graphql"
    offered: Any = list(protocols) or [SUBPROTOCOL]
    async with websockets.connect(
        address, subprotocols=offered, additional_headers=headers
    ) as opened:
        yield opened


async def closed(plain: websockets.ClientConnection) -> tuple[int | None, str | None]:
    """The code and the reason with which the server closes, whatever it sends before."""
    async with asyncio.timeout(20):
        try:
            while True:
                await plain.recv()
        except websockets.ConnectionClosed:
            return plain.close_code, plain.close_reason


def greeting(site: Site, **payload: str) -> dict[str, Any]:
    return INIT | {"payload": payload or {"Authorization": f"Bearer {site.key}"}}


async def test_the_key_may_come_in_several_ways(site: Site) -> None:
    for payload in ({"authorization": f"bearer {site.key}"}, {"apiKey": site.key}):
        async with plain_socket(site) as plain:
            await plain.send(json.dumps(greeting(site, **payload)))
            assert json.loads(await plain.recv()) == {"type": "connection_ack"}
    greetings: list[dict[str, Any]] = [INIT, INIT | {"payload": None}, INIT | {"payload": {}}]
    for message in greetings:
        async with plain_socket(site, authorization=f"Bearer {site.key}") as plain:
            await plain.send(json.dumps(message))
            assert json.loads(await plain.recv()) == {"type": "connection_ack"}


@pytest.mark.parametrize("payload", [{"Authorization": "Bearer junk"}, {"apiKey": "x"}, None, {}])
async def test_a_socket_without_a_good_key_is_closed(site: Site, payload: Any) -> None:
    async with plain_socket(site) as plain:
        await plain.send(json.dumps(INIT | {"payload": payload}))
        assert await closed(plain) == (4403, "Forbidden")


@pytest.mark.parametrize(
    "message",
    [
        "",
        "{",
        "null",
        "3",
        "[]",
        "{}",
        '{"type": "unknown"}',
        '{"type": 3}',
        b"binary",
        '{"type": "ping", "payload": 3}',
        '{"type": "connection_init", "payload": []}',
        "NaN",
        "[" * 3000,
        "x" * 2000,
    ],
    ids=lambda message: repr(message)[:30],
)
async def test_a_malformed_message_is_a_4400(site: Site, message: str | bytes) -> None:
    async with plain_socket(site) as plain:
        await plain.send(message)
        code, reason = await closed(plain)
    assert code == 4400
    assert reason
    assert len(reason.encode()) <= 123


@pytest.mark.parametrize(
    "message",
    [
        {"type": "subscribe"},
        {"type": "subscribe", "id": "1"},
        {"type": "subscribe", "id": "", "payload": {"query": "{ __typename }"}},
        {"type": "subscribe", "id": 1, "payload": {"query": "{ __typename }"}},
        {"type": "subscribe", "id": "1", "payload": {"query": 3}},
        {"type": "subscribe", "id": "1", "payload": {"query": "{ a }", "variables": 3}},
        {"type": "complete"},
    ],
    ids=json.dumps,
)
async def test_a_malformed_operation_message_is_a_4400(site: Site, message: Any) -> None:
    async with site.socket() as socket:
        await socket.send(message)
        assert (await closed(socket.plain))[0] == 4400


async def test_the_order_of_the_protocol_is_kept(site: Site) -> None:
    subscribe = {"type": "subscribe", "id": "1", "payload": {"query": "{ __typename }"}}
    async with plain_socket(site) as plain:
        await plain.send(json.dumps(subscribe))
        assert await closed(plain) == (4401, "Unauthorized")
    async with site.socket() as socket:
        await socket.send(greeting(site))
        assert await closed(socket.plain) == (4429, "Too many initialisation requests")
    async with plain_socket(site, "graphql-ws") as plain:
        assert (await closed(plain))[0] == 4406


async def test_two_operations_cannot_share_an_id(site: Site) -> None:
    query = "subscription { organizationChanged { __typename } }"
    async with site.socket() as socket:
        long_id = "é" * 300
        await socket.subscribe(long_id, query)
        await socket.next(long_id)
        await socket.subscribe(long_id, query)
        code, reason = await closed(socket.plain)
    assert code == 4409
    assert reason is not None
    assert reason.startswith("Subscriber for é")
    assert len(reason.encode()) <= 123


async def test_an_id_is_free_again_after_its_operation(site: Site) -> None:
    query = "subscription { organizationChanged { __typename } }"
    async with site.socket() as socket:
        for _ in range(3):
            await socket.subscribe("1", query)
            assert (await socket.event("1")) == {"__typename": "StreamStarted"}
            await socket.send({"id": "1", "type": "complete"})
        await socket.subscribe("1", "{ __typename }")
        assert (await socket.next("1"))["payload"] == {"data": {"__typename": "Query"}}
        assert await socket.next("1") == {"id": "1", "type": "complete"}


async def test_an_error_of_an_operation_leaves_the_others_alone(site: Site) -> None:
    async with site.socket() as socket:
        await socket.subscribe("live", "subscription { organizationChanged { __typename } }")
        await socket.event("live")
        bad = [
            "{",
            "{ nothing }",
            "query A { __typename } query B { __typename }",
            'subscription { tableChanged(tableId: "none") { __typename } }',
            "query($x: Int!) { table(id: $x) { id } }",
        ]
        for number, query in enumerate(bad):
            await socket.subscribe(str(number), query)
            message = await socket.next(str(number))
            assert message["type"] == "error"
            assert message["payload"][0]["message"]
        await site.graphql('mutation { projectCreate(input: {name: "x"}) { project { id } } }')
        assert await socket.event("live") == {"__typename": "OrganizationChanged"}


async def test_queries_and_mutations_run_over_the_socket(site: Site) -> None:
    async with site.socket() as socket:
        query = "mutation($n: String!) { projectCreate(input: {name: $n}) { project { name } } }"
        await socket.subscribe('"\\\ud800', query, n="Over a socket")
        message = await socket.receive()
        assert message["id"] == '"\\?'
        assert message["payload"]["data"]["projectCreate"]["project"] == {"name": "Over a socket"}
        await socket.subscribe("2", "{ node }")
        assert (await socket.next("2"))["payload"][0]["extensions"]["code"] == "BAD_USER_INPUT"


async def test_a_ping_is_answered_with_its_payload(site: Site) -> None:
    async with site.socket() as socket:
        for payload in ({"at": 1.5, "deep": [None]}, {}, None):
            await socket.send({"type": "ping", "payload": payload})
            assert await socket.receive() == {"type": "pong", "payload": payload}
        await socket.send({"type": "ping"})
        assert await socket.receive() == {"type": "pong"}
        await socket.send({"type": "pong", "payload": {"any": 1}})
        await socket.subscribe("1", "{ __typename }")
        assert (await socket.next("1"))["type"] == "next"


async def test_a_viewer_cannot_do_over_a_socket_what_it_cannot_over_http(site: Site) -> None:
    async with site.socket(await site.new_key(Role.VIEWER)) as socket:
        await socket.subscribe(
            "1", 'mutation { projectCreate(input: {name: "x"}) { errors { code } } }'
        )
        [error] = (await socket.next("1"))["payload"]["errors"]
    assert error["extensions"]["code"] == "FORBIDDEN"


async def test_an_expired_key_ends_its_socket(site: Site) -> None:
    ends = datetime.now(UTC) + timedelta(seconds=0.7)
    command = ApiKeyCreate("short", Role.VIEWER, ends)
    made = await keys.create_key(site.viewer, site.gateway.storage, command)
    async with site.socket(made.secret) as socket:
        assert await closed(socket.plain) == (4403, "Forbidden")
    assert datetime.now(UTC) >= ends


@pytest.fixture
async def strict(site: Site) -> AsyncIterator[Site]:
    """The same application with narrow limits, under the same path."""
    gateway = site.gateway
    limits = Limits(
        init_seconds=0.05,
        socket_operations=2,
        socket_message_bytes=1000,
        origins=frozenset({"https://good.example"}),
    )
    routes = graphql_routes(
        gateway.storage, gateway.hub, gateway.engines, gateway.authenticator.viewer, limits
    )
    site.app.router.routes[:0] = routes
    yield site
    for route in routes:
        site.app.router.routes.remove(route)


async def test_who_does_not_greet_is_not_waited_for(strict: Site) -> None:
    async with plain_socket(strict) as plain:
        assert await closed(plain) == (4408, "Connection initialisation timeout")


async def test_a_socket_has_so_many_operations_and_no_more(strict: Site) -> None:
    query = "subscription { organizationChanged { __typename } }"
    async with plain_socket(strict) as plain:
        await plain.send(json.dumps(greeting(strict)))
        socket = Socket(plain)
        await socket.receive()
        for id_ in ("1", "2"):
            await socket.subscribe(id_, query)
            await socket.event(id_)
        await socket.subscribe("3", query)
        assert (await closed(plain))[0] == 4429


async def test_messages_have_a_bound(strict: Site) -> None:
    async with plain_socket(strict) as plain:
        await plain.send(json.dumps({"type": "ping", "payload": {"x": "y" * 1000}}))
        assert await closed(plain) == (4400, "The message is too long")


async def test_pages_of_other_origins_are_refused(strict: Site) -> None:
    async with plain_socket(strict, origin="https://good.example") as plain:
        await plain.send(json.dumps(greeting(strict)))
        assert json.loads(await plain.recv()) == {"type": "connection_ack"}
    with pytest.raises(websockets.InvalidStatus) as refused:
        async with plain_socket(strict, origin="https://evil.example"):
            pass
    assert refused.value.response.status_code == 403
