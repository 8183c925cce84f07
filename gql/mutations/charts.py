"""Mutations on charts."""

from typing import Annotated, Any

import strawberry

from domain import charts
from domain.chart_records import ChartCreate, ChartUpdate
from domain.entities import UNSET
from domain.trigger_conditions import written
from gql.context import Info, given_id
from gql.types.charts import Chart
from gql.types.errors import EXPECTED, UserError, user_errors
from gql.types.filters import RowFilter, raw_filter
from gql.types.vocabulary import ChartAggregation, ChartType, DateBucket


@strawberry.input(description="A chart to be made.")
class ChartCreateInput:
    table_id: strawberry.ID = strawberry.field(description="The table to show.")
    name: str = strawberry.field(description="1 to 256 characters.")
    type: ChartType = strawberry.field(description="Its form.")
    x_column: str = strawberry.field(
        description="The key of a column, or createdAt, updatedAt, createdBy. It need not exist."
    )
    y_column: str | None = strawberry.field(
        default=None, description="The key of a column of numbers. It need not exist."
    )
    aggregation: ChartAggregation | None = strawberry.field(
        default=None, description="What to make of y; without it there is a point for each row."
    )
    series_column: str | None = strawberry.field(
        default=None, description="A column that parts each x; the 20 largest parts are shown."
    )
    bucket: DateBucket | None = strawberry.field(
        default=None, description="How to gather dates on x."
    )
    top: int | None = strawberry.field(
        default=None, description="Show so many x, 1 to 1,000; all others are one, `Other`."
    )
    bins: int | None = strawberry.field(
        default=None, description="About how many bins a histogram has, 1 to 1,000; 20 without it."
    )
    filter: RowFilter | None = strawberry.field(default=None, description="Which rows to show.")


@strawberry.input(description="What to change of a chart. What is absent stays, null clears.")
class ChartUpdateInput:
    chart_id: strawberry.ID = strawberry.field(description="The chart.")
    name: strawberry.Maybe[str] = strawberry.field(description="1 to 256 characters.")
    type: strawberry.Maybe[ChartType] = strawberry.field(description="Its form.")
    x_column: strawberry.Maybe[str] = strawberry.field(description="The column of x.")
    y_column: strawberry.Maybe[str | None] = strawberry.field(description="The column of y.")
    aggregation: strawberry.Maybe[ChartAggregation | None] = strawberry.field(
        description="What to make of y."
    )
    series_column: strawberry.Maybe[str | None] = strawberry.field(
        description="A column that parts each x."
    )
    bucket: strawberry.Maybe[DateBucket | None] = strawberry.field(
        description="How to gather dates on x."
    )
    top: strawberry.Maybe[int | None] = strawberry.field(description="How many x to show.")
    bins: strawberry.Maybe[int | None] = strawberry.field(description="About how many bins.")
    filter: strawberry.Maybe[RowFilter | None] = strawberry.field(description="Which rows to show.")


@strawberry.input(description="A chart to be deleted.")
class ChartDeleteInput:
    chart_id: strawberry.ID = strawberry.field(description="The chart.")


@strawberry.type(description="The answer of `chartCreate` and `chartUpdate`.")
class ChartPayload:
    chart: Chart | None = strawberry.field(description="The chart as it is now.")
    errors: list[UserError] = strawberry.field(description="Why nothing was done.")


@strawberry.type(description="The answer of `chartDelete`.")
class ChartDeletePayload:
    deleted_id: strawberry.ID | None = strawberry.field(description="The id of the chart.")
    errors: list[UserError] = strawberry.field(description="Why it is still there.")


@strawberry.type
class ChartMutations:
    @strawberry.mutation(description="Make a chart over a table; it may have 100.")
    async def chart_create(
        self,
        info: Info,
        input: Annotated[ChartCreateInput, strawberry.argument(description="What to make.")],
    ) -> ChartPayload | None:
        config = {key: _stored(getattr(input, name)) for name, key in _KEYS.items()}
        kept = {key: value for key, value in config.items() if value is not None or key in _BASE}
        command = ChartCreate(given_id(input.table_id), input.name, kept)
        try:
            made = await charts.create_chart(info.context.viewer, info.context.storage, command)
        except EXPECTED as error:
            return ChartPayload(chart=None, errors=user_errors(error))
        return ChartPayload(chart=Chart.of(made), errors=[])

    @strawberry.mutation(description="Change a chart; whoever follows it is sent it anew.")
    async def chart_update(
        self,
        info: Info,
        input: Annotated[ChartUpdateInput, strawberry.argument(description="What to change.")],
    ) -> ChartPayload | None:
        given = {key: getattr(input, name) for name, key in _KEYS.items()}
        config = {key: _stored(some.value) for key, some in given.items() if some is not None}
        name = UNSET if input.name is None else input.name.value
        command = ChartUpdate(name, config or UNSET)
        try:
            changed = await charts.update_chart(
                info.context.viewer, info.context.storage, given_id(input.chart_id), command
            )
        except EXPECTED as error:
            return ChartPayload(chart=None, errors=user_errors(error))
        return ChartPayload(chart=Chart.of(changed), errors=[])

    @strawberry.mutation(description="Delete a chart. Streams that follow it end.")
    async def chart_delete(
        self,
        info: Info,
        input: Annotated[ChartDeleteInput, strawberry.argument(description="What to delete.")],
    ) -> ChartDeletePayload | None:
        chart_id = given_id(input.chart_id)
        try:
            await charts.delete_chart(info.context.viewer, info.context.storage, chart_id)
        except EXPECTED as error:
            return ChartDeletePayload(deleted_id=None, errors=user_errors(error))
        return ChartDeletePayload(deleted_id=strawberry.ID(str(chart_id)), errors=[])


#: Fields of the inputs and the keys of the config that they set.
_KEYS = {
    "type": "type",
    "x_column": "xColumn",
    "y_column": "yColumn",
    "aggregation": "aggregation",
    "series_column": "seriesColumn",
    "bucket": "bucket",
    "top": "top",
    "bins": "bins",
    "filter": "filter",
}
_BASE = frozenset({"type", "xColumn", "yColumn", "aggregation"})


def _stored(value: Any) -> Any:
    """A setting as JSON. A filter is checked against the columns by the use case."""
    if isinstance(value, RowFilter):
        return written(raw_filter(value))
    return value.value if isinstance(value, ChartType | ChartAggregation | DateBucket) else value
