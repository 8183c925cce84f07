"""Papers as plain text, with what confuses: labels in prose, other numbers, sums before sums."""

from collections.abc import Mapping
from typing import Any

import pytest

from domain.documents import Document
from domain.extraction_records import Repeats
from processing.documents.typewriter import plain_pages
from tests.extraction_rules.works import table, values_of, work

LETTERHEAD = """\
INVOICE 2026-778                            Page: 1 of 2

Invoice Date: 12.05.2026 Page: 1            Customer ref: ABC
Please quote invoice number 12345 in all payments. We know customers since 2015.

Customer:        Smith & Partners LLP
Our VAT No:      GB 123 4567 89

Product                        Qty        Price        Total
Oak desk                         1       450.00       450.00
Delivery                         1        30.00        30.00

Net total              GBP         480.00
VAT @ 20%              GBP          96.00
Total                  GBP         576.00
Amount paid            GBP         100.00
Balance due            GBP         476.00
"""
SHORT = """\
RECHNUNG Nr. 4711 vom 3. April 2026

Kunde: 10023   Auftrag: 5567   Sachbearbeiter: Herr Weiß

Artikel-Nr.   Bezeichnung          Menge   Preis    Betrag
A 100         Schrauben M4           200    0,05     10,00
A 200         Muttern M4             200    0,04      8,00

              Summe netto                            18,00
              19 % MwSt.                              3,42
              Rechnungsbetrag              EUR       21,42

Zahlungsziel: 14 Tage, mit 2 % Skonto bis 13.04.2026
"""
RECEIPT = """\
          CORNER CAFE
       VAT Reg No: GB 987 6543 21

Receipt No: 004521
Date: 12/05/2026        Time: 14:32

2  Flat white            6.80
1  Croissant             2.95

Subtotal                 8.13
VAT 20%                  1.62
TOTAL                    9.75
Card                     9.75
"""
HEAD = {
    "Invoice Number": "text", "Invoice Date": "date", "Due Date": "date",
    "Total Amount": "number", "Net Amount": "number", "VAT Amount": "number",
    "Order Number": "text", "VAT Number": "text", "Customer Name": "text",
}  # fmt: skip
LINE = {"Product": "text", "Quantity": "number", "Price": "number", "Amount": "number"}
EXPECTED: Mapping[str, tuple[str, Mapping[str, Any], list[list[Any]]]] = {
    "letterhead": (
        LETTERHEAD,
        {
            "Invoice Number": "2026-778", "Invoice Date": "2026-05-12", "Total Amount": 576,
            "Net Amount": 480, "VAT Amount": 96, "VAT Number": "GB 123 4567 89",
            "Customer Name": "Smith & Partners LLP",
        },
        [["Oak desk", 1, 450, 450], ["Delivery", 1, 30, 30]],
    ),
    "short": (
        SHORT,
        {
            "Invoice Number": "4711", "Invoice Date": "2026-04-03", "Total Amount": 21.42,
            "Net Amount": 18, "VAT Amount": 3.42, "Order Number": "5567",
        },
        [["Schrauben M4", 200, 0.05, 10], ["Muttern M4", 200, 0.04, 8]],
    ),
    "receipt": (
        RECEIPT,
        {
            "Invoice Date": "2026-05-12", "Total Amount": 9.75, "Net Amount": 8.13,
            "VAT Amount": 1.62, "VAT Number": "GB 987 6543 21",
        },
        [],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", EXPECTED)
def test_plain_texts(name: str) -> None:
    text, head, lines = EXPECTED[name]
    document = Document("text/plain", tuple(plain_pages(text.splitlines())))
    primary = table("Invoices", HEAD)
    child = table("Lines", LINE, primary.table.table_id, Repeats.MANY)
    found = values_of(work(document, "Invoices", primary, child))
    assert found["Invoices"] == [head]
    assert [[line.get(label) for label in LINE] for line in found["Lines"]] == lines
