"""Providers of models and named secrets, as records. None of them ever holds a secret: those stand
sealed in storage, and only what sends them may open them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, Protocol
from uuid import UUID

from domain.entities import UNSET, Unset
from domain.tool_records import Usage

#: Always means the engine that works by rules; no provider can have this name.
RULES = "rules"


class ProviderKind(StrEnum):
    """The protocols that providers speak. Most servers of others speak OpenAI's."""

    OPENAI = "openai"
    ANTHROPIC = "anthropic"
    GOOGLE = "google"


@dataclass(frozen=True, slots=True)
class ProviderSettings:
    """How a provider is used. `concurrency` counts requests at a time in one process. Prices are in
    US dollars for a million tokens; without them a list of known prices is asked."""

    concurrency: int = 8
    timeout_seconds: float = 60
    input_price: Decimal | None = None
    output_price: Decimal | None = None
    max_output_tokens: int | None = None
    temperature: float | None = None


@dataclass(frozen=True, slots=True)
class Provider:
    """Who runs models. `base_url` None means the public service of its kind; viewers that may not
    see it get None too."""

    id: UUID
    organization_id: UUID
    name: str
    kind: ProviderKind
    base_url: str | None
    model: str
    settings: ProviderSettings
    is_default: bool
    has_key: bool
    created_by: str
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class ProviderCreate:
    """A provider to be made. The first one of an organisation becomes its default one."""

    name: str
    kind: ProviderKind
    model: str
    base_url: str | None = None
    api_key: str | None = field(default=None, repr=False)
    settings: ProviderSettings = ProviderSettings()
    is_default: bool = False


@dataclass(frozen=True, slots=True)
class ProviderUpdate:
    """What to change; `UNSET` leaves a field, None clears it where that is allowed: numbers go
    back to their defaults."""

    name: str | Unset | None = UNSET
    base_url: str | Unset | None = UNSET
    api_key: str | Unset | None = field(default=UNSET, repr=False)
    model: str | Unset | None = UNSET
    is_default: bool | Unset | None = UNSET
    concurrency: int | Unset | None = UNSET
    timeout_seconds: float | Unset | None = UNSET
    input_price: Decimal | Unset | None = UNSET
    output_price: Decimal | Unset | None = UNSET
    max_output_tokens: int | Unset | None = UNSET
    temperature: float | Unset | None = UNSET

    def given(self) -> dict[str, Any]:
        """The fields that are set, by name."""
        fields = ((name, getattr(self, name)) for name in self.__slots__)
        return {name: value for name, value in fields if value is not UNSET}


@dataclass(frozen=True, slots=True)
class OpenProvider:
    """A provider with its key, for what sends requests to it."""

    provider: Provider
    api_key: str | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class ProviderCheck:
    """What came of asking a provider's model one small question. `model` is what it calls
    itself."""

    model: str | None
    milliseconds: int
    usage: Usage = field(default_factory=Usage)
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Secret:
    """A named secret without its value. It goes to `hosts` and nowhere else."""

    name: str
    hosts: Sequence[str]
    created_by: str
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class SecretSet:
    """A secret to be stored, over one of the same name."""

    name: str
    value: str = field(repr=False)
    hosts: Sequence[str]


class ProviderStore(Protocol):
    async def list_all(self, organization_id: UUID) -> list[Provider]:
        """By name."""

    async def get(self, organization_id: UUID, provider_id: UUID) -> Provider | None: ...

    async def create(
        self, organization_id: UUID, actor: str, command: ProviderCreate
    ) -> Provider | None:
        """None when the name is taken."""

    async def update(
        self, organization_id: UUID, actor: str, provider_id: UUID, command: ProviderUpdate
    ) -> Provider | None:
        """None when it is gone. Raises `Invalid` when the name is taken, or the stored key would
        go to another address."""

    async def delete(self, organization_id: UUID, actor: str, provider_id: UUID) -> bool:
        """False when it was gone."""

    async def opened(self, organization_id: UUID, name: str | None) -> OpenProvider | None:
        """The provider of this name, or the default one, with its key. Raises `SecretLost`."""


class SecretStore(Protocol):
    async def list_all(self, organization_id: UUID) -> list[Secret]:
        """By name."""

    async def set(self, organization_id: UUID, actor: str, command: SecretSet) -> Secret: ...

    async def delete(self, organization_id: UUID, actor: str, name: str) -> bool:
        """False when there was none."""

    async def read(self, organization_id: UUID, name: str, host: str) -> str:
        """The value, for a request to `host`. Raises `NotFound` when there is no such secret,
        `Conflict` when it is not for this host, and `SecretLost`."""


class SecretReader(Protocol):
    """Opens secrets for requests: the part of `SecretStore` that engines need."""

    async def read(self, organization_id: UUID, name: str, host: str) -> str: ...


class ProviderTester(Protocol):
    """Asks a provider's model one small question."""

    async def check(self, organization_id: UUID, name: str) -> ProviderCheck: ...
