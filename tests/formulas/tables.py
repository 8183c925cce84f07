"""Tables with computed columns, made and read through use cases."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from domain import numbers, rows
from domain.columns import ColumnType, NewColumn, TableShape
from domain.filters import RawCondition, RawSort, bind, bind_sorts
from domain.paging import PageRequest, page_request
from domain.selection import OffsetPage, RowPart, RowSelection, RowsPage, RowsQuery
from tests.worlds import World

_DATA = RowSelection((("data", RowPart.DATA),))


def formula(key: str, text: str | None = None, **config: Any) -> NewColumn:
    """A computed column to be made."""
    settings = config if text is None else {"formula": text, **config}
    return NewColumn(key, key, ColumnType.COMPUTED, config=settings)


def number(key: str) -> NewColumn:
    return NewColumn(key, key, ColumnType.NUMBER)


def relation(key: str, table_id: UUID, *, multiple: bool = False) -> NewColumn:
    config = {"targetTableId": str(table_id), "multiple": multiple}
    return NewColumn(key, key, ColumnType.RELATION, config=config)


async def read_page(
    world: World,
    table_id: UUID,
    filter: RawCondition | None = None,
    sorts: Sequence[RawSort] = (),
    page: PageRequest | None = None,
    search: str | None = None,
) -> RowsPage:
    """A page of rows; at most 1,000 from the start without one."""

    def query(shape: TableShape) -> RowsQuery:
        return RowsQuery(
            _DATA,
            OffsetPage(1000, 0) if page is None else page,
            filter=bind(shape, filter) if filter is not None else None,
            sorts=bind_sorts(shape, sorts),
            search=search,
            wants_cursors=page is not None,
        )

    return await rows.read_rows(world.viewer, world.storage, table_id, query)


async def read(world: World, table_id: UUID, *keys: str, **arguments: Any) -> list[Any]:
    """The values of one column, or of several as tuples, row by row."""
    page = await read_page(world, table_id, **arguments)
    found = [numbers.loads(str(each))["data"] for each in page.rows]
    return [row[keys[0]] if len(keys) == 1 else tuple(map(row.get, keys)) for row in found]


def first_page(size: int, after: str | None = None) -> PageRequest:
    return page_request(first=size, after=after, maximum=1000)
