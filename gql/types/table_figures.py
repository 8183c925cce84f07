"""What a table tells about all of its rows at once."""

from typing import TYPE_CHECKING, Annotated

import strawberry

from domain import access, entities, runs
from domain.aggregates import aggregate_rows
from domain.aggregation import bind_aggregation
from domain.cell_counts import count_cells
from gql.context import Info, given_id
from gql.types import charts as chart_types
from gql.types import runs as run_types
from gql.types.aggregates import (
    Aggregate,
    GroupByInput,
    GroupOrderInput,
    MetricInput,
    raw_aggregation,
)
from gql.types.cell_counts import CellCount
from gql.types.filters import RowFilter

if TYPE_CHECKING:
    from gql.types.charts import Chart
    from gql.types.runs import Run


@strawberry.type
class TableFigures:
    record: strawberry.Private[entities.Table]

    @strawberry.field(
        description="Groups of rows and figures for each, over the whole table in one statement."
    )
    async def aggregate(
        self,
        info: Info,
        metrics: Annotated[
            list[MetricInput], strawberry.argument(description="1 to 10 figures for each group.")
        ],
        group_by: Annotated[
            list[GroupByInput] | None,
            strawberry.argument(description="At most 3 columns; without any all rows are a group."),
        ] = None,
        filter: Annotated[
            RowFilter | None, strawberry.argument(description="Only rows that match.")
        ] = None,
        search: Annotated[
            str | None,
            strawberry.argument(description="Only rows with this text in some cell, in any case."),
        ] = None,
        order: Annotated[
            list[GroupOrderInput] | None,
            strawberry.argument(description="Without it by the keys; no value is last."),
        ] = None,
        first: Annotated[
            int | None,
            strawberry.argument(
                description="How many groups, 1 to 1,000; all others are told as one, `rest`."
            ),
        ] = None,
    ) -> Aggregate | None:
        raw = raw_aggregation(group_by or (), metrics, filter, search, order or (), first)
        found = await aggregate_rows(
            info.context.viewer,
            info.context.storage,
            self.record.id,
            lambda shape: bind_aggregation(shape, raw),
        )
        return Aggregate.of(found, [metric.told for metric in raw.metrics])

    @strawberry.field(
        description="How many cells of a column have each status, over the whole table in one "
        "statement. Statuses that no cell has are left out."
    )
    async def cell_counts(
        self,
        info: Info,
        columns: Annotated[
            list[str] | None,
            strawberry.argument(
                description="The keys of at most 100 columns; without it those that something "
                "fills."
            ),
        ] = None,
    ) -> list[CellCount] | None:
        found = await count_cells(
            info.context.viewer, info.context.storage, self.record.id, columns
        )
        return [CellCount.of(each) for each in found]

    @strawberry.field(description="Its charts, oldest first; at most 100.")
    async def charts(
        self, info: Info
    ) -> list[Annotated["Chart", strawberry.lazy("gql.types.charts")]]:
        access.require(info.context.viewer, "charts")
        found = await info.context.loaders.charts_of_table.load(self.record.id)
        return [chart_types.Chart.of(chart) for chart in found]

    @strawberry.field(description="Runs of tools over its cells, newest first.")
    async def runs(
        self,
        info: Info,
        first: Annotated[int, strawberry.argument(description="How many, 1 to 1,000.")] = 20,
        before: Annotated[
            strawberry.ID | None,
            strawberry.argument(description="Only those that are older than this run."),
        ] = None,
    ) -> list[Annotated["Run", strawberry.lazy("gql.types.runs")]]:
        older = given_id(before) if before is not None else None
        found = await runs.runs_of_table(
            info.context.viewer, info.context.storage, self.record.id, older, first
        )
        return [run_types.Run.of(run) for run in found]
