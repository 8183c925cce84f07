"""Who reads a document: the models of a provider, or the rules engine where there is none."""

import asyncio
import importlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol
from uuid import UUID

from domain.documents import Document
from domain.entities import File
from domain.errors import SecretLost
from domain.extraction_ports import ExtractionWork, Unextractable
from domain.extraction_records import (
    Classification,
    Classifier,
    ExtractionSchema,
    Segment,
    SegmentFound,
)
from domain.provider_records import RULES, OpenProvider
from processing.ai_tools import OpenProviders

if TYPE_CHECKING:
    from processing.providers.models import Models


class ModelSource(Protocol):
    """Gives the models of this process, loaded when they are needed first."""

    async def models(self) -> "Models": ...


class Extractor:
    """Reads and classifies documents. One for a process; what it asks goes through the models of
    that process, so that a provider's bounds hold for tools and documents together."""

    def __init__(self, providers: OpenProviders, models: ModelSource) -> None:
        self._providers = providers
        self._models = models

    async def plan(self, work: ExtractionWork) -> tuple[str, Sequence[Segment]]:
        """Who reads, and the parts of the document. Raises `Unextractable`."""
        opened = await self._opened(work.organization_id, work.schema.provider)
        if opened is not None:
            raise Unextractable("Models do not read documents yet")
        return RULES, await asyncio.to_thread(_rules("rules_extraction").plan, work)

    async def extract(self, work: ExtractionWork, segment: Segment) -> SegmentFound:
        """What one part holds. Raises `TryLater` and `Unextractable`."""
        found: SegmentFound = await asyncio.to_thread(
            _rules("rules_extraction").extract, work, segment
        )
        return found

    async def classify(
        self,
        classifier: Classifier,
        schemas: Sequence[ExtractionSchema],
        file: File,
        document: Document,
        actor: str,
    ) -> Classification:
        """What a document is. Raises `TryLater` and `Unextractable`."""
        found: Classification = await asyncio.to_thread(
            _rules("rules_classify").classify, classifier, schemas, file, document, actor
        )
        return found

    async def _opened(self, organization_id: UUID, name: str | None) -> OpenProvider | None:
        """The provider that is named, or the default one; None for rules. Raises
        `Unextractable`."""
        if name is not None and name.strip().lower() == RULES:
            return None
        try:
            opened = await self._providers.opened(organization_id, name)
        except SecretLost as lost:
            raise Unextractable(str(lost)) from None
        if opened is None and name is not None:
            raise Unextractable(f"There is no provider {name}")
        return opened


def _rules(module: str) -> Any:
    return importlib.import_module(f"processing.extraction.{module}")
