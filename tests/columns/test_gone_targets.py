"""Relations to tables that were deleted."""

from domain import column_editing, tables
from domain.columns import ColumnType, NewColumn
from domain.entities import ColumnUpdate
from tests.worlds import open_world


async def test_a_relation_to_a_deleted_table_can_be_renamed(postgres_url: str) -> None:
    async with open_world(postgres_url) as world:
        target = await world.table("a")
        config = {"targetTableId": str(target)}
        table_id = await world.table(NewColumn("to", "To", ColumnType.RELATION, config=config))
        await tables.delete_table(world.viewer, world.storage, target)
        column = await world.column(table_id, "to")
        changed = await column_editing.update_column(
            world.viewer, world.storage, table_id, column.id, ColumnUpdate(label="Gone")
        )
        assert (changed.label, changed.config) == ("Gone", config)
