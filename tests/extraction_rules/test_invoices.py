"""Invoices of four countries, each with its own layout, read by the same schema."""

from collections.abc import Mapping
from typing import Any

import pytest

from domain.extraction_ports import PlannedTable
from domain.extraction_records import Repeats
from processing.extraction import rules_extraction
from tests.extraction_rules.conftest import Read
from tests.extraction_rules.works import rows_of, table, values_of, work

HEAD = {
    "Invoice Number": "text", "Invoice Date": "date", "Due Date": "date",
    "Total Amount": "number", "Net Amount": "number", "VAT Amount": "number", "Currency": "text",
    "Customer Number": "text", "Order Number": "text", "VAT Number": "text",
    "Customer Name": "text", "IBAN": "text",
}  # fmt: skip
LINE = {
    "Position": "text", "Description": "text", "Quantity": "number", "Unit Price": "number",
    "Amount": "number",
}  # fmt: skip

EXPECTED: Mapping[str, tuple[Mapping[str, Any], list[Mapping[str, Any]]]] = {
    "english": (
        {
            "Invoice Number": "INV-2026-0117", "Invoice Date": "2026-03-14",
            "Due Date": "2026-04-13", "Total Amount": 1328.09, "Net Amount": 1106.74,
            "VAT Amount": 221.35, "Currency": "GBP", "Order Number": "4500012345",
            "Customer Name": "Harbour Hotels Ltd", "IBAN": "GB82WEST12345698765432",
        },
        [
            {"Position": "1", "Description": "Steel bracket, 40 mm", "Quantity": 12,
             "Unit Price": 3.5, "Amount": 42},
            {"Position": "2", "Description": "Oak board", "Quantity": 3, "Unit Price": 18.25,
             "Amount": 54.75},
            {"Position": "3", "Description": "Total Care cleaning kit", "Quantity": 1,
             "Unit Price": 1009.99, "Amount": 1009.99},
        ],
    ),
    "german": (
        {
            "Invoice Number": "2026/0815", "Invoice Date": "2026-04-03", "Due Date": "2026-04-17",
            "Total Amount": 1486.01, "Net Amount": 1248.75, "VAT Amount": 237.26,
            "Currency": "EUR", "Customer Number": "K-20731", "VAT Number": "DE123456789",
        },
        [
            {"Position": "1", "Description": "Schraubendreher-Satz", "Quantity": 2,
             "Unit Price": 24.9, "Amount": 49.8},
            {"Position": "2", "Description": "Akku-Bohrschrauber 18 V mit zwei Akkus und Koffer",
             "Quantity": 1, "Unit Price": 1189, "Amount": 1189},
            {"Position": "3", "Description": "Versand", "Quantity": 1, "Unit Price": 9.95,
             "Amount": 9.95},
        ],
    ),
    "french": (
        {
            "Invoice Number": "FA-3391", "Invoice Date": "2026-06-05", "Due Date": "2026-07-05",
            "Total Amount": 669.6, "Net Amount": 558, "VAT Amount": 111.6, "Currency": "EUR",
        },
        [
            {"Description": "Table de jardin", "Quantity": 2, "Unit Price": 149, "Amount": 298},
            {"Description": "Chaise pliante", "Quantity": 8, "Unit Price": 32.5, "Amount": 260},
        ],
    ),
    "american": (
        {
            "Invoice Number": "10457", "Invoice Date": "2026-04-05", "Total Amount": 232.08,
            "VAT Amount": 15.18, "Currency": "USD",
        },
        [
            {"Description": "Birch plywood", "Quantity": 4, "Unit Price": 38, "Amount": 152},
            {"Description": "Wood glue", "Quantity": 10, "Unit Price": 6.49, "Amount": 64.9},
        ],
    ),
    "sums": (
        {
            "Invoice Number": "5620-44", "Invoice Date": "2026-07-02", "Total Amount": 41.99,
            "Net Amount": 34.99, "VAT Amount": 7,
        },
        [],
    ),
    # Two totals: nobody can say which is meant, so the cell stays empty.
    "two_totals": (
        {"Invoice Number": "77-1", "Invoice Date": "2026-05-01", "Currency": "EUR"}, [],
    ),
}  # fmt: skip


def invoice() -> tuple[PlannedTable, PlannedTable]:
    head = table("Invoices", HEAD)
    return head, table("Lines", LINE, head.table.table_id, Repeats.MANY)


@pytest.mark.parametrize("name", EXPECTED)
async def test_reads_what_is_there_and_nothing_else(name: str, read: Read) -> None:
    head, lines = EXPECTED[name]
    found = values_of(work(await read(name), "Invoices", *invoice()))
    assert found == {"Invoices": [head], "Lines": lines}


async def test_every_cell_has_its_text_and_place(read: Read) -> None:
    document = await read("german")
    tables = invoice()
    rows = rows_of(work(document, "Invoices", *tables))
    page = document.pages[0]
    for row in rows:
        for cell in row.cells.values():
            assert cell.raw
            assert cell.citation is not None
            assert cell.citation.page == 1
            assert 0.5 <= (cell.confidence or 0) <= 0.98
            box = cell.citation.box
            assert box is not None
            inside = [word.text for word in page.words if box.holds(word.box.middle)]
            first = cell.citation.text.split()[0]
            assert any(word.startswith(first) or first in word for word in inside), cell
    total = next(c for c in rows[0].cells.values() if c.value == 1486.01)
    assert total.raw == "1.486,01 €"
    assert [row.parent for row in rows] == [None, 0, 0, 0]


async def test_a_letter_is_no_invoice(read: Read) -> None:
    asked = work(await read("letter"), "Invoices", *invoice())
    (segment,) = rules_extraction.plan(asked)
    found = rules_extraction.extract(asked, segment)
    assert list(found.rows) == []
    assert found.missing == "Nothing of the table Invoices was found"
