"""Filters and sorts as inputs, and their way to the domain's trees."""

import strawberry

from domain import filters
from domain.filters import RawAll, RawAny, RawCell, RawCondition, RawNot, RawSort, RawWhere
from gql.scalars import JSON
from gql.types.vocabulary import CellStatus, FilterOperator, NullsOrder, SortDirection


@strawberry.input(description="One comparison of a column with a value.")
class RowConditionInput:
    column: str = strawberry.field(
        description="The key of a column, or id, position, createdAt, updatedAt, createdBy."
    )
    operator: FilterOperator = strawberry.field(description="How to compare.")
    value: strawberry.Maybe[JSON | None] = strawberry.field(
        description="What to compare with: a value of the column's type, for IN a list of at most "
        "10,000. IS_EMPTY and IS_NOT_EMPTY take none."
    )


@strawberry.input(
    description="A condition on the cells of a column: all that is given must hold. It is decided "
    "on rows as they are now, so subscriptions, triggers, webhooks and the past refuse it."
)
class CellConditionInput:
    column: str = strawberry.field(description="The key of a column.")
    status: list[CellStatus] | None = strawberry.field(
        default=None, description="The cell stands at one of these."
    )
    confidence_below: float | None = strawberry.field(
        default=None, description="Its tool was less sure than this, 0 to 1."
    )
    confidence_at_least: float | None = strawberry.field(
        default=None, description="Its tool was as sure as this, 0 to 1."
    )
    error_contains: str | None = strawberry.field(
        default=None, description="Its error has this text, in any case, taken literally."
    )


@strawberry.input(
    one_of=True,
    description="Which rows are meant: exactly one of the fields. Nests at most 10 deep, with at "
    "most 200 comparisons.",
)
class RowFilter:
    all: strawberry.Maybe[list["RowFilter"]] = strawberry.field(description="Every part must hold.")
    any: strawberry.Maybe[list["RowFilter"]] = strawberry.field(
        description="At least one part must hold."
    )
    not_: strawberry.Maybe["RowFilter"] = strawberry.field(
        name="not", description="The part must not hold."
    )
    where: strawberry.Maybe[RowConditionInput] = strawberry.field(description="A comparison.")
    cell: strawberry.Maybe[CellConditionInput] = strawberry.field(
        description="A condition on a cell: its status, its confidence, its error."
    )


@strawberry.input(description="One key of a sort. Ties are ordered by position.")
class RowSortInput:
    column: str = strawberry.field(
        description="The key of a column, or id, position, createdAt, updatedAt, createdBy."
    )
    direction: SortDirection = strawberry.field(default=SortDirection.ASC, description="Which way.")
    nulls: NullsOrder | None = strawberry.field(
        default=None,
        description="Where empty cells stand; without it first when ascending, else last.",
    )


def raw_filter(given: RowFilter) -> RawCondition:
    """The filter as the domain reads it. Columns and values are checked there."""
    if given.all is not None:
        return RawAll([raw_filter(part) for part in given.all.value])
    if given.any is not None:
        return RawAny([raw_filter(part) for part in given.any.value])
    if given.not_ is not None:
        return RawNot(raw_filter(given.not_.value))
    if given.cell is not None:
        return _raw_cell(given.cell.value)
    if given.where is None:
        return RawAll(())
    where = given.where.value
    has_value = where.value is not None
    value = where.value.value if where.value is not None else None
    return RawWhere(where.column, str(where.operator.value), value, has_value)


def _raw_cell(given: CellConditionInput) -> RawCell:
    return RawCell(
        given.column,
        None if given.status is None else [str(each.value) for each in given.status],
        given.confidence_below,
        given.confidence_at_least,
        given.error_contains,
    )


def raw_sorts(given: list[RowSortInput] | None) -> list[RawSort]:
    """The sort keys as the domain reads them."""
    return [
        RawSort(
            key.column,
            filters.Direction(key.direction.value),
            filters.Nulls(key.nulls.value) if key.nulls else None,
        )
        for key in given or ()
    ]
