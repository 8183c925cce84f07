"""What a chart asks of storage: its plan over the columns that a table has at the moment."""

from collections.abc import Iterator
from dataclasses import dataclass

from domain.aggregation import (
    MAX_GROUPS,
    AggregateQuery,
    Function,
    GroupKey,
    GroupOrder,
    Metric,
)
from domain.chart_records import ChartMode, ChartPlan, ChartType, PairsQuery
from domain.columns import Column, TableShape
from domain.fields import Field, family_of, find_field
from domain.filters import CellWhere, Direction, Filter, bind_current, conditions
from domain.trigger_conditions import read_condition
from domain.values import Family

_IN_ORDER = frozenset({Family.NUMBER, Family.BOOLEAN, Family.DATE, Family.DATETIME})
_DATES = frozenset({Family.DATE, Family.DATETIME})


@dataclass(frozen=True, slots=True)
class BoundChart:
    """A plan over columns. `groups` is None for pairs of x and y.

    `labels` are those of x, y and series, for people. `ordered`: x has an order of its own.
    `additive`: what a change does to the points can be told from the rows that it touched."""

    plan: ChartPlan
    columns_version: int
    labels: tuple[str, str, str]
    x_family: Family
    groups: AggregateQuery | None
    pairs: PairsQuery
    ordered: bool
    additive: bool


def bind_chart(shape: TableShape, plan: ChartPlan) -> BoundChart:
    """The chart over the table's columns; columns that are not there have no values.

    Raises `Invalid` when its filter does not fit the columns."""
    x, y, series = (find_field(shape, name) if name else None for name in _columns(plan))
    condition = None
    if plan.filter is not None:
        condition = bind_current(shape, read_condition(plan.filter))
    key = _x_key(plan, x)
    keys = (key,) if plan.series is None else (key, GroupKey(series))
    groups = None
    if plan.mode is not ChartMode.PAIRS:
        metrics = _metrics(plan, y)
        order = (GroupOrder("metric", len(metrics) - 1, Direction.DESC),)
        groups = AggregateQuery(keys, metrics, condition, None, order, MAX_GROUPS)
    fields = (x, y, series, *_filtered(condition))
    return BoundChart(
        plan=plan,
        columns_version=shape.columns_version,
        labels=(_label(x, plan.x), _label(y, plan.y), _label(series, plan.series)),
        x_family=key.family,
        groups=groups,
        pairs=PairsQuery(x, y, series, condition),
        ordered=plan.type is ChartType.LINE or key.family in _IN_ORDER,
        additive=plan.mode is ChartMode.GROUPS
        and not any(_is_volatile(each) for each in fields)
        and not _names_cells(condition),
    )


def _columns(plan: ChartPlan) -> tuple[str | None, str | None, str | None]:
    return plan.x, plan.y, plan.series


def _label(field: Field | None, name: str | None) -> str:
    return field.label if isinstance(field, Column) else name or ""


def _x_key(plan: ChartPlan, x: Field | None) -> GroupKey:
    if plan.mode is ChartMode.BINS:
        return GroupKey(x, bins=plan.bins)
    dated = x is not None and family_of(x) in _DATES
    return GroupKey(x, bucket=plan.bucket if dated else None)


def _metrics(plan: ChartPlan, y: Field | None) -> tuple[Metric, ...]:
    """The last one is what a group shows."""
    if plan.mode is ChartMode.BINS or plan.function is Function.COUNT:
        return (Metric(Function.COUNT),)
    counted = Metric(Function.COUNT, y, lenient=True)
    if plan.function is Function.AVG:
        return (
            counted,
            Metric(Function.SUM, y, lenient=True),
            Metric(Function.AVG, y, lenient=True),
        )
    return (counted, Metric(plan.function, y, lenient=True))


def _filtered(condition: Filter | None) -> Iterator[Field]:
    return (each.field for each in conditions(condition)) if condition is not None else iter(())


def _names_cells(condition: Filter | None) -> bool:
    """Images of rows do not tell where cells stood."""
    found = conditions(condition) if condition is not None else ()
    return any(isinstance(each, CellWhere) for each in found)


def _is_volatile(field: Field | None) -> bool:
    computation = field.computation if isinstance(field, Column) else None
    return computation is not None and computation.volatile
