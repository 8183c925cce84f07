"""Where the value of a cell comes from."""

from collections.abc import Mapping
from typing import Any

import strawberry

from domain import tool_records
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


@strawberry.type(
    description="Where a value was found: in the text of an input, or on a page of a file, or both."
)
class Citation:
    column: str | None = strawberry.field(
        description="The key of the column, for what a tool found in the row."
    )
    text: str = strawberry.field(description="What stands there.")
    start: int | None = strawberry.field(
        description="Its first character in the column's text, from 0; in a file column, in the "
        "text of the document."
    )
    end: int | None = strawberry.field(description="The character behind its last.")
    file_id: strawberry.ID | None = strawberry.field(
        description="The file, for what stands in a document."
    )
    page: int | None = strawberry.field(description="The page of the file, from 1.")
    box: list[float] | None = strawberry.field(
        description="Where on the page: left, top, right and bottom in points, 72 to the inch, "
        "from the top left corner."
    )

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> "Citation":
        file_id = stored.get("fileId")
        return cls(
            column=stored.get("column"),
            text=stored["text"],
            start=stored.get("start"),
            end=stored.get("end"),
            file_id=None if file_id is None else strawberry.ID(file_id),
            page=stored.get("page"),
            box=stored.get("box"),
        )

    @classmethod
    def of_answer(cls, citation: tool_records.Citation) -> "Citation":
        """Of an answer that is not stored."""
        file_id = citation.file_id
        return cls(
            column=citation.column,
            text=citation.text,
            start=citation.start,
            end=citation.end,
            file_id=None if file_id is None else strawberry.ID(str(file_id)),
            page=citation.page,
            box=None if citation.box is None else [round(each, 1) for each in citation.box],
        )
