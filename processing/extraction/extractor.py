"""Who reads a document: the models of a provider, or the rules engine where there is none."""

import asyncio
import importlib
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
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
from domain.tool_ports import TryLater
from processing.ai_tools import OpenProviders
from processing.extraction import model_classify, model_plan
from processing.extraction.model_parts import asked_tables
from processing.extraction.model_reading import Ask, Reading

if TYPE_CHECKING:
    from processing.providers.models import Models

#: Segments that wait for a provider whose answers so far are kept. Each holds its document.
_MOST_KEPT = 4

_Key = tuple[UUID, UUID, int, int, str]


class ModelSource(Protocol):
    """Gives the models of this process, loaded when they are needed first."""

    async def models(self) -> "Models": ...


class Extractor:
    """Reads and classifies documents. One for a process; what it asks goes through the models of
    that process, so that a provider's bounds hold for tools and documents together."""

    def __init__(self, providers: OpenProviders, models: ModelSource) -> None:
        self._providers = providers
        self._models = models
        self._begun: OrderedDict[_Key, Reading] = OrderedDict()

    async def plan(self, work: ExtractionWork) -> tuple[str, Sequence[Segment]]:
        """Who reads, and the parts of the document. Raises `Unextractable`."""
        opened = await self._opened(work.organization_id, work.schema.provider)
        _require_text(work.document)
        if not asked_tables(work):
            raise Unextractable("The schema has no column that can be read from documents")
        if opened is None:
            return RULES, await asyncio.to_thread(_rules("rules_extraction").plan, work)
        return opened.provider.name, await asyncio.to_thread(model_plan.segments, work)

    async def extract(self, work: ExtractionWork, segment: Segment) -> SegmentFound:
        """What one part holds. Raises `TryLater` and `Unextractable`."""
        opened = await self._opened(work.organization_id, work.schema.provider)
        if opened is None:
            found = await asyncio.to_thread(_rules("rules_extraction").extract, work, segment)
        else:
            found = await self._read(opened, work, segment)
        return _with_unread(found, work, segment)

    async def classify(
        self,
        classifier: Classifier,
        schemas: Sequence[ExtractionSchema],
        file: File,
        document: Document,
        actor: str,
    ) -> Classification:
        """What a document is. Raises `TryLater` and `Unextractable`."""
        opened = await self._opened(classifier.organization_id, classifier.provider)
        _require_text(document)
        if opened is None:
            return await asyncio.to_thread(
                _rules("rules_classify").classify, classifier, schemas, file, document, actor
            )
        ask = await self._ask(opened)
        return await model_classify.classify(
            ask, opened.provider, classifier, schemas, file, document, actor
        )

    async def _read(
        self, opened: OpenProvider, work: ExtractionWork, segment: Segment
    ) -> SegmentFound:
        """A part as a model reads it. What was answered before the provider asked for a rest is not
        asked, or paid for, again."""
        schema = work.schema
        key = (work.file.id, schema.id, schema.version, segment.number, opened.provider.name)
        reading = self._begun.pop(key, None)
        if reading is None:
            reading = await asyncio.to_thread(Reading, work, segment, opened.provider)
        try:
            return await reading.read(await self._ask(opened))
        except TryLater:
            self._begun[key] = reading
            if len(self._begun) > _MOST_KEPT:
                self._begun.popitem(last=False)
            raise

    async def _ask(self, opened: OpenProvider) -> Ask:
        return partial((await self._models.models()).told, opened)

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


def _require_text(document: Document) -> None:
    """Raises `Unextractable` when there is nothing to be read."""
    if any(page.has_text or page.fields for page in document.pages):
        return
    notes = dict.fromkeys(page.note for page in document.pages if page.note)
    raise Unextractable("; ".join(("The document has no text", *notes)))


def _with_unread(found: SegmentFound, work: ExtractionWork, segment: Segment) -> SegmentFound:
    """The same, and what it lacks because pages could not be read."""
    tables = [table for table in work.tables if table.table.table_id in segment.table_ids]
    shown = set(model_plan.shown_pages(work.document, segment, tables))
    unread = [
        f"page {page.number} could not be read: {page.note}"
        for page in work.document.pages
        if page.number in shown and page.note and not page.has_text
    ]
    if not unread:
        return found
    return replace(found, missing="; ".join(filter(None, (found.missing, *unread))))


def _rules(module: str) -> Any:
    return importlib.import_module(f"processing.extraction.{module}")
