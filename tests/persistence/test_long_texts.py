"""Texts that are too long for the index on their column are refused, not a fault of ours."""

from collections.abc import AsyncIterator

import pytest

from domain import column_editing, rows
from domain.errors import Invalid
from domain.rows import RowChange, RowsUpdate
from tests.worlds import World, open_world


@pytest.fixture
async def world(postgres_url: str) -> AsyncIterator[World]:
    async with open_world(postgres_url) as opened:
        yield opened


async def test_a_long_text_and_an_index(world: World) -> None:
    table_id = await world.table("a")
    # Compression would make a repeated letter short enough.
    long = "".join(chr(0x4E00 + number * 7919 % 20_000) for number in range(5_000))
    [kept] = await world.add(table_id, {"a": "short"})
    column = await world.column(table_id, "a")
    await column_editing.create_index(world.viewer, world.storage, table_id, column.id)
    with pytest.raises(Invalid, match="has an index"):
        await world.add(table_id, {"a": long})
    change = RowsUpdate(table_id, [RowChange(kept, {"a": long})], "merge")
    with pytest.raises(Invalid, match="has an index"):
        await rows.update_rows(world.viewer, world.storage, change)
    table = await world.storage.tables.get(world.viewer.organization_id, table_id)
    assert table is not None
    assert (table.row_count, table.revision) == (1, 2)
