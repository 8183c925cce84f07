"""Aggregates: groups of rows with figures for each."""

from collections.abc import Sequence
from typing import Any

import orjson
import strawberry

from domain import aggregation
from domain.aggregation import Bucket, Function, RawAggregation, RawKey, RawMetric, RawOrder
from domain.filters import Direction
from gql.scalars import JSON
from gql.types.filters import RowFilter, raw_filter
from gql.types.vocabulary import AggregateFunction, DateBucket, SortDirection


@strawberry.input(description="A column to group by. At most one of the others may be given.")
class GroupByInput:
    column: str = strawberry.field(
        description="The key of a column, or id, position, createdAt, updatedAt, createdBy."
    )
    bucket: DateBucket | None = strawberry.field(
        default=None, description="Dates and datetimes: the stretches of time to gather them in."
    )
    bin_width: JSON | None = strawberry.field(
        default=None, description="Numbers: the width of the bins to put them in, above 0."
    )
    bins: int | None = strawberry.field(
        default=None,
        description="Numbers: about how many bins to put them in, 1 to 1,000. Their width is 1, 2 "
        "or 5 times a power of ten.",
    )


@strawberry.input(description="A figure for each group.")
class MetricInput:
    function: AggregateFunction = strawberry.field(description="What to say about the values.")
    column: str | None = strawberry.field(
        default=None, description="Whose values; COUNT does without."
    )
    as_: str | None = strawberry.field(
        name="as",
        default=None,
        description="Its name in `values`; without it `count`, or `<function>_<column>`.",
    )


@strawberry.input(description="One key of the order of groups. Ties are ordered by the keys.")
class GroupOrderInput:
    by: str = strawberry.field(description="The name of a metric, or a column that is grouped by.")
    direction: SortDirection = strawberry.field(default=SortDirection.ASC, description="Which way.")


@strawberry.type(description="A group of rows.")
class AggregateGroup:
    keys: list[JSON | None] = strawberry.field(
        description="What its rows have in common, in the order of `groupBy`; null for no value. A "
        "bin is named by its lower edge. Of long texts the first 1,000 characters."
    )
    values: JSON = strawberry.field(description="Its figures by name; null where it has no value.")


@strawberry.type(description="The groups that were left out, taken as one.")
class AggregateRest:
    groups: int = strawberry.field(description="How many there are.")
    values: JSON = strawberry.field(description="Their figures by name, over all their rows.")


@strawberry.type(description="Groups of rows and their figures, all of one moment.")
class Aggregate:
    revision: int = strawberry.field(description="The table's revision of that moment.")
    groups: list[AggregateGroup] = strawberry.field(
        description="The first groups; without `groupBy` exactly one."
    )
    rest: AggregateRest | None = strawberry.field(
        description="All other groups; null when there are none."
    )
    bin_widths: list[JSON | None] = strawberry.field(
        description="The width of the bins of each key, null for a key without bins."
    )

    @classmethod
    def of(cls, found: aggregation.Aggregate, names: Sequence[str]) -> "Aggregate":
        rest = None
        if found.rest is not None:
            values = _values(names, found.rest.values)
            rest = AggregateRest(groups=found.rest.groups, values=values)
        return cls(
            revision=found.revision,
            groups=[
                AggregateGroup(keys=_texts(group.keys), values=_values(names, group.values))
                for group in found.groups
            ],
            rest=rest,
            bin_widths=_texts(found.widths),
        )


def _texts(texts: Sequence[str | None]) -> list[Any]:
    """JSON texts that go into the response as they are."""
    return [None if text is None else orjson.Fragment(text) for text in texts]


def _values(names: Sequence[str], texts: Sequence[str | None]) -> JSON:
    found: Any = dict(zip(names, _texts(texts), strict=True))
    return JSON(found)


def raw_aggregation(
    group_by: Sequence[GroupByInput],
    metrics: Sequence[MetricInput],
    filter: RowFilter | None,
    search: str | None,
    order: Sequence[GroupOrderInput],
    first: int | None,
) -> RawAggregation:
    """The question as the domain reads it. Columns and bounds are checked there."""
    return RawAggregation(
        keys=[
            RawKey(
                each.column,
                Bucket(each.bucket.value) if each.bucket else None,
                each.bin_width,
                each.bins,
            )
            for each in group_by
        ],
        metrics=[
            RawMetric(Function(each.function.value), each.column, each.as_) for each in metrics
        ],
        filter=raw_filter(filter) if filter else None,
        search=search,
        order=[RawOrder(each.by, Direction(each.direction.value)) for each in order],
        first=first,
    )
