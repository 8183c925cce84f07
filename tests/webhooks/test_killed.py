"""A worker that is killed while an endpoint reads what it sends."""

import asyncio
import base64
from pathlib import Path

from domain.addresses import Allowed
from domain.webhook_records import DeliveryStatus
from persistence.webhook_sending import LEASE
from tests.tools.answering import Asked, Reply, answering
from tests.webhooks.hooks import Hooks
from tests.worker_processes import WorkerProcess

#: What worlds seal with.
_KEY = base64.b64encode(bytes(32)).decode()


async def test_what_was_under_way_arrives_again_under_the_same_id(
    hooks: Hooks, redis_url: str, tmp_path: Path
) -> None:
    world = hooks.world
    arrived, gate = asyncio.Event(), asyncio.Event()

    async def reply(_: Asked) -> Reply:
        arrived.set()
        await gate.wait()
        return Reply()

    world.storage.egress = Allowed.parse("127.0.0.1")
    async with answering(reply) as server:
        table_id = await world.table("name")
        webhook = await hooks.create("row.created", url=server.url("/hook"))
        more = {"TABLECAST_EGRESS_ALLOW": "127.0.0.1", "TABLECAST_SECRET_KEY": _KEY}
        worker = WorkerProcess(hooks.url, redis_url, tmp_path, **more)
        try:
            [row_id] = await world.add(table_id, {"name": "a"})
            async with asyncio.timeout(60):
                await arrived.wait()
        finally:
            worker.kill()
        gate.set()
        while server.now:  # noqa: ASYNC110  the server tells of no end
            await asyncio.sleep(0)
        [first] = server.asked
    assert await hooks.sent() == []
    hooks.clock.forward(seconds=LEASE.total_seconds() + 1)
    [second] = await hooks.sent()
    assert second.id == first.headers["webhook-id"]
    assert second.body.decode() == first.body
    assert str(row_id) in first.body
    [delivery] = await hooks.deliveries(webhook)
    assert (delivery.status, delivery.failures) == (DeliveryStatus.DELIVERED, 0)
