"""Who reads a document: the models of a provider, or the rules engine where there is none."""

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Protocol
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
from processing.extraction import model_classify, model_plan, rules_classify, rules_extraction
from processing.extraction.model_expected import PrintedRow, printed_rows
from processing.extraction.model_parts import asked_tables
from processing.extraction.model_reading import Ask, Reading, RowKey, records_before

if TYPE_CHECKING:
    from processing.providers.models import Models

#: Documents of which something is remembered between their segments.
_MOST_KEPT = 4

_Key = tuple[UUID, str, UUID, int, str]


@dataclass(slots=True)
class _Document:
    """A document that is being read: the rows that it should give, the records that its segments
    gave, and readings that wait for their provider. Losing it costs time, or questions."""

    rows: Sequence[PrintedRow]
    records: dict[int, set[RowKey]] = field(default_factory=dict)
    begun: dict[int, Reading] = field(default_factory=dict)

    def before(self, segment: Segment) -> set[RowKey]:
        """The records of earlier segments."""
        earlier = (keys for number, keys in self.records.items() if number < segment.number)
        return set().union(*earlier)


class ModelSource(Protocol):
    """Gives the models of this process, loaded when they are needed first."""

    async def models(self) -> "Models": ...


class Extractor:
    """Reads and classifies documents. One for a process; what it asks goes through the models of
    that process, so that a provider's bounds hold for tools and documents together."""

    def __init__(self, providers: OpenProviders, models: ModelSource) -> None:
        self._providers = providers
        self._models = models
        self._documents: OrderedDict[_Key, _Document] = OrderedDict()

    async def plan(self, work: ExtractionWork) -> tuple[str, Sequence[Segment]]:
        """Who reads, and the parts of the document. Raises `Unextractable`."""
        opened = await self._opened(work.organization_id, work.schema.provider)
        if not asked_tables(work):
            raise Unextractable("The schema has no column that can be read from documents")
        if opened is None:
            return RULES, await asyncio.to_thread(rules_extraction.plan, work)
        _require_text(work.document)
        rows = (await self._document(opened, work)).rows
        return opened.provider.name, await asyncio.to_thread(model_plan.segments, work, rows)

    async def extract(self, work: ExtractionWork, segment: Segment) -> SegmentFound:
        """What one part holds. Raises `TryLater` and `Unextractable`."""
        opened = await self._opened(work.organization_id, work.schema.provider)
        if opened is None:
            return await asyncio.to_thread(rules_extraction.extract, work, segment)
        return _with_unread(await self._read(opened, work, segment), work, segment)

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
        if opened is None:
            return await asyncio.to_thread(
                rules_classify.classify, classifier, schemas, file, document, actor
            )
        _require_text(document)
        ask = await self._ask(opened)
        return await model_classify.classify(
            ask, opened.provider, classifier, schemas, file, document, actor
        )

    async def _read(
        self, opened: OpenProvider, work: ExtractionWork, segment: Segment
    ) -> SegmentFound:
        """A part as a model reads it. What was answered before the provider asked for a rest is not
        asked, or paid for, again."""
        known = await self._document(opened, work)
        reading = known.begun.pop(segment.number, None)
        if reading is None:
            before = known.before(segment) | records_before(work, segment)
            reading = await asyncio.to_thread(
                Reading, work, segment, opened.provider, known.rows, before
            )
        try:
            found = await reading.read(await self._ask(opened))
        except TryLater:
            known.begun[segment.number] = reading
            raise
        known.records[segment.number] = reading.records()
        return found

    async def _document(self, opened: OpenProvider, work: ExtractionWork) -> _Document:
        """What is remembered of a document."""
        file, schema = work.file, work.schema
        key = (file.id, file.sha256, schema.id, schema.version, opened.provider.name)
        known = self._documents.pop(key, None)
        if known is None:
            known = _Document(await asyncio.to_thread(printed_rows, work))
        self._documents[key] = known
        if len(self._documents) > _MOST_KEPT:
            self._documents.popitem(last=False)
        return known

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
    raise Unextractable(": ".join(("No text was found in the document", *notes)))


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
