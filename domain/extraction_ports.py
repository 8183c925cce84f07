"""What extraction needs from other rooms: documents from files, and engines that read them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol
from uuid import UUID

from domain.columns import Column
from domain.documents import Document
from domain.entities import File
from domain.extraction_records import (
    Classification,
    Classifier,
    Example,
    ExtractionSchema,
    SchemaField,
    SchemaTable,
    Segment,
    SegmentFound,
)


@dataclass(frozen=True, slots=True)
class PlannedField:
    """A column that is to be read, with what the schema says of it."""

    column: Column
    field: SchemaField


@dataclass(frozen=True, slots=True)
class PlannedTable:
    """A table that is to be filled, with its columns in their order."""

    table: SchemaTable
    name: str
    fields: Sequence[PlannedField]


@dataclass(frozen=True, slots=True)
class ExtractionWork:
    """A document to be read by a schema. The first table is the primary one. `actor` is who asked
    for it. When a job goes on that somebody else began, `earlier` are the rows of the primary table
    that parts have given, by part: printed texts by column number."""

    organization_id: UUID
    schema: ExtractionSchema
    tables: Sequence[PlannedTable]
    examples: Sequence[Example]
    file: File
    document: Document
    actor: str
    earlier: Mapping[int, Sequence[Mapping[int, str]]] = field(default_factory=dict)


class Extractor(Protocol):
    """Reads documents by schemas."""

    async def plan(self, work: ExtractionWork) -> tuple[str, Sequence[Segment]]:
        """Who reads (a provider's name, or `rules`), and the parts to be read one after the other.
        Never empty. Raises `Unextractable`."""
        ...

    async def extract(self, work: ExtractionWork, segment: Segment) -> SegmentFound:
        """What one part holds. Raises `domain.tool_ports.TryLater`, and `Unextractable`."""
        ...


class Unextractable(Exception):
    """The document cannot be read by this schema at all. The text is for people."""


class DocumentClassifier(Protocol):
    """Tells what documents are."""

    async def classify(
        self,
        classifier: Classifier,
        schemas: Sequence[ExtractionSchema],
        file: File,
        document: Document,
        actor: str,
    ) -> Classification:
        """The kind of a document; below the threshold none. Raises `TryLater`, `Unextractable`."""
        ...


class DocumentSource(Protocol):
    """Documents of stored files. What was read once is kept by the hash of its bytes."""

    async def document(self, file: File) -> Document:
        """Raises `Unreadable` of `domain.documents`, whose text is for people."""
        ...

    async def picture(self, file: File, page: int, width: int) -> bytes:
        """A page as PNG. Raises `Unreadable`."""
        ...
