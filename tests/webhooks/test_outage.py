"""A receiver is away for ten minutes while events happen: a few or, for long, 100 a second."""

import itertools
import resource
from collections import defaultdict

import pytest

from domain.rows import RowChange, RowsUpdate, update_rows
from domain.webhook_records import DeliveryStatus
from processing.deliveries import Deliverer
from tests.webhooks.hooks import Hooks, Message

SECONDS = 600
AT_ONCE = 100
#: Of the process, in kilobytes. All bodies of 60,000 events together are 40 MB, and the test keeps
#: none of them.
MOST_MEMORY = 40_000


@pytest.mark.parametrize(
    ("every", "events", "row_count"),
    [
        pytest.param(10, 40, 40, id="few"),
        pytest.param(1, 100, 1_000, id="many", marks=pytest.mark.long),
    ],
)
async def test_all_is_delivered_afterwards_in_order(
    hooks: Hooks, every: int, events: int, row_count: int
) -> None:
    """Up to 60,000 events wait; the receiver is asked a few times while it is away. When it is
    back, all of them arrive, those of each row in order, and no more are held in memory than are
    under way."""
    world = hooks.world
    table_id = await world.table("n")
    row_ids = await world.add(table_id, *({"n": "0"} for _ in range(row_count)))
    webhook = await hooks.create("row.updated")
    hooks.inbox.answer = lambda _: None
    turns = itertools.cycle(row_ids)
    for second in range(every, SECONDS + 1, every):
        changes = [RowChange(next(turns), {"n": str(second)}) for _ in range(events)]
        await update_rows(world.viewer, world.storage, RowsUpdate(table_id, changes, "merge"))
        hooks.clock.forward(seconds=every)
        if second % 10 == 0:
            await hooks.sent()
    assert len(hooks.inbox.tried) < 100
    hooks.inbox.tried.clear()
    told: dict[str, list[int]] = defaultdict(list)

    def accept(message: Message) -> int:
        hooks.inbox.tried.clear()
        hooks.inbox.accepted.clear()
        data = message.data
        told[data["rowId"]].append(int(data["data"]["n"]))
        return 200

    hooks.inbox.answer = accept
    hooks.clock.forward(seconds=60)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    deliverer = Deliverer(world.storage, hooks.inbox, clock=hooks.clock, at_once=AT_ONCE)
    await deliverer.settle()
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < MOST_MEMORY
    happened = SECONDS // every * events
    assert len(told) == row_count
    for row_id in row_ids:
        seen = told[str(row_id)]
        assert len(seen) == happened // row_count
        assert seen == sorted(seen)
    by_status = await world.database.pool.fetch(
        "SELECT status, count(*) FROM webhook_delivery WHERE endpoint_id = $1 GROUP BY status",
        webhook.id,
    )
    assert [tuple(r) for r in by_status] == [(DeliveryStatus.DELIVERED.value, happened)]
    assert hooks.inbox.most_at_work <= AT_ONCE
