"""Names of actors that no log can hold."""

from datetime import UTC, datetime

import pytest

from domain import history, rollbacks
from domain.errors import Invalid
from domain.history_records import HistoryQuery
from tests.worlds import World


@pytest.mark.parametrize("actor", ["\0", "\ud800", "x" * 257])
async def test_what_no_actor_is_called_is_refused(world: World, actor: str) -> None:
    table_id = await world.table("a")
    with pytest.raises(Invalid, match="actor"):
        await history.read_history(
            world.viewer, world.storage, table_id, HistoryQuery(10, actor=actor)
        )
    with pytest.raises(Invalid, match="actor"):
        await rollbacks.roll_back_actor(
            world.viewer, world.storage, table_id, actor, datetime.now(UTC)
        )
