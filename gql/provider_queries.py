"""Queries of providers and named secrets."""

from typing import Annotated

import strawberry

from domain import named_secrets, providers
from domain.errors import NotFound
from gql.context import Info
from gql.types.providers import Provider, Secret


@strawberry.type
class ProviderQueries:
    @strawberry.field(description="Every provider of models, by name.")
    async def providers(self, info: Info) -> list[Provider]:
        context = info.context
        found = await providers.list_providers(context.viewer, context.storage)
        return [Provider.of(provider) for provider in found]

    @strawberry.field(description="A provider of models by its name.")
    async def provider(
        self,
        info: Info,
        name: Annotated[str, strawberry.argument(description="Its name; null for one unknown.")],
    ) -> Provider | None:
        context = info.context
        try:
            found = await providers.get_provider(context.viewer, context.storage, name)
        except NotFound:
            return None
        return Provider.of(found)

    @strawberry.field(description="Every named secret, by name, without its value. For editors.")
    async def secrets(self, info: Info) -> list[Secret]:
        context = info.context
        found = await named_secrets.list_secrets(context.viewer, context.storage)
        return [Secret.of(secret) for secret in found]
