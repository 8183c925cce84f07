"""The tables of the bench, made through the use cases, and the limit's statements over them."""

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from bench.limit import Statements
from domain import column_editing, rows, tables
from domain.access import Role, Viewer
from domain.columns import ColumnType, NewColumn, TableShape
from domain.entities import TableCreate
from domain.rows import NewRow, RowChange, RowsAdd, RowsUpdate
from persistence import organizations
from persistence.engine import Database
from persistence.storage import PostgresStorage
from realtime.bus import open_bus
from realtime.hub import Hub
from server.live import LogAdapter, Wakeups
from server.settings import Settings

COLUMNS = {
    "name": ColumnType.TEXT,
    "email": ColumnType.EMAIL,
    "city": ColumnType.TEXT,
    "note": ColumnType.TEXT,
    "category": ColumnType.SELECT,
    "amount": ColumnType.NUMBER,
    "score": ColumnType.NUMBER,
    "active": ColumnType.BOOLEAN,
    "due": ColumnType.DATE,
    "seen": ColumnType.DATETIME,
}
#: Scores are spread evenly below this.
MOST_SCORE = 10_000_000
_CITIES = ("Lisbon", "Kraków", "Tromsø", "Nairobi", "Montréal", "Kyoto", "Valparaíso", "Perth")
_MOMENT = 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'
_CATEGORIES = ("new", "open", "waiting", "closed")


def row(chance: random.Random) -> dict[str, Any]:
    """One row of ten cells, as a client sends it."""
    number = chance.randrange(10**9)
    day = f"20{chance.randrange(10, 26)}-{chance.randrange(1, 13):02}-{chance.randrange(1, 29):02}"
    return {
        "name": f"Person {number}",
        "email": f"person.{number}@example.org",
        "city": chance.choice(_CITIES),
        "note": f"Called on {day}, asked to be called again after {number % 97} days",
        "category": chance.choice(_CATEGORIES),
        "amount": chance.randrange(1, 10**7) + 0.25,
        "score": chance.randrange(MOST_SCORE) + 0.5,
        "active": chance.random() < 0.5,
        "due": day,
        "seen": f"{day}T{chance.randrange(24):02}:30:00.{chance.randrange(1, 1000):03}Z",
    }


@dataclass(slots=True)
class Data:
    """The open storage and the three tables: one to read and watch, one that tablecast writes, one
    that the limit writes."""

    storage: PostgresStorage
    viewer: Viewer
    read: UUID
    written: UUID
    written_by_limit: UUID
    row_ids: list[UUID]

    async def statements(self, database_url: str, frame: str) -> Statements:
        """The limit's statements; `frame` is the text of its broadcasts."""
        read = await self._shape(self.read)
        written = await self._shape(self.written_by_limit)
        score, active = (read.columns_by_key[key].sql_name for key in ("score", "active"))
        page = (
            f"SELECT {_row_json(read)} AS row FROM {read.sql_name} AS t"
            f" WHERE t.{score} >= $1 AND t.{active}"
            f" ORDER BY t.{score} NULLS FIRST, t.position, t.id LIMIT $2"
        )
        return Statements(
            database_url=database_url,
            rows=f"SELECT '[' || coalesce(string_agg(row, ','), '') || ']' FROM ({page}) AS page",
            row=f"SELECT {_row_json(read)} FROM {read.sql_name} AS t WHERE t.id = $1",
            insert=_insert(written),
            frame=frame,
        )

    async def change(self, row_id: UUID, amount: float) -> None:
        """Change one cell; subscribers of the table are told over Redis, as by another process."""
        command = RowsUpdate(self.read, [RowChange(row_id, {"amount": amount})], "merge")
        await rows.update_rows(self.viewer, self.storage, command)

    async def _shape(self, table_id: UUID) -> TableShape:
        return await tables.shape_of(self.viewer, self.storage, table_id)


@asynccontextmanager
async def open_data(settings: Settings, size: int) -> AsyncIterator[Data]:
    """Make the tables in a migrated database, `size` rows in the one to read."""
    async with Database.connect(settings.database_url or "", pool_size=8) as database:
        wakeups = Wakeups()
        storage = PostgresStorage(database, wakeups)
        async with Hub(open_bus(settings.redis_url or ""), LogAdapter(storage.log)) as hub:
            wakeups.attach(hub)
            organization = await organizations.ensure_default(database)
            viewer = Viewer(organization.id, Role.ADMIN)
            read = await _table(viewer, storage, "Read")
            written = await _table(viewer, storage, "Written")
            by_limit = await _table(viewer, storage, "Written by the limit")
            row_ids = await _fill(viewer, storage, read, size)
            await database.pool.execute("VACUUM (ANALYZE)", timeout=60)
            yield Data(storage, viewer, read, written, by_limit, row_ids)


async def _table(viewer: Viewer, storage: PostgresStorage, name: str) -> UUID:
    columns = [NewColumn(key, key.capitalize(), type_) for key, type_ in COLUMNS.items()]
    made = await tables.create_table(viewer, storage, TableCreate(name, columns=columns))
    return made.table.id


async def _fill(viewer: Viewer, storage: PostgresStorage, table_id: UUID, size: int) -> list[UUID]:
    chance = random.Random(1)
    row_ids: list[UUID] = []
    for start in range(0, size, 1000):
        new = [NewRow(row(chance)) for _ in range(min(1000, size - start))]
        written = await rows.add_rows(viewer, storage, RowsAdd(table_id, new))
        row_ids += written.row_ids
    shape = await tables.shape_of(viewer, storage, table_id)
    column = shape.columns_by_key["score"]
    await column_editing.create_index(viewer, storage, table_id, column.id)
    return row_ids


def _row_json(shape: TableShape) -> str:
    """A row as JSON text, pieced together: 1.5 times as quick as json_build_object."""
    cells = []
    for column in shape.columns:
        name = f"t.{column.sql_name}"
        text = {
            ColumnType.NUMBER: f"{name}::text",
            ColumnType.BOOLEAN: f"{name}::text",
            ColumnType.DATE: f"""'"' || {name}::text || '"'""",
            ColumnType.DATETIME: f"""'"' || to_char({name}, '{_MOMENT}') || '"'""",
        }.get(column.type, f"to_json({name})::text")
        cells.append(f"""'"{column.key}":' || coalesce({text}, 'null')""")
    data = " || ',' || ".join(cells)
    head = """'{"id":"' || t.id || '","version":' || t.version || ',"data":{' || """
    return f"{head}{data} || '}}}}'"


def _insert(shape: TableShape) -> str:
    """Rows from a JSON array into the table: no clock, no version, no log."""
    storage = {ColumnType.NUMBER: "numeric", ColumnType.BOOLEAN: "boolean"}
    storage |= {ColumnType.DATE: "date", ColumnType.DATETIME: "timestamptz"}
    names = ", ".join(column.sql_name for column in shape.columns)
    given = ", ".join(f"r.{column.key}" for column in shape.columns)
    definition = ", ".join(f"{c.key} {storage.get(c.type, 'text')}" for c in shape.columns)
    return (
        f"WITH added AS (INSERT INTO {shape.sql_name} (id, position, session_id, version,"
        f" created_by, created_at, updated_at, {names}) SELECT uuidv7(), row_number() OVER (),"
        f" '{shape.first_session_id}', 1, 'limit', now(), now(), {given}"
        f" FROM jsonb_to_recordset($1::jsonb) AS r({definition}) RETURNING id)"
        " SELECT json_agg(id)::text FROM added"
    )
