"""Charts as records: what is stored of one, what to draw, and the points that come out."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from domain.aggregation import Bucket, Function
from domain.entities import UNSET, Unset

#: Pairs that a chart without an aggregation shows; of more rows a sample is shown.
MAX_PAIRS = 5_000
#: Parts that a chart tells apart by its series column; smaller ones are taken as one.
MAX_SERIES = 20
MAX_CHARTS = 100
DEFAULT_BINS = 20
MAX_TOP = 1_000


class ChartType(StrEnum):
    """The forms of charts that we draw. Others may be stored and are drawn as bars."""

    BAR = "bar"
    LINE = "line"
    PIE = "pie"
    SCATTER = "scatter"
    HISTOGRAM = "histogram"


class ChartAggregation(StrEnum):
    """What is made of the y values of the rows with the same x."""

    SUM = "sum"
    AVG = "avg"
    COUNT = "count"
    MIN = "min"
    MAX = "max"


@dataclass(frozen=True, slots=True)
class Chart:
    """A stored chart. `config` holds `type`, `xColumn`, `yColumn` and `aggregation`, and perhaps
    `bucket`, `top`, `bins`, `seriesColumn` and `filter`."""

    id: UUID
    organization_id: UUID
    table_id: UUID
    name: str
    config: Mapping[str, Any]
    created_by: str
    created_at: datetime
    updated_at: datetime

    @property
    def plan(self) -> "ChartPlan":
        """The config as far as it can be drawn."""
        return ChartPlan.of(self.config)


@dataclass(frozen=True, slots=True)
class ChartCreate:
    """A chart to be made. Columns need not exist, types and aggregations need not be ours."""

    table_id: UUID
    name: str
    config: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ChartUpdate:
    """What to change: keys of `config` are merged into the old ones, None takes one out."""

    name: str | Unset = UNSET
    config: Mapping[str, Any] | Unset = UNSET


class ChartMode(StrEnum):
    """How points come out of rows."""

    GROUPS = "groups"  # one point for each x, and series
    BINS = "bins"  # one point for each bin of x
    PAIRS = "pairs"  # one point for each row


@dataclass(frozen=True, slots=True)
class ChartPlan:
    """A config, read. What is missing or unknown is None.

    `function` is what a group shows: COUNT, or something made of y. `names` bounds x like `top`,
    but only an x without an order of its own."""

    type: ChartType
    mode: ChartMode
    x: str
    y: str | None
    series: str | None
    function: Function
    bucket: Bucket | None
    top: int | None
    bins: int
    filter: Any
    names: int | None = None

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> "ChartPlan":
        type_ = _member(ChartType, config.get("type")) or ChartType.BAR
        aggregation = _member(ChartAggregation, config.get("aggregation"))
        y = _text(config.get("yColumn"))
        mode, function = ChartMode.PAIRS, Function.COUNT
        if type_ is ChartType.HISTOGRAM:
            mode = ChartMode.BINS
        elif type_ is ChartType.PIE or aggregation is ChartAggregation.COUNT:
            mode = ChartMode.GROUPS
        elif aggregation is not None and y is not None:
            mode, function = ChartMode.GROUPS, Function(aggregation.value)
        return cls(
            type=type_,
            mode=mode,
            x=_text(config.get("xColumn")) or "",
            y=y,
            series=_text(config.get("seriesColumn")) if mode is not ChartMode.BINS else None,
            function=function,
            bucket=_member(Bucket, config.get("bucket")),
            top=_count(config.get("top"), MAX_TOP),
            bins=_count(config.get("bins"), MAX_TOP) or DEFAULT_BINS,
            filter=config.get("filter"),
        )


def _member(kind: Any, value: Any) -> Any:
    return kind(value) if isinstance(value, str) and value in list(kind) else None


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _count(value: Any, most: int) -> int | None:
    fits = isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= most
    return value if fits else None


@dataclass(frozen=True, slots=True)
class Point:
    """A point of a chart. `key` tells it from all others of the chart.

    `x` is a JSON value: `Unknown` where rows have none, `Other` for all the rest of a top-n, the
    lower edge of a bin whose upper one is `x_end`. `y` is a JSON number."""

    key: str
    x: Any
    y: Any
    series: Any = None
    x_end: Any = None
    is_rest: bool = False


@dataclass(frozen=True, slots=True)
class ChartData:
    """All points of a chart in the order in which they are drawn. `revision` is that of the table.

    `truncated`: of more than 5,000 rows a sample is shown, or of more than 1,000 groups the
    largest."""

    revision: int
    points: tuple[Point, ...]
    truncated: bool


@dataclass(frozen=True, slots=True)
class PairsQuery:
    """Rows as pairs of x and y, at most `limit` of them. Fields that are not there are None."""

    x: Any
    y: Any
    series: Any
    filter: Any
    limit: int = MAX_PAIRS


@dataclass(frozen=True, slots=True)
class Pair:
    """A row: x and series as JSON texts, y as a number if it is one."""

    row_id: UUID
    x: str | None
    y: str | None
    series: str | None


@dataclass(frozen=True, slots=True)
class Pairs:
    """Pairs in the order of the table; `more` tells that they are a sample."""

    revision: int
    pairs: tuple[Pair, ...]
    more: bool
