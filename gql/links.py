"""Following relations in batches: one statement for each table of a level of the query, whatever
number of cells or rows asks."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias
from uuid import UUID

from strawberry.dataloader import DataLoader

from domain import ids
from domain.access import Viewer
from domain.columns import TableShape
from domain.errors import NotFound
from domain.links import read_linked_from
from domain.paging import PageRequest
from domain.rows import read_rows_by_id
from domain.selection import RowRecord, RowSelection, RowsPage, RowsQuery
from gql.compiled.rows import ConnectionPlan
from persistence.storage import PostgresStorage

Select = Callable[[TableShape], RowSelection | None]
#: A row as finished JSON, as a record with its shape, or None for one that is not there.
Linked: TypeAlias = str | tuple[RowRecord, TableShape] | None
#: What can be asked of a loader at once.
_Group: TypeAlias = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class LinkedRows:
    """The rows of one cell. Without a table each id tells which table it is of."""

    table_id: UUID | None
    row_ids: tuple[UUID, ...]
    select: Select


@dataclass(frozen=True, slots=True)
class LinkedFrom:
    """The rows of a table that lead to one row."""

    table_id: UUID
    column: str
    row_id: UUID
    request: PageRequest
    plan: ConnectionPlan


class Links:
    """The loaders of one request that follow relations."""

    def __init__(self, viewer: Viewer, storage: PostgresStorage) -> None:
        self._viewer = viewer
        self._storage = storage
        self.rows: DataLoader[LinkedRows, list[Linked]] = DataLoader(load_fn=self._load_rows)
        self.sources: DataLoader[LinkedFrom, tuple[RowsPage, TableShape] | None] = DataLoader(
            load_fn=self._load_sources
        )

    async def _load_rows(self, asked: list[LinkedRows]) -> list[list[Linked]]:
        groups: dict[tuple[UUID, Select], dict[UUID, None]] = {}
        tables = [await self._tables_of(each) for each in asked]
        for each, of in zip(asked, tables, strict=True):
            for row_id, table_id in zip(each.row_ids, of, strict=True):
                if table_id is not None:
                    groups.setdefault((table_id, each.select), {})[row_id] = None
        read = [self._read(table, select, list(found)) for (table, select), found in groups.items()]
        found = dict(zip(groups, await asyncio.gather(*read), strict=True))
        return [
            [
                found[(table_id, each.select)].get(row_id) if table_id is not None else None
                for row_id, table_id in zip(each.row_ids, of, strict=True)
            ]
            for each, of in zip(asked, tables, strict=True)
        ]

    async def _tables_of(self, asked: LinkedRows) -> list[UUID | None]:
        """The table of each row id."""
        if asked.table_id is not None:
            return [asked.table_id] * len(asked.row_ids)
        numbers = [ids.table_number_of(row_id) for row_id in asked.row_ids]
        tables: dict[int, UUID | None] = {0: None}
        for number in dict.fromkeys(numbers):
            if number:
                organization_id = self._viewer.organization_id
                shape = await self._storage.tables.shape_by_number(organization_id, number)
                tables[number] = shape.id if shape else None
        return [tables[number] for number in numbers]

    async def _read(
        self, table_id: UUID, select: Select, row_ids: Sequence[UUID]
    ) -> dict[UUID, Linked]:
        shapes: list[TableShape] = []

        def selection(shape: TableShape) -> RowSelection | None:
            shapes.append(shape)
            return select(shape)

        try:
            found = await read_rows_by_id(self._viewer, self._storage, table_id, row_ids, selection)
        except NotFound:
            return {}
        return {
            row_id: (row, shapes[-1]) if isinstance(row, RowRecord) else row
            for row_id, row in zip(row_ids, found, strict=True)
        }

    async def _load_sources(
        self, asked: list[LinkedFrom]
    ) -> list[tuple[RowsPage, TableShape] | BaseException | None]:
        groups: dict[_Group, list[LinkedFrom]] = {}
        for each in asked:
            groups.setdefault((each.table_id, each.column, each.request, each.plan), []).append(
                each
            )
        answers: dict[LinkedFrom, tuple[RowsPage, TableShape] | BaseException | None] = {}
        read = await asyncio.gather(*map(self._pages, groups.values()), return_exceptions=True)
        for group, pages in zip(groups.values(), read, strict=True):
            for index, each in enumerate(group):
                answers[each] = pages[index] if isinstance(pages, list) else pages
        return [answers[each] for each in asked]

    async def _pages(self, group: list[LinkedFrom]) -> list[tuple[RowsPage, TableShape] | None]:
        shapes: list[TableShape] = []
        first = group[0]

        def query(shape: TableShape) -> RowsQuery:
            shapes.append(shape)
            return RowsQuery(
                selection=first.plan.rows(shape),
                page=first.request,
                wants_total=first.plan.wants_total,
                wants_cursors=first.plan.wants_cursors,
            )

        row_ids = [each.row_id for each in group]
        try:
            pages = await read_linked_from(
                self._viewer, self._storage, first.table_id, first.column, row_ids, query
            )
        except NotFound:
            return [None] * len(group)
        return [(page, shapes[-1]) for page in pages]
