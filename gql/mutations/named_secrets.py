"""Mutations on named secrets."""

from typing import Annotated

import strawberry

from domain import named_secrets
from domain.provider_records import SecretSet
from gql.context import Info
from gql.types.errors import EXPECTED, UserError, user_errors
from gql.types.providers import Secret


@strawberry.input(description="A secret to be stored.")
class SecretSetInput:
    name: str = strawberry.field(
        description="A letter and up to 63 more letters, digits, `_` and `-`. A secret of this "
        "name is replaced."
    )
    value: str = strawberry.field(
        description="1 to 8,192 printable ASCII characters. Nobody can read them again."
    )
    hosts: list[str] = strawberry.field(
        description="1 to 20 hosts that it may go to, without ports: `api.example.com`."
    )


@strawberry.input(description="A secret to be deleted.")
class SecretDeleteInput:
    name: str = strawberry.field(description="Its name.")


@strawberry.type(description="The answer of `secretSet`.")
class SecretSetPayload:
    secret: Secret | None = strawberry.field(description="The secret, without its value.")
    errors: list[UserError] = strawberry.field(description="Why it was not stored.")


@strawberry.type(description="The answer of `secretDelete`.")
class SecretDeletePayload:
    name: str | None = strawberry.field(description="The name of what was deleted.")
    errors: list[UserError] = strawberry.field(description="Why nothing was deleted.")


@strawberry.type
class SecretMutations:
    @strawberry.mutation(description="Store a secret for headers of HTTP tools. For admins.")
    async def secret_set(
        self,
        info: Info,
        input: Annotated[SecretSetInput, strawberry.argument(description="What to store.")],
    ) -> SecretSetPayload | None:
        command = SecretSet(input.name, input.value, input.hosts)
        try:
            stored = await named_secrets.set_secret(
                info.context.viewer, info.context.storage, command
            )
        except EXPECTED as error:
            return SecretSetPayload(secret=None, errors=user_errors(error))
        return SecretSetPayload(secret=Secret.of(stored), errors=[])

    @strawberry.mutation(description="Delete a secret; tools that name it fail. For admins.")
    async def secret_delete(
        self,
        info: Info,
        input: Annotated[SecretDeleteInput, strawberry.argument(description="Which one.")],
    ) -> SecretDeletePayload | None:
        context = info.context
        try:
            await named_secrets.delete_secret(context.viewer, context.storage, input.name)
        except EXPECTED as error:
            return SecretDeletePayload(name=None, errors=user_errors(error))
        return SecretDeletePayload(name=input.name, errors=[])
