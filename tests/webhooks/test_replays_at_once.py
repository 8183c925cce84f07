"""Replays are bounded: each may make a delivery for every change of a table."""

import pytest

from domain.errors import Conflict
from domain.webhook_deliveries import replay_webhook
from domain.webhook_records import ReplayCreate
from persistence.webhook_replays import MOST_RUNNING
from tests.webhooks.hooks import Hooks


async def test_few_replays_of_an_endpoint_run_at_a_time(hooks: Hooks) -> None:
    table_id = await hooks.world.table("name")
    await hooks.world.add(table_id, {"name": "n"})
    webhook = await hooks.create()
    viewer, storage = hooks.world.viewer, hooks.world.storage
    wanted = ReplayCreate(table_id, 1, 1)
    made = [await replay_webhook(viewer, storage, webhook.id, wanted) for _ in range(MOST_RUNNING)]
    with pytest.raises(Conflict, match="5 replays of the webhook run already"):
        await replay_webhook(viewer, storage, webhook.id, wanted)
    while await storage.webhook_replays.step(made[0].id):
        pass
    await replay_webhook(viewer, storage, webhook.id, wanted)
