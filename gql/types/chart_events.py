"""Events of a chart that is followed."""

from typing import Annotated, TypeAlias

import strawberry

from domain.charts import ChartState
from gql.types.charts import Chart, ChartPoint, points_of
from gql.types.events import TableDeleted


@strawberry.type(
    description="All points of a chart: the first event, and later ones where points cannot be "
    "told one by one. What you had before is void."
)
class ChartSnapshot:
    revision: int = strawberry.field(description="The table's revision of these points.")
    chart: Chart = strawberry.field(description="The chart as it is defined now.")
    points: list[ChartPoint] = strawberry.field(description="All points, in order.")
    truncated: bool = strawberry.field(description="Whether there is more, as in `ChartData`.")

    @classmethod
    def of(cls, state: ChartState) -> "ChartSnapshot":
        return cls(
            revision=state.data.revision,
            chart=Chart.of(state.chart),
            points=points_of(state.data.points),
            truncated=state.data.truncated,
        )


@strawberry.type(description="What one change of the table did to the points of a chart.")
class ChartPointsChanged:
    revision: int = strawberry.field(
        description="The table's revision of which the points are now."
    )
    upserted: list[ChartPoint] = strawberry.field(
        description="Points that are new or have changed, by their `key`."
    )
    removed: list[strawberry.ID] = strawberry.field(
        description="The keys of points that are gone; pass over those you do not have."
    )


@strawberry.type(description="The chart was deleted. Nothing follows.")
class ChartDeleted:
    revision: int = strawberry.field(description="The table's revision of that change.")
    chart_id: strawberry.ID = strawberry.field(description="The chart that is gone.")


ChartEvent: TypeAlias = Annotated[
    ChartSnapshot | ChartPointsChanged | ChartDeleted | TableDeleted,
    strawberry.union("ChartEvent", description="What `chartChanged` sends."),
]
