"""Charts: list, make, change, delete. What they show is GraphQL's, and a picture."""

from typing import Any

from pydantic import TypeAdapter
from starlette.responses import Response

from domain import charts
from domain.chart_records import Chart, ChartCreate, ChartUpdate
from domain.entities import UNSET
from domain.errors import NotFound
from rest_compat.endpoints import Call
from rest_compat.stagent.bodies import ChartBody, ChartChangeBody
from rest_compat.wire import Refused, json_response, moment, parse, read_body

_NEW = TypeAdapter(ChartBody)
_CHANGE = TypeAdapter(ChartChangeBody)
_REQUIRED = ("type", "title", "xColumn")
_CONFIG = ("type", "xColumn", "yColumn", "aggregation")


async def exists(call: Call) -> None:
    """Raises `NotFound` unless the table in the path has the chart in the path."""
    await _chart(call)


async def list_charts(call: Call) -> Response:
    """Oldest first."""
    found = await charts.list_charts(call.viewer, call.storage, call.id("id", "Table"))
    return json_response([_shown(each) for each in found])


async def create_chart(call: Call) -> Response:
    """The answer is `id` and `name` only."""
    table_id = call.id("id", "Table")
    given = await read_body(call.request, call.limits.body_bytes)
    if not isinstance(given, dict) or not all(given.get(name) for name in _REQUIRED):
        raise Refused(400, "type, title, and xColumn are required")
    body = parse(_NEW, given)
    config = {name: getattr(body, name) for name in _CONFIG}
    command = ChartCreate(table_id, body.title, config)
    made = await charts.create_chart(call.viewer, call.storage, command)
    return json_response({"id": str(made.id), "name": made.name}, 201)


async def update_chart(call: Call) -> Response:
    """Keys of the config that are given are merged into the old ones."""
    chart = await _chart(call)
    body = parse(_CHANGE, await read_body(call.request, call.limits.body_bytes))
    given = body.model_fields_set
    config = {name: getattr(body, name) for name in _CONFIG if name in given}
    command = ChartUpdate(body.title if "title" in given else UNSET, config or UNSET)
    return json_response(
        _shown(await charts.update_chart(call.viewer, call.storage, chart.id, command))
    )


async def delete_chart(call: Call) -> Response:
    """One that is not there is told."""
    chart = await _chart(call)
    await charts.delete_chart(call.viewer, call.storage, chart.id)
    return Response(status_code=204)


async def _chart(call: Call) -> Chart:
    chart_id, table_id = call.id("chartId", "Chart"), call.id("id", "Chart")
    chart = await charts.get_chart(call.viewer, call.storage, chart_id)
    if chart.table_id != table_id:
        raise NotFound("Chart")
    return chart


def _shown(chart: Chart) -> dict[str, Any]:
    config: dict[str, Any] = dict.fromkeys(_CONFIG) | dict(chart.config)
    return {
        "id": str(chart.id),
        "tableId": str(chart.table_id),
        "type": "chart",
        "name": chart.name,
        "isDefault": False,
        "config": config,
        "createdAt": moment(chart.created_at),
        "updatedAt": moment(chart.updated_at),
    }
