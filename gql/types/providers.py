"""Providers of models and named secrets. What is secret in them is written and never read."""

from datetime import datetime
from decimal import Decimal
from enum import Enum
from typing import Any

import strawberry

from domain import provider_records
from gql.scalars import JSON


def _word(value: str, description: str) -> Any:
    return strawberry.enum_value(value, description=description)


@strawberry.enum(description="The protocols that providers of models speak.")
class ProviderKind(Enum):
    OPENAI = _word(
        "openai", "OpenAI's chat completions: OpenAI, Ollama, vLLM, llama.cpp and many others."
    )
    ANTHROPIC = _word("anthropic", "Anthropic's messages.")
    GOOGLE = _word("google", "Google's Gemini API.")


@strawberry.type(description="How a provider is used.")
class ProviderSettings:
    concurrency: int = strawberry.field(
        description="Requests at a time in one process, at most; 1 to 256."
    )
    timeout_seconds: float = strawberry.field(
        description="How long one answer may take; 1 to 600 seconds."
    )
    input_price: JSON | None = strawberry.field(
        description="US dollars for a million tokens of questions, as an exact number; null: the "
        "price that is publicly known, if one is."
    )
    output_price: JSON | None = strawberry.field(
        description="US dollars for a million tokens of answers, as an exact number."
    )
    max_output_tokens: int | None = strawberry.field(
        description="Tokens that an answer may have when the column's tool does not say."
    )
    temperature: float | None = strawberry.field(
        description="From 0, the same answer each time, to 2, when the column's tool does not say."
    )


@strawberry.type(description="Who runs the models that fill cells. Its key is never shown.")
class Provider:
    id: strawberry.ID = strawberry.field(description="The id of the provider.")
    name: str = strawberry.field(description="What tools call it; unique in the organisation.")
    kind: ProviderKind = strawberry.field(description="The protocol that it speaks.")
    base_url: str | None = strawberry.field(
        description="Where it is; null for the public service of its kind, and for all but admins."
    )
    model: str = strawberry.field(description="The model that answers when a tool names none.")
    settings: ProviderSettings = strawberry.field(description="How it is used.")
    is_default: bool = strawberry.field(description="Whether tools that name none use this one.")
    has_key: bool = strawberry.field(description="Whether a key is stored.")
    created_by: str = strawberry.field(description="Who made it: the id of a key, or a name.")
    created_at: datetime = strawberry.field(description="When it was made.")
    updated_at: datetime = strawberry.field(description="When it was last changed.")

    @classmethod
    def of(cls, provider: provider_records.Provider) -> "Provider":
        given = provider.settings
        return cls(
            id=strawberry.ID(str(provider.id)),
            name=provider.name,
            kind=ProviderKind(provider.kind.value),
            base_url=provider.base_url,
            model=provider.model,
            settings=ProviderSettings(
                concurrency=given.concurrency,
                timeout_seconds=given.timeout_seconds,
                input_price=_price(given.input_price),
                output_price=_price(given.output_price),
                max_output_tokens=given.max_output_tokens,
                temperature=given.temperature,
            ),
            is_default=provider.is_default,
            has_key=provider.has_key,
            created_by=provider.created_by,
            created_at=provider.created_at,
            updated_at=provider.updated_at,
        )


@strawberry.type(description="What came of asking a provider's model one small question.")
class ProviderCheck:
    ok: bool = strawberry.field(description="Whether an answer came.")
    error: str | None = strawberry.field(description="Why none came, for people.")
    model: str | None = strawberry.field(description="What the model that answered calls itself.")
    milliseconds: int = strawberry.field(description="How long it took.")
    input_tokens: int = strawberry.field(description="What the question took.")
    output_tokens: int = strawberry.field(description="What the answer took.")

    @classmethod
    def of(cls, check: provider_records.ProviderCheck) -> "ProviderCheck":
        return cls(
            ok=check.error is None,
            error=check.error,
            model=check.model,
            milliseconds=check.milliseconds,
            input_tokens=check.usage.input_tokens,
            output_tokens=check.usage.output_tokens,
        )


@strawberry.type(description="A secret for headers of HTTP tools. Its value is never shown.")
class Secret:
    name: str = strawberry.field(description="What tools write: `{{secret.NAME}}`.")
    hosts: list[str] = strawberry.field(description="The hosts that it goes to.")
    created_by: str = strawberry.field(description="Who made it: the id of a key, or a name.")
    created_at: datetime = strawberry.field(description="When it was first stored.")
    updated_at: datetime = strawberry.field(description="When its value was last given.")

    @classmethod
    def of(cls, secret: provider_records.Secret) -> "Secret":
        return cls(
            name=secret.name,
            hosts=list(secret.hosts),
            created_by=secret.created_by,
            created_at=secret.created_at,
            updated_at=secret.updated_at,
        )


def _price(price: Decimal | None) -> JSON | None:
    return None if price is None else JSON(price)
