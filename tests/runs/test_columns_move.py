"""Columns that change their type, or are deleted, while a run calculates their cells."""

from collections.abc import Awaitable, Callable
from uuid import UUID

import pytest

from domain import column_editing, column_types
from domain.column_type_records import ColumnTypeChange
from domain.columns import Column, ColumnType
from tests.runs.running import Running, ai, tool_column

Change = Callable[[Running, UUID, Column], Awaitable[None]]


async def _retype(running: Running, table_id: UUID, column: Column) -> None:
    command = ColumnTypeChange(column.id, ColumnType.NUMBER)
    world = running.world
    await column_types.change_column_type(world.viewer, world.storage, table_id, command)


async def _delete_and_restore(running: Running, table_id: UUID, column: Column) -> None:
    viewer, storage = running.world.viewer, running.world.storage
    await column_editing.delete_column(viewer, storage, table_id, column.id)
    await column_types.restore_column(viewer, storage, table_id, column.id, None)


@pytest.mark.parametrize("change", [_retype, _delete_and_restore])
async def test_no_cell_calculates_for_ever(running: Running, change: Change) -> None:
    world = running.world
    table_id = await world.table("name", tool_column("one", ai("name")))
    await world.add(table_id, *({"name": f"n{n}"} for n in range(3)))
    running.tools.tokens = 5
    running.tools.hold()
    run = await running.start(table_id)
    async with running.worker():
        await running.tools.arrived.wait()
        await change(running, table_id, await world.column(table_id, "one"))
        running.tools.release()
        run = await running.over(run)
        await running.settled(run)
    assert run.input_tokens == 15, "what was asked is paid for and counted"
    if run.cells_resolved:  # the column was back before the answers came
        assert await running.statuses(table_id, "one") == ["resolved"] * 3
    else:
        assert await running.statuses(table_id, "one") == [None] * 3
    await running.check_log(table_id)
