"""What a change of a column's type would keep and lose."""

import orjson
import strawberry

from domain import column_type_records as records
from gql.scalars import JSON


@strawberry.type(description="A value that the new type does not take.")
class LostValue:
    row_id: strawberry.ID = strawberry.field(description="The row that holds it.")
    value: JSON = strawberry.field(description="The value as it is now.")
    reason: str = strawberry.field(description="Why the new type does not take it.")


@strawberry.type(description="What a change of a column's type would do.")
class ColumnTypePreview:
    value_count: int = strawberry.field(description="How many cells of the column hold a value.")
    convertible_count: int = strawberry.field(description="How many of them keep it.")
    lost_count: int = strawberry.field(description="How many would become empty.")
    samples: list[LostValue] = strawberry.field(
        description="The first 20 values that would be lost, in the order of the rows."
    )

    @classmethod
    def of(cls, preview: records.ColumnTypePreview) -> "ColumnTypePreview":
        return cls(
            value_count=preview.values,
            convertible_count=preview.convertible,
            lost_count=preview.lost,
            samples=[
                LostValue(
                    row_id=strawberry.ID(str(each.row_id)),
                    value=JSON(orjson.Fragment(each.json)),
                    reason=each.reason,
                )
                for each in preview.samples
            ],
        )
