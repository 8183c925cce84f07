"""What enrichments need of storage; `ports.Storage` has it as an attribute."""

from typing import Protocol
from uuid import UUID

from domain.enrichment_records import Enrichment, NewEnrichment


class EnrichmentStore(Protocol):
    async def create(self, organization_id: UUID, actor: str, new: NewEnrichment) -> None:
        """A draft, whose run is still to be started under the id that it names."""

    async def get(self, organization_id: UUID, enrichment_id: UUID) -> Enrichment | None: ...

    async def of_table(
        self, organization_id: UUID, table_id: UUID, before: UUID | None, limit: int
    ) -> list[Enrichment]:
        """Enrichments of a table, the newest first, those before one of them."""
