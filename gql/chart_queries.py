"""Queries of charts."""

from typing import Annotated

import strawberry

from domain import charts
from domain.errors import NotFound
from gql.context import Info, given_id
from gql.types.charts import Chart

_Id = Annotated[strawberry.ID, strawberry.argument(description="The id; null for one unknown.")]


@strawberry.type
class ChartQueries:
    @strawberry.field(description="A chart by its id.")
    async def chart(self, info: Info, id: _Id) -> Chart | None:
        context = info.context
        try:
            found = await charts.get_chart(context.viewer, context.storage, given_id(id))
        except NotFound:
            return None
        return Chart.of(found)
