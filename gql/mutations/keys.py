"""Mutations on API keys."""

from datetime import datetime
from typing import Annotated

import strawberry

from domain import access, keys
from domain.keys import ApiKeyCreate
from gql.context import Info, given_id
from gql.types.errors import EXPECTED, UserError, user_errors
from gql.types.keys import ApiKey
from gql.types.vocabulary import Role


@strawberry.input(description="What a key shall reach: at most 100 projects and tables in all.")
class KeyScopeInput:
    project_ids: list[strawberry.ID] = strawberry.field(
        default_factory=list, description="Projects with all of their tables, new ones too."
    )
    table_ids: list[strawberry.ID] = strawberry.field(default_factory=list, description="Tables.")


@strawberry.input(description="An API key to be made.")
class ApiKeyCreateInput:
    name: str = strawberry.field(description="1 to 256 characters.")
    role: Role = strawberry.field(description="What it may do.")
    expires_at: datetime | None = strawberry.field(
        default=None, description="When it stops working by itself; in the future."
    )
    scope: KeyScopeInput | None = strawberry.field(
        default=None,
        description="What it shall reach; without it the whole organisation. Not for admins.",
    )


@strawberry.input(description="An API key to be revoked.")
class ApiKeyRevokeInput:
    api_key_id: strawberry.ID = strawberry.field(description="The key's id.")


@strawberry.type(description="The answer of `apiKeyCreate`.")
class ApiKeyCreatePayload:
    api_key: ApiKey | None = strawberry.field(description="The new key.")
    secret: str | None = strawberry.field(
        description="The key itself. It is shown here and never again."
    )
    errors: list[UserError] = strawberry.field(description="Why there is none.")


@strawberry.type(description="The answer of `apiKeyRevoke`.")
class ApiKeyRevokePayload:
    api_key: ApiKey | None = strawberry.field(description="The key, revoked.")
    errors: list[UserError] = strawberry.field(description="Why it still works.")


@strawberry.type
class KeyMutations:
    @strawberry.mutation(description="Make an API key. For admins.")
    async def api_key_create(
        self,
        info: Info,
        input: Annotated[ApiKeyCreateInput, strawberry.argument(description="What to make.")],
    ) -> ApiKeyCreatePayload | None:
        command = ApiKeyCreate(
            input.name, access.Role(input.role.value), input.expires_at, _scope(input.scope)
        )
        try:
            made = await keys.create_key(info.context.viewer, info.context.storage, command)
        except EXPECTED as error:
            return ApiKeyCreatePayload(api_key=None, secret=None, errors=user_errors(error))
        return ApiKeyCreatePayload(api_key=ApiKey.of(made.key), secret=made.secret, errors=[])

    @strawberry.mutation(
        description="Stop an API key for ever; what it has open ends within 2 seconds. For admins."
    )
    async def api_key_revoke(
        self,
        info: Info,
        input: Annotated[ApiKeyRevokeInput, strawberry.argument(description="Which one.")],
    ) -> ApiKeyRevokePayload | None:
        key_id = given_id(input.api_key_id)
        try:
            key = await keys.revoke_key(info.context.viewer, info.context.storage, key_id)
        except EXPECTED as error:
            return ApiKeyRevokePayload(api_key=None, errors=user_errors(error))
        return ApiKeyRevokePayload(api_key=ApiKey.of(key), errors=[])


def _scope(given: KeyScopeInput | None) -> access.Scope | None:
    if given is None:
        return None
    return access.Scope(
        frozenset(given_id(each, index) for index, each in enumerate(given.project_ids)),
        frozenset(given_id(each, index) for index, each in enumerate(given.table_ids)),
    )
