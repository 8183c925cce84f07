"""What use cases of extraction need of storage. `persistence` implements it.

Every method takes the organisation and never reaches beyond it. Each writing method is one
transaction with its entries of the log."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol
from uuid import UUID

from domain.extraction_commands import (
    ClassifierCreate,
    NewExample,
    NewSchema,
    SchemaChange,
    SchemaVersions,
)
from domain.extraction_records import Classifier, Example, ExtractionSchema


class SchemaStore(Protocol):
    """Schemas, their versions and their examples. Deleted schemas do not exist."""

    async def list_all(self, organization_id: UUID) -> list[ExtractionSchema]:
        """Oldest first."""

    async def get(self, organization_id: UUID, schema_id: UUID) -> ExtractionSchema | None: ...

    async def by_ids(
        self, organization_id: UUID, schema_ids: Sequence[UUID]
    ) -> dict[UUID, ExtractionSchema]:
        """Those that there are, by id."""

    async def at_version(
        self, organization_id: UUID, schema_id: UUID, version: int
    ) -> ExtractionSchema | None:
        """A schema as it was; None when it was deleted since."""

    async def versions(
        self, organization_id: UUID, schema_id: UUID, before: int | None, limit: int
    ) -> SchemaVersions:
        """The newest first; `before` gives those below that version."""

    async def create(
        self, organization_id: UUID, actor: str, new: NewSchema, most: int
    ) -> ExtractionSchema | None:
        """None when there are `most` already. New tables are made in the same transaction."""

    async def update(
        self, organization_id: UUID, actor: str, schema_id: UUID, change: SchemaChange
    ) -> ExtractionSchema | None:
        """One version more, or the same one when nothing is different; None when it is gone.
        Raises `Invalid` when it is at another version than the one that is expected."""

    async def delete(self, organization_id: UUID, actor: str, schema_id: UUID) -> bool:
        """False when it was gone."""

    async def examples(
        self, organization_id: UUID, schema_id: UUID, limit: int
    ) -> list[Example]:
        """The newest first."""

    async def add_examples(
        self, organization_id: UUID, actor: str, schema_id: UUID, new: Sequence[NewExample]
    ) -> list[Example] | None:
        """None when the schema is gone. The oldest ones make room for more than
        `domain.extraction_rules.MAX_EXAMPLES`."""

    async def delete_example(
        self, organization_id: UUID, actor: str, example_id: UUID
    ) -> Example | None:
        """What was deleted; None when it was gone."""


class ClassifierStore(Protocol):
    """Classifiers. Deleted ones do not exist."""

    async def list_all(self, organization_id: UUID) -> list[Classifier]:
        """Oldest first."""

    async def get(self, organization_id: UUID, classifier_id: UUID) -> Classifier | None: ...

    async def create(
        self, organization_id: UUID, actor: str, command: ClassifierCreate, most: int
    ) -> Classifier | None:
        """None when there are `most` already."""

    async def update(
        self, organization_id: UUID, actor: str, classifier_id: UUID, changes: Mapping[str, Any]
    ) -> Classifier | None:
        """None when it is gone."""

    async def delete(self, organization_id: UUID, actor: str, classifier_id: UUID) -> bool:
        """False when it was gone."""
