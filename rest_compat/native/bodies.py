"""What our own endpoints take as JSON in the query, as types."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, model_validator

from domain.cell_filters import raw_cell
from domain.filters import MAX_SORTS, RawAll, RawAny, RawCondition, RawNot, RawSort, RawWhere


class _Given(BaseModel):
    model_config = ConfigDict(extra="forbid")


class ConditionGiven(_Given):
    """One comparison of a column with a value."""

    column: str = Field(description="The key of a column, or id, position, createdAt and so on.")
    operator: str = Field(description="How to compare, such as `eq`; in any case.")
    value: Any = Field(None, description="What to compare with.")


class FilterGiven(_Given):
    """Which rows are meant, as GraphQL's `RowFilter`: exactly one of the keys."""

    all: list["FilterGiven"] | None = Field(None, description="Every part must hold.")
    any: list["FilterGiven"] | None = Field(None, description="At least one part must hold.")
    not_: "FilterGiven | None" = Field(None, alias="not", description="The part must not hold.")
    where: ConditionGiven | None = Field(None, description="A comparison.")
    cell: dict[str, Any] | None = Field(
        None,
        description="A condition on a cell: column, and status, confidenceBelow, "
        "confidenceAtLeast or errorContains.",
    )

    @model_validator(mode="after")
    def _one_key(self) -> "FilterGiven":
        parts = (self.all, self.any, self.not_, self.where, self.cell)
        given = [part for part in parts if part is not None]
        if len(given) != 1 or len(self.model_fields_set) != 1:
            raise ValueError("exactly one of all, any, not, where and cell must be given")
        if self.cell is not None and raw_cell(self.cell) is None:
            raise ValueError("cell is an object with a column, and a list of texts as status")
        return self

    def raw(self) -> RawCondition:
        """The filter as the domain reads it. Columns and values are checked there."""
        if self.all is not None:
            return RawAll([part.raw() for part in self.all])
        if self.any is not None:
            return RawAny([part.raw() for part in self.any])
        if self.not_ is not None:
            return RawNot(self.not_.raw())
        if (cell := raw_cell(self.cell)) is not None:
            return cell
        if self.where is None:
            return RawAll(())
        where = self.where
        has_value = "value" in where.model_fields_set
        return RawWhere(where.column, where.operator.lower(), where.value, has_value)


class SortGiven(_Given):
    """One key of an order."""

    column: str = Field(description="The key of a column, or id, position, createdAt and so on.")
    direction: Literal["asc", "desc", "ASC", "DESC"] = Field("asc", description="Which way.")
    nulls: Literal["first", "last", "FIRST", "LAST"] | None = Field(
        None, description="Where empty cells stand: first when ascending, else last."
    )

    def raw(self) -> RawSort:
        """The key as the domain reads it."""
        return RawSort(self.column, self.direction.lower(), self.nulls and self.nulls.lower())


FILTER = TypeAdapter(FilterGiven)
SORT = TypeAdapter(Annotated[list[SortGiven], Field(max_length=MAX_SORTS)])
COLUMNS = TypeAdapter(Annotated[list[str], Field(min_length=1, max_length=500)])
