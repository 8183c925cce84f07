"""Subscribers who asked for the same share one rendering; nobody gets what another asked for."""

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import Any

from domain.access import Role
from tests.serving import Site, Socket

CHANGED = """subscription($t: ID!, $after: Int) { tableChanged(tableId: $t, after: $after) {
  __typename ... on ChangeEvent { revision } ... on RowsAdded { rows { id data } } } }"""

ADD = """mutation($t: ID!, $n: JSON!) { rowsAdd(input: {tableId: $t, rows: [{data: {n: $n}}]}) {
  revision errors { message } } }"""


async def new_table(site: Site) -> str:
    made = await site.graphql(
        'mutation { tableCreate(input: {name: "Shared", columns: [{key: "n", type: NUMBER}]})'
        " { table { id } } }"
    )
    return str(made["tableCreate"]["table"]["id"])


async def subscribers(
    site: Site, stack: AsyncExitStack, count: int, query: str, key: str | None = None, **given: Any
) -> list[Socket]:
    """Sockets that were told how their stream starts."""
    opened = [await stack.enter_async_context(site.socket(key)) for _ in range(count)]
    for socket in opened:
        await socket.subscribe("1", query, **given)
        assert (await socket.event("1"))["__typename"] == "StreamStarted"
    return opened


async def until(true: Callable[[], bool]) -> None:
    """Let the server, which runs in this loop, go on until something is true of it."""
    async with asyncio.timeout(20):
        while not true():  # noqa: ASYNC110 - the hub has no event for this
            await asyncio.sleep(0)


async def test_a_change_is_rendered_once_for_all_who_asked_for_the_same(site: Site) -> None:
    table_id = await new_table(site)
    revision = (await site.graphql(ADD, t=table_id, n=1))["rowsAdd"]["revision"]
    async with AsyncExitStack() as stack:
        sockets = await subscribers(site, stack, 10, CHANGED, t=table_id)
        # Where one begins does not split the group.
        sockets += await subscribers(site, stack, 10, CHANGED, t=table_id, after=revision)
        await until(lambda: site.gateway.hub.groups == 1)
        before = site.gateway.hub.counters.renders
        await site.graphql(ADD, t=table_id, n=2)
        events = [await socket.event("1") for socket in sockets]
        assert site.gateway.hub.counters.renders == before + 1
    assert all(event == events[0] for event in events)
    assert events[0]["rows"][0]["data"] == {"n": 2}


async def test_who_asked_for_something_else_gets_that(site: Site) -> None:
    table_id = await new_table(site)
    short = CHANGED.replace("rows { id data }", "rows { version }")
    async with AsyncExitStack() as stack:
        [one] = await subscribers(site, stack, 1, CHANGED, t=table_id)
        [other] = await subscribers(site, stack, 1, short, t=table_id)
        viewer = await site.new_key(Role.VIEWER)
        [third] = await subscribers(site, stack, 1, CHANGED, viewer, t=table_id)
        await until(lambda: site.gateway.hub.groups == 3)
        await site.graphql(ADD, t=table_id, n=3)
        assert (await one.event("1"))["rows"] == (await third.event("1"))["rows"]
        assert (await other.event("1"))["rows"] == [{"version": 1}]


async def test_a_number_is_streamed_digit_by_digit(site: Site) -> None:
    table_id = await new_table(site)
    async with AsyncExitStack() as stack:
        [socket] = await subscribers(site, stack, 1, CHANGED, t=table_id)
        add = ADD.replace("$n}", "12345678901234567890.125}").replace(", $n: JSON!", "")
        await site.graphql(add, t=table_id)
        text = await asyncio.wait_for(socket.plain.recv(), 20)
    assert '"data":{"n":12345678901234567890.125}' in str(text)


async def test_a_stream_of_a_client_ahead_of_the_log_is_reset(site: Site) -> None:
    table_id = await new_table(site)
    query = CHANGED.replace(
        "__typename", "__typename ... on StreamStarted { revision state resetReason }", 1
    )
    async with site.socket() as socket:
        await socket.subscribe("1", query, t=table_id, after=1000)
        started = await socket.event("1")
    assert (started["state"], started["resetReason"]) == ("RESET", "AHEAD_OF_LOG")


async def test_nothing_is_left_when_sockets_go(site: Site) -> None:
    table_id = await new_table(site)
    async with AsyncExitStack() as stack:
        await subscribers(site, stack, 5, CHANGED, t=table_id)
        assert site.gateway.hub.subscribers == 5
    await until(lambda: not site.gateway.hub.subscribers and not site.gateway.hub.groups)
