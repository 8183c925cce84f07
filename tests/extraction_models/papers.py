"""Documents of orders, a schema for them, and a model that reads them without a fault.

An order prints `Order: 4711`, `Customer: …`, and a table of its lines, or those lines set without
any table. A document may hold several."""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from domain import file_types
from domain.columns import Column, ColumnType
from domain.documents import Box, Document, Page, Word
from domain.entities import File
from domain.extraction_ports import ExtractionWork, PlannedField, PlannedTable
from domain.extraction_records import (
    Example,
    ExtractedRow,
    ExtractionSchema,
    Repeats,
    SchemaField,
    SchemaStatus,
    SchemaTable,
    SchemaType,
    SegmentFound,
)
from processing.documents.typewriter import Typewriter, plain_pages
from tests.models.replies import Call, Reply

ORDERS, ITEMS = UUID(int=11), UUID(int=12)
HEADER = ("Item", "Quantity", "Price")
_NOW = datetime(2026, 1, 1, tzinfo=UTC)
_ITEM = re.compile(r"^(P[0-9]+ [A-Za-z]+)\W+([0-9]+)\W+([0-9.]+)$")
_ASKED = re.compile(r'^(?:(t[0-9]+): table|  "(\w+)" \()', re.MULTILINE)
_BETWEEN = re.compile(r"rows that begin in the lines ([0-9]+) to ([0-9]+)")
_EXACTLY = re.compile(r"rows that begin in these lines, and no others: ([0-9, ]+)\.")


def items(count: int, first: int = 1) -> list[tuple[str, str, str]]:
    """Lines of an order, no two of them alike."""
    names = ("Bolt", "Nut", "Washer", "Screw", "Hinge")
    return [
        (f"P{number} {names[number % 5]}", str(number % 9 + 1), f"{number * 3}.{number % 90 + 10}")
        for number in range(first, first + count)
    ]


def order(*rows: Sequence[str], number: str = "4711", header: bool = True) -> Document:
    """An order whose lines are a table, over as many pages as they need."""
    paper = Typewriter()
    paper.line(f"Order: {number}")
    paper.line("Customer: Ada & Sons <Ltd>")
    paper.line("")
    paper.table([HEADER, *rows] if header else rows)
    paper.line("")
    paper.line("Total 99999.00")
    return Document(file_types.HTML, tuple(paper.pages()))


def loose_order(*rows: Sequence[str]) -> Document:
    """An order whose lines no table was found for."""
    lines = ["Order: 4711", "Customer: Ada & Sons <Ltd>", ""]
    lines += [f"{name:<20}{quantity:>6}{price:>12}" for name, quantity, price in rows]
    lines += ["", "Total" + " " * 26 + "99999.00"]
    pages = tuple(_without_tables(page) for page in plain_pages(lines))
    return Document(file_types.PLAIN, pages)


def _without_tables(page: Page) -> Page:
    return replace(page, tables=())


def moved(page: Page, number: int) -> Page:
    """A page at another place of a document."""
    tables = tuple(replace(table, page=number) for table in page.tables)
    return replace(page, number=number, tables=tables)


def headed(page: Page, text: str) -> Page:
    """A page with a line on top of it."""
    count = len(text)
    words = tuple(replace(word, start=word.start + count) for word in page.words)
    top = Box(36, 10, 36 + 6 * count, 20)
    head = tuple(Word(each.group(), top, each.start()) for each in re.finditer(r"\S+", text))
    return replace(page, text=text + page.text, words=(*head, *words))


def field(number: int, key: str, type_: ColumnType = ColumnType.TEXT, **more: Any) -> PlannedField:
    """A column to be read; `more` is what the schema says of it."""
    config = {"options": more.pop("options")} if "options" in more else None
    column = Column(UUID(int=number), number, key, key.title(), type_, number, config=config)
    return PlannedField(column, SchemaField(number, **more))


ORDER_FIELDS = (field(1, "order"), field(2, "customer"))
ITEM_FIELDS = (
    field(1, "item"),
    field(2, "quantity", ColumnType.NUMBER),
    field(3, "price", ColumnType.NUMBER),
)


def work(
    document: Document,
    *,
    provider: str,
    repeats: Repeats = Repeats.ONE,
    order_fields: Sequence[PlannedField] = ORDER_FIELDS,
    examples: Sequence[Example] = (),
    **schema: Any,
) -> ExtractionWork:
    """The reading of a document as orders with their lines."""
    tables = (SchemaTable(ORDERS, repeats=repeats), SchemaTable(ITEMS, parent_id=ORDERS))
    made = ExtractionSchema(
        id=UUID(int=21),
        organization_id=UUID(int=1),
        project_id=None,
        name="Orders",
        description=None,
        instructions=None,
        status=SchemaStatus.ACTIVE,
        type=SchemaType.PRODUCTION,
        provider=provider,
        model=None,
        version=1,
        tables=tables,
        created_by="test",
        created_at=_NOW,
        updated_at=_NOW,
    )
    planned = (
        PlannedTable(tables[0], "Orders", order_fields),
        PlannedTable(tables[1], "Items", ITEM_FIELDS),
    )
    return ExtractionWork(
        UUID(int=1), replace(made, **schema), planned, examples, file(document), document, "tester"
    )


def file(document: Document | None = None) -> File:
    """The file that a document comes from."""
    told = hashlib.sha256(repr(document).encode()).hexdigest()
    return File(UUID(int=31), UUID(int=1), "a.pdf", "", 1, told, "", None, "test", _NOW)


def read_well(call: Call) -> dict[str, Any]:
    """What a model answers that does as it is told."""
    answer: dict[str, Any] = {}
    for name, keys in _tables(call).items():
        rows = _item_rows(call) if "item" in keys else _order_rows(call, keys)
        answer[name] = {"count": len(rows), "rows": rows}
    return answer


def wanted(call: Call) -> list[int]:
    """The lines whose rows are asked for."""
    exactly, between = _EXACTLY.search(call.user), _BETWEEN.search(call.user)
    if exactly:
        return [int(number) for number in exactly[1].split(",")]
    if between:
        return [each for each in call.lines if int(between[1]) <= each <= int(between[2])]
    return list(call.lines)


def told(answer: Mapping[str, Any], **more: Any) -> Reply:
    """An answer as a reply."""
    return Reply(json.dumps(answer, ensure_ascii=False), **more)


def cell(text: str, line: int, **more: Any) -> dict[str, Any]:
    return {"text": text, "line": line, "sure": 0.95, **more}


def items_of(found: SegmentFound) -> list[ExtractedRow]:
    """The rows of items that were read."""
    return [row for row in found.rows if row.table_id == ITEMS]


def names_of(found: SegmentFound) -> list[Any]:
    """The items that were read, in their order."""
    return [row.cells[1].value for row in items_of(found)]


def _tables(call: Call) -> dict[str, list[str]]:
    """The tables of the task with the keys of their columns."""
    found: dict[str, list[str]] = {}
    for name, key in _ASKED.findall(call.task):
        if name:
            found[name] = []
        else:
            found[list(found)[-1]].append(key)
    return found


def _order_rows(call: Call, keys: Sequence[str]) -> list[dict[str, Any]]:
    """A row for each `Order:` among the lines; other labels belong to the last one."""
    rows: list[dict[str, Any]] = []
    for number, text in call.lines.items():
        label, _, value = text.partition(": ")
        if label == "Order" or not rows:
            rows.append({"parent": None, "cells": dict.fromkeys(keys)})
        if value and label.lower() in keys:
            rows[-1]["cells"][label.lower()] = cell(value, number)
    return [row for row in rows if any(row["cells"].values())]


def _item_rows(call: Call) -> list[dict[str, Any]]:
    rows = []
    lines = call.lines
    for number in wanted(call):
        found = _ITEM.match(lines[number])
        if found:
            texts = zip(("item", "quantity", "price"), found.groups(), strict=True)
            cells = {key: cell(text, number) for key, text in texts}
            rows.append({"parent": None, "cells": cells})
    return rows
