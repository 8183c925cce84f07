"""Papers of the simplest kind, and who reads them: a text whose pages lie between form feeds, with
one row a line, `table: key=value; key=value`.

A page is a part. The reader tells what it cannot read, as every extractor has to."""

import asyncio
from collections import Counter
from collections.abc import Sequence

from domain.column_values import Config
from domain.columns import ColumnType
from domain.documents import Box, Document, Page, Unreadable
from domain.entities import File
from domain.extraction_ports import ExtractionWork, PlannedTable
from domain.extraction_records import (
    DocumentCitation,
    ExtractedCell,
    ExtractedRow,
    Segment,
    SegmentFound,
)
from domain.tool_ports import TryLater
from domain.tool_records import Producer, ProducerKind, Usage
from domain.values import TYPES
from persistence.storage import PostgresStorage

_BOX = Box(10, 20, 30, 40)


class Papers:
    """The documents of stored texts. One that begins with `broken` cannot be read."""

    def __init__(self, storage: PostgresStorage) -> None:
        self._files = storage.files

    async def document(self, file: File) -> Document:
        text = b"".join([chunk async for chunk in self._files.read_bytes(file, 0)]).decode()
        if text.startswith("broken"):
            raise Unreadable("The file is damaged")
        pages = enumerate(text.split("\f"), 1)
        return Document("text/plain", tuple(Page(n, 600, 800, part) for n, part in pages))

    async def picture(self, file: File, page: int, width: int) -> bytes:
        raise Unreadable("Texts have no pictures")


class Reader:
    """Reads papers. Lines that begin with `?` are too faint to be read, until it got `glasses`;
    at a line `wait` it asks to be left alone, at a line `crash` it breaks. `pages` counts how often
    it read each; before a page of `gates` it waits until that is open."""

    def __init__(self) -> None:
        self.glasses = False
        self.busy = True
        self.pages: Counter[tuple[str, int]] = Counter()
        self.gates: dict[int, asyncio.Event] = {}
        self.arrived = asyncio.Event()

    async def plan(self, work: ExtractionWork) -> tuple[str, Sequence[Segment]]:
        tables = tuple(planned.table.table_id for planned in work.tables)
        return "lines", [
            Segment(n, f"page {n + 1}", n + 1, n + 1, tables, len(_lines(page)))
            for n, page in enumerate(work.document.pages)
        ]

    async def extract(self, work: ExtractionWork, segment: Segment) -> SegmentFound:
        page = segment.first_page
        self.pages[work.file.name, page] += 1
        if page in self.gates:
            self.arrived.set()
            await self.gates[page].wait()
        rows, faint = [], 0
        for line in _lines(work.document.pages[page - 1]):
            if line == "wait" and self.busy:
                raise TryLater("Too many requests", 1)
            if line == "crash":
                raise RuntimeError("a bug of the reader")
            if line.startswith("?") and not self.glasses:
                faint += 1
            elif line not in ("wait", "crash"):
                rows.append(_row(work.tables, line.removeprefix("?"), page))
        missing = f"{faint} lines are too faint" if faint else None
        producer = Producer(ProducerKind.RULES, work.actor, version="lines 1")
        return SegmentFound(rows, producer, Usage(3, 2), missing)


def _lines(page: Page) -> list[str]:
    return [line for line in page.text.splitlines() if line.strip()]


def _row(tables: Sequence[PlannedTable], line: str, page: int) -> ExtractedRow:
    name, _, told = line.partition(": ")
    [table] = [planned for planned in tables if planned.name == name]
    printed = dict(each.split("=") for each in told.split("; "))
    cells = {
        each.column.number: _cell(each.column.type, each.column.config, text, page)
        for each in table.fields
        if (text := printed.get(each.column.key)) is not None
    }
    return ExtractedRow(table.table.table_id, cells, page=page)


def _cell(kind: ColumnType, config: Config, text: str, page: int) -> ExtractedCell:
    where = DocumentCitation(page, _BOX, text)
    value = text if kind is ColumnType.TEXT else TYPES[kind].from_file(config)(text)
    if value is None:
        return ExtractedCell(text, None, 0.5, where, f"{text} is no {kind}")
    return ExtractedCell(text, value, 0.9, where)
