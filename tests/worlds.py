"""A migrated database with one organisation, and use cases to fill it: what most tests start
from."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from domain import rows, tables
from domain.access import Role, Viewer
from domain.columns import Column, ColumnType, NewColumn, TableShape
from domain.entities import TableCreate
from domain.rows import NewRow, RowsAdd
from persistence import organizations
from persistence.engine import Database
from persistence.secret_box import SecretBox
from persistence.storage import PostgresStorage


@dataclass
class World:
    """Storage of one organisation. `woken` collects what storage told after its commits."""

    database: Database
    storage: PostgresStorage
    viewer: Viewer
    woken: list[tuple[str, UUID, int]] = field(default_factory=list)

    async def table(self, *columns: NewColumn | str) -> UUID:
        """A table with these columns; a plain name makes a text column."""
        made = await tables.create_table(
            self.viewer,
            self.storage,
            TableCreate("Test", columns=[column(each) for each in columns]),
        )
        return made.table.id

    async def add(self, table_id: UUID, *data: Mapping[str, Any]) -> Sequence[UUID]:
        """Rows with this data; their ids."""
        command = RowsAdd(table_id, [NewRow(each) for each in data])
        return (await rows.add_rows(self.viewer, self.storage, command)).row_ids

    async def shape(self, table_id: UUID) -> TableShape:
        """The current shape of a table."""
        old = await self.storage.tables.shape(self.viewer.organization_id, table_id)
        assert old is not None
        self.storage.tables.forget(old)
        shape = await self.storage.tables.shape(self.viewer.organization_id, table_id)
        assert shape is not None
        return shape

    async def column(self, table_id: UUID, key: str) -> Column:
        """A column by key."""
        return (await self.shape(table_id)).columns_by_key[key]


def column(given: NewColumn | str) -> NewColumn:
    """A text column for a plain name."""
    return NewColumn(given, given, ColumnType.TEXT) if isinstance(given, str) else given


@asynccontextmanager
async def open_world(postgres_url: str, name: str = "Test") -> AsyncIterator[World]:
    """A new organisation in a migrated database."""
    async with Database.connect(postgres_url, pool_size=40) as database:
        woken: list[tuple[str, UUID, int]] = []

        def wake(kind: str, id_: UUID, revision: int) -> None:
            woken.append((kind, id_, revision))

        async with database.transaction() as session:
            organization = await organizations.create(session, name)
        storage = PostgresStorage(database, wake, secret_box=SecretBox([bytes(32)]))
        yield World(database, storage, Viewer(organization.id, Role.ADMIN), woken)
