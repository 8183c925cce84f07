"""Sessions: named groups of rows."""

from datetime import datetime

import strawberry

from domain import entities


@strawberry.type(description="A named group of rows of one table.")
class Session:
    id: strawberry.ID = strawberry.field(description="The id of the session.")
    name: str = strawberry.field(description="1 to 256 characters.")
    created_at: datetime = strawberry.field(description="When it was made.")
    updated_at: datetime = strawberry.field(description="When it was last changed.")

    @classmethod
    def of(cls, session: entities.Session) -> "Session":
        return cls(
            id=strawberry.ID(str(session.id)),
            name=session.name,
            created_at=session.created_at,
            updated_at=session.updated_at,
        )
