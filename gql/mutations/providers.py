"""Mutations on providers of models."""

from decimal import Decimal
from typing import Annotated, Any

import strawberry

from domain import numbers, provider_records, providers
from domain.entities import UNSET
from domain.errors import ErrorCode, invalid
from domain.provider_records import ProviderCreate, ProviderSettings, ProviderUpdate
from gql.context import Info, given_id
from gql.scalars import JSON
from gql.types.errors import EXPECTED, UserError, user_errors
from gql.types.providers import Provider, ProviderCheck, ProviderKind

_PRICE = "US dollars for a million tokens, 0 to 10,000; both prices together."


@strawberry.input(description="A provider of models to be made.")
class ProviderCreateInput:
    name: str = strawberry.field(description="1 to 64 characters; `rules` is taken.")
    kind: ProviderKind = strawberry.field(description="The protocol that it speaks.")
    model: str = strawberry.field(description="The model that answers when a tool names none.")
    base_url: str | None = strawberry.field(
        default=None,
        description="Where it is, `https://host/v1` for example; without it the public service. "
        "Plain http and private addresses need `TABLECAST_EGRESS_ALLOW`.",
    )
    api_key: str | None = strawberry.field(
        default=None, description="Its key. Nobody can read it again."
    )
    is_default: bool = strawberry.field(
        default=False,
        description="Whether tools that name no provider use it. The first one always is.",
    )
    concurrency: int | None = strawberry.field(
        default=None, description="Requests at a time in one process: 1 to 256, 8 by default."
    )
    timeout_seconds: float | None = strawberry.field(
        default=None, description="How long one answer may take: 1 to 600 s, 60 by default."
    )
    input_price: JSON | None = strawberry.field(default=None, description=_PRICE)
    output_price: JSON | None = strawberry.field(default=None, description=_PRICE)
    max_output_tokens: int | None = strawberry.field(
        default=None, description="Tokens of an answer at most, unless the tool says: 1 to 100,000."
    )
    temperature: float | None = strawberry.field(
        default=None, description="0 to 2, unless the tool says."
    )


@strawberry.input(description="What to change of a provider. What is left out stays; null clears.")
class ProviderUpdateInput:
    provider_id: strawberry.ID = strawberry.field(description="The provider.")
    name: strawberry.Maybe[str] = strawberry.field(
        description="1 to 64 characters. Tools that use the old name fail."
    )
    model: strawberry.Maybe[str] = strawberry.field(
        description="The model that answers when a tool names none."
    )
    base_url: strawberry.Maybe[str | None] = strawberry.field(
        description="Where it is. Another one needs `apiKey` too."
    )
    api_key: strawberry.Maybe[str | None] = strawberry.field(
        description="A new key; null forgets the stored one."
    )
    is_default: strawberry.Maybe[bool] = strawberry.field(
        description="Whether tools that name no provider use it; true takes it from the others."
    )
    concurrency: strawberry.Maybe[int | None] = strawberry.field(
        description="Requests at a time in one process: 1 to 256."
    )
    timeout_seconds: strawberry.Maybe[float | None] = strawberry.field(
        description="How long one answer may take: 1 to 600 seconds."
    )
    input_price: strawberry.Maybe[JSON | None] = strawberry.field(description=_PRICE)
    output_price: strawberry.Maybe[JSON | None] = strawberry.field(description=_PRICE)
    max_output_tokens: strawberry.Maybe[int | None] = strawberry.field(
        description="Tokens of an answer at most, unless the tool says: 1 to 100,000."
    )
    temperature: strawberry.Maybe[float | None] = strawberry.field(
        description="0 to 2, unless the tool says."
    )


@strawberry.input(description="A provider to be deleted.")
class ProviderDeleteInput:
    provider_id: strawberry.ID = strawberry.field(description="The provider.")


@strawberry.input(description="A provider to be asked one small question.")
class ProviderTestInput:
    provider_id: strawberry.ID = strawberry.field(description="The provider.")


@strawberry.type(
    description="The answer of `providerCreate`, `providerUpdate` and `providerDelete`."
)
class ProviderPayload:
    provider: Provider | None = strawberry.field(
        description="The provider after the change, or as it was before it was deleted."
    )
    errors: list[UserError] = strawberry.field(description="Why nothing was changed.")


@strawberry.type(description="The answer of `providerTest`.")
class ProviderTestPayload:
    check: ProviderCheck | None = strawberry.field(description="What came of it.")
    errors: list[UserError] = strawberry.field(description="Why nothing was asked.")


@strawberry.type
class ProviderMutations:
    @strawberry.mutation(description="Make a provider of models. For admins.")
    async def provider_create(
        self,
        info: Info,
        input: Annotated[ProviderCreateInput, strawberry.argument(description="What to make.")],
    ) -> ProviderPayload | None:
        context = info.context
        try:
            made = await providers.create_provider(
                context.viewer, context.storage, _create_command(input)
            )
        except EXPECTED as error:
            return ProviderPayload(provider=None, errors=user_errors(error))
        return ProviderPayload(provider=Provider.of(made), errors=[])

    @strawberry.mutation(description="Change a provider of models. For admins.")
    async def provider_update(
        self,
        info: Info,
        input: Annotated[ProviderUpdateInput, strawberry.argument(description="What to change.")],
    ) -> ProviderPayload | None:
        context, provider_id = info.context, given_id(input.provider_id)
        try:
            changed = await providers.update_provider(
                context.viewer, context.storage, provider_id, _update_command(input)
            )
        except EXPECTED as error:
            return ProviderPayload(provider=None, errors=user_errors(error))
        return ProviderPayload(provider=Provider.of(changed), errors=[])

    @strawberry.mutation(description="Delete a provider of models with its key. For admins.")
    async def provider_delete(
        self,
        info: Info,
        input: Annotated[ProviderDeleteInput, strawberry.argument(description="Which one.")],
    ) -> ProviderPayload | None:
        context, provider_id = info.context, given_id(input.provider_id)
        try:
            gone = await providers.delete_provider(context.viewer, context.storage, provider_id)
        except EXPECTED as error:
            return ProviderPayload(provider=None, errors=user_errors(error))
        return ProviderPayload(provider=Provider.of(gone), errors=[])

    @strawberry.mutation(
        description="Ask a provider's model one small question, which costs a few tokens. For "
        "admins."
    )
    async def provider_test(
        self,
        info: Info,
        input: Annotated[ProviderTestInput, strawberry.argument(description="Which one.")],
    ) -> ProviderTestPayload | None:
        context, provider_id = info.context, given_id(input.provider_id)
        try:
            check = await providers.check_provider(
                context.viewer, context.storage, context.engines.providers, provider_id
            )
        except EXPECTED as error:
            return ProviderTestPayload(check=None, errors=user_errors(error))
        return ProviderTestPayload(check=ProviderCheck.of(check), errors=[])


def _create_command(input: ProviderCreateInput) -> ProviderCreate:
    names = ("concurrency", "timeout_seconds", "max_output_tokens", "temperature")
    given = {name: getattr(input, name) for name in names}
    settings: dict[str, Any] = {name: each for name, each in given.items() if each is not None}
    for name, label in (("input_price", "inputPrice"), ("output_price", "outputPrice")):
        settings[name] = _price(getattr(input, name), label)
    return ProviderCreate(
        name=input.name,
        kind=provider_records.ProviderKind(input.kind.value),
        model=input.model,
        base_url=input.base_url,
        api_key=input.api_key,
        settings=ProviderSettings(**settings),
        is_default=input.is_default,
    )


def _update_command(input: ProviderUpdateInput) -> ProviderUpdate:
    def given(name: str) -> Any:
        maybe = getattr(input, name)
        return UNSET if maybe is None else maybe.value

    names = [name for name in ProviderUpdate.__slots__ if not name.endswith("_price")]
    prices: dict[str, Any] = {}
    for name, label in (("input_price", "inputPrice"), ("output_price", "outputPrice")):
        price = given(name)
        prices[name] = price if price is UNSET else _price(price, label)
    return ProviderUpdate(**{name: given(name) for name in names}, **prices)


def _price(given: Any, label: str) -> Decimal | None:
    if given is None:
        return None
    if isinstance(given, bool) or not isinstance(given, int | float | Decimal):
        raise invalid(ErrorCode.INVALID_TYPE, f"{label} must be a number", label)
    return Decimal(numbers.text(given))
