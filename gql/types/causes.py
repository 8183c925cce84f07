"""What brings changes about."""

from collections.abc import Mapping
from typing import Any

import strawberry

from gql.types.vocabulary import ChangeCauseKind


@strawberry.type(description="What brought a change about.")
class ChangeCause:
    kind: ChangeCauseKind = strawberry.field(description="What kind of work it was.")
    id: strawberry.ID | None = strawberry.field(description="Which one, such as an import's id.")
    table_id: strawberry.ID | None = strawberry.field(
        description="The table of the change that this one follows from; null for others."
    )
    revision: int | None = strawberry.field(description="The revision of that change.")

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> "ChangeCause":
        """The cause that the log tells of."""
        return cls(
            kind=ChangeCauseKind(told["kind"]),
            id=strawberry.ID(told["id"]) if told.get("id") else None,
            table_id=strawberry.ID(told["table"]) if told.get("table") else None,
            revision=told.get("revision"),
        )
