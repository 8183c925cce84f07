"""Aggregates over the rows of a table."""

from collections.abc import Callable
from uuid import UUID

from domain import access
from domain.access import Viewer
from domain.aggregation import Aggregate, AggregateQuery
from domain.columns import TableShape
from domain.ports import Storage
from domain.tables import on_table

AggregateFor = Callable[[TableShape], AggregateQuery]


async def aggregate_rows(
    viewer: Viewer, storage: Storage, table_id: UUID, query: AggregateFor
) -> Aggregate:
    """Groups of rows with their figures, and the table's revision of the same snapshot.

    `query` makes the query from the table's shape. Raises `NotFound`, `Invalid`, and `TooLarge`
    when it would take longer than a statement may."""
    access.require(viewer, "aggregate")

    async def work(shape: TableShape) -> Aggregate:
        return await storage.aggregates.groups(shape, query(shape))

    return await on_table(viewer, storage, table_id, work)
