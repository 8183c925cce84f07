"""What charts and aggregates need of storage."""

from collections.abc import Mapping, Sequence
from typing import Protocol
from uuid import UUID

from domain.aggregation import Aggregate, AggregateQuery, Delta
from domain.chart_records import Chart, ChartCreate, ChartUpdate, Pairs, PairsQuery
from domain.columns import TableShape


class AggregateStore(Protocol):
    """Methods raise `StructureMoved` when the shape is old, `TooLarge` when the statement takes
    too long."""

    async def groups(self, shape: TableShape, query: AggregateQuery) -> Aggregate: ...

    async def deltas(
        self, shape: TableShape, query: AggregateQuery, revisions: Sequence[int]
    ) -> list[Delta]:
        """What these changes did to the groups, in the order of the revisions. The query has no
        bins and one column to measure at most."""


class ChartStore(Protocol):
    """A write is an entry of the table's log."""

    async def get(self, organization_id: UUID, chart_id: UUID) -> Chart | None: ...

    async def of_tables(
        self, organization_id: UUID, table_ids: Sequence[UUID]
    ) -> Mapping[UUID, list[Chart]]:
        """The charts of each table, oldest first."""

    async def create(self, organization_id: UUID, actor: str, command: ChartCreate) -> Chart | None:
        """None when the table is gone."""

    async def update(
        self, organization_id: UUID, actor: str, chart: Chart, command: ChartUpdate
    ) -> Chart | None:
        """None when it is gone. Keys are merged into the config that is stored at that moment."""

    async def delete(self, organization_id: UUID, actor: str, chart: Chart) -> bool:
        """False when it was gone."""

    async def pairs(self, shape: TableShape, query: PairsQuery) -> Pairs:
        """Rows as pairs; of too many a sample. Raises `StructureMoved` and `TooLarge`."""
