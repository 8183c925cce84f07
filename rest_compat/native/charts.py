"""Charts as pictures."""

import hashlib
from collections.abc import Awaitable, Callable
from typing import Literal

from starlette.responses import Response

from domain.chart_specs import picture_plan, vega_lite
from domain.charts import chart_state, get_chart
from rest_compat.endpoints import Call
from rest_compat.wire import dumps

FORMATS: tuple[Literal["svg", "png"], ...] = ("svg", "png")
MEDIA_TYPES = {"svg": "image/svg+xml", "png": "image/png"}


def picture(format: Literal["svg", "png"]) -> Callable[[Call], Awaitable[Response]]:
    """The handler that draws in this format.

    Texts of cells stand in the picture, so a browser is told to trust nothing in it."""

    async def handler(call: Call) -> Response:
        chart = await get_chart(call.viewer, call.storage, call.id("id", "Chart"))
        plan = picture_plan(chart.plan)
        state = await chart_state(call.viewer, call.storage, chart.id, plan)
        spec = vega_lite(state)
        # What is drawn, not the table's revision: formulas look at other tables and at the day.
        tag = f'"{hashlib.sha256(dumps(spec)).hexdigest()[:32]}-{format}"'
        headers = {
            "ETag": tag,
            "Cache-Control": "private, no-cache",
            "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox",
            "X-Content-Type-Options": "nosniff",
        }
        if tag in call.request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        body = await call.services.draw(spec, format)
        return Response(body, headers=headers, media_type=MEDIA_TYPES[format])

    return handler
