"""What everything with an id has in common."""

import strawberry


@strawberry.interface(description="Something with an id. `node(id)` finds it again.")
class Node:
    id: strawberry.ID = strawberry.field(
        description="The one id of this thing: the same in GraphQL, REST and logs. Opaque."
    )
