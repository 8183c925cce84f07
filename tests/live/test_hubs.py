"""What a hub does for its subscribers: shared work, fresh starts, nothing left of who is gone."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from uuid import UUID

import pytest

from domain.access import Role
from tests.gql.documents import add, new_table
from tests.live.test_two_processes import CHANGED, ORGANIZATION, Pair, pair_of, started, until
from tests.realtime.valkey import KillableValkey
from tests.serving import Site, Socket, serve


@pytest.fixture(scope="module")
async def site(
    postgres_url: str, redis_url: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Site]:
    async with serve(postgres_url, redis_url, tmp_path_factory.mktemp("hub")) as opened:
        yield opened


@pytest.fixture
async def valkey(tmp_path: Path) -> AsyncIterator[KillableValkey]:
    """A Valkey that a test may kill."""
    own = KillableValkey(tmp_path)
    await own.start()
    yield own
    own.kill()


async def test_a_change_is_rendered_once_for_a_group(site: Site) -> None:
    table_id = await new_table(site, {"key": "n", "type": "NUMBER"})
    counters = site.gateway.hub.counters
    async with AsyncExitStack() as stack:
        sockets = [await stack.enter_async_context(site.socket()) for _ in range(4)]
        for socket in sockets:
            for place in range(5):
                # Where a stream begins does not part its subscribers.
                await started(socket, str(place), CHANGED, t=table_id, after=1 if place else None)
        before = counters.renders
        await add(site, table_id, {"n": 1})
        texts = {str(await socket.event(str(place))) for socket in sockets for place in range(5)}
        assert (len(texts), counters.renders - before) == (1, 1)

        low = {"where": {"column": "n", "operator": "LT", "value": 0}}
        await started(sockets[0], "low", CHANGED, t=table_id, filter=low)
        assert site.gateway.hub.groups == 2
        viewer_key = await stack.enter_async_context(site.socket(await site.new_key(Role.VIEWER)))
        await started(viewer_key, "1", CHANGED, t=table_id)
        assert site.gateway.hub.groups == 3
        before = counters.renders
        await add(site, table_id, {"n": 2})
        await viewer_key.event("1")
        await sockets[0].event("0")
        await add(site, table_id, {"n": -1})
        assert (await sockets[0].event("low"))["rows"][0]["data"] == {"n": -1}
        await viewer_key.event("1")
        await sockets[0].event("0")
        assert counters.renders - before == 6
    await until(site, 0)


async def test_who_drops_is_forgotten(site: Site) -> None:
    table_id = await new_table(site, "a")
    async with AsyncExitStack() as stack:
        sockets = [await stack.enter_async_context(site.socket()) for _ in range(5)]
        for socket in sockets:
            for place in range(3):
                await started(socket, str(place), CHANGED, t=table_id)
        assert site.gateway.hub.subscribers == 15
        await sockets[0].send({"id": "1", "type": "complete"})
        await until(site, 14)
        await add(site, table_id, {"a": "x"})
        assert (await sockets[0].event("0"))["__typename"] == "RowsAdded"
        assert (await sockets[0].event("2"))["__typename"] == "RowsAdded"
        for socket in sockets:
            socket.plain.transport.abort()
        await until(site, 0)
    assert site.gateway.hub.groups == 0


async def test_what_cannot_be_sent_is_a_reset(site: Site) -> None:
    table_id = await new_table(site, "a")
    await add(site, table_id, {"a": "x"})
    async with site.socket() as socket:
        ahead = await started(socket, "1", CHANGED, t=table_id, after=9_999_999)
        assert ahead == {
            "__typename": "StreamStarted",
            "revision": 2,
            "state": "RESET",
            "resetReason": "AHEAD_OF_LOG",
        }
        table_id = await new_table(site, "a")  # one that is not followed yet
        await add(site, table_id, {"a": "x"})
        # A log as 10,001 small changes leave it.
        pool = site.gateway.database.pool
        await pool.execute(
            "INSERT INTO change (table_id, revision, organization_id, kind, actor, cause,"
            " rows_added, rows_changed, rows_deleted)"
            " SELECT table_id, n, organization_id, 'rows_changed', actor, cause, 0, 0, 0"
            " FROM change, generate_series(3, 10002) AS n WHERE table_id = $1 AND revision = 2",
            UUID(table_id),
        )
        await pool.execute(
            "UPDATE table_clock SET revision = 10002 WHERE table_id = $1", UUID(table_id)
        )
        await add(site, table_id, {"a": "y"})
        far = await started(socket, "2", CHANGED, t=table_id, after=1)
        assert (far["state"], far["resetReason"], far["revision"]) == ("RESET", "TOO_FAR", 10_003)
        near = await started(socket, "3", CHANGED, t=table_id, after=10_002)
        assert (near["state"], near["revision"]) == ("RESUMED", 10_002)
        assert (await socket.event("3"))["rows"][0]["data"] == {"a": "y"}
        last = await started(socket, "4", CHANGED, t=table_id, after=10_003)
        assert (last["state"], last["revision"]) == ("RESUMED", 10_003)


async def test_a_filter_by_a_deleted_column_ends_its_stream_alone(site: Site) -> None:
    table_id = await new_table(site, "a", "b")
    query = "query($t: ID!) { table(id: $t) { columns { id } } }"
    column_id = (await site.graphql(query, t=table_id))["table"]["columns"][1]["id"]
    delete = """mutation($t: ID!, $c: ID!) { columnDelete(input: {tableId: $t, columnId: $c}) {
      deletedId } }"""
    async with site.socket() as socket:
        for id_, key in (("gone", "b"), ("kept", "a")):
            condition = {"where": {"column": key, "operator": "IS_EMPTY"}}
            await started(socket, id_, CHANGED, t=table_id, filter=condition)
        await site.graphql(delete, t=table_id, c=column_id)
        message = await socket.next("gone")
        assert (message["type"], message["payload"][0]["extensions"]["code"]) == (
            "error",
            "BAD_USER_INPUT",
        )
        assert message["payload"][0]["extensions"]["problems"][0]["code"] == "UNKNOWN_COLUMN"
        assert (await socket.event("kept"))["__typename"] == "ColumnsChanged"
        await add(site, table_id, {})
        assert (await socket.event("kept"))["__typename"] == "RowsAdded"
    await until(site, 0)


async def pair_without_valkey(pair: Pair, valkey: KillableValkey, socket: Socket) -> None:
    """Cut the bus while a stream is open, and see that the next change still comes."""
    table_id = await new_table(pair.here, "a")
    await started(socket, "rows", CHANGED, t=table_id)
    valkey.kill()
    await add(pair.here, table_id, {"a": "without"})
    assert (await socket.event("rows"))["rows"][0]["data"] == {"a": "without"}


async def test_without_valkey_changes_and_revocations_still_arrive(
    postgres_url: str, valkey: KillableValkey, tmp_path: Path
) -> None:
    async with pair_of(postgres_url, valkey.url, tmp_path) as pair:
        create = """mutation { apiKeyCreate(input: {name: "soon gone", role: VIEWER}) {
          secret apiKey { id } } }"""
        made = (await pair.here.graphql(create))["apiKeyCreate"]
        async with pair.there.socket(made["secret"]) as socket:
            await started(socket, "1", ORGANIZATION)
            await pair_without_valkey(pair, valkey, socket)
            revoke = """mutation($id: ID!) { apiKeyRevoke(input: {apiKeyId: $id}) {
              errors { message } } }"""
            done = await pair.here.graphql(revoke, id=made["apiKey"]["id"])
            assert done["apiKeyRevoke"]["errors"] == []
            async with asyncio.timeout(2):
                await socket.plain.wait_closed()
            assert socket.plain.close_code == 4403
        async with pair.there.socket() as socket:
            table_id = await new_table(pair.here, "a")
            await started(socket, "1", CHANGED, t=table_id)
            await valkey.start()
            await add(pair.here, table_id, {"a": "again"})
            assert (await socket.event("1"))["rows"][0]["data"] == {"a": "again"}
