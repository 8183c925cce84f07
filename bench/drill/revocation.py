"""A revoked key: how soon its open subscriptions end on both web processes."""

import asyncio
import time
from dataclasses import dataclass

from websockets.exceptions import ConnectionClosed

from bench.drill import documents
from bench.drill.site import WEBS, Site
from bench.drill.wire import LOST, Http, subscription

#: A subscription of a revoked key must end within this.
BOUND_SECONDS = 2.0
FORBIDDEN = 4403
_PATIENCE = 10.0


@dataclass(frozen=True, slots=True)
class Revoked:
    """One revocation. `seconds` from the answer of `apiKeyRevoke` to the end of each subscription;
    `codes` are those with which the sockets were closed, 0 where none came."""

    when: str
    seconds: list[float]
    codes: list[int]

    @property
    def passed(self) -> bool:
        return max(self.seconds) <= BOUND_SECONDS and set(self.codes) == {FORBIDDEN}


async def revoke(site: Site, http: Http, table_id: str, when: str) -> Revoked:
    """Make a key, follow the table with it four times on each web process, and revoke it on the
    first one."""
    port = site.ports[WEBS[0]]
    given = {"name": f"drill, {when}", "role": "VIEWER"}
    made = await http.graphql(port, documents.KEY_CREATE, {"input": given})
    opened: asyncio.Queue[None] = asyncio.Queue()
    ports = [port for port in site.ports.values() for _ in range(4)]
    following = [
        asyncio.create_task(_follow(each, made["secret"], table_id, opened)) for each in ports
    ]
    try:
        async with asyncio.timeout(_PATIENCE):
            for _ in following:
                await opened.get()
        key_id = made["apiKey"]["id"]
        await http.graphql(port, documents.KEY_REVOKE, {"input": {"apiKeyId": key_id}})
        revoked = time.monotonic()
        await asyncio.wait(following, timeout=_PATIENCE)
    finally:
        for task in following:
            task.cancel()
        await asyncio.wait(following)
    ends = [
        (task.result() if not task.cancelled() else (time.monotonic(), 0)) for task in following
    ]
    return Revoked(when, [max(0.0, at - revoked) for at, _ in ends], [code for _, code in ends])


async def _follow(
    port: int, key: str, table_id: str, opened: asyncio.Queue[None]
) -> tuple[float, int]:
    """When the subscription ended, and the code of the socket's end."""
    try:
        variables = {"tableId": table_id}
        async with subscription(port, key, documents.TABLE_CHANGED, variables) as socket:
            await socket.recv()
            opened.put_nowait(None)
            while True:
                await socket.recv()
    except ConnectionClosed as closed:
        return time.monotonic(), closed.rcvd.code if closed.rcvd else 0
    except LOST:
        return time.monotonic(), 0
