"""Rows that stand in tables: statements over pages, lists without lines, sheets; and forms, mails
and what people put right."""

from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest
from reportlab.pdfgen.canvas import Canvas

from domain.documents import Document, Page
from domain.extraction_ports import PlannedTable, Unextractable
from domain.extraction_records import Example, Repeats
from processing.documents.reading import DocumentReader
from processing.extraction import rules_extraction
from tests.documents.papers import drawn
from tests.extraction_rules.conftest import Read
from tests.extraction_rules.papers import PRICES, STATEMENT_ROWS
from tests.extraction_rules.works import NOW, rows_of, table, values_of, work

TRANSACTION = {"Date": "date", "Description": "text", "Amount": "number"}


def transactions() -> PlannedTable:
    return table("Transactions", TRANSACTION)


def told(row: tuple[str, str, str]) -> dict[str, Any]:
    """A row of the statement as values."""
    day, month, year = row[0].split(".")
    amount = float(row[2].replace(",", "."))
    return {"Date": f"{year}-{month}-{day}", "Description": row[1], "Amount": amount}


async def test_all_rows_of_a_statement_and_none_of_its_sums(read: Read) -> None:
    found = values_of(work(await read("statement"), "Bank statements", transactions()))
    assert found["Transactions"] == [told(row) for row in STATEMENT_ROWS]


async def test_what_is_the_same_in_all_rows_stands_in_each(read: Read) -> None:
    flat = table("Transactions", {**TRANSACTION, "IBAN": "text"})
    found = values_of(work(await read("statement"), "Bank statements", flat))["Transactions"]
    assert {row["IBAN"] for row in found} == {"DE89 3704 0044 0532 0130 00"}
    assert len(found) == len(STATEMENT_ROWS)


async def test_a_statement_with_its_rows_as_children(read: Read) -> None:
    head = table("Accounts", {"IBAN": "text", "Closing balance": "number"}, None, Repeats.ONE)
    lines = table("Transactions", TRANSACTION, head.table.table_id, Repeats.MANY)
    asked = work(await read("statement"), "Bank statements", head, lines)
    found = values_of(asked)
    assert found["Accounts"] == [
        {"IBAN": "DE89 3704 0044 0532 0130 00", "Closing balance": 12345.67}
    ]
    assert {row.parent for row in rows_of(asked)[1:]} == {0}


async def test_a_list_without_lines(read: Read) -> None:
    columns = {"Article number": "text", "Description": "text", "Price": "number"}
    found = values_of(work(await read("prices"), "Price lists", table("Prices", columns)))
    assert [list(row.values()) for row in found["Prices"]] == [
        [code, name, float(price)] for code, name, price in PRICES
    ]


async def test_a_long_document_is_read_in_parts_that_agree(read: Read) -> None:
    page = (await read("statement")).pages[0]
    pages = tuple(_numbered(page, number) for number in range(1, 121))
    asked = work(Document("application/pdf", pages), "Bank statements", transactions())
    segments = rules_extraction.plan(asked)
    assert [(each.first_page, each.last_page) for each in segments] == [
        (1, 50), (51, 100), (101, 120),
    ]  # fmt: skip
    assert [each.expected for each in segments] == [1500, 1500, 600]
    one = rules_extraction.extract(asked, segments[2])
    assert len(one.rows) == 600
    assert {row.page for row in one.rows} == set(range(101, 121))


def _numbered(page: Page, number: int) -> Page:
    tables = tuple(replace(each, page=number) for each in page.tables)
    return replace(page, number=number, tables=tables)


async def test_pages_that_could_not_be_read_are_missing(read: Read) -> None:
    page = (await read("statement")).pages[0]
    blank = Page(2, page.width, page.height, note="OCR is not installed")
    document = Document("application/pdf", (page, blank))
    asked = work(document, "Bank statements", transactions())
    (segment,) = rules_extraction.plan(asked)
    found = rules_extraction.extract(asked, segment)
    assert found.missing == "Page 2 could not be read: OCR is not installed"
    assert len(found.rows) == 30
    with pytest.raises(Unextractable, match="OCR is not installed"):
        rules_extraction.plan(work(Document("application/pdf", (blank,)), "X", transactions()))


async def test_a_form(read: Read) -> None:
    columns = {"Full name": "text", "Membership number": "text", "Newsletter": "boolean"}
    found = values_of(work(await read("form"), "Members", table("Members", columns)))
    assert found["Members"] == [
        {"Full name": "Ada Lovelace", "Membership number": "M-1815", "Newsletter": True}
    ]


async def test_a_mail(read: Read) -> None:
    columns = {
        "From": "email", "Subject": "text", "Order number": "text", "Delivery date": "date",
        "Ship to": "text", "Customer": "text",
    }  # fmt: skip
    found = values_of(work(await read("mail"), "Orders", table("Orders", columns)))
    assert found["Orders"] == [
        {
            "From": "jo@finch.example", "Subject": "Order 2026-55", "Order number": "PO-8841",
            "Delivery date": "2026-03-17", "Ship to": "Finch & Sons, 3 Mill Lane, Leeds",
        }
    ]  # fmt: skip


async def test_a_sheet() -> None:
    content = b"SKU,Name,Price,In stock\nA1,Chair,1.234,yes\nA2,Table,99.50,no\n,Total,100.734,\n"
    document = await DocumentReader(at_once=1).read(content)
    columns = {"SKU": "text", "Name": "text", "Price": "number", "In stock": "boolean"}
    found = values_of(work(document, "Stock", table("Stock", columns)))
    assert found["Stock"] == [
        {"SKU": "A1", "Name": "Chair", "Price": 1.234, "In stock": True},
        {"SKU": "A2", "Name": "Table", "Price": 99.5, "In stock": False},
    ]


async def test_the_letters_of_a_number_are_no_label() -> None:
    def draw(canvas: Canvas) -> None:
        for y, label, value in ((700, "Number:", "INV-2026-0001"), (686, "Date:", "2026-03-02")):
            canvas.drawString(60, y, label)
            canvas.drawString(160, y, value)

    document = await DocumentReader(at_once=1).read(drawn(draw))
    head = table("Papers", {"Number": "text", "Date": "date"}, None, Repeats.ONE)
    found = values_of(work(document, "Invoices", head))
    assert found["Papers"] == [{"Number": "INV-2026-0001", "Date": "2026-03-02"}]


@pytest.mark.parametrize("head", ["Code", "No.", "Item number", "SKU"])
async def test_numbers_of_articles_may_have_letters(head: str) -> None:
    content = f"{head},Name,Price\nAB-100,Chair,12.50\nAB-200,Table,99.50\n".encode()
    document = await DocumentReader(at_once=1).read(content)
    columns = {head: "text", "Name": "text", "Price": "number"}
    found = values_of(work(document, "Stock", table("Stock", columns)))["Stock"]
    assert [row[head] for row in found] == ["AB-100", "AB-200"]


async def test_a_text_column_keeps_what_stands_under_its_own_name() -> None:
    content = b"Name,Price,Date\nChair,12.50,2026-03-01\nTable,on request,soon\nLamp,7.00,\n"
    document = await DocumentReader(at_once=1).read(content)
    columns = {"Name": "text", "Price": "text", "Date": "date"}
    asked = work(document, "Stock", table("Stock", columns))
    found = values_of(asked)["Stock"]
    assert [row.get("Price") for row in found] == ["12.50", "on request", "7.00"]
    assert [row.get("Date") for row in found] == ["2026-03-01", None, None]
    unread = rows_of(asked)[1].cells[3]
    assert (unread.raw, unread.error) == ("soon", '"soon" is not a date')


async def test_words_of_the_schema_and_corrections_find_what_no_list_knows(read: Read) -> None:
    document = await read("english")
    fields = {"Our code": ("text", {"labels": ("PO Number",)})}
    planned = table("Codes", fields)
    assert values_of(work(document, "Codes", planned))["Codes"] == [{"Our code": "4500012345"}]
    bare = table("Codes", {"Buyer code": "text"})
    asked = work(document, "Codes", bare)
    assert rules_extraction.extract(asked, rules_extraction.plan(asked)[0]).rows == []
    example = Example(
        id=uuid4(), schema_id=asked.schema.id, table_id=bare.table.table_id, column_number=1,
        file_id=uuid4(), text="PO Number: 4711\nTotal: 3", before=None, after="4711",
        created_by="tester", created_at=NOW,
    )  # fmt: skip
    taught = work(document, "Codes", bare, examples=[example])
    assert values_of(taught)["Codes"] == [{"Buyer code": "4500012345"}]
