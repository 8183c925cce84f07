"""Charts as Vega-Lite 5 specifications: everything to draw is in them, and they ask for nothing.

Names of columns and texts of cells are data here, never parts of expressions or field names."""

import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from domain.aggregation import Bucket, Function
from domain.chart_binding import BoundChart
from domain.chart_records import ChartMode, ChartPlan, ChartType, Point
from domain.charts import ChartState
from domain.values import Family

SCHEMA = "https://vega.github.io/schema/vega-lite/v5.json"
#: What is still readable. A config with `top` overrules it.
_SLICES = 12
_NAMES = 30
#: Numbers beyond this could not be drawn.
_LARGEST = 1e300
_MAX_TITLE = 120
_WIDTH, _HEIGHT = 560, 320
#: A slice from this share on has room for its figure.
_ROOMY = 0.04
#: Points from which marks and ticks of each would run together.
_MANY = 60
#: Pixels that the bars of names take at most.
_TALLEST = 2_400
_DATES = frozenset({Family.DATE, Family.DATETIME})
_WORDS = {
    Function.SUM: "sum",
    Function.AVG: "average",
    Function.MIN: "minimum",
    Function.MAX: "maximum",
}


def picture_plan(plan: ChartPlan) -> ChartPlan:
    """The plan of a picture of the chart: names and slices that nobody could read become one."""
    if plan.mode is not ChartMode.GROUPS or plan.top is not None:
        return plan
    if plan.type is ChartType.PIE:
        return replace(plan, top=_SLICES)
    return replace(plan, names=_NAMES)


def vega_lite(state: ChartState) -> dict[str, Any]:
    """The specification of a chart with its points."""
    bound, points = state.bound, state.data.points
    draw = _FORMS[bound.plan.type]
    return {
        "$schema": SCHEMA,
        "title": {"text": _text(state.chart.name)[:_MAX_TITLE], "anchor": "start"},
        "background": "white",
        "padding": 12,
        "config": {
            "aria": False,
            "axis": {"labelLimit": 180, "titleLimit": 300, "labelFontSize": 11},
            "legend": {"labelLimit": 180, "titleLimit": 180},
            "view": {"stroke": None},
            "title": {"limit": _WIDTH, "fontSize": 15, "offset": 12},
        },
        **draw(bound, points),
    }


def _bars(bound: BoundChart, points: Sequence[Point]) -> dict[str, Any]:
    """Upright where x has an order; lying for names, so that they can be read."""
    names: dict[str, Any] = {
        "field": "x",
        "type": "ordinal" if bound.ordered else "nominal",
        "sort": None,
        "title": _text(bound.labels[0]),
    }
    amounts = {"field": "y", "type": "quantitative", "title": _measure(bound)}
    encoding: dict[str, Any] = _colours(bound, points)
    if bound.ordered:
        names["axis"] = {
            "labelOverlap": "greedy",
            "labelAngle": -45,
            "labelSeparation": 4,
            "ticks": len(points) <= _MANY,
        }
        encoding |= {"x": names, "y": amounts}
        size: dict[str, Any] = {"width": _WIDTH, "height": _HEIGHT}
    else:
        encoding |= {"y": names, "x": amounts | {"axis": {"tickCount": 7}}}
        count = len({point.x if isinstance(point.x, str) else str(point.x) for point in points})
        step = max(2.0, min(20.0, _TALLEST / max(count, 1)))
        names["axis"] = {"labelOverlap": "greedy"}
        size = {"width": _WIDTH, "height": {"step": step}}
    return {**size, "mark": "bar", "data": _data(bound, points), "encoding": encoding}


def _lines(bound: BoundChart, points: Sequence[Point]) -> dict[str, Any]:
    few = len(points) <= _MANY
    return {
        "width": _WIDTH,
        "height": _HEIGHT,
        "mark": {"type": "line", "point": few},
        "data": _data(bound, _placed(bound, points), scaled=True),
        "encoding": {
            "x": _scaled_x(bound),
            "y": {"field": "y", "type": "quantitative", "title": _measure(bound)},
            **_colours(bound, points),
        },
    }


def _marks(bound: BoundChart, points: Sequence[Point]) -> dict[str, Any]:
    y = {"field": "y", "type": "quantitative", "title": _measure(bound), "scale": {"zero": False}}
    return {
        "width": _WIDTH,
        "height": _HEIGHT,
        "mark": {"type": "point", "filled": True, "opacity": 0.5, "size": 30},
        "data": _data(bound, _placed(bound, points), scaled=True),
        "encoding": {"x": _scaled_x(bound), "y": y, **_colours(bound, points)},
    }


def _slices(bound: BoundChart, points: Sequence[Point]) -> dict[str, Any]:
    total = sum(abs(_number(point.y)) for point in points) or 1.0
    data = _data(bound, points)
    for value in data["values"]:
        value["label"] = f"{value['y']:,.10g}" if abs(value["y"]) / total >= _ROOMY else ""
    colour = {
        "field": "x",
        "type": "nominal",
        "sort": None,
        "title": _text(bound.labels[0]),
        "scale": {"scheme": _scheme(len(points))},
    }
    label = {"field": "label", "type": "nominal"}
    return {
        "width": _HEIGHT + 60,
        "height": _HEIGHT + 60,
        "data": data,
        "encoding": {
            "theta": {"field": "y", "type": "quantitative", "stack": True},
            "order": {"field": "place", "type": "quantitative"},
        },
        "layer": [
            {
                "mark": {"type": "arc", "outerRadius": _HEIGHT // 2, "stroke": "white"},
                "encoding": {"color": colour},
            },
            {
                "mark": {"type": "text", "radius": _HEIGHT // 2 + 16, "fontSize": 11},
                "encoding": {"text": label, "color": {"value": "black"}},
            },
        ],
    }


def _bins(bound: BoundChart, points: Sequence[Point]) -> dict[str, Any]:
    edges = {"bin": "binned", "title": _text(bound.labels[0]), "axis": {"tickCount": 10}}
    return {
        "width": _WIDTH,
        "height": _HEIGHT,
        "mark": {"type": "bar", "binSpacing": 1},
        "data": _data(bound, points, scaled=True),
        "encoding": {
            "x": {"field": "x", "type": "quantitative", **edges},
            "x2": {"field": "e"},
            "y": {"field": "y", "type": "quantitative", "title": "rows"},
        },
    }


_FORMS: dict[ChartType, Callable[[BoundChart, Sequence[Point]], dict[str, Any]]] = {
    ChartType.BAR: _bars,
    ChartType.LINE: _lines,
    ChartType.PIE: _slices,
    ChartType.SCATTER: _marks,
    ChartType.HISTOGRAM: _bins,
}


def _scaled_x(bound: BoundChart) -> dict[str, Any]:
    title = _text(bound.labels[0])
    if bound.x_family is Family.NUMBER:
        scale = {"zero": False, "nice": True}
        return {"field": "x", "type": "quantitative", "title": title, "scale": scale}
    if bound.x_family in _DATES:
        return {"field": "x", "type": "temporal", "title": title, "scale": {"type": "utc"}}
    axis = {"labelOverlap": "greedy", "labelAngle": -45}
    return {"field": "x", "type": "ordinal", "sort": None, "title": title, "axis": axis}


def _placed(bound: BoundChart, points: Sequence[Point]) -> Sequence[Point]:
    """The points that have a place on x: on a scale of numbers or dates there is no `Unknown`."""
    if bound.x_family is not Family.NUMBER and bound.x_family not in _DATES:
        return points
    return [
        point
        for point in points
        if not point.is_rest and point.x is not None and not _is_unknown(point)
    ]


def _is_unknown(point: Point) -> bool:
    return point.key.split("/")[0] == "unknown"


def _colours(bound: BoundChart, points: Sequence[Point]) -> dict[str, Any]:
    if bound.plan.series is None:
        return {}
    scale = {"scheme": _scheme(len({_text(point.series) for point in points}))}
    title = _text(bound.labels[2])
    return {
        "color": {"field": "s", "type": "nominal", "sort": None, "title": title, "scale": scale}
    }


def _scheme(colours: int) -> str:
    """Twenty colours are ten in two shades: hard to tell apart where ten would do."""
    return "tableau10" if colours <= 10 else "tableau20"


def _measure(bound: BoundChart) -> str:
    """What y says, for people."""
    plan = bound.plan
    if plan.mode is ChartMode.GROUPS and plan.function is Function.COUNT:
        return "rows"
    if plan.mode is ChartMode.GROUPS:
        return f"{_WORDS[plan.function]} of {_text(bound.labels[1])}"
    return _text(bound.labels[1])


def _data(bound: BoundChart, points: Sequence[Point], *, scaled: bool = False) -> dict[str, Any]:
    """The points as values. On a scale x stays a number or a date; else it is a name."""
    names = _names(bound)
    values = []
    for place, point in enumerate(points):
        x = _scalar(point.x) if scaled else names(point.x)
        value = {"x": x, "y": _number(point.y), "place": place}
        if point.x_end is not None:
            value["e"] = _number(point.x_end)
        if bound.plan.series is not None:
            value["s"] = _text(point.series)
        values.append(value)
    return {"values": values}


def _names(bound: BoundChart) -> Callable[[Any], str]:
    """How x is written where it is a name: a bucket in short."""
    bucket = bound.plan.bucket if bound.x_family in _DATES else None

    def name(x: Any) -> str:
        text = _text(x)
        parts = text.split("-")
        if bucket is None or len(parts) != 3:
            return text
        match bucket:
            case Bucket.YEAR:
                return parts[0]
            case Bucket.QUARTER:
                return f"{parts[0]} Q{(int(parts[1]) + 2) // 3}"
            case Bucket.MONTH:
                return f"{parts[0]}-{parts[1]}"
        return text

    return name


def _scalar(value: Any) -> Any:
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        return _number(value)
    return _text(value)


def _number(value: Any) -> float:
    return float(min(max(value, -_LARGEST), _LARGEST))


def _text(value: Any) -> str:
    """A value for people, without characters that a picture could not hold."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return ", ".join(_text(each) for each in value)
    text = "" if value is None else str(value)
    return "".join(
        character if unicodedata.category(character) not in ("Cc", "Cn", "Cs", "Co") else " "
        for character in text
    )
