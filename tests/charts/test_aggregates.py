"""Groups and their figures: PostgreSQL against Python, on random rows and questions."""

import itertools
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain import aggregates, numbers, rows
from domain.aggregation import (
    Aggregate,
    Bucket,
    Function,
    RawAggregation,
    RawKey,
    RawMetric,
    RawOrder,
    bind_aggregation,
)
from domain.columns import ColumnType, NewColumn
from domain.filters import Direction, RawNot, RawWhere
from tests.worlds import World, open_world

COLUMNS = [
    NewColumn("word", "Word", ColumnType.TEXT),
    NewColumn("n", "N", ColumnType.NUMBER),
    NewColumn("m", "M", ColumnType.NUMBER),
    NewColumn("yes", "Yes", ColumnType.BOOLEAN),
    NewColumn("day", "Day", ColumnType.DATE),
    NewColumn("at", "At", ColumnType.DATETIME),
]
_NUMBERS = st.none() | st.sampled_from([0, -1, 5, 5.5, -5.5, 10, 1e30, -7, 0.1, 0.2, 999])
ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "word": st.none() | st.sampled_from(["a", "A", "é", "", " ", "b%", "😀", '"x\\']),
            "n": _NUMBERS,
            "m": _NUMBERS,
            "yes": st.none() | st.booleans(),
            "day": st.none()
            | st.sampled_from(
                ["0001-01-01", "2024-02-29", "2024-03-01", "2024-12-30", "9999-12-31"]
            ),
            "at": st.none()
            | st.sampled_from(
                ["2024-12-31T23:59:59.999Z", "2025-01-01T00:00:00Z", "1969-07-20T20:17Z"]
            ),
        }
    ),
    max_size=25,
)
KEYS = st.lists(
    st.sampled_from(
        [
            RawKey("word"),
            RawKey("n"),
            RawKey("yes"),
            RawKey("day"),
            RawKey("at"),
            RawKey("m", bin_width=3),
            RawKey("m", bin_width=Decimal("0.1")),
            *(RawKey("day", bucket) for bucket in Bucket),
            *(RawKey("at", bucket) for bucket in Bucket),
        ]
    ),
    max_size=3,
    unique_by=lambda key: key.column,
)
METRICS = st.lists(
    st.sampled_from(
        [
            RawMetric(Function.COUNT),
            *(RawMetric(Function.COUNT, name) for name in ("word", "n", "yes")),
            *(RawMetric(Function.COUNT_DISTINCT, name) for name in ("word", "n", "yes", "at")),
            RawMetric(Function.SUM, "n"),
            RawMetric(Function.AVG, "n"),
            *(RawMetric(Function.MIN, name) for name in ("word", "n", "day", "at")),
            *(RawMetric(Function.MAX, name) for name in ("word", "n", "day", "at")),
        ]
    ),
    min_size=1,
    max_size=5,
    unique_by=lambda metric: metric.told,
)


def _native(column: str, value: Any) -> Any:
    """A cell as Python compares it."""
    if value is None or (value == "" and column != "word"):
        return None
    match column:
        case "n" | "m":
            return Fraction(str(value))
        case "day":
            return date.fromisoformat(value)
        case "at":
            return datetime.fromisoformat(value).astimezone(UTC)
    return value


def _key(raw: RawKey, row: Mapping[str, Any]) -> Any:
    value = _native(raw.column, row[raw.column])
    if value is None:
        return None
    if raw.bin_width is not None:
        width = Fraction(str(raw.bin_width))
        return value // width * width
    if raw.bucket is None:
        return value
    day = value.date() if isinstance(value, datetime) else value
    match raw.bucket:
        case Bucket.DAY:
            return day
        case Bucket.WEEK:
            return day - timedelta(days=day.weekday())
        case Bucket.MONTH:
            return day.replace(day=1)
        case Bucket.QUARTER:
            return day.replace(month=(day.month - 1) // 3 * 3 + 1, day=1)
    return day.replace(month=1, day=1)


_FIGURES: dict[Function, Callable[[list[Any]], Any]] = {
    Function.COUNT: len,
    Function.COUNT_DISTINCT: lambda found: len(set(found)),
    Function.SUM: sum,
    Function.AVG: lambda found: sum(found) / len(found),
    Function.MIN: min,
    Function.MAX: max,
}


def _figure(raw: RawMetric, group: Sequence[Mapping[str, Any]]) -> Any:
    if raw.column is None:
        return len(group)
    values = [_native(raw.column, row[raw.column]) for row in group]
    found = [value for value in values if value is not None]
    if not found and raw.function not in (Function.COUNT, Function.COUNT_DISTINCT):
        return None
    return _FIGURES[raw.function](found)


def _last(value: Any) -> tuple[bool, Any]:
    return (value is None, 0 if value is None else value)


def expected(
    data: Sequence[Mapping[str, Any]], raw: RawAggregation
) -> tuple[list[tuple[list[Any], list[Any]]], tuple[int, list[Any]] | None]:
    """Groups in order, and the rest."""
    groups: dict[tuple[Any, ...], list[Mapping[str, Any]]] = {} if raw.keys else {(): []}
    for row in data:
        groups.setdefault(tuple(_key(key, row) for key in raw.keys), []).append(row)
    found = [(key, [_figure(each, group) for each in raw.metrics]) for key, group in groups.items()]
    found.sort(key=lambda group: [_last(key) for key in group[0]])
    names = [metric.told for metric in raw.metrics]
    for order in reversed(raw.order):
        place = names.index(order.by)
        some = [group for group in found if group[1][place] is not None]
        none = [group for group in found if group[1][place] is None]
        down = order.direction is Direction.DESC
        # A sort that keeps ties as they are, also downwards.
        some.sort(key=lambda group: group[1][place])
        if down:
            runs = itertools.groupby(some, key=lambda group: group[1][place])
            some = [one for run in reversed([list(run) for _, run in runs]) for one in run]
        found = some + none
    limit = raw.first or 1000
    left_out = [row for key, _ in found[limit:] for row in groups[key]]
    rest = None
    if found[limit:]:
        rest = (len(found) - limit, [_figure(each, left_out) for each in raw.metrics])
    return [(list(key), values) for key, values in found[:limit]], rest


def _read(value: Any, text: str | None) -> Any:
    """The JSON text in the form of the expected value."""
    if text is None:
        return None
    told = numbers.loads(text)
    if isinstance(value, datetime):
        return datetime.fromisoformat(told)
    if isinstance(value, date):
        return date.fromisoformat(told)
    if isinstance(value, Fraction):
        return Fraction(str(told))
    return told


def _agrees(value: Any, text: str | None, function: Function | None = None) -> bool:
    told = _read(value, text)
    if function is Function.AVG and value is not None:
        return bool(abs(told - value) <= abs(value) / 10**12)
    return bool(told == value) and (told is None) == (value is None)


def check(raw: RawAggregation, answer: Aggregate, data: Sequence[Mapping[str, Any]]) -> None:
    """The answer is what Python says."""
    groups, rest = expected(data, raw)
    assert len(answer.groups) == len(groups)
    for group, (keys, values) in zip(answer.groups, groups, strict=True):
        assert all(map(_agrees, keys, group.keys)), (keys, group)
        functions = [metric.function for metric in raw.metrics]
        assert all(map(_agrees, values, group.values, functions)), (values, group)
    assert (answer.rest is None) == (rest is None)
    if answer.rest is not None and rest is not None:
        assert answer.rest.groups == rest[0]
        functions = [metric.function for metric in raw.metrics]
        assert all(map(_agrees, rest[1], answer.rest.values, functions)), (rest, answer.rest)


@dataclass
class Bench:
    """A table whose rows a test replaces, on an event loop of its own for synchronous examples."""

    world: World
    table_id: UUID
    row_ids: Sequence[UUID] = ()

    async def fill(self, data: Sequence[Mapping[str, Any]]) -> None:
        """Replace all rows."""
        if self.row_ids:
            await rows.delete_rows(
                self.world.viewer, self.world.storage, self.table_id, self.row_ids
            )
        self.row_ids = await self.world.add(self.table_id, *data) if data else ()

    async def ask(self, raw: RawAggregation) -> Aggregate:
        """The answer to a question."""
        return await aggregates.aggregate_rows(
            self.world.viewer,
            self.world.storage,
            self.table_id,
            lambda shape: bind_aggregation(shape, raw),
        )


@pytest.fixture(scope="module")
async def bench(postgres_url: str) -> AsyncIterator[Bench]:
    async with open_world(postgres_url) as world:
        yield Bench(world, await world.table(*COLUMNS))


@given(
    data=ROWS,
    keys=KEYS,
    metrics=METRICS,
    first=st.none() | st.integers(1, 4),
    directions=st.lists(st.none() | st.sampled_from(list(Direction)), min_size=5, max_size=5),
)
async def test_groups_are_what_python_says(
    bench: Bench,
    data: list[dict[str, Any]],
    keys: list[RawKey],
    metrics: list[RawMetric],
    first: int | None,
    directions: list[Direction | None],
) -> None:
    order = [
        RawOrder(metric.told, direction)
        for metric, direction in zip(metrics, directions, strict=False)
        if metric.function is not Function.AVG and direction is not None
    ]
    raw = RawAggregation(keys, metrics, order=order, first=first)
    await bench.fill(data)
    check(raw, await bench.ask(raw), data)
    some = RawAggregation(
        keys, metrics, RawNot(RawWhere("yes", "eq", True)), order=order, first=first
    )
    kept = [row for row in data if row["yes"] is not True]
    check(some, await bench.ask(some), kept)
