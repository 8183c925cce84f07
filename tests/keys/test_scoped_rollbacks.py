"""Rollbacks in the background, as keys with a scope see them."""

from uuid import uuid4

import pytest

from domain import rollbacks
from domain.access import Role, Scope, Viewer
from domain.errors import NotFound
from tests.domain.test_isolation import world
from tests.history.running import queued
from tests.worlds import World

__all__ = ["world"]


async def test_whoever_reaches_the_table_reaches_its_rollbacks(world: World) -> None:
    inside, outside = await world.table("a"), await world.table("a")
    scope = Scope(frozenset(), frozenset([inside]))
    viewer = Viewer(world.viewer.organization_id, Role.EDITOR, uuid4(), scope=scope)
    storage = world.storage.seen_by(viewer)
    mine, other = await queued(world, inside), await queued(world, outside)
    assert (await rollbacks.get_rollback(viewer, storage, mine.id)).id == mine.id
    assert await rollbacks.rollback_conflicts(viewer, storage, mine.id, None, 10) == []
    with pytest.raises(NotFound):
        await rollbacks.get_rollback(viewer, storage, other.id)
