"""Questions about all rows at once: groups by column, date or bin, with figures for each.

`bind_aggregation` turns names into columns, or lists everything that is wrong. Nothing here knows
SQL or HTTP."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal, DecimalException
from enum import StrEnum
from typing import Any

from domain import numbers
from domain.columns import TableShape
from domain.errors import ErrorCode, Invalid, Problem
from domain.fields import Field, family_of, find_field
from domain.filters import Direction, Filter, RawCondition, accept_search, bind_current
from domain.values import Family

MAX_KEYS = 3
MAX_METRICS = 10
MAX_GROUPS = 1_000
MAX_BINS = 1_000
#: Characters of a text that an answer shows; longer ones are told apart all the same.
SHOWN_TEXT = 1_000


class Bucket(StrEnum):
    """Stretches of time that dates and datetimes are gathered in; each is named by its first day,
    in UTC. Weeks begin on Mondays."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    QUARTER = "quarter"
    YEAR = "year"


class Function(StrEnum):
    """What is said about the values of a group."""

    COUNT = "count"
    COUNT_DISTINCT = "count_distinct"
    SUM = "sum"
    AVG = "avg"
    MIN = "min"
    MAX = "max"


@dataclass(frozen=True, slots=True)
class GroupKey:
    """What rows are told apart by. Without a field all rows are in one group that has no value.

    A number may be put into bins: of a width, or of a round width that makes at most about `bins`
    of them. A bin is named by its lower edge, which belongs to it."""

    field: Field | None
    bucket: Bucket | None = None
    bin_width: Decimal | None = None
    bins: int | None = None

    @property
    def family(self) -> Family:
        """How the values of the key compare."""
        if self.bucket is not None:
            return Family.DATE
        if self.field is None:
            return Family.TEXT
        if self.bin_width is not None or self.bins is not None:
            return Family.NUMBER
        family = family_of(self.field)
        return Family.TEXT if family in (Family.JSON, Family.FILE) else family


@dataclass(frozen=True, slots=True)
class Metric:
    """A figure of each group. A count without a field counts rows; all others pass over empty
    cells. `lenient` takes texts that read as plain numbers as these, and all else as empty, also a
    field that is not there."""

    function: Function
    field: Field | None = None
    lenient: bool = False

    @property
    def counts_rows(self) -> bool:
        """Whether it counts rows, whatever they hold."""
        return self.field is None and not self.lenient

    @property
    def family(self) -> Family:
        """How the figure compares."""
        takes_over = self.function in (Function.MIN, Function.MAX) and not self.lenient
        return family_of(self.field) if takes_over and self.field is not None else Family.NUMBER


@dataclass(frozen=True, slots=True)
class GroupOrder:
    """Groups in the order of a key or of a metric, by its place in the query. Groups without a
    value come last."""

    by: str  # "key" or "metric"
    place: int
    direction: Direction = Direction.ASC


@dataclass(frozen=True, slots=True)
class AggregateQuery:
    """At most `limit` groups in this order, ties by their keys; all others together make the
    rest."""

    keys: tuple[GroupKey, ...]
    metrics: tuple[Metric, ...]
    filter: Filter | None = None
    search: str | None = None
    order: tuple[GroupOrder, ...] = ()
    limit: int = MAX_GROUPS


@dataclass(frozen=True, slots=True)
class Group:
    """A group: its keys and figures as JSON texts, None is null."""

    keys: Sequence[str | None]
    values: Sequence[str | None]


@dataclass(frozen=True, slots=True)
class Rest:
    """The groups that were left out, taken as one."""

    groups: int
    values: Sequence[str | None]


@dataclass(frozen=True, slots=True)
class Aggregate:
    """An answer. `revision` is that of the table in the same snapshot.

    `widths` holds the width of the bins of each key as JSON text, None for a key without bins or
    without numbers."""

    revision: int
    groups: Sequence[Group]
    rest: Rest | None
    widths: Sequence[str | None]


@dataclass(frozen=True, slots=True)
class Delta:
    """What one change did to one group: rows and numbers that came minus those that went.

    `total` is the difference of the sums. `least` and `most` are of the numbers that came,
    `lost_least` and `lost_most` of those that went. Numbers are those of the one column that the
    query measures."""

    revision: int
    keys: tuple[str | None, ...]
    rows: int
    count: int
    total: Decimal
    least: Decimal | None
    most: Decimal | None
    lost_least: Decimal | None
    lost_most: Decimal | None


@dataclass(frozen=True, slots=True)
class RawKey:
    """A key as the client wrote it."""

    column: str
    bucket: Bucket | None = None
    bin_width: Any = None
    bins: int | None = None


@dataclass(frozen=True, slots=True)
class RawMetric:
    """A metric as the client wrote it. Without a name it is `count`, or `<function>_<column>`."""

    function: Function
    column: str | None = None
    name: str | None = None

    @property
    def told(self) -> str:
        """The name that it goes by."""
        if self.name is not None:
            return self.name
        return self.function.value + (f"_{self.column}" if self.column is not None else "")


@dataclass(frozen=True, slots=True)
class RawOrder:
    """A key of the order: the name of a metric or a column that is grouped by."""

    by: str
    direction: Direction = Direction.ASC


@dataclass(frozen=True, slots=True)
class RawAggregation:
    """A whole question as the client wrote it."""

    keys: Sequence[RawKey] = ()
    metrics: Sequence[RawMetric] = ()
    filter: RawCondition | None = None
    search: str | None = None
    order: Sequence[RawOrder] = ()
    first: int | None = None


def bind_aggregation(shape: TableShape, raw: RawAggregation) -> AggregateQuery:
    """The question over the table's columns. Raises `Invalid` with every problem."""
    binder = _Binder(shape)
    keys = tuple(binder.key(each, place) for place, each in enumerate(raw.keys))
    metrics = tuple(binder.metric(each, place) for place, each in enumerate(raw.metrics))
    binder.check_counts(raw)
    order = binder.order(raw)
    condition = None
    if raw.filter is not None:
        try:
            condition = bind_current(shape, raw.filter)
        except Invalid as error:
            binder.problems += error.problems
    if binder.problems:
        raise Invalid(binder.problems)
    limit = MAX_GROUPS if raw.first is None else raw.first
    return AggregateQuery(keys, metrics, condition, accept_search(raw.search), order, limit)


class _Binder:
    def __init__(self, shape: TableShape) -> None:
        self.problems: list[Problem] = []
        self._shape = shape

    def key(self, raw: RawKey, place: int) -> GroupKey:
        path = ("groupBy", str(place))
        field = self._field(raw.column, path)
        given = [each for each in (raw.bucket, raw.bin_width, raw.bins) if each is not None]
        if len(given) > 1:
            self._refuse(ErrorCode.INVALID, "bucket, binWidth and bins exclude each other", path)
        if field is not None:
            self._check_form(field, raw, path)
        if raw.bins is not None and not 1 <= raw.bins <= MAX_BINS:
            message = f"bins must be 1 to {MAX_BINS}"
            self._refuse(ErrorCode.OUT_OF_RANGE, message, (*path, "bins"))
        return GroupKey(field, raw.bucket, self._width(raw.bin_width, path), raw.bins)

    def _check_form(self, field: Field, raw: RawKey, path: tuple[str, ...]) -> None:
        family = family_of(field)
        if raw.bucket is not None and family not in (Family.DATE, Family.DATETIME):
            message = f"{field.key} holds no dates to make buckets of"
            self._refuse(ErrorCode.INVALID, message, (*path, "bucket"))
        binned = raw.bin_width is not None or raw.bins is not None
        if binned and family is not Family.NUMBER:
            self._refuse(ErrorCode.INVALID, f"{field.key} holds no numbers to make bins of", path)

    def _width(self, given: Any, path: tuple[str, ...]) -> Decimal | None:
        if given is None:
            return None
        try:
            width = Decimal(numbers.text(given)) if not isinstance(given, bool) else Decimal(0)
        except (TypeError, ValueError, AttributeError, DecimalException):
            width = Decimal(0)
        if width <= 0:
            message = "binWidth must be a number above 0"
            self._refuse(ErrorCode.OUT_OF_RANGE, message, (*path, "binWidth"))
        return width

    def metric(self, raw: RawMetric, place: int) -> Metric:
        path = ("metrics", str(place))
        if raw.column is None:
            if raw.function is not Function.COUNT:
                message = f"{raw.function.value} needs a column"
                self._refuse(ErrorCode.REQUIRED, message, (*path, "column"))
            return Metric(raw.function)
        field = self._field(raw.column, path)
        if field is not None and not _applies(raw.function, family_of(field)):
            message = f"{raw.function.value} does not apply to {raw.column}"
            self._refuse(ErrorCode.INVALID, message, (*path, "function"))
        return Metric(raw.function, field)

    def check_counts(self, raw: RawAggregation) -> None:
        """Bounds, and names that are used twice."""
        if len(raw.keys) > MAX_KEYS:
            message = f"groupBy takes at most {MAX_KEYS} columns"
            self._refuse(ErrorCode.TOO_MANY, message, ("groupBy",))
        if not 1 <= len(raw.metrics) <= MAX_METRICS:
            message = f"metrics takes 1 to {MAX_METRICS} items"
            self._refuse(ErrorCode.OUT_OF_RANGE, message, ("metrics",))
        if raw.first is not None and not 1 <= raw.first <= MAX_GROUPS:
            message = f"first must be 1 to {MAX_GROUPS}"
            self._refuse(ErrorCode.OUT_OF_RANGE, message, ("first",))
        seen: set[str] = set()
        for place, metric in enumerate(raw.metrics):
            if metric.told in seen:
                message = f"{metric.told} is the name of two metrics"
                self._refuse(ErrorCode.DUPLICATE, message, ("metrics", str(place), "as"))
            seen.add(metric.told)

    def order(self, raw: RawAggregation) -> tuple[GroupOrder, ...]:
        metrics = {metric.told: place for place, metric in enumerate(raw.metrics)}
        keys = {key.column: place for place, key in enumerate(raw.keys)}
        found = []
        for place, each in enumerate(raw.order):
            if each.by in metrics:
                found.append(GroupOrder("metric", metrics[each.by], each.direction))
            elif each.by in keys:
                found.append(GroupOrder("key", keys[each.by], each.direction))
            else:
                message = f"{each.by} is neither a metric nor grouped by"
                self._refuse(ErrorCode.INVALID, message, ("order", str(place), "by"))
        if len(raw.order) > MAX_KEYS + MAX_METRICS:
            self._refuse(ErrorCode.TOO_MANY, "order has too many keys", ("order",))
        return tuple(found)

    def _field(self, name: str, path: tuple[str, ...]) -> Field | None:
        field = find_field(self._shape, name)
        if field is None:
            message = f"Unknown column: {name}"
            self._refuse(ErrorCode.UNKNOWN_COLUMN, message, (*path, "column"))
        return field

    def _refuse(self, code: ErrorCode, message: str, path: tuple[str, ...]) -> None:
        self.problems.append(Problem(code, message, path))


_ORDERED = frozenset({Family.TEXT, Family.NUMBER, Family.DATE, Family.DATETIME})


def _applies(function: Function, family: Family) -> bool:
    match function:
        case Function.SUM | Function.AVG:
            return family is Family.NUMBER
        case Function.MIN | Function.MAX:
            return family in _ORDERED
    return family is not Family.JSON or function is Function.COUNT
