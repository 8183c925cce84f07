"""API keys, without their secrets."""

from datetime import datetime

import strawberry

from domain import access, entities
from gql.types.vocabulary import Role


@strawberry.type(description="The projects and tables that a key reaches.")
class KeyScope:
    project_ids: list[strawberry.ID] = strawberry.field(
        description="Projects with all of their tables, new ones too."
    )
    table_ids: list[strawberry.ID] = strawberry.field(description="Tables.")

    @classmethod
    def of(cls, scope: access.Scope) -> "KeyScope":
        return cls(
            project_ids=[strawberry.ID(str(each)) for each in sorted(scope.project_ids)],
            table_ids=[strawberry.ID(str(each)) for each in sorted(scope.table_ids)],
        )


@strawberry.type(description="An API key. The key itself is shown once, when it is made.")
class ApiKey:
    id: strawberry.ID = strawberry.field(description="The id, which the log names as actor.")
    name: str = strawberry.field(description="1 to 256 characters.")
    prefix: str = strawberry.field(description="The visible start of the key.")
    role: Role = strawberry.field(description="What it may do.")
    expires_at: datetime | None = strawberry.field(description="When it stops working by itself.")
    last_used_at: datetime | None = strawberry.field(
        description="When it was last used, to about a minute."
    )
    revoked_at: datetime | None = strawberry.field(description="When it was revoked.")
    scope: KeyScope | None = strawberry.field(
        description="What it reaches; null for the whole organisation."
    )
    created_by: str = strawberry.field(description="Who made it: the id of a key, or a name.")
    created_at: datetime = strawberry.field(description="When it was made.")

    @classmethod
    def of(cls, key: entities.ApiKey) -> "ApiKey":
        return cls(
            id=strawberry.ID(str(key.id)),
            name=key.name,
            prefix=key.prefix,
            role=Role(key.role.value),
            expires_at=key.expires_at,
            last_used_at=key.last_used_at,
            revoked_at=key.revoked_at,
            scope=KeyScope.of(key.scope) if key.scope else None,
            created_by=key.created_by,
            created_at=key.created_at,
        )
