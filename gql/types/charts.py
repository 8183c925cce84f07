"""Charts, and what they show."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import strawberry

from domain import chart_records
from domain.chart_records import Point
from domain.chart_specs import picture_plan, vega_lite
from domain.charts import chart_state
from gql.context import Info
from gql.scalars import JSON
from gql.types import tables as table_types
from gql.types.node import Node
from gql.types.vocabulary import ChartAggregation, ChartType, DateBucket, ImageFormat

if TYPE_CHECKING:
    from gql.types.tables import Table


@strawberry.type(description="A point of a chart.")
class ChartPoint:
    key: strawberry.ID = strawberry.field(
        description="Tells it from the other points of the chart, in all events too. Opaque."
    )
    x: JSON | None = strawberry.field(
        description="A value of the x column, `Unknown` where rows have none, `Other` for the "
        "rest, the first day of a bucket, or the lower edge of a bin."
    )
    y: JSON = strawberry.field(description="A number; of aggregations with two places.")
    series: JSON | None = strawberry.field(
        description="A value of the series column, `Unknown` or `Other`; null without one."
    )
    x_end: JSON | None = strawberry.field(
        description="The upper edge of a bin, which is not in it."
    )
    is_rest: bool = strawberry.field(description="Whether it stands for everything not shown.")

    @classmethod
    def of(cls, point: Point) -> "ChartPoint":
        return cls(
            key=strawberry.ID(point.key),
            x=_json(point.x),
            y=JSON(point.y),
            series=_json(point.series),
            x_end=_json(point.x_end),
            is_rest=point.is_rest,
        )


def _json(value: Any) -> JSON | None:
    return None if value is None else JSON(value)


def points_of(points: Sequence[Point]) -> list[ChartPoint]:
    """The points as the schema shows them."""
    return [ChartPoint.of(point) for point in points]


@strawberry.type(description="What a chart shows, of one moment.")
class ChartData:
    revision: int = strawberry.field(description="The table's revision of that moment.")
    points: list[ChartPoint] = strawberry.field(
        description="In the order of x when that has one, else the largest first."
    )
    truncated: bool = strawberry.field(
        description="Whether there is more: over 5,000 rows a sample is shown, over 1,000 groups "
        "the largest, with all others as one."
    )

    @classmethod
    def of(cls, data: chart_records.ChartData) -> "ChartData":
        return cls(revision=data.revision, points=points_of(data.points), truncated=data.truncated)


@strawberry.type(description="A chart over a table. It is computed when it is asked for.")
class Chart(Node):
    record: strawberry.Private[chart_records.Chart]
    name: str = strawberry.field(description="1 to 256 characters.")
    config: JSON = strawberry.field(description="All settings as they are stored.")
    type: ChartType | None = strawberry.field(
        description="Its form; null for a word that is not ours, which is drawn as bars."
    )
    x_column: str = strawberry.field(description="The column of x. It need not exist.")
    y_column: str | None = strawberry.field(description="The column of y.")
    series_column: str | None = strawberry.field(description="The column that parts each x.")
    aggregation: ChartAggregation | None = strawberry.field(
        description="What is made of y; null for none or a word that is not ours."
    )
    bucket: DateBucket | None = strawberry.field(description="How dates on x are gathered.")
    top: int | None = strawberry.field(description="How many x are shown by themselves.")
    bins: int | None = strawberry.field(description="About how many bins a histogram has.")
    filter: JSON | None = strawberry.field(
        description="Which rows it shows: `{column, operator, value}`, a list of which all must "
        "hold, `{any: […]}` or `{not: …}`."
    )
    created_at: datetime = strawberry.field(description="When it was made.")
    updated_at: datetime = strawberry.field(description="When it was last changed.")

    @strawberry.field(description="The table that it shows.")
    async def table(
        self, info: Info
    ) -> Annotated["Table", strawberry.lazy("gql.types.tables")] | None:
        table = await info.context.loaders.tables.load(self.record.table_id)
        return table_types.Table.of(table) if table else None

    @strawberry.field(
        description="Its points, over the whole table. Null with an error when its filter does "
        "not fit the columns any more."
    )
    async def data(self, info: Info) -> ChartData | None:
        state = await chart_state(info.context.viewer, info.context.storage, self.record.id)
        return ChartData.of(state.data)

    @strawberry.field(
        description="A Vega-Lite 5 specification that holds its data and asks for nothing. Of many "
        "bars the 30 largest, of many slices the 12 largest."
    )
    async def vega_lite(self, info: Info) -> JSON | None:
        plan = picture_plan(self.record.plan)
        state = await chart_state(info.context.viewer, info.context.storage, self.record.id, plan)
        return JSON(vega_lite(state))

    @strawberry.field(
        description="The path of a picture on this server. It takes the same key as everything."
    )
    def image(
        self,
        format: Annotated[
            ImageFormat, strawberry.argument(description="What to draw.")
        ] = ImageFormat.SVG,
    ) -> str:
        return f"/charts/{self.record.id}.{format.value}"

    @classmethod
    def of(cls, chart: chart_records.Chart) -> "Chart":
        config, plan = dict(chart.config), chart.plan
        return cls(
            record=chart,
            id=strawberry.ID(str(chart.id)),
            name=chart.name,
            config=JSON(config),
            type=_known(ChartType, config.get("type")),
            x_column=plan.x,
            y_column=plan.y,
            series_column=plan.series,
            aggregation=_known(ChartAggregation, config.get("aggregation")),
            bucket=DateBucket(plan.bucket.value) if plan.bucket else None,
            top=plan.top,
            bins=config.get("bins"),
            filter=_json(plan.filter),
            created_at=chart.created_at,
            updated_at=chart.updated_at,
        )


def _known(kind: Any, word: Any) -> Any:
    return kind(word) if word in [each.value for each in kind] else None
