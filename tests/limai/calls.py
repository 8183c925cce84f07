"""Short ways to call the LimAI API over HTTP, and schemas for it."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx2

from domain import classifiers, extraction
from domain.columns import ColumnType
from domain.extraction_commands import ClassifierCreate, FieldDraft, SchemaCreate, TableDraft
from domain.extraction_ports import ExtractionWork
from domain.extraction_records import (
    ClassifierRoute,
    ExtractedCell,
    ExtractedRow,
    ExtractionSchema,
    Repeats,
    Segment,
    SegmentFound,
)
from domain.tool_records import Producer, ProducerKind
from processing.extraction_jobs import read_file
from tests.documents.papers import plain_invoice
from tests.serving import Site

PDF = plain_invoice()
LETTER = b"Dear Ms Winter,\n\nthank you for the copper garden. Nothing else is new.\n"

HEAD = (
    FieldDraft("number", "What the invoice is called", label="Invoice number"),
    FieldDraft("date", label="Date", type=ColumnType.DATE),
    FieldDraft("total", label="Total", type=ColumnType.NUMBER),
)
ITEMS = (
    FieldDraft("item", label="Item"),
    FieldDraft("quantity", label="Quantity", type=ColumnType.NUMBER),
    FieldDraft("amount", label="Amount", type=ColumnType.NUMBER),
)


async def invoices(site: Site, name: str = "Invoices") -> ExtractionSchema:
    """A schema with a table of invoices and one of their items."""
    command = SchemaCreate(
        name,
        [
            TableDraft(name="Invoices", repeats=Repeats.ONE, fields=HEAD),
            TableDraft(name="Line Items", repeats=Repeats.MANY, fields=ITEMS),
        ],
        description="Invoices with a number, a date, items and a total",
    )
    return await extraction.create_schema(site.viewer, site.gateway.storage, command)


async def classifier(site: Site, *schema_ids: UUID, threshold: float = 0.3) -> UUID:
    """A classifier that knows these schemas."""
    labels = ("invoice", "invoice number", "total", "quantity", "unit price", "amount")
    routes = [ClassifierRoute(each, "Invoices of suppliers", labels) for each in schema_ids]
    command = ClassifierCreate("Mail", routes, threshold)
    made = await classifiers.create_classifier(site.viewer, site.gateway.storage, command)
    return made.id


@dataclass(frozen=True)
class Limai:
    """Requests that must succeed, as their JSON; `client` is there for all others."""

    site: Site

    @property
    def client(self) -> httpx2.AsyncClient:
        """With the admin key."""
        return self.site.shared

    async def get(self, path: str, **query: Any) -> Any:
        """What a path below `/api/v1` shows."""
        return _json(await self.client.get(f"/api/v1{path}", params=query))

    async def post(self, path: str, body: Any = None) -> Any:
        """What was done."""
        return _json(await self.client.post(f"/api/v1{path}", json={} if body is None else body))

    async def upload(self, owner: str, content: bytes = PDF, name: str = "invoice.pdf") -> str:
        """The id of a file whose bytes were put to its address; `owner` is `document/<id>` or
        `classify/<id>`."""
        made = await self.get(f"/{owner}/get-url", filename=name)
        await self.put(made["url"], content)
        found: str = made["fileId"]
        return found

    async def put(self, url: str, content: bytes, kind: str = "application/pdf") -> None:
        """Put bytes to an address, without a key."""
        async with httpx2.AsyncClient() as stranger:
            answer = await stranger.put(url, content=content, headers={"content-type": kind})
        assert (answer.status_code, answer.content) == (200, b""), answer.text

    async def start(self, schema: ExtractionSchema, file_id: str) -> str:
        """The id of a queued job."""
        path = f"/document/{schema.id}/process-file-async/{file_id}"
        found: str = (await self.post(path))["jobId"]
        return found

    async def read(self, job_id: str, extractor: Any) -> None:
        """Do what a worker would, with this extractor."""
        gateway = self.site.gateway
        documents, stopping = gateway.engines.documents, asyncio.Event()
        await read_file(gateway.storage, extractor, documents, UUID(job_id), stopping)


@dataclass
class Script:
    """An extractor that finds what it is told, as texts by column key: a row of the primary table,
    and items. `missing` says what is not there in the second of two parts."""

    head: dict[str, str | None]
    items: Sequence[dict[str, str | None]] = ()
    missing: str | None = None

    async def plan(self, work: ExtractionWork) -> tuple[str, Sequence[Segment]]:
        """One part, and a second one when something shall be missing."""
        table_ids = tuple(each.table.table_id for each in work.tables)
        parts = [Segment(0, "page 1", 1, 1, table_ids)]
        if self.missing:
            parts.append(Segment(1, "page 2", 2, 2, table_ids))
        return "rules", parts

    async def extract(self, work: ExtractionWork, segment: Segment) -> SegmentFound:
        """The rows of the first part; nothing in the second."""
        producer = Producer(ProducerKind.RULES)
        if segment.number == 1:
            return SegmentFound((), producer, missing=self.missing)
        primary, items = work.tables
        rows = [_row(primary, self.head)] if self.head else []
        rows += [_row(items, each) for each in self.items]
        return SegmentFound(rows, producer)


def _row(table: Any, texts: dict[str, str | None]) -> ExtractedRow:
    cells = {}
    for planned in table.fields:
        text = texts.get(planned.column.key)
        if text is not None:
            number = planned.column.type is ColumnType.NUMBER
            value = float(text.split(" ")[0].replace(",", "")) if number else text
            cells[planned.column.number] = ExtractedCell(text, value, 0.9)
    return ExtractedRow(table.table.table_id, cells, page=1)


def refused(answer: httpx2.Response, status: int, body: Any) -> None:
    """The answer has this status and exactly this body; a text is that of `error`."""
    told = {"error": body} if isinstance(body, str) else body
    assert (answer.status_code, answer.json()) == (status, told), answer.text


def _json(answer: httpx2.Response) -> Any:
    assert answer.status_code == 200, answer.text
    return answer.json()
