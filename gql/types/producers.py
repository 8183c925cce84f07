"""Where the value of a cell comes from."""

from collections.abc import Mapping
from typing import Any

import strawberry

from gql.types.vocabulary import ProducerKind


@strawberry.type(description="Who or what made the value of a cell.")
class Producer:
    kind: ProducerKind = strawberry.field(description="Who or what it was.")
    actor: str | None = strawberry.field(
        description="Who wrote it or asked for it: the id of an API key, a trigger, or a name."
    )
    provider: str | None = strawberry.field(description="The provider that answered.")
    model: str | None = strawberry.field(description="The model that answered.")
    version: str | None = strawberry.field(description="The edition of the model or engine.")
    prompt_hash: str | None = strawberry.field(
        description="SHA-256 of what was asked, apart from the row."
    )
    cached: bool = strawberry.field(description="Whether an earlier answer was taken again.")

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> "Producer":
        return cls(
            kind=ProducerKind(stored["kind"]),
            actor=stored.get("actor"),
            provider=stored.get("provider"),
            model=stored.get("model"),
            version=stored.get("version"),
            prompt_hash=stored.get("prompt_hash"),
            cached=stored.get("cached", False),
        )


@strawberry.type(description="Where in the inputs a value was found.")
class Citation:
    column: str = strawberry.field(description="The key of the column.")
    text: str = strawberry.field(description="What stands there.")
    start: int = strawberry.field(description="Its first character, from 0.")
    end: int = strawberry.field(description="The character behind its last.")

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> "Citation":
        return cls(
            column=stored["column"], text=stored["text"], start=stored["start"], end=stored["end"]
        )
