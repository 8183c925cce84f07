"""The endpoints of charts."""

from rest_compat.endpoints import Endpoint
from rest_compat.stagent import answers, bodies, charts, tables

_TABLE = "Table not found"
_CHART = "Chart not found"

CHARTS: tuple[Endpoint, ...] = (
    Endpoint(
        "GET",
        "/api/tables/{id}/charts",
        operation="charts",
        graphql_field="table.charts",
        summary="The charts of a table, oldest first.",
        failure="list charts",
        handler=charts.list_charts,
        answer=list[answers.Chart],
        missing=_TABLE,
    ),
    Endpoint(
        "POST",
        "/api/tables/{id}/charts",
        operation="chartCreate",
        graphql_field="chartCreate",
        summary="Make a chart.",
        failure="create chart",
        handler=charts.create_chart,
        status=201,
        answer=answers.Named,
        body=bodies.ChartBody,
        missing=_TABLE,
        exists=tables.exists,
    ),
    Endpoint(
        "PATCH",
        "/api/tables/{id}/charts/{chartId}",
        operation="chartUpdate",
        graphql_field="chartUpdate",
        summary="Change title or settings of a chart.",
        failure="update chart",
        handler=charts.update_chart,
        answer=answers.Chart,
        body=bodies.ChartChangeBody,
        missing=_CHART,
        exists=charts.exists,
    ),
    Endpoint(
        "DELETE",
        "/api/tables/{id}/charts/{chartId}",
        operation="chartDelete",
        graphql_field="chartDelete",
        summary="Delete a chart.",
        failure="delete chart",
        handler=charts.delete_chart,
        status=204,
        missing=_CHART,
    ),
)
